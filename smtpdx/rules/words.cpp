// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Proof;

namespace {
constexpr int words_rank = 50;

/// The user's own server says it to the user's own session: the speaker is known by connection.
Seen<diag::Attempt> stated_live(const View& view, const std::string& code) {
  if (view.branch() != Branch::submission || !view.refusal()) return {};
  for (const auto& a : view.attempts())
    if (a->reply && view.refused_as_asked(*a) && view.stated(*a->reply) == code) return a;
  return {};
}
Seen<diag::SessionFact> stated_at_login(const View& view, const std::string& code) {
  for (const auto& s : view.sessions())
    if (s->auth && s->auth->reply && s->auth->reply->permanent() && view.stated(*s->auth->reply) == code) return s;
  return {};
}
}  // namespace

CauseVerdict by_words(const View& view, const kb::Cause& cause) {
  if (auto login = stated_at_login(view, cause.code))
    return Say::proved(Proof::statement, 5)
        .because(*login.id, "the server says so: " + login->auth->reply->to_string());
  auto r = view.refusal();
  if (!r) return Say::nothing();
  const auto& reading = r->reading;
  if (reading.states == cause.code) {
    if (auto live = stated_live(view, cause.code))
      return Say::proved(Proof::statement, 30)
          .because({*r.id, *live.id}, "the server says so, then and now: " + live->reply->to_string());
    if (!r->refusal.decider.empty())
      return Say::proved(Proof::statement, 30)
          .because(*r.id, r->refusal.decider + " says so itself: " + r->refusal.decided().text);
    return Say::likely(30)
        .because(*r.id, "the words say so: " + r->refusal.decided().text)
        .needs("the whole bounce, which names who said it");
  }
  auto it = std::find(reading.causes.begin(), reading.causes.end(), cause.code);
  if (it == reading.causes.end()) return Say::nothing();
  const auto position = static_cast<int>(it - reading.causes.begin());
  return Say::possible(words_rank + position).because(*r.id);
}

}  // namespace smtpdx::rules
