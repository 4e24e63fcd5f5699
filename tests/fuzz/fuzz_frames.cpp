// SPDX-License-Identifier: Apache-2.0
// links: seal io base trace
// Messages from a process in a stranger's hands, cut into reads of any size: whole frames within the limit come out,
// the rest is a failure, and no wait is without end.
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>

#include "io/real.hpp"
#include "seal/frames.hpp"

namespace {

using namespace smtpdx;

io::Task<int> receive_all(seal::Frames& frames, io::Runtime& runtime, std::size_t limit) {
  int seen = 0;
  for (;; ++seen) {
    auto frame = co_await frames.receive(runtime.deadline_in(5s));
    if (!frame && frame.error().kind == io::Failure::timed_out) std::abort();
    if (!frame) co_return seen;
    if (frame->bytes.size() > limit) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t limit = 300;
  if (size > 4000) return 0;
  static const auto runtime = io::make_runtime();
  auto pair = io::socket_pair(io::PipeKind::stream);
  if (!pair) return 0;
  seal::Frames frames(*runtime, std::move(pair->ours), limit);
  ::send(pair->theirs.get(), data, size, MSG_NOSIGNAL);
  pair->theirs = io::OwnedFd();
  io::run(*runtime, receive_all(frames, *runtime, limit));
  return 0;
}
