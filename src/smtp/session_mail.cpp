// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "smtp/session.hpp"

// Envelopes and messages: the two places where more than one command is under way or more than a line is sent.

namespace smtpdx::smtp {
namespace {

constexpr std::size_t block = 64 * 1024;

bool can_be_sent(const Envelope& envelope) {
  auto one_line = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
  };
  return one_line(envelope.mail_from) && std::all_of(envelope.rcpt_to.begin(), envelope.rcpt_to.end(), one_line);
}

/// RFC 5321 §4.5.2 transparency, and CRLF for every kind of line end. The final dot is included.
std::string dot_stuffed(std::string_view message) {
  std::string out;
  out.reserve(message.size() + message.size() / 32 + 8);
  bool line_start = true;
  for (std::size_t i = 0; i < message.size(); ++i) {
    char c = message[i];
    if (c == '\r' && i + 1 < message.size() && message[i + 1] == '\n') continue;
    if (c == '\n' || c == '\r') {
      out += "\r\n";
      line_start = true;
      continue;
    }
    if (line_start && c == '.') out += '.';
    out += c;
    line_start = false;
  }
  if (!line_start) out += "\r\n";
  out += ".\r\n";
  return out;
}

}  // namespace

io::Task<std::vector<TransactionSteps>> Session::transactions(std::vector<Envelope> envelopes, Deadline deadline) {
  bool together = capabilities_.pipelining() && std::all_of(envelopes.begin(), envelopes.end(), can_be_sent);
  if (together && !envelopes.empty()) co_return co_await pipelined(std::move(envelopes), deadline);
  std::vector<TransactionSteps> all;
  all.reserve(envelopes.size());
  for (auto& envelope : envelopes) {
    auto steps = co_await one_transaction(std::move(envelope), deadline);
    all.push_back(std::move(steps));
  }
  co_return all;
}

io::Task<std::vector<TransactionSteps>> Session::pipelined(std::vector<Envelope> envelopes, Deadline deadline) {
  Batch batch;
  for (const auto& envelope : envelopes) {
    batch.add(Phase::mail, "MAIL FROM:<", envelope.mail_from, ">");
    for (const auto& to : envelope.rcpt_to) batch.add(Phase::rcpt, "RCPT TO:<", to, ">");
    batch.add(envelope.rcpt_to.empty() ? Phase::mail : Phase::rcpt, "RSET", {});
  }
  auto steps = co_await send_all(std::move(batch), deadline);
  std::vector<TransactionSteps> all(envelopes.size());
  auto step = steps.begin();
  for (std::size_t e = 0; e < envelopes.size(); ++e) {
    all[e].mail = std::move(*step++);
    for (std::size_t r = 0; r < envelopes[e].rcpt_to.size(); ++r) all[e].rcpts.push_back(std::move(*step++));
    all[e].rset = std::move(*step++);
  }
  co_return all;
}

io::Task<TransactionSteps> Session::one_transaction(Envelope envelope, Deadline deadline) {
  TransactionSteps steps;
  steps.mail = co_await mail(envelope.mail_from, deadline);
  for (auto& to : envelope.rcpt_to) {
    if (steps.mail.ok() || poison_) {
      auto step = co_await rcpt(std::move(to), deadline);
      steps.rcpts.push_back(std::move(step));
    } else {
      steps.rcpts.emplace_back().phase = Phase::rcpt;
      hold_back(steps.rcpts.back(), Trouble::not_sent, "MAIL had been refused");
    }
  }
  if (steps.mail.ok() || poison_) steps.rset = co_await rset(deadline);
  co_return steps;
}

io::Task<Step> Session::data(std::string message, Deadline deadline) {
  Line line{Phase::data, "DATA", {}};
  auto step = co_await say(std::move(line), deadline);
  if (step.trouble != Trouble::none || !step.reply->intermediate()) co_return step;
  Step end;
  end.phase = Phase::end_of_data;
  if (!may_speak(end)) co_return end;
  phase_ = Phase::end_of_data;
  auto failure = co_await send_message(std::move(message), deadline);
  auto now = runtime_.now();
  if (failure) {
    co_await hear_last_words(end, std::move(*failure));
  } else {
    co_await hear(end, now, deadline.within(now, 10min));
  }
  co_return end;
}

/// The message itself is not put into the trace, only its size: it is the caller's, and may be large.
io::Task<std::optional<io::IoFailure>> Session::send_message(std::string message, Deadline deadline) {
  auto octets = dot_stuffed(message);
  message = {};
  channel_.add(runtime_.now(), trace::Direction::note,
               "message of " + std::to_string(octets.size() - 3) + " octets follows");
  for (std::size_t from = 0; from < octets.size(); from += block) {
    auto piece = std::string_view(octets).substr(from, block);
    auto limit = deadline.within(runtime_.now(), 3min);  // RFC 5321 §4.5.3.2.5, data block
    auto written = co_await stream_->write_all(piece, limit);
    if (!written) co_return std::move(written.error());
  }
  channel_.add(runtime_.now(), trace::Direction::client, ".");
  co_return std::nullopt;
}

}  // namespace smtpdx::smtp
