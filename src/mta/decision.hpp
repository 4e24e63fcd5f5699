// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a server's configuration decides about a session, in one form for every product.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/where.hpp"

namespace smtpdx::mta {

enum class Verdict { accepted, refused, no_auth, no_starttls, server_fatal, unknown };
std::string_view to_string(Verdict verdict);
enum class Stage { connect, ehlo, starttls, auth, mail, rcpt };
std::string_view to_string(Stage stage);

/// The rule that decided, and the line it stands in. Postfix: a restriction and the parameter that lists it. Exim: an
/// ACL verb and the name of its ACL.
struct DecidedBy {
  std::string restriction, parameter;
  Where where;
};

struct Outcome {
  Verdict verdict = Verdict::unknown;
  int code = 0;        ///< 0 where no reply belongs to the verdict
  std::string status;  ///< "5.7.1"
  std::string text;    ///< without the enhanced code; "…" stands for what is not known to us, such as a client's name
  Stage stage = Stage::rcpt;
  std::optional<DecidedBy> by;  ///< nullopt where every list ran to its end
};

struct TraceEntry {
  std::string restriction;
  std::string result;  ///< permit, refuse, no match, unknown, not replayed, ignored
  std::string why;
  std::string parameter;  ///< the list it stands in
  Where where;
};

struct Decision : Outcome {
  std::vector<TraceEntry> trace;
  std::vector<std::string> unknown;  ///< what would have to be known; empty unless the verdict is unknown
  std::optional<Outcome> if_silent;  ///< with verdict unknown: what holds if all of that says nothing
  bool may_be_permitted = false;     ///< with verdict unknown: some of that could also have let it pass
};

}  // namespace smtpdx::mta
