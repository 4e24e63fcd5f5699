// SPDX-License-Identifier: Apache-2.0
#include "intake/transcript.hpp"

// Tools mark who speaks in ways of their own ("<-  ", "S: ", "SERVER -> CLIENT: ", "reply: b'"); a line is told by what
// stands behind the mark: three digits are the server's, an SMTP verb is the client's. What AUTH carries is not kept.

#include <algorithm>
#include <cctype>
#include <string>

#include "base/text.hpp"

namespace smtpdx::intake {

using diag::AuthState;
using diag::LoggedSessionFact;

bool names_relaying(std::string_view line) {
  return icontains(line, "relay access denied") || icontains(line, "relay not permitted") ||
         icontains(line, "relaying denied") || icontains(line, "not permitted to relay") ||
         icontains(line, "unable to relay");
}

namespace {

constexpr std::size_t max_octets = std::size_t{1} << 20;

bool begins_reply(std::string_view s) {
  return s.size() >= 4 && s[0] >= '2' && s[0] <= '5' && is_digit(s[1]) && is_digit(s[2]) &&
         (s[3] == ' ' || s[3] == '-');
}

bool begins_command(std::string_view s) {
  for (std::string_view verb : {"EHLO ", "HELO ", "STARTTLS", "AUTH ", "MAIL FROM:", "RCPT TO:"})
    if (istarts_with(s, verb)) return true;
  return false;
}

/// The line from the reply or command on; empty where it is neither. Marks are short.
std::string_view spoken(std::string_view line) {
  for (std::size_t at = 0; at < std::min<std::size_t>(line.size(), 48); ++at) {
    if (at > 0 && (is_digit(line[at - 1]) || ((line[at - 1] | 32) >= 'a' && (line[at - 1] | 32) <= 'z'))) continue;
    const auto rest = line.substr(at);
    if (begins_reply(rest) || begins_command(rest)) return rest;
  }
  return {};
}

class Session {
 public:
  void hear(std::string_view words) {
    if (begins_command(words))
      command(words);
    else
      reply(words);
  }
  std::optional<LoggedSessionFact> result() const { return ended_ && listed_ ? std::optional(fact_) : std::nullopt; }

 private:
  void command(std::string_view words) {
    if (istarts_with(words, "EHLO ") || istarts_with(words, "HELO ")) {
      if (ended_) *this = Session();
      fact_.auth_offered = fact_.starttls_offered = listed_ = false;
    }
    if (istarts_with(words, "STARTTLS")) starting_ = true;
    if (istarts_with(words, "AUTH ")) {
      const auto name = words.substr(5, words.substr(5).find_first_of(" '\"\\\r"));
      fact_.mechanism = std::string(name);
      std::transform(name.begin(), name.end(), fact_.mechanism.begin(),
                     [](unsigned char c) { return std::toupper(c); });
      logging_in_ = true;
    }
    if (istarts_with(words, "MAIL FROM:")) logging_in_ = false;
  }

  void reply(std::string_view words) {
    const auto option = words.substr(4);
    if (words.starts_with("250")) {
      listed_ = listed_ || istarts_with(option, "PIPELINING") || istarts_with(option, "SIZE") ||
                istarts_with(option, "AUTH") || istarts_with(option, "8BITMIME") || istarts_with(option, "STARTTLS");
      fact_.auth_offered = fact_.auth_offered || istarts_with(option, "AUTH");
      fact_.starttls_offered = fact_.starttls_offered || istarts_with(option, "STARTTLS");
    }
    if (starting_ && words.starts_with("220")) fact_.tls = diag::TlsMode::starttls;
    starting_ = false;
    if (logging_in_ && words[0] != '3') {
      fact_.auth = words.starts_with("235") ? AuthState::ok : AuthState::failed;
      fact_.auth_reply = std::string(trim(words));
      logging_in_ = false;
    } else if ((words[0] == '4' || words[0] == '5') && names_relaying(words)) {
      if (fact_.auth == AuthState::unknown) fact_.auth = AuthState::none;
      fact_.relay_reply = std::string(trim(words));
      ended_ = true;
    }
  }

  LoggedSessionFact fact_;
  bool listed_ = false, starting_ = false, logging_in_ = false, ended_ = false;
};

}  // namespace

std::optional<LoggedSessionFact> read_transcript(std::string_view octets) {
  Session session;
  for (auto line : split_lines(octets.substr(0, max_octets)))
    if (auto words = spoken(line); !words.empty()) session.hear(words);
  return session.result();
}

}  // namespace smtpdx::intake
