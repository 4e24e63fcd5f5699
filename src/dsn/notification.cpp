// SPDX-License-Identifier: Apache-2.0
#include "dsn/notification.hpp"

// No JSON parser: mail programs fold these texts and services escape them once or twice, so that a strict reader would
// refuse most of what people have in hand. Keys are searched, and values end where their quotes do.

#include "base/text.hpp"
#include "dsn/delivery_report.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t most_recipients = 1000;

/// One level of `\"` taken off where the whole is escaped; folds within strings go with it.
mail::Text unescaped(const mail::Text& text) {
  mail::Text out;
  std::string_view in = text.view();
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] == '\\' && i + 1 < in.size() && (in[i + 1] == '"' || in[i + 1] == '\\')) ++i;
    const std::size_t next = std::min(in.find('\\', i + 1), in.size());
    out.append(text, i, next - i);
    i = next;
  }
  return out;
}

struct Value {
  std::size_t from = 0, length = 0;
};

/// The string after `"key" :` within [from, to); nullopt where there is none.
std::optional<Value> string_of(std::string_view text, std::string_view key, std::size_t from, std::size_t to) {
  text = text.substr(0, to);
  std::string quoted = "\"" + std::string(key) + "\"";
  for (std::size_t at = text.find(quoted, from); at != std::string_view::npos; at = text.find(quoted, at + 1)) {
    std::size_t i = at + quoted.size();
    while (i < text.size() && is_space(text[i])) ++i;
    if (i >= text.size() || text[i] != ':') continue;
    ++i;
    while (i < text.size() && is_space(text[i])) ++i;
    if (i >= text.size() || text[i] != '"') continue;
    std::size_t begin = ++i;
    while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
    return Value{begin, std::min(i, text.size()) - begin};
  }
  return std::nullopt;
}

std::string_view word_of(std::string_view text, std::string_view key, std::size_t from, std::size_t to) {
  auto value = string_of(text, key, from, to);
  return value ? text.substr(value->from, value->length) : std::string_view();
}

struct Type {
  std::string_view name, list;
  Kind kind;
};

Refusal one_of(const mail::Text& text, std::size_t from, std::size_t to, Kind kind) {
  std::string_view words = text.view();
  Refusal refusal;
  if (auto value = string_of(words, "diagnosticCode", from, to); value && value->length > 0) {
    std::string_view code = words.substr(value->from, value->length);
    std::size_t type = code.find(';');
    std::size_t skip = type != std::string_view::npos && type < 12 ? type + 1 : 0;
    refusal = read_excerpt(folded(text, value->from + skip, value->length - skip), "diagnostic-code");
  }
  refusal.kind = kind;
  refusal.recipient = word_of(words, "emailAddress", from, to);
  auto status = smtp::EnhancedStatus::parse(word_of(words, "status", from, to));
  if (!refusal.reply.status) refusal.reply.status = status;
  return refusal;
}

/// "Delivery" names its recipients as bare strings.
std::vector<Refusal> deliveries(std::string_view words) {
  std::vector<Refusal> out;
  std::size_t list = words.find("\"delivery\"");
  list = list == std::string_view::npos ? list : words.find("\"recipients\"", list);
  if (list == std::string_view::npos) return out;
  std::size_t end = std::min(words.find(']', list), words.size());
  for (std::size_t at = words.find('[', list); at < end && out.size() < most_recipients; at = words.find(',', at + 1)) {
    std::size_t open = words.find('"', at), close = open < end ? words.find('"', open + 1) : std::string_view::npos;
    if (close == std::string_view::npos || close > end) break;
    Refusal& refusal = out.emplace_back();
    refusal.kind = Kind::delivered;
    refusal.recipient = words.substr(open + 1, close - open - 1);
  }
  return out;
}

}  // namespace

std::vector<Refusal> read_notification(const mail::Text& input) {
  if (!icontains(input.view(), "notificationType") && !icontains(input.view(), "eventType")) return {};
  mail::Text text = unescaped(input);
  std::string_view words = text.view();
  std::string_view named = word_of(words, "notificationType", 0, words.size());
  if (named.empty()) named = word_of(words, "eventType", 0, words.size());
  static constexpr Type types[] = {{"Bounce", "\"bouncedRecipients\"", Kind::failed},
                                   {"Complaint", "\"complainedRecipients\"", Kind::complaint},
                                   {"DeliveryDelay", "\"delayedRecipients\"", Kind::delayed}};
  if (iequals(named, "Delivery")) return deliveries(words);
  std::vector<Refusal> out;
  for (const auto& type : types) {
    std::size_t list = words.find(type.list);
    if (!iequals(named, type.name) || list == std::string_view::npos) continue;
    std::size_t end = std::min(words.find(']', list), words.size());
    for (std::size_t at = words.find('{', list); at < end && out.size() < most_recipients;
         at = words.find('{', at + 1)) {
      std::size_t close = std::min(words.find('}', at), words.size());
      out.push_back(one_of(text, at, close, type.kind));
      std::string_view reporter = word_of(words, "reportingMTA", 0, words.size());
      reporter = trim(reporter.substr(std::min(reporter.find(';') + 1, reporter.size())));
      if (looks_like_host(reporter)) out.back().reporter = canonical_name(reporter);
      out.back().sender = word_of(words, "source", 0, words.size());
    }
  }
  return out;
}

}  // namespace smtpdx::dsn
