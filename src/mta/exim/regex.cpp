// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "mta/exim/regex.hpp"

#include <pcre2.h>

#include "base/text.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_pattern = 4000, max_subject = 64u << 10;
constexpr std::uint32_t max_steps = 200'000, max_depth = 2'000, max_heap_kib = 4'096;

}  // namespace

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  pcre2_match_data* data = nullptr;
  ~Compiled() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }
};

Regex::Regex(std::string_view pattern, Case letters) : compiled_(std::make_unique<Compiled>()) {
  if (pattern.size() > max_pattern) {
    problem_ = "longer than 4,000 octets";
    return;
  }
  int error = 0;
  PCRE2_SIZE at = 0;
  const std::uint32_t flags = PCRE2_NEVER_BACKSLASH_C | (letters == Case::ignored ? PCRE2_CASELESS : 0u);
  compiled_->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), flags, &error, &at, nullptr);
  if (compiled_->code == nullptr) {
    PCRE2_UCHAR words[200];
    pcre2_get_error_message(error, words, sizeof words);
    problem_ = std::string(reinterpret_cast<const char*>(words)) + " at offset " + std::to_string(at);
    return;
  }
  compiled_->limits = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(compiled_->limits, max_steps);
  pcre2_set_depth_limit(compiled_->limits, max_depth);
  pcre2_set_heap_limit(compiled_->limits, max_heap_kib);
  compiled_->data = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
}

Regex::~Regex() = default;

Regex::Match Regex::match(std::string_view subject, std::size_t from) const {
  Match match;
  if (!problem_.empty()) return match;
  if (subject.size() > max_subject) {
    match.result = Match::too_costly;
    return match;
  }
  const int count = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from, 0,
                                compiled_->data, compiled_->limits);
  if (count == PCRE2_ERROR_NOMATCH) return match;
  if (count < 0) {
    match.result = Match::too_costly;
    return match;
  }
  match.result = Match::yes;
  const auto* ends = pcre2_get_ovector_pointer(compiled_->data);
  match.begin = ends[0];
  match.end = ends[1];
  for (int group = 0; group < count; ++group) {
    const auto begin = ends[2 * group], end = ends[2 * group + 1];
    match.groups.emplace_back(begin == PCRE2_UNSET ? std::string_view() : subject.substr(begin, end - begin));
  }
  return match;
}

}  // namespace smtpdx::mta::exim
