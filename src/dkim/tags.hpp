// SPDX-License-Identifier: Apache-2.0
#pragma once

// The tag list of RFC 6376 §3.2: signatures, key records and ARC fields are written in it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::dkim {

struct Tag {
  std::string_view name;   ///< case matters
  std::string_view value;  ///< outer white space taken off, inner kept
};

/// Why a text is no tag list.
struct TagError {
  enum class Kind { empty, no_equals, bad_name, bad_value, duplicate } kind = Kind::empty;
  std::string what;  ///< a sentence part that cites the words, made printable
};

class TagList {
 public:
  /// `text` must outlive the list. Values may hold UTF-8 (RFC 8616 §4). Names may occur once.
  static TagList parse(std::string_view text);

  const std::optional<TagError>& error() const { return error_; }
  const std::vector<Tag>& tags() const { return tags_; }
  std::optional<std::string_view> find(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
  std::optional<TagError> error_;
};

/// All white space taken out (base64 and the like may be folded anywhere).
std::string without_space(std::string_view value);
/// The parts of a list, trimmed; empty parts stay.
std::vector<std::string_view> colon_list(std::string_view value);
/// The field's text with the value of its b= deleted, "including all surrounding white space" (RFC 6376 §3.5), in one
/// or two pieces that point into `whole`.
struct Unsigned {
  std::string_view before, after;
};
Unsigned without_signature(std::string_view whole);

}  // namespace smtpdx::dkim
