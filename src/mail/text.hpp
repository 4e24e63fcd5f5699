// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words of a part after its transfer encoding, HTML or quote marks are taken off, with the way back: for each octet
// the octet of the input it came from. A finding in a base64 part can so still be pointed at in the file.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mail/message.hpp"

namespace smtpdx::mail {

class Text {
 public:
  Text() = default;
  /// Octets that stand in the input as they are, from `base` on.
  Text(std::string octets, std::size_t base) : octets_(std::move(octets)) {
    runs_.push_back({0, static_cast<std::uint32_t>(base), 1, 1});
  }

  const std::string& octets() const { return octets_; }
  std::string_view view() const { return octets_; }
  /// Offset in the input of octet `index`; for the end, the octet after the last one.
  std::size_t origin(std::size_t index) const;
  /// First octet and count in the input of [from, from + length).
  std::pair<std::size_t, std::size_t> range(std::size_t from, std::size_t length) const;
  /// Octets of the input that octet `index` stands for: 3 for a quoted-printable escape.
  std::size_t width(std::size_t index) const;
  /// Appends an octet that came from `width` octets (at most 255) at `origin`.
  void push(char c, std::size_t origin, std::size_t width = 1) {
    note(origin, width);
    octets_ += c;
  }
  /// Appends octets that stand in the input as they are, from `origin` on.
  void append(std::string_view octets, std::size_t origin);
  /// Appends [from, from + length) of `other` with its origins.
  void append(const Text& other, std::size_t from, std::size_t length);
  void reserve(std::size_t length) { octets_.reserve(length); }
  /// Cuts the end off.
  void shorten(std::size_t length);
  bool truncated = false;

 private:
  /// Octets from `begin` to the next run's. Of octet i of them the origin is `origin` + i * `step`; `step` is 0 where
  /// they all came from the same octets.
  struct Run {
    std::uint32_t begin, origin;  ///< an input has at most 64 MiB
    std::uint8_t width, step;
  };
  std::size_t run_of(std::size_t index) const;
  void note(std::size_t origin, std::size_t width);

  std::string octets_;
  std::vector<Run> runs_;  ///< by `begin`
};

/// Takes off base64 or quoted-printable (RFC 2045 §6.7, §6.8; both tolerant), at most `limit` octets of result.
Text decode_body(const Part& part, std::size_t limit = std::size_t{1} << 20);
Text decode(std::string_view body, std::string_view encoding, std::size_t base, std::size_t limit);

/// Tags off, entities resolved, block elements as line ends.
Text html_to_text(const Text& html);
/// Lines that begin with ">" lose it and one space after it; other lines stay.
Text without_quote_marks(const Text& text);
/// The lines from the first to the last one that begins with ">", one level of these marks and one space taken off.
Text quoted_lines(const Text& text);
/// From octet `from` to the end.
Text slice(const Text& text, std::size_t from);

}  // namespace smtpdx::mail
