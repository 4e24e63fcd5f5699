// SPDX-License-Identifier: Apache-2.0
#include "kb/catalogue.hpp"

// Joins the files of data/ into one catalogue: duplicates, order, samples, look-ups. What one file must look like is
// data_file.cpp's; how words are compared is phrase_match.cpp's.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/text.hpp"
#include "kb/data_file.hpp"
#include "kb/embedded.hpp"
#include "kb/phrase_match.hpp"
#include "kb/plain_phrases.hpp"

namespace smtpdx::kb {

struct Catalogue::Loaded {
  Catalogue catalogue;
  std::vector<std::string> phrase_places;  ///< "path:line" of each phrase
  std::vector<Error> defects;
};

Catalogue::Catalogue() : index_(std::make_unique<PatternIndex>()) {}
Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;

namespace {

std::string place(std::string_view path, std::size_t line) { return std::string(path) + ":" + std::to_string(line); }

/// Complains of every entry whose key an earlier one has.
template <class T, class Key>
void refuse_duplicates(const std::vector<Located<T>>& entries, std::string_view what, Key key,
                       std::vector<Error>& defects) {
  std::map<std::string, std::string> seen;
  for (const auto& entry : entries) {
    auto [at, fresh] = seen.emplace(key(entry.value), place(entry.path, entry.line));
    if (!fresh && !at->first.empty())
      defects.push_back(defect_at(entry.path, entry.line,
                                  "duplicate " + std::string(what) + " '" + at->first + "', first at " + at->second));
  }
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Catalogue::Loaded Catalogue::read(const std::vector<Source>& files) {
  Loaded loaded;
  DataFile all;
  for (const auto& file : files) {
    DataFile one = read_data_file(file);
    append(all.causes, std::move(one.causes));
    append(all.phrases, std::move(one.phrases));
    append(all.codes, std::move(one.codes));
    append(loaded.defects, std::move(one.defects));
  }
  refuse_duplicates(all.causes, "cause code", [](const Cause& c) { return c.code; }, loaded.defects);
  refuse_duplicates(all.causes, "cause id", [](const Cause& c) { return c.id; }, loaded.defects);
  refuse_duplicates(all.phrases, "phrase id", [](const Phrase& p) { return p.id; }, loaded.defects);
  refuse_duplicates(all.codes, "code", [](const CodeMeaning& c) { return c.code; }, loaded.defects);

  for (auto& cause : all.causes) loaded.catalogue.causes_.push_back(std::move(cause.value));
  // Not stable_sort: clang 19 refuses libstdc++ 12's use of a deprecated function in it.
  std::sort(loaded.catalogue.causes_.begin(), loaded.catalogue.causes_.end(),
            [](const Cause& a, const Cause& b) { return a.id < b.id; });
  for (const auto& cause : loaded.catalogue.causes_) loaded.catalogue.by_code_.emplace(cause.code, &cause);
  for (auto& phrase : all.phrases) {
    loaded.phrase_places.push_back(place(phrase.path, phrase.line));
    loaded.catalogue.add(std::move(phrase.value));
  }
  for (auto& code : all.codes) loaded.catalogue.codes_.push_back(std::move(code.value));
  return loaded;
}

void Catalogue::add(Phrase phrase) {
  patterns_.emplace_back(phrase.pattern);
  index_->add(patterns_.back(), phrases_.size());
  phrases_.push_back(std::move(phrase));
}

std::vector<Error> Catalogue::sample_defects(const std::vector<std::string>& places) const {
  std::vector<Error> defects;
  for (std::size_t i = 0; i < phrases_.size(); ++i) {
    const Phrase& phrase = phrases_[i];
    auto matches = match(sample_words(phrase.sample));
    // Words of a wrapper always hold other words: those decide, and the wrapper has to be first among wrappers only.
    if (phrase.wrapper) std::erase_if(matches, [](const PhraseMatch& m) { return !m.phrase->wrapper; });
    if (!matches.empty() && matches.front().phrase == &phrase) continue;
    std::string message = places[i] + ": the sample of '" + phrase.id + "' ";
    message += matches.empty() ? "matches no phrase, not even its own pattern"
                               : "selects '" + matches.front().phrase->id + "' before its own phrase";
    defects.push_back(Error{ErrorKind::malformed, std::move(message), {}});
  }
  return defects;
}

Result<Catalogue> Catalogue::load(const std::vector<Source>& files) {
  Loaded loaded = read(files);
  if (!loaded.defects.empty()) return std::unexpected(loaded.defects.front());
  auto samples = loaded.catalogue.sample_defects(loaded.phrase_places);
  if (!samples.empty()) return std::unexpected(samples.front());
  return std::move(loaded.catalogue);
}

std::vector<Error> Catalogue::defects(const std::vector<Source>& files) {
  Loaded loaded = read(files);
  append(loaded.defects, loaded.catalogue.sample_defects(loaded.phrase_places));
  return std::move(loaded.defects);
}

const Catalogue& Catalogue::builtin() {
  static const Catalogue catalogue = [] {
    std::vector<Source> files;
    std::vector<Phrase> phrases;
    for (const auto& file : embedded_files()) {
      if (file.path.starts_with("letters/")) continue;  // read when one is asked for (kb/letters.hpp)
      auto plain = file.path.starts_with("phrases/") ? read_plain_phrases(file.text) : std::nullopt;
      if (plain)
        append(phrases, std::move(*plain));
      else
        files.push_back({std::string(file.path), std::string(file.text)});
    }
    Loaded loaded = read(files);
    for (auto& phrase : phrases) loaded.catalogue.add(std::move(phrase));
    // samples are the unit test's business: they would cost every start some milliseconds
    if (!loaded.defects.empty()) {
      std::fprintf(stderr, "smtpdx: compiled-in data is broken: %s\n", loaded.defects.front().message.c_str());
      std::abort();
    }
    return std::move(loaded.catalogue);
  }();
  return catalogue;
}

const Cause* Catalogue::cause(std::string_view code_or_id) const {
  if (auto found = by_code_.find(code_or_id); found != by_code_.end()) return found->second;
  for (const auto& cause : causes_)
    if (iequals(cause.id, code_or_id)) return &cause;
  return nullptr;
}

const Cause* Catalogue::nearest(std::string_view word) const {
  if (word.size() > 80) return nullptr;
  std::string wanted = to_lower(word);
  const Cause* best = nullptr;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const auto& cause : causes_) {
    std::string_view code = cause.code;
    // The part after the dot is what people remember: "auth_not_attempted".
    std::string_view tail = code.substr(code.find('.') + 1);
    std::size_t distance = std::min(edit_distance(wanted, code), edit_distance(wanted, tail) + 1);
    if (distance < best_distance) {
      best = &cause;
      best_distance = distance;
    }
  }
  return best_distance <= std::max<std::size_t>(3, word.size() / 3) ? best : nullptr;
}

std::vector<PhraseMatch> Catalogue::match(const ReplyWords& words) const {
  FoldedText text(words.text);
  struct Ranked {
    PhraseMatch match;
    std::size_t weight;
  };
  std::vector<Ranked> found;
  for (const auto& candidate : index_->candidates(text)) {
    const std::size_t i = candidate.number;
    const Phrase& phrase = phrases_[i];
    bool agrees = false, open = phrase.codes.empty();
    for (const auto& code : phrase.codes) {
      CodeFit fit = code_fit(code, words.code, words.status);
      agrees = agrees || fit == CodeFit::agrees;
      open = open || fit == CodeFit::open;
    }
    if (!agrees && !open) continue;
    bool placed = candidate.at != PatternIndex::Candidate::unknown;
    std::optional<Pattern::Hit> hit = placed ? patterns_[i].hit_at(text, candidate.at) : patterns_[i].find(text);
    if (hit) found.push_back({{&phrase, hit->from, hit->to, agrees}, patterns_[i].weight()});
  }
  std::sort(found.begin(), found.end(), [](const Ranked& a, const Ranked& b) {
    if (a.match.phrase->vague != b.match.phrase->vague) return b.match.phrase->vague;
    if (a.match.code_agrees != b.match.code_agrees) return a.match.code_agrees;
    if (a.match.phrase->wrapper != b.match.phrase->wrapper) return b.match.phrase->wrapper;
    if (a.weight != b.weight) return a.weight > b.weight;
    return a.match.phrase < b.match.phrase;  // the order of the files, so that every run says the same
  });
  std::vector<PhraseMatch> out;
  out.reserve(found.size());
  for (const auto& one : found) out.push_back(one.match);
  return out;
}

const CodeMeaning* Catalogue::code(std::string_view code) const {
  for (const auto& meaning : codes_)
    if (meaning.code == code) return &meaning;
  if (code.size() < 3 || code[1] != '.') return nullptr;
  std::string general = "X" + std::string(code.substr(1));
  for (const auto& meaning : codes_)
    if (meaning.code == general) return &meaning;
  return nullptr;
}

}  // namespace smtpdx::kb
