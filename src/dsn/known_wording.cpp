// SPDX-License-Identifier: Apache-2.0
#include "dsn/known_wording.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "kb/catalogue.hpp"
#include "kb/senses.hpp"
#include "mail/address.hpp"
#include "mail/encoded_word.hpp"

namespace smtpdx::dsn {
namespace {

struct Range {
  std::size_t from = 0, to = 0;
};

/// The sentence whose sense stands first among the senses; nullopt where none has one.
std::optional<Range> telling_sentence(std::string_view words) {
  const auto& senses = kb::Senses::builtin();
  const kb::Sense* best = nullptr;
  Range out;
  words = words.substr(0, kb::Senses::limit);
  for (std::size_t begin = 0; begin < words.size();) {
    std::size_t end = begin;
    while (end < words.size() &&
           !(is_space(words[end]) && end > begin && (words[end - 1] == '.' || words[end] == '\n')))
      ++end;
    const kb::Sense* sense = senses.read(words.substr(begin, end - begin), 0, kb::Senses::Strength::strong);
    if (sense != nullptr && (best == nullptr || sense < best)) {
      best = sense;
      out = {begin, end};
    }
    begin = end + 1;
  }
  return best == nullptr ? std::nullopt : std::optional(out);
}

/// The line of the words that a phrase lies in, at most 200 octets beyond it.
std::string line_around(std::string_view words, const kb::PhraseMatch& match) {
  std::size_t begin = words.substr(0, match.from).rfind('\n') + 1;
  if (match.from - begin > 200) begin = match.from;
  std::size_t end = std::max(match.to, std::min({words.find('\n', match.to), match.to + 200, words.size()}));
  return fold_space(words.substr(begin, end - begin));
}

}  // namespace

std::optional<Refusal> known_wording(const std::string& recipient, const mail::Text& text) {
  std::string_view words = text.view();
  auto matches = kb::Catalogue::builtin().match({0, "", text.octets()});
  // "Given up after four days" is the answer only where no reason is named beside it.
  auto sure = [](const kb::PhraseMatch& m) { return !m.phrase->wrapper && !m.phrase->vague; };
  auto best = std::find_if(matches.begin(), matches.end(), sure);
  if (best == matches.end()) best = matches.begin();
  Refusal refusal;
  Range where;
  if (best != matches.end()) {
    refusal.reply.text = line_around(words, *best);
    where = {best->from, best->to};
  } else if (auto sentence = telling_sentence(words)) {
    refusal.reply.text = fold_space(words.substr(sentence->from, sentence->to - sentence->from));
    where = *sentence;
  } else {
    return std::nullopt;
  }
  refusal.kind = says_delayed(words) ? Kind::delayed : Kind::failed;
  refusal.recipient = recipient;
  auto [offset, length] = text.range(where.from, where.to - where.from);
  refusal.evidence.push_back({"prose", offset, length, std::string(words.substr(where.from, where.to - where.from))});
  return refusal;
}

std::optional<Refusal> reason_in_subject(const mail::Header& header) {
  constexpr std::string_view mark = "delivery failure:";
  const auto* field = header.find("Subject");
  if (field == nullptr) return std::nullopt;
  std::string subject = mail::decode_encoded_words(field->value());
  if (!istarts_with(trim(subject), mark)) return std::nullopt;
  std::string reason = fold_space(trim(subject).substr(mark.size()));
  if (reason.empty()) return std::nullopt;
  Refusal refusal;
  refusal.kind = Kind::failed;
  refusal.recipient = mail::address_in(reason);
  refusal.evidence.push_back({"subject", field->raw_offset, field->raw.size(), reason});
  refusal.reply.text = std::move(reason);
  return refusal;
}

bool says_delayed(std::string_view text) {
  text = text.substr(0, 4096);
  for (std::string_view cue : {"will keep trying", "not yet been delivered", "will be retried", "has been delayed",
                               "delivery attempts will continue", "warning: message still", "no action is required"})
    if (icontains(text, cue)) return true;
  return false;
}

}  // namespace smtpdx::dsn
