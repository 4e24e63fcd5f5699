// SPDX-License-Identifier: Apache-2.0

// Tries to get out. Every attempt runs in a process of its own, once without a seal and once in each kind of seal. The
// first run shows that the attempt is one: it succeeds there (or fails for a reason named beside it). In a seal it must
// end the process or fail. Parents and files named here are the tests' own.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "io/pipe.hpp"
#include "io/real.hpp"
#include "seal/child.hpp"
#include "seal/landlock.hpp"
#include "seal/sanitizer.hpp"
#include "seal/seal.hpp"
#include "seal/test_roles.hpp"

namespace smtpdx::seal {
namespace {

constexpr int failed_with_errno = 10;
constexpr int channel = 3;  // a unix socket to the parent
constexpr int udp = 4;      // a connected UDP socket, as a doorkeeper hands over
constexpr int tcp = 5;      // a TCP socket

/// What happens without a seal on an ordinary machine; depends: containers commonly forbid it, too.
enum class Alone { succeeds, fails, depends };

struct Attempt {
  const char* name;
  Alone alone;
  bool (*escape)();  ///< true where it got what it wanted
};

bool worked(long result) { return result >= 0; }

bool child_lives(long pid) {
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return pid > 0;
}

sockaddr_in discard_port() {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

bool sends_descriptor() {
  char octet = 'x';
  const int precious = STDERR_FILENO;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{&octet, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  auto* first = CMSG_FIRSTHDR(&header);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(sizeof precious);
  std::memcpy(CMSG_DATA(first), &precious, sizeof precious);
  return worked(::sendmsg(channel, &header, MSG_DONTWAIT));
}

bool sends_elsewhere() {
  const auto to = discard_port();
  return worked(::sendto(udp, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

bool sends_elsewhere_by_sendmmsg() {
  auto to = discard_port();
  iovec part{const_cast<char*>("x"), 1};
  mmsghdr message{};
  message.msg_hdr.msg_name = &to;
  message.msg_hdr.msg_namelen = sizeof to;
  message.msg_hdr.msg_iov = &part;
  message.msg_hdr.msg_iovlen = 1;
  return worked(::sendmmsg(udp, &message, 1, 0));
}

bool runs_program() {
  const char* const argv[] = {"true", nullptr};
  ::execve("/bin/true", const_cast<char**>(argv), nullptr);
  return false;  // without a seal the exit code is true's own: 0
}

/// A program that never was a file.
bool runs_from_memory() {
  const int fd = static_cast<int>(::syscall(SYS_memfd_create, "x", 0));
  if (fd < 0) return false;
  const int from = ::open("/bin/true", O_RDONLY);
  char buffer[65536];
  for (ssize_t n; (n = ::read(from, buffer, sizeof buffer)) > 0;) {
    if (::write(fd, buffer, static_cast<std::size_t>(n)) != n) return false;
  }
  const char* const argv[] = {"true", nullptr};
  ::syscall(SYS_execveat, fd, "", argv, nullptr, AT_EMPTY_PATH);
  return false;
}

void* nothing(void*) { return nullptr; }

bool starts_thread() {
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, nothing, nullptr) != 0) return false;
  ::pthread_join(thread, nullptr);
  return true;
}

bool reads_parents_memory() {
  char octet = 0;
  iovec mine{&octet, 1}, theirs{&octet, 1};
  errno = 0;
  // The address need not exist there: EFAULT comes after the permission was granted.
  return worked(::process_vm_readv(::getppid(), &mine, 1, &theirs, 1, 0)) || errno == EFAULT;
}

bool opens_parents_memory() {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/%d/mem", ::getppid());
  return worked(::open(path, O_RDWR));
}

bool maps_executable() {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

bool makes_executable() {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return worked(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

bool opens_after_new_handler() {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGSYS, &ignore, nullptr) != 0) return false;
  return worked(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

bool raises_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return worked(::setrlimit(RLIMIT_NOFILE, &limit));
}

bool attaches_filter() {
  int none[2] = {};
  if (worked(::setsockopt(udp, SOL_SOCKET, SO_ATTACH_FILTER, none, sizeof none))) return true;
  return errno == EINVAL || errno == EFAULT;  // it was read
}

bool routes_by_source() {
  const char option[4] = {1, 1, 1, 0};
  return worked(::setsockopt(udp, IPPROTO_IP, IP_OPTIONS, option, sizeof option));
}

bool connects_elsewhere() {
  const auto to = discard_port();
  return worked(::connect(udp, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

bool lets_go_of_its_peer() {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  return worked(::connect(udp, &none, sizeof none));
}

bool listens() { return worked(::bind(tcp, nullptr, 0)) || errno == EFAULT || errno == EINVAL; }

#ifdef __x86_64__
/// The same system calls by their 32-bit numbers: open is 5 there, fstat here.
bool opens_by_the_old_gate() {
  static const char path[] = "/etc/passwd";
  auto* low =
      static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  if (low == MAP_FAILED) return false;
  std::memcpy(low, path, sizeof path);
  long result = 5;
  asm volatile("int $0x80" : "+a"(result) : "b"(low), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
  if (result < 0) errno = static_cast<int>(-result);
  return worked(result);
}
bool opens_by_x32_number() { return worked(::syscall(0x40000000 + SYS_open, "/etc/passwd", O_RDONLY)); }
#endif

io_uring_params ring;

const Attempt attempts[] = {
    // files
    {"openat", Alone::succeeds, [] { return worked(::open("/etc/passwd", O_RDONLY)); }},
    {"openat2", Alone::succeeds,
     [] {
       const std::uint64_t how[3] = {};
       return worked(::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how));
     }},
    {"creat", Alone::succeeds,
     [] { return worked(::creat("/tmp/smtpdx-escape-test", 0600)) && worked(::unlink("/tmp/smtpdx-escape-test")); }},
    {"own memory as a file", Alone::succeeds, [] { return worked(::open("/proc/self/mem", O_RDWR)); }},
    {"stat", Alone::succeeds,
     [] {
       struct stat is;
       return worked(::stat("/etc/passwd", &is));
     }},
    {"readlink", Alone::succeeds,
     [] {
       char to[256];
       return worked(::readlink("/proc/self/exe", to, sizeof to));
     }},
    {"unlink", Alone::fails, [] { return worked(::unlink("/tmp/smtpdx-escape-none")); }},
    {"rename", Alone::fails, [] { return worked(::rename("/tmp/smtpdx-escape-none", "/tmp/smtpdx-escape-not")); }},
    {"link", Alone::fails, [] { return worked(::link("/tmp/smtpdx-escape-none", "/tmp/smtpdx-escape-not")); }},
    {"symlink", Alone::fails, [] { return worked(::symlink("x", "/tmp/smtpdx-escape-no/where")); }},
    {"mkdir", Alone::fails, [] { return worked(::mkdir("/tmp/smtpdx-escape-no/where", 0700)); }},
    {"chmod", Alone::fails, [] { return worked(::chmod("/tmp/smtpdx-escape-none", 0777)); }},
    {"chown", Alone::fails, [] { return worked(::chown("/tmp/smtpdx-escape-none", 0, 0)); }},
    {"truncate", Alone::fails, [] { return worked(::truncate("/tmp/smtpdx-escape-none", 0)); }},
    {"chdir", Alone::succeeds, [] { return worked(::chdir("/")); }},
    {"chroot", Alone::fails, [] { return worked(::chroot("/tmp/smtpdx-escape-none")); }},
    {"mount", Alone::fails, [] { return worked(::mount("x", "/tmp/smtpdx-escape-none", "tmpfs", 0, nullptr)); }},
    {"memfd", Alone::succeeds, [] { return worked(::syscall(SYS_memfd_create, "x", 0)); }},
    {"inotify", Alone::succeeds, [] { return worked(::inotify_init1(0)); }},
    {"fanotify", Alone::fails, [] { return worked(::syscall(SYS_fanotify_init, -1, 0)); }},
    {"open by handle", Alone::fails, [] { return worked(::syscall(SYS_open_by_handle_at, -1, nullptr, 0)); }},
    {"shared memory", Alone::succeeds,
     [] { return worked(::shmctl(::shmget(IPC_PRIVATE, 4096, 0600), IPC_RMID, nullptr)); }},
    // the network
    {"socket", Alone::succeeds, [] { return worked(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"unix socket", Alone::succeeds, [] { return worked(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"netlink socket", Alone::succeeds, [] { return worked(::socket(AF_NETLINK, SOCK_RAW, 0)); }},
    {"socketpair", Alone::succeeds,
     [] {
       int fds[2];
       return worked(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
     }},
    {"connect elsewhere", Alone::succeeds, connects_elsewhere},
    {"disconnect", Alone::succeeds, lets_go_of_its_peer},
    {"send elsewhere", Alone::succeeds, sends_elsewhere},
    {"sendmmsg", Alone::succeeds, sends_elsewhere_by_sendmmsg},
    {"bind", Alone::succeeds, listens},
    {"listen", Alone::succeeds, [] { return worked(::listen(tcp, 1)); }},
    {"accept", Alone::fails, [] { return worked(::accept4(udp, nullptr, nullptr, SOCK_NONBLOCK)); }},
    {"socket filter", Alone::succeeds, attaches_filter},
    {"source route", Alone::succeeds, routes_by_source},
    {"descriptor to the outside", Alone::succeeds, sends_descriptor},
    // other processes
    {"execve", Alone::succeeds, runs_program},
    {"execveat from memory", Alone::succeeds, runs_from_memory},
    {"vfork", Alone::succeeds, [] { return child_lives(::vfork()); }},
    {"clone", Alone::succeeds, [] { return child_lives(::fork()); }},
    {"clone3", Alone::succeeds,
     [] {
       std::uint64_t arguments[8] = {};
       arguments[4] = SIGCHLD;
       return child_lives(::syscall(SYS_clone3, arguments, sizeof arguments));
     }},
    {"thread", Alone::succeeds, starts_thread},
    {"kill the parent", Alone::succeeds, [] { return worked(::kill(::getppid(), 0)); }},
    {"kill all", Alone::succeeds, [] { return worked(::kill(0, 0)); }},
    {"signal a thread of the parent", Alone::succeeds,
     [] { return worked(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)); }},
    {"pidfd", Alone::succeeds, [] { return worked(::syscall(SYS_pidfd_open, ::getppid(), 0)); }},
    {"descriptor of the parent", Alone::fails, [] { return worked(::syscall(SYS_pidfd_getfd, channel, 0, 0)); }},
    {"ptrace", Alone::depends, [] { return worked(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
    {"parent's memory", Alone::depends, reads_parents_memory},
    {"parent's memory as a file", Alone::depends, opens_parents_memory},
    {"parent's limits", Alone::succeeds,
     [] {
       rlimit limit;
       return worked(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &limit));
     }},
    // the kernel
    {"executable mapping", Alone::succeeds, maps_executable},
    {"executable by mprotect", Alone::succeeds, makes_executable},
    {"io_uring", Alone::depends, [] { return worked(::syscall(SYS_io_uring_setup, 4, &ring)); }},
    {"bpf", Alone::fails, [] { return worked(::syscall(SYS_bpf, -1, nullptr, 0)); }},
    {"perf", Alone::fails, [] { return worked(::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0)); }},
    {"userfaultfd", Alone::fails, [] { return worked(::syscall(SYS_userfaultfd, -1)); }},
    {"keyring", Alone::fails, [] { return worked(::syscall(SYS_add_key, "x", "x", nullptr, 0, 0)); }},
    {"unshare", Alone::fails, [] { return worked(::unshare(-1)); }},
    {"setns", Alone::fails, [] { return worked(::setns(udp, 0)); }},
    {"setuid", Alone::succeeds, [] { return worked(::syscall(SYS_setresuid, -1, -1, -1)); }},
    {"personality", Alone::depends, [] { return worked(::syscall(SYS_personality, 0xFFFFFFFF)); }},
    {"new filter", Alone::fails, [] { return worked(::syscall(SYS_seccomp, 1, 0, nullptr)); }},
    {"modules", Alone::fails, [] { return worked(::syscall(SYS_finit_module, -1, "", 0)); }},
    {"raise a limit", Alone::succeeds, raises_limit},
    {"dumpable again", Alone::succeeds, [] { return worked(::prctl(PR_SET_DUMPABLE, 1)); }},
    {"outlive the parent", Alone::succeeds, [] { return worked(::prctl(PR_SET_PDEATHSIG, 0)); }},
    {"another handler", Alone::succeeds, opens_after_new_handler},
    {"ioctl", Alone::succeeds,
     [] {
       int n;
       return worked(::ioctl(channel, FIONREAD, &n));
     }},
    {"owner of signals", Alone::succeeds, [] { return worked(::fcntl(channel, F_SETOWN, ::getpid())); }},
#ifdef __x86_64__  // calls that newer architectures never had
    {"open", Alone::succeeds, [] { return worked(::syscall(SYS_open, "/etc/passwd", O_RDONLY)); }},
    {"fork", Alone::succeeds, [] { return child_lives(::syscall(SYS_fork)); }},
    {"32-bit gate", Alone::succeeds, opens_by_the_old_gate},
    {"x32 number", Alone::fails, opens_by_x32_number},
#endif
};

/// "NAME SEAL": 0 = out.
int play_escape(const std::vector<std::string>& arguments) {
  sanitizer_is_sealed();  // without a seal it would trip over what an attempt left behind
  const auto& seal = arguments.at(1);
  if (seal != "none") {
    auto sealed = seal_this_process(seal == "runner" ? Seal::runner : Seal::reader);
    if (!sealed) {
      std::fputs(sealed.error().message.c_str(), stderr);
      return 98;
    }
  }
  for (const auto& attempt : attempts) {
    if (arguments.at(0) != attempt.name) continue;
    errno = 0;
    if (attempt.escape()) return 0;
    std::fprintf(stderr, "failed: %s", std::strerror(errno));
    return failed_with_errno;
  }
  return 97;
}

/// Landlock alone, as if the list of system calls had a hole.
int play_landlock(const std::vector<std::string>&) {
  sanitizer_is_sealed();
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  auto abi = forbid_by_landlock();
  if (!abi || *abi == 0) return 77;
  int out = 0;
  if (worked(::open("/etc/passwd", O_RDONLY)) || errno != EACCES) out |= 1;
  if (worked(::unlink("/tmp/smtpdx-escape-none")) || (errno != EACCES && errno != ENOENT)) out |= 2;
  const auto to = discard_port();
  errno = 0;
  ::connect(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (*abi >= 4 && errno != EACCES) out |= 4;
  if (*abi >= 6 && worked(::kill(::getppid(), 0))) out |= 8;
  return out;
}

int play_limits(const std::vector<std::string>&) {
  Limits limits;
  limits.cpu_seconds = 1;
  if (!seal_this_process(Seal::reader, limits)) return 98;
  for (volatile bool forever = true; forever;) {
  }
  return 0;
}

int play_abort(const std::vector<std::string>&) {
  if (!seal_this_process(Seal::reader)) return 98;
  std::abort();
}

int play_memory(const std::vector<std::string>&) {
  Limits limits;
  limits.address_space = 512UL << 20;
  if (!seal_this_process(Seal::reader, limits)) return 98;
  return ::mmap(nullptr, 1UL << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 1;
}

const RegisteredRole roles_here[] = {{"escape", play_escape},
                                     {"landlock", play_landlock},
                                     {"limits", play_limits},
                                     {"abort", play_abort},
                                     {"memory", play_memory}};

class EscapeTest : public testing::Test {
 protected:
  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime();

  Exit play(std::vector<std::string> arguments) {
    auto pair = *io::socket_pair(io::PipeKind::stream);
    ChildOptions options;
    options.arguments = {"--role"};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.descriptors.push_back(std::move(pair.theirs));
    io::OwnedFd connected(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto to = discard_port();
    EXPECT_EQ(::connect(connected.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    options.descriptors.push_back(std::move(connected));
    options.descriptors.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto child = Child::spawn(*runtime_, std::move(options));
    EXPECT_TRUE(child) << child.error().message;
    auto exit = io::run(*runtime_, (*child)->wait(runtime_->deadline_in(30s)));
    EXPECT_TRUE(exit) << "hangs";
    return exit.value_or(Exit{});
  }
};

TEST_F(EscapeTest, NoAttemptGetsOut) {
  for (const auto& attempt : attempts) {
    const auto alone = play({"escape", attempt.name, "none"});
    const bool could = alone.code == 0;
    EXPECT_TRUE(could || alone.code == failed_with_errno) << attempt.name << " without a seal " << alone.to_string();
    if (attempt.alone != Alone::depends) {
      EXPECT_EQ(could, attempt.alone == Alone::succeeds) << attempt.name << " without a seal " << alone.to_string();
    }
    for (const auto* seal : {"reader", "runner"}) {
      const auto sealed = play({"escape", attempt.name, seal});
      const bool died = sealed.code == broke_seal || sealed.signal == SIGSYS;
      const bool failed = sealed.code == failed_with_errno && could;  // what fails anyway shows nothing by failing
      EXPECT_TRUE(died || failed) << attempt.name << " in a " << seal << "'s seal " << sealed.to_string();
      if (std::getenv("SMTPDX_TEST_TELL"))
        std::printf("%-30s %-7s %s\n", attempt.name, seal, sealed.to_string().c_str());
    }
  }
}

TEST_F(EscapeTest, WordsNameTheSystemCall) {
  const auto exit = play({"escape", "socket", "reader"});
  EXPECT_EQ(exit.code, broke_seal);
  EXPECT_TRUE(exit.to_string().starts_with("tried what it may not: socket (system call ")) << exit.to_string();
}

TEST_F(EscapeTest, LandlockStandsByItself) {
  const auto exit = play({"landlock"});
  if (exit.code == 77) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(exit.code, 0) << exit.to_string();
}

TEST_F(EscapeTest, TimeIsLimited) { EXPECT_EQ(play({"limits"}).signal, SIGKILL); }

TEST_F(EscapeTest, MemoryIsLimited) {
  if (sanitized) GTEST_SKIP() << "the sanitizer needs all of the address space";
  EXPECT_EQ(play({"memory"}).code, 0);
}

TEST_F(EscapeTest, AbortStillEndsTheProcess) {
  const auto exit = play({"abort"});
  EXPECT_TRUE(exit.signal == SIGABRT || exit.code == 1) << exit.to_string();  // 1: a sanitizer's own words
}

}  // namespace
}  // namespace smtpdx::seal
