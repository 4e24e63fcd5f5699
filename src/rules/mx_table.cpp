// SPDX-License-Identifier: Apache-2.0
#include "rules/mx_table.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::rules {

using diag::Attempt;
using diag::Outcome;
using diag::Role;

std::vector<std::string> MxRow::ids() const {
  std::vector<std::string> out;
  for (const auto* list : {&recipient, &postmaster, &random})
    for (const auto& a : *list) out.push_back(*a.id);
  return out;
}

namespace {

MxState state_of(const View& view, const MxRow& row) {
  bool accepted = false, relay = false, other = false, deferred = false;
  for (const auto& a : row.recipient) {
    if (a->shape.tls != row.recipient.front()->shape.tls) continue;  // another question: what TLS is worth
    if (a->outcome == Outcome::accepted) {
      accepted = true;
    } else if (view.denies_domain(*a)) {
      relay = true;
    } else if (a->outcome == Outcome::refused) {
      other = true;
    } else if (a->outcome == Outcome::deferred) {
      deferred = true;
    }
  }
  // A host that changed its mind within a minute is no witness for anything.
  if (accepted && (relay || other)) return MxState::deferred;
  if (deferred) return MxState::deferred;
  if (accepted) return MxState::accepted;
  if (relay) return MxState::relay_refused;
  if (other) return MxState::refused;
  return row.session ? MxState::unreachable : MxState::untouched;
}

/// Further vantages and logged-in sessions are other clients: they are looked at by flips, not here.
bool neutral(const View& view, const diag::Shape& shape) {
  if (!shape.user.empty()) return false;
  const auto& typed = view.question().client.helo;  // S54 asks under the client's own name: another client, too
  if (!typed.empty() && iequals(shape.helo, typed)) return false;
  if (shape.source.empty()) return true;
  for (const auto& s : view.question().sources)
    if (s.is_v6() == shape.server.address.is_v6())
      return shape.source == s.to_string();  // the first of the family is ours
  return true;
}

}  // namespace

MxRow make_row(const View& view, const std::string& host, const IpAddress& address) {
  MxRow row{host, address, MxState::untouched, {}, {}, {}, {}};
  for (const auto& s : view.sessions())
    if (s->shape.host == host && s->shape.server.address == address && neutral(view, s->shape)) row.session = s;
  for (const auto& a : view.attempts()) {
    if (a->shape.host != host || a->shape.server.address != address || !neutral(view, a->shape)) continue;
    if (a->role == Role::recipient && iequals(a->shape.rcpt_to, view.recipient())) row.recipient.push_back(a);
    if (a->role == Role::postmaster) row.postmaster.push_back(a);
    if (a->role == Role::random) row.random.push_back(a);
  }
  row.state = state_of(view, row);
  return row;
}

MxTable::MxTable(const View& view) {
  for (const auto& m : view.mx_addresses()) rows_.push_back(make_row(view, m.host, m.address));
  auto mx = view.mx(view.domain());
  if (!mx) return;
  for (const auto& host : mx->mx.hosts) {
    auto authority = view.authority(host.name);
    if (!authority) continue;
    for (const auto& v : authority->views) {
      for (const auto& address : v.addresses) {
        bool known = std::any_of(rows_.begin(), rows_.end(),
                                 [&](const MxRow& r) { return r.host == host.name && r.address == address; });
        if (!known) rows_.push_back(make_row(view, host.name, address));
      }
    }
  }
}

bool MxTable::all(MxState state) const {
  return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(), [&](const MxRow& r) { return r.state == state; });
}
bool MxTable::any(MxState state) const { return first(state) != nullptr; }
const MxRow* MxTable::first(MxState state) const {
  auto it = std::find_if(rows_.begin(), rows_.end(), [&](const MxRow& r) { return r.state == state; });
  return it == rows_.end() ? nullptr : &*it;
}
bool MxTable::host_all(const std::string& host, MxState state) const {
  return std::all_of(rows_.begin(), rows_.end(), [&](const MxRow& r) { return r.host != host || r.state == state; });
}
std::vector<std::string> MxTable::ids() const {
  std::vector<std::string> out;
  for (const auto& r : rows_)
    for (auto& id : r.ids()) out.push_back(std::move(id));
  return out;
}

