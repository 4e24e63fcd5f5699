// SPDX-License-Identifier: Apache-2.0
#include "dsn/excerpt.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dsn/reader.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {

mail::Text folded(const mail::Text& text, std::size_t from, std::size_t length) {
  mail::Text out;
  std::string_view all = text.view();
  from = std::min(from, all.size());
  std::size_t end = std::min(all.size(), from + std::min(length, 2 * reply_limit));
  bool space = false;
  for (std::size_t i = from; i < end && out.octets().size() < reply_limit; ++i) {
    if (is_space(all[i])) {
      space = !out.octets().empty();
      continue;
    }
    if (space) out.push(' ', text.origin(i - 1));
    space = false;
    out.push(all[i], text.origin(i));
  }
  return out;
}

Refusal read_excerpt(const mail::Text& excerpt, std::string_view what) {
  Refusal refusal = read_reply_text(excerpt.view());
  for (auto& span : refusal.evidence) {
    auto [offset, length] = excerpt.range(span.offset, span.length);
    span.offset = offset;
    span.length = length;
    if (span.what == "reply") span.what = what;
  }
  return refusal;
}

bool quotes_reply(const Refusal& refusal) {
  const QuotedReply& reply = refusal.decided();
  return reply.code != 0 || reply.status.has_value() || refusal.inner.has_value();
}

}  // namespace smtpdx::dsn
