// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace smtpdx::store {

/// argon2id (libsodium), in its own text form with salt and cost: for User::password_hash. Takes some 0.1 s and 64 MiB,
/// so that guessing from a stolen database is dear. Fails with ErrorKind::usage for less than 10 octets, system where
/// memory is short.
Result<std::string> hash_password(std::string_view password);
/// As long for a wrong password as for the right one. False for a text that is no such hash.
bool is_password(std::string_view hash, std::string_view password);
/// The hash of no password at all: to be compared with where there is no such user, so that it takes as long.
const std::string& nobodys_hash();

/// SHA-256 in hex, for tokens, which are random already: Session::token_hash, ApiToken::hash.
std::string token_hash(std::string_view token);

}  // namespace smtpdx::store