namespace {

/// Unrelated hosts are silent on port 25, too.
bool port25_shut_here(const View& view) {
  const auto controls = view.controls();
  if (!controls) return false;
  bool dead = false;
  for (const auto& t : controls->port25) {
    if (t.connected) return false;
    dead = dead ||
           (t.failure && (t.failure->kind == io::Failure::timed_out || t.failure->kind == io::Failure::unreachable));
  }
  return dead;
}

Obstacle no_connection(const View& view, const MxRow& row, const io::IoFailure& failure) {
  const std::string open_vantage = "a vantage whose port 25 is open (--via, --source)";
  std::vector<std::string> ids{*row.session.id};
  const std::string what = row.where() + " cannot be reached: " + io::to_string(failure.kind);
  if (port25_shut_here(view)) {
    ids.push_back(*view.controls().id);
    return {diag::Side::ours, open_vantage, "port 25 of unrelated hosts is silent from here, too", std::move(ids)};
  }
  switch (failure.kind) {
    case io::Failure::not_permitted:
      return {diag::Side::ours, failure.text, what, std::move(ids)};
    case io::Failure::local:
    case io::Failure::proxy:
      return {diag::Side::ours, open_vantage, what + " (" + failure.text + ")", std::move(ids)};
    case io::Failure::unreachable:
      if (failure.text.starts_with("no route from here"))
        return {diag::Side::ours, "a network that has a route to it (--via, --source, -4, -6)", what, std::move(ids)};
      [[fallthrough]];
    default:
      return {diag::Side::theirs, "an answer from " + row.where(), what, std::move(ids)};
  }
}

std::optional<Obstacle> obstacle_at(const View& view, const MxRow& row) {
  if (row.state == MxState::unreachable && row.session) {
    if (row.session->connect_failure) return no_connection(view, row, *row.session->connect_failure);
    const auto* broken = row.session->broken ? &*row.session->broken : nullptr;
    const std::string said = broken && broken->reply ? broken->reply->to_string() : std::string("no reply");
    return Obstacle{diag::Side::theirs,
                    "an answer from " + row.where() + " at another time",
                    row.where() + " ended the session at " +
                        (broken ? std::string(smtp::to_string(broken->phase)) : std::string("its beginning")) + ": " +
                        said,
                    {*row.session.id}};
  }
  if (row.state != MxState::deferred) return std::nullopt;
  for (const auto& a : row.recipient)
    if (a->outcome == Outcome::deferred && a->reply)
      return Obstacle{diag::Side::theirs,
                      "an answer from " + row.where() + " at another time",
                      row.where() + " puts us off, which decides nothing: " + printable(a->reply->to_string(), 160),
                      {*a.id}};
  return Obstacle{diag::Side::theirs, "an answer from " + row.where() + " that does not change",
                  row.where() + " answered now so, now otherwise", row.ids()};
}

}  // namespace

std::optional<Obstacle> obstacle(const View& view, const MxTable& table) {
  for (const auto& row : table.rows())
    if (auto at = obstacle_at(view, row)) return at;
  auto mx = view.mx(view.domain());
  if (!mx) return std::nullopt;
  for (const auto& host : mx->mx.hosts) {
    auto found = view.addresses(host.name);
    if (!found || found->lookup.complete()) continue;
    return Obstacle{diag::Side::theirs,
                    "the addresses of " + host.name,
                    "the addresses of " + host.name + " cannot be looked up (" +
                        std::string(dns::to_string(found->lookup.status())) + ")",
                    {*found.id}};
  }
  return std::nullopt;
}

}  // namespace smtpdx::rules
