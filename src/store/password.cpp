// SPDX-License-Identifier: Apache-2.0
#include "store/password.hpp"

#include <sodium.h>

#include <array>

#include "base/encoding.hpp"

namespace smtpdx::store {

namespace {

constexpr std::size_t least_octets = 10;

bool ready() {
  static const bool begun = sodium_init() >= 0;
  return begun;
}

Result<std::string> hashed(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const bool done = ready() && crypto_pwhash_str_alg(
                                   text.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) == 0;
  if (!done) return fail(ErrorKind::system, "the password cannot be hashed: 64 MiB of memory are needed for a moment");
  return std::string(text.data());
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  if (password.size() < least_octets)
    return fail(ErrorKind::usage, "a password of less than 10 characters", "three or four words make a good one");
  return hashed(password);
}

bool is_password(std::string_view hash, std::string_view password) {
  if (!ready() || hash.size() >= crypto_pwhash_STRBYTES) return false;
  std::array<char, crypto_pwhash_STRBYTES> text{};
  hash.copy(text.data(), hash.size());
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

const std::string& nobodys_hash() {
  static const auto hash = hashed("").value_or("");
  return hash;
}

std::string token_hash(std::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace smtpdx::store
