// SPDX-License-Identifier: Apache-2.0
#pragma once

// A process of our own program with nothing of ours in it but what it is handed: for reading bytes from strangers
// (seal/seal.hpp closes it up from within). Started anew (exec), not forked: nothing of the parent's memory, no lock,
// no secret goes along.

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/datagram.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"

namespace smtpdx::seal {

struct ChildOptions {
  std::vector<std::string> arguments = {};    ///< argv[1], argv[2] …
  std::vector<io::OwnedFd> descriptors = {};  ///< become 3, 4, … there, and are closed here
  std::vector<std::string> environment = {};  ///< "NAME=value", beside what is kept (kept_environment())
  std::string program = "/proc/self/exe";
};

/// How a child ended.
struct Exit {
  std::optional<int> code = {};    ///< or
  std::optional<int> signal = {};  ///< one of both; neither where somebody else reaped it (SIGCHLD ignored)
  /// What it wrote to stderr, at most the last 2,000 octets, printable. From a child that may be in a stranger's hands.
  std::string words = {};
  /// "ended with code 1: words", "was killed by signal 9 (killed)", "tried what it may not: openat (system call 257)".
  std::string to_string() const;
};

/// Lives at most as long as this object and the thread that started it. One thread.
class Child {
 public:
  /// stdin and stdout are /dev/null there, stderr is kept for Exit::words; no other descriptor of ours is open, the
  /// environment is kept_environment() and no more. Returns when the new program runs (some 1 ms).
  /// Fails with ErrorKind::system.
  static Result<std::unique_ptr<Child>> spawn(io::Runtime& runtime, ChildOptions options);
  Child(const Child&) = delete;
  /// Kills it if need be and reaps it.
  ~Child();

  pid_t pid() const { return pid_; }
  /// Nothing where it still runs at the deadline. Several may wait; asked again later it says the same.
  io::Task<std::optional<Exit>> wait(Deadline deadline);
  /// SIGKILL; wait() then tells.
  void kill();

 private:
  Child(io::Runtime& runtime, pid_t pid, io::OwnedFd errors);
  void reap(int flags);

  io::Runtime& runtime_;
  pid_t pid_;
  io::OwnedFd errors_;
  io::OwnedFd pidfd_;  ///< none on kernels before 5.3
  std::unique_ptr<io::Readiness> ended_;
  std::optional<Exit> exit_;
};

/// "NAME=value" of LANG, LC_*, TZ, SSL_CERT_*, OPENSSL_CONF and the sanitizers' options, as they are set here.
std::vector<std::string> kept_environment();

/// The exit code of a process that broke its seal (seal/seal.hpp); its words say by which system call.
inline constexpr int broke_seal = 86;

}  // namespace smtpdx::seal
