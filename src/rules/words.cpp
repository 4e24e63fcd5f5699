// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "base/text.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Proof;

namespace {
constexpr int words_rank = 50;

/// Words of a provider are its statement only where the provider speaks: Exchange on the user's own premises says
/// "5.7.57 Client was not authenticated…" like Exchange Online, and any server may copy a sentence.
bool owner_speaks(std::string_view code, std::string_view host) {
  using Names = std::span<const std::string_view>;
  static constexpr std::array<std::string_view, 5> microsoft = {"outlook.com", "office365.com", "office.com",
                                                                "exchangelabs.com", "hotmail.com"};
  static constexpr std::array<std::string_view, 3> google = {"google.com", "gmail.com", "googlemail.com"};
  Names own;
  if (code.starts_with("m365.")) own = microsoft;
  if (code.starts_with("google.")) own = google;
  if (own.empty()) return true;
  const auto name = canonical_name(host);
  return std::any_of(own.begin(), own.end(), [&](std::string_view domain) { return in_domain(name, domain); });
}

}  // namespace

/// The typed name, or the one the server greets with (a company's own alias of the provider's host).
bool View::owner_speaks(std::string_view code, const diag::Shape& shape) const {
  if (rules::owner_speaks(code, shape.host)) return true;
  for (const auto& s : sessions_)
    if (const auto* caps = s->shape.server == shape.server ? s->capabilities() : nullptr)
      if (rules::owner_speaks(code, caps->greeting_name)) return true;
  return false;
}

namespace {

/// A live server says the same to us: whose words they are is known by connection. Which host may say it is the
/// branch's business: the user's own server, or one of the recipient's mail exchangers.
Seen<diag::Attempt> stated_live(const View& view, const std::string& code) {
  if (view.branch() == Branch::unknown || !view.refusal()) return {};
  for (const auto& a : view.attempts())
    if (a->reply && view.refused_as_asked(*a) && view.stated(*a->reply) == code && view.owner_speaks(code, a->shape))
      return a;
  return {};
}
Seen<diag::SessionFact> stated_at_login(const View& view, const std::string& code) {
  for (const auto& s : view.sessions())
    if (s->auth && s->auth->reply && s->auth->reply->permanent() && view.stated(*s->auth->reply) == code &&
        view.owner_speaks(code, s->shape))
      return s;
  return {};
}
}  // namespace

namespace {

bool begins_with_any(std::string_view code, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return code.starts_with(p); });
}

/// A candidate of the wording that cannot be: it belongs to the other side of the refused hop.
bool on_the_other_side(const View& view, std::string_view code) {
  if (view.branch() == Branch::submission)
    return begins_with_any(code, {"rcpt.", "route.", "forward.", "gateway.", "hybrid."});
  return view.branch() == Branch::recipient && view.in_mx(view.refuser(), view.refuser_address()).value_or(false) &&
         begins_with_any(code, {"submit.", "ip.", "oauth.", "esp."});
}

}  // namespace

namespace {

/// A single 4yz never proves (docs/verdicts.md).
bool temporary(const dsn::QuotedReply& reply) {
  return reply.code / 100 == 4 || (reply.code == 0 && reply.status && reply.status->to_string().starts_with("4"));
}

bool provable_by_statement(const kb::Cause& cause) {
  return std::any_of(cause.proofs.begin(), cause.proofs.end(),
                     [](const kb::ProofText& p) { return p.kind == "statement"; });
}

bool rivals(const View& view, const std::string& stated, const kb::Cause& cause) {
  const auto* other = stated.empty() || stated == cause.code ? nullptr : view.catalogue().cause(stated);
  return other && std::ranges::any_of(other->rivals, [&](const auto& rival) { return rival.code == cause.code; });
}

/// Two causes that are each stated in words of their own: what the server states is one, so it is not the other.
CauseVerdict excluded_by_statement(const View& view, const kb::Cause& cause) {
  if (!provable_by_statement(cause)) return Say::nothing();
  if (auto r = view.refusal(); r && rivals(view, r->reading.states, cause))
    if (auto live = stated_live(view, r->reading.states))
      return Say::ruled_out().because({*r.id, *live.id},
                                      "the server states another reason, then and now: " + live->reply->to_string());
  for (const auto& s : view.sessions()) {
    if (!s->auth || !s->auth->reply || !s->auth->reply->permanent()) continue;
    if (rivals(view, std::string(view.stated(*s->auth->reply)), cause))
      return Say::ruled_out().because(*s.id, "the server states another reason: " + s->auth->reply->to_string());
  }
  return Say::nothing();
}

}  // namespace

CauseVerdict by_words(const View& view, const kb::Cause& cause) {
  const auto place = view.place_of(cause);
  const bool asked = !view.sessions().empty() || !view.attempts().empty();
  const auto r = view.refusal();
  if (!asked && !place && (!r || r->reading.states != cause.code)) return Say::nothing();
  if (auto login = stated_at_login(view, cause.code))
    return Say::proved(Proof::statement, 5)
        .because(*login.id, "the server says so: " + login->auth->reply->to_string());
  if (asked)
    if (auto v = excluded_by_statement(view, cause); v.verdict != diag::Verdict::silent) return v;
  if (!r) return Say::nothing();
  const auto& reading = r->reading;
  if (reading.states == cause.code) {
    if (auto live = stated_live(view, cause.code))
      return Say::proved(Proof::statement, 30)
          .because({*r.id, *live.id}, "the server says so, then and now: " + live->reply->to_string());
    if (!r->refusal.decider.empty() && !owner_speaks(cause.code, r->refusal.decider))
      return Say::possible(words_rank + 40).because(*r.id);
    if (!r->refusal.decider.empty() && temporary(r->refusal.decided()))
      return Say::likely(30)
          .because(*r.id, r->refusal.decider + " says so, for now: " + r->refusal.decided().text)
          .needs("the same answer again later: a temporary one alone proves nothing");
    if (!r->refusal.decider.empty())
      return Say::proved(Proof::statement, 30)
          .because(*r.id, r->refusal.decider + " says so itself: " + r->refusal.decided().text);
    return Say::likely(30)
        .because(*r.id, "the words say so: " + r->refusal.decided().text)
        .needs(reading.reason == kb::Reason::auth_failed || reading.reason == kb::Reason::auth_required
                   ? "the same words from the server itself (diagnose --server HOST:PORT, with --user where it was a "
                     "login)"
                   : "the whole bounce, which names who said it");
  }
  if (!place || on_the_other_side(view, cause.code)) return Say::nothing();
  return Say::possible(words_rank + *place).because(*r.id);
}

}  // namespace smtpdx::rules
