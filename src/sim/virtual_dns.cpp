// SPDX-License-Identifier: Apache-2.0
#include "sim/virtual_dns.hpp"

#include "base/text.hpp"

namespace smtpdx::sim {

using dns::Answer;
using dns::Record;
using dns::Status;
using dns::Type;

namespace {

Record record(const std::string& owner, Type type) {
  Record r;
  r.owner = owner;
  r.type = type;
  r.ttl = 3600;
  return r;
}

const std::vector<Record>* find(const ZoneData& zones, const ZoneData::Key& key) {
  auto it = zones.records.find(key);
  return it == zones.records.end() ? nullptr : &it->second;
}

}  // namespace

void ZoneData::address(const std::string& name, const IpAddress& ip) {
  auto r = record(name, ip.is_v6() ? Type::AAAA : Type::A);
  r.address = ip;
  records[{name, r.type}].push_back(r);
}

void ZoneData::mx(const std::string& domain, std::uint16_t preference, const std::string& host) {
  auto r = record(domain, Type::MX);
  r.preference = preference;
  r.name = host;
  records[{domain, Type::MX}].push_back(r);
}

void ZoneData::ns(const std::string& domain, const std::string& host) {
  auto r = record(domain, Type::NS);
  r.name = host;
  records[{domain, Type::NS}].push_back(r);
}

void ZoneData::ptr(const IpAddress& ip, const std::string& name) {
  auto r = record(ip.reverse_name(), Type::PTR);
  r.name = name;
  records[{r.owner, Type::PTR}].push_back(r);
}

void VirtualResolver::fill(Answer& answer, const std::vector<Record>* records) const {
  if (records && !records->empty()) {
    answer.status = Status::found;
    answer.records = *records;
    answer.rcode = 0;
    return;
  }
  auto it = zones_.records.lower_bound({answer.name, Type{}});
  const bool exists = it != zones_.records.end() && it->first.first == answer.name;
  answer.status = exists ? Status::no_data : Status::no_name;
  answer.rcode = exists ? 0 : 3;
}

void VirtualResolver::note(Answer& answer) {
  std::string line =
      answer.name + " " + dns::to_string(answer.type) + " @" + answer.server + ": " + dns::to_string(answer.status);
  for (const auto& r : answer.records)
    line += " " + (r.type == Type::A || r.type == Type::AAAA ? r.address.to_string() : r.name);
  answer.evidence = channel_.add(runtime_.now(), trace::Direction::server, line);
}

io::Task<Answer> VirtualResolver::query(std::string name, Type type, Deadline deadline) {
  ++questions_;
  Answer answer;
  answer.name = canonical_name(name);
  answer.canonical_name = answer.name;
  answer.type = type;
  answer.server = "resolver";
  const ZoneData::Key key{answer.name, type};
  const auto fault = zones_.faults.find(key);
  const bool silent = fault != zones_.faults.end() && fault->second == ZoneData::Fault::silence;
  const auto answered = runtime_.now() + latency_;
  if (silent || deadline.passed(answered)) {
    const auto limit = deadline.within(runtime_.now(), 10s);
    co_await runtime_.until(limit.at());
    answer.status = Status::timed_out;
    answer.why = "no answer";
  } else {
    co_await runtime_.until(answered);
    if (fault != zones_.faults.end()) {
      answer.status = Status::servfail;
      answer.rcode = 2;
      answer.why = "SERVFAIL";
    } else {
      fill(answer, find(zones_, key));
    }
  }
  note(answer);
  co_return answer;
}

io::Task<Answer> VirtualResolver::ask_server(Endpoint server, std::string name, Type type, Deadline deadline) {
  ++questions_;
  Answer answer;
  answer.name = canonical_name(name);
  answer.canonical_name = answer.name;
  answer.type = type;
  answer.server = server.to_string();
  const auto lame = zones_.lame.find(server.address);
  const bool silent = lame != zones_.lame.end() && lame->second == ZoneData::Fault::silence;
  if (silent || deadline.passed(runtime_.now() + latency_)) {
    co_await runtime_.until(deadline.at());
    answer.status = Status::timed_out;
  } else {
    co_await runtime_.until(runtime_.now() + latency_);
    const ZoneData::Key key{answer.name, type};
    const auto view = zones_.views.find({server.address, key});
    if (lame != zones_.lame.end()) {
      answer.status = Status::servfail;
      answer.rcode = 5;
      answer.why = "REFUSED";
    } else {
      answer.authoritative = true;
      fill(answer, view != zones_.views.end() ? &view->second : find(zones_, key));
    }
  }
  note(answer);
  co_return answer;
}

}  // namespace smtpdx::sim
