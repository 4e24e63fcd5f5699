// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/facts.hpp"

namespace smtpdx::cli {

/// Words from the command line.
std::vector<diag::RefusalFact> read_text(const std::string& text);
/// A file's octets: one fact for each refusal; one of its kind where there is none.
std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets);

}  // namespace smtpdx::cli
