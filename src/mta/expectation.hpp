// SPDX-License-Identifier: Apache-2.0
#pragma once

// Relay policy as tests (`config expect`): what a configuration has to answer to named sessions, one a line.
//
//   client 10.1.2.3 from ann@home.example to bob@far.example => permit
//   client 203.0.113.9 port 587 tls login ann from ann@home.example to bob@far.example => permit
//   client 203.0.113.9 to bob@far.example => reject 554     # strangers
//
// Words before "=>": client ADDRESS, name HOST (what its PTR says and leads back), helo NAME, port N, tls (or tls
// starttls, tls wrapper, tls none), login USER, from ADDRESS (or <>), to ADDRESS. What is left out: port 25, no TLS, no
// login, sender somebody@elsewhere.example; a client that is not named is 203.0.113.250, nobody's host. "#" begins a
// comment, empty lines count for nothing.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/decision.hpp"
#include "mta/session.hpp"

namespace smtpdx::mta {

struct Expectation {
  unsigned line = 0;
  std::string text;  ///< the line without its comment
  Session session;
  bool permit = false;      ///< else reject
  std::optional<int> code;  ///< of the refusal
};

/// Error malformed with the line and what was expected there.
Result<std::vector<Expectation>> read_expectations(std::string_view text);

/// "reject" without a code holds for whatever lets the mail not through: a refusal, no AUTH, no STARTTLS, a server that
/// stops. An unknown answer never holds.
bool holds(const Expectation& expectation, const Decision& decision);

}  // namespace smtpdx::mta
