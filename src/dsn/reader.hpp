// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsn/refusal.hpp"
#include "kb/catalogue.hpp"

namespace smtpdx::dsn {

struct Input {
  std::string name;  ///< path as found, "-" or "--text"
  std::string_view octets;
};

/// Reads whatever somebody holds: a reply line, a DSN or NDR (RFC 3464), prose of a bounce, an application's error
/// text, a log line. Never fails: an input without a refusal gives one entry of its kind. At most 64 MiB are read and
/// 1,000 refusals returned; what was cut or skipped is said in `notes`.
struct ReadResult {
  std::vector<Refusal> refusals;
  std::vector<std::string> notes;
};
ReadResult read(const Input& input);

/// One message of a mailbox; `base` is the input's offset of its first octet, for the evidence. Never empty.
ReadResult read_mail(std::string_view octets, std::size_t base);

/// A bare reply or error line (`--text`).
Refusal read_reply_text(std::string_view text);

/// Peels wrappers off a reply text ("Remote server returned … -> 554 5.7.1 …", "host X[addr] said: …", "smtp;550 …",
/// "LED=550 …"): the innermost reply, and the host named on the way.
struct Unwrapped {
  std::optional<QuotedReply> inner;
  std::string host, address;
  std::size_t offset = 0, length = 0;  ///< of the inner reply within `text`
};
Unwrapped unwrap(std::string_view text);

/// Confidence of a reading by the meaning of the words (kb/senses.hpp); those that say little have less.
constexpr double sense_confidence = 0.5;
/// Judges by speaker + code + text, the innermost reply first.
Reading understand(const Refusal& refusal, const kb::Catalogue& catalogue);

}  // namespace smtpdx::dsn
