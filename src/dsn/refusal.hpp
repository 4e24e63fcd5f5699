// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kb/words.hpp"
#include "smtp/reply.hpp"

namespace smtpdx::dsn {

/// What kind of thing the input is (contract §4 `kind`).
enum class Kind { failed, delayed, delivered, relayed, expanded, complaint, auto_reply, challenge, not_a_bounce };
const char* to_string(Kind kind);

/// Octets of the input that decided something.
struct Span {
  std::string what;  ///< "diagnostic-code", "reply", "remote-mta", "prose"
  std::size_t offset = 0, length = 0;
  std::string text;
};

/// A reply as quoted in a report. `code` 0 where the input has none: never made up.
struct QuotedReply {
  int code = 0;
  std::optional<smtp::EnhancedStatus> status;
  std::string text;  ///< without codes, white space folded
  bool empty() const { return code == 0 && !status && text.empty(); }
};

/// What the returned message's headers say about how it came and went; filled as far as present. All domains canonical.
struct ReturnedHeaders {
  bool present = false;
  std::string from, to, mail_from;    ///< header From and To addresses; Return-Path
  bool arrived_from_outside = false;  ///< received by the reporter's organisation from a host that is not its own
  std::optional<std::string> spf,
      dkim;              ///< results at the reporting organisation's hop: "fail", "softfail", "none", "pass" …
  std::string authserv;  ///< who said so
  bool forwarded =
      false;  ///< resent/forwarded markers: X-MS-Exchange-*AutoForward*, Resent-*, SRS, Delivered-To ≠ To …
  std::vector<std::string> received_by;  ///< hosts in Received … by, newest first
  std::vector<std::string> why;          ///< one line per conclusion, naming the header
};

/// One refusal: message × recipient. What was read, not what it means.
struct Refusal {
  std::string source_name;
  std::size_t source_index = 0;
  Kind kind = Kind::not_a_bounce;
  std::string recipient, original_recipient;  ///< empty where unknown
  std::string sender;                         ///< envelope or header sender of the refused message, where known
  QuotedReply reply;                          ///< the outermost
  std::optional<QuotedReply> inner;           ///< the innermost, where the outer one wraps another
  std::string reporter;                       ///< host that wrote the report (Reporting-MTA, quoting server)
  std::string decider;                        ///< host that refused (Remote-MTA, "host X said", …)
  std::string decider_address;                ///< its address where the report names it
  std::string client_address;                 ///< the refused client's address where the words name it
  std::optional<smtp::Phase> phase;
  bool local_program = false;  ///< the reporter handed the message to a program of its own, which failed (X-Unix, pipe)
  bool null_sender = false;    ///< the refusing server's log says that the envelope sender was empty (<>)
  std::string mechanism;       ///< login mechanism that the input names, upper case; empty where none is named
  std::string service;         ///< service of the refusing server as its log names it: "submission"; else empty
  std::vector<Span> evidence;
  ReturnedHeaders returned;

  /// The decider's own words: inner where there is one.
  const QuotedReply& decided() const { return inner ? *inner : reply; }
  bool is_refusal() const { return kind == Kind::failed || kind == Kind::delayed; }
};

/// What the reader makes of the words alone (contract §4): the phrase that fitted and its candidates.
struct Reading {
  kb::Reason reason = kb::Reason::unknown;
  std::string rule;                 ///< phrase id, "" where none fitted
  std::string states;               ///< cause code that the words state, or ""
  std::vector<std::string> causes;  ///< candidate cause codes, likeliest first
  std::optional<kb::Party> party;
  double confidence = 0;
  bool wrapper_only = false;  ///< only the wrapper's words are there; the decider's are not
};

}  // namespace smtpdx::dsn
