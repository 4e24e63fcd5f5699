// SPDX-License-Identifier: Apache-2.0
#include "io/doorkeeper.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "io/door_messages.hpp"
#include "io/group.hpp"
#include "io/socket.hpp"
#include "io/transport.hpp"

namespace smtpdx::io {
namespace {

/// How long an answer may lie before a process that does not read it.
constexpr Duration unread = 30s;
/// Requests read in a row before others get their turn: a process that never stops asking must not hold the loop.
constexpr int in_a_row = 32;

/// One message, with the descriptor if there is one. 0, or errno.
int send_message(int socket, std::string_view message, int fd) {
  iovec part{const_cast<char*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    auto* first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(first), &fd, sizeof fd);
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ? 0 : errno;
}

IoFailure not_permitted(std::string words) { return {Failure::not_permitted, std::move(words)}; }

}  // namespace

/// One serve(): all of it is gone when that ends.
struct Doorkeeper::Impl {
  Impl(Doorkeeper& k) : keeper(k), loop(Loop::of(k.runtime_)), watched(new Watched(loop, k.fd_.release())) {}
  ~Impl() { watched->close(); }

  Doorkeeper& keeper;
  Loop& loop;
  WatchedPtr watched;
  std::deque<TimePoint> recent;  ///< when sockets were promised, of the last minute
  std::size_t promised = 0;
  std::size_t asked = 0;
  Group under_way;

  Task<End> serve(Deadline deadline) {
    door::Buffer buffer;
    for (int row = 1;; ++row) {
      if (row % in_a_row == 0) co_await loop.sleep_until(loop.now());
      if (deadline.passed(loop.now())) co_return End::timed_out;
      // No room for control data: descriptors sent to us are dropped by the kernel.
      const auto n = ::recv(watched->fd(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (n == 0 || (n < 0 && errno == ECONNRESET)) co_return End::closed;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) co_return End::misbehaved;
      if (n < 0) {
        const auto woken = co_await watched->wait(Side::read, deadline);
        if (woken == Woken::timed_out) co_return End::timed_out;
        continue;
      }
      const auto size = static_cast<std::size_t>(n);
      const auto request = size <= buffer.size() ? door::decode_request({buffer.data(), size}) : std::nullopt;
      if (!request || !admit(*request)) co_return End::misbehaved;
    }
  }

  /// False where the process asks without reading answers, or goes on after it was told that it had its share: only one
  /// that means harm does.
  bool admit(const door::Request& request) {
    if (under_way.running() >= 2 * keeper.limits_.at_once || ++asked > 2 * keeper.limits_.in_all) return false;
    auto failure = objection(request);
    if (!failure) {
      recent.push_back(loop.now());
      ++promised;
    }
    under_way.spawn(fulfil(request, std::move(failure)));
    return true;
  }

  std::optional<IoFailure> objection(const door::Request& request) {
    const auto& limits = keeper.limits_;
    const auto now = loop.now();
    while (!recent.empty() && now - recent.front() >= 60s) recent.pop_front();
    if (under_way.running() >= limits.at_once) {
      return not_permitted("more than " + std::to_string(limits.at_once) + " connections being opened at once");
    }
    if (recent.size() >= limits.per_minute) {
      return not_permitted("more than " + std::to_string(limits.per_minute) + " connections a minute");
    }
    if (promised >= limits.in_all) {
      return not_permitted("more than " + std::to_string(limits.in_all) + " connections for one question");
    }
    const auto transport =
        request.transport == door::Transport::tcp ? DoorVisit::Transport::tcp : DoorVisit::Transport::udp;
    auto words = keeper.policy_(DoorVisit{transport, request.to, request.host});
    if (words) return not_permitted(std::move(*words));
    return std::nullopt;
  }

  Task<void> fulfil(door::Request request, std::optional<IoFailure> failure) {
    OwnedFd fd;
    if (!failure) {
      auto opened = co_await open(request);
      if (opened) {
        fd = std::move(*opened);
      } else {
        failure = opened.error();
      }
    } else {
      ++keeper.refused_;
    }
    const auto message = door::encode(door::Reply{request.id, failure});
    const bool handed = fd.get() >= 0;
    const bool sent = co_await hand_over(message, std::move(fd));
    if (sent && handed) ++keeper.handed_over_;
  }

  Task<IoResult<OwnedFd>> open(door::Request request) {
    if (request.transport == door::Transport::udp) co_return connect_udp(request.to, request.source);
    const Deadline deadline(loop.now() + std::min(request.patience, keeper.limits_.patience));
    ConnectRequest wanted;
    wanted.to = request.to;
    wanted.source = request.source;
    auto connected = co_await connect_tcp(loop, wanted, deadline);
    if (!connected) co_return std::unexpected(connected.error());
    co_return OwnedFd((*connected)->release());
  }

  Task<bool> hand_over(std::string message, OwnedFd fd) {
    const auto deadline = keeper.runtime_.deadline_in(unread);
    for (;;) {
      if (watched->closed()) co_return false;
      const int error = send_message(watched->fd(), message, fd.get());
      if (error == 0) co_return true;
      if (error == EINTR) continue;
      if (error != EAGAIN && error != EWOULDBLOCK) co_return false;  // gone, or more in flight than the kernel allows
      const auto woken = co_await watched->wait(Side::write, deadline);
      if (woken != Woken::ready) co_return false;
    }
  }
};

Doorkeeper::Doorkeeper(Runtime& runtime, OwnedFd fd, DoorPolicy policy, DoorLimits limits)
    : runtime_(runtime), fd_(std::move(fd)), policy_(std::move(policy)), limits_(limits) {}

Task<Doorkeeper::End> Doorkeeper::serve(Deadline deadline) {
  Impl impl(*this);
  co_return co_await impl.serve(deadline);
}

}  // namespace smtpdx::io
