// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.hpp"
#include "render/layout.hpp"
#include "render/render.hpp"
#include "render/transcript.hpp"

namespace smtpdx::render {

using diag::CauseVerdict;
using diag::Verdict;

namespace {

constexpr std::size_t max_candidates = 8;
constexpr std::string_view gutter = "         ";  // nine columns: "Because  "

std::string kind_words(dsn::Kind kind) {
  switch (kind) {
    case dsn::Kind::delivered:
      return "a report of delivery";
    case dsn::Kind::relayed:
      return "a report that the message was relayed on";
    case dsn::Kind::expanded:
      return "a report that the message went to a list";
    case dsn::Kind::complaint:
      return "a complaint report (feedback loop)";
    case dsn::Kind::auto_reply:
      return "an automatic reply";
    case dsn::Kind::challenge:
      return "a challenge that wants to be answered";
    default:
      return "no bounce";
  }
}

constexpr std::size_t ruled_out_shown = 6;  ///< lines
constexpr std::size_t max_gone_wrong = 4;   ///< lines

class Page {
 public:
  Page(const Subject& s, const TextOptions& o) : s_(s), o_(o) {}

  std::string all() {
    head();
    if (first_) {
      whose_job();
      because();
      do_this();
      prove_it();
    }
    also();
    ruled_out();
    untested();
    details();
    return std::move(out_);
  }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    if (!o_.color) return std::string(text);
    return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
  }

  void head() {
    const auto& r = s_.report;
    const bool named = r.conclusion == diag::Conclusion::problem;
    if (named) {
      first_ = &r.causes.front();
      cause_ = s_.catalogue.cause(first_->code);
      const auto how =
          first_->verdict == Verdict::proved ? "proved by " + std::string(to_string(first_->proof)) : "likely";
      out_ += paint("1;31", "FAIL") + " " + paint("1", first_->code) + " " + (cause_ ? cause_->title : "") + " (" +
              how + ")\n";
      return;
    }
    if (r.refusal && !r.refusal->refusal.is_refusal()) {
      out_ +=
          paint("1;32", "NONE") + " Nothing was refused here: this is " + kind_words(r.refusal->refusal.kind) + ".\n";
      return;
    }
    const bool ok = r.conclusion == diag::Conclusion::no_problem;
    out_ += (ok ? paint("1;32", "PASS") + " " : paint("1;33", "OPEN") + " ") + r.summary + "\n";
    quote_question();
    if (!ok) gone_wrong();
    if (ok || r.causes.empty()) return;
    out_ += "Can be   ";
    bool again = false;
    std::size_t shown = 0;
    for (const auto& v : r.causes) {
      if (shown++ == max_candidates && !o_.verbose) {
        out_ += std::string(gutter) + "and " + std::to_string(r.causes.size() - max_candidates) +
                " more that are less likely (-v)\n";
        break;
      }
      const auto* cause = s_.catalogue.cause(v.code);
      if (again) out_ += gutter;
      out_ += folded(v.code + "  ", cause ? cause->title : "", 0);
      again = true;
    }
    add_more();
  }

  /// Sessions that ended before they could tell anything, each with the phase in which they did.
  void gone_wrong() {
    std::vector<std::string> lines;
    for (const auto& o : s_.report.observations) {
      const auto* session = std::get_if<diag::SessionFact>(&o.fact);
      if (!session) continue;
      const auto where = session->shape.server.to_string() + " ";
      std::string line;
      if (session->connect_failure) {
        line = where + "no connection: " + io::to_string(session->connect_failure->kind);
      } else if (session->broken) {
        line = where + "breaks off at " + smtp::to_string(session->broken->phase) + ": " +
               smtp::trouble_words(*session->broken);
        if (!session->broken->detail.empty()) line += " (" + printable(session->broken->detail, 100) + ")";
      }
      if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
    }
    if (lines.empty()) return;
    std::string label = "Seen     ";
    for (std::size_t i = 0; i < lines.size() && i < max_gone_wrong; ++i) {
      out_ += folded(label, lines[i], o_.width);
      label = gutter;
    }
    if (lines.size() > max_gone_wrong)
      out_ += std::string(gutter) + "and " + std::to_string(lines.size() - max_gone_wrong) + " more (-v)\n";
  }

