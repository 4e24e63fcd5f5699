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
  Text(std::string octets, std::size_t base) : octets_(std::move(octets)), base_(base) {}

  const std::string& octets() const { return octets_; }
  std::string_view view() const { return octets_; }
  /// Offset in the input of octet `index`; for the end, the octet after the last one.
  std::size_t origin(std::size_t index) const;
  /// First octet and count in the input of [from, from + length).
  std::pair<std::size_t, std::size_t> range(std::size_t from, std::size_t length) const;
  /// Octets of the input that octet `index` stands for: 3 for a quoted-printable escape.
  std::size_t width(std::size_t index) const { return widths_.empty() ? 1 : widths_[index]; }
  /// Appends an octet that came from `width` octets at `origin`. Only for texts made empty.
  void push(char c, std::size_t origin, std::size_t width = 1) {
    octets_ += c;
    origins_.push_back(static_cast<std::uint32_t>(origin));
    widths_.push_back(static_cast<std::uint8_t>(width));
  }
  /// Appends octet `index` of `other` with its origin.
  void push_from(const Text& other, std::size_t index) {
    push(other.octets_[index], other.origin(index), other.width(index));
  }
  /// Appends [from, from + length) of `other` with its origins.
  void append(const Text& other, std::size_t from, std::size_t length);
  void reserve(std::size_t length) {
    octets_.reserve(length);
    origins_.reserve(length);
    widths_.reserve(length);
  }
  /// Cuts the end off, where the text was made by push().
  void shorten(std::size_t length) {
    if (length >= octets_.size()) return;
    octets_.resize(length);
    origins_.resize(length);
    widths_.resize(length);
  }
  bool truncated = false;

 private:
  std::string octets_;
  std::vector<std::uint32_t> origins_;  ///< empty where origin(i) = base_ + i; an input has at most 64 MiB
  std::vector<std::uint8_t> widths_;    ///< as many as origins_
  std::size_t base_ = 0;
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
