// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

namespace smtpdx::seal {

/// Forbids this process all that the kernel's Landlock knows: files, binding and connecting by TCP, signals and
/// abstract unix sockets beyond itself. What is open stays open. Needs no_new_privs. Returns the kernel's ABI version,
/// 0 where it has no Landlock or it is switched off. Fails with ErrorKind::system.
Result<int> forbid_by_landlock();

}  // namespace smtpdx::seal
