// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "smtp/session.hpp"

// Envelopes and messages: the two places where more than one command is under way or more than a line is sent.

namespace smtpdx::smtp {
namespace {

constexpr std::size_t block = 64 * 1024;

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

io::Task<std::vector<TransactionSteps>> Session::transactions(std::vector<Envelope> envelopes, Deadline deadline,
                                                              After after) {
  auto can_be_sent = [](const Envelope& envelope) {
    return is_one_line(envelope.mail_from) &&
           std::all_of(envelope.rcpt_to.begin(), envelope.rcpt_to.end(), is_one_line);
  };
  bool together =
      capabilities_.pipelining() && !envelopes.empty() && std::all_of(envelopes.begin(), envelopes.end(), can_be_sent);
  return together ? pipelined(std::move(envelopes), deadline, after)
                  : one_by_one(std::move(envelopes), deadline, after);
}

/// The commands for `envelopes`; their outcomes go into `all`, which has as many places and must not move.
Session::Batch Session::batch_of(const std::vector<Envelope>& envelopes, std::vector<TransactionSteps>& all,
                                 After after) {
  Batch batch;
  batch.octets.reserve(256);
  batch.commands.reserve(4 * envelopes.size());
  for (std::size_t e = 0; e < envelopes.size(); ++e) {
    auto& steps = all[e];
    const auto& to = envelopes[e].rcpt_to;
    steps.mail.phase = Phase::mail;
    batch.add(&steps.mail, "MAIL FROM:<", envelopes[e].mail_from, ">");
    steps.rcpts.resize(to.size());
    for (std::size_t r = 0; r < to.size(); ++r) {
      steps.rcpts[r].phase = Phase::rcpt;
      batch.add(&steps.rcpts[r], "RCPT TO:<", to[r], ">");
    }
    if (after == After::leave && e + 1 == envelopes.size()) {
      batch.add(nullptr, "QUIT");
    } else {
      steps.rset.emplace().phase = to.empty() ? Phase::mail : Phase::rcpt;
      batch.add(&*steps.rset, "RSET");
    }
  }
  return batch;
}

io::Task<std::vector<TransactionSteps>> Session::pipelined(std::vector<Envelope> envelopes, Deadline deadline,
                                                           After after) {
  std::vector<TransactionSteps> all(envelopes.size());
  const auto batch = batch_of(envelopes, all, after);
  for (std::size_t first = 0, end = 0; first < batch.commands.size(); first = end) {
    end = batch.piece_from(first);
    Piece piece{first, end, deadline};
    co_await send_piece(batch, piece);
  }
  if (after == After::leave) {
    // Its answer mostly came with the others; it is for the trace only, and so is not waited for.
    if (!poison_ && !inbox_.empty()) parse_inbox();
    end_here(all.back().rcpts.empty() ? all.back().mail : all.back().rcpts.back());
  }
  co_return all;
}

io::Task<std::vector<TransactionSteps>> Session::one_by_one(std::vector<Envelope> envelopes, Deadline deadline,
                                                            After after) {
  std::vector<TransactionSteps> all(envelopes.size());
  for (std::size_t e = 0; e < envelopes.size(); ++e) {
    const bool last = after == After::leave && e + 1 == envelopes.size();
    co_await one_transaction(std::move(envelopes[e]), all[e], deadline);
    if (!last && (all[e].mail.ok() || poison_)) {
      auto step = co_await rset(deadline);
      all[e].rset = std::move(step);
    }
  }
  if (after == After::leave) co_await leave();
  co_return all;
}

io::Task<void> Session::one_transaction(Envelope envelope, TransactionSteps& steps, Deadline deadline) {
  steps.mail = co_await mail(std::move(envelope.mail_from), deadline);
  for (auto& to : envelope.rcpt_to) {
    if (steps.mail.ok() || poison_) {
      auto step = co_await rcpt(std::move(to), deadline);
      steps.rcpts.push_back(std::move(step));
    } else {
      steps.rcpts.emplace_back().phase = Phase::rcpt;
      hold_back(steps.rcpts.back(), Trouble::not_sent, "MAIL had been refused");
    }
  }
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
