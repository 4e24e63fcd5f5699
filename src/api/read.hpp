// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/facts.hpp"
#include "dsn/reader.hpp"

namespace smtpdx::api {

/// Each refusal with what its words mean, by the catalogue that is built in.
std::vector<diag::RefusalFact> understood(std::vector<dsn::Refusal> refusals);

/// What somebody says is a refusal: read as an input is, and where nothing shows it to be one, as a reply's words all
/// the same.
std::vector<diag::RefusalFact> read_text(const std::string& name, std::string_view text);
/// An input's octets: one fact for each refusal; one of its kind where there is none.
std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets);

}  // namespace smtpdx::api
