// SPDX-License-Identifier: Apache-2.0
#include "smtp/session.hpp"

// How the pieces fit: say() is one command and its reply; send_all() is a pipelined group; both end in read_reply(),
// which feeds the parser until a reply is complete. Everything that goes wrong passes through trouble(), which writes a
// remark into the trace and poisons the session, so that no path can go on after a failure by forgetting to check.
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

/// A line break or a NUL inside an argument would turn one command into two.
bool is_one_line(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos; }

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
  if (poison_) co_return poisoned_step(Phase::connect);
  greeted_ = true;
  auto now = runtime_.now();
  co_return co_await read_reply(Phase::connect, now, deadline.within(now, limit_of(Phase::connect)));
}

io::Task<Step> Session::ehlo(std::string name, Fallback fallback, Deadline deadline) {
  Line line{Phase::ehlo, "EHLO " + name, {}};
  capabilities_ = {};
  auto step = co_await say(std::move(line), deadline);
  if (step.ok()) capabilities_ = parse_capabilities(*step.reply);
  int code = step.reply ? step.reply->code : 0;
  bool not_understood = code == 500 || code == 501 || code == 502 || code == 504;
  if (!not_understood || fallback == Fallback::none) co_return step;
  line = {Phase::ehlo, "HELO " + name, {}};
  step = co_await say(std::move(line), deadline);
  // What follows the first line of a HELO reply is small talk (RFC 5321 §4.1.1.1), not a list of extensions.
  if (step.ok()) capabilities_.greeting_name = parse_capabilities(*step.reply).greeting_name;
  co_return step;
}

io::Task<Step> Session::starttls(io::TlsOptions options, Deadline deadline) {
  if (auto stop = cannot_speak(Phase::starttls)) co_return std::move(*stop);
  if (!capabilities_.starttls()) {
    co_return not_sent(Phase::starttls, Trouble::not_offered, "the server does not offer STARTTLS");
  }
  Line line{Phase::starttls, "STARTTLS", {}};
  auto ready = co_await say(std::move(line), deadline);
  if (!ready.ok()) co_return ready;
  // RFC 3207 §4.2: whatever came in clear after the 220 was not said by the holder of the certificate.
  if (!inbox_.empty()) co_return out_of_turn(Phase::starttls);
  auto step = co_await handshake(std::move(options), Phase::starttls, deadline);
  if (step.trouble != Trouble::none) co_return step;
  step.evidence.from = ready.evidence.from;
  step.took += ready.took;
  step.reply = std::move(ready.reply);
  co_return step;
}

io::Task<Step> Session::implicit_tls(io::TlsOptions options, Deadline deadline) {
  assert(!greeted_);
  if (poison_) co_return poisoned_step(Phase::connect);
  co_return co_await handshake(std::move(options), Phase::connect, deadline);
}

