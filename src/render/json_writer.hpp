// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON written as it is said, without a document in memory: `explain` says thousands of lines. Commas set themselves.

#include <concepts>
#include <string>
#include <string_view>

namespace smtpdx::render {

/// Appends to a string that outlives it. What is written is what it is told: that every key has one value and every
/// bracket its counterpart is the caller's business. Strings that are no UTF-8 get U+FFFD for what is wrong in them
/// (RFC 8259 §8.1).
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void open(char bracket);                 ///< '{' or '['
  void close(char bracket);                ///< '}' or ']'
  JsonWriter& key(std::string_view name);  ///< a name that needs no escape
  void null();
  void text(std::string_view value);
  void text_or_null(std::string_view value);  ///< null where it is empty
  void boolean(bool value);
  template <std::integral Number>
  void number(Number value) {
    separate();
    out_ += std::to_string(value);
  }
  void number(double value);  ///< the shortest digits that read back as the same value

 private:
  bool wants_comma() const;
  void separate();
  void put(std::string_view octets, std::string_view end);
  std::string& out_;
};

}  // namespace smtpdx::render
