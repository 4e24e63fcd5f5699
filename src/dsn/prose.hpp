// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bounces written for people: Exchange and Exchange Online, Postfix, Exim, qmail, Sendmail transcripts, Gmail, and
// whoever writes alike. Found are refusals, and where the returned message's header begins.

#include <optional>
#include <string>
#include <vector>

#include "dsn/refusal.hpp"
#include "mail/message.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

struct Prose {
  std::vector<Refusal> refusals;  ///< at most 1,000
  struct Wording {
    std::string recipient;             ///< empty for all words
    std::size_t from = 0, length = 0;  ///< of the text
  };
  /// What quotes no reply, for the catalogue: the words of each block; all words, where no block has a reply.
  std::vector<Wording> wordings;
  std::optional<std::size_t> returned_at;    ///< where the quoted header of the returned message begins, in the text
  std::optional<smtp::Phase> session_phase;  ///< the step of a quoted session in which the refusal came
  std::string reporter;                      ///< host that wrote the report, where the words name it
};

/// `header` is the report's own, where there is one: it may name the recipient (X-Failed-Recipients), and to whom it
/// went (From, To …) is the sender and no recipient.
Prose read_prose(const mail::Text& text, const mail::Header* header = nullptr);

}  // namespace smtpdx::dsn
