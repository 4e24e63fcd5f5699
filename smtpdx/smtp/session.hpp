// SPDX-License-Identifier: Apache-2.0
#pragma once

// The client side of one SMTP connection: one coroutine a command, to be read with RFC 5321 open beside it.
//
// Strict turn-taking: nothing is sent before the greeting; commands are pipelined only where PIPELINING was offered
// (RFC 2920); octets that arrive before the TLS handshake are a failure (RFC 3207 §4.2, CVE-2011-0411), never
// discarded. After a framing error, a time-out or an end of connection the session is *poisoned*: every further command
// returns the same failure without touching the wire. The caller never has to ask whether a command may still be sent.
//
// Time limits are those of RFC 5321 §4.5.3.2 (greeting, MAIL, RCPT, end of data 5 min, 10 min …), only ever shortened
// by the deadline handed in.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/net.hpp"
#include "io/runtime.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/reply.hpp"
#include "smtp/sasl.hpp"
#include "smtp/step.hpp"
#include "trace/log.hpp"

namespace smtpdx::smtp {

struct Envelope {
  std::string mail_from;  ///< without angle brackets; empty is the null sender
  std::vector<std::string> rcpt_to;
};

/// Replies to one MAIL/RCPT… transaction that is ended by RSET. `rcpts` has one Step a recipient, in order.
/// Recipients after a refused MAIL were still sent where pipelined; their Steps then say what the server answered.
struct TransactionSteps {
  Step mail;
  std::vector<Step> rcpts;
  std::optional<Step> rset;
};

class Session {
 public:
  /// Takes over an open stream. `channel` receives every line; `runtime` and `channel` must outlive the session.
  Session(io::Runtime& runtime, std::unique_ptr<io::Stream> stream, trace::Channel& channel);

  /// Waits for the greeting. A 220 is positive; 554 or 421 are replies, too.
  io::Task<Step> greeting(Deadline deadline);
  /// EHLO, and HELO where EHLO was answered by 500, 501, 502 or 504 and `fall_back` is set. Fills capabilities().
  enum class Fallback { none, helo };
  io::Task<Step> ehlo(std::string name, Fallback fallback, Deadline deadline);
  /// STARTTLS and the handshake (RFC 3207). Capabilities are forgotten; say EHLO again. Facts in tls().
  io::Task<Step> starttls(io::TlsOptions options, Deadline deadline);
  /// Implicit TLS (RFC 8314 §3.3): before greeting().
  io::Task<Step> implicit_tls(io::TlsOptions options, Deadline deadline);
  /// One attempt with one mechanism (RFC 4954); the best common one where credentials name none.
  io::Task<Step> auth(Credentials credentials, Deadline deadline);
  /// One command at a time, in one write where PIPELINING was offered: MAIL, RCPT…, RSET for each envelope, never DATA.
  io::Task<std::vector<TransactionSteps>> transactions(std::vector<Envelope> envelopes, Deadline deadline);
  /// DATA, the message (dot-stuffed here, CRLF line ends) and its final reply. After transactions without RSET.
  io::Task<Step> mail(std::string mail_from, Deadline deadline);
  io::Task<Step> rcpt(std::string rcpt_to, Deadline deadline);
  io::Task<Step> data(std::string message, Deadline deadline);
  io::Task<Step> rset(Deadline deadline);
  /// Says QUIT and does not insist: at most 2 s are spent on the answer. Closes.
  io::Task<Step> quit(Deadline deadline);
  /// Sends QUIT without waiting for anything and closes: polite, and costs no round trip.
  io::Task<void> leave();

  const Capabilities& capabilities() const { return capabilities_; }
  const std::optional<io::TlsFacts>& tls() const { return tls_; }
  const trace::Channel& channel() const { return channel_; }
  bool poisoned() const { return poison_.has_value(); }
  io::Stream& stream() { return *stream_; }

 private:
  struct Command {
    Phase phase;
    std::string line;   ///< without CRLF
    std::string shown;  ///< what the trace gets instead, where the line holds a secret
    Duration limit;
  };
  io::Task<Step> command(Command command, Deadline deadline);
  io::Task<std::vector<Step>> send_all(std::vector<Command> commands, Deadline deadline);
  io::Task<std::optional<Step>> write(std::string octets, Phase phase, Deadline deadline);
  io::Task<Step> read_reply(Phase phase, Deadline deadline);
  io::Task<Step> handshake(io::TlsOptions options, Phase phase, Deadline deadline);
  Step trouble(Phase phase, Trouble what, std::string detail, std::optional<io::IoFailure> io = {});
  Step poisoned_step(Phase phase) const;

  io::Runtime& runtime_;
  std::unique_ptr<io::Stream> stream_;
  trace::Channel& channel_;
  Capabilities capabilities_;
  std::optional<io::TlsFacts> tls_;
  std::optional<Step> poison_;
  std::string buffer_;  ///< received, not yet parsed
};

}  // namespace smtpdx::smtp
