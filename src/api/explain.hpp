// SPDX-License-Identifier: Apache-2.0
#pragma once

// `explain` as a library: octets in, documents of contract §4 out. Touches nothing outside the process.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "diag/facts.hpp"
#include "diag/report.hpp"

namespace smtpdx::api {

/// What is known besides the words themselves.
struct Aside {
  std::string to, from;                         ///< where the words do not name them
  std::optional<diag::MessageTraceFact> trace;  ///< --trace-csv
};

/// One refusal, judged without asking anybody. `sessions` are those the same input shows (intake::sessions_shown).
diag::Report explain(diag::RefusalFact fact, const std::vector<diag::LoggedSessionFact>& sessions, const Aside& aside);

/// What was given: a file or message may hold no refusal at all; somebody's words are one (api/read.hpp).
enum class Given { words, file };

/// Everything that an input holds, judged, in its order; never empty.
std::vector<diag::Report> explain_all(const std::string& name, std::string_view octets, const Aside& aside,
                                      Given given = Given::words);

/// {"results":[…]}, contract §4's objects.
std::string explain_document(const std::string& name, std::string_view octets, const Aside& aside,
                             Given given = Given::words);

/// {"letters":[{"index":0,"text":"…"}]}, one for each refusal. Error usage where the language is none of
/// kb::letter_languages().
Result<std::string> letters_document(const std::string& name, std::string_view octets, const Aside& aside,
                                     const std::string& language);

}  // namespace smtpdx::api
