// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/relay_grid.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr std::size_t most_owners_tried = 300;

/// A service that speaks TLS from the first octet and a client that does not never get along, and the other way round.
bool get_along(const Side& side, const Session& session) {
  const bool wrapper = side.parameters.flag("smtpd_tls_wrappermode").value_or(false);
  return wrapper == (session.tls == Tls::wrapper);
}

/// The permit that lets mail out: the first one in the list that protects.
const TraceEntry* opener(const Decision& decision) {
  for (const auto* parameter : {"smtpd_relay_restrictions", "smtpd_recipient_restrictions"}) {
    bool asked = false;
    for (const auto& entry : decision.trace) {
      if (entry.parameter != parameter) continue;
      asked = true;
      if (entry.result == "permit") return &entry;
      if (entry.result == "unknown" || entry.result == "not replayed") return &entry;
    }
    if (asked) return nullptr;
  }
  return nullptr;
}

}  // namespace

Grid::Grid(std::vector<std::unique_ptr<Side>> sides) : sides_(std::move(sides)) {
  Sides plain;
  for (const auto& side : sides_) plain.push_back(side.get());
  axes_ = axes_of(plain);
}

const Service& Grid::service() const { return sides_.front() ? sides_.front()->service : sides_.back()->service; }

std::vector<std::size_t> Grid::coordinates(std::size_t cell) const {
  std::vector<std::size_t> at(axes_.size());
  for (std::size_t i = axes_.size(); i-- > 0;) {
    at[i] = cell % axes_[i].values.size();
    cell /= axes_[i].values.size();
  }
  return at;
}

Draft Grid::draft(const std::vector<std::size_t>& at) const {
  Draft draft;
  draft.session.client_name = "unknown";
  draft.session.port = service().port();
  for (std::size_t i = 0; i < axes_.size(); ++i) axes_[i].values[at[i]].apply(draft);
  return draft;
}

Relay Grid::ask(std::size_t index, const Draft& draft, const std::vector<std::size_t>& at, Decision* told) const {
  auto* side = sides_[index].get();
  if (!side || !draft.possible || !get_along(*side, draft.session) || !side->can_reach(*draft.session.client))
    return Relay::no;
  auto session = draft.session;
  const auto& assumed = draft.assumed[index];
  if (!assumed.access.empty() || assumed.owners) session.assumed = std::make_shared<const Assumptions>(assumed);
  // A domain that only a database knows would be one of ours: mail for it is no relaying.
  if (const auto path = internal_form(session.recipient))
    if (side->classes.resolve(*path).address_class == AddressClass::unknown)
      session.recipient_class = AddressClass::none;
  const auto decision = side->decide(session);
  auto relay = relay_of(decision);
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (!axes_[i].values[at[i]].doubt.empty()) relay = std::min(relay, Relay::perhaps);
    if (axes_[i].blurred.empty()) continue;
    relay = relay == Relay::no ? Relay::perhaps : relay == Relay::yes ? Relay::unless : relay;
  }
  if (!side->tests.unread.empty() && relay == Relay::no) relay = Relay::perhaps;
  if (told) *told = decision;
  return relay;
}

Result<void> Grid::fill() {
  std::size_t count = 1;
  for (const auto& axis : axes_)
    if (!axis.refused.empty())
      return fail(ErrorKind::limit,
                  service().where.to_string() + ": service " + printable(service().name, 60) + ": " + axis.refused,
                  "ask about single sessions: smtpdx config decide");
  for (const auto& axis : axes_) {
    count *= std::max<std::size_t>(axis.values.size(), 1);
    if (axis.values.empty()) count = 0;
    if (count > max_combinations)
      return fail(ErrorKind::limit,
                  service().where.to_string() + ": service " + printable(service().name, 60) +
                      " tells more than 60,000 kinds of sessions apart",
                  "ask about single sessions: smtpdx config decide");
  }
  possible_.assign(count, false);
  relay_.assign(sides_.size(), std::vector<Relay>(count, Relay::no));
  for (std::size_t cell = 0; cell < count; ++cell) {
    const auto at = coordinates(cell);
    const auto one = draft(at);
    possible_[cell] = one.possible;
    if (!one.possible) continue;
    bool happens = false;
    for (std::size_t side = 0; side < sides_.size(); ++side) {
      Decision told;
      relay_[side][cell] = ask(side, one, at, &told);
      happens = happens || (sides_[side] && get_along(*sides_[side], one.session) && told.verdict != Verdict::no_auth &&
                            told.verdict != Verdict::no_starttls);
    }
    possible_[cell] = happens;
  }
  return {};
}

