// SPDX-License-Identifier: Apache-2.0
//
// smtpdx-sim: worlds by the hundred thousand. Prints every wrong `proved` with the seed that shows it, the share proved
// where a proof exists, cause by cause, and connections per host. Ends with 1 where anything was proved that is not so,
// or where less than nine in ten of what can be proved was.

#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/play.hpp"

namespace {

using namespace smtpdx;

struct Options {
  std::uint64_t seed = 1, worlds = 1000;
  unsigned jobs = 1;
  std::string only;
  bool talk = false, kinds = false;
};

struct Tally {
  std::uint64_t worlds = 0, wrong = 0, provable = 0, proved = 0;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_cause;  ///< provable, proved
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_kind;   ///< provable, proved
  std::map<unsigned, std::uint64_t> connections;                            ///< per host
};

constexpr std::uint64_t shown_limit = 25;

void one_world(std::uint64_t seed, const Options& options, Tally& tally) {
  const auto world = sim::make_world(seed, options.only);
  const auto outcome =
      sim::play(world, kb::Catalogue::builtin(), options.talk ? sim::Detail::transcript : sim::Detail::verdict);
  ++tally.worlds;
  if (!outcome.wrong.empty() && tally.wrong++ < shown_limit)
    for (const auto& cause : outcome.wrong)
      std::printf("WRONG seed %llu %s: proved %s\n", static_cast<unsigned long long>(seed), world.kind.c_str(),
                  cause.c_str());
  if (!outcome.expected.empty()) {
    for (auto* slot : {&tally.by_cause[outcome.expected], &tally.by_kind[world.kind]}) {
      ++slot->first;
      slot->second += outcome.proved ? 1 : 0;
    }
    ++tally.provable;
    tally.proved += outcome.proved ? 1 : 0;
  }
  for (auto count : outcome.connections) ++tally.connections[count];
  if (options.talk) {
    std::printf("seed %llu\n%s", static_cast<unsigned long long>(seed), outcome.transcript.c_str());
    if (!outcome.expected.empty()) std::printf("%s\n", outcome.proved ? "PROVED" : "MISSED");
    for (const auto& cause : outcome.wrong) std::printf("WRONG %s\n", cause.c_str());
  }
}

// The halves of a run send their tallies up a pipe as lines of words.
void write_tally(const Tally& t, std::FILE* out) {
  std::fprintf(out, "sum %llu %llu %llu %llu\n", static_cast<unsigned long long>(t.worlds),
               static_cast<unsigned long long>(t.wrong), static_cast<unsigned long long>(t.provable),
               static_cast<unsigned long long>(t.proved));
  for (const auto& [name, n] : t.by_cause)
    std::fprintf(out, "cause %s %llu %llu\n", name.c_str(), static_cast<unsigned long long>(n.first),
                 static_cast<unsigned long long>(n.second));
  for (const auto& [name, n] : t.by_kind)
    std::fprintf(out, "kind %s %llu %llu\n", name.c_str(), static_cast<unsigned long long>(n.first),
                 static_cast<unsigned long long>(n.second));
  for (const auto& [count, n] : t.connections)
    std::fprintf(out, "host %u %llu\n", count, static_cast<unsigned long long>(n));
}

bool read_tally(Tally& t, std::FILE* in) {
  char line[512], name[256];
  unsigned long long a = 0, b = 0, c = 0, d = 0;
  bool summed = false;
  while (std::fgets(line, sizeof line, in)) {
    if (std::sscanf(line, "sum %llu %llu %llu %llu", &a, &b, &c, &d) == 4) {
      t.worlds += a, t.wrong += b, t.provable += c, t.proved += d;
      summed = true;
    } else if (std::sscanf(line, "cause %255s %llu %llu", name, &a, &b) == 3) {
      t.by_cause[name].first += a, t.by_cause[name].second += b;
    } else if (std::sscanf(line, "kind %255s %llu %llu", name, &a, &b) == 3) {
      t.by_kind[name].first += a, t.by_kind[name].second += b;
    } else if (std::sscanf(line, "host %255s %llu", name, &a) == 2) {
      t.connections[static_cast<unsigned>(std::strtoul(name, nullptr, 10))] += a;
    }
  }
  return summed;
}

void run_range(const Options& options, std::uint64_t from, std::uint64_t to, Tally& tally) {
  for (auto seed = from; seed < to; ++seed) one_world(seed, options, tally);
  std::fflush(stdout);
}

/// Each process takes a range of seeds. False where one of them broke down.
bool run_split(const Options& options, Tally& tally) {
  std::vector<std::pair<pid_t, std::FILE*>> children;
  std::fflush(stdout);
  for (unsigned job = 0; job < options.jobs; ++job) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    const auto from = options.seed + options.worlds * job / options.jobs;
    const auto to = options.seed + options.worlds * (job + 1) / options.jobs;
    const pid_t pid = fork();
    if (pid < 0) return false;
    if (pid == 0) {
      close(ends[0]);
      Tally own;
      run_range(options, from, to, own);
      std::FILE* out = fdopen(ends[1], "w");
      write_tally(own, out);
      std::fclose(out);
      _exit(0);
    }
    close(ends[1]);
    children.emplace_back(pid, fdopen(ends[0], "r"));
  }
  bool well = true;
  for (auto& [pid, in] : children) {
    well = read_tally(tally, in) && well;
    std::fclose(in);
    int status = 0;
    well = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 && well;
  }
  return well;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 100.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

unsigned median(const std::map<unsigned, std::uint64_t>& counts) {
  std::uint64_t all = 0, seen = 0;
  for (const auto& [count, n] : counts) all += n;
  for (const auto& [count, n] : counts)
    if ((seen += n) * 2 >= all) return count;
  return 0;
}

void print(const Tally& t, double seconds, bool kinds) {
  auto rows = [](const char* title, const auto& table) {
    std::printf("%-42s %10s %10s %7s\n", title, "provable", "proved", "share");
    for (const auto& [name, n] : table)
      std::printf("%-42s %10llu %10llu %6.1f%%\n", name.c_str(), static_cast<unsigned long long>(n.first),
                  static_cast<unsigned long long>(n.second), share(n.second, n.first));
  };
  rows("cause", t.by_cause);
  if (kinds) rows("kind of world", t.by_kind);
  std::printf("worlds %llu, wrong proved %llu, provable %llu, proved %llu (%.2f%%)\n",
              static_cast<unsigned long long>(t.worlds), static_cast<unsigned long long>(t.wrong),
              static_cast<unsigned long long>(t.provable), static_cast<unsigned long long>(t.proved),
              share(t.proved, t.provable));
  std::printf("median connections a host %u; %.1f s, %.0f worlds/s\n", median(t.connections), seconds,
              static_cast<double>(t.worlds) / std::max(seconds, 1e-6));
}

int usage() {
  std::fputs("usage: smtpdx-sim [--seed N] [--worlds N] [--jobs N] [--only KIND] [--kinds] [-v]\nkinds:", stderr);
  for (auto kind : sim::kinds()) std::fprintf(stderr, " %.*s", static_cast<int>(kind.size()), kind.data());
  std::fputs("\n", stderr);
  return 2;
}

bool read_options(int argc, char** argv, Options& o) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-v") {
      o.talk = true;
      continue;
    }
    if (word == "--kinds") {
      o.kinds = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    char* end = nullptr;
    const auto number = std::strtoull(value, &end, 10);
    const bool is_number = end != value && *end == 0;
    if (word == "--seed" && is_number) {
      o.seed = number;
    } else if (word == "--worlds" && is_number) {
      o.worlds = number;
    } else if (word == "--jobs" && is_number && number > 0 && number <= 64) {
      o.jobs = static_cast<unsigned>(number);
    } else if (word == "--only") {
      o.only = value;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) return usage();
  const auto started = std::chrono::steady_clock::now();
  kb::Catalogue::builtin();  // parsed once, before the processes part
  Tally tally;
  if (options.jobs == 1) {
    run_range(options, options.seed, options.seed + options.worlds, tally);
  } else if (!run_split(options, tally)) {
    std::fputs("smtpdx-sim: a process of the run broke down\n", stderr);
    return 3;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  print(tally, took.count(), options.kinds);
  return tally.wrong == 0 && share(tally.proved, tally.provable) >= 90.0 ? 0 : 1;
}
