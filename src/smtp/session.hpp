// SPDX-License-Identifier: Apache-2.0
#pragma once

// The client side of one SMTP connection: one coroutine a command, to be read with RFC 5321 open beside it.
//
// Strict turn-taking: nothing is sent before the greeting; commands are pipelined only where PIPELINING was offered
// (RFC 2920); octets that arrive before the TLS handshake are a failure (RFC 3207 §4.2, CVE-2011-0411), never
// discarded, and so are octets received before a command they could answer. After a framing error, a time-out, an end
// of connection or a 421 (RFC 5321 §3.8) the session is *poisoned*: every further command returns the same failure
// without touching the wire. The caller never has to ask whether a command may still be sent.
//
// Time limits are those of RFC 5321 §4.5.3.2 (greeting, MAIL, RCPT 5 min, DATA 2 min, end of data 10 min …), only ever
// shortened by the deadline handed in.
//
// Memory: an open session without TLS holds under 10 kB with its coroutine frames. It reads into a buffer of 512 octets
// of its own, which grows to 4 KiB for servers that talk a lot. Buffers are not shared between sessions: a Stream may
// fill one long before the reader runs again.
//
// Secrets: lines of AUTH are shown as "[secret]", and a server that repeats them back ("500 unknown command AUTH PLAIN
// AGF…") has the repetition replaced in trace and reply.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/net.hpp"
#include "io/runtime.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/reply.hpp"
#include "smtp/sasl.hpp"
#include "smtp/step.hpp"
#include "trace/log.hpp"

namespace smtpdx::smtp {

class EchoGuard;

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
  ~Session();

  /// Waits for the greeting. A 220 is positive; 554 or 421 are replies, too. Comes before every other command.
  io::Task<Step> greeting(Deadline deadline);
  /// EHLO, and HELO where EHLO was answered by 500, 501, 502 or 504 and `fall_back` is set. Fills capabilities().
  enum class Fallback { none, helo };
  io::Task<Step> ehlo(std::string name, Fallback fallback, Deadline deadline);
  /// STARTTLS and the handshake (RFC 3207). Capabilities are forgotten; say EHLO again. Facts in tls().
  io::Task<Step> starttls(io::TlsOptions options, Deadline deadline);
  /// Implicit TLS (RFC 8314 §3.3): before greeting(). The Step has no reply: it went well where trouble is none.
  io::Task<Step> implicit_tls(io::TlsOptions options, Deadline deadline);
  /// One attempt with one mechanism (RFC 4954); the best common one where credentials name none. Whether a secret may
  /// be sent without TLS is for the caller to judge.
  io::Task<Step> auth(Credentials credentials, Deadline deadline);
  /// MAIL, RCPT…, RSET for each envelope, never DATA: all in one write where PIPELINING was offered (at most 8 KiB at a
  /// time, RFC 2920 §3.1), else one command at a time. Without pipelining the rest of an envelope whose MAIL was
  /// refused is not sent: its recipients are Trouble::not_sent, its `rset` is empty.
  /// After::leave ends the session as leave() does, with QUIT in place of the last RSET (RFC 2920 §3.1 allows it as the
  /// last of a group): one command, and where pipelining is not offered one round trip less. That `rset` is empty.
  enum class After { stay, leave };
  io::Task<std::vector<TransactionSteps>> transactions(std::vector<Envelope> envelopes, Deadline deadline,
                                                       After after = After::stay);
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
  bool poisoned() const { return poison_ != nullptr; }
  io::Stream& stream() { return *stream_; }

 private:
  /// Commands that go out in one write, and where their outcomes go.
  struct Batch {
    struct Command {
      Step* step;       ///< with its phase set; null for QUIT, whose answer is not waited for
      std::size_t end;  ///< of its line in `octets`, CRLF included
    };
    std::string octets;
    std::vector<Command> commands;
    void add(Step* step, std::string_view verb, std::string_view argument = {}, std::string_view end = {});
    std::string_view line(std::size_t first, std::size_t last) const;  ///< lines first…last, CRLFs included
    std::size_t piece_from(std::size_t first) const;  ///< the first command that is not sent together with `first`
  };
  /// Octets received and not yet parsed.
  struct Inbox {
    std::string octets;
    std::size_t from = 0, to = 0;
    bool empty() const { return from == to; }
    std::string_view pending() const { return std::string_view(octets).substr(from, to - from); }
    std::span<char> room();
    void received(std::size_t count);
  };
  struct Line {
    Phase phase;
    std::string text;   ///< without CRLF
    std::string shown;  ///< what the trace gets instead, where the line holds a secret; else empty
  };

  io::Task<Step> say(Line line, Deadline deadline);
  struct Piece {
    std::size_t first;
    std::size_t end;  ///< the first command that is not part of it
    Deadline deadline;
  };

  static Batch batch_of(const std::vector<Envelope>& envelopes, std::vector<TransactionSteps>& all, After after);
  io::Task<void> send_piece(const Batch& batch, Piece piece);
  io::Task<std::vector<TransactionSteps>> pipelined(std::vector<Envelope> envelopes, Deadline deadline, After after);
  io::Task<std::vector<TransactionSteps>> one_by_one(std::vector<Envelope> envelopes, Deadline deadline, After after);
  io::Task<void> one_transaction(Envelope envelope, TransactionSteps& steps, Deadline deadline);
  void end_here(const Step& last);
  io::Task<void> hear(Step& step, TimePoint sent, Deadline deadline);
  bool heard_already(Step& step, TimePoint sent);
  io::Task<void> hear_last_words(Step& step, io::IoFailure failure);
  io::Task<std::optional<io::IoFailure>> send_message(std::string message, Deadline deadline);
  io::Task<void> handshake(Step& step, io::TlsOptions options, Deadline deadline);
  io::Task<Step> exchange(SaslClient& client, std::optional<std::string> initial, Deadline deadline);
  io::Task<Step> cancel(std::string why, Deadline deadline);
  Line auth_line(const std::string& mechanism, std::optional<std::string>& initial);

  bool may_speak(Step& step);
  void out_of_turn(Step& step);
  void parse_inbox();
  void hear_lines();
  void finish(Step& step, TimePoint sent);
  void unreadable(Step& step);
  void gone(Step& step, io::IoFailure failure);
  void trouble(Step& step, Trouble what, std::string detail);
  static bool is_one_line(std::string_view text);
  static void hold_back(Step& step, Trouble what, std::string detail);
  Step poisoned_step(Phase phase) const;
  void poison(const Step& step, std::string_view why);
  std::string without_secrets(std::string_view text) const;

  io::Runtime& runtime_;
  std::unique_ptr<io::Stream> stream_;
  trace::Channel& channel_;
  Capabilities capabilities_;
  std::optional<io::TlsFacts> tls_;
  std::unique_ptr<Step> poison_;  ///< what every further command returns, but for its phase
  Inbox inbox_;
  ReplyParser parser_;
  trace::Evidence heard_;   ///< the lines of the reply under way
  std::size_t traced_ = 0;  ///< lines of the parser that are in the trace already
  Phase phase_ = Phase::connect;
  bool greeted_ = false;
  std::unique_ptr<EchoGuard> guard_;  ///< once a secret was sent
};

}  // namespace smtpdx::smtp
