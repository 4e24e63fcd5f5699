// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of decide.cpp: what smtpd makes of a client's address before the session begins (smtpd_peer.c's rules): the
// name its PTR gives, and whether that name leads back. Not for other floors.

#include <optional>
#include <string>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix {

struct Peer {
  enum class State { ok, temporary, permanent, unsure };  ///< unsure: not told to us
  std::optional<std::string> name;     ///< verified; "unknown" where it has none; nullopt: not known to us
  State name_state = State::unsure;    ///< why it is "unknown"
  std::optional<std::string> reverse;  ///< by PTR alone; "unknown" where there is none; nullopt: not known to us
  State reverse_state = State::unsure;
};

/// From the session's own word about the name, else from its DNS. The host's hosts file, which is asked before DNS, is
/// known for loopback only: the server's own addresses stay unsure where DNS has no name for them.
Peer peer_of(const Session& session, const std::vector<OwnAddress>& own);

}  // namespace smtpdx::mta::postfix
