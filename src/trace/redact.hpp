// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::trace {

/// Replaces secrets by "[secret]" in text that is about to be kept or shown. Not thread-safe.
///
/// Found are the secret itself and its base64 wherever it starts within a longer encoded string: base64 of
/// "\0user\0secret" (SASL PLAIN, RFC 4616) does not contain base64 of "secret" unless the octets before it are a
/// multiple of three, so all three alignments are looked for, in the alphabets of RFC 4648 §4 and §5. Where an encoded
/// secret is found, the whole run of base64 characters around it goes: its edges hold bits of the secret too. Not
/// found: a secret that was cut, folded over lines, hashed or encoded otherwise.
class Redactor {
 public:
  /// Strings under 3 octets are ignored: replacing them would blank the text and hide nothing.
  void add(std::string_view secret);
  std::string redact(std::string_view text) const;
  bool empty() const { return plain_.empty(); }

 private:
  std::vector<std::string> plain_;
  std::vector<std::string> encoded_;
};

}  // namespace smtpdx::trace
