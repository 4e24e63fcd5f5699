// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/address_policy.hpp"
#include "base/text.hpp"
#include "rules/survey.hpp"

namespace smtpdx::rules {

using diag::HostSurvey;
using diag::Survey;
using dns::MxKind;

namespace {

constexpr std::uint32_t short_ttl = 300, long_ttl = 7 * 24 * 3600;
constexpr std::size_t many_hosts = 10;

About about_domain(const Survey& s) { return {s.target, {s.mx->id}}; }

About about(const HostSurvey& host) { return {host.name, {host.lookup.id}}; }

/// RFC 1123 §2.1: letters, digits, hyphens not at the ends of a label.
bool is_host_name(std::string_view name) {
  for (const auto label : split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    const auto fits = [](char c) {
      return is_digit(c) || c == '-' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
    };
    if (!std::all_of(label.begin(), label.end(), fits)) return false;
  }
  return true;
}

std::string listed(const Survey& s) {
  std::vector<std::string> hosts;
  for (const auto& h : s.mx->what.mx.hosts)
    hosts.push_back(std::to_string(h.preference) + " " + printable(h.name, 255));
  return join(hosts, ", ");
}

/// Whether anything can be delivered to; without that, nothing else about the hosts is worth saying.
bool judge_presence(const Survey& s, Findings& out) {
  const auto& mx = s.mx->what.mx;
  const auto domain = about_domain(s);
  if (mx.kind == MxKind::unknown) {
    out.untested("MX-01", domain, mx.why);
    return false;
  }
  const bool nothing = mx.kind == MxKind::none || mx.kind == MxKind::no_name;
  out.check("MX-01", domain, nothing, mx.kind == MxKind::no_name ? "there is no such domain (NXDOMAIN)" : "");
  if (nothing) return false;
  if (mx.kind == MxKind::null_mx) {
    out.fault("MX-03", domain);
    const bool zero = mx.mx.records.empty() || mx.mx.records.front().preference == 0;
    out.check("MX-05", domain, !zero);
    return false;
  }
  out.check("MX-02", domain, mx.kind == MxKind::implicit);
  out.check("MX-04", domain, mx.null_beside_others, listed(s));
  return true;
}

void judge_set(const Survey& s, Findings& out) {
  const auto& mx = s.mx->what.mx;
  const auto domain = about_domain(s);
  if (mx.kind != MxKind::listed) return;
  std::set<std::string> names, twice;
  for (const auto& h : mx.hosts)
    if (!names.insert(h.name).second) twice.insert(printable(h.name, 255));
  out.check("MX-12", domain, !twice.empty(), join({twice.begin(), twice.end()}, ", "));
  out.check("MX-14", domain, names.size() == 1, "if it is down, senders keep the mail and try again for some days");
  out.check("MX-17", domain, names.size() > many_hosts, std::to_string(names.size()) + " hosts");
  const auto ttl = mx.mx.records.empty() ? short_ttl : mx.mx.records.front().ttl;
  // What a cache has counted down says nothing about what is published: only too long is certain.
  out.check("MX-21", domain, ttl > long_ttl, std::to_string(ttl) + " seconds");
}

Network network_of(const IpAddress& address) {
  return *Network::parse(address.to_string() + (address.is_v6() ? "/48" : "/24"));
}

void judge_spread(const Survey& s, Findings& out) {
  std::set<std::string> networks;
  std::size_t addresses = 0;
  std::vector<std::string> ids;
  bool six = false, complete = true;
  for (const auto& host : s.hosts) {
    ids.push_back(host.lookup.id);
    complete = complete && host.lookup.what.lookup.complete();
    for (const auto& a : host.addresses) {
      six = six || a.address.is_v6();
      networks.insert(network_of(a.address).to_string());
      ++addresses;
    }
  }
  if (addresses == 0) return;
  const About all{s.target, ids};
  if (s.hosts.size() > 1) out.check("MX-13", all, networks.size() == 1, *networks.begin());
  if (six || complete) out.check("V6-03", all, !six);
}

void judge_host(const HostSurvey& host, Findings& out) {
  const auto& lookup = host.lookup.what.lookup;
  const auto it = about(host);
  const bool is_address = IpAddress::parse(host.name).has_value();
  out.check("MX-09", it, is_address);
  if (is_address) return;
  out.check("MX-18", it, !is_host_name(host.name), printable(host.name, 255));
  if (lookup.addresses.empty() && !lookup.complete()) {
    out.untested("MX-10", it, "its addresses could not be looked up: " + std::string(to_string(lookup.status())));
    return;
  }
  const bool gone = lookup.status() == dns::Status::no_name;
  out.check("MX-10", it, lookup.addresses.empty(), gone ? "there is no such name (NXDOMAIN)" : "neither A nor AAAA");
  out.check("MX-08", it, lookup.alias());
  std::vector<std::string> closed;
  for (const auto& a : lookup.addresses) {
    const auto kind = classify(a);
    if (kind.kind != AddressKind::open && !a.is_documentation())
      closed.push_back(a.to_string() + " is " + std::string(kind.what));
  }
  if (!lookup.addresses.empty()) out.check("MX-11", it, !closed.empty(), join(closed, ", "));
}

}  // namespace

void judge_mx(const Survey& s, Findings& out) {
  if (!s.mx || !judge_presence(s, out)) return;
  judge_set(s, out);
  judge_spread(s, out);
  for (const auto& host : s.hosts) judge_host(host, out);
}

}  // namespace smtpdx::rules
