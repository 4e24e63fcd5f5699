// SPDX-License-Identifier: Apache-2.0
//
// What one check of a sender policy costs in the library, its trace included: each case of a file that bench/spf.py
// makes, asked of a resolver that answers from memory. Printed are microseconds of CPU a check, the least of five
// rounds, and the results, one letter a case in the file's order, so that the caller sees that the work was done.
//
//   bench_spf FILE      lines of words parted by tabs, values in hex:
//                       zone · record NAME TYPE VALUE · case IP HELO SENDER; records belong to the zone before them

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <deque>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "dns/test_zone.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"
#include "spf/check.hpp"

namespace {

namespace spf = smtpdx::spf;
constexpr int each = 200, rounds = 5;

struct Case {
  smtpdx::dns::TestZone* zone;
  spf::Question question;
};

double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

std::vector<Case> read(const char* path, std::deque<smtpdx::dns::TestZone>& zones) {
  std::vector<Case> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto words = smtpdx::split(line, '\t');
    if (words[0] == "zone") {
      zones.emplace_back();
    } else if (words[0] == "record") {
      zones.back().add(from_hex(words[1]), words[2], from_hex(words[3]));
    } else {
      spf::Question question;
      question.client = smtpdx::IpAddress::parse(words[1]).value();
      question.helo = from_hex(words[2]);
      question.sender = from_hex(words[3]);
      cases.push_back({&zones.back(), std::move(question)});
    }
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::deque<smtpdx::dns::TestZone> zones;
  const auto cases = read(argv[1], zones);
  const auto runtime = smtpdx::io::make_runtime(std::nullopt);
  const auto deadline = runtime->deadline_in(std::chrono::hours(1));
  double least = std::numeric_limits<double>::max();
  std::string results;
  std::size_t steps = 0;
  for (int round = 0; round < rounds; ++round) {
    const double began = cpu_microseconds();
    for (int i = 0; i < each; ++i)
      for (const auto& one : cases) {
        const auto outcome = smtpdx::io::run(*runtime, spf::check(*one.zone, one.question, deadline));
        one.zone->forget();
        steps += outcome.steps.size();
        if (round == 0 && i == 0) results += "N?+-~tp"[static_cast<std::size_t>(outcome.result)];
      }
    least = std::min(least, (cpu_microseconds() - began) / (each * static_cast<double>(cases.size())));
  }
  std::printf("%zu checks of %.1f steps: %.2f us CPU\n%s\n", cases.size(),
              static_cast<double>(steps) / (each * rounds * static_cast<double>(cases.size())), least, results.c_str());
}
