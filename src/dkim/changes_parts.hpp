// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside the floor only: the two halves of dkim/changes.hpp.

#include <cstdint>
#include <optional>

#include "dkim/crypto.hpp"
#include "dkim/message.hpp"
#include "dkim/result.hpp"

namespace smtpdx::dkim {

std::optional<Explanation> explain_body(const Message& message, const Signature& signature);
std::optional<Explanation> explain_header(const Message& message, std::uint32_t own, const PublicKey& key,
                                          const Signature& signature);

}  // namespace smtpdx::dkim
