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

}  // namespace smtpdx::rules
