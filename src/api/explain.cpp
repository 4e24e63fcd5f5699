// SPDX-License-Identifier: Apache-2.0
#include "api/explain.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/read.hpp"
#include "engine/diagnose.hpp"
#include "intake/session_log.hpp"
#include "kb/letters.hpp"
#include "render/render.hpp"

namespace smtpdx::api {

namespace {

/// The session is the refused one: its last words are the refusal's, and so is the client where both name one.
bool same_session(const diag::LoggedSessionFact& session, const dsn::Refusal& refusal) {
  const auto& text = refusal.decided().text;
  if (text.empty() || session.relay_reply.find(text) == std::string::npos) return false;
  return session.client.empty() || refusal.client_address.empty() || session.client == refusal.client_address;
}

}  // namespace

diag::Report explain(diag::RefusalFact fact, const std::vector<diag::LoggedSessionFact>& sessions, const Aside& aside) {
  engine::Job job;
  job.question.to = aside.to;
  job.question.from = aside.from;
  const auto shown = std::ranges::find_if(sessions, [&](const auto& s) { return same_session(s, fact.refusal); });
  job.given.emplace_back(std::move(fact));
  if (aside.trace) job.given.push_back(*aside.trace);
  if (shown != sessions.end()) job.given.push_back(*shown);
  return engine::judge_offline(kb::Catalogue::builtin(), std::move(job));
}

std::vector<diag::Report> explain_all(const std::string& name, std::string_view octets, const Aside& aside,
                                      Given given) {
  const auto sessions = intake::sessions_shown(octets);
  std::vector<diag::Report> reports;
  auto facts = given == Given::words ? read_text(name, octets) : read_refusals(name, octets);
  for (auto& fact : facts) reports.push_back(explain(std::move(fact), sessions, aside));
  return reports;
}

std::string explain_document(const std::string& name, std::string_view octets, const Aside& aside, Given given) {
  const auto& catalogue = kb::Catalogue::builtin();
  constexpr std::size_t usual = std::size_t{64} << 10;
  std::string out;
  out.reserve(usual);
  out += "{\"results\":[";
  for (const auto& report : explain_all(name, octets, aside, given))
    render::append_explanation({report, catalogue, nullptr, {}}, out);
  out += "]}\n";
  return out;
}

Result<std::string> letters_document(const std::string& name, std::string_view octets, const Aside& aside,
                                     const std::string& language) {
  auto book = kb::letter_book(language);
  if (!book) return std::unexpected(book.error());
  const auto& catalogue = kb::Catalogue::builtin();
  nlohmann::json letters = nlohmann::json::array();
  std::size_t index = 0;
  for (const auto& report : explain_all(name, octets, aside)) {
    const auto letter = render::letter({report, catalogue, nullptr, {}}, *book);
    if (!letter.empty()) letters.push_back({{"index", index}, {"text", letter}});
    ++index;
  }
  nlohmann::json document;
  document["letters"] = std::move(letters);
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace smtpdx::api
