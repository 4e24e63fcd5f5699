// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "dsn/refusal.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

/// [from, from + length) of `text` with white space runs as one space, ends trimmed, the way back kept. Blank lines and
/// the ends of lines before a reply code or a transcript's mark stay line ends. At most 16 KiB.
mail::Text folded(const mail::Text& text, std::size_t from, std::size_t length);

/// read_reply_text over an excerpt: the evidence points into the input. `what` names the kind of the excerpt
/// ("diagnostic-code", "prose", "log").
Refusal read_excerpt(const mail::Text& excerpt, std::string_view what);

/// True where the refusal quotes anything: a code, a status, or words of an inner reply.
bool quotes_reply(const Refusal& refusal);

}  // namespace smtpdx::dsn
