// SPDX-License-Identifier: Apache-2.0
#include "dsn/log_complaint.hpp"

// Complaints are told by a few words each, so that a log of a million "hostname … does not resolve" costs nothing and
// gives nothing. Formats as of Postfix 3.7 and Exim 4.96.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::array<std::string_view, 7> telling = {"SASL ",
                                                     "do not list domain",
                                                     "older than source file",
                                                     "unsupported dictionary type",
                                                     "haproxy read",
                                                     "working instance of",
                                                     "bad net/mask"};

Refusal complaint(std::string_view line, std::size_t from, std::size_t offset) {
  mail::Text text(std::string(line.substr(from)), offset + from);
  Refusal refusal = read_excerpt(folded(text, 0, line.size() - from), "log");
  refusal.kind = Kind::failed;
  return refusal;
}

std::optional<Refusal> postfix_complaint(std::string_view line, std::size_t program, std::size_t offset) {
  std::size_t at = std::string_view::npos;
  for (std::string_view mark : {"]: warning: ", "]: error: ", "]: fatal: "})
    at = std::min(at, line.substr(0, 400).find(mark, program));
  if (at == std::string_view::npos) return std::nullopt;
  const auto said = line.substr(at + 3);
  const auto daemon = line.substr(program, at - program);
  const bool server =
      daemon.find("/smtpd[") != std::string_view::npos || daemon.find("/tlsproxy[") != std::string_view::npos;
  bool tells = said.starts_with("fatal: ") || (server && said.find("TLS library problem") != std::string_view::npos);
  for (auto words : telling) tells = tells || said.find(words) != std::string_view::npos;
  if (!tells) return std::nullopt;
  Refusal refusal = complaint(line, at + 3, offset);
  const auto words = split_words(line.substr(0, program));
  refusal.reporter = refusal.decider = words.size() < 2 ? std::string() : canonical_name(words.back());
  refusal.decider_address.clear();
  if (auto login = said.find(": SASL "); login != std::string_view::npos) {
    refusal.client_address = host_in(said.substr(0, login)).address;
    refusal.phase = smtp::Phase::auth;
  }
  return refusal;
}

/// "dovecot_login authenticator failed for (laptop) [203.0.113.9]: 535 Incorrect authentication data (set_id=bob)".
std::optional<Refusal> exim_complaint(std::string_view line, std::size_t offset) {
  const auto at = line.find(" authenticator failed for ");
  const auto end = at == std::string_view::npos ? at : line.find("]: ", at);
  if (end == std::string_view::npos) return std::nullopt;
  Refusal refusal = complaint(line, end + 3, offset);
  refusal.client_address = host_in(line.substr(at, end + 1 - at)).address;
  refusal.decider.clear();
  refusal.decider_address.clear();
  refusal.phase = smtp::Phase::auth;
  const auto name = split_words(line.substr(0, at)).back();
  if (icontains(name, "plain")) refusal.mechanism = "PLAIN";
  if (icontains(name, "login")) refusal.mechanism = "LOGIN";
  return refusal;
}

constexpr std::array<std::string_view, 10> mechanisms = {
    "PLAIN-CLIENTTOKEN", "PLAIN",       "LOGIN",   "CRAM-MD5",   "DIGEST-MD5", "NTLM",
    "SCRAM-SHA-256",     "SCRAM-SHA-1", "XOAUTH2", "OAUTHBEARER"};

/// The mechanism that begins at `at`, case ignored, up to the end of the word.
std::string_view mechanism_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '-' || (text[end] | 32) >= 'a') &&
         (text[end] | 32) <= 'z')
    ++end;
  for (auto name : mechanisms)
    if (iequals(text.substr(at, end - at), name)) return name;
  return {};
}

}  // namespace

std::string mechanism_in(std::string_view text) {
  for (std::string_view mark : {"SASL ", "AUTH "}) {
    for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
      // "250-AUTH LOGIN XOAUTH2" lists what is offered.
      if (at > 0 && (text[at - 1] == '-' || (at > 3 && is_digit(text[at - 2])))) continue;
      const auto name = mechanism_at(text, at + mark.size());
      if (name.empty()) continue;
      const auto next = at + mark.size() + name.size() + 1;
      if (next < text.size() && !mechanism_at(text, next).empty()) continue;
      return std::string(name);
    }
  }
  return {};
}

std::optional<Refusal> read_log_complaint(std::string_view line, std::size_t offset) {
  line = line.substr(0, reply_limit);
  const auto program = line.substr(0, 400).find(" postfix/");
  auto refusal =
      program != std::string_view::npos ? postfix_complaint(line, program, offset) : exim_complaint(line, offset);
  if (refusal && refusal->mechanism.empty()) refusal->mechanism = mechanism_in(line);
  return refusal;
}

}  // namespace smtpdx::dsn
