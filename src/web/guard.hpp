// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who may ask, on loopback. A page open in the same browser is the danger there: it can reach us by address (CSRF) or,
// after its name has been pointed at 127.0.0.1, as its own origin (DNS rebinding). Against the second: only our own
// names are answered to. Against the first: what comes from a browser needs a session, which only he gets who has read
// the address that the program printed at its start.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "web/answer.hpp"

namespace smtpdx::web {

/// 26 letters and digits from the system's generator: 130 bits.
std::string random_word();
/// Takes as long whatever stands in them (for equal lengths).
bool same_secret(std::string_view a, std::string_view b);

struct GuardOptions {
  Endpoint listening;  ///< where the server really listens
  std::vector<std::string>
      hosts;                  ///< further authorities it is known by: "smtpdx.example.org", "smtpdx.example.org:8443"
  bool https = false;         ///< TLS here or at a proxy before us
  bool behind_proxy = false;  ///< X-Forwarded-For is believed: its last address was written by our own proxy
  bool accounts = false;      ///< not only for this machine: callers.hpp
};

class Guard {
 public:
  explicit Guard(GuardOptions options);

  /// Who is at the other end: the connection's peer, or the one whom our proxy names.
  Endpoint client(const http::Request& request, const Endpoint& peer) const;
  bool has_accounts() const { return options_.accounts; }
  const std::string& cookie_name() const { return cookie_; }
  /// Set-Cookie's value.
  std::string cookie_field(std::string_view value) const;
  /// The token of `Authorization: Bearer`; empty where there is none.
  static std::string_view bearer(const http::Request& request);

  /// The per-start token.
  const std::string& token() const { return token_; }
  /// What to open in a browser, with the token in the fragment, which no server and no Referer ever sees.
  std::string address() const;

  /// Refuses other names and origins (403). Nothing where the request may go on.
  std::optional<Answer> refuses(const http::Request& request) const;
  /// Whether the one who asks is known: a session, the token, or a program on this machine (a request without any of
  /// the fields that browsers send).
  bool knows(const http::Request& request, const Endpoint& peer) const;

  /// A session for the one who has the token: the cookie's value. Nothing where the token is another one.
  std::optional<std::string> open_session(std::string_view token);
  void close_session(const http::Request& request);

 private:
  bool is_our_host(std::string_view authority) const;
  bool has_session(const http::Request& request) const;

  GuardOptions options_;
  std::vector<std::string> hosts_;  ///< authorities we answer to, lower case
  std::string token_;
  std::string cookie_;                 ///< its name, with the port: cookies know no ports
  std::vector<std::string> sessions_;  ///< newest last, at most 64
};

}  // namespace smtpdx::web
