// SPDX-License-Identifier: Apache-2.0
#pragma once

// Closes this process up, for good, before it reads the first octet from a stranger. Afterwards it can compute, talk
// over the descriptors it already has, and end. It cannot open a file or a socket, start a process or a thread, run
// another program, signal or look into another process, make memory executable, or pass a descriptor on.
//
// Two walls, one behind the other: seccomp (a list of the system calls that may be made, arguments included) and
// Landlock (no file, no TCP port, no signal beyond itself). What is not on the list and would do harm ends the process,
// with the call's name on stderr (Exit::words) and exit code broke_seal (seal/child.hpp). What libraries try in good
// faith and can do without (a file of translations, of time zones) fails with EACCES instead.
//
// What a process needs from files, it loads before: mail::load_charsets(), io::TlsTrust::read_now.
// Why so, and what else was tried: docs/decisions/008-sealed-children.md.

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace smtpdx::seal {

enum class Seal {
  reader,  ///< reads and writes what is open; takes no descriptors from outside
  runner,  ///< also takes connected sockets from a doorkeeper (io/door.hpp) and speaks on them
};

/// Hard limits of the process (setrlimit); 0 leaves one as it is. Core dumps are off in any case.
struct Limits {
  std::size_t address_space = 2UL << 30;  ///< octets; not applied where the address sanitizer needs it all
  std::size_t open_files = 256;           ///< for a runner: how many sockets it may hold
  std::size_t cpu_seconds = 0;            ///< of its whole life: SIGKILL
};

struct SealReport {
  int landlock = 0;  ///< the kernel's ABI version; 0: it has none, seccomp stands alone
  /// "seccomp and Landlock (ABI 4)", "seccomp only: this kernel has no Landlock"
  std::string words() const;
};

/// Irrevocable; for all threads. Fails with ErrorKind::system where the kernel has no seccomp filters or refuses: the
/// caller must then not go on to read what strangers wrote.
Result<SealReport> seal_this_process(Seal kind, Limits limits = {});

}  // namespace smtpdx::seal
