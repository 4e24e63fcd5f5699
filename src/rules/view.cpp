// SPDX-License-Identifier: Apache-2.0
#include "rules/view.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/text.hpp"
#include "kb/permanent.hpp"

namespace smtpdx::rules {

using diag::Attempt;
using diag::Axis;
using diag::Outcome;
using kb::Reason;

namespace {

/// What the phrases make of a reply. Live replies repeat themselves, so that each wording is matched once.
struct Words {
  Reason reason = Reason::unknown;
  std::string states;
  std::vector<std::string> causes;
};

const Words& words_of(const kb::Catalogue& catalogue, const smtp::Reply& reply) {
  static thread_local std::unordered_map<std::string, Words> known;
  constexpr std::size_t limit = 4096;
  std::string key = reply.to_string();
  if (auto it = known.find(key); it != known.end()) return it->second;
  if (known.size() >= limit) known.clear();
  Words words;
  kb::ReplyWords input{reply.code, reply.status ? reply.status->to_string() : "", reply.text()};
  auto matches = catalogue.match(input);
  for (const auto& m : matches) {
    if (m.phrase->wrapper) continue;
    words = {m.phrase->reason, m.phrase->states, m.phrase->causes};
    break;
  }
  return known.emplace(std::move(key), std::move(words)).first->second;
}

template <class F, class Key>
Seen<F> find_by(const std::vector<Seen<F>>& list, Key key) {
  auto it = std::find_if(list.begin(), list.end(), [&](const Seen<F>& s) { return key(*s); });
  return it == list.end() ? Seen<F>{} : *it;
}

}  // namespace

bool same_family(Reason a, Reason b) {
  auto wants_login = [](Reason r) {
    return r == Reason::relay_denied || r == Reason::auth_required || r == Reason::tls;
  };
  return a == b || (wants_login(a) && wants_login(b));
}

std::string organisation(std::string_view host) {
  auto labels = split(host, '.');
  std::size_t keep = 2;
  if (labels.size() > 2 && labels.back().size() == 2 && labels[labels.size() - 2].size() <= 3) keep = 3;
  if (labels.size() <= keep) return canonical_name(host);
  std::string name;
  for (std::size_t i = labels.size() - keep; i < labels.size(); ++i) {
    if (!name.empty()) name += '.';
    name += labels[i];
  }
  return canonical_name(name);
}

View::View(const diag::Case& question, const std::vector<diag::Observation>& observations,
           const kb::Catalogue& catalogue)
    : case_(question), catalogue_(catalogue) {
  for (const auto& o : observations) index(o);
  const dsn::Refusal* r = refusal_ ? &refusal_->refusal : nullptr;
  recipient_ = diag::recipient_of(case_, r);
  sender_ = diag::sender_of(case_, r);
  domain_ = domain_of(recipient_);
  place_candidates();
  branch_ = find_branch();
}

void View::index(const diag::Observation& o) {
  struct Visitor {
    View& v;
    const std::string* id;
    void operator()(const diag::QuestionFact&) { v.question_id_ = *id; }
    void operator()(const diag::RefusalFact& f) {
      if (!v.refusal_) v.refusal_ = {id, &f};
    }
    void operator()(const diag::ControlFact& f) { v.controls_ = {id, &f}; }
    void operator()(const diag::ConfigFact& f) { v.config_ = {id, &f}; }
    void operator()(const diag::MxFact& f) { v.mx_.push_back({id, &f}); }
    void operator()(const diag::AddressFact& f) { v.addresses_.push_back({id, &f}); }
    void operator()(const diag::AuthorityFact& f) { v.authorities_.push_back({id, &f}); }
    void operator()(const diag::PtrFact& f) { v.ptrs_.push_back({id, &f}); }
    void operator()(const diag::NearNameFact& f) { v.near_.push_back({id, &f}); }
    void operator()(const diag::ListFact& f) { v.lists_.push_back({id, &f}); }
    void operator()(const diag::MessageTraceFact& f) { v.message_trace_ = {id, &f}; }
    void operator()(const diag::TokenFact& f) { v.token_ = {id, &f}; }
    void operator()(const diag::LoggedSessionFact& f) { v.logged_.push_back({id, &f}); }
    void operator()(const diag::SessionFact& f) { v.sessions_.push_back({id, &f}); }
    void operator()(const Attempt& f) { v.attempts_.push_back({id, &f}); }
  };
  std::visit(Visitor{*this, &o.id}, o.fact);
}

Reason View::asked_reason() const {
  if (!refusal_ || refusal_->reading.reason == Reason::unknown) return Reason::relay_denied;
  return refusal_->reading.reason;
}

bool View::has_candidate(std::string_view cause) const {
  if (!refusal_) return false;
  const auto& list = refusal_->reading.causes;
  return std::find(list.begin(), list.end(), cause) != list.end();
}

void View::place_candidates() {
  if (!refusal_ || refusal_->reading.causes.empty()) return;
  places_.assign(kb::permanent_causes().size() + 1, -1);
  int place = 0;
  for (const auto& code : refusal_->reading.causes) {
    const auto* cause = catalogue_.cause(code);
    if (cause && places_[cause->number] < 0) places_[cause->number] = place;
    ++place;
  }
}

Seen<diag::MxFact> View::mx(std::string_view domain) const {
  return find_by(mx_, [&](const diag::MxFact& f) { return f.mx.domain == domain; });
}
Seen<diag::AddressFact> View::addresses(std::string_view host) const {
  return find_by(addresses_, [&](const diag::AddressFact& f) { return f.lookup.host == host; });
}
Seen<diag::AuthorityFact> View::authority(std::string_view host) const {
  return find_by(authorities_, [&](const diag::AuthorityFact& f) { return f.host == host; });
}
Seen<diag::PtrFact> View::ptr(const IpAddress& address) const {
  return find_by(ptrs_, [&](const diag::PtrFact& f) { return f.reverse.address == address; });
}
Seen<diag::NearNameFact> View::near(std::string_view domain) const {
  return find_by(near_, [&](const diag::NearNameFact& f) { return f.domain == domain; });
}

Reason View::reason(const smtp::Reply& reply) const { return words_of(catalogue_, reply).reason; }
std::string_view View::stated(const smtp::Reply& reply) const { return words_of(catalogue_, reply).states; }
std::string_view View::likeliest(const smtp::Reply& reply) const {
  const auto& causes = words_of(catalogue_, reply).causes;
  return causes.empty() ? std::string_view() : std::string_view(causes.front());
}
bool View::can_mean(const smtp::Reply& reply, std::string_view cause) const {
  const auto& causes = words_of(catalogue_, reply).causes;
  return std::find(causes.begin(), causes.end(), cause) != causes.end();
}
Reason View::reason(const Attempt& attempt) const { return attempt.reply ? reason(*attempt.reply) : Reason::unknown; }

bool View::refused(const Attempt& a) const {
  if (a.outcome == Outcome::refused) return true;
  return a.outcome == Outcome::deferred && a.reply && a.reply->code != 421 && reason(a) == Reason::relay_denied;
}
bool View::relay_refused(const Attempt& a) const { return refused(a) && same_family(reason(a), Reason::relay_denied); }
bool View::denies_domain(const Attempt& a) const {
  return a.phase == smtp::Phase::rcpt && a.reply && relay_refused(a) &&
         can_mean(*a.reply, "rcpt.mx_not_configured_for_domain");
}
bool View::refused_as_asked(const Attempt& a) const { return refused(a) && same_family(reason(a), asked_reason()); }

namespace {

/// Attempts of one connection are ordered exactly; those of different connections only by their rounds, since a round's
/// connections run side by side.
bool before_or_beside(const Attempt& a, const Attempt& b) {
  return a.channel == b.channel ? a.order < b.order : (a.order >> 16) <= (b.order >> 16);
}
bool after(const Attempt& a, const Attempt& b) {
  return a.channel == b.channel ? a.order > b.order : (a.order >> 16) > (b.order >> 16);
}

}  // namespace

Seen<Attempt> View::refused_again(const Attempt& before, const Attempt& later) const {
  for (const auto& again : attempts_)
    if (after(*again, later) && again->shape == before.shape && refused_as_asked(*again)) return again;
  return {};
}

std::optional<Flip> View::flip(Axis axis, std::string_view refused_host,
                               std::optional<diag::Role> accepted_role) const {
  for (const auto& accepted : attempts_) {
    if (accepted->outcome != Outcome::accepted || (accepted_role && accepted->role != *accepted_role)) continue;
    for (const auto& before : attempts_) {
      if (!before_or_beside(*before, *accepted) || !refused_as_asked(*before)) continue;
      if (!refused_host.empty() && before->shape.host != refused_host) continue;
      if (diag::differing(before->shape, accepted->shape) != std::vector<Axis>{axis}) continue;
      if (auto again = refused_again(*before, *accepted)) return Flip{before, accepted, again};
    }
  }
  return std::nullopt;
}

bool View::mx_known() const {
  auto m = mx(domain_);
  return m && m->mx.kind != dns::MxKind::unknown;
}

std::vector<View::MxAddress> View::mx_addresses() const {
  std::vector<MxAddress> all;
  auto m = mx(domain_);
  if (!m) return all;
  for (const auto& host : m->mx.hosts) {
    auto found = addresses(host.name);
    if (!found) continue;
    for (const auto& address : found->lookup.addresses) {
      if (address.is_v6() ? case_.use_v6 : case_.use_v4) all.push_back({host.name, address});
    }
  }
  return all;
}

std::optional<bool> View::in_mx(std::string_view host, std::string_view address) const {
  auto m = mx(domain_);
  if (!mx_known() || !m) return std::nullopt;
  auto name = canonical_name(host);
  for (const auto& h : m->mx.hosts)
    if (!name.empty() && h.name == name) return true;
  bool all_resolved = true;
  for (const auto& h : m->mx.hosts) all_resolved = all_resolved && static_cast<bool>(addresses(h.name));
  auto wanted = IpAddress::parse(address);
  auto own = addresses(name);
  for (const auto& a : mx_addresses()) {
    if (wanted && a.address == *wanted) return true;
    if (!own) continue;
    const auto& list = own->lookup.addresses;
    if (std::find(list.begin(), list.end(), a.address) != list.end()) return true;
  }
  if (!all_resolved) return std::nullopt;
  return false;
}

std::string View::refuser() const {
  if (!refusal_) return {};
  auto name = canonical_name(refusal_->refusal.decider);
  if (name.empty() && case_.server && branch_ == Branch::submission) return canonical_name(case_.server->host);
  return name;
}
std::string View::refuser_address() const { return refusal_ ? refusal_->refusal.decider_address : std::string(); }

Branch View::find_branch() const {
  if (!case_.server) return recipient_.empty() ? Branch::unknown : Branch::recipient;
  const auto typed = canonical_name(case_.server->host);
  const auto named = refusal_ ? canonical_name(refusal_->refusal.decider) : std::string();
  // A log calls its own host by the first label.
  const bool short_name = named.find('.') == std::string::npos && typed.starts_with(named + ".");
  if (named.empty() || named == typed || short_name) return Branch::submission;
  // The refuser is not called what the user typed: the same machine under its own name counts as the typed one.
  for (const auto& s : sessions_) {
    if (s->shape.host != typed) continue;
    const auto* caps = s->capabilities();
    if (caps && canonical_name(caps->greeting_name) == named) return Branch::submission;
    if (s->shape.server.address.to_string() == refusal_->refusal.decider_address) return Branch::submission;
  }
  return organisation(named) == organisation(typed) || recipient_.empty() ? Branch::submission : Branch::recipient;
}

std::vector<std::string> View::mx_ids() const {
  std::vector<std::string> ids;
  if (auto m = mx(domain_)) ids.push_back(*m.id);
  ids.push_back(refusal_ ? *refusal_.id : question_id_);
  return ids;
}

bool View::identity_shown(const diag::SessionFact& session) const {
  const auto own = organisation(session.shape.host);
  std::vector<std::string> names;
  if (session.banner && !session.banner->lines.empty()) {
    auto words = split_words(session.banner->lines.front());
    if (!words.empty()) names.push_back(canonical_name(words.front()));
  }
  if (const auto* caps = session.capabilities()) names.push_back(canonical_name(caps->greeting_name));
  for (const auto& n : names)
    if (!n.empty() && organisation(n) == own) return true;
  if (session.tls && session.tls->established && session.tls->name_matches) return true;
  // A provider's machine under a customer's MX name: the name it greets with leads to the address that we spoke to, or
  // the address to that name. A machine that answers in another's place gives its own name, which leads elsewhere.
  for (const auto& n : names)
    if (auto there = addresses(n); there && std::ranges::find(there->lookup.addresses, session.shape.server.address) !=
                                                there->lookup.addresses.end())
      return true;
  auto back = ptr(session.shape.server.address);
  if (!back) return false;
  for (const auto& reverse : back->reverse.names)
    for (const auto& n : names)
      if (reverse.confirmed && !n.empty() && organisation(n) == organisation(reverse.name)) return true;
  return false;
}

}  // namespace smtpdx::rules
