// SPDX-License-Identifier: Apache-2.0
#pragma once

// The smallest edit that flips the answer to a session, and nothing else. Every candidate is applied to the files in
// memory and replayed; it is offered only if the session is then answered the other way and the sets of those who may
// relay before and after (relay_set.hpp) differ by exactly what the edit says it gives. So no advice opens a relay by
// accident, and mynetworks is never widened beyond the one client that was asked about.

#include <optional>
#include <string>
#include <vector>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix {

/// One physical line: replaced, taken out (no `after`), or put at the end of the file (no `before`).
struct LineEdit {
  std::string file;
  unsigned line = 0;  ///< from 1; 0: at the end
  std::optional<std::string> before, after;
};

struct Change {
  std::vector<LineEdit> lines;  ///< empty: the client has to do something, the configuration is good as it is
  std::string edit;             ///< in words
  std::string gives;            ///< who gains or loses what by it, exactly
};

struct ChangeAdvice {
  std::vector<Change> changes;  ///< all verified, the one to prefer first
  std::string none;             ///< why there is none
};

/// For a session that `decision` answered; nothing for an answer that is unknown.
ChangeAdvice change_for(const Configuration& configuration, const Session& session, const Decision& decision);

/// The configuration as it would be. Error malformed where Postfix could not read it any more.
Result<Configuration> edited(const Configuration& configuration, const std::vector<LineEdit>& edits);

}  // namespace smtpdx::mta::postfix
