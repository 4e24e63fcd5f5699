// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "diag/facts.hpp"

namespace smtpdx::cli {

/// Words from the command line.
std::vector<diag::RefusalFact> read_text(const std::string& text);
/// A file's octets: one fact for each refusal; one of its kind where there is none.
std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets);

/// --trace-csv FILE, read for the refused message; `bounce` holds the report's octets, where there is one.
Result<diag::MessageTraceFact> read_trace(const std::string& path, const std::string& recipient,
                                          std::string_view bounce);

}  // namespace smtpdx::cli