std::optional<std::size_t> Grid::cell_of(const Session& session) const {
  std::size_t cell = 0;
  for (const auto& axis : axes_) {
    const auto signature = axis.signature_of(session);
    const auto value = std::find_if(axis.values.begin(), axis.values.end(),
                                    [&](const AxisValue& v) { return v.signature == signature; });
    if (value == axis.values.end()) return std::nullopt;
    cell = cell * axis.values.size() + static_cast<std::size_t>(value - axis.values.begin());
  }
  return cell;
}

std::vector<std::string> Grid::not_bounded() const {
  std::vector<std::string> why;
  const auto add = [&](const std::string& one) {
    if (!one.empty() && std::find(why.begin(), why.end(), one) == why.end()) why.push_back(one);
  };
  for (const auto& axis : axes_) {
    add(axis.blurred);
    for (const auto& value : axis.values) add(value.doubt);
  }
  for (const auto& side : sides_)
    if (side)
      for (const auto& one : side->tests.unread) add(one);
  return why;
}

bool Grid::bounded() const {
  return std::all_of(axes_.begin(), axes_.end(), [](const Axis& axis) { return axis.blurred.empty(); }) &&
         std::all_of(sides_.begin(), sides_.end(),
                     [](const auto& side) { return !side || side->tests.unread.empty(); });
}

void Grid::visit(const Box& box, const std::function<bool(std::size_t)>& each) const {
  std::vector<std::size_t> cells = {0};
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    std::vector<std::size_t> next;
    for (const auto cell : cells)
      for (std::size_t value = 0; value < box[i].size(); ++value)
        if (box[i][value]) next.push_back(cell * box[i].size() + value);
    cells = std::move(next);
  }
  for (const auto cell : cells)
    if (!each(cell)) return;
}

bool Grid::fits(const Box& box, const Test& among) const {
  bool all = true;
  visit(box, [&](std::size_t cell) { return all = !possible_[cell] || among(cell); });
  return all;
}

/// Is there any session in the box with this value?
bool Grid::happens(Box box, std::size_t axis, std::size_t value) const {
  box[axis].assign(box[axis].size(), false);
  box[axis][value] = true;
  return !fits(box, [](std::size_t) { return false; });
}

/// As wide as it can be; the client's address last, so that what does not depend on it says so.
Grid::Box Grid::grown(std::size_t seed, const Test& among) const {
  const auto at = coordinates(seed);
  Box box;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    box.emplace_back(axes_[i].values.size(), false);
    box[i][at[i]] = true;
  }
  for (std::size_t step = 0; step < axes_.size(); ++step) {
    const auto i = (step + 1) % axes_.size();
    for (std::size_t value = 0; value < box[i].size(); ++value) {
      if (box[i][value]) continue;
      auto slice = box;
      slice[i].assign(slice[i].size(), false);
      slice[i][value] = true;
      if (fits(slice, among)) box[i][value] = true;
    }
  }
  return box;
}

void Grid::cover(std::size_t side, const Test& seeds, const Test& among, std::vector<RelayRegion>& out) const {
  std::vector<bool> covered(size(), false);
  for (std::size_t cell = 0; cell < size(); ++cell) {
    if (covered[cell] || !possible_[cell] || !seeds(cell)) continue;
    const auto box = grown(cell, among);
    visit(box, [&](std::size_t inside) { return covered[inside] = true; });
    out.push_back(region(side, cell, box));
  }
}

namespace {

/// "boss@partner.example" beside "@partner.example" says nothing new.
void drop_included(std::vector<std::string>& members) {
  const std::set<std::string> all(members.begin(), members.end());
  std::erase_if(members, [&](const std::string& member) {
    const auto comma = member.find(", trusted");
    if (comma != std::string::npos) return all.contains(member.substr(0, comma));
    const auto at = member.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == member.size()) return false;
    return all.contains(member.substr(at)) || all.contains(member.substr(0, at + 1));
  });
}

/// Postfix never sees IPv4-mapped clients as IPv6: where both neighbours of theirs are meant, so are they.
void close_gap(std::vector<Span>& spans) {
  const auto mapped = *Network::parse("[::ffff:0:0]/96");
  const Span gap{point_of(mapped.base), point_of(*IpAddress::parse("::1:0:0:0"))};
  const bool before = std::any_of(spans.begin(), spans.end(), [&](const Span& s) { return s.end == gap.begin; });
  const bool after = std::any_of(spans.begin(), spans.end(), [&](const Span& s) { return s.begin == gap.end; });
  if (before && after) spans.push_back(gap);
}

}  // namespace

