// SPDX-License-Identifier: Apache-2.0
#include "api/check.hpp"

#include <algorithm>

#include "cli/verbs.hpp"
#include "render/check.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  WorldOptions world;
  std::string target, only, consent = "connect";
};

constexpr const char* examples =
    "Examples:\n"
    "  smtpdx check example.org\n"
    "  smtpdx check example.org --only spf,dmarc\n"
    "  smtpdx check 192.0.2.25\n"
    "  smtpdx check example.org --json | jq '.findings[] | select(.severity == \"fail\")'\n"
    "Asks DNS, and says EHLO and STARTTLS to the MX hosts; sends nothing. What was not answered is `untested`.\n"
    "Exit code: 0 nothing found at or above --fail-on, 1 findings, 2 usage, 3 nothing could be tested.";

using diag::Severity;

bool counts(Severity severity, const std::string& fail_on) {
  if (severity == Severity::fail) return true;
  if (severity == Severity::warn) return fail_on != "fail";
  return severity == Severity::info && fail_on == "info";
}

Exit exit_of(const diag::CheckReport& report, const std::string& fail_on) {
  bool tested = false;
  for (const auto& f : report.findings) {
    if (counts(f.severity, fail_on)) return Exit::findings;
    tested = tested || f.severity != Severity::untested;
  }
  return tested ? Exit::fine : Exit::inconclusive;
}

}  // namespace

Exit check(const std::vector<std::string>& args) {
  Options o;
  Flags flags("smtpdx check", "Everything about a domain's mail, each point with its evidence, its source and its fix.",
              examples);
  flags.positional("target", o.target, "a domain, a host that takes mail, or an address", Flags::Need::required);
  flags.text("--only", o.only, "areas, comma-separated: mx,ptr,spf,dmarc,mta-sts,tlsrpt,starttls,tls,dnssec");
  flags.choice("--consent", o.consent, {"dns", "connect"}, "how far: DNS alone, or connections to the MX hosts, too");
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  auto world = api::World::make(o.world);
  if (!world) return complain(world.error());
  const auto consent = o.consent == "dns" ? kb::Consent::dns : kb::Consent::connect;
  const auto report = api::check(**world, o.target, o.only, consent);
  if (!report) return complain(report.error());
  if (o.output.json || o.output.format == "json")
    print(render::check_json(*report, &(*world)->log()));
  else
    print(render::check_text(*report, {o.output.use_color(), o.output.verbose, o.output.width(), "", ""}));
  return exit_of(*report, o.output.fail_on);
}

}  // namespace smtpdx::cli
