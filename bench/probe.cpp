// SPDX-License-Identifier: Apache-2.0
//
// What one relay probe costs: connect, greeting, EHLO, MAIL, RCPT, QUIT over the library's own connector and session,
// trace included, many at once on one thread. It says its own CPU (the whole process, as the bare client it is compared
// with does) or how much memory grew while all sessions stood open. No judging, no DNS, no TLS: those are measured
// where they matter, in wall time (script/bench).
//
//   bench_probe PORT run SESSIONS PARALLEL [pipeline]
//   bench_probe PORT open SESSIONS

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "io/real.hpp"
#include "smtp/session.hpp"

using namespace smtpdx;

namespace {

enum class Style { one_by_one, pipelined };

struct Bench {
  io::Runtime& runtime;
  io::Connector& connector;
  trace::Log log = {};  ///< of the sessions that stand open
  Endpoint server = {};
  Style style = Style::one_by_one;
  int left = 0;      ///< sessions nobody has begun
  int refused = 0;   ///< RCPTs that got their 5xx
  int failed = 0;    ///< sessions that broke anywhere
  int standing = 0;  ///< sessions held open
  bool released = false;

  Deadline limit() const { return runtime.deadline_in(30s); }
};

/// True where the RCPT was refused, which is what the server always does.
io::Task<bool> ask(Bench& bench, smtp::Session& session) {
  auto greeting = co_await session.greeting(bench.limit());
  if (!greeting.ok()) co_return false;
  auto ehlo = co_await session.ehlo("probe.example", smtp::Session::Fallback::none, bench.limit());
  if (!ehlo.ok()) co_return false;
  smtp::Step verdict;
  if (bench.style == Style::pipelined) {
    std::vector<smtp::Envelope> envelopes{{"probe@example.com", {"nobody@example.net"}}};
    auto results = co_await session.transactions(std::move(envelopes), bench.limit(), smtp::Session::After::leave);
    verdict = results.at(0).rcpts.at(0);
  } else {
    auto mail = co_await session.mail("probe@example.com", bench.limit());
    if (!mail.ok()) co_return false;
    verdict = co_await session.rcpt("nobody@example.net", bench.limit());
  }
  co_return verdict.reply&& verdict.reply->code >= 500;
}

io::Task<void> probe(Bench& bench) {
  io::ConnectRequest request;
  request.to = bench.server;
  auto stream = co_await bench.connector.connect(request, bench.limit());
  if (!stream) {
    ++bench.failed;
    co_return;
  }
  trace::Log log;  // a caller that keeps no transcripts; one that does pays for the memory
  smtp::Session session(bench.runtime, std::move(*stream), log.open("smtp", bench.server.to_string()));
  const bool refused = co_await ask(bench, session);
  ++(refused ? bench.refused : bench.failed);
  if (bench.style == Style::one_by_one) co_await session.quit(bench.limit());
}

io::Task<bool> worker(Bench& bench) {
  while (bench.left-- > 0) co_await probe(bench);
  co_return true;
}

long resident_kb() {
  std::ifstream in("/proc/self/statm");
  long total = 0, resident = 0;
  in >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/// Stands open, its RCPT answered, until every other one does.
io::Task<bool> hold(Bench& bench) {
  io::ConnectRequest request;
  request.to = bench.server;
  auto stream = co_await bench.connector.connect(request, bench.limit());
  ++bench.standing;
  if (!stream) {
    ++bench.failed;
    co_return false;
  }
  smtp::Session session(bench.runtime, std::move(*stream), bench.log.open("smtp", bench.server.to_string()));
  const bool refused = co_await ask(bench, session);
  ++(refused ? bench.refused : bench.failed);
  const auto limit = bench.limit();
  while (!bench.released && !limit.passed(bench.runtime.now()))
    co_await bench.runtime.sleep_until(bench.runtime.now() + 20ms);
  co_await session.leave();
  co_return true;
}

io::Task<bool> release(Bench& bench, int sessions, long before) {
  const auto limit = bench.limit();
  while (bench.refused + bench.failed < sessions && !limit.passed(bench.runtime.now()))
    co_await bench.runtime.sleep_until(bench.runtime.now() + 20ms);
  const long grown = resident_kb() - before;
  std::printf("%d open refused %d failed %d, grown %ld kB, %.2f kB/session\n", sessions, bench.refused, bench.failed,
              grown, static_cast<double>(grown) / sessions);
  bench.released = true;
  co_return true;
}

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int run_many(Bench& bench, int sessions, int parallel) {
  bench.left = sessions;
  const auto started = bench.runtime.now();
  std::vector<io::Task<bool>> workers;
  for (int i = 0; i < parallel; ++i) workers.push_back(worker(bench));
  io::run(bench.runtime, io::when_all(std::move(workers)));
  const double took = std::chrono::duration<double>(bench.runtime.now() - started).count();
  std::printf("%d sessions denied %d failed %d, %.3f s, %.0f/s, cpu %.1f us/session\n", sessions, bench.refused,
              bench.failed, took, sessions / took, cpu_seconds() * 1e6 / sessions);
  return bench.refused == sessions ? 0 : 1;
}

int stand_open(Bench& bench, int sessions) {
  // One session first, so that what is made once (pools, tables) is not charged to the thousand.
  bench.left = 1;
  io::run(bench.runtime, worker(bench));
  bench.refused = bench.failed = 0;
  const long before = resident_kb();
  std::vector<io::Task<bool>> tasks;
  for (int i = 0; i < sessions; ++i) tasks.push_back(hold(bench));
  tasks.push_back(release(bench, sessions, before));
  io::run(bench.runtime, io::when_all(std::move(tasks)));
  return bench.refused == sessions ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: bench_probe PORT run SESSIONS PARALLEL [pipeline] | PORT open SESSIONS\n", stderr);
    return 2;
  }
  const std::string_view mode = argv[2];
  const int sessions = std::atoi(argv[3]);
  auto runtime = io::make_runtime();
  auto tls = io::make_tls_client({});
  if (!tls) return 2;
  auto connector = io::make_tcp_connector(*runtime, *tls);
  Bench bench{*runtime, *connector};
  bench.server = {*IpAddress::parse("127.0.0.1"), static_cast<std::uint16_t>(std::atoi(argv[1]))};
  if (argc > 5 && std::string_view(argv[5]) == "pipeline") bench.style = Style::pipelined;
  if (mode == "open") return stand_open(bench, sessions);
  return run_many(bench, sessions, argc > 4 ? std::max(1, std::atoi(argv[4])) : 1);
}
