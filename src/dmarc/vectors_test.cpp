// SPDX-License-Identifier: Apache-2.0
// The vectors of tests/dmarc/vectors.txt, each by both standards; their form: tests/dmarc/make_vectors.py.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "base/text.hpp"
#include "dmarc/check.hpp"
#include "dmarc/words.hpp"
#include "dns/test_zone.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"

namespace smtpdx::dmarc {
namespace {

struct Vector {
  std::string name, from;
  std::vector<std::string> zone;
  std::vector<Identifier> identifiers;
  std::vector<std::pair<Profile, std::string>> expected;
};

Identifier identifier_of(const std::vector<std::string_view>& words) {
  Identifier id;
  id.mechanism = words[0] == "spf" ? Mechanism::spf : Mechanism::dkim;
  id.domain = words[1] == "-" ? "" : words[1];
  id.verdict = words[2] == "pass" ? Verdict::pass : words[2] == "fail" ? Verdict::fail : Verdict::temperror;
  return id;
}

std::vector<Vector> read_vectors() {
  std::vector<Vector> vectors;
  std::ifstream file(SMTPDX_SOURCE_DIR "/tests/dmarc/vectors.txt");
  for (std::string line; std::getline(file, line);) {
    const auto space = line.find(' ');
    const auto word = line.substr(0, space), rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (word == "case") vectors.emplace_back().name = rest;
    if (word == "zone") vectors.back().zone.push_back(rest);
    if (word == "from") vectors.back().from = rest;
    if (word == "spf" || word == "dkim") vectors.back().identifiers.push_back(identifier_of(split_words(line)));
    if (word == "rfc7489") vectors.back().expected.emplace_back(Profile::rfc7489, rest);
    if (word == "rfc9989") vectors.back().expected.emplace_back(Profile::rfc9989, rest);
  }
  return vectors;
}

std::string value_of(const Outcome& o, std::string_view key) {
  if (key == "reason") return to_string(o.reason);
  if (key == "policy") return to_string(o.requested);
  if (key == "source") return to_string(o.source);
  if (key == "at") return o.policy_domain;
  if (key == "org") return o.organization.start.empty() ? o.policy_domain : o.organization.domain;
  if (key == "exists") return !o.exists ? "not asked" : *o.exists ? "yes" : "no";
  if (key == "pct") return std::to_string(o.pct);
  return "no such key";
}

TEST(DmarcVectors, ByBothStandards) {
  const auto runtime = io::make_runtime(std::nullopt);
  const PublicSuffixes suffixes(SMTPDX_SOURCE_DIR "/tests/dmarc/suffixes.txt");
  std::size_t count = 0;
  for (const auto& vector : read_vectors()) {
    dns::TestZone zone(std::vector<std::string_view>(vector.zone.begin(), vector.zone.end()));
    for (const auto& [profile, expected] : vector.expected) {
      ++count;
      const Question question{profile, vector.from, vector.identifiers};
      zone.forget();
      const auto outcome = io::run(*runtime, check(zone, suffixes, question, runtime->deadline_in(5s)));
      const auto words = split_words(expected);
      const auto where = vector.name + " by " + to_string(profile) + ": " + why(outcome);
      EXPECT_EQ(to_string(outcome.result), words[0]) << where;
      for (std::size_t i = 1; i < words.size(); ++i) {
        const auto equals = words[i].find('=');
        EXPECT_EQ(value_of(outcome, words[i].substr(0, equals)), words[i].substr(equals + 1)) << where;
      }
      for (const auto& line : trace(outcome)) EXPECT_GT(line.size(), 8u) << where;
      EXPECT_GT(headline(outcome).size(), 8u) << where;
    }
  }
  EXPECT_GE(count, 300u);
}

}  // namespace
}  // namespace smtpdx::dmarc
