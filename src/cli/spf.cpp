// SPDX-License-Identifier: Apache-2.0
#include "api/spf.hpp"
#include "cli/verbs.hpp"
#include "render/spf.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  WorldOptions world;
  api::SpfWords words;
};

constexpr const char* examples =
    "Examples:\n"
    "  smtpdx spf 192.0.2.1 alice@example.org mail.example.org\n"
    "  smtpdx spf 2001:db8::1 '<>' mail.example.org     (a bounce: the HELO name's policy)\n"
    "  smtpdx spf 192.0.2.1 example.org --json | jq '.trace[] | [.domain, .term, .result, .why]'\n"
    "Exit code: 0 pass, or neutral (with --fail-on warn only pass); 1 fail, softfail, none, permerror; 3 temperror;\n"
    "2 usage.";

Exit exit_of(spf::Result result, const std::string& fail_on) {
  switch (result) {
    case spf::Result::pass:
      return Exit::fine;
    case spf::Result::neutral:
      return fail_on == "fail" ? Exit::fine : Exit::findings;
    case spf::Result::temperror:
      return Exit::inconclusive;
    default:
      return Exit::findings;
  }
}

void define(Flags& flags, Options& o) {
  flags.positional("ip", o.words.ip, "the address that sends", Flags::Need::required);
  flags.positional("sender", o.words.sender, "envelope sender, or a domain; '<>' for a bounce", Flags::Need::required);
  flags.positional("helo", o.words.helo, "the name in its HELO or EHLO");
  flags.choice("--identity", o.words.identity, {"mail-from", "helo"}, "whose policy: the sender's, or the HELO name's");
  flags.text("--receiver", o.words.receiver, "the receiving host's name, for explanations that name it");
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
}

}  // namespace

Exit spf(const std::vector<std::string>& args) {
  Options o;
  o.world.timeout = 10;
  Flags flags("smtpdx spf",
              "May this address send for this sender? Evaluates the sender policy (RFC 7208) and shows every step.",
              examples);
  define(flags, o);
  if (auto done = flags.parse(args)) return *done;
  auto world = api::World::make(o.world);
  if (!world) return complain(world.error());
  const auto outcome = api::spf(**world, o.words);
  if (!outcome) return complain(outcome.error());
  if (o.output.json || o.output.format == "json")
    print(render::spf_json(*outcome));
  else
    print(render::spf_text(*outcome, {o.output.use_color(), o.output.verbose, o.output.width(), "", ""}));
  return exit_of(outcome->result, o.output.fail_on);
}

}  // namespace smtpdx::cli
