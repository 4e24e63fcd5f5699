// SPDX-License-Identifier: Apache-2.0
#pragma once

// The mathematics, by OpenSSL: digests and public keys. Keys are read here, octet by octet, because both forms of
// RFC 6376 §3.6.1 (SubjectPublicKeyInfo and the bare RSAPublicKey) are in use.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct evp_md_ctx_st;
struct evp_pkey_st;

namespace smtpdx::dkim {

enum class Hash { sha256, sha1 };
const char* to_string(Hash hash);
enum class KeyKind { rsa, ed25519 };
const char* to_string(KeyKind kind);

/// A running digest.
class Digest {
 public:
  explicit Digest(Hash hash);
  Digest(const Digest& other);
  Digest& operator=(const Digest&) = delete;
  ~Digest();
  void add(std::string_view octets);
  std::string finish();             ///< once; the raw digest
  std::string finish_copy() const;  ///< what finish() would give now
  void restart();

 private:
  evp_md_ctx_st* context_;
  mutable evp_md_ctx_st* scratch_ = nullptr;
  Hash hash_;
};

/// A public key as it stands in p= (after base64). Values; copies share the key.
class PublicKey {
 public:
  enum class Form { subject_public_key_info, rsa_public_key, raw };
  /// RSA in either form, or the 32 octets of RFC 8463 §4. Fails (malformed) with what is wrong with them.
  static Result<PublicKey> parse(KeyKind kind, std::string_view octets);

  KeyKind kind() const { return kind_; }
  Form form() const { return form_; }
  unsigned bits() const { return bits_; }
  /// True where `signature` is one of `digest` (for ed25519: PureEdDSA over the digest, RFC 8463 §3).
  bool verifies(Hash hash, std::string_view digest, std::string_view signature) const;
  /// The digest that an RSA signature was made of; nullopt where it was not made with this key's other half (its
  /// padding is none), or the key is no RSA key.
  std::optional<std::string> recover(Hash hash, std::string_view signature) const;

 private:
  KeyKind kind_ = KeyKind::rsa;
  Form form_ = Form::raw;
  unsigned bits_ = 0;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace smtpdx::dkim
