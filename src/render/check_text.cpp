// SPDX-License-Identifier: Apache-2.0
//
// Who asks wants to know first what is wrong and what to do about it; the rest is a tree to look things up in: area,
// then subject, then each check in a line.

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "kb/checks.hpp"
#include "render/check.hpp"
#include "render/layout.hpp"

namespace smtpdx::render {

using diag::Finding;
using diag::Severity;

namespace {

struct Look {
  const char* word;
  const char* color;
};

Look look_of(Severity severity) {
  switch (severity) {
    case Severity::pass:
      return {"ok", "32"};
    case Severity::info:
      return {"note", "36"};
    case Severity::warn:
      return {"WARN", "1;33"};
    case Severity::fail:
      return {"FAIL", "1;31"};
    case Severity::untested:
      return {"?", "35"};
  }
  return {"?", "35"};
}

class Page {
 public:
  Page(const diag::CheckReport& r, const TextOptions& o) : r_(r), o_(o) {}

  std::string all() {
    head();
    for (const auto severity : {Severity::fail, Severity::warn})
      for (const auto& f : r_.findings)
        if (f.severity == severity) to_do(f);
    for (const auto& area : kb::check_areas()) tree(area);
    return std::move(out_);
  }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    if (!o_.color) return std::string(text);
    return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
  }
  std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(std::count_if(r_.findings.begin(), r_.findings.end(),
                                                  [&](const Finding& f) { return f.severity == severity; }));
  }

  void head() {
    const auto fails = count(Severity::fail), warns = count(Severity::warn), open = count(Severity::untested);
    const auto mark = fails ? look_of(Severity::fail) : warns ? look_of(Severity::warn) : Look{"OK", "1;32"};
    out_ += paint(mark.color, mark.word) + " " + printable(r_.target, 255) + ": " + std::to_string(fails) +
            (fails == 1 ? " fault, " : " faults, ") + std::to_string(warns) +
            (warns == 1 ? " warning, " : " warnings, ") + std::to_string(count(Severity::pass)) + " checks passed";
    if (open) out_ += ", " + std::to_string(open) + " could not be made";
    out_ += "\n";
  }

  void to_do(const Finding& f) {
    const auto look = look_of(f.severity);
    out_ += "\n" + paint(look.color, look.word) + " " + paint("1", f.id) + " " + f.title + "\n";
    out_ += folded("  About    ", printable(f.subject, 300), o_.width);
    if (!f.detail.empty()) out_ += folded("  Because  ", f.detail, o_.width);
    for (std::size_t i = 0; i < f.fix.size(); ++i) {
      const auto label = i == 0 ? "  Do this  " : "           ";
      out_ += folded(label + std::to_string(i + 1) + ". ", f.fix[i], o_.width);
    }
    if (!f.rfc.empty()) out_ += "  Source   " + f.rfc + "\n";
  }

  void tree(const std::string& area) {
    std::vector<std::string> subjects;
    for (const auto& f : r_.findings)
      if (f.area == area && std::find(subjects.begin(), subjects.end(), f.subject) == subjects.end())
        subjects.push_back(f.subject);
    if (subjects.empty()) return;
    out_ += "\n" + paint("1", area) + "\n";
    for (const auto& subject : subjects) {
      out_ += "  " + printable(subject, 300) + "\n";
      std::string passed;
      for (const auto& f : r_.findings) {
        if (f.area != area || f.subject != subject) continue;
        if (f.severity == Severity::pass && !o_.verbose)
          passed += " " + f.id;
        else
          line(f);
      }
      if (!passed.empty()) ids_in_a_line(passed);
    }
  }

  void ids_in_a_line(const std::string& ids) {
    const auto look = look_of(Severity::pass);
    auto text = folded("    ok  ", ids, o_.width);
    out_ += text.replace(4, 2, paint(look.color, look.word));
  }

  void line(const Finding& f) {
    const auto look = look_of(f.severity);
    std::string word(look.word), id(f.id);
    word.resize(4, ' ');
    id.resize(9, ' ');
    const bool shown = f.severity == Severity::info || f.severity == Severity::untested || o_.verbose;
    const auto words = f.title + (f.detail.empty() || !shown ? "" : ": " + f.detail);
    const auto label = "    " + word + " " + id;
    auto text = folded(label, words, o_.width);
    text.replace(4, 4, paint(look.color, word));
    out_ += text;
  }

  const diag::CheckReport& r_;
  const TextOptions& o_;
  std::string out_;
};

}  // namespace

std::string check_text(const diag::CheckReport& report, const TextOptions& options) {
  return Page(report, options).all();
}

}  // namespace smtpdx::render
