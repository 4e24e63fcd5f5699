// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/text.hpp"
#include "cli/intake.hpp"
#include "cli/verbs.hpp"
#include "engine/diagnose.hpp"
#include "render/render.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  std::vector<std::string> inputs;
  std::string text, audience, to, from, trace_csv;
  std::optional<std::string> letter;
};

/// One refusal, judged without asking anybody.
Result<std::string> explained(const diag::RefusalFact& fact, const Options& o, std::string_view bounce) {
  engine::Job job;
  job.question.to = o.to;
  job.question.from = o.from;
  job.given = {fact};
  if (!o.trace_csv.empty()) {
    auto trace = read_trace(o.trace_csv, diag::recipient_of(job.question, &fact.refusal), bounce);
    if (!trace) return std::unexpected(trace.error());
    job.given.push_back(std::move(*trace));
  }
  const auto& catalogue = kb::Catalogue::builtin();
  auto report = engine::judge_offline(catalogue, job);
  render::Subject subject{report, catalogue, nullptr};
  if (o.letter) return render::letter(subject);
  if (o.output.json) return render::explain_json(subject);
  render::TextOptions text{o.output.use_color(), o.output.verbose, o.output.width(), o.output.product, o.audience};
  return render::text(subject, text);
}

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
  flags.optional_text("--letter", o.letter, "print the letter to the one who can fix it");
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  o.output.json = o.output.json || o.output.format == "json";
  if (o.text.empty() && o.inputs.empty())
    return complain({ErrorKind::usage, "nothing to explain", "give a file, - for stdin, or --text 'the words'"});

  bool refusal = false, any = false;
  Exit worst = Exit::fine;
  auto one = [&](const std::vector<diag::RefusalFact>& facts, std::string_view bounce) {
    for (const auto& fact : facts) {
      auto words = explained(fact, o, bounce);
      if (!words) {
        worst = complain(words.error());
        return;
      }
      if (any && !o.output.json) print("\n");
      print(*words);
      any = true;
      refusal = refusal || fact.refusal.is_refusal();
    }
  };
  if (!o.text.empty()) one(read_text(o.text), {});
  for (const auto& input : o.inputs) {
    for (const auto& file : files_of(input)) {
      auto bytes = read_input(file);
      if (!bytes) {
        worst = complain(bytes.error());
        continue;
      }
      one(read_refusals(file, *bytes), *bytes);
    }
  }
  if (worst != Exit::fine) return worst;
  return refusal ? Exit::findings : Exit::fine;
}

}  // namespace smtpdx::cli
