// SPDX-License-Identifier: Apache-2.0
//
// smtpdx-sim: worlds by the hundred thousand. Prints every wrong `proved` with the seed that shows it; cause by cause
// the worlds in which it is so, the ceiling (those in which something that was spoilt leaves a proof), and the share of
// the ceiling that was proved; and connections per host. Ends with 1 where anything was proved that is not so, or where
// less than nine in ten of what can be proved was.

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

/// Worlds of one cause, or of one kind.
struct Row {
  std::uint64_t all = 0;       ///< in which the cause is so
  std::uint64_t provable = 0;  ///< … and a proof exists: the ceiling
  std::uint64_t proved = 0;    ///< … and was found
  std::uint64_t beyond = 0;    ///< proved, although the world was spoilt
};

struct Tally {
  std::uint64_t worlds = 0, wrong = 0, provable = 0, proved = 0;
  std::map<std::string, Row> by_cause, by_kind;
  std::map<unsigned, std::uint64_t> connections;  ///< per host
};

constexpr std::uint64_t shown_limit = 25;

void count(const sim::Outcome& outcome, const std::string& kind, Tally& tally) {
  if (outcome.meant.empty()) return;
  const bool provable = !outcome.expected.empty();
  for (auto* row : {&tally.by_cause[outcome.meant], &tally.by_kind[kind]}) {
    ++row->all;
    row->provable += provable ? 1 : 0;
    row->proved += provable && outcome.proved ? 1 : 0;
    row->beyond += !provable && outcome.meant_proved ? 1 : 0;
  }
  tally.provable += provable ? 1 : 0;
  tally.proved += provable && outcome.proved ? 1 : 0;
}

void one_world(std::uint64_t seed, const Options& options, Tally& tally) {
  const auto world = sim::make_world(seed, options.only);
  const auto outcome =
      sim::play(world, kb::Catalogue::builtin(), options.talk ? sim::Detail::transcript : sim::Detail::verdict);
  ++tally.worlds;
  if (!outcome.wrong.empty() && tally.wrong++ < shown_limit)
    for (const auto& cause : outcome.wrong)
      std::printf("WRONG seed %llu %s: proved %s\n", static_cast<unsigned long long>(seed), world.kind.c_str(),
                  cause.c_str());
  count(outcome, world.kind, tally);
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
  for (const auto* table : {&t.by_cause, &t.by_kind})
    for (const auto& [name, n] : *table)
      std::fprintf(out, "%s %s %llu %llu %llu %llu\n", table == &t.by_cause ? "cause" : "kind", name.c_str(),
                   static_cast<unsigned long long>(n.all), static_cast<unsigned long long>(n.provable),
                   static_cast<unsigned long long>(n.proved), static_cast<unsigned long long>(n.beyond));
  for (const auto& [count, n] : t.connections)
    std::fprintf(out, "host %u %llu\n", count, static_cast<unsigned long long>(n));
}

void add(Row& to, const Row& more) {
  to.all += more.all, to.provable += more.provable, to.proved += more.proved, to.beyond += more.beyond;
}

bool read_tally(Tally& t, std::FILE* in) {
  char line[512], name[256];
  unsigned long long a = 0, b = 0, c = 0, d = 0;
  bool summed = false;
  while (std::fgets(line, sizeof line, in)) {
    if (std::sscanf(line, "sum %llu %llu %llu %llu", &a, &b, &c, &d) == 4) {
      t.worlds += a, t.wrong += b, t.provable += c, t.proved += d;
      summed = true;
    } else if (std::sscanf(line, "cause %255s %llu %llu %llu %llu", name, &a, &b, &c, &d) == 5) {
      add(t.by_cause[name], {a, b, c, d});
    } else if (std::sscanf(line, "kind %255s %llu %llu %llu %llu", name, &a, &b, &c, &d) == 5) {
      add(t.by_kind[name], {a, b, c, d});
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
    std::printf("%-42s %8s %8s %8s %7s %7s\n", title, "worlds", "ceiling", "proved", "share", "beyond");
    for (const auto& [name, n] : table)
      std::printf("%-42s %8llu %8llu %8llu %6.1f%% %7llu\n", name.c_str(), static_cast<unsigned long long>(n.all),
                  static_cast<unsigned long long>(n.provable), static_cast<unsigned long long>(n.proved),
                  share(n.proved, n.provable), static_cast<unsigned long long>(n.beyond));
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
