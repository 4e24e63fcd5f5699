// SPDX-License-Identifier: Apache-2.0
#include "dsn/reader.hpp"

// From words to a reason. The decider's own words come first: "550 5.7.1 … -> 554 Mailbox full" is a full mailbox,
// whatever the wrapper makes of it. The wrapper is heard in three cases only:
//   the inner words say nothing the catalogue knows;
//   both mean the same, and the wrapper knows its speaker: of "5.7.367 … -> Relaying denied" it is certain that an
//     Exchange server met the refusal on its way out, so the causes of a client without login do not apply;
//   there are no inner words at all (then `wrapper_only`).
// What the step of the session and the speaker add is said last, in refine().
// A code alone decides nothing as long as there are words (design law 8); it is the last resort.

#include <algorithm>

#include "base/text.hpp"
#include "dsn/words.hpp"
#include "kb/senses.hpp"

namespace smtpdx::dsn {
namespace {

kb::ReplyWords words_of(const QuotedReply& reply) {
  return {reply.code, reply.status ? reply.status->to_string() : std::string(), reply.text};
}

struct Best {
  const kb::PhraseMatch* plain = nullptr;
  const kb::PhraseMatch* wrapper = nullptr;
};

Best best_of(const std::vector<kb::PhraseMatch>& matches) {
  Best best;
  for (const auto& match : matches) {
    auto& slot = match.phrase->wrapper ? best.wrapper : best.plain;
    if (slot == nullptr) slot = &match;
  }
  // "Try again later … given up after four days": words of many meanings do not hide that.
  bool telling = best.wrapper != nullptr && best.wrapper->phrase->reason != kb::Reason::unknown;
  if (best.plain != nullptr && best.plain->phrase->vague && telling) best.plain = nullptr;
  return best;
}

void take(Reading& reading, const kb::Phrase& phrase) {
  reading.reason = phrase.reason;
  reading.rule = phrase.id;
  reading.states = phrase.states;
  reading.causes = phrase.causes;
  reading.party = phrase.party;
  // What the words state is the likeliest of the candidates, also where the list forgot it.
  if (!phrase.states.empty()) {
    std::erase(reading.causes, phrase.states);
    reading.causes.insert(reading.causes.begin(), phrase.states);
  }
}

double confidence_of(const kb::PhraseMatch& match, const QuotedReply& reply) {
  double value = match.phrase->states.empty() ? 0.75 : 0.9;
  if (match.phrase->vague) value = 0.5;
  if (match.code_agrees) value += 0.05;
  if (reply.code == 0 && !reply.status) value -= 0.1;
  return value;
}

/// What the words mean together, where no phrase says it or only one of many meanings does. True where that was taken.
bool take_sense(Reading& reading, const QuotedReply& reply, kb::Senses::Strength strength) {
  int reply_class = reply.code != 0 ? reply.code / 100 : reply.status ? reply.status->klass : 0;
  const kb::Sense* sense = kb::Senses::builtin().read(reply.text, reply_class, strength);
  if (sense == nullptr) return false;
  reading.reason = sense->reason;
  reading.rule = sense->id;
  reading.confidence = strength == kb::Senses::Strength::strong ? sense_confidence : sense_confidence - 0.15;
  return true;
}

/// The code's own meaning, where nothing else is known.
void take_code(Reading& reading, const QuotedReply& reply, const kb::Catalogue& catalogue) {
  const kb::CodeMeaning* meaning = nullptr;
  // X.4.1 and X.4.2: nobody answered. A permanent reply is an answer, so that there the code tells nothing.
  bool answered = reply.code >= 500 && reply.status && reply.status->subject == 4 && reply.status->detail <= 2;
  if (reply.status && !answered) meaning = catalogue.code(reply.status->to_string());
  bool said = meaning != nullptr && meaning->reason;
  if (!said && reply.code != 0) meaning = catalogue.code(std::to_string(reply.code));
  if (meaning == nullptr || !meaning->reason) return;
  reading.reason = *meaning->reason;
  reading.confidence = 0.4;
}

/// "User unknown" from a server that had taken the recipient before: it knows him, or learns of its users only from
/// the message. X.1.z says that the address is meant (RFC 3463 §3.2).
bool accepted_before(const Refusal& refusal) {
  const QuotedReply& decided = refusal.decided();
  bool bare = false;
  for (std::string_view words :
       {"user unknown", "unknown user", "no such user", "unknown recipient", "recipient unknown"})
    bare = bare || icontains(decided.text, words);
  if (!bare) return false;
  if (decided.status && decided.status->subject == 1) return false;
  // "<b@y>: User unknown" without the address: there was none at that step.
  return refusal.phase == smtp::Phase::data || refusal.phase == smtp::Phase::end_of_data ||
         decided.text.starts_with(": ");
}

/// "mx.y.example does not exist": whose name it is decides what it means.
kb::Reason missing_name(const Refusal& refusal) {
  std::string_view text = refusal.decided().text;
  for (std::string_view cue : {" does not exist", " doesn't exist", " not found", " is unknown"}) {
    std::size_t at = ifind(text, cue);
    if (at == std::string_view::npos) continue;
    auto words = split_words(text.substr(0, at));
    if (words.empty()) continue;
    std::string_view name = words.back();
    while (!name.empty() && (name.front() == '<' || name.front() == '(')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == '>' || name.back() == ')' || name.back() == ':')) name.remove_suffix(1);
    if (name.find('@') != std::string_view::npos)
      return iequals(name, refusal.sender) ? kb::Reason::sender_rejected : kb::Reason::recipient_unknown;
    if (!looks_like_host(name)) continue;
    std::string host = canonical_name(name), domain = domain_of(refusal.recipient);
    if (!domain.empty() && in_domain(host, domain)) return kb::Reason::domain_not_found;
    // The reporter is the client that was refused: its own name, unless the sender's address has it too.
    bool senders = !refusal.sender.empty() && in_domain(host, domain_of(refusal.sender));
    return host == refusal.reporter && !senders ? kb::Reason::rdns_invalid : kb::Reason::sender_rejected;
  }
  return kb::Reason::unknown;
}

/// What speaker, step and position say about words that mean several things.
void refine(Reading& reading, const Refusal& refusal) {
  using kb::Reason;
  bool own_words = refusal.decided().code == 0 && !refusal.inner && refusal.decider.empty();
  if (reading.reason == Reason::recipient_unknown && accepted_before(refusal)) {
    reading.reason = Reason::recipient_blocked;
    reading.confidence = std::min(reading.confidence, 0.55);
  } else if (reading.rule == "exim.unrouteable" && own_words && !refusal.recipient.empty()) {
    // As a server's reply it means the mailbox; as a mailer's own words about somebody else's address, the domain.
    bool foreign = !refusal.reporter.empty() && !in_domain(refusal.reporter, domain_of(refusal.recipient));
    if (foreign) reading.reason = Reason::domain_not_found;
  } else if (refusal.phase == smtp::Phase::ehlo &&
             (reading.reason == Reason::sender_rejected || reading.reason == Reason::domain_not_found)) {
    reading.reason = Reason::rdns_invalid;  // the only name given by then is the client's own
  } else if (reading.rule == "generic.access-denied" && refusal.phase == smtp::Phase::mail) {
    reading.reason = Reason::sender_rejected;
  }
  if (reading.rule.empty()) {
    if (kb::Reason named = missing_name(refusal); named != Reason::unknown) {
      reading.reason = named;
      reading.confidence = 0.5;
    }
  }
  bool vague = reading.reason == Reason::unknown || reading.reason == Reason::system_error ||
               (reading.rule.empty() && reading.reason == Reason::protocol_error);
  if (refusal.local_program && vague) {
    reading.reason = Reason::local_delivery;
    reading.confidence = std::max(reading.confidence, 0.6);
  }
}

Reading judged(const Refusal& refusal, const kb::Catalogue& catalogue) {
  Reading reading;
  const QuotedReply& decided = refusal.decided();
  auto matches = catalogue.match(words_of(decided));
  Best best = best_of(matches);
  std::vector<kb::PhraseMatch> outer_matches;
  Best outer;
  if (refusal.inner) {
    outer_matches = catalogue.match(words_of(refusal.reply));
    outer = best_of(outer_matches);
  }
  // Only a wrapper's words, or a wrapper's words that merely contain a plain phrase.
  bool wrapped_around =
      !refusal.inner && best.wrapper != nullptr &&
      (best.plain == nullptr || (best.wrapper->from <= best.plain->from && best.wrapper->to >= best.plain->to));
  if (wrapped_around) {
    take(reading, *best.wrapper->phrase);
    reading.wrapper_only = true;
    reading.confidence = 0.5;
    return reading;
  }
  bool sure = best.plain != nullptr && !best.plain->phrase->vague;
  bool sensed = !sure && take_sense(reading, decided, kb::Senses::Strength::strong);
  if (sensed && (best.plain == nullptr || best.plain->phrase->reason != reading.reason)) return reading;
  if (best.plain != nullptr) {
    take(reading, *best.plain->phrase);
    reading.confidence = confidence_of(*best.plain, decided);
    if (sensed) reading.confidence = std::max(reading.confidence, 0.7);  // phrase and sense agree
    bool same = outer.wrapper != nullptr && outer.wrapper->phrase->reason == reading.reason;
    if (same && reading.states.empty() && !outer.wrapper->phrase->causes.empty()) {
      take(reading, *outer.wrapper->phrase);
      reading.confidence = std::max(reading.confidence, 0.8);
    }
    return reading;
  }
  if (outer.wrapper != nullptr && outer.wrapper->phrase->reason != kb::Reason::unknown) {
    take(reading, *outer.wrapper->phrase);
    reading.confidence = 0.5;
    return reading;
  }
  take_code(reading, decided, catalogue);
  if (reading.reason == kb::Reason::unknown && refusal.inner) take_code(reading, refusal.reply, catalogue);
  return reading;
}

}  // namespace

Reading understand(const Refusal& refusal, const kb::Catalogue& catalogue) {
  Reading reading = judged(refusal, catalogue);
  refine(reading, refusal);
  if (reading.reason == kb::Reason::unknown && !reading.wrapper_only)
    take_sense(reading, refusal.decided(), kb::Senses::Strength::weak);
  return reading;
}

}  // namespace smtpdx::dsn
