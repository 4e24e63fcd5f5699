// SPDX-License-Identifier: Apache-2.0

// No coroutine of its own reads the socket (nothing in smtpdx is detached): whoever waits for an answer reads all that
// is there and leaves the others' answers where they look for them; all who wait are woken together (io/watched.hpp).

#include "io/door.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <string>

#include "io/door_messages.hpp"
#include "io/socket.hpp"
#include "io/socket_stream.hpp"
#include "io/transport.hpp"

namespace smtpdx::io {
namespace {

struct Received {
  std::string bytes;
  OwnedFd fd;
};

/// One message and the descriptor with it; nullopt with errno (0: the other side is gone).
std::optional<Received> receive(int fd) {
  door::Buffer buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const auto n = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n <= 0) {
    if (n == 0) errno = 0;
    return std::nullopt;
  }
  Received received{std::string(buffer.data(), static_cast<std::size_t>(n)), OwnedFd()};
  const auto* first = CMSG_FIRSTHDR(&header);
  if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
      first->cmsg_len == CMSG_LEN(sizeof(int))) {
    int got = -1;
    std::memcpy(&got, CMSG_DATA(first), sizeof got);
    received.fd = OwnedFd(got);
  }
  return received;
}

class DoorClient {
 public:
  DoorClient(Loop& loop, int fd) : loop_(loop), watched_(new Watched(loop, fd)) {}
  ~DoorClient() { watched_->close(); }

  Loop& loop() { return loop_; }

  Task<IoResult<OwnedFd>> ask(door::Request request, Deadline deadline) {
    Waiting waiting(*this);
    request.id = waiting.id();
    request.patience = deadline.left(loop_.now());
    const auto message = door::encode(request);
    if (auto failure = co_await send(message, deadline)) co_return std::unexpected(std::move(*failure));
    for (;;) {
      drain();
      if (waiting.answer) co_return std::move(*waiting.answer);
      if (broken_) co_return std::unexpected(*broken_);
      const auto woken = co_await watched_->wait(Side::read, deadline);
      if (woken == Woken::timed_out && !waiting.answer) co_return std::unexpected(failure_of(woken));
    }
  }

 private:
  /// Stands in the table as long as somebody waits.
  class Waiting {
   public:
    explicit Waiting(DoorClient& door) : door_(door) {
      while (!door_.waiting_.emplace(door_.next_id_, this).second) ++door_.next_id_;
      id_ = door_.next_id_++;
    }
    Waiting(const Waiting&) = delete;
    ~Waiting() { door_.waiting_.erase(id_); }
    std::uint32_t id() const { return id_; }
    std::optional<IoResult<OwnedFd>> answer;

   private:
    DoorClient& door_;
    std::uint32_t id_ = 0;
  };

  Task<std::optional<IoFailure>> send(std::string_view message, Deadline deadline) {
    for (;;) {
      if (broken_) co_return broken_;
      if (::send(watched_->fd(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        co_return std::nullopt;
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        break_off("the doorkeeper is gone (" + system_words(errno) + ")");
        continue;
      }
      const auto woken = co_await watched_->wait(Side::write, deadline);
      if (woken == Woken::timed_out) co_return failure_of(woken);
    }
  }

  void drain() {
    while (!broken_) {
      auto received = receive(watched_->fd());
      if (received) {
        take(std::move(*received));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno != EINTR) {
        break_off("the doorkeeper is gone");
      }
    }
  }

  /// An answer nobody waits for any more is dropped, and its descriptor with it.
  void take(Received received) {
    auto reply = door::decode_reply(received.bytes);
    if (!reply) return break_off("the doorkeeper said something that makes no sense");
    const auto it = waiting_.find(reply->id);
    if (it == waiting_.end() || it->second->answer) return;
    auto& answer = it->second->answer;
    if (reply->failure) {
      answer.emplace(std::unexpected(std::move(*reply->failure)));
    } else if (received.fd.get() < 0) {  // the kernel drops it where our own limit of open files is reached
      answer.emplace(std::unexpected(IoFailure{Failure::local, "too many open files"}));
    } else {
      answer.emplace(std::move(received.fd));
    }
  }

  void break_off(const char* words) { break_off(std::string(words)); }
  void break_off(std::string words) {
    broken_ = IoFailure{Failure::local, std::move(words)};
    watched_->close();
  }

  Loop& loop_;
  WatchedPtr watched_;
  std::map<std::uint32_t, Waiting*> waiting_;
  std::uint32_t next_id_ = 1;
  std::optional<IoFailure> broken_;
};

class DoorConnector final : public Connector {
 public:
  DoorConnector(std::shared_ptr<DoorClient> door, std::shared_ptr<TlsClient> tls)
      : door_(std::move(door)), tls_(std::move(tls)) {}

  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override {
    const auto door = door_;
    const auto tls = tls_;
    door::Request wanted;
    wanted.transport = door::Transport::tcp;
    wanted.to = request.to;
    wanted.source = request.source;
    wanted.host = request.host;
    auto fd = co_await door->ask(std::move(wanted), deadline);
    if (!fd) co_return std::unexpected(fd.error());
    auto watched = watch(door->loop(), std::move(*fd));
    if (!watched) co_return std::unexpected(watched.error());
    co_return std::make_unique<SocketStream>(*watched, tls, request.to);
  }

 private:
  std::shared_ptr<DoorClient> door_;
  std::shared_ptr<TlsClient> tls_;
};

class DoorDatagrams final : public Datagrams {
 public:
  explicit DoorDatagrams(std::shared_ptr<DoorClient> door) : door_(std::move(door)) {}

  Task<IoResult<std::string>> exchange(DatagramRequest request, Deadline deadline) override {
    const auto door = door_;
    door::Request wanted;
    wanted.transport = door::Transport::udp;
    wanted.to = request.to;
    wanted.source = request.source;
    auto fd = co_await door->ask(std::move(wanted), deadline);
    if (!fd) co_return std::unexpected(fd.error());
    co_return co_await exchange_on(door->loop(), std::move(*fd), std::move(request), deadline);
  }

 private:
  std::shared_ptr<DoorClient> door_;
};

}  // namespace

Door make_door(Runtime& runtime, int fd, std::shared_ptr<TlsClient> tls) {
  auto door = std::make_shared<DoorClient>(Loop::of(runtime), fd);
  return {std::make_unique<DoorConnector>(door, std::move(tls)), std::make_unique<DoorDatagrams>(door)};
}

}  // namespace smtpdx::io
