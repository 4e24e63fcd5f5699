// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/helo.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {

bool helo_syntax_fine(const Context& c, const std::string& name) {
  if (name.empty()) return false;
  if (name.starts_with('[')) {
    const auto inner = std::string_view(name).substr(1, name.size() - 2);
    return name.ends_with(']') && inner.find('[') == std::string_view::npos && IpAddress::parse(inner).has_value();
  }
  const auto more = c.configuration.text("helo_allow_chars");
  return std::all_of(name.begin(), name.end(), [&](char x) {
    return is_digit(x) || x == '-' || x == '.' || (ascii_lower(x) >= 'a' && ascii_lower(x) <= 'z') ||
           more.find(x) != std::string::npos;
  });
}

void verify_helo(Context& c) {
  if (!c.helo_verified.empty()) return;
  c.helo_verified = "no";
  const auto address = IpAddress::parse(c.client);
  if (c.helo.starts_with('[')) {
    if (address && IpAddress::parse(c.helo) == address) c.helo_verified = "yes";
    return;
  }
  const auto& host = host_name(c);
  const auto same = [&](const std::string& name) { return iequals(name, c.helo); };
  if (host.state == HostName::found &&
      (same(host.name) || std::any_of(host.aliases.begin(), host.aliases.end(), same))) {
    c.helo_verified = "yes";
    return;
  }
  if (IpAddress::parse(c.helo)) return;  // an address without brackets is no name
  const auto back = addresses_of(c, canonical_name(c.helo));
  if (address && std::find(back.list.begin(), back.list.end(), *address) != back.list.end())
    c.helo_verified = "yes";
  else if (back.state == DnsResult::again)
    c.helo_verified = "defer";
  else if (back.state == DnsResult::unsure || host.state == HostName::unsure)
    c.helo_verified = c.ask("whether the HELO name leads to the client") ? "yes" : "no";
}

}  // namespace smtpdx::mta::exim