io::Task<Step> Session::mail(std::string mail_from, Deadline deadline) {
  Line line{Phase::mail, "MAIL FROM:<" + mail_from + '>', {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::rcpt(std::string rcpt_to, Deadline deadline) {
  Line line{Phase::rcpt, "RCPT TO:<" + rcpt_to + '>', {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::rset(Deadline deadline) {
  Line line{phase_, "RSET", {}};
  return say(std::move(line), deadline);
}

io::Task<Step> Session::quit(Deadline deadline) {
  if (poison_ || !greeted_) {
    stream_->close();
    co_return poison_ ? poisoned_step(phase_) : not_sent(phase_, Trouble::not_sent, "the server has not spoken yet");
  }
  Line line{phase_, "QUIT", {}};
  auto step = co_await say(std::move(line), deadline.within(runtime_.now(), 2s));
  stream_->close();
  if (!poison_) poison(step, "the session was ended by QUIT");
  co_return step;
}

io::Task<void> Session::leave() {
  if (greeted_ && !poison_) {
    Step step;
    step.phase = phase_;
    step.evidence = channel_.add(runtime_.now(), trace::Direction::client, "QUIT");
    // RFC 5321 §4.1.1.10 asks for QUIT; whether it still arrives changes nothing, so the result is not looked at.
    co_await stream_->write_all("QUIT\r\n", runtime_.deadline_in(1s));
    poison(step, "the session was ended by QUIT");
  }
  stream_->close();
}

// ---- One command, many commands

io::Task<Step> Session::say(Line line, Deadline deadline) {
  if (auto stop = cannot_speak(line.phase)) co_return std::move(*stop);
  if (!is_one_line(line.text)) co_return not_sent(line.phase, Trouble::not_sent, "the command would be two lines");
  phase_ = line.phase;
  auto now = runtime_.now();
  auto limit = deadline.within(now, limit_of(line.phase));
  channel_.add(now, trace::Direction::client, line.shown.empty() ? line.text : line.shown);
  line.text += "\r\n";
  auto written = co_await stream_->write_all(line.text, limit);
  if (!written) co_return co_await last_words(line.phase, std::move(written.error()));
  co_return co_await read_reply(line.phase, now, limit);
}

void Session::Batch::add(Phase phase, std::string_view verb, std::string_view argument, std::string_view end) {
  octets += verb;
  octets += argument;
  octets += end;
  octets += "\r\n";
  commands.push_back({phase, octets.size()});
}

std::string_view Session::Batch::line(std::size_t first, std::size_t last) const {
  auto start = first == 0 ? 0 : commands[first - 1].end;
  return std::string_view(octets).substr(start, commands[last].end - start);
}

/// Sends commands [steps.size(), end) in one write and reads their replies.
io::Task<void> Session::send_piece(const Batch& batch, std::vector<Step>& steps, Piece piece) {
  auto now = runtime_.now();
  auto phase = batch.commands[steps.size()].phase;
  if (auto stop = cannot_speak(phase)) {
    steps.push_back(std::move(*stop));
  } else {
    auto octets = batch.line(steps.size(), piece.end - 1);
    for (auto i = steps.size(); i < piece.end; ++i) {
      channel_.add(now, trace::Direction::client, batch.line(i, i).substr(0, batch.line(i, i).size() - 2));
    }
    auto written = co_await stream_->write_all(octets, piece.deadline.within(now, limit_of(phase)));
    if (!written) {
      auto last = co_await last_words(phase, std::move(written.error()));
      steps.push_back(std::move(last));
    }
  }
  while (steps.size() < piece.end && !poison_) {
    phase_ = batch.commands[steps.size()].phase;
    // Each reply has its own limit (RFC 5321 §4.5.3.2), counted from when its turn came.
    auto limit = piece.deadline.within(runtime_.now(), limit_of(phase_));
    auto step = co_await read_reply(phase_, now, limit);
    steps.push_back(std::move(step));
  }
  while (steps.size() < piece.end) steps.push_back(poisoned_step(batch.commands[steps.size()].phase));
}

io::Task<std::vector<Step>> Session::send_all(Batch batch, Deadline deadline) {
  std::vector<Step> steps;
  steps.reserve(batch.commands.size());
  while (steps.size() < batch.commands.size()) {
    auto first = steps.size();
    Piece piece{first + 1, deadline};
    while (piece.end < batch.commands.size() && batch.line(first, piece.end).size() <= most_pipelined) ++piece.end;
    co_await send_piece(batch, steps, piece);
  }
  co_return steps;
}

std::optional<Step> Session::cannot_speak(Phase phase) {
  assert(greeted_ && "RFC 5321 §3.1: the server speaks first");
  if (poison_) return poisoned_step(phase);
  if (!inbox_.empty()) return out_of_turn(phase);
  return std::nullopt;
}

// ---- Replies

io::Task<Step> Session::read_reply(Phase phase, TimePoint sent, Deadline deadline) {
  while (true) {
    if (!inbox_.empty()) parse_inbox();
    if (parser_.complete()) co_return reply_step(phase, sent);
    if (parser_.error()) co_return unreadable(phase);
    auto room = inbox_.room();
    auto got = co_await stream_->read_some(room, deadline);
    if (!got) co_return gone(phase, std::move(got.error()));
    inbox_.received(*got);
  }
}

/// A server that refuses and hangs up has often said why before our write failed: what it sent is still to be read.
io::Task<Step> Session::last_words(Phase phase, io::IoFailure failure) {
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
  if (!parser_.complete()) co_return gone(phase, std::move(failure));
  auto step = reply_step(phase, now);
  if (!poison_) poison(step, "the connection ended after " + step.reply->to_string());
  co_return step;
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

Step Session::reply_step(Phase phase, TimePoint sent) {
  Step step;
  step.phase = phase;
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
  return step;
}

// ---- What goes wrong

/// Octets that nothing we sent can have asked for.
Step Session::out_of_turn(Phase phase) {
  if (inbox_.pending().starts_with("421")) {
    parse_inbox();
    if (parser_.complete()) return reply_step(phase, runtime_.now());
  }
  std::string early(inbox_.pending());
  inbox_.from = inbox_.to;
  for (auto line : split_lines(early)) {
    auto where = channel_.add(runtime_.now(), trace::Direction::server, without_secrets(line));
    if (heard_.channel.empty()) heard_ = std::move(where);
  }
  return trouble(phase, Trouble::spoke_too_early,
                 "octets that answer nothing: " + printable(without_secrets(early), words_shown));
}

Step Session::unreadable(Phase phase) {
  bool too_long = parser_.error() == ReplyError::line_too_long;
  std::string line(too_long || parser_.raw_lines().empty() ? parser_.partial() : parser_.raw_lines().back());
  line = without_secrets(line);
  if (too_long) channel_.add(runtime_.now(), trace::Direction::server, line);
  return trouble(phase, Trouble::framing,
                 std::string("not a reply: ") + to_string(*parser_.error()) + ": " + printable(line, words_shown));
}

Step Session::gone(Phase phase, io::IoFailure failure) {
  auto detail = words_for(failure);
  std::string partial(without_secrets(parser_.partial()));
  if (!partial.empty()) {
    auto where = channel_.add(runtime_.now(), trace::Direction::server, partial);
    if (heard_.channel.empty()) heard_ = std::move(where);
  }
  if (partial.empty() && !parser_.raw_lines().empty()) partial = without_secrets(parser_.raw_lines().back());
  if (!partial.empty()) detail += " after: " + printable(partial, words_shown);
  return trouble(phase, Trouble::io, std::move(detail), std::move(failure));
}

Step Session::trouble(Phase phase, Trouble what, std::string detail, std::optional<io::IoFailure> io) {
  Step step;
  step.phase = phase;
  step.trouble = what;
  step.io = std::move(io);
  step.evidence = channel_.add(runtime_.now(), trace::Direction::note, detail);
  if (!heard_.channel.empty()) step.evidence.from = heard_.from;
  step.detail = std::move(detail);
  poison(step, step.detail);
  return step;
}

Step Session::not_sent(Phase phase, Trouble what, std::string detail) const {
  Step step;
  step.phase = phase;
  step.trouble = what;
  step.detail = std::move(detail);
  return step;
}

void Session::poison(const Step& step, std::string why) {
  poison_ = std::make_unique<Step>();
  poison_->trouble = Trouble::poisoned;
  poison_->io = step.io;
  poison_->evidence = step.evidence;
  poison_->detail = std::string("earlier, at ") + to_string(step.phase) + ": " + why;
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

io::Task<Step> Session::handshake(io::TlsOptions options, Phase phase, Deadline deadline) {
  auto begun = runtime_.now();
  tls_ = co_await stream_->start_tls(std::move(options), deadline.within(begun, limit_of(phase)));
  if (!tls_->established) {
    io::IoFailure failure{tls_->failure.value_or(io::Failure::tls), tls_->error};
    auto detail = "the TLS handshake failed: " + (tls_->error.empty() ? words_for(failure) : tls_->error);
    co_return trouble(phase, Trouble::io, std::move(detail), std::move(failure));
  }
  capabilities_ = {};  // RFC 3207 §4.2
  Step step;
  step.phase = phase;
  step.took = runtime_.now() - begun;
  step.evidence = channel_.add(runtime_.now(), trace::Direction::note,
                               std::string("TLS: ") + io::to_string(tls_->version) + ' ' + tls_->cipher);
  co_return step;
}

}  // namespace smtpdx::smtp
