// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Exim asks DNS, answered by what the session knows of it.

#include <optional>
#include <string>
#include <vector>

#include "mta/exim/context.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {

struct DnsResult {
  enum State { found, absent, again, unsure } state = unsure;
  std::vector<dns::Record> records;
};
DnsResult dns_ask(Context& c, const std::string& name, dns::Type type);

/// ${lookup dnsdb{…}}.
Found dns_lookup(Context& c, std::string_view query);

/// The addresses of a host, IPv4 and IPv6.
struct Addresses {
  DnsResult::State state = DnsResult::unsure;
  std::vector<IpAddress> list;
};
Addresses addresses_of(Context& c, const std::string& host);

/// Where a domain's mail goes by DNS, and whether this server is among it.
struct MailHosts {
  DnsResult::State state = DnsResult::unsure;
  bool null_mx = false;
  bool local_first = false;  ///< this server is (one of) the most preferred
  bool local_later = false;  ///< it is there, but not the most preferred
  bool by_address = false;   ///< there was no MX
  std::string first_host;
};
struct MailHostRules {
  bool mx_only = false;  ///< no MX, no mail: mx_domains
  std::string ignore;    ///< ignore_target_hosts
};
MailHosts mail_hosts(Context& c, const std::string& domain, const MailHostRules& rules);

}  // namespace smtpdx::mta::exim
