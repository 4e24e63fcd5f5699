// SPDX-License-Identifier: Apache-2.0
#pragma once

// What sealing has to know of the sanitizers' builds: they need all of the address space, and look whether an address
// is there by writing it to a pipe (vptr).

namespace smtpdx::seal {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

/// From here on the leak checker does not run at exit: it starts a thread and traces this process, which is forbidden.
void sanitizer_is_sealed();

}  // namespace smtpdx::seal
