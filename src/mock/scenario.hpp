// SPDX-License-Identifier: Apache-2.0
#pragma once

// One file = one world, one question, the complete answer. The notation is described in tests/scenarios/README.md;
// here stands what it becomes. Shared by `mock`, `demo` and the whole-program tests.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "diag/report.hpp"
#include "dns/answer.hpp"
#include "mock/server_model.hpp"

namespace smtpdx::mock {

/// The local part that nobody has, in every run of a scenario.
inline constexpr const char* nobody_local_part = "qz7kx2mpwvrt4h";

/// One line of `-- dns --`: a record, or the way a question for it fails.
struct DnsLine {
  enum class Failure { none, servfail, refused, no_name, timed_out };
  std::optional<IpAddress> view;  ///< "@192.0.2.53 …": only that name server says so
  std::string name;               ///< canonical; "*" with a failure = every name
  std::optional<dns::Type> type;  ///< none: any type ("name ! TIMEOUT")
  Failure failure = Failure::none;
  dns::Record record;  ///< where failure is none
};

/// The certificate a server shows in TLS. All are signed by the scenario's own authority, which the run trusts.
struct CertificateLine {
  std::vector<std::string> names;  ///< empty = the server's own name
  enum class Fault { none, expired, unknown_authority };
  Fault fault = Fault::none;
};

enum class Reach { open, silent, refused, unreachable };

/// `-- server ADDR:PORT … --`
struct ServerSection {
  std::vector<Endpoint> at;
  ServerPolicy policy;
  CertificateLine certificate;
  Reach reach = Reach::open;
  std::size_t line = 0;
};

/// `-- dialog ADDR:PORT --`: one connection, word for word. Several for one address are played one a connection, the
/// last one for all further ones.
struct DialogLine {
  enum class Kind { server, client, raw, delay, drip, tls, close, reset, silence };
  Kind kind = Kind::server;
  std::string text;        ///< server: without CRLF; client: what must come, "*" at the end = anything; raw: octets
  std::size_t repeat = 1;  ///< raw
  Duration time{0};        ///< delay; drip: between octets, from here on
  std::size_t line = 0;
};
struct DialogSection {
  Endpoint at;
  std::vector<DialogLine> lines;
  CertificateLine certificate;
  std::size_t line = 0;
};

/// `-- run --`: the options of `smtpdx diagnose` that a scenario may use.
struct RunSection {
  std::string command;  ///< as written, lines joined
  diag::Case question;
  std::string text;          ///< --text
  bool reads_input = false;  ///< "-": the section `-- input --`
  std::string password;
  std::string mechanism;
  Duration timeout = std::chrono::seconds(30);
};

struct ExpectedFinding {
  diag::Verdict verdict = diag::Verdict::proved;
  std::string code;
  std::optional<diag::Proof> proof;  ///< where the line names it
  std::string needs;                 ///< "needs WORDS": must occur in the finding's `needs`
  std::size_t line = 0;
};

/// `-- findings --`. Complete: what is not listed must not be found. Two exceptions, because they follow every new rule
/// and every change of wording in data/: `possible` is only compared where the section has a line of that kind
/// ("possible none" for "none at all"), and more may be ruled out than is listed unless it says "ruled out nothing
/// else".
struct FindingsSection {
  std::optional<diag::Conclusion> conclusion;
  std::vector<ExpectedFinding> findings;
  bool compares_possible = false;
  bool all_ruled_out = false;
  /// "broken 192.0.2.25:25 ehlo framing": some session with that server broke at that phase with that trouble.
  struct Broken {
    Endpoint at;
    std::string phase, trouble;
    std::size_t line = 0;
  };
  std::vector<Broken> broken;
};

struct Scenario {
  std::string name;   ///< path as given
  std::string title;  ///< the comment lines at its top
  std::vector<DnsLine> dns;
  std::vector<ServerSection> servers;
  std::vector<DialogSection> dialogs;
  std::optional<RunSection> run;
  std::string input;  ///< `-- input --`, as it stands
  std::optional<FindingsSection> findings;
  std::vector<std::string> output;  ///< `-- output --`: lines that the text output must contain, in this order
};

/// All or nothing. ErrorKind::malformed with "NAME:LINE: what"; names of keys and sections that are near are suggested.
Result<Scenario> parse_scenario(std::string_view name, std::string_view text);

namespace detail {
/// One line that a section owns; `text` without comment and outer space.
struct Numbered {
  std::size_t number = 0;
  std::string text;
};
/// What is wrong with a line; parse_scenario puts file and number in front.
Result<void> read_policy_line(ServerSection& section, std::string_view text);
Result<RunSection> read_command(std::string_view command);
/// \n \r \t \\ \xNN
std::string unescape(std::string_view text);
Result<Duration> read_duration(std::string_view text);  ///< "250ms", "3s", "2min"
Result<CertificateLine> read_certificate(std::string_view text);
}  // namespace detail

}  // namespace smtpdx::mock
