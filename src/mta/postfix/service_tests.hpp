// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the restriction lists of one service can ask at all, wherever the session leads: every restriction that can be
// reached, through restriction classes and through the lists that stand in access tables.

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mta/postfix/parameters.hpp"
#include "mta/postfix/tables.hpp"

namespace smtpdx::mta::postfix {

/// One use of an access table: "check_sender_access hash:/etc/postfix/senders".
struct AccessTest {
  std::string restriction;
  Cited table;
  std::shared_ptr<const Table> opened;
  Outline outline;
  /// Its look-ups cannot be counted key by key: a pattern, or what runs elsewhere.
  bool by_pattern() const { return !outline.rules.empty() || !outline.opaque.empty(); }
  std::string name() const { return restriction + " " + table.text(); }
};

struct ServiceTests {
  std::vector<AccessTest> access;
  std::set<std::string> restrictions;  ///< names in lower case
  std::vector<std::string> unread;     ///< why what can be asked is not known in full
  bool ask(std::string_view restriction) const { return restrictions.contains(std::string(restriction)); }
  /// Some reachable restriction's name holds this word ("helo", "login_mismatch").
  bool ask_about(std::string_view word) const;
};

ServiceTests tests_of(const Parameters& parameters, Tables& tables);

/// What an entry of an access table does, as far as two entries can differ: "permit", "refuse", "dunno" for what says
/// nothing, "later" for what puts off; a list of restrictions as it stands.
std::string action_of(std::string_view value);

}  // namespace smtpdx::mta::postfix
