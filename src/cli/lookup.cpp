// SPDX-License-Identifier: Apache-2.0
#include "api/lookup.hpp"

#include "base/text.hpp"
#include "cli/verbs.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  WorldOptions world;
  std::string question;
};

constexpr const char* examples =
    "Examples:\n"
    "  smtpdx lookup mx:example.org\n"
    "  smtpdx lookup dkim:example.org:selector1\n"
    "  smtpdx lookup ptr:192.0.2.25\n"
    "  smtpdx lookup smtp:mx.example.org\n"
    "Exit code: 0 found, 1 seen not to be there, 2 usage, 3 could not be found out.";

std::string text_of(const api::LookupResult& r) {
  std::string text;
  for (const auto& line : r.lines) text += line + "\n";
  if (r.lines.empty()) text += std::string(to_string(r.status)) + ": " + r.why + "\n";
  if (!r.lines.empty() && !r.why.empty()) text += "then: " + r.why + "\n";
  return text;
}

Exit exit_of(api::LookupStatus status) {
  switch (status) {
    case api::LookupStatus::found:
      return Exit::fine;
    case api::LookupStatus::absent:
      return Exit::findings;
    case api::LookupStatus::unknown:
      return Exit::inconclusive;
  }
  return Exit::inconclusive;
}

}  // namespace

Exit lookup(const std::vector<std::string>& args) {
  Options o;
  o.world.timeout = 10;
  const auto about = "One quick question. KIND is one of " + join(api::lookup_kinds(), ", ") + ".";
  Flags flags("smtpdx lookup", about, examples);
  flags.positional("question", o.question, "KIND:NAME", Flags::Need::required);
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  const auto question = api::read_lookup(o.question);
  if (!question) return complain(question.error());
  auto world = api::World::make(o.world);
  if (!world) return complain(world.error());
  const auto result = api::lookup(**world, *question);
  const bool json = o.output.json || o.output.format == "json";
  print(json ? api::lookup_document(result) : text_of(result));
  return exit_of(result.status);
}

}  // namespace smtpdx::cli
