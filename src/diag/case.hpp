// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "dsn/refusal.hpp"
#include "kb/words.hpp"

namespace smtpdx::diag {

/// How a connection is protected.
enum class TlsMode { plain, starttls, implicit };
std::string_view to_string(TlsMode mode);
std::optional<TlsMode> tls_mode_from(std::string_view word);

/// What the refused client did about logging in, as far as the user, a log or the words of the refusal tell.
enum class AuthState { unknown, none, failed, ok };
std::string_view to_string(AuthState state);
std::optional<AuthState> auth_state_from(std::string_view word);

/// The refused session as the user's own client had it. Everything is optional: what is not known stays open.
struct ClientShape {
  std::optional<TlsMode> tls;
  AuthState auth = AuthState::unknown;
  std::string helo;
  std::optional<IpAddress> address;  ///< the client's address as the server saw it
};

/// What the user gave. A question, never an observation.
struct Case {
  std::string from;                ///< --from: envelope sender, without brackets
  std::string to;                  ///< --to: recipient
  std::optional<HostPort> server;  ///< --server: the user's own outgoing server
  std::string user;                ///< --user
  bool have_secret = false;        ///< a password or token was given: L4 is allowed
  std::string auth_mechanism;      ///< --auth-mechanism; empty = the client's, else the best that both sides know
  unsigned auth_budget = 1;        ///< refused logins a run may cause (--auth-methods all --auth-budget N)
  std::vector<std::string> mechanisms_of_client;  ///< --client-auth-methods, upper case; empty = unknown
  ClientShape client;
  std::string helo;                ///< EHLO name of our own sessions
  std::vector<IpAddress> sources;  ///< --source, repeatable: the first is ours, the others are further vantages
  kb::Consent consent = kb::Consent::envelope;
  std::uint16_t smtp_port = 25;  ///< where MX hosts listen
  std::vector<HostPort> controls25, controls587;
  bool use_v4 = true, use_v6 = true;
  bool has_config = false;
  std::string random_local_part;  ///< a name nobody has, the same for the whole run
};

/// The recipient, sender and domain in question: what was typed, else what the refusal names.
std::string recipient_of(const Case& c, const dsn::Refusal* refusal);
std::string sender_of(const Case& c, const dsn::Refusal* refusal);

}  // namespace smtpdx::diag
