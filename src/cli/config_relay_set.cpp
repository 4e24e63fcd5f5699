// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "cli/config_verbs.hpp"
#include "intake/session_cases.hpp"
#include "mta/postfix/relay_set.hpp"
#include "render/relay_set.hpp"

namespace smtpdx::cli {

namespace postfix = mta::postfix;

Result<postfix::Configuration> load_postfix(const std::string& target, const ConfigOptions& o) {
  const auto colon = target.find(':');
  const auto kind = target.substr(0, colon);
  const auto path = colon == std::string::npos ? std::string() : target.substr(colon + 1);
  std::error_code ignored;
  const bool found = kind == "auto" && std::filesystem::exists(std::filesystem::path(path) / "main.cf", ignored);
  if (colon == std::string::npos || (kind != "postfix" && !found))
    return fail(ErrorKind::usage, "\"" + printable(target, 80) + "\" is no Postfix configuration",
                "this verb reads postfix:DIRECTORY; other products: smtpdx config decide");
  auto own = intake::read_own_addresses(o.server_address);
  if (!own) return std::unexpected(own.error());
  auto configuration = postfix::load(path);
  if (configuration) configuration->own_addresses = std::move(*own);
  return configuration;
}

namespace {

bool json_wanted(const OutputOptions& output) { return output.json || output.format == "json"; }

/// An open relay is a failure, one that hangs on what the files do not say a warning.
Exit exit_of(const std::vector<postfix::RelayRegion>& regions, const std::string& fail_on) {
  for (const auto& region : regions) {
    const bool sure = region.relay != postfix::Relay::perhaps;
    if (region.everybody && (sure || fail_on != "fail")) return Exit::findings;
  }
  return Exit::fine;
}

Exit difference(const ConfigOptions& o, const postfix::Configuration& before) {
  auto after = load_postfix(o.against, o);
  if (!after) return complain(after.error());
  auto between = postfix::RelayDifference::between(before, *after);
  if (!between) return complain(between.error());
  const render::RelayDifferenceReport report{o.target, o.against, std::move(*between)};
  print(json_wanted(o.output) ? render::relay_difference_json(report) : render::relay_difference_text(report));
  return report.difference.gained.empty() ? Exit::fine : Exit::findings;
}

}  // namespace

Exit config_who_may_relay(const ConfigOptions& o) {
  auto configuration = load_postfix(o.target, o);
  if (!configuration) return complain(configuration.error());
  if (!o.against.empty()) return difference(o, *configuration);
  auto set = postfix::RelaySet::compute(*configuration);
  if (!set) return complain(set.error());
  const render::RelaySetReport report{o.target, set->regions(), set->not_bounded(), set->combinations()};
  print(json_wanted(o.output) ? render::relay_set_json(report) : render::relay_set_text(report));
  return exit_of(report.regions, o.output.fail_on);
}

}  // namespace smtpdx::cli
