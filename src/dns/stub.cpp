// SPDX-License-Identifier: Apache-2.0
#include "dns/stub.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::array<Duration, 3> patience{1500ms, 3s, 6s};

/// More than any resolver follows.
constexpr int max_chases = 8;

}  // namespace

Stub::Stub(Doors doors, std::vector<Endpoint> servers) : exchanger_(doors), servers_(std::move(servers)) {}

std::string Stub::peer() const {
  std::vector<std::string> names;
  for (const auto& server : servers_) names.push_back(server.to_string());
  return join(names, ", ");
}

io::Task<bool> Stub::one_round(Inquiry inquiry, Duration wait, std::set<Endpoint>& hopeless, Exchange& best) {
  const auto servers = servers_;  // others may reorder them meanwhile
  bool responded = false;
  for (const auto& server : servers) {
    if (hopeless.contains(server) || inquiry.deadline.passed(exchanger_.runtime().now())) continue;
    auto attempt = inquiry;
    attempt.deadline = inquiry.deadline.within(exchanger_.runtime().now(), wait);
    auto exchange = co_await exchanger_.exchange(server, attempt, wire::Recursion::desired);
    if (exchange.hopeless) hopeless.insert(server);
    if (!exchange.responded()) {
      inquiry.note(exchanger_.runtime(), server.to_string() + ": " + exchange.answer.why);
      if (best.answer.why.empty()) best = std::move(exchange);
      continue;
    }
    heard_ = true;
    const bool useful = exchange.answer.status != Status::servfail;
    if (useful || !responded) best = exchange;
    responded = true;
    if (useful) {
      auto it = std::ranges::find(servers_, server);
      std::rotate(servers_.begin(), it, it + 1);
      break;
    }
    if (servers.size() > 1) inquiry.note(exchanger_.runtime(), server.to_string() + ": " + exchange.answer.why);
  }
  co_return responded;
}

io::Task<Exchange> Stub::ask_once(Inquiry inquiry) {
  Exchange best;
  best.answer = failed_answer(inquiry.question, Status::timed_out, "");
  std::set<Endpoint> hopeless;
  for (auto wait : patience) {
    bool done = co_await one_round(inquiry, wait, hopeless, best);
    if (done) co_return best;
    if (inquiry.deadline.passed(exchanger_.runtime().now()) || hopeless.size() == servers_.size()) break;
    if (gave_up_ && !heard_) break;
  }
  if (!inquiry.deadline.passed(exchanger_.runtime().now())) gave_up_ = true;
  if (best.answer.why.empty()) best.answer.why = "no answer within the deadline";
  co_return best;
}

io::Task<Answer> Stub::ask(Inquiry inquiry) {
  auto exchange = co_await ask_once(inquiry);
  for (int i = 0; i < max_chases && exchange.unfinished; ++i) {
    auto next = inquiry;
    next.question.name = exchange.answer.canonical_name;
    exchange = co_await ask_once(next);
  }
  exchange.answer.name = inquiry.question.name;
  co_return exchange.answer;
}

io::Task<Answer> ask_one_server(Exchanger& exchanger, Endpoint server, Inquiry inquiry) {
  Exchange exchange;
  for (auto wait : {patience[0], patience[1]}) {
    auto attempt = inquiry;
    attempt.deadline = inquiry.deadline.within(exchanger.runtime().now(), wait);
    exchange = co_await exchanger.exchange(server, attempt, wire::Recursion::not_desired);
    if (exchange.responded() || exchange.hopeless || inquiry.deadline.passed(exchanger.runtime().now())) break;
  }
  co_return exchange.answer;
}

}  // namespace smtpdx::dns
