// SPDX-License-Identifier: Apache-2.0
#include "dns/caching_resolver.hpp"

#include "base/text.hpp"
#include "dns/lookup_types.hpp"
#include "dns/stub.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::size_t shown_record = 600;
constexpr std::size_t max_under_way = 200;

Answer bad_name(const std::string& name, Type type) {
  return failed_answer({canonical_name(name), type}, Status::local,
                       "\"" + printable(name, 100) + "\" is not a domain name");
}

/// A failure that another try may mend is not kept; SERVFAIL is, so that a run does not contradict itself.
bool keep(const Answer& answer) { return answer.status != Status::timed_out && answer.status != Status::local; }

}  // namespace

std::string summary(const Answer& answer) {
  std::string line = answer.rcode ? wire::rcode_name(*answer.rcode) : to_string(answer.status);
  if (answer.authoritative) line += " aa";
  if (answer.validation != Validation::unchecked) line += std::string(" ") + to_string(answer.validation);
  if (answer.canonical_name != answer.name) line += ", CNAME " + answer.canonical_name;
  if (answer.status == Status::no_data) line += ", no " + std::string(to_string(answer.type)) + " record";
  if (answer.rcode && answer.why.starts_with(line)) {
    line = printable(answer.why, shown_record);  // an rcode with its reasons
  } else if (!answer.why.empty()) {
    line += ", " + printable(answer.why, shown_record);
  }
  for (const auto& record : answer.records) line += ", " + printable(wire::presentation(record), shown_record);
  for (const auto& record : answer.referral) line += ", NS " + record.name;
  return line;
}

CachingResolver::CachingResolver(Doors doors, std::unique_ptr<Upstream> upstream, trace::Log& log)
    : runtime_(doors.runtime), exchanger_(doors), upstream_(std::move(upstream)), log_(log), gate_(max_under_way) {}

trace::Channel& CachingResolver::open_channel(const wire::Question& question, const std::string& peer) {
  auto& channel = log_.open("dns", peer);
  channel.add(runtime_.now(), trace::Direction::client,
              std::string(to_string(question.type)) + " " + (question.name.empty() ? "." : question.name));
  return channel;
}

void CachingResolver::close_channel(trace::Channel& channel, TimePoint started, Answer& answer) {
  answer.took = runtime_.now() - started;
  const bool silent = answer.status == Status::timed_out || answer.status == Status::local;
  auto direction = silent ? trace::Direction::note : trace::Direction::server;
  answer.evidence = channel.add(runtime_.now(), direction, summary(answer));
}

io::Task<Answer> CachingResolver::look_up(wire::Question question, Deadline deadline) {
  auto permit = gate_.enter();
  co_await permit;
  const auto started = runtime_.now();
  auto& channel = open_channel(question, upstream_->peer());
  Inquiry inquiry{question, deadline, &channel};
  auto answer = co_await upstream_->ask(inquiry);
  answer.authoritative = false;  // a recursive server's claim for zones of its own
  close_channel(channel, started, answer);
  co_return answer;
}

void CachingResolver::wake(Entry& entry) {
  // Those who are woken may ask again and park anew: only the present ones are woken here.
  for (auto left = entry.parked.size(); left > 0 && !entry.parked.empty(); --left) {
    auto waiting = entry.parked.front();
    entry.parked.pop_front();
    waiting.resume();
  }
}

io::Task<Answer> CachingResolver::query(std::string name, Type type, Deadline deadline) {
  auto normal = wire::normal_name(name);
  if (!normal) co_return bad_name(name, type);
  wire::Question question{*normal, type};
  auto& entry = entries_[{*normal, type}];
  while (!entry.settled && entry.under_way) {
    const auto others = *entry.under_way;
    if (others.at() > deadline.at()) {  // the other may wait longer than we can: ask on our own
      auto own = co_await look_up(question, deadline);
      co_return own;
    }
    Park park(entry);
    co_await park;
    // The other one failed. Where it gave up by itself, asking again is no use; where its time ran out, ours may not
    // have.
    const bool final = !others.passed(runtime_.now()) || deadline.passed(runtime_.now());
    if (!entry.settled && !entry.under_way && entry.last && final) co_return *entry.last;
  }
  if (entry.settled) co_return *entry.settled;
  entry.under_way = deadline;
  entry.last.reset();
  Leading leading{entry};
  auto answer = co_await look_up(question, deadline);
  entry.last = answer;
  if (keep(answer)) entry.settled = answer;
  co_return answer;
}

io::Task<Answer> CachingResolver::ask_server(Endpoint server, std::string name, Type type, Deadline deadline) {
  auto normal = wire::normal_name(name);
  if (!normal) co_return bad_name(name, type);
  wire::Question question{*normal, type};
  auto permit = gate_.enter();
  co_await permit;
  const auto started = runtime_.now();
  auto& channel = open_channel(question, server.to_string());
  Inquiry inquiry{question, deadline, &channel};
  auto answer = co_await ask_one_server(exchanger_, server, inquiry);
  close_channel(channel, started, answer);
  co_return answer;
}

}  // namespace smtpdx::dns