  /// The words that were read, and who spoke them.
  void quote_question() {
    if (!s_.report.refusal) return;
    const auto& refusal = s_.report.refusal->refusal;
    if (!refusal.is_refusal()) {
      out_ += "Read     " + std::string(dsn::to_string(refusal.kind)) + "\n";
      return;
    }
    const auto& reply = refusal.decided();
    std::string text = reply.code ? std::to_string(reply.code) + " " : "";
    if (reply.status) text += reply.status->to_string() + " ";
    out_ += folded(
        "Read     ",
        text + printable(reply.text, 300) + (refusal.decider.empty() ? "" : " (said by " + refusal.decider + ")"),
        o_.width);
  }

  /// What to add so that more can be said.
  void add_more() {
    const auto& r = s_.report;
    std::vector<std::string> add;
    const auto* refusal = r.refusal ? &r.refusal->refusal : nullptr;
    // A refused login never became a message: there is no bounce, and the recipient's side was never asked.
    if (refusal && r.refusal->reading.reason == kb::Reason::auth_failed) {
      add.push_back(
          "the server that refused the login (diagnose --server HOST:PORT --user NAME): one login shows its words "
          "anew");
      add.push_back(
          "the mechanism of the refused login, PLAIN, LOGIN, XOAUTH2 …: the application's or the server's log has it");
    } else if (refusal && refusal->evidence.empty() == false && !refusal->returned.present)
      add.push_back(
          "the whole bounce message as a file: it names who refused, for which address, and holds the returned "
          "headers");
    const bool login = refusal && r.refusal->reading.reason == kb::Reason::auth_failed;
    if (!login && diag::recipient_of(r.question, refusal).empty())
      add.push_back("the recipient (--to): its mail exchangers can then be asked");
    if (!login && !r.question.server)
      add.push_back("your outgoing server, if you sent through one (--server HOST:PORT, --user)");
    if (refusal && refusal->inner)
      add.push_back("an export of the connectors, if your side is Microsoft 365 or Exchange");
    std::string label = "Add      ";
    for (const auto& a : add) {
      out_ += folded(label, a, o_.width);
      label = gutter;
    }
  }

  void whose_job() {
    if (cause_) out_ += "Fix is with: " + cause_->who + "\n";
  }

  std::string source_of(const std::string& id) const {
    for (const auto& o : s_.report.observations) {
      if (o.id != id) continue;
      if (!o.evidence.channel.empty()) return o.evidence.channel;
      if (std::holds_alternative<diag::RefusalFact>(o.fact)) return "the input";
      return std::string(kind_of(o.fact));
    }
    return id;
  }

  void because() {
    quote_question();
    std::string label = "Because  ";
    for (const auto& reason : first_->reasons) {
      std::vector<std::string> sources;
      for (const auto& id : reason.ids) {
        auto source = source_of(id);
        if (std::find(sources.begin(), sources.end(), source) == sources.end()) sources.push_back(std::move(source));
      }
      if (sources.size() > 4) sources = {sources[0], sources[1], sources[2], "…"};
      out_ += folded(label, printable(reason.text, 600) + (sources.empty() ? "" : "  [" + join(sources, " ") + "]"),
                     o_.width);
      label = gutter;
    }
    if (first_->verdict != Verdict::proved && !first_->needs.empty())
      out_ += folded("Missing  ", first_->needs, o_.width);
    if (cause_ && o_.verbose) out_ += folded("Meaning  ", cause_->explanation, o_.width);
  }

