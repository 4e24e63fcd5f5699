// SPDX-License-Identifier: Apache-2.0

// The lists are of system calls as glibc 2.36, libstdc++, OpenSSL 3 and io/ make them; what is missing shows by name in
// the words of the process that died of it. Arguments are compared where a call does both good and harm:
//   sendto      without an address only: a connected UDP socket could be sent elsewhere by giving one (sendmsg is not
//               on the list at all, which also keeps descriptors from being passed on)
//   mmap, mprotect  never executable
//   fcntl, setsockopt, getsockopt, prlimit64, tgkill  the few uses that are ours

#include "seal/seal.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <system_error>

#include "base/text.hpp"
#include "seal/child.hpp"
#include "seal/landlock.hpp"
#include "seal/sanitizer.hpp"

namespace smtpdx::seal {
namespace {

Error system_error(const std::string& what, int error) {
  return {ErrorKind::system, what + ": " + to_lower(std::system_category().message(error)),
          "this system cannot close a process up as smtpdx needs it (Linux with seccomp filters)"};
}

// ---- what is said when the seal is broken

/// Names by number, made before: the handler may only make system calls.
std::array<std::array<char, 28>, 512> call_names;

void learn_names() {
  for (std::size_t i = 0; i < call_names.size(); ++i) {
    std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(i)), &std::free);
    std::snprintf(call_names[i].data(), call_names[i].size(), "%s", name ? name.get() : "unknown");
  }
}

void say(std::string_view words) {
  const auto ignored = ::write(STDERR_FILENO, words.data(), words.size());
  (void)ignored;
}

void on_broken_seal(int, siginfo_t* info, void*) {
  char digits[12];
  std::size_t at = sizeof digits;
  const auto number = static_cast<unsigned>(info->si_syscall);
  for (unsigned rest = number; at == sizeof digits || rest > 0; rest /= 10)
    digits[--at] = static_cast<char>('0' + rest % 10);
  say(number < call_names.size() ? call_names[number].data() : "unknown");
  say(" (system call ");
  say({digits + at, sizeof digits - at});
  say(")\n");
  ::_exit(broke_seal);
}

Result<> install_handler() {
  learn_names();
  struct sigaction action{};
  action.sa_sigaction = on_broken_seal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigfillset(&action.sa_mask);
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return std::unexpected(system_error("sigaction", errno));
  sigset_t broken;
  ::sigemptyset(&broken);
  ::sigaddset(&broken, SIGSYS);
  ::pthread_sigmask(SIG_UNBLOCK, &broken, nullptr);
  return {};
}

// ---- limits and privileges

Result<> set_limit(decltype(RLIMIT_CORE) which, std::size_t value, const char* name) {
  rlimit now{};
  if (::getrlimit(which, &now) != 0) return std::unexpected(system_error(name, errno));
  const rlim_t wanted = std::min<rlim_t>(value, now.rlim_max);
  const rlimit limit{wanted, wanted};
  if (::setrlimit(which, &limit) != 0) return std::unexpected(system_error(name, errno));
  return {};
}

Result<> set_limits(const Limits& limits) {
  auto done = set_limit(RLIMIT_CORE, 0, "limit of core dumps");
  if (done && limits.open_files > 0) done = set_limit(RLIMIT_NOFILE, limits.open_files, "limit of open files");
  if (done && limits.cpu_seconds > 0) done = set_limit(RLIMIT_CPU, limits.cpu_seconds, "limit of cpu time");
  if (done && limits.address_space > 0 && !sanitized) {
    done = set_limit(RLIMIT_AS, limits.address_space, "limit of address space");
  }
  return done;
}

/// Services and containers often forbid capset: no harm where there is nothing to drop.
bool has_no_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, held) != 0) return false;
  return std::ranges::all_of(held, [](const auto& h) { return (h.permitted | h.effective | h.inheritable) == 0; });
}

/// Even a root's child keeps no right above an ordinary user's.
Result<> drop_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return std::unexpected(system_error("no_new_privs", errno));
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return std::unexpected(system_error("dumpable", errno));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) == 0 || has_no_capabilities()) return {};
  return std::unexpected(system_error("capset", errno));
}

// ---- the list

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_TRAP)) {
    if (!context_) error_ = ENOMEM;
  }
  ~Filter() {
    if (context_) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (int call : calls) add(SCMP_ACT_ALLOW, call, {});
  }
  void allow(int call, std::initializer_list<scmp_arg_cmp> conditions) { add(SCMP_ACT_ALLOW, call, conditions); }
  void refuse(int error, std::initializer_list<int> calls) {
    for (int call : calls) add(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, {});
  }

  Result<> load() {
    attribute(SCMP_FLTATR_CTL_TSYNC, 1);
    attribute(SCMP_FLTATR_CTL_NNP, 0);       // set already
    attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // by number, not one after the other
    if (error_ == 0) error_ = -seccomp_load(context_);
    if (error_ != 0) return std::unexpected(system_error("seccomp", error_));
    return {};
  }

 private:
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions) {
    if (error_ != 0) return;
    error_ =
        -seccomp_rule_add_array(context_, action, call, static_cast<unsigned>(conditions.size()), conditions.begin());
  }
  void attribute(scmp_filter_attr which, std::uint32_t value) {
    if (error_ == 0) error_ = -seccomp_attr_set(context_, which, value);
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
/// Of a 32-bit argument: what stands in the upper half of its register means nothing.
scmp_arg_cmp is_int(unsigned argument, std::uint32_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, 0xFFFFFFFF, value};
}
scmp_arg_cmp lacks(unsigned argument, std::uint64_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, 0}; }

