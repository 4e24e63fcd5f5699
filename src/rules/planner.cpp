// SPDX-License-Identifier: Apache-2.0
#include "rules/planner.hpp"

#include "base/text.hpp"

namespace smtpdx::rules {

using diag::Outcome;
using diag::Role;
using diag::TlsMode;
using diag::TlsWish;
using diag::WantTalk;

std::optional<IpAddress> Planner::source(const IpAddress& server) const {
  for (const auto& s : case_.sources)
    if (s.is_v6() == server.is_v6()) return s;
  return std::nullopt;
}

std::optional<IpAddress> Planner::other_source(const IpAddress& server) const {
  const auto first = source(server);
  for (const auto& s : case_.sources)
    if (s.is_v6() == server.is_v6() && s != *first) return s;
  return std::nullopt;
}

std::optional<IpAddress> Planner::any_source() const {
  if (case_.sources.empty()) return std::nullopt;
  return case_.sources.front();
}

WantTalk Planner::mx_talk(const std::string& host, const IpAddress& address) const {
  WantTalk talk;
  talk.host = host;
  talk.server = {address, case_.smtp_port};
  talk.tls = TlsWish::opportunistic;
  talk.source = source(address);
  return talk;
}

WantTalk Planner::talk_to(const std::string& host, Endpoint server, TlsWish tls) const {
  WantTalk talk;
  talk.host = host;
  talk.server = server;
  talk.tls = tls;
  talk.source = source(server.address);
  return talk;
}

std::string Planner::plain_form() const {
  const auto local = local_part_of(view_.recipient());
  auto at = local.find_first_of("%!@");
  if (at == std::string::npos || local[at] == '!') return {};
  auto user = local.substr(0, at);
  if (!user.empty() && user.front() == '"') user.erase(0, 1);
  return user + "@" + view_.domain();
}

void Planner::controls() { add(diag::WantControls{case_.controls25, case_.controls587, any_source()}); }

void Planner::flips_at(const std::string& host, Endpoint server, TlsWish tls, const std::string& from) {
  const auto with_envelope = [&](const Transaction& one) {
    auto talk = talk_to(host, server, tls);
    talk.transactions = {one};
    return talk;
  };
  const Transaction one{{from, view_.recipient(), Role::recipient}};
  const bool early = refused_before_tls(host);
  if (early && tls == TlsWish::opportunistic) tls = TlsWish::plain;
  if (view_.has_candidate("client.helo_invalid") && !case_.client.helo.empty()) {
    WantTalk typed = with_envelope(one);
    typed.helo = case_.client.helo;
    add(typed);
    if (early && refused_with_typed_helo(host)) add(with_envelope(one));
    if (accepted_with_other_helo(host, early)) {
      typed.round = 1;
      add(typed);
    }
  }
  const auto vantage = other_source(server.address);
  if (!refused_here(host) || !vantage) return;
  WantTalk other = with_envelope(one);
  other.source = vantage;
  add(other);
  if (accepted_from(host, *vantage)) {
    other.source = source(server.address);
    other.round = 1;
    add(other);
  }
}

bool Planner::refused_here(const std::string& host) const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host && view_.refused_as_asked(*a)) return true;
  return false;
}

bool Planner::accepted_from(const std::string& host, const IpAddress& address) const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host && a->shape.source == address.to_string() && a->outcome == Outcome::accepted) return true;
  return false;
}

bool Planner::accepted_with_other_helo(const std::string& host, bool in_plain_text) const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host && !iequals(a->shape.helo, case_.client.helo) && a->outcome == Outcome::accepted &&
        (!in_plain_text || a->shape.tls == TlsMode::plain))
      return true;
  return false;
}

bool Planner::refused_before_tls(const std::string& host) const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host && a->phase <= smtp::Phase::ehlo && view_.refused_as_asked(*a)) return true;
  return false;
}

bool Planner::refused_with_typed_helo(const std::string& host) const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host && iequals(a->shape.helo, case_.client.helo) && view_.refused_as_asked(*a)) return true;
  return false;
}

}  // namespace smtpdx::rules
