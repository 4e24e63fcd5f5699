// SPDX-License-Identifier: Apache-2.0
#include "api/read.hpp"

#include "kb/catalogue.hpp"

namespace smtpdx::api {

std::vector<diag::RefusalFact> understood(std::vector<dsn::Refusal> refusals) {
  std::vector<diag::RefusalFact> facts;
  facts.reserve(refusals.size());
  for (auto& r : refusals) {
    auto reading = dsn::understand(r, kb::Catalogue::builtin());
    facts.push_back({std::move(r), std::move(reading)});
  }
  return facts;
}

std::vector<diag::RefusalFact> read_text(std::string_view text) {
  auto refusal = dsn::read_reply_text(text);
  refusal.source_name = "--text";
  std::vector<dsn::Refusal> one;
  one.push_back(std::move(refusal));
  return understood(std::move(one));
}

std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets) {
  return understood(dsn::read({name, octets}).refusals);
}

}  // namespace smtpdx::api