void allow_computing(Filter& filter) {
  filter.allow({SCMP_SYS(brk),
                SCMP_SYS(munmap),
                SCMP_SYS(mremap),
                SCMP_SYS(madvise),
                SCMP_SYS(futex),
                SCMP_SYS(set_robust_list),
                SCMP_SYS(rseq),
                SCMP_SYS(sched_yield),
                SCMP_SYS(sched_getaffinity),
                SCMP_SYS(getrandom),
                SCMP_SYS(clock_gettime),
                SCMP_SYS(clock_getres),
                SCMP_SYS(clock_nanosleep),
                SCMP_SYS(nanosleep),
                SCMP_SYS(gettimeofday),
                SCMP_SYS(time),
                SCMP_SYS(getrusage),
                SCMP_SYS(times),
                SCMP_SYS(getpid),
                SCMP_SYS(gettid),
                SCMP_SYS(getppid),
                SCMP_SYS(getuid),
                SCMP_SYS(geteuid),
                SCMP_SYS(getgid),
                SCMP_SYS(getegid),
                SCMP_SYS(uname),
                SCMP_SYS(sysinfo),
                SCMP_SYS(rt_sigprocmask),
                SCMP_SYS(rt_sigreturn),
                SCMP_SYS(sigaltstack),
                SCMP_SYS(restart_syscall),
                SCMP_SYS(exit),
                SCMP_SYS(exit_group)});
  filter.allow(SCMP_SYS(mmap), {lacks(2, PROT_EXEC)});
  filter.allow(SCMP_SYS(mprotect), {lacks(2, PROT_EXEC)});
  // abort() of this process, and asking for its own limits
  filter.allow(SCMP_SYS(tgkill), {is_int(0, static_cast<std::uint32_t>(::getpid())), is_int(2, SIGABRT)});
  filter.allow(SCMP_SYS(prlimit64), {is_int(0, 0), equals(2, 0)});
}

void allow_open_descriptors(Filter& filter) {
  filter.allow({SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(close),
                SCMP_SYS(shutdown), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
                SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll)});
  filter.allow(SCMP_SYS(sendto), {equals(4, 0)});
  for (int command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC}) {
    filter.allow(SCMP_SYS(fcntl), {is_int(1, static_cast<std::uint32_t>(command))});
  }
}

void allow_handed_over_sockets(Filter& filter) {
  filter.allow({SCMP_SYS(recvmsg), SCMP_SYS(getsockname), SCMP_SYS(getpeername)});
  for (int option : {TCP_NODELAY, TCP_QUICKACK}) {
    filter.allow(SCMP_SYS(setsockopt), {is_int(1, IPPROTO_TCP), is_int(2, static_cast<std::uint32_t>(option))});
  }
  filter.allow(SCMP_SYS(setsockopt), {is_int(1, SOL_SOCKET), is_int(2, SO_LINGER)});
  for (int option : {SO_ERROR, SO_TYPE}) {
    filter.allow(SCMP_SYS(getsockopt), {is_int(1, SOL_SOCKET), is_int(2, static_cast<std::uint32_t>(option))});
  }
}

/// What libraries try and can do without.
void refuse_gently(Filter& filter) {
  filter.refuse(EACCES, {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
                         SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
                         SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd)});
  filter.refuse(ENOTTY, {SCMP_SYS(ioctl)});
  filter.refuse(EPERM, {SCMP_SYS(rt_sigaction), SCMP_SYS(prctl), SCMP_SYS(membarrier)});
}

Result<> load_filter(Seal kind) {
  Filter filter;
  allow_computing(filter);
  allow_open_descriptors(filter);
  if (kind == Seal::runner) allow_handed_over_sockets(filter);
  if (sanitized) filter.allow({SCMP_SYS(pipe), SCMP_SYS(pipe2)});
  refuse_gently(filter);
  return filter.load();
}

}  // namespace

std::string SealReport::words() const {
  if (landlock > 0) return "seccomp and Landlock (ABI " + std::to_string(landlock) + ")";
  return "seccomp only: this kernel has no Landlock";
}

Result<SealReport> seal_this_process(Seal kind, Limits limits) {
  auto done = set_limits(limits);
  if (done) done = drop_privileges();
  if (!done) return std::unexpected(done.error());
  auto landlock = forbid_by_landlock();
  if (!landlock) return std::unexpected(landlock.error());
  done = install_handler();
  if (done) done = load_filter(kind);
  if (!done) return std::unexpected(done.error());
  sanitizer_is_sealed();
  return SealReport{*landlock};
}

}  // namespace smtpdx::seal
