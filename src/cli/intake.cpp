// SPDX-License-Identifier: Apache-2.0
#include "cli/intake.hpp"

#include "cli/common.hpp"
#include "dsn/reader.hpp"
#include "intake/message_trace.hpp"

namespace smtpdx::cli {

namespace {
std::vector<diag::RefusalFact> understood(std::vector<dsn::Refusal> refusals) {
  std::vector<diag::RefusalFact> facts;
  for (auto& r : refusals) {
    auto reading = dsn::understand(r, kb::Catalogue::builtin());
    facts.push_back({std::move(r), std::move(reading)});
  }
  return facts;
}
}  // namespace

std::vector<diag::RefusalFact> read_text(const std::string& text) {
  auto refusal = dsn::read_reply_text(text);
  refusal.source_name = "--text";
  return understood({std::move(refusal)});
}

std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets) {
  return understood(dsn::read({name, octets}).refusals);
}

Result<diag::MessageTraceFact> read_trace(const std::string& path, const std::string& recipient,
                                          std::string_view bounce) {
  auto octets = read_input(path);
  if (!octets) return std::unexpected(octets.error());
  return intake::read_message_trace(path, *octets, {recipient, bounce});
}

}  // namespace smtpdx::cli
