// SPDX-License-Identifier: Apache-2.0
#include "mail/encoded_word.hpp"

#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "mail/charset.hpp"

namespace smtpdx::mail {
namespace {

std::optional<std::string> decode_word(std::string_view charset, char encoding, std::string_view text) {
  std::string octets;
  if (ascii_lower(encoding) == 'b') {
    auto decoded = base64_decode(text);
    if (!decoded) return std::nullopt;
    octets = *decoded;
  } else if (ascii_lower(encoding) == 'q') {
    octets = quoted_printable_decode(replace_all(std::string(text), "_", " "));
  } else {
    return std::nullopt;
  }
  return to_utf8(octets, charset.substr(0, charset.find('*')));  // RFC 2231 §5: language after "*"
}

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  std::string out;
  std::size_t copied = 0;   // input consumed so far
  bool after_word = false;  // only white space since the last decoded word
  for (std::size_t at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at)) {
    std::size_t q1 = text.find('?', at + 2);
    std::size_t end = q1 == std::string_view::npos || q1 + 2 >= text.size() || text[q1 + 2] != '?'
                          ? std::string_view::npos
                          : text.find("?=", q1 + 3);
    std::optional<std::string> word;
    if (end != std::string_view::npos && end - at < 2000)
      word = decode_word(text.substr(at + 2, q1 - at - 2), text[q1 + 1], text.substr(q1 + 3, end - q1 - 3));
    if (!word) {
      at += 2;
      after_word = false;
      continue;
    }
    std::string_view between = text.substr(copied, at - copied);
    if (!(after_word && trim(between).empty())) out += between;
    out += *word;
    copied = at = end + 2;
    after_word = true;
  }
  out += text.substr(copied);
  return out;
}

}  // namespace smtpdx::mail
