// SPDX-License-Identifier: Apache-2.0
#pragma once

// Seals secrets (a monitor's password) with a key that lies outside the database, so that a copy of the database, a
// backup or an export gives nobody the secrets. XChaCha20-Poly1305 (libsodium) with a random nonce; what a secret is
// for is part of the seal, so that a sealed one put in another's place does not open.

#include <array>
#include <string>
#include <string_view>

#include "store/error.hpp"

namespace smtpdx::store {

class SecretBox {
 public:
  /// Reads the key file, or makes it with mode 0600 where there is none; two programs that do so at once get the same
  /// key. `denied` where others than its owner may read it, `foreign` where it is no key file.
  static Outcome<SecretBox> open_or_make(const std::string& key_path);
  SecretBox(const SecretBox&) = delete;
  SecretBox& operator=(const SecretBox&) = delete;
  SecretBox(SecretBox&& other) noexcept;
  SecretBox& operator=(SecretBox&&) = delete;
  ~SecretBox();  ///< overwrites the key in memory

  /// `purpose` is owner and name, for instance: the same must be given to unseal.
  std::string seal(std::string_view secret, std::string_view purpose) const;
  /// `denied` where it was sealed with another key, `corrupt` where it was changed or belongs to another purpose.
  Outcome<std::string> unseal(std::string_view sealed, std::string_view purpose) const;

 private:
  SecretBox() = default;
  std::array<unsigned char, 32> key_{};
  std::string key_id_;  ///< four octets that tell keys apart and give nothing away
};

/// "secret.key" beside the default store.
Outcome<std::string> default_key_path();

}  // namespace smtpdx::store
