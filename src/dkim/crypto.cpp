// SPDX-License-Identifier: Apache-2.0
#include "dkim/crypto.hpp"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cassert>
#include <new>

namespace smtpdx::dkim {

const char* to_string(Hash hash) { return hash == Hash::sha256 ? "sha256" : "sha1"; }
const char* to_string(KeyKind kind) { return kind == KeyKind::rsa ? "rsa" : "ed25519"; }

namespace {

const unsigned char* bytes(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

/// Fetched once: EVP_sha256() would be looked up among the providers at every use.
const EVP_MD* method(Hash hash) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  const auto* found = hash == Hash::sha256 ? sha256 : sha1;
  return found ? found : hash == Hash::sha256 ? EVP_sha256() : EVP_sha1();
}

}  // namespace

Digest::Digest(Hash hash) : context_(EVP_MD_CTX_new()), hash_(hash) {
  if (!context_) throw std::bad_alloc();
  restart();
}
Digest::Digest(const Digest& other) : context_(EVP_MD_CTX_new()), hash_(other.hash_) {
  if (!context_ || EVP_MD_CTX_copy_ex(context_, other.context_) != 1) throw std::bad_alloc();
}
Digest::~Digest() {
  EVP_MD_CTX_free(context_);
  EVP_MD_CTX_free(scratch_);
}

void Digest::restart() {
  if (EVP_DigestInit_ex(context_, method(hash_), nullptr) != 1) throw std::bad_alloc();
}

void Digest::add(std::string_view octets) { EVP_DigestUpdate(context_, octets.data(), octets.size()); }

namespace {
std::string final_of(EVP_MD_CTX* context) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context, out, &size);
  return {reinterpret_cast<char*>(out), size};
}
}  // namespace

std::string Digest::finish() { return final_of(context_); }

std::string Digest::finish_copy() const {
  if (!scratch_) scratch_ = EVP_MD_CTX_new();
  if (!scratch_ || EVP_MD_CTX_copy_ex(scratch_, context_) != 1) throw std::bad_alloc();
  return final_of(scratch_);
}

namespace {

/// One element of DER (X.690 §8): tag and content, the rest of the octets behind it.
struct Element {
  unsigned char tag = 0;
  std::string_view content, whole, rest;
};

std::optional<Element> element(std::string_view s) {
  if (s.size() < 2) return std::nullopt;
  std::size_t head = 2, length = static_cast<unsigned char>(s[1]);
  if (length >= 0x80) {
    const std::size_t count = length & 0x7f;
    if (count == 0 || count > 3 || s.size() < 2 + count) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | static_cast<unsigned char>(s[2 + i]);
    head += count;
  }
  if (s.size() - head < length) return std::nullopt;
  return Element{static_cast<unsigned char>(s[0]), s.substr(head, length), s.substr(0, head + length),
                 s.substr(head + length)};
}

constexpr unsigned char der_integer = 0x02, der_bits = 0x03, der_oid = 0x06, der_sequence = 0x30;
constexpr std::string_view rsa_encryption("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9);  // 1.2.840.113549.1.1.1
constexpr std::string_view ed25519_oid("\x2b\x65\x70", 3);                             // 1.3.101.112

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 §A.1.1)
bool is_rsa_public_key(std::string_view s) {
  const auto outer = element(s);
  if (!outer || outer->tag != der_sequence) return false;
  const auto modulus = element(outer->content);
  if (!modulus || modulus->tag != der_integer) return false;
  const auto exponent = element(modulus->rest);
  return exponent && exponent->tag == der_integer && exponent->rest.empty();
}

struct Inner {
  std::string_view oid, key;
};

/// SubjectPublicKeyInfo (RFC 5280 §4.1): the algorithm and what its bit string holds.
std::optional<Inner> subject_public_key_info(std::string_view s) {
  const auto outer = element(s);
  if (!outer || outer->tag != der_sequence) return std::nullopt;
  const auto algorithm = element(outer->content);
  if (!algorithm || algorithm->tag != der_sequence) return std::nullopt;
  const auto oid = element(algorithm->content);
  const auto bits = element(algorithm->rest);
  if (!oid || oid->tag != der_oid || !bits || bits->tag != der_bits || bits->content.empty()) return std::nullopt;
  return Inner{oid->content, bits->content.substr(1)};
}

constexpr int most_bits = 16384;  // what OpenSSL verifies at most

}  // namespace

Result<PublicKey> PublicKey::parse(KeyKind kind, std::string_view octets) {
  PublicKey key;
  key.kind_ = kind;
  const auto info = subject_public_key_info(octets);
  if (kind == KeyKind::ed25519) {
    if (octets.size() != 32)
      return fail(ErrorKind::malformed,
                  info && info->oid == ed25519_oid
                      ? "the ed25519 key is wrapped in a SubjectPublicKeyInfo; RFC 8463 wants its 32 octets alone"
                      : "an ed25519 key has 32 octets, this one has " + std::to_string(octets.size()));
    key.key_.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(octets), octets.size()), EVP_PKEY_free);
    if (!key.key_) return fail(ErrorKind::malformed, "the 32 octets are no ed25519 key");
    key.bits_ = 256;
    return key;
  }
  auto der = octets;
  key.form_ = Form::rsa_public_key;
  if (info) {
    if (info->oid != rsa_encryption) return fail(ErrorKind::malformed, "the key in p= is not an RSA key");
    key.form_ = Form::subject_public_key_info;
    der = info->key;
  }
  if (!is_rsa_public_key(der)) return fail(ErrorKind::malformed, "p= holds no RSA public key (cut off?)");
  const auto* at = bytes(der);
  key.key_.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free);
  if (!key.key_) return fail(ErrorKind::malformed, "the numbers in p= are no RSA public key");
  const int bits = EVP_PKEY_get_bits(key.key_.get());
  if (bits < 64 || bits > most_bits)
    return fail(ErrorKind::malformed, "an RSA key of " + std::to_string(bits) + " bits cannot be used");
  key.bits_ = static_cast<unsigned>(bits);
  return key;
}

namespace {

using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

bool verify_ed25519(EVP_PKEY* key, std::string_view digest, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) != 1) return false;
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(digest), digest.size()) == 1;
}

bool prepare(EVP_PKEY_CTX* context, Hash hash) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context, method(hash)) == 1;
}

}  // namespace

bool PublicKey::verifies(Hash hash, std::string_view digest, std::string_view signature) const {
  assert(key_);
  if (kind_ == KeyKind::ed25519) return verify_ed25519(key_.get(), digest, signature);
  const Context context(EVP_PKEY_CTX_new(key_.get(), nullptr), EVP_PKEY_CTX_free);
  if (!context || EVP_PKEY_verify_init(context.get()) != 1 || !prepare(context.get(), hash)) return false;
  return EVP_PKEY_verify(context.get(), bytes(signature), signature.size(), bytes(digest), digest.size()) == 1;
}

std::optional<std::string> PublicKey::recover(Hash hash, std::string_view signature) const {
  if (kind_ != KeyKind::rsa) return std::nullopt;
  const Context context(EVP_PKEY_CTX_new(key_.get(), nullptr), EVP_PKEY_CTX_free);
  if (!context || EVP_PKEY_verify_recover_init(context.get()) != 1 || !prepare(context.get(), hash))
    return std::nullopt;
  std::string out(bits_ / 8 + 1, '\0');
  std::size_t size = out.size();
  if (EVP_PKEY_verify_recover(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes(signature),
                              signature.size()) != 1)
    return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace smtpdx::dkim
