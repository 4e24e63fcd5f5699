// SPDX-License-Identifier: Apache-2.0
// links: mail
// Any octets as a message: every part decoded, every offset within the input.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mail/address.hpp"
#include "mail/encoded_word.hpp"
#include "mail/mbox.hpp"
#include "mail/message.hpp"
#include "mail/text.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

void check(const smtpdx::mail::Text& text, std::size_t size) {
  for (std::size_t i = 0; i < text.octets().size(); ++i) demand(text.origin(i) < size);
  auto [offset, length] = text.range(0, text.octets().size());
  demand(offset + length <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace mail = smtpdx::mail;
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  auto message = mail::parse_message(octets, {.header_lines = 500, .nesting = 8, .parts = 50});
  mail::walk(message.root, [&](const mail::Part& part) {
    demand(part.body_offset + part.body.size() <= size);
    demand(part.depth <= 8);
    for (const auto& field : part.header.fields) {
      demand(field.raw_offset + field.raw.size() <= size);
      mail::addresses(field.value());
      mail::decode_encoded_words(field.value());
    }
    mail::Text text = mail::decode_body(part, 64 * 1024);
    check(text, size);
    check(mail::html_to_text(text), size);
    check(mail::without_quote_marks(text), size);
    return true;
  });
  for (const auto& one : mail::split_mbox(octets, 20)) demand(one.offset + one.octets.size() <= size);
  mail::address_in(octets);
  mail::report_address(octets);
  return 0;
}
