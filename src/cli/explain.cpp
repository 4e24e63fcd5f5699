// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "api/explain.hpp"
#include "api/read.hpp"
#include "base/text.hpp"
#include "cli/mail_input.hpp"
#include "cli/verbs.hpp"
#include "intake/session_log.hpp"
#include "kb/letters.hpp"
#include "render/render.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  std::vector<std::string> inputs;
  std::string text, audience, to, from, trace_csv, language;
  std::optional<std::string> letter;
  std::optional<kb::LetterBook> book;  ///< of the letter's language
};

/// One refusal, judged without asking anybody.
Result<std::string> explained(diag::RefusalFact fact, const Options& o, std::string_view octets,
                              const std::vector<diag::LoggedSessionFact>& sessions) {
  api::Aside aside{o.to, o.from, {}};
  if (!o.trace_csv.empty()) {
    diag::Case question;
    question.to = o.to;
    auto trace = read_trace(o.trace_csv, diag::recipient_of(question, &fact.refusal), octets);
    if (!trace) return std::unexpected(trace.error());
    aside.trace = std::move(*trace);
  }
  const auto& catalogue = kb::Catalogue::builtin();
  const auto report = api::explain(std::move(fact), sessions, aside);
  render::Subject subject{report, catalogue, nullptr};
  if (o.book) return render::letter(subject, *o.book);
  if (o.output.json) return render::explain_json(subject);
  render::TextOptions text{o.output.use_color(), o.output.verbose, o.output.width(), o.output.product, o.audience};
  if (o.audience == "sender") return render::for_sender(subject, text);
  if (o.audience == "helpdesk") return render::for_helpdesk(subject, text);
  text.verbose = text.verbose || o.audience == "admin";
  return render::text(subject, text);
}

/// Answers, gathered: one write for each would cost more than the answer.
class Output {
 public:
  void say(const std::string& text) {
    text_ += text;
    if (text_.size() > 64 * 1024) show();
  }
  void show() {
    if (!text_.empty()) print(text_);
    text_.clear();
  }

 private:
  std::string text_;
};

/// Files of a directory (a Maildir's too), sorted; the path itself for anything else.
std::vector<std::string> files_of(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           path, std::filesystem::directory_options::skip_permission_denied, ignored))
    if (entry.is_regular_file(ignored)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// `--letter de`, `--letter --lang de`, or `--letter FILE`: the word behind an option that may stand alone can be a
/// file.
std::optional<Error> choose_letter(Options& o) {
  if (!o.letter && o.language.empty()) return std::nullopt;
  const auto& known = kb::letter_languages();
  auto language = o.letter.value_or("");
  std::error_code ignored;
  const bool is_language = std::find(known.begin(), known.end(), language) != known.end();
  if (!language.empty() && !is_language && (language == "-" || std::filesystem::exists(language, ignored))) {
    o.inputs.insert(o.inputs.begin(), language);
    language.clear();
  }
  if (!o.language.empty()) language = o.language;
  auto book = kb::letter_book(language.empty() ? "en" : language);
  if (!book) return book.error();
  o.book = std::move(*book);
  return std::nullopt;
}

}  // namespace

Exit explain(const std::vector<std::string>& args) {
  Options o;
  Flags flags("smtpdx explain",
              "Reads a bounce, a reply line or an error: who refused, why, whose job, what to do. Asks nobody.",
              "Examples:\n  smtpdx explain bounce.eml\n  smtpdx explain --text '550 5.7.367 Remote server returned not "
              "permitted to relay'\n"
              "  smtpdx explain Maildir/ --json | jq -r '[.recipient,.reason] | @tsv'");
  flags.positionals("input", o.inputs, "files, directories, or - for stdin");
  flags.text("--text", o.text, "the words themselves");
  flags.choice("--for", o.audience, {"sender", "admin", "helpdesk"}, "whom it is for");
  flags.text("--to", o.to, "recipient, where the words do not name it");
  flags.text("--from", o.from, "sender, where the words do not name it");
  flags.text("--trace-csv", o.trace_csv, "Exchange Online's message trace of the refused message (extended report)");
  flags.optional_text("--letter", o.letter, "print the letter to the one who can fix it; en, de, es, fr or ja");
  flags.text("--lang", o.language, "the letter's language: en, de, es, fr or ja");
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  if (auto wrong = choose_letter(o)) return complain(*wrong);
  o.output.json = o.output.json || o.output.format == "json";
  if (o.text.empty() && o.inputs.empty())
    return complain({ErrorKind::usage, "nothing to explain", "give a file, - for stdin, or --text 'the words'"});

  bool refusal = false, any = false;
  Exit worst = Exit::fine;
  Output output;
  auto one = [&](std::vector<diag::RefusalFact> facts, std::string_view octets) {
    const auto sessions = intake::sessions_shown(octets);
    for (auto& fact : facts) {
      refusal = refusal || fact.refusal.is_refusal();
      auto words = explained(std::move(fact), o, octets, sessions);
      if (!words) {
        output.show();
        worst = complain(words.error());
        return;
      }
      if (any && !o.output.json) output.say("\n");
      output.say(*words);
      if (!any) output.show();  // the first answer at once
      any = true;
    }
  };
  if (!o.text.empty()) one(api::read_text("--text", o.text), o.text);
  for (const auto& input : o.inputs) {
    for (const auto& file : files_of(input)) {
      auto done = read_mail_input(file, {one, [&] { output.show(); }});
      if (done) continue;
      output.show();
      worst = complain(done.error());
    }
  }
  output.show();
  if (worst != Exit::fine) return worst;
  return refusal ? Exit::findings : Exit::fine;
}

}  // namespace smtpdx::cli
