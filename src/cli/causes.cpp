// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"
#include "render/render.hpp"

namespace smtpdx::cli {

Exit causes(const std::vector<std::string>& args) {
  OutputOptions output;
  std::string code;
  Flags flags("smtpdx causes", "The catalogue: every cause with its proof, its look-alikes and its fix.",
              "Examples:\n  smtpdx causes\n  smtpdx causes submit.auth_not_attempted\n  smtpdx causes --json");
  flags.positional("code", code, "a cause code, or its short id (S13)");
  add_output_options(flags, output);
  if (auto done = flags.parse(args)) return *done;
  const auto& catalogue = kb::Catalogue::builtin();
  std::vector<const kb::Cause*> chosen;
  if (!code.empty()) {
    const auto* cause = catalogue.cause(code);
    if (!cause) {
      const auto* near = catalogue.nearest(code);
      return complain({ErrorKind::usage, "no cause is called " + code, near ? "did you mean " + near->code + "?" : ""});
    }
    chosen.push_back(cause);
  } else {
    for (const auto& c : catalogue.causes()) chosen.push_back(&c);
  }
  if (output.json || output.format == "json") {
    print(render::causes_json(chosen));
  } else if (code.empty()) {
    print(render::causes_table(catalogue));
  } else {
    print(render::cause_text(*chosen.front(), {output.use_color(), true, output.width(), "", ""}));
  }
  return Exit::fine;
}

}  // namespace smtpdx::cli
