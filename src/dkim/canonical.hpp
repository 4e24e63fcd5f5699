// SPDX-License-Identifier: Apache-2.0
#pragma once

// Canonicalization (RFC 6376 §3.4). The body is streamed: chunks come in, canonical octets go to a sink, so that a
// large body is never held twice.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/crypto.hpp"

namespace smtpdx::dkim {

enum class Canonicalization { simple, relaxed };
const char* to_string(Canonicalization c);

/// Appends the field in canonical form without the final CRLF. `field` is name, colon and value (Field::whole).
void canonical_field(Canonicalization c, std::string_view field, std::string& out);
/// The same for a field of which b= was emptied: both pieces are one field.
void canonical_field(Canonicalization c, std::string_view before, std::string_view after, std::string& out);

class BodyCanonicalizer {
 public:
  using Sink = std::function<void(std::string_view)>;
  BodyCanonicalizer(Canonicalization c, Sink sink) : kind_(c), sink_(std::move(sink)) {}
  /// Any cut of the body, also within a CRLF.
  void add(std::string_view chunk);
  /// After the last chunk. The sink is not called any more.
  void finish();

 private:
  void add_relaxed(std::string_view chunk);
  void add_simple(std::string_view chunk);
  void content(std::string_view octets);
  void flush();
  Canonicalization kind_;
  Sink sink_;
  std::string out_;
  std::uint64_t pending_lines_ = 0;  ///< CRLFs held back: at the end of the body they do not count
  bool line_open_ = false;           ///< octets of the current line have been passed on
  bool cr_ = false;                  ///< the last chunk ended with CR
  bool space_ = false;               ///< relaxed: white space held back
  bool any_ = false;                 ///< there was at least one octet
};

/// A whole body in canonical form. For tests and small bodies.
std::string canonical_body(Canonicalization c, std::string_view body);

struct BodyHash {
  std::string digest;                  ///< raw
  std::uint64_t octets = 0;            ///< of the canonical body, all of it
  std::optional<std::uint64_t> limit;  ///< l=, where it was in force
};

/// Body hashes of one message, each computed once however many signatures ask (RFC 6376 §3.7).
class BodyHashes {
 public:
  explicit BodyHashes(std::string_view body) : body_(body) {}
  const BodyHash& of(Hash hash, Canonicalization c, std::optional<std::uint64_t> limit);

 private:
  struct Entry {
    Hash hash;
    Canonicalization c;
    std::optional<std::uint64_t> limit;
    BodyHash result;
  };
  std::string_view body_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace smtpdx::dkim
