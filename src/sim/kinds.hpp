// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sim/maker.hpp"

namespace smtpdx::sim {

struct Kind {
  std::string_view name;
  void (*make)(Maker& maker);
};

std::span<const Kind> recipient_kinds();   ///< kinds_recipient.cpp: the recipient's mail exchangers
std::span<const Kind> lookalike_kinds();   ///< kinds_lookalike.cpp: what looks like them and is not
std::span<const Kind> submission_kinds();  ///< kinds_submission.cpp: the user's own server, and how it was spoken to
std::span<const Kind> login_kinds();       ///< kinds_login.cpp: the login there
std::span<const Kind> address_kinds();     ///< kinds_address.cpp: who may relay there by address
std::span<const Kind> own_server_kinds();  ///< kinds_own_server.cpp: what the server's own files show
std::span<const Kind> client_kinds();      ///< kinds_client.cpp: who the client is, and the way between

// ---- bricks of several kinds ----

/// How a host shows who it is.
enum class Name { own, provider, masked, hidden };

/// One address of one mail exchanger.
struct Exchanger {
  std::string host;
  IpAddress ip;
  std::size_t service = 0;
  bool shown = true;  ///< greeting, certificate or PTR lead to the host's name
};

/// The usual question: who wrote to whom. Makes both zones.
void ask_about_recipient(Maker& m);
/// A listener for `host`, which becomes an MX of `domain`.
struct ExchangerOrder {
  std::string domain;
  std::uint16_t preference = 10;
  Name name = Name::own;
  bool v6 = false;
};
Exchanger add_exchanger(Maker& m, const ExchangerOrder& order);
/// Another address for the same host, another machine behind it.
Exchanger add_machine(Maker& m, const std::string& host, IpAddress ip);
/// Hosts that have nothing to do with the case, as typed with --control.
void add_controls(Maker& m, Door port25, Door port587);

/// What may be spoilt, and whom it hurts.
struct Spoil {
  std::vector<std::size_t> refusing, accepting;
  std::string domain;
  enum class Needs { one_connection, repeats } needs = Needs::one_connection;
};
void spoil(Maker& m, const Spoil& what);

}  // namespace smtpdx::sim
