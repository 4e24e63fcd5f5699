// SPDX-License-Identifier: Apache-2.0
#include "dsn/excerpt.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dsn/reader.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {

namespace {

/// What a white space run that ends before octet `next` has to stay: a blank line ends a reply, and a line that begins
/// with a code or a transcript's mark is a line of its own. All other line ends are folding.
std::string_view separator_for(std::string_view all, std::size_t next, int line_ends) {
  if (line_ends == 0) return " ";
  if (line_ends > 1) return "\n\n";
  std::string_view rest = all.substr(next, 8);
  bool mark = rest.starts_with("<<<") || rest.starts_with(">>>");
  auto codes = codes_at(rest, 0);
  return mark || (codes && codes->code != 0) ? "\n" : " ";
}

/// A single space between two words, not to be folded.
bool stays(std::string_view all, std::size_t at, std::size_t end) {
  return all[at] == ' ' && at + 1 < end && !is_space(all[at + 1]);
}

}  // namespace

mail::Text folded(const mail::Text& text, std::size_t from, std::size_t length) {
  mail::Text out;
  std::string_view all = text.view();
  from = std::min(from, all.size());
  std::size_t end = std::min(all.size(), from + std::min(length, 2 * reply_limit));
  out.reserve(std::min(end - from, reply_limit));
  int line_ends = 0;
  for (std::size_t i = from; i < end && out.octets().size() < reply_limit;) {
    if (is_space(all[i])) {
      if (all[i] == '\n' || (all[i] == '\r' && (i + 1 >= end || all[i + 1] != '\n'))) ++line_ends;
      ++i;
      continue;
    }
    if (!out.octets().empty())
      for (char c : separator_for(all, i, line_ends)) out.push(c, text.origin(i - 1));
    line_ends = 0;
    const std::size_t begin = i++, room = reply_limit - std::min(out.octets().size(), reply_limit - 1);
    while (i < end && i - begin < room && (!is_space(all[i]) || stays(all, i, end))) ++i;
    out.append(text, begin, i - begin);
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
