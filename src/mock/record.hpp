// SPDX-License-Identifier: Apache-2.0
#pragma once

// A run that really took place, written down as a scenario: `diagnose --record FILE`. What the name servers and mail
// servers said becomes zone lines and dialogs, the question becomes `-- run --`, what was found `-- findings --`. So a
// case from the field can be replayed (`smtpdx mock`), sent to somebody, and kept as a test.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "diag/report.hpp"
#include "dns/resolver.hpp"
#include "trace/log.hpp"

namespace smtpdx::mock {

/// Hands every question on and keeps the answers in the order they came. `inner` must outlive it.
class RecordingResolver final : public dns::Resolver {
 public:
  struct Lookup {
    std::optional<Endpoint> server;  ///< of ask_server; none = the recursive resolver
    dns::Answer answer;
  };

  explicit RecordingResolver(dns::Resolver& inner) : inner_(inner) {}
  io::Task<dns::Answer> query(std::string name, dns::Type type, Deadline deadline) override;
  io::Task<dns::Answer> ask_server(Endpoint server, std::string name, dns::Type type, Deadline deadline) override;
  const std::vector<Lookup>& lookups() const { return lookups_; }

 private:
  dns::Resolver& inner_;
  std::vector<Lookup> lookups_;
};

/// What a file is written from. All of it must live during the call only.
struct Recording {
  const diag::Report& report;
  const trace::Log& log;  ///< redacted already; a replay logs in with the word "secret"
  const std::vector<RecordingResolver::Lookup>& lookups;
  std::string text;       ///< --text as given
  std::string input;      ///< the file or stdin that was read; empty = none
  std::string mechanism;  ///< --auth-mechanism
  std::string title;      ///< one line for the top
  Duration timeout{0};    ///< --timeout, whole seconds; 0 = not written
};

/// The scenario in the notation of tests/scenarios/README.md. It always parses. Left out, because the notation has no
/// words for it: DNSSEC, a resolver's own time, certificates beyond names, expiry and trust, --config, lines that the
/// log cut off. Names and addresses of the case stand in it as they are.
std::string record_scenario(const Recording& recording);

}  // namespace smtpdx::mock
