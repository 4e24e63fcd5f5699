// SPDX-License-Identifier: Apache-2.0

// What sealed children cost: a message there and back, a process from its start to its first answer, a connection by
// the door against one of one's own. "taskset -c 0 bench_seal" puts both processes on one core.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "io/door.hpp"
#include "io/doorkeeper.hpp"
#include "io/group.hpp"
#include "io/listener.hpp"
#include "io/pipe.hpp"
#include "io/real.hpp"
#include "seal/child.hpp"
#include "seal/frames.hpp"
#include "seal/seal.hpp"

namespace {

using namespace smtpdx;
using Clock = std::chrono::steady_clock;

constexpr std::size_t limit = 1 << 20;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int echo() {
  auto runtime = io::make_runtime();
  seal::Frames frames(*runtime, io::OwnedFd(3), limit);
  if (!seal::seal_this_process(seal::Seal::reader)) return 1;
  auto talk = [&]() -> io::Task<int> {
    for (;;) {
      auto frame = co_await frames.receive(runtime->deadline_in(60s));
      if (!frame) co_return 0;
      auto sent = co_await frames.send(frame->type, frame->bytes, runtime->deadline_in(60s));
      if (!sent) co_return 1;
    }
  };
  return io::run(*runtime, talk());
}

struct Echo {
  explicit Echo(io::Runtime& runtime) : Echo(runtime, std::move(*io::socket_pair(io::PipeKind::stream))) {}
  Echo(io::Runtime& runtime, io::FdPair pair) : frames(runtime, std::move(pair.ours), limit) {
    seal::ChildOptions options;
    options.arguments = {"echo"};
    options.descriptors.push_back(std::move(pair.theirs));
    child = std::move(*seal::Child::spawn(runtime, std::move(options)));
  }
  seal::Frames frames;
  std::unique_ptr<seal::Child> child;
};

/// `at_once` messages of `size` octets under way, `total` in all.
io::Task<int> round_trips(io::Runtime& runtime, seal::Frames& frames, std::size_t size, int at_once, int total) {
  const std::string body(size, 'x');
  for (int sent = 0, got = 0; got < total; ++got) {
    for (; sent < total && sent - got < at_once; ++sent) co_await frames.send(1, body, runtime.deadline_in(60s));
    auto frame = co_await frames.receive(runtime.deadline_in(60s));
    if (!frame) co_return got;
  }
  co_return total;
}

void measure_messages(io::Runtime& runtime) {
  Echo echo(runtime);
  struct Case {
    std::size_t size;
    int at_once, total;
  };
  for (const auto& [size, at_once, total] : {Case{200, 1, 100'000}, Case{200, 32, 300'000}, Case{8000, 1, 50'000}}) {
    const auto start = Clock::now();
    const int done = io::run(runtime, round_trips(runtime, echo.frames, size, at_once, total));
    std::printf("messages of %zu octets, %d under way: %.0f there and back a second\n", size, at_once,
                done / seconds_since(start));
  }
}

void measure_start(io::Runtime& runtime) {
  std::vector<double> took;
  for (int i = 0; i < 200; ++i) {
    const auto start = Clock::now();
    Echo echo(runtime);
    io::run(runtime, round_trips(runtime, echo.frames, 10, 1, 1));
    took.push_back(1000 * seconds_since(start));
  }
  std::ranges::sort(took);
  std::printf("start, seal, first answer: median %.2f ms, of 200\n", took[took.size() / 2]);
}

io::Task<int> connect_often(io::Runtime& runtime, io::Connector& connector, io::Listener& listener, int total) {
  for (int i = 0; i < total; ++i) {
    io::ConnectRequest request;
    request.to = listener.local();
    auto stream = co_await connector.connect(request, runtime.deadline_in(10s));
    if (!stream) co_return i;
    auto accepted = co_await listener.accept(runtime.deadline_in(10s));
    if (!accepted) co_return i;
  }
  co_return total;
}

void measure_door(io::Runtime& runtime) {
  constexpr int total = 10'000;
  auto listener = *io::listen_tcp(runtime, {*IpAddress::parse("127.0.0.1"), 0});
  auto own = io::make_tcp_connector(runtime, nullptr);
  auto start = Clock::now();
  io::run(runtime, connect_often(runtime, *own, *listener, total));
  const double alone = 1e6 * seconds_since(start) / total;
  auto pair = *io::socket_pair(io::PipeKind::messages);
  auto door = io::make_door(runtime, pair.theirs.release(), nullptr);
  io::Doorkeeper keeper(runtime, std::move(pair.ours), [](const io::DoorVisit&) { return std::nullopt; },
                        {.per_minute = 2 * total, .in_all = 2 * total});
  auto keep = [&]() -> io::Task<void> { co_await keeper.serve(runtime.deadline_in(300s)); };
  io::Group group;
  group.spawn(keep());
  start = Clock::now();
  const int done = io::run(runtime, connect_often(runtime, *door.connector, *listener, total));
  std::printf("a connection on loopback: %.1f us, by the door %.1f us (%d)\n", alone,
              1e6 * seconds_since(start) / total, done);
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return echo();
  auto runtime = io::make_runtime();
  measure_messages(*runtime);
  measure_start(*runtime);
  measure_door(*runtime);
}
