// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/master_cf.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr std::size_t fields_before_arguments = 8;

struct PortName {
  std::string_view name;
  std::uint16_t port;
};
// The services(5) names that stand in master.cf files; "smtps", "ssmtp" and "urd" are older words for submissions.
constexpr std::array port_names = {PortName{"smtp", 25},         PortName{"mail", 25},   PortName{"submission", 587},
                                   PortName{"submissions", 465}, PortName{"smtps", 465}, PortName{"ssmtp", 465},
                                   PortName{"urd", 465},         PortName{"msa", 587}};

/// "{ name = value }" without the braces; anything else as it is.
Cited without_braces(const Cited& token) {
  const auto& text = token.text();
  if (text.size() >= 2 && text.front() == '{' && matching_brace(text, 0) == text.size())
    return token.slice(1, text.size() - 2).trimmed();
  return token;
}

Result<void> read_options(const std::vector<Cited>& tokens, Service& service) {
  for (std::size_t i = fields_before_arguments; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    if (!token.text().starts_with("-o")) continue;
    Cited option = token.slice(2);
    if (option.empty()) {
      if (++i == tokens.size())
        return fail(ErrorKind::malformed, token.where().to_string() + ": -o without name=value");
      option = tokens[i];
    }
    auto setting = parse_setting(without_braces(option));
    if (!setting) return std::unexpected(setting.error());
    const auto name = setting->name;
    service.overrides.insert_or_assign(name, std::move(*setting));
  }
  return {};
}

Result<Service> parse_service(const Cited& line) {
  const auto tokens = split_outside_braces(line, "");
  const auto at = line.where().to_string();
  if (tokens.size() < fields_before_arguments)
    return fail(ErrorKind::malformed, at + ": a service needs 8 fields, here are " + std::to_string(tokens.size()));
  Service service{tokens[0].text(), tokens[1].text(), tokens[7].text(), line.where(), {}};
  static constexpr std::array<std::string_view, 5> types = {"inet", "unix", "fifo", "pass", "unix-dgram"};
  if (std::find(types.begin(), types.end(), service.type) == types.end())
    return fail(ErrorKind::malformed, at + ": \"" + printable(service.type, 60) + "\" is no transport type");
  if (auto done = read_options(tokens, service); !done) return std::unexpected(done.error());
  return service;
}

}  // namespace

std::string Service::host() const {
  if (type != "inet") return {};
  const auto colon = name.rfind(':');
  if (colon == std::string::npos || name.ends_with(']')) return {};
  auto host = name.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return host == "*" ? std::string() : host;
}

std::uint16_t Service::port() const {
  if (type != "inet") return 0;
  const auto colon = name.rfind(':');
  const auto word = colon == std::string::npos ? name : name.substr(colon + 1);
  if (auto number = parse_number(word))
    return *number <= 65535 ? static_cast<std::uint16_t>(*number) : std::uint16_t{0};
  const auto known =
      std::find_if(port_names.begin(), port_names.end(), [&](const PortName& p) { return p.name == word; });
  return known == port_names.end() ? std::uint16_t{0} : known->port;
}

Result<MasterCf> MasterCf::parse(const Directory::File& file) {
  MasterCf master;
  for (const auto& line : logical_lines(file)) {
    auto service = parse_service(line);
    if (!service) return std::unexpected(service.error());
    auto same = std::find_if(master.services_.begin(), master.services_.end(),
                             [&](const Service& s) { return s.name == service->name && s.type == service->type; });
    if (same != master.services_.end())
      *same = std::move(*service);  // the daemon warns and takes the last one
    else
      master.services_.push_back(std::move(*service));
  }
  return master;
}

MasterCf MasterCf::standard() {
  MasterCf master;
  master.services_.push_back(Service{"smtp", "inet", "smtpd", {}, {}});
  return master;
}

std::vector<const Service*> MasterCf::on_port(std::uint16_t port) const {
  std::vector<const Service*> found;
  for (const auto& service : services_)
    if (port != 0 && service.port() == port) found.push_back(&service);
  return found;
}

const Service* MasterCf::find(std::string_view name, std::string_view type) const {
  for (const auto& service : services_)
    if (service.name == name && service.type == type) return &service;
  return nullptr;
}

}  // namespace smtpdx::mta::postfix