  void steps(const kb::Fix& fix, std::string_view label) {
    std::string start(label);
    unsigned n = 1;
    for (const auto& step : fix.steps) {
      out_ += folded(start + std::to_string(n++) + ". ", fill(step, s_), o_.width);
      start = gutter;
    }
    if (!fix.takes_effect.empty())
      out_ += folded(std::string(gutter) + "   ", "takes effect: " + fix.takes_effect, o_.width);
  }

  void do_this() {
    if (!cause_ || cause_->fixes.empty()) return;
    auto pick = [&](std::string_view product) {
      return std::find_if(cause_->fixes.begin(), cause_->fixes.end(),
                          [&](const kb::Fix& f) { return f.product == product; });
    };
    auto chosen = pick(o_.product);
    if (chosen == cause_->fixes.end()) chosen = pick("any");
    if (chosen == cause_->fixes.end()) chosen = cause_->fixes.begin();
    steps(*chosen, "Do this  ");
    std::vector<std::string> others;
    for (const auto& f : cause_->fixes) {
      if (f.product == chosen->product) continue;
      others.push_back(f.product);
      if (!o_.verbose) continue;
      out_ += std::string(gutter) + "with " + f.product + ":\n";
      steps(f, gutter);
    }
    if (!others.empty() && !o_.verbose)
      out_ += folded(gutter, "exact steps for: " + join(others, ", ") + " (--product NAME)", o_.width);
    if (cause_->letter) out_ += std::string(gutter) + "a letter to the one who can fix it is ready: --letter\n";
  }

  void prove_it() {
    if (!cause_ || cause_->confirm.command.empty()) return;
    const auto command = fill_command(cause_->confirm.command, s_);
    out_ += "Prove it " + command + "\n";
    auto shows = fill(cause_->confirm.shows, s_);
    if (command.starts_with("smtpdx relay"))
      shows += std::string(shows.empty() ? "" : " ") + "With --watch it asks again until it is accepted.";
    if (!shows.empty()) out_ += folded(gutter, shows, o_.width);
  }

  void also() {
    if (!first_ || s_.report.causes.size() < 2) return;
    std::string label = "Also     ";
    for (std::size_t i = 1; i < s_.report.causes.size(); ++i) {
      const auto& v = s_.report.causes[i];
      if (v.verdict == Verdict::possible && !o_.verbose) continue;
      const auto* cause = s_.catalogue.cause(v.code);
      std::string text = v.code + " (" + std::string(to_string(v.verdict)) + ") " + (cause ? cause->title : "");
      if (!v.reasons.empty()) text += " — " + printable(v.reasons.front().text, 300);
      out_ += folded(label, text, o_.width);
      label = gutter;
    }
  }

  /// Causes that fall for one and the same reason.
  struct Fallen {
    std::string reason;
    std::vector<std::string> codes;
    bool near = false;  ///< one of them is easily mistaken for the cause found
  };

  std::vector<Fallen> fallen() const {
    std::vector<Fallen> groups;
    for (const auto& v : s_.report.ruled_out) {
      const auto reason = v.reasons.empty() ? std::string() : v.reasons.front().text;
      auto group = std::find_if(groups.begin(), groups.end(), [&](const Fallen& g) { return g.reason == reason; });
      if (group == groups.end()) group = groups.insert(groups.end(), Fallen{reason, {}, false});
      group->codes.push_back(v.code);
      if (cause_)
        for (const auto& rival : cause_->rivals) group->near = group->near || rival.code == v.code;
    }
    // Not stable_partition: clang 19 refuses libstdc++ 12's use of a deprecated function in it.
    std::vector<Fallen> in_order;
    for (const bool near : {true, false})
      for (auto& group : groups)
        if (group.near == near) in_order.push_back(std::move(group));
    return in_order;
  }

