// SPDX-License-Identifier: Apache-2.0
#include "api/check.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/check.hpp"
#include "kb/checks.hpp"

namespace smtpdx::api {

namespace {

Result<std::set<std::string>> areas_of(const std::string& only) {
  const auto& known = kb::check_areas();
  std::set<std::string> areas;
  for (const auto word : split(only, ',')) {
    const auto area = std::string(trim(word));
    if (area.empty()) continue;
    if (std::find(known.begin(), known.end(), area) == known.end())
      return fail(ErrorKind::usage, "--only " + area + ": no such area", "known: " + join(known, ", "));
    areas.insert(area);
  }
  return areas;
}

bool is_name(const std::string& target) {
  const auto name = canonical_name(target);
  return !name.empty() && name.size() <= 253 && name.find_first_of("@/: \t") == std::string::npos;
}

}  // namespace

Result<diag::CheckReport> check(World& world, const std::string& target, const std::string& only, kb::Consent consent) {
  const auto name = target.find('@') == std::string::npos ? target : domain_of(target);
  if (!IpAddress::parse(name) && !is_name(name))
    return fail(ErrorKind::usage, printable(target, 100) + ": neither a domain nor an address",
                "smtpdx check example.org");
  auto areas = areas_of(only);
  if (!areas) return std::unexpected(areas.error());
  diag::Case world_side;
  world.apply_to(world_side);
  engine::CheckQuestion question;
  question.target = name;
  question.areas = std::move(*areas);
  question.consent = consent;
  question.sources = world_side.sources;
  question.use_v4 = world_side.use_v4;
  question.use_v6 = world_side.use_v6;
  question.smtp_port = world_side.smtp_port;
  return io::run(world.runtime(), engine::check(world.env(), std::move(question), world.deadline()));
}

}  // namespace smtpdx::api
