// SPDX-License-Identifier: Apache-2.0
#include "io/connect_to.hpp"

#include "base/text.hpp"

namespace smtpdx::io {
namespace {

/// Fields between the colons that stand outside brackets; the brackets stay.
std::vector<std::string_view> split_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  bool bracketed = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '[') bracketed = true;
    if (text[at] == ']') bracketed = false;
    if (text[at] != ':' || bracketed) continue;
    fields.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  fields.push_back(text.substr(begin));
  return fields;
}

Result<std::optional<std::uint16_t>> port_field(std::string_view field) {
  if (field.empty()) return std::nullopt;
  const auto number = parse_number(field);
  if (!number || *number == 0 || *number > 65535) {
    return fail(ErrorKind::usage, "\"" + std::string(field) + "\" is no port");
  }
  return static_cast<std::uint16_t>(*number);
}

std::string canonical_host(std::string_view field) {
  const auto address = IpAddress::parse(field);
  return address ? address->to_string() : canonical_name(field);
}

}  // namespace

Result<ConnectToRule> ConnectToRule::parse(std::string_view text) {
  const auto field = split_fields(text);
  if (field.size() != 4) {
    return fail(ErrorKind::usage, "\"" + std::string(text) + "\" is not HOST:PORT:ADDR:PORT",
                "IPv6 addresses go in brackets; a field may be empty");
  }
  ConnectToRule rule;
  rule.host = canonical_host(field[0]);
  const auto port = port_field(field[1]);
  const auto to_port = port_field(field[3]);
  if (!port) return std::unexpected(port.error());
  if (!to_port) return std::unexpected(to_port.error());
  rule.port = *port;
  rule.to_port = *to_port;
  rule.to_address = IpAddress::parse(field[2]);
  if (!rule.to_address && !field[2].empty()) {
    return fail(ErrorKind::usage, "\"" + std::string(field[2]) + "\" is no address",
                "--connect-to HOST:PORT:ADDR:PORT takes an address to connect to, not a name");
  }
  return rule;
}

bool ConnectToRule::matches(const ConnectRequest& request) const {
  if (port && *port != request.to.port) return false;
  return host.empty() || host == canonical_name(request.host) || host == request.to.address.to_string();
}

Task<IoResult<std::unique_ptr<Stream>>> ConnectTo::connect(ConnectRequest request, Deadline deadline) {
  for (const auto& rule : rules_) {
    if (!rule.matches(request)) continue;
    if (rule.to_address) request.to.address = *rule.to_address;
    if (rule.to_port) request.to.port = *rule.to_port;
    break;
  }
  return inner_.connect(std::move(request), deadline);
}

}  // namespace smtpdx::io
