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
  /// What quotes no reply, for the catalogue: the words of each block; all words, where no block has a reply.
  std::vector<Wording> wordings;
  std::optional<std::size_t> returned_at;    ///< where the quoted header of the returned message begins, in the text
  std::optional<smtp::Phase> session_phase;  ///< the step of a quoted session in which the refusal came
  std::string reporter;                      ///< host that wrote the report, where the words name it
};

struct ProseContext {
  std::vector<std::string> recipients;      ///< known from elsewhere (X-Failed-Recipients), where the words name none
  std::vector<std::string> not_recipients;  ///< the report's own From and To: to whom it went is the sender
};
Prose read_prose(const mail::Text& text, const ProseContext& context = {});

}  // namespace smtpdx::dsn
