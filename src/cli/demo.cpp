// SPDX-License-Identifier: Apache-2.0
#include "mock/demo.hpp"

#include <cstdio>
#include <fstream>

#include "cli/verbs.hpp"
#include "io/real.hpp"
#include "mock/internet.hpp"
#include "mock/scenario.hpp"
#include "render/render.hpp"

namespace smtpdx::cli {

Exit demo(const std::vector<std::string>& args) {
  OutputOptions output;
  bool bounce = false;
  Flags flags("smtpdx demo",
              "A small internet on this machine's loopback, and the bounce that came out of it, diagnosed live.",
              "Examples:\n  smtpdx demo\n  smtpdx demo --bounce > bounce.eml\n  smtpdx demo --json | jq .causes");
  flags.toggle("--bounce", bounce, "print the bounce that is diagnosed, and end");
  add_output_options(flags, output);
  if (auto done = flags.parse(args)) return *done;
  const auto& catalogue = kb::Catalogue::builtin();
  auto result = mock::run_demo(catalogue);
  if (!result) return complain(result.error());
  if (bounce) {
    print(result->bounce);
    return Exit::fine;
  }
  render::Subject subject{result->report, catalogue, result->log.get()};
  if (output.json || output.format == "json") {
    print(render::diagnosis_json(subject));
    return Exit::fine;
  }
  if (!output.quiet)
    std::fputs(
        "A message came back; its report says \"550 5.7.367 Remote server returned not permitted to relay\".\n"
        "Its servers and its DNS now run on this machine's loopback. Asking them …\n\n",
        stderr);
  print(render::text(subject, {output.use_color(), output.verbose, output.width(), output.product, ""}));
  return Exit::fine;
}

namespace {

/// Resumes after the time given, or never: then a signal ends the program.
io::Task<bool> stay(io::Runtime& runtime, double seconds) {
  const auto time =
      seconds > 0 ? std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)) : Duration(24h * 365);
  co_await runtime.sleep_until(runtime.now() + time);
  co_return true;
}

}  // namespace

Exit mock(const std::vector<std::string>& args) {
  OutputOptions output;
  std::string path, ca_file;
  double seconds = 0;
  Flags flags(
      "smtpdx mock", "Plays the DNS and SMTP servers of a scenario on loopback, until interrupted.",
      "Examples:\n  smtpdx mock tests/scenarios/S02.scenario\n  smtpdx mock world.scenario --for 60 --ca-out ca.pem\n"
      "The notation is described in tests/scenarios/README.md.");
  flags.positional("scenario", path, "a scenario file", Flags::Need::required);
  flags.seconds("--for", seconds, "end after so many seconds");
  flags.text("--ca-out", ca_file, "write the authority's certificate there, for --ca");
  add_output_options(flags, output);
  if (auto done = flags.parse(args)) return *done;
  auto text = read_input(path);
  if (!text) return complain(text.error());
  auto scenario = mock::parse_scenario(path, *text);
  if (!scenario) return complain(scenario.error());
  auto runtime = io::make_runtime();
  auto internet = mock::Internet::start(*runtime, std::move(*scenario));
  if (!internet) return complain(internet.error());
  if (!ca_file.empty()) std::ofstream(ca_file) << (*internet)->ca_pem();
  std::string lines;
  for (const auto& line : (*internet)->directory()) lines += line + "\n";
  lines += "reach it with:";
  for (const auto& option : (*internet)->options()) lines += " " + option;
  print(lines + "\n");
  io::run(*runtime, stay(*runtime, seconds));
  return Exit::fine;
}

}  // namespace smtpdx::cli
