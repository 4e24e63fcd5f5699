// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of relay_set.cpp: the unknowns of a session, each cut into finitely many classes. A class is what has the same
// signature (relay_side.hpp); candidates for classes are made of everything that the configuration names. Not for other
// floors.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mta/postfix/address_space.hpp"
#include "mta/postfix/relay_side.hpp"

namespace smtpdx::mta::postfix {

/// A session being put together, and what is assumed of tables whose keys cannot be counted, for each side.
struct Draft {
  Session session;
  std::array<Assumptions, 2> assumed;
  bool possible = true;  ///< false: no such session exists ("the sender is the login's own" without a login)
};

struct AxisValue {
  std::string signature;
  std::vector<Span> spans;           ///< of client addresses
  std::vector<std::string> members;  ///< of others: what was seen to belong here
  bool rest = false;                 ///< and so does everything that no other class names
  std::string doubt;                 ///< holds only if this is so: a permit that a database could hold
  std::function<void(Draft&)> apply;
};

struct Axis {
  std::string name;  ///< "client", "client-name", "tls", "certificate", "login", "sender", "owner", "recipient", "helo"
  std::vector<AxisValue> values;
  std::function<std::string(const Session&)> signature_of;
  std::string blurred;  ///< why two members of a class may differ after all
  std::string refused;  ///< why this is too much to compute; the values are then none
};

/// One or two sides; null for a service that one of two configurations lacks. The sides outlive the axes.
using Sides = std::vector<Side*>;
std::vector<Axis> axes_of(const Sides& sides);

}  // namespace smtpdx::mta::postfix
