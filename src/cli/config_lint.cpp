// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/config_verbs.hpp"
#include "mta/postfix/lint.hpp"
#include "render/lint.hpp"

namespace smtpdx::cli {

Exit config_lint(const ConfigOptions& o) {
  using mta::postfix::LintSeverity;
  const auto configuration = load_postfix(o.target, o);
  if (!configuration) return complain(configuration.error());
  const auto findings = mta::postfix::lint(*configuration);
  if (o.output.format == "sarif")
    print(render::lint_sarif(findings, SMTPDX_VERSION));
  else
    print(o.output.json || o.output.format == "json" ? render::lint_json(findings) : render::lint_text(findings));
  const auto least = o.output.fail_on == "info"   ? LintSeverity::info
                     : o.output.fail_on == "warn" ? LintSeverity::warn
                                                  : LintSeverity::fail;
  const bool bad = std::any_of(findings.begin(), findings.end(), [&](const auto& f) { return f.severity >= least; });
  return bad ? Exit::findings : Exit::fine;
}

}  // namespace smtpdx::cli
