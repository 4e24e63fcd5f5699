// SPDX-License-Identifier: Apache-2.0
#include "mta/expectation.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mta {
namespace {

using Words = std::vector<std::string_view>;

std::unexpected<Error> wrong(unsigned line, const std::string& what) {
  return fail(ErrorKind::malformed, "line " + std::to_string(line) + ": " + what,
              "a line is: client 203.0.113.9 tls login ann from ann@home.example to bob@far.example => permit");
}

/// One word with its value; the number of words taken, 0 for a value that is none.
std::size_t take(const Words& words, std::size_t at, Session& session) {
  const auto key = words[at];
  const auto value = at + 1 < words.size() ? words[at + 1] : std::string_view();
  if (key == "tls") {
    if (value == "none") return session.tls = Tls::none, 2;
    if (value == "wrapper") return session.tls = Tls::wrapper, 2;
    session.tls = Tls::starttls;
    return value == "starttls" ? 2 : 1;
  }
  if (value.empty()) return 0;
  const std::string text(value);
  if (key == "client")
    session.client = IpAddress::parse(value);
  else if (key == "name")
    session.client_name = text;
  else if (key == "helo")
    session.helo = text;
  else if (key == "port")
    session.port = static_cast<std::uint16_t>(std::min<std::uint64_t>(parse_number(value).value_or(0), 65535));
  else if (key == "login")
    session.login = Login{text, true};
  else if (key == "from")
    session.sender = text;
  else if (key == "to")
    session.recipient = text;
  else
    return 0;
  return (key == "client" && !session.client) || session.port == 0 ? 0 : 2;
}

Result<void> read_session(const Words& words, std::size_t arrow, unsigned line, Session& session) {
  session.client = IpAddress::parse("203.0.113.250");
  session.helo = "client.elsewhere.example";
  session.tls = Tls::none;
  session.sender = "somebody@elsewhere.example";
  for (std::size_t at = 0; at < arrow;) {
    const auto taken = take(words, at, session);
    if (taken == 0 || at + taken > arrow)
      return wrong(line, "\"" + printable(words[at], 60) + "\" is not understood, or lacks its value");
    at += taken;
  }
  if (session.recipient.empty()) return wrong(line, "no recipient (to ADDRESS)");
  return {};
}

Result<Expectation> read_line(std::string_view text, unsigned line) {
  Expectation one;
  one.line = line;
  one.text = std::string(text);
  const auto words = split_words(text);
  std::size_t arrow = 0;
  while (arrow < words.size() && words[arrow] != "=>") ++arrow;
  if (arrow + 1 >= words.size()) return wrong(line, "no \"=> permit\" or \"=> reject\" at its end");
  if (auto read = read_session(words, arrow, line, one.session); !read) return std::unexpected(read.error());
  const auto verdict = words[arrow + 1];
  if (verdict != "permit" && verdict != "reject")
    return wrong(line, "\"" + printable(verdict, 60) + "\" is neither permit nor reject");
  one.permit = verdict == "permit";
  const bool has_code = arrow + 2 < words.size();
  if (!has_code) return one;
  const auto code = parse_number(words[arrow + 2]);
  if (one.permit || !code || *code < 400 || *code > 599 || arrow + 3 < words.size())
    return wrong(line, "after reject stands nothing or a code, such as 554; after permit nothing");
  one.code = static_cast<int>(*code);
  return one;
}

/// "#" at the beginning or after white space: an address may hold one.
std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at)
    if (line[at] == '#' && (at == 0 || is_space(line[at - 1]))) return line.substr(0, at);
  return line;
}

}  // namespace

Result<std::vector<Expectation>> read_expectations(std::string_view text) {
  std::vector<Expectation> all;
  unsigned number = 0;
  for (const auto line : split_lines(text)) {
    ++number;
    const auto body = trim(without_comment(line));
    if (body.empty()) continue;
    auto one = read_line(body, number);
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  if (all.empty())
    return fail(ErrorKind::malformed, "no expectation in it", "write lines such as: to bob@far.example => reject 554");
  return all;
}

bool holds(const Expectation& expectation, const Decision& decision) {
  if (decision.verdict == Verdict::unknown) return false;
  if (expectation.permit) return decision.verdict == Verdict::accepted;
  if (expectation.code) return decision.verdict == Verdict::refused && decision.code == *expectation.code;
  return decision.verdict != Verdict::accepted;
}

}  // namespace smtpdx::mta
