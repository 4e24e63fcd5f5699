// SPDX-License-Identifier: Apache-2.0

// Why vfork: the parent stands still until the child has become another program. So no copy of the parent's descriptors
// exists while the parent runs on: a copy would keep them in epoll after their close (io/watched.hpp), and connections
// open. What runs between vfork and exec only makes system calls and touches nothing of the parent's memory but
// `Start`.

#include "seal/child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>

#include "base/text.hpp"
#include "io/pipe.hpp"
#include "io/real.hpp"

extern char** environ;

namespace smtpdx::seal {
namespace {

constexpr int first_descriptor = 3;
constexpr std::size_t kept_words = 2000;

std::string words_of(int error) { return to_lower(std::system_category().message(error)); }

/// All that the new process needs before exec, made ready beforehand.
struct Start {
  const char* program;
  char** argv;
  char** envp;
  const int* descriptors;  ///< copies above all numbers they are going to get
  int count;
  int null;
  int errors;
  pid_t parent;
  volatile int error = 0;
  const char* volatile step = "";
};

/// Nothing is blocked in the new program; handlers end with exec. By the system call itself: the sanitizers' versions
/// keep books in memory that still is the parent's.
void unblock_signals() {
  const std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

[[noreturn]] void become(Start& start) {
  const auto failed = [&start](const char* step) {
    start.error = errno;
    start.step = step;
    ::_exit(127);
  };
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) failed("prctl");
  if (::getppid() != start.parent) ::_exit(127);  // it died before it could be watched
  ::setsid();                                     // no terminal, no signals of its group
  if (::dup2(start.null, 0) < 0 || ::dup2(start.null, 1) < 0 || ::dup2(start.errors, 2) < 0) failed("dup2");
  for (int i = 0; i < start.count; ++i) {
    if (::dup2(start.descriptors[i], first_descriptor + i) < 0) failed("dup2");
  }
  const auto above = static_cast<unsigned>(first_descriptor + start.count);
  if (::syscall(SYS_close_range, above, ~0U, 0) != 0) {
    // Kernels before 5.9. All of ours are closed by exec anyway; this is for those of libraries.
    for (unsigned fd = above; fd < 65536; ++fd) ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
  }
  unblock_signals();
  ::execve(start.program, start.argv, start.envp);
  failed("execve");
  __builtin_unreachable();
}

/// In a function of its own: what the child does to its stack frame must not be anybody else's.
[[gnu::noinline]] pid_t vfork_and_become(Start& start) {
  const pid_t pid = ::vfork();
  if (pid == 0) become(start);
  return pid;
}

/// No handler of the parent's may run in the child.
pid_t start_process(Start& start) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork_and_become(start);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Copies with numbers that no dup2 of become() overwrites.
Result<std::vector<io::OwnedFd>> moved_up(std::vector<io::OwnedFd> descriptors) {
  std::vector<io::OwnedFd> out;
  const int above = first_descriptor + static_cast<int>(descriptors.size());
  for (auto& fd : descriptors) {
    out.emplace_back(::fcntl(fd.get(), F_DUPFD_CLOEXEC, above));
    if (out.back().get() < 0) return fail(ErrorKind::system, "cannot hand a descriptor over: " + words_of(errno));
  }
  return out;
}

/// The write end does not block: a child that fills the pipe loses words, not time.
Result<io::FdPair> error_pipe(int above) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
    return fail(ErrorKind::system, "cannot make a pipe: " + words_of(errno));
  io::FdPair pair{io::OwnedFd(fds[0]), io::OwnedFd(fds[1])};
  pair.theirs = io::OwnedFd(::fcntl(fds[1], F_DUPFD_CLOEXEC, above));
  if (pair.theirs.get() < 0) return fail(ErrorKind::system, "cannot make a pipe: " + words_of(errno));
  return pair;
}

io::OwnedFd open_pidfd(pid_t pid) { return io::OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

std::string last_words(int errors) {
  std::string all;
  char buffer[4096];
  for (ssize_t n; all.size() < (1 << 20) && (n = ::read(errors, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(n));
  }
  auto text = std::string_view(all);
  if (text.size() > kept_words) text.remove_prefix(text.size() - kept_words);
  return printable(trim(text), kept_words);
}

}  // namespace

std::vector<std::string> kept_environment() {
  std::vector<std::string> kept;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    const bool keep = name == "LANG" || name.starts_with("LC_") || name == "TZ" || name.starts_with("SSL_CERT_") ||
                      name == "OPENSSL_CONF" || name.ends_with("SAN_OPTIONS");
    if (keep) kept.emplace_back(text);
  }
  return kept;
}

std::string Exit::to_string() const {
  std::string how = code ? "ended with code " + std::to_string(*code) : "ended";
  if (signal) how = "was killed by signal " + std::to_string(*signal) + " (" + to_lower(::strsignal(*signal)) + ")";
  if (code == broke_seal) how = "tried what it may not";
  return words.empty() ? how : how + ": " + words;
}

Result<std::unique_ptr<Child>> Child::spawn(io::Runtime& runtime, ChildOptions options) {
  const int count = static_cast<int>(options.descriptors.size());
  auto descriptors = moved_up(std::move(options.descriptors));
  if (!descriptors) return std::unexpected(descriptors.error());
  auto errors = error_pipe(first_descriptor + count);
  if (!errors) return std::unexpected(errors.error());
  io::OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0) return fail(ErrorKind::system, "cannot open /dev/null: " + words_of(errno));
  io::OwnedFd null_above(::fcntl(null.get(), F_DUPFD_CLOEXEC, first_descriptor + count));

