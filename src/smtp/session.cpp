// SPDX-License-Identifier: Apache-2.0
#include "smtp/session.hpp"

// How the pieces fit: say() is one command and its reply; send_piece() is a pipelined group; both end in
// hear(), which feeds the parser until a reply is complete. Everything that goes wrong passes through trouble(), which
// writes a remark into the trace and poisons the session, so that no path can go on after a failure by forgetting to
// check.
//
// Inner coroutines fill a Step of their caller instead of returning one: a Step has some 260 octets, every co_await
// that returns one keeps room for it in the frame, and a session's frames are most of its memory.
//
// The connection belongs to one caller: commands are awaited one after the other, never side by side.
//
// AUTH is in session_auth.cpp, DATA and transactions in session_mail.cpp.

#include <algorithm>
#include <cassert>

#include "base/text.hpp"
#include "smtp/echo_guard.hpp"

namespace smtpdx::smtp {
namespace {

constexpr std::size_t first_room = 512;
constexpr std::size_t most_room = 4096;
/// RFC 2920 §3.1: a client must not fill both windows with commands while the server fills them with replies. 8 KiB are
/// some 150 commands, whose replies fit any receive buffer.
constexpr std::size_t most_pipelined = 8 * 1024;
constexpr std::size_t words_shown = 200;  ///< of what a server said instead of a reply, in a Step's detail

/// RFC 5321 §4.5.3.2; EHLO, STARTTLS, AUTH and RSET are not named there and get what most commands have.
Duration limit_of(Phase phase) {
  switch (phase) {
    case Phase::data:
      return 2min;
    case Phase::end_of_data:
      return 10min;
    default:
      return 5min;
  }
}

std::string words_for(const io::IoFailure& failure) {
  switch (failure.kind) {
    case io::Failure::timed_out:
      return "no reply in time";
    case io::Failure::closed:
      return "the connection was closed";
    case io::Failure::reset:
      return "the connection was reset";
    default:
      return failure.text.empty() ? "the connection failed" : failure.text;
  }
}

/// With room for the CRLF.
std::string command_line(std::string_view verb, std::string_view argument, std::string_view end = {}) {
  std::string out;
  out.reserve(verb.size() + argument.size() + end.size() + 2);
  out += verb;
  out += argument;
  out += end;
  return out;
}

}  // namespace

std::span<char> Session::Inbox::room() {
  assert(empty());
  if (octets.empty()) octets.resize(first_room);
  return octets;
}

void Session::Inbox::received(std::size_t count) {
  from = 0;
  to = count;
}

Session::Session(io::Runtime& runtime, std::unique_ptr<io::Stream> stream, trace::Channel& channel)
    : runtime_(runtime), stream_(std::move(stream)), channel_(channel) {}

Session::~Session() = default;

// ---- Commands

io::Task<Step> Session::greeting(Deadline deadline) {
  assert(!greeted_);
  greeted_ = true;
  Step step;
  if (may_speak(step)) {
    auto now = runtime_.now();
    co_await hear(step, now, deadline.within(now, limit_of(Phase::connect)));
  }
  co_return step;
}

io::Task<Step> Session::ehlo(std::string name, Fallback fallback, Deadline deadline) {
  Step step;
  capabilities_ = {};
  for (auto verb : {"EHLO ", "HELO "}) {
    Line line{Phase::ehlo, command_line(verb, name), {}};
    step = co_await say(std::move(line), deadline);
    if (step.ok()) capabilities_ = parse_capabilities(*step.reply);
    // What follows the first line of a HELO reply is small talk (RFC 5321 §4.1.1.1), not a list of extensions.
    if (verb[0] == 'H') capabilities_ = {capabilities_.greeting_name, {}, {}};
    int code = step.reply ? step.reply->code : 0;
    bool not_understood = code == 500 || code == 501 || code == 502 || code == 504;
    if (!not_understood || fallback == Fallback::none) break;
  }
  co_return step;
}

io::Task<Step> Session::starttls(io::TlsOptions options, Deadline deadline) {
  Step step;
  step.phase = Phase::starttls;
  if (!may_speak(step)) co_return step;
  if (!capabilities_.starttls()) {
    hold_back(step, Trouble::not_offered, "the server does not offer STARTTLS");
    co_return step;
  }
  Line line{Phase::starttls, "STARTTLS", {}};
  step = co_await say(std::move(line), deadline);
  // RFC 3207 §4.2: whatever came in clear after the 220 was not said by the holder of the certificate.
  if (step.ok() && may_speak(step)) co_await handshake(step, std::move(options), deadline);
  co_return step;
}

io::Task<Step> Session::implicit_tls(io::TlsOptions options, Deadline deadline) {
  assert(!greeted_);
  Step step;
  if (may_speak(step)) co_await handshake(step, std::move(options), deadline);
  co_return step;
}

io::Task<Step> Session::mail(std::string mail_from, Deadline deadline) {
  Line line{Phase::mail, command_line("MAIL FROM:<", mail_from, ">"), {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::rcpt(std::string rcpt_to, Deadline deadline) {
  Line line{Phase::rcpt, command_line("RCPT TO:<", rcpt_to, ">"), {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::rset(Deadline deadline) {
  Line line{phase_, "RSET", {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::quit(Deadline deadline) {
  Step step;
  step.phase = phase_;
  if (!poison_ && !greeted_) {
    hold_back(step, Trouble::not_sent, "the server has not spoken yet");
  } else if (may_speak(step)) {
    Line line{phase_, "QUIT", {}};
    step = co_await say(std::move(line), deadline.within(runtime_.now(), 2s));
  }
  end_here(step);
  co_return step;
}

io::Task<void> Session::leave() {
  Step step;
  step.phase = phase_;
  if (greeted_ && !poison_) {
    step.evidence = channel_.add(runtime_.now(), trace::Direction::client, "QUIT");
    // RFC 5321 §4.1.1.10 asks for QUIT; whether it still arrives changes nothing, so the result is not looked at.
    co_await stream_->write_all("QUIT\r\n", runtime_.deadline_in(1s));
  }
  end_here(step);
}

void Session::end_here(const Step& last) {
  stream_->close();
  if (!poison_) poison(last, "the session was ended here");
}

// ---- One command, many commands

/// A line break or a NUL inside an argument would turn one command into two.
bool Session::is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

io::Task<Step> Session::say(Line line, Deadline deadline) {
  Step step;
  step.phase = line.phase;
  if (!may_speak(step)) co_return step;
  if (!is_one_line(line.text)) {
    hold_back(step, Trouble::not_sent, "the command would be two lines");
    co_return step;
  }
  assert(greeted_ && "RFC 5321 §3.1: the server speaks first");
  phase_ = line.phase;
  auto now = runtime_.now();
  auto limit = deadline.within(now, limit_of(line.phase));
  channel_.add(now, trace::Direction::client, line.shown.empty() ? line.text : line.shown);
  line.text += "\r\n";
  auto written = co_await stream_->write_all(line.text, limit);
  if (written) {
    co_await hear(step, now, limit);
  } else {
    co_await hear_last_words(step, std::move(written.error()));
  }
  co_return step;
}

void Session::Batch::add(Step* step, std::string_view verb, std::string_view argument, std::string_view end) {
  octets += verb;
  octets += argument;
  octets += end;
  octets += "\r\n";
  commands.push_back({step, octets.size()});
}

std::string_view Session::Batch::line(std::size_t first, std::size_t last) const {
  auto start = first == 0 ? 0 : commands[first - 1].end;
  return std::string_view(octets).substr(start, commands[last].end - start);
}

/// QUIT is always sent with what precedes it.
std::size_t Session::Batch::piece_from(std::size_t first) const {
  auto end = first + 1;
  while (end < commands.size() && (!commands[end].step || line(first, end).size() <= most_pipelined)) ++end;
  return end;
}

/// Sends a piece in one write and reads its replies.
io::Task<void> Session::send_piece(const Batch& batch, Piece piece) {
  assert(greeted_ && "RFC 5321 §3.1: the server speaks first");
  auto now = runtime_.now();
  auto next = piece.first;
  auto& first = *batch.commands[next].step;
  if (!may_speak(first)) {
    ++next;
  } else {
    for (auto i = next; i < piece.end; ++i) {
      auto line = batch.line(i, i);
      channel_.add(now, trace::Direction::client, line.substr(0, line.size() - 2));
    }
    auto octets = batch.line(next, piece.end - 1);
    auto written = co_await stream_->write_all(octets, piece.deadline.within(now, limit_of(first.phase)));
    if (!written) co_await hear_last_words(*batch.commands[next++].step, std::move(written.error()));
  }
  for (; next < piece.end && !poison_; ++next) {
    auto* step = batch.commands[next].step;
    if (!step) continue;
    phase_ = step->phase;
    if (heard_already(*step, now)) continue;
    // Each reply has its own limit (RFC 5321 §4.5.3.2), counted from when its turn came.
    auto limit = piece.deadline.within(runtime_.now(), limit_of(phase_));
    co_await hear(*step, now, limit);
  }
  for (; next < piece.end; ++next) {
    auto* step = batch.commands[next].step;
    if (step) *step = poisoned_step(step->phase);
  }
}

/// Whether a command may go out; where not, `step` says why.
bool Session::may_speak(Step& step) {
  if (poison_) step = poisoned_step(step.phase);
  if (!poison_ && !inbox_.empty()) out_of_turn(step);
  return !poison_;  // what is out of turn has poisoned
}

// ---- Replies

/// True where what has arrived decides `step`: the usual case for all but the first reply of a group.
bool Session::heard_already(Step& step, TimePoint sent) {
  if (!inbox_.empty()) parse_inbox();
  if (parser_.complete()) {
    finish(step, sent);
  } else if (parser_.error()) {
    unreadable(step);
  } else {
    return false;
  }
  return true;
}

/// Fills `step` with the reply to what was sent at `sent`, or with the trouble instead of it.
io::Task<void> Session::hear(Step& step, TimePoint sent, Deadline deadline) {
  while (!heard_already(step, sent)) {
    auto room = inbox_.room();
    auto got = co_await stream_->read_some(room, deadline);
    if (!got) co_return gone(step, std::move(got.error()));
    inbox_.received(*got);
  }
}

/// A server that refuses and hangs up has often said why before our write failed: what it sent is still to be read.
io::Task<void> Session::hear_last_words(Step& step, io::IoFailure failure) {
  auto now = runtime_.now();
  Deadline limit(now + 1s);
  bool over = failure.kind != io::Failure::closed && failure.kind != io::Failure::reset;
  while (!over && !parser_.complete() && !parser_.error()) {
    auto room = inbox_.room();
    auto got = co_await stream_->read_some(room, limit);
    over = !got.has_value();
    if (!over) {
      inbox_.received(*got);
      parse_inbox();
    }
  }
  if (!parser_.complete()) co_return gone(step, std::move(failure));
  finish(step, now);
  if (!poison_) poison(step, "the connection ended after " + step.reply->to_string());
}

void Session::parse_inbox() {
  bool full = inbox_.to == inbox_.octets.size();
  inbox_.from += parser_.feed(inbox_.pending());
  hear_lines();
  // A reader that fills its buffer has a talkative server before it: larger pieces from now on.
  if (inbox_.empty() && full && inbox_.octets.size() < most_room) inbox_.octets.resize(most_room);
}

/// Lines go into the trace as they come, not when the reply ends: a server may take minutes between two.
void Session::hear_lines() {
  const auto& lines = parser_.raw_lines();
  if (traced_ == lines.size()) return;
  auto now = runtime_.now();
  for (; traced_ < lines.size(); ++traced_) {
    const auto& line = lines[traced_];
    auto where = guard_ ? channel_.add(now, trace::Direction::server, guard_->clean(line))
                        : channel_.add(now, trace::Direction::server, line);
    if (heard_.channel.empty()) {
      heard_ = std::move(where);
    } else {
      heard_.to = where.to;
    }
  }
}

void Session::finish(Step& step, TimePoint sent) {
  step.reply = parser_.take();
  step.took = runtime_.now() - sent;
  step.evidence = std::exchange(heard_, {});
  step.reply->evidence = step.evidence;
  traced_ = 0;
  if (guard_ && step.reply->code != 334) {  // a challenge is needed as it came, and stays in session_auth.cpp
    for (auto& line : step.reply->lines) line = guard_->clean(line);
  }
  // RFC 5321 §3.8: 421 may answer anything, and the server closes after it.
  if (step.reply->code == 421) poison(step, "the server had ended the session: " + step.reply->to_string());
}

// ---- What goes wrong

/// Octets that nothing we sent can have asked for.
void Session::out_of_turn(Step& step) {
  if (inbox_.pending().starts_with("421")) {
    parse_inbox();
    if (parser_.complete()) return finish(step, runtime_.now());
  }
  std::string early(inbox_.pending());
  inbox_.from = inbox_.to;
  for (auto line : split_lines(early)) {
    auto where = channel_.add(runtime_.now(), trace::Direction::server, without_secrets(line));
    if (heard_.channel.empty()) heard_ = std::move(where);
  }
  trouble(step, Trouble::spoke_too_early,
          "octets that answer nothing: " + printable(without_secrets(early), words_shown));
}

void Session::unreadable(Step& step) {
  bool too_long = parser_.error() == ReplyError::line_too_long;
  std::string line(too_long || parser_.raw_lines().empty() ? parser_.partial() : parser_.raw_lines().back());
  line = without_secrets(line);
  if (too_long) channel_.add(runtime_.now(), trace::Direction::server, line);
  trouble(step, Trouble::framing,
          std::string("not a reply: ") + to_string(*parser_.error()) + ": " + printable(line, words_shown));
}

void Session::gone(Step& step, io::IoFailure failure) {
  auto detail = words_for(failure);
  std::string partial(without_secrets(parser_.partial()));
  if (!partial.empty()) {
    auto where = channel_.add(runtime_.now(), trace::Direction::server, partial);
    if (heard_.channel.empty()) heard_ = std::move(where);
  }
  if (partial.empty() && !parser_.raw_lines().empty()) partial = without_secrets(parser_.raw_lines().back());
  if (!partial.empty()) detail += " after: " + printable(partial, words_shown);
  step.io = std::move(failure);
  trouble(step, Trouble::io, std::move(detail));
}

void Session::trouble(Step& step, Trouble what, std::string detail) {
  step.trouble = what;
  step.reply.reset();
  step.evidence = channel_.add(runtime_.now(), trace::Direction::note, detail);
  if (!heard_.channel.empty()) step.evidence.from = heard_.from;
  step.detail = std::move(detail);
  poison(step, step.detail);
}

/// Nothing was sent and the session is as good as before.
void Session::hold_back(Step& step, Trouble what, std::string detail) {
  step.trouble = what;
  step.detail = std::move(detail);
}

void Session::poison(const Step& step, std::string_view why) {
  poison_ = std::make_unique<Step>();
  poison_->trouble = Trouble::poisoned;
  poison_->io = step.io;
  poison_->evidence = step.evidence;
  poison_->detail = "earlier, at ";
  poison_->detail += to_string(step.phase);
  poison_->detail += ": ";
  poison_->detail += why;
}

Step Session::poisoned_step(Phase phase) const {
  auto step = *poison_;
  step.phase = phase;
  return step;
}

std::string Session::without_secrets(std::string_view text) const {
  return guard_ ? guard_->clean(text) : std::string(text);
}

// ---- TLS

/// `step` holds the reply that invited us, if any; its phase stays, its evidence and time are extended.
io::Task<void> Session::handshake(Step& step, io::TlsOptions options, Deadline deadline) {
  auto begun = runtime_.now();
  tls_ = co_await stream_->start_tls(std::move(options), deadline.within(begun, limit_of(step.phase)));
  step.took += runtime_.now() - begun;
  if (!tls_->established) {
    step.io = io::IoFailure{tls_->failure.value_or(io::Failure::tls), tls_->error};
    auto why = tls_->error.empty() ? words_for(*step.io) : tls_->error;
    co_return trouble(step, Trouble::io, "the TLS handshake failed: " + why);
  }
  capabilities_ = {};  // RFC 3207 §4.2
  auto note = channel_.add(runtime_.now(), trace::Direction::note,
                           std::string("TLS: ") + io::to_string(tls_->version) + ' ' + tls_->cipher);
  if (step.evidence.channel.empty()) step.evidence = note;
  step.evidence.to = note.to;
}

}  // namespace smtpdx::smtp
