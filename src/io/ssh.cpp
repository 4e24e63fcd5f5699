// SPDX-License-Identifier: Apache-2.0

// ssh has no protocol to tell its caller that a stdio forwarding is open; it only says so at debug level 2, on stderr
// ("channel 0: open confirm", OpenSSH 5.4 to 9.x). So it is run at that level and its stderr is read up to that line,
// or to its end. A shared master connection would keep that line to itself: ControlPath=none.
//
// Both its stdio and its stderr are socket pairs instead of pipes: one descriptor for both directions, and the same
// stream class as for TCP.

#include "io/ssh.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/text.hpp"
#include "io/socket.hpp"
#include "io/socket_stream.hpp"
#include "io/wrapped_stream.hpp"

extern char** environ;

namespace smtpdx::io {
namespace {

/// A process of ours, ended by its id when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() { end(); }

  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    for (int i = 0; i < 50; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = -1;
        return;
      }
      ::usleep(2000);
    }
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

struct Ends {
  int ours = -1;
  int theirs = -1;
};

/// Our end does not block and is not inherited; the child gets the other one by dup2.
IoResult<Ends> socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return std::unexpected(IoFailure{Failure::local, system_words(errno)});
  }
  return Ends{fds[0], fds[1]};
}

IoResult<Child> spawn(const std::vector<std::string>& arguments, int stdio, int errors) {
  std::vector<char*> argv;
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, stdio, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, stdio, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return std::unexpected(IoFailure{Failure::local, "cannot run " + arguments[0] + ": " + system_words(error)});
  }
  return Child(pid);
}

/// What a user would want to read of ssh's stderr: neither its debugging nor what follows from an earlier line.
std::string spoken_words(std::string_view errors) {
  std::string words;
  for (const auto raw : split_lines(errors)) {
    const auto line = trim(raw);
    if (line.empty() || line.starts_with("debug") || line.starts_with("OpenSSH_")) continue;
    if (line.starts_with("stdio forwarding failed") || line.starts_with("Warning: Permanently added")) continue;
    if (line.starts_with("Authenticated to ") || line.starts_with("Transferred:") || line.starts_with("Bytes per"))
      continue;
    words += (words.empty() ? "" : "; ") + std::string(line);
  }
  return words.substr(0, 500);
}

class SshStream final : public WrappedStream {
 public:
  SshStream(std::unique_ptr<Stream> stdio, std::unique_ptr<Stream> errors, Child child, Endpoint peer)
      : WrappedStream(std::move(stdio)), errors_(std::move(errors)), child_(std::move(child)), peer_(peer) {}
  ~SshStream() override { close(); }
  Endpoint peer() const override { return peer_; }
  void close() override {
    WrappedStream::close();
    errors_->close();
    child_.end();
  }

 private:
  std::unique_ptr<Stream> errors_;  ///< kept open: ssh still writes to it
  Child child_;
  Endpoint peer_;
};

class SshConnector final : public Connector {
 public:
  SshConnector(Loop& loop, std::shared_ptr<TlsClient> tls, SshVantage vantage)
      : loop_(loop), tls_(std::move(tls)), vantage_(std::move(vantage)) {}

  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override {
    auto stdio = socket_pair();
    if (!stdio) co_return std::unexpected(stdio.error());
    auto out = adopt(stdio->ours, tls_);
    auto errors = socket_pair();
    if (!errors) {
      ::close(stdio->theirs);
      co_return std::unexpected(errors.error());
    }
    auto said = adopt(errors->ours, nullptr);
    auto child = spawn(arguments(request, deadline), stdio->theirs, errors->theirs);
    ::close(stdio->theirs);
    ::close(errors->theirs);
    if (!child) co_return std::unexpected(child.error());
    auto failure = co_await wait_until_open(*said, deadline);
    if (failure) co_return std::unexpected(std::move(*failure));
    co_return std::make_unique<SshStream>(std::move(out), std::move(said), std::move(*child), request.to);
  }

 private:
  std::unique_ptr<Stream> adopt(int fd, std::shared_ptr<TlsClient> tls) {
    WatchedPtr watched(new Watched(loop_, fd));
    return std::make_unique<SocketStream>(watched, std::move(tls), Endpoint{}, SocketStream::Kind::pipe);
  }

  std::vector<std::string> arguments(const ConnectRequest& request, Deadline deadline) const {
    const auto& address = request.to.address;
    const bool unspecified = address.bytes().find_first_not_of('\0') == std::string_view::npos;
    const auto far = unspecified && !request.host.empty() ? request.host + ":" + std::to_string(request.to.port)
                                                          : request.to.to_string();
    const auto seconds = std::max<long long>(1, to_ms(deadline.left(loop_.now())) / 1000);
    std::vector<std::string> out{vantage_.program, "-T", "-a", "-x", "-W", far};
    for (const auto* option : {"BatchMode=yes", "LogLevel=DEBUG2", "ControlPath=none", "ClearAllForwardings=yes"}) {
      out.insert(out.end(), {"-o", option});
    }
    out.insert(out.end(), {"-o", "ConnectTimeout=" + std::to_string(seconds)});
    if (vantage_.at.port != 0) out.insert(out.end(), {"-p", std::to_string(vantage_.at.port)});
    if (!vantage_.user.empty()) out.insert(out.end(), {"-l", vantage_.user});
    out.insert(out.end(), {"--", vantage_.at.host});
    return out;
  }

  /// Nothing once the far channel is open, else why it will not be.
  Task<std::optional<IoFailure>> wait_until_open(Stream& errors, Deadline deadline) {
    std::string seen;
    std::array<char, 4096> buffer;
    while (seen.size() < 1 << 20) {
      const auto n = co_await errors.read_some(buffer, deadline);
      if (!n && n.error().kind == Failure::timed_out) {
        const auto words = spoken_words(seen);
        co_return IoFailure{Failure::timed_out, "no answer through ssh " + vantage_.at.host + " within the time limit" +
                                                    (words.empty() ? "" : ": " + words)};
      }
      if (!n) break;
      seen.append(buffer.data(), *n);
      if (seen.find("open confirm") != std::string::npos) co_return std::nullopt;
      if (seen.find("open failed") != std::string::npos && seen.ends_with('\n')) break;
    }
    const auto words = spoken_words(seen);
    co_return IoFailure{Failure::proxy,
                        "ssh " + vantage_.at.host + ": " + (words.empty() ? "ended without a word" : words)};
  }

  Loop& loop_;
  std::shared_ptr<TlsClient> tls_;
  SshVantage vantage_;
};

}  // namespace

std::unique_ptr<Connector> make_ssh_connector(Runtime& runtime, std::shared_ptr<TlsClient> tls, SshVantage vantage) {
  return std::make_unique<SshConnector>(Loop::of(runtime), std::move(tls), std::move(vantage));
}

}  // namespace smtpdx::io