  std::vector<std::string> arguments{"smtpdx"};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  auto environment = kept_environment();
  environment.insert(environment.end(), options.environment.begin(), options.environment.end());
  auto argv = pointers(arguments), envp = pointers(environment);
  std::vector<int> numbers;
  for (const auto& fd : *descriptors) numbers.push_back(fd.get());
  Start start{options.program.c_str(), argv.data(),          envp.data(), numbers.data(), count,
              null_above.get(),        errors->theirs.get(), ::getpid()};
  const pid_t pid = start_process(start);
  if (pid < 0) return fail(ErrorKind::system, "cannot start a process: " + words_of(errno));
  std::unique_ptr<Child> child(new Child(runtime, pid, std::move(errors->ours)));
  if (start.error != 0) {
    return fail(ErrorKind::system,
                "cannot start " + options.program + ": " + start.step + ": " + words_of(start.error));
  }
  return child;
}

Child::Child(io::Runtime& runtime, pid_t pid, io::OwnedFd errors)
    : runtime_(runtime), pid_(pid), errors_(std::move(errors)), pidfd_(open_pidfd(pid)) {
  if (pidfd_.get() >= 0) ended_ = io::make_readiness(runtime, pidfd_.get());
}

Child::~Child() {
  kill();
  reap(0);
}

void Child::kill() {
  if (!exit_) ::kill(pid_, SIGKILL);  // not reaped, so the number is still its own
}

void Child::reap(int flags) {
  if (exit_) return;
  int status = 0;
  pid_t got = -1;
  do got = ::waitpid(pid_, &status, flags);
  while (got < 0 && errno == EINTR);
  if (got == 0) return;
  Exit exit;
  if (got < 0) {
    exit.words = "somebody else took note of its end (" + words_of(errno) + ")";
  } else if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
  } else {
    exit.code = WEXITSTATUS(status);
  }
  if (got > 0) exit.words = last_words(errors_.get());
  exit_ = std::move(exit);
}

io::Task<std::optional<Exit>> Child::wait(Deadline deadline) {
  for (;;) {
    reap(WNOHANG);
    if (exit_ || deadline.passed(runtime_.now())) co_return exit_;
    if (ended_) {
      const bool ready = co_await ended_->wait_readable(deadline);
      if (!ready) reap(WNOHANG);
    } else {
      co_await runtime_.sleep_until(deadline.within(runtime_.now(), 20ms).at());
    }
  }
}

}  // namespace smtpdx::seal
