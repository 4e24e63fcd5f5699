// SPDX-License-Identifier: Apache-2.0
#pragma once

// A message's way and its authentication, looked at again now: hops with their delays, DKIM, ARC, SPF and DMARC
// recomputed against DNS, and what servers on the way wrote down about it. Nothing is asked but DNS (consent level L1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arc/validate.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "dkim/result.hpp"
#include "dmarc/outcome.hpp"
#include "mail/authentication_results.hpp"
#include "mail/received.hpp"
#include "probes/env.hpp"
#include "spf/outcome.hpp"

namespace smtpdx::api {

struct HeadersRequest {
  std::string octets;  ///< the message; must outlive the task
  /// Who sent it to us, where the header does not tell, or tells wrongly.
  std::string client_address, helo;
  std::optional<std::string> mail_from;  ///< "" is the null sender
};

/// The session in which the mail came in from outside, as SPF sees it.
struct Session {
  std::optional<IpAddress> client;
  std::string helo;
  std::optional<std::string> mail_from;  ///< "" is the null sender; absent: the header does not tell
  std::string source;                    ///< what says so: "Received-SPF", "Received by mx.example.net", "options"
};

/// How a domain stands to that of From, by the public suffix list (RFC 7489 §3.1). DMARC decides by its own rules.
enum class Alignment { strict, relaxed, none };
const char* to_string(Alignment alignment);

/// A domain that somebody vouched for, or tried to.
struct Identity {
  std::string method, domain;  ///< "dkim" or "spf"
  bool pass = false;
  Alignment alignment = Alignment::none;
};

/// One Received field.
struct Hop {
  enum class Clock { fine, unknown, backwards, future };
  mail::Received received;
  std::size_t offset = 0;         ///< octet of the input
  std::optional<Duration> delay;  ///< since the hop before it; negative where a clock is wrong
  Clock clock = Clock::fine;
  std::vector<std::string> added;  ///< names of the fields above it, up to the next Received: this server's or later
};
const char* to_string(Hop::Clock clock);

/// An Authentication-Results field, and where its word differs from what is found now.
struct FoundResults {
  mail::AuthenticationResults said;
  std::size_t offset = 0;
  std::vector<std::string> differs;  ///< sentences
};

/// A trace of mailing lists and forwarders in the header.
struct Handling {
  enum class Kind { list, forward, gateway } kind = Kind::list;
  std::string who, because;
};
const char* to_string(Handling::Kind kind);

struct HeadersReport {
  enum class Verdict { pass, warn, fail, untested, nothing };  ///< nothing: unsigned, and nothing else to judge
  Verdict verdict = Verdict::nothing;
  std::string summary;
  std::vector<std::string> warnings;
  std::string from, from_domain, mail_from, subject, line_ends;
  std::vector<Hop> hops;  ///< as travelled: the first server first
  std::optional<Duration> total;
  std::vector<dkim::Verdict> dkim;
  arc::Chain arc;
  Session session;
  std::optional<spf::Outcome> spf;  ///< absent: spf_reason says why
  std::string spf_reason;
  std::vector<Identity> identities;  ///< of the signatures, then of SPF
  /// By RFC 9989 and by RFC 7489, and where they differ. Absent: dmarc_reason says why.
  std::optional<dmarc::Outcome> dmarc, dmarc_7489;
  std::vector<std::string> dmarc_differences;
  std::string dmarc_reason;
  std::vector<FoundResults> found;
  std::vector<Handling> handling;
  Duration elapsed{0};
};
const char* to_string(HeadersReport::Verdict verdict);
/// Of a domain among report.identities; none where it is not there.
Alignment alignment_of(const HeadersReport& report, std::string_view domain);

/// Fails (malformed) where the octets hold no header field. `env` and `request` must outlive the task.
io::Task<Result<HeadersReport>> look_at_headers(const HeadersRequest& request, probes::Env& env, Deadline deadline);

/// "smtpdx.headers/1". One line with its end.
std::string headers_document(const HeadersReport& report);

struct TextStyle {
  bool color = false, verbose = false;
};
/// For people: the verdict first, then signatures, the chain, the hops as a timeline, what servers said.
std::string headers_text(const HeadersReport& report, TextStyle style);

}  // namespace smtpdx::api
