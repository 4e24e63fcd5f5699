// SPDX-License-Identifier: Apache-2.0
#include "api/headers_session.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/address.hpp"

namespace smtpdx::api {

namespace {

bool is_public(const IpAddress& a) { return !a.is_private() && !a.is_loopback(); }

/// The last two labels: enough to see that two hosts are of one house, not that they are not.
std::string house(std::string_view host) {
  const auto name = canonical_name(host);
  const auto last = name.rfind('.');
  if (last == std::string::npos || last == 0) return name;
  const auto before = name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

bool comes_from_outside(const mail::Received& r) {
  if (!r.address || !is_public(*r.address) || r.authenticated) return false;
  const auto by = house(r.by);
  return by.empty() || (house(r.name) != by && house(r.from) != by);
}

/// key=value pairs of Received-SPF (RFC 7208 §9.1); quotes are taken off.
std::string value_of(std::string_view field, std::string_view key) {
  for (auto at = ifind(field, key); at != std::string_view::npos; at = ifind(field, key, at + 1)) {
    const bool begins = at == 0 || is_space(field[at - 1]) || field[at - 1] == ';' || field[at - 1] == '(';
    auto rest = field.substr(at + key.size());
    if (!begins || !rest.starts_with("=")) continue;
    rest.remove_prefix(1);
    if (rest.starts_with("\"")) return std::string(rest.substr(1, rest.find('"', 1) - 1));
    return std::string(rest.substr(0, rest.find_first_of("; \t\r\n)")));
  }
  return {};
}

void by_received_spf(const dkim::Message& message, Session& session) {
  const auto& all = message.all("Received-SPF");
  if (all.empty()) return;
  const auto value = message.fields()[all.front()].value();
  const auto client = IpAddress::parse(value_of(value, "client-ip"));
  if (!client || !is_public(*client)) return;
  session.client = client;
  session.helo = printable(value_of(value, "helo"), 253);
  session.source = "Received-SPF";
  if (const auto sender = value_of(value, "envelope-from"); !sender.empty())
    session.mail_from = mail::first_address(sender);
}

void by_hops(const std::vector<Hop>& hops, Session& session) {
  const auto hop =
      std::find_if(hops.rbegin(), hops.rend(), [](const Hop& h) { return comes_from_outside(h.received); });
  if (hop == hops.rend()) return;
  session.client = hop->received.address;
  session.helo = printable(hop->received.from.empty() ? hop->received.name : hop->received.from, 253);
  session.source = "Received by " + printable(hop->received.by, 253);
}

}  // namespace

Session session_of(const HeadersRequest& request, const dkim::Message& message, const std::vector<Hop>& hops) {
  Session session;
  by_received_spf(message, session);
  if (!session.client) by_hops(hops, session);
  const auto& path = message.all("Return-Path");
  if (!session.mail_from && !path.empty())
    session.mail_from = mail::first_address(message.fields()[path.front()].value());
  if (!request.client_address.empty()) {
    session.client = IpAddress::parse(request.client_address);
    session.helo.clear();  // that of another session
    session.source = "options";
  }
  if (!request.helo.empty()) session.helo = request.helo;
  if (request.mail_from) session.mail_from = *request.mail_from;
  return session;
}

}  // namespace smtpdx::api