  /// The look-alikes first; all of them only with -v: the first screen belongs to what was found.
  void ruled_out() {
    std::string label = "Not this ";
    const auto groups = fallen();
    const auto shown = o_.verbose ? groups.size() : std::min(groups.size(), ruled_out_shown);
    std::size_t left = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i >= shown) {
        left += groups[i].codes.size();
        continue;
      }
      const auto& g = groups[i];
      out_ += folded(label, join(g.codes, ", ") + (g.reason.empty() ? "" : ": " + printable(g.reason, 300)), o_.width);
      label = gutter;
    }
    if (left > 0) out_ += std::string(gutter) + "and " + std::to_string(left) + " more are ruled out (-v)\n";
  }

  void untested() {
    std::string label = "Untested ";
    for (const auto& v : s_.report.untested) {
      out_ +=
          folded(label,
                 v.code + ": " + (v.reasons.empty() ? "" : printable(v.reasons.front().text, 300) + "; it needs ") +
                     v.needs + (v.side == diag::Side::none ? "" : " (side: " + std::string(to_string(v.side)) + ")"),
                 o_.width);
      label = gutter;
    }
  }

  void details() {
    if (!o_.verbose || !s_.log) {
      if (s_.log && !s_.report.observations.empty())
        out_ += "Details  " + std::to_string(s_.report.observations.size()) + " observations in " +
                std::to_string(to_ms(s_.report.elapsed)) + " ms; -v shows the sessions\n";
      return;
    }
    for (const auto& channel : s_.log->channels()) {
      out_ += "--- " + channel.id() + " " + channel.peer() + "\n";
      out_ += transcript(channel, "");
    }
  }

  const Subject& s_;
  const TextOptions& o_;
  std::string out_;
  const CauseVerdict* first_ = nullptr;
  const kb::Cause* cause_ = nullptr;
};

}  // namespace

std::string text(const Subject& subject, const TextOptions& options) { return Page(subject, options).all(); }

std::string cause_text(const kb::Cause& cause, const TextOptions& options) {
  std::string out = cause.code + "  (" + cause.id + ")\n" + folded("", cause.title, options.width) +
                    "Fix is with: " + cause.who + "\n\n";
  out += folded("", cause.explanation, options.width) + "\n";
  out += "It holds only if\n";
  for (const auto& n : cause.necessary) out += folded("  - ", n, options.width);
  if (!cause.says_nothing.empty()) out += "No evidence, though often taken for it\n";
  for (const auto& n : cause.says_nothing) out += folded("  - ", n, options.width);
  out += "Proved by\n";
  for (const auto& p : cause.proofs) out += folded("  - " + p.kind + ": ", p.text, options.width);
  if (!cause.unprovable.empty()) out += folded("  - nothing: ", cause.unprovable, options.width);
  out += "Tests, cheapest first\n";
  for (const auto& t : cause.tests)
    out += folded("  - " + std::string(to_string(t.consent)) + ": ", t.text, options.width);
  if (!cause.rivals.empty()) out += "Mistaken for\n";
  for (const auto& r : cause.rivals) out += folded("  - " + r.code + ": ", r.apart, options.width);
  for (const auto& f : cause.fixes) {
    out += "Fix (" + f.product + ")\n";
    unsigned n = 1;
    for (const auto& step : f.steps) out += folded("  " + std::to_string(n++) + ". ", step, options.width);
    if (!f.takes_effect.empty()) out += "     takes effect: " + f.takes_effect + "\n";
  }
  out += "Confirm\n  " + cause.confirm.command + "\n" + folded("  ", cause.confirm.shows, options.width);
  if (cause.letter) out += "Letter\n  to " + cause.letter->to + ": smtpdx explain … --letter (--lang de, es, fr, ja)\n";
  return out;
}

std::string causes_table(const kb::Catalogue& catalogue) {
  std::string out;
  for (const auto& c : catalogue.causes()) {
    std::string code = c.code;
    code.resize(std::max<std::size_t>(code.size() + 1, 40), ' ');
    out += c.id + "  " + code + c.title + "\n";
  }
  return out;
}

}  // namespace smtpdx::render
