// SPDX-License-Identifier: Apache-2.0
#pragma once

// The tests a judgement may ask for. The engine runs those the user's consent covers, all of one round at once.

#include <string>
#include <variant>
#include <vector>

#include "diag/facts.hpp"

namespace smtpdx::diag {

struct WantMx {
  std::string domain;
};
struct WantAddresses {
  std::string host;
};
struct WantPtr {
  IpAddress address;
};
struct WantAuthority {
  std::string host;
};
struct WantNear {
  std::string domain;
  std::vector<std::string> known;
};
struct WantList {
  IpAddress address;
  std::string zone;
};
struct WantControls {
  std::vector<HostPort> port25, submission;
  std::optional<IpAddress> source;
};

/// TLS wish of a talk; what came of it stands in the facts' Shape.
enum class TlsWish { plain, opportunistic, starttls, implicit };

/// One connection that answers as many questions as its server allows.
struct WantTalk {
  std::string host;  ///< name for SNI and the report
  Endpoint server;
  TlsWish tls = TlsWish::opportunistic;
  std::string helo;
  std::optional<IpAddress> source;
  bool log_in = false;    ///< AUTH with the user's credentials before the envelopes (L4)
  std::string mechanism;  ///< for that login; empty = the best that both sides know
  struct Ask {
    std::string mail_from, rcpt_to;
    Role role = Role::recipient;
  };
  /// Each inner list is one transaction (one MAIL FROM), ended by RSET; sent in one write where PIPELINING is offered.
  std::vector<std::vector<Ask>> transactions;
  Duration greeting_limit{0};  ///< 0 = the standard's; shorter where silence itself is the question (S18)
  /// How patient the whole talk is. A look beside the main question must not hold up the round that it is part of: an
  /// open port answers within a blink, and a silent one says no more after ten seconds than after four.
  enum class Patience { usual, brief } patience = Patience::usual;
  unsigned round = 0;  ///< tells a repeat from its first
};

using Want = std::variant<WantMx, WantAddresses, WantPtr, WantAuthority, WantNear, WantList, WantControls, WantTalk>;

/// Equal keys ask the same thing: a want is run once.
std::string key_of(const Want& want);
kb::Consent consent_of(const Want& want);

}  // namespace smtpdx::diag
