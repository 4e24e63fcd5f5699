// SPDX-License-Identifier: Apache-2.0
//
// The client's name: found by PTR, and believed only where the name leads back to the address.

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

/// Names that lead back to the address; `again` where one could not be asked.
HostName verified(Context& c, const IpAddress& address, const std::vector<std::string>& names) {
  HostName host;
  bool again = false, unsure = false;
  for (const auto& name : names) {
    const auto back = addresses_of(c, name);
    again = again || back.state == DnsResult::again;
    unsure = unsure || back.state == DnsResult::unsure;
    if (std::find(back.list.begin(), back.list.end(), address) == back.list.end()) continue;
    if (host.name.empty())
      host.name = name;
    else
      host.aliases.push_back(name);
  }
  host.state = !host.name.empty() ? HostName::found
               : unsure           ? HostName::unsure
               : again            ? HostName::deferred
                                  : HostName::failed;
  return host;
}

HostName look_up_name(Context& c) {
  HostName host;
  const auto& session = c.session;
  if (session.client_name) {
    host.name = *session.client_name == "unknown" ? "" : *session.client_name;
    host.state = host.name.empty() ? HostName::failed : HostName::found;
    return host;
  }
  if (!session.client) {
    host.state = HostName::unsure;
    return host;
  }
  const auto pointers = dns_ask(c, session.client->reverse_name(), dns::Type::PTR);
  if (pointers.state == DnsResult::unsure) {
    host.state = session.client->is_loopback() ? HostName::found : HostName::unsure;
    host.name = session.client->is_loopback() ? "localhost" : "";
    return host;
  }
  if (pointers.state == DnsResult::again) {
    host.state = HostName::deferred;
    return host;
  }
  std::vector<std::string> names;
  for (const auto& record : pointers.records)
    if (!record.name.empty()) names.push_back(record.name);
  if (names.empty() && session.client->is_loopback()) names.emplace_back("localhost");  // the hosts file
  return verified(c, *session.client, names);
}

}  // namespace

const HostName& host_name(Context& c) {
  if (c.host.state == HostName::not_tried) c.host = look_up_name(c);
  return c.host;
}

}  // namespace smtpdx::mta::exim
