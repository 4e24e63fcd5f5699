// SPDX-License-Identifier: Apache-2.0
#include "seal/sanitizer.hpp"

namespace {
int sealed = 0;
}

// The leak checker's own question; nobody else asks it.
extern "C" int __lsan_is_turned_off() { return sealed; }

namespace smtpdx::seal {

void sanitizer_is_sealed() { sealed = 1; }

}  // namespace smtpdx::seal