std::vector<std::string> Grid::members(const Axis& axis, const std::vector<bool>& chosen, bool wanted) {
  std::vector<std::string> members;
  std::vector<Span> spans;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] != wanted) continue;
    const auto& value = axis.values[i];
    spans.insert(spans.end(), value.spans.begin(), value.spans.end());
    members.insert(members.end(), value.members.begin(), value.members.end());
    if (value.rest && value.members.empty() && value.spans.empty())
      members.push_back(axis.name == "client-name" ? "no verified name" : "any other");
  }
  close_gap(spans);
  for (const auto& network : networks_of(std::move(spans))) members.push_back(network.to_string());
  drop_included(members);
  // The same address in another form; alone it is the only form meant.
  if (wanted && members.size() > 1) std::erase(members, "bang paths without a domain");
  return members;
}

RelayRegion::Limit Grid::limit(const Axis& axis, const std::vector<bool>& chosen) const {
  RelayRegion::Limit limit;
  limit.axis = axis.name;
  limit.members = members(axis, chosen, true);
  bool rest = false;
  for (std::size_t i = 0; i < chosen.size(); ++i) rest = rest || (chosen[i] && axis.values[i].rest);
  if (!rest || axis.name == "login") return limit;
  auto others = members(axis, chosen, false);
  const bool shorter = axis.name != "client" || others.size() < limit.members.size();
  if (!shorter || others.empty()) return limit;
  limit.except = true;
  limit.members = std::move(others);
  return limit;
}

RelayRegion Grid::region(std::size_t index, std::size_t seed, const Box& box) const {
  RelayRegion region;
  const auto at = coordinates(seed);
  region.relay = relay_[index][seed];
  region.service = service().name;
  region.service_at = service().where;
  region.port = service().port();
  bool plain = true, everywhere = true;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const auto& name = axes_[i].name;
    bool all = true;
    auto chosen = box[i];
    for (std::size_t v = 0; v < chosen.size(); ++v) {
      const bool real = happens(box, i, v);
      all = all && (chosen[v] || !real);
      chosen[v] = chosen[v] && real;
    }
    for (std::size_t v = 0; name == "login" && v < chosen.size(); ++v) {
      const bool none = axes_[i].values[v].signature == "none";
      region.strangers = region.strangers || (chosen[v] && none);
      region.logins = region.logins || (chosen[v] && !none);
    }
    if (!all) region.limits.push_back(limit(axes_[i], chosen));
    if (name == "client") everywhere = axes_[i].values[at[i]].rest;
    const auto& value = axes_[i].values[at[i]];
    if (name == "login" || name == "certificate") plain = plain && value.signature == "none";
    // Sender and EHLO name are whatever the client says; these are not.
    const bool given = name == "client-name" || name == "recipient" || name.starts_with("check_client") ||
                       name.starts_with("check_recipient");
    if (given) plain = plain && value.rest;
    if (!axes_[i].blurred.empty()) region.needs.push_back(axes_[i].blurred);
    if (!axes_[i].values[at[i]].doubt.empty()) region.needs.push_back(axes_[i].values[at[i]].doubt);
  }
  const auto one = draft(at);
  Decision decision;
  ask(index, one, at, &decision);
  region.needs.insert(region.needs.end(), decision.unknown.begin(), decision.unknown.end());
  region.everybody = plain && everywhere && (!sides_[index] || !sides_[index]->loopback_only());
  if (const auto* entry = opener(decision)) {
    region.restriction = entry->restriction;
    region.parameter = entry->parameter;
    region.where = entry->where;
    region.why = entry->why;
  }
  region.witness = one.session;
  find_witness(index, region, at);
  return region;
}

bool Grid::confirmed(std::size_t index, const Session& session, Relay expected) const {
  auto* side = sides_[index].get();
  return side && relay_of(side->decide(session)) == expected;
}

/// A session that needs nothing assumed. What was made up may belong to nobody: then those who own something are tried.
void Grid::find_witness(std::size_t index, RelayRegion& region, const std::vector<std::size_t>& at) const {
  region.witnessed = confirmed(index, region.witness, region.relay);
  auto* side = sides_[index].get();
  if (region.witnessed || !side || !side->owners_matter()) return;
  const auto owned = side->outline_of("smtpd_sender_login_maps");
  std::size_t tried = 0;
  for (const auto& answer : owned.answers) {
    if (++tried > most_owners_tried) return;
    auto session = region.witness;
    const auto owners = split_outside_braces(Cited(answer.value, answer.where), ",");
    if (owners.empty()) continue;
    session.sender = answer.key.starts_with("@") ? "somebody" + answer.key : answer.key;
    if (session.login) session.login->user = owners.front().text();
    const auto cell = cell_of(session);
    if (!cell || coordinates(*cell) != at || !confirmed(index, session, region.relay)) continue;
    region.witness = session;
    region.witnessed = true;
    return;
  }
}

}  // namespace smtpdx::mta::postfix
