// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bricks of the worlds whose refuser is the user's own outgoing server (kinds_submission, kinds_login, kinds_address).

#include <string>
#include <string_view>
#include <vector>

#include "sim/kinds.hpp"

namespace smtpdx::sim {

inline constexpr std::string_view s13 = "submit.auth_not_attempted";
inline constexpr std::string_view s16 = "submit.auth_only_after_tls";
inline constexpr std::string_view s19 = "submit.credentials_rejected";
inline constexpr std::string_view s35 = "ip.not_in_allowlist";

/// What those servers offer for a login where nothing else is said.
inline const std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};

/// The user's outgoing server and the user's account there.
struct Outgoing {
  std::string host, domain, words;
  IpAddress ip;
};

enum class Secret { given, kept };

/// The usual question: the server with its port, sender and recipient, the login where the secret is given.
Outgoing ask_about_server(Maker& m, std::uint16_t port, Secret secret);
/// Knows the account; refuses with `words` who has no login.
mock::ServerPolicy policy_of(Maker& m, const Outgoing& o);
std::size_t listen(Maker& m, const Outgoing& o, std::uint16_t port, mock::ServerPolicy p);
void hold_words(Maker& m, const Outgoing& o, const std::string& words);
/// As the world is, for one server and its two to four connections.
void spoil_server(Maker& m, std::size_t index);

}  // namespace smtpdx::sim
