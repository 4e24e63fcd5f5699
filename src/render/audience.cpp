// SPDX-License-Identifier: Apache-2.0
//
// --for: what the reader can use, and nothing else. The sender of a message wants to know whether it arrived, whose job
// it is and what to do meanwhile, in words without codes; the helpdesk wants a ticket: what happened, what is known and
// how surely, what to ask the caller, whom to hand it to. The admin gets the whole page (text.cpp), all steps included.

#include "base/text.hpp"
#include "render/render.hpp"

namespace smtpdx::render {

using diag::Verdict;

namespace {

const dsn::Refusal* refusal_of(const Subject& s) { return s.report.refusal ? &s.report.refusal->refusal : nullptr; }

/// The cause that the report settles on, with its card; both null where it is open.
struct Named {
  const diag::CauseVerdict* verdict = nullptr;
  const kb::Cause* cause = nullptr;
};
Named named(const Subject& s) {
  if (s.report.conclusion != diag::Conclusion::problem || s.report.causes.empty()) return {};
  const auto& first = s.report.causes.front();
  return {&first, s.catalogue.cause(first.code)};
}

/// What became of the message, without a code.
std::string fate(const Subject& s) {
  const auto* r = refusal_of(s);
  const auto to = diag::recipient_of(s.report.question, r);
  const std::string message = to.empty() ? "Your message" : "Your message to " + to;
  if (!r) return message + " is the question here.\n";
  if (!r->is_refusal()) return "Nothing was refused: this is not a report of a failed delivery.\n";
  if (r->kind == dsn::Kind::delayed)
    return message + " has not arrived yet. The mail system keeps trying; do not send it again for now.\n";
  return message + " was not delivered.\n";
}

const kb::Fix* general_fix(const kb::Cause& cause) {
  for (const auto& f : cause.fixes)
    if (f.product == "any") return &f;
  return cause.fixes.empty() ? nullptr : &cause.fixes.front();
}

std::string numbered(const kb::Fix& fix, const Subject& s) {
  std::string out;
  unsigned n = 1;
  for (const auto& step : fix.steps) out += "  " + std::to_string(n++) + ". " + fill(step, s) + "\n";
  return out;
}

/// The jobs that the author of a message can do alone.
bool own_job(kb::Party party) {
  return party == kb::Party::sender || party == kb::Party::device_owner || party == kb::Party::wait;
}

std::string reply_line(const dsn::Refusal& r) {
  const auto& reply = r.decided();
  std::string text = reply.code ? std::to_string(reply.code) + " " : "";
  if (reply.status) text += reply.status->to_string() + " ";
  return text + printable(reply.text, 300);
}

/// What to ask the caller for, the most useful first.
std::vector<std::string> questions(const Subject& s) {
  std::vector<std::string> ask;
  const auto* r = refusal_of(s);
  const auto [verdict, cause] = named(s);
  if (verdict && verdict->verdict != Verdict::proved && !verdict->needs.empty()) ask.push_back(verdict->needs);
  if (r && !r->returned.present) ask.push_back("the whole bounce as a file (forwarded as an attachment, not copied)");
  if (diag::recipient_of(s.report.question, r).empty()) ask.push_back("the recipient's address");
  if (!s.report.question.server) ask.push_back("the program or device that sent it, its outgoing server and port");
  ask.push_back("whether it ever worked, and what changed since");
  return ask;
}

}  // namespace

std::string for_sender(const Subject& s, const TextOptions&) {
  std::string out = fate(s);
  if (const auto* r = refusal_of(s); r && !r->is_refusal()) return out;
  const auto [verdict, cause] = named(s);
  if (!cause) {
    out += "Why is not certain yet: these words can have several causes.\n";
    out += "Give the whole message you got back, as an attachment, to whoever runs your mail.\n";
    return out;
  }
  out += std::string(verdict->verdict == Verdict::proved ? "Why: " : "Most likely: ") + cause->title + "\n";
  const auto* fix = general_fix(*cause);
  if (own_job(cause->party) && fix) return out + "You can mend it:\n" + numbered(*fix, s);
  out += "You cannot mend this yourself, and sending again will not help. It is a job for " + cause->who + ".\n";
  out += "Give them the whole message you got back, as an attachment. Until then, reach the recipient another way.\n";
  if (cause->letter) out += "A letter to them is ready: add --letter (--lang de, es, fr, ja).\n";
  return out;
}

std::string for_helpdesk(const Subject& s, const TextOptions&) {
  const auto* r = refusal_of(s);
  std::string out = "What happened  " + fate(s);
  if (r && !r->is_refusal()) return out;
  if (r) out += "Server's words " + reply_line(*r) + (r->decider.empty() ? "" : " (said by " + r->decider + ")") + "\n";
  const auto [verdict, cause] = named(s);
  if (cause) {
    out +=
        "Cause          " + cause->title + " [" + cause->code + ", " + std::string(to_string(verdict->verdict)) + "]\n";
    out += "Hand over to   " + cause->who + "\n";
  } else {
    out += "Cause          open; these words fit:\n";
    std::size_t shown = 0;
    for (const auto& v : s.report.causes) {
      const auto* card = s.catalogue.cause(v.code);
      if (card && shown++ < 5) out += "  - " + card->title + " [" + card->code + "; " + card->who + "]\n";
    }
  }
  out += "Ask the caller for\n";
  for (const auto& q : questions(s)) out += "  - " + q + "\n";
  if (!cause) return out;
  if (const auto* fix = general_fix(*cause)) out += "Steps\n" + numbered(*fix, s);
  if (!cause->rivals.empty()) out += "Not to be taken for\n";
  for (const auto& rival : cause->rivals) out += "  - " + rival.code + ": " + rival.apart + "\n";
  out += "Then check     " + fill(cause->confirm.command, s) + "\n";
  return out;
}

}  // namespace smtpdx::render
