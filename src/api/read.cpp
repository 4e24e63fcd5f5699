// SPDX-License-Identifier: Apache-2.0
#include "api/read.hpp"

#include "dsn/recognise.hpp"
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

std::vector<diag::RefusalFact> read_refusals(const std::string& name, std::string_view octets) {
  return understood(dsn::read({name, octets}).refusals);
}

std::vector<diag::RefusalFact> read_text(const std::string& name, std::string_view text) {
  auto facts = read_refusals(name, text);
  for (const auto& fact : facts)
    if (fact.refusal.is_refusal()) return facts;
  // A whole message tells by itself what it is: an ordinary one that was pasted is no refusal because somebody pasted
  // it.
  if (facts.front().refusal.kind != dsn::Kind::not_a_bounce || dsn::is_message(text)) return facts;
  auto refusal = dsn::read_reply_text(text);
  if (!refusal.is_refusal()) return facts;
  refusal.source_name = name;
  std::vector<dsn::Refusal> one;
  one.push_back(std::move(refusal));
  return understood(std::move(one));
}

}  // namespace smtpdx::api
