// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "render/layout.hpp"
#include "render/spf.hpp"
#include "spf/words.hpp"

namespace smtpdx::render {

namespace {

constexpr std::string_view gutter = "         ";
constexpr std::size_t shown = 600;

struct Head {
  const char* word;
  const char* color;
};

Head head_of(spf::Result result) {
  switch (result) {
    case spf::Result::pass:
      return {"PASS", "1;32"};
    case spf::Result::temperror:
      return {"OPEN", "1;33"};
    case spf::Result::neutral:
      return {"WARN", "1;33"};
    default:
      return {"FAIL", "1;31"};
  }
}

class Page {
 public:
  Page(const spf::Outcome& outcome, const TextOptions& options) : o_(outcome), t_(options) {}

  std::string all() {
    const auto head = head_of(o_.result);
    out_ = paint(head.color, head.word) + " " + paint("1", std::string("spf.") + to_string(o_.result)) + " " +
           spf::headline(o_) + "\n";
    const auto steps = spf::advice(o_);
    if (!steps.empty()) out_ += "Fix is with: " + spf::whose_job(o_) + "\n";
    because();
    do_this(steps);
    prove_it();
    details();
    return std::move(out_);
  }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    return t_.color ? "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m" : std::string(text);
  }
  void line(std::string_view label, const std::string& text) { out_ += folded(label, text, t_.width); }

  void because() {
    line("Because  ", spf::why(o_) + "  [RFC 7208 §" + section_of(o_.reason) + "]");
    if (!o_.explanation.empty()) line("It says  ", "\"" + printable(o_.explanation, shown) + "\"");
    if (o_.helo_missing)
      line(gutter,
           "the record looks at the HELO name, and none was given: \"unknown\" stood in for it. Give it as the "
           "third word");
  }

  void do_this(const std::vector<std::string>& steps) {
    std::string label = "Do this  ";
    for (std::size_t i = 0; i < steps.size(); ++i) {
      line(label + std::to_string(i + 1) + ". ", steps[i]);
      label = gutter;
    }
  }

  void prove_it() {
    const auto sender = o_.identity == spf::Identity::helo ? std::string("<>") : o_.sender;
    out_ += "Prove it smtpdx spf " + o_.client + " " + shell_word(sender);
    if (!o_.helo.empty()) out_ += " " + shell_word(o_.helo);
    out_ += "\n";
  }

  void details() {
    out_ += "Details  " + std::to_string(o_.lookups) + " terms that ask DNS (10 are allowed), " +
            std::to_string(o_.void_lookups) + " look-ups that found nothing (2 are allowed)\n";
    if (!o_.policies.empty()) policy(0);
  }

  std::string indent(unsigned depth) const { return std::string(gutter) + std::string(2 * depth, ' '); }

  void policy(std::uint32_t index) {
    const auto& p = o_.policies[index];
    const auto margin = indent(2 * p.depth);
    out_ += margin + paint("1", printable(p.domain, shown)) + "  " + to_string(p.result) +
            (p.lookups > 0 ? ", " + std::to_string(p.lookups) + " terms that ask" : "") + "\n";
    if (!p.text.empty()) line(margin, "\"" + printable(p.text, shown) + "\"");
    if (p.text.empty() || p.flaw) line(margin, spf::why(o_, p));
    std::vector<std::string> unreached;
    for (const auto& step : o_.steps) {
      if (step.policy != index) continue;
      if (step.match == spf::Match::not_reached && !t_.verbose)
        unreached.push_back(printable(step.where.of(p.text), shown));
      else
        term(step, p);
    }
    if (!unreached.empty()) line(margin + "  ", "not reached: " + join(unreached, " "));
  }

  void term(const spf::Step& step, const spf::Policy& p) {
    const bool decided = &step - o_.steps.data() == static_cast<std::ptrdiff_t>(o_.decided_step);
    const auto text = printable(step.where.of(p.text), shown);
    line(indent(2 * p.depth + 1),
         text + "  " + to_string(step.match) + ": " + spf::why(o_, step) + (decided ? "  <- decided" : ""));
    if (t_.verbose)
      for (const auto& one : step.looked) lookup(one, p.depth);
    if (step.inner == spf::nowhere) return;
    if (t_.verbose || !is_circle(step.inner))
      policy(step.inner);
    else
      line(indent(2 * p.depth + 2), printable(step.target, shown) + " again, and so on (-v)");
  }

  /// Whether the policy's domain is one of those that led to it.
  bool is_circle(std::uint32_t index) const {
    for (auto via = o_.policies[index].via; via != spf::nowhere; via = o_.policies[o_.steps[via].policy].via)
      if (iequals(o_.policies[o_.steps[via].policy].domain, o_.policies[index].domain)) return true;
    return false;
  }

  void lookup(const spf::Looked& one, unsigned depth) {
    const auto& answer = one.answer;
    line(indent(2 * depth + 2), std::string(dns::to_string(answer.type)) + " " + printable(answer.name, shown) + ": " +
                                    dns::to_string(answer.status) + ", " + std::to_string(answer.records.size()) +
                                    " records" + (one.is_void ? ", void" : "") +
                                    (answer.evidence.channel.empty() ? "" : "  [" + answer.evidence.channel + "]"));
  }

  const spf::Outcome& o_;
  const TextOptions& t_;
  std::string out_;
};

}  // namespace

std::string spf_text(const spf::Outcome& outcome, const TextOptions& options) { return Page(outcome, options).all(); }

}  // namespace smtpdx::render
