// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bounces written for people: Exchange and Exchange Online, Postfix, Exim, qmail, Sendmail transcripts, Gmail, and
// whoever writes alike. Found are refusals, and where the returned message's header begins.

#include <optional>
#include <string>
#include <vector>

#include "dsn/refusal.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

struct Prose {
  std::vector<Refusal> refusals;  ///< at most 1,000
  struct Wording {
    std::string recipient;  ///< empty for all words
    mail::Text words;
  };
  /// Where nothing quotes a reply: the words of each block, then all words, for the catalogue.
  std::vector<Wording> wordings;
  std::optional<std::size_t> returned_at;  ///< where the quoted header of the returned message begins, in the text
  std::string reporter;                    ///< host that wrote the report, where the words name it
};

/// `recipients_hint`: addresses known from elsewhere (X-Failed-Recipients), used where the words name none.
Prose read_prose(const mail::Text& text, const std::vector<std::string>& recipients_hint = {});

}  // namespace smtpdx::dsn
