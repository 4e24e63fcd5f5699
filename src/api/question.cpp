// SPDX-License-Identifier: Apache-2.0
#include "api/question.hpp"

#include "api/read.hpp"
#include "base/text.hpp"
#include "intake/session_log.hpp"
#include "intake/token.hpp"

namespace smtpdx::api {

namespace {

std::string to_upper(std::string_view text) {
  std::string upper;
  for (char c : text) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return upper;
}

Result<void> add_client(const QuestionWords& words, diag::Case& c) {
  if (!words.client_tls.empty()) {
    c.client.tls = diag::tls_mode_from(words.client_tls == "plain" ? "none" : words.client_tls);
    if (!c.client.tls)
      return fail(ErrorKind::usage, "--client-tls " + words.client_tls + ": none, starttls or implicit");
  }
  if (!words.client_auth.empty()) {
    auto state = diag::auth_state_from(words.client_auth);
    if (!state) return fail(ErrorKind::usage, "--client-auth " + words.client_auth + ": none, failed or ok");
    c.client.auth = *state;
  }
  if (!words.client_address.empty()) {
    c.client.address = IpAddress::parse(words.client_address);
    if (!c.client.address) return fail(ErrorKind::usage, "--client-address " + words.client_address + ": no address");
  }
  c.client.helo = words.helo;
  const auto mechanisms = to_upper(words.client_mechanisms);
  for (auto m : split(mechanisms, ','))
    if (!trim(m).empty()) c.mechanisms_of_client.emplace_back(trim(m));
  return {};
}

/// One refused AUTH, unless both options say otherwise. Five within ten minutes is what stock fail2ban bans at: four is
/// the most that is allowed.
Result<unsigned> budget_of(const QuestionWords& words) {
  const bool all = words.auth_methods == "all";
  if (words.auth_budget.empty()) return all ? 2U : 1U;
  const auto number = parse_number(words.auth_budget);
  if (!number || *number < 1 || *number > 4)
    return fail(ErrorKind::usage, "--auth-budget " + words.auth_budget + ": a number from 1 to 4",
                "five refused logins within ten minutes get an address banned by fail2ban's defaults");
  if (!all && *number > 1)
    return fail(ErrorKind::usage, "--auth-budget without --auth-methods all",
                "a second mechanism is tried only with both");
  return static_cast<unsigned>(*number);
}

}  // namespace

Result<diag::Case> question_of(const QuestionWords& words) {
  diag::Case c;
  c.from = words.from;
  c.to = words.to;
  c.user = words.user;
  c.helo = words.helo;
  if (!words.server.empty()) {
    c.server = HostPort::parse(words.server);
    if (!c.server) return fail(ErrorKind::usage, "--server " + words.server + ": not HOST[:PORT]");
  }
  if (auto ok = add_client(words, c); !ok) return std::unexpected(ok.error());
  auto budget = budget_of(words);
  if (!budget) return std::unexpected(budget.error());
  c.auth_budget = *budget;
  c.auth_mechanism = words.auth_mechanism;
  return c;
}

std::optional<diag::TokenFact> token_of(const std::string& mechanism, const std::string& secret, WallTime now) {
  if (secret.empty() || (!iequals(mechanism, "XOAUTH2") && !iequals(mechanism, "OAUTHBEARER"))) return std::nullopt;
  return intake::read_token(secret, now);
}

const diag::RefusalFact* first_refusal(const std::vector<diag::RefusalFact>& facts) {
  for (const auto& f : facts)
    if (f.refusal.is_refusal()) return &f;
  return nullptr;
}

std::vector<diag::Fact> given_by(const std::string& name, std::string_view octets) {
  std::vector<diag::Fact> given;
  for (auto& session : intake::read_session_log(octets)) given.push_back(std::move(session));
  const auto facts = read_text(name, octets);
  if (const auto* refusal = first_refusal(facts)) given.push_back(*refusal);
  return given;
}

}  // namespace smtpdx::api
