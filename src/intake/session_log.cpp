// SPDX-License-Identifier: Apache-2.0
#include "intake/session_log.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "dsn/recognise.hpp"
#include "intake/transcript.hpp"
#include "mail/mbox.hpp"
#include "smtp/reply.hpp"

namespace smtpdx::intake {

namespace {

constexpr std::size_t max_octets = 64u << 20;
constexpr std::size_t max_sessions = 100;

using diag::AuthState;
using diag::LoggedSessionFact;

/// The last bracketed address of a log line: "client.example[203.0.113.5]", "H=(x) [203.0.113.5]".
std::string client_of(std::string_view line) {
  for (auto open = line.find('['); open != std::string_view::npos; open = line.find('[', open + 1)) {
    auto close = line.find(']', open);
    if (close == std::string_view::npos) break;
    auto inside = line.substr(open + 1, close - open - 1);
    if (IpAddress::parse(inside) && inside.find_first_of(".:") != std::string_view::npos) return std::string(inside);
  }
  return {};
}

/// "smtpd[1234]": the process that held the session; empty where the line has none.
std::string process_of(std::string_view line) {
  auto at = line.find("smtpd[");
  if (at == std::string_view::npos) return {};
  auto close = line.find(']', at);
  return close == std::string_view::npos ? std::string() : std::string(line.substr(at, close - at + 1));
}

bool login_failed(std::string_view line) {
  return (icontains(line, "SASL") && icontains(line, "authentication failed")) ||
         (icontains(line, "authenticator failed")) ||
         (icontains(line, "535 ") &&
          (icontains(line, "authentication") || icontains(line, "5.7.8") || icontains(line, "5.7.3")));
}

/// One smtpd process serves many sessions: what is said after the end of one belongs to the next.
bool session_ends(std::string_view line) {
  for (std::string_view words : {"disconnect from ", ": connect from ", "lost connection after ",
                                 "no MAIL in SMTP connection", "SMTP connection from "})
    if (line.find(words) != std::string_view::npos) return true;
  return false;
}

/// Date and time of a log line, the seconds apart: everything before the first "hh:mm:ss", and that as seconds. nullopt
/// in a client's transcript.
std::optional<std::pair<std::string, int>> time_of(std::string_view line) {
  auto two = [&](std::size_t at) { return (line[at] - '0') * 10 + line[at + 1] - '0'; };
  for (std::size_t i = 0; i + 8 <= std::min<std::size_t>(line.size(), 40); ++i) {
    bool clock = line[i + 2] == ':' && line[i + 5] == ':';
    for (auto d : {0, 1, 3, 4, 6, 7}) clock = clock && is_digit(line[i + static_cast<std::size_t>(d)]);
    if (clock) return std::pair(std::string(line.substr(0, i)), (two(i) * 60 + two(i + 3)) * 60 + two(i + 6));
  }
  return std::nullopt;
}

/// A client that goes on after a refused login does so at once.
constexpr int most_seconds = 120;
bool close_together(std::string_view before, std::string_view after) {
  const auto a = time_of(before), b = time_of(after);
  if (!a || !b) return !a && !b;
  return a->first == b->first && b->second >= a->second && b->second - a->second <= most_seconds;
}

/// From the reply code on, without the log's own fields behind it.
std::string reply_part(std::string_view line) {
  for (std::size_t i = 0; i + 4 < line.size(); ++i) {
    const bool starts = i == 0 || !(is_digit(line[i - 1]) || line[i - 1] == '.');
    if (!starts || (line[i] != '4' && line[i] != '5') || !is_digit(line[i + 1]) || !is_digit(line[i + 2]) ||
        line[i + 3] != ' ')
      continue;
    auto part = line.substr(i);
    if (auto end = part.find("; from="); end != std::string_view::npos) part = part.substr(0, end);
    return std::string(part);
  }
  return std::string(trim(line.substr(line.rfind(": ") == std::string_view::npos ? 0 : line.rfind(": ") + 2)));
}

}  // namespace

std::vector<LoggedSessionFact> read_session_log(std::string_view octets) {
  std::vector<LoggedSessionFact> sessions;
  std::map<std::string, std::string_view> failed;  // client and process → line of the failed login
  for (auto line : split_lines(octets.substr(0, std::min(octets.size(), max_octets)))) {
    if (line.size() > 8192) continue;
    const auto key = client_of(line) + " " + process_of(line);
    if (login_failed(line)) {
      if (failed.size() < 10000) failed[key] = line;
      continue;
    }
    if (session_ends(line)) failed.erase(key);
    if (!names_relaying(line)) continue;
    auto it = failed.find(key);
    if (it == failed.end() || !close_together(it->second, line)) continue;
    LoggedSessionFact fact;
    fact.auth = AuthState::failed;
    fact.client = client_of(line);
    fact.auth_reply = reply_part(it->second);
    fact.relay_reply = reply_part(line);
    sessions.push_back(std::move(fact));
    failed.erase(it);
    if (sessions.size() >= max_sessions) break;
  }
  return sessions;
}

std::vector<LoggedSessionFact> sessions_shown(std::string_view octets) {
  if (mail::is_mbox(octets) || dsn::is_message(octets)) return {};
  auto sessions = read_session_log(octets);
  if (sessions.empty())
    if (auto session = read_transcript(octets)) sessions.push_back(std::move(*session));
  return sessions;
}

}  // namespace smtpdx::intake
