// SPDX-License-Identifier: Apache-2.0

// By the system calls' numbers and the documented layout: Debian 12's headers know the first version only.

#include "seal/landlock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/text.hpp"
#include "io/fd.hpp"

namespace smtpdx::seal {
namespace {

// The same on every architecture (Linux 5.13).
constexpr long create_ruleset = 444;
constexpr long restrict_self = 446;
constexpr unsigned ask_version = 1;  // LANDLOCK_CREATE_RULESET_VERSION

/// struct landlock_ruleset_attr as of ABI 6; older kernels take the part they know.
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

constexpr std::uint64_t first_bits(unsigned n) { return (std::uint64_t{1} << n) - 1; }

/// Everything that this version can forbid.
RulesetAttributes all_of(int abi) {
  const unsigned files = abi >= 5   ? 16
                         : abi >= 3 ? 15
                         : abi >= 2 ? 14
                                    : 13;  // 5: ioctl on devices, 3: truncate, 2: refer
  return {first_bits(files), abi >= 4 ? first_bits(2) : 0, abi >= 6 ? first_bits(2) : 0};
}

std::size_t size_of(int abi) {
  if (abi >= 6) return 3 * sizeof(std::uint64_t);
  return (abi >= 4 ? 2 : 1) * sizeof(std::uint64_t);
}

}  // namespace

Result<int> forbid_by_landlock() {
  const auto abi = static_cast<int>(::syscall(create_ruleset, nullptr, 0, ask_version));
  if (abi <= 0) return 0;
  const auto all = all_of(abi);
  // No rule is added: nothing is excepted.
  io::OwnedFd ruleset(static_cast<int>(::syscall(create_ruleset, &all, size_of(abi), 0)));
  if (ruleset.get() >= 0 && ::syscall(restrict_self, ruleset.get(), 0) == 0) return abi;
  return fail(ErrorKind::system, "landlock: " + to_lower(std::system_category().message(errno)));
}

}  // namespace smtpdx::seal
