// SPDX-License-Identifier: Apache-2.0
//
// The session is replayed in every world that what is not known allows (context.hpp), first in the one where all of it
// says "no". Worlds that differ in nothing the client or the administrator sees are one.

#include "mta/exim/decide.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/dialogue.hpp"
#include "mta/exim/expand.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_worlds = 64;

bool same(const Outcome& a, const Outcome& b) {
  const bool same_by = a.by.has_value() == b.by.has_value() && (!a.by || a.by->where == b.by->where);
  return a.verdict == b.verdict && a.code == b.code && a.stage == b.stage && same_by;
}

void need(Decision& decision, const std::string& what) {
  if (std::find(decision.unknown.begin(), decision.unknown.end(), what) == decision.unknown.end())
    decision.unknown.push_back(what);
}

Decision undecided(std::vector<std::string> needs) {
  Decision decision;
  decision.verdict = Verdict::unknown;
  decision.may_be_permitted = true;
  decision.unknown = std::move(needs);
  return decision;
}

/// What the session does not tell, and the replay cannot do without.
std::optional<Decision> missing(const Session& session) {
  if (session.login && !session.login->user) return undecided({"the user that logs in"});
  if (!session.client) return undecided({"the client's address (--client)"});
  for (const auto* text : {&session.sender, &session.recipient})
    if (text->find_first_of(std::string_view("\x01\x02\0\r\n", 5)) != std::string::npos)
      return undecided({"an address without control characters"});
  return std::nullopt;
}

Decision fatal(const Setting& why) {
  Decision decision;
  decision.verdict = Verdict::server_fatal;
  decision.stage = Stage::connect;
  decision.text = "the server does not start: " + why.value;
  decision.by = DecidedBy{"configuration error", {}, why.where};
  return decision;
}

}  // namespace

Decision decide(const Configuration& configuration, const Session& session) {
  if (configuration.fatal) return fatal(*configuration.fatal);
  if (!configuration.doubts.empty()) return undecided(configuration.doubts);
  if (auto early = missing(session)) return *early;
  Decision decision;
  std::optional<std::vector<bool>> answers = std::vector<bool>();
  bool differ = false;
  std::size_t worlds = 0;
  for (; answers && worlds < max_worlds; ++worlds) {
    Questions questions(*answers);
    Context context(configuration, session, questions);
    const auto outcome = Dialogue(context).run();
    if (!context.exhausted().empty()) return undecided({context.exhausted()});
    if (worlds == 0) {
      static_cast<Outcome&>(decision) = outcome;
      decision.trace = std::move(context.trace);
    }
    differ = differ || !same(outcome, decision);
    decision.may_be_permitted = decision.may_be_permitted || outcome.verdict == Verdict::accepted;
    for (const auto& what : questions.asked()) need(decision, what);
    answers = questions.next();
  }
  if (!differ && !answers) {
    decision.unknown.clear();
    decision.may_be_permitted = false;
    return decision;
  }
  decision.if_silent = static_cast<const Outcome&>(decision);
  static_cast<Outcome&>(decision) = Outcome{};
  if (decision.if_silent) decision.stage = decision.if_silent->stage;
  return decision;
}

}  // namespace smtpdx::mta::exim
