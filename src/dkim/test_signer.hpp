// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keys, signatures and a resolver for the tests of this floor and of arc. It signs with this floor's own canonical
// forms; that these are right is what tests/dkim/vectors_test.py shows, whose signer is another program.

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/check.hpp"
#include "dkim/verify.hpp"
#include "io/runtime.hpp"

namespace smtpdx::dkim {

class TestKey {
 public:
  static TestKey rsa(unsigned bits = 2048) { return TestKey(EVP_RSA_gen(bits), KeyKind::rsa); }
  static TestKey ed25519() { return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), KeyKind::ed25519); }

  std::string algorithm() const { return kind_ == KeyKind::rsa ? "rsa-sha256" : "ed25519-sha256"; }
  /// p=
  std::string base64(PublicKey::Form form = PublicKey::Form::subject_public_key_info) const {
    unsigned char* der = nullptr;
    std::string octets;
    if (kind_ == KeyKind::ed25519) {
      octets.resize(32);
      std::size_t size = 32;
      EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(octets.data()), &size);
      return base64_encode(octets);
    }
    const int size =
        form == PublicKey::Form::rsa_public_key ? i2d_PublicKey(key_.get(), &der) : i2d_PUBKEY(key_.get(), &der);
    octets.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return base64_encode(octets);
  }
  std::string record() const { return std::string("v=DKIM1; k=") + to_string(kind_) + "; p=" + base64(); }

  /// Base64 of the signature over these octets.
  std::string sign(std::string_view octets, Hash hash = Hash::sha256) const {
    Digest d(hash);
    d.add(octets);
    const auto digest = d.finish();
    std::string out(1024, '\0');
    std::size_t size = out.size();
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    const auto* from = reinterpret_cast<const unsigned char*>(digest.data());
    if (kind_ == KeyKind::ed25519) {
      std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> c(EVP_MD_CTX_new(), EVP_MD_CTX_free);
      if (EVP_DigestSignInit(c.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
          EVP_DigestSign(c.get(), to, &size, from, digest.size()) != 1)
        std::abort();
    } else {
      std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> c(EVP_PKEY_CTX_new(key_.get(), nullptr),
                                                                    EVP_PKEY_CTX_free);
      if (EVP_PKEY_sign_init(c.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(c.get(), RSA_PKCS1_PADDING) != 1 ||
          EVP_PKEY_CTX_set_signature_md(c.get(), hash == Hash::sha256 ? EVP_sha256() : EVP_sha1()) != 1 ||
          EVP_PKEY_sign(c.get(), to, &size, from, digest.size()) != 1)
        std::abort();
    }
    out.resize(size);
    return base64_encode(out);
  }

 private:
  TestKey(EVP_PKEY* key, KeyKind kind) : key_(key, EVP_PKEY_free), kind_(kind) {
    if (!key) std::abort();
  }
  std::shared_ptr<EVP_PKEY> key_;
  KeyKind kind_;
};

struct SigningOptions {
  std::string field = "DKIM-Signature";
  std::string head = "v=1; ";  ///< tags before a=
  std::string canonicalization = "relaxed/relaxed";
  std::string domain = "example.org", selector = "s", fields = "from:to:subject";
  std::string more;  ///< further tags, each with its "; "
  std::optional<std::uint64_t> length;
  Hash hash = Hash::sha256;
};

/// `message` (with CRLF) with a signature on top.
inline std::string signed_message(const std::string& message, const TestKey& key, const SigningOptions& o = {}) {
  const auto slash = o.canonicalization.find('/');
  const auto form = [](std::string_view s) {
    return s == "relaxed" ? Canonicalization::relaxed : Canonicalization::simple;
  };
  const Message plain(message);
  BodyHashes bodies(plain.body());
  const auto& body = bodies.of(o.hash, form(std::string_view(o.canonicalization).substr(slash + 1)), o.length);
  std::string field = o.field + ": " + o.head + "a=" + (o.hash == Hash::sha1 ? "rsa-sha1" : key.algorithm()) +
                      "; c=" + o.canonicalization + "; d=" + o.domain + "; s=" + o.selector + "; h=" + o.fields +
                      ";\r\n bh=" + base64_encode(body.digest) + "; " + o.more +
                      (o.length ? "l=" + std::to_string(*o.length) + "; " : "") + "b=";
  const auto whole = field + "\r\n" + message;
  const Message unsigned_message(whole);
  Signature s;
  s.header = form(std::string_view(o.canonicalization).substr(0, slash));
  for (auto name : split(o.fields, ':')) s.signed_fields.emplace_back(name);
  return field + key.sign(signed_octets(unsigned_message, s, 0), o.hash) + "\r\n" + message;
}

/// A world of TXT records; other names do not exist.
class TestResolver : public dns::Resolver {
 public:
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, dns::Status> failing;
  unsigned asked = 0;

  io::Task<dns::Answer> query(std::string name, dns::Type type, Deadline) override {
    ++asked;
    dns::Answer answer;
    answer.name = answer.canonical_name = name;
    answer.type = type;
    answer.status = dns::Status::no_name;
    if (const auto f = failing.find(name); f != failing.end()) answer.status = f->second;
    if (const auto t = texts.find(name); t != texts.end()) {
      answer.status = dns::Status::found;
      for (const auto& text : t->second) {
        dns::Record record;
        record.text = text;
        answer.records.push_back(record);
      }
    }
    co_return answer;
  }
  io::Task<dns::Answer> ask_server(Endpoint, std::string name, dns::Type type, Deadline deadline) override {
    return query(std::move(name), type, deadline);
  }
};

/// Nothing here ever waits.
class TestRuntime : public io::Runtime {
 public:
  TimePoint now() const override { return {}; }
  WallTime wall() const override { return {}; }
  io::Task<void> sleep_until(TimePoint) override { co_return; }
  void drive(const bool&) override { std::abort(); }
};

inline const WallTime test_time = std::chrono::system_clock::from_time_t(1'800'000'000);

inline std::vector<Verdict> verify_all(const std::string& octets, dns::Resolver& resolver,
                                       Options options = {test_time}) {
  TestRuntime runtime;
  KeyCache cache;
  const Message message(octets);
  return io::run(runtime, verify(message, resolver, cache, options, Deadline(TimePoint{1h})));
}

}  // namespace smtpdx::dkim
