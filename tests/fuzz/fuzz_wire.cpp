// SPDX-License-Identifier: Apache-2.0
// links: dns
//
// DNS messages from strangers, and names and zone lines from people. Looked for besides crashes: what was read can be
// written and read again to the same; names keep their limits; a question always gets an answer of some kind.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dns/wire.hpp"

namespace {

using namespace smtpdx::dns;

void require(bool condition) {
  if (!condition) std::abort();
}

/// rdata of length 0 is only writable where its type has fields to make it from.
bool writable(const wire::Message& message) {
  for (const auto* section : {&message.answer, &message.authority, &message.additional})
    for (const auto& record : *section)
      if (record.rdata.empty()) return false;
  return true;
}

void same_records(const std::vector<Record>& a, const std::vector<Record>& b) {
  require(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    require(a[i].owner == b[i].owner && a[i].type == b[i].type && a[i].ttl == b[i].ttl);
    require(a[i].rdata == b[i].rdata && a[i].name == b[i].name && a[i].text == b[i].text);
    (void)wire::presentation(a[i]);
    (void)wire::soa_timers(a[i]);
  }
}

void read_again(const wire::Message& message) {
  if (!writable(message)) return;
  auto octets = wire::encode(message);
  if (!octets) return require(octets.error().kind == smtpdx::ErrorKind::limit);
  auto again = wire::parse(*octets);
  require(again.has_value());
  require(again->id == message.id && again->rcode == message.rcode && again->question == message.question);
  require(again->edns.has_value() == message.edns.has_value());
  same_records(again->answer, message.answer);
  same_records(again->authority, message.authority);
  same_records(again->additional, message.additional);
}

void ask(const wire::Message& message) {
  auto question = message.question.value_or(wire::Question{"example.org", Type::MX});
  auto answer = wire::interpret(message, question);
  require(answer.status != Status::found || !answer.records.empty());
  require(answer.status != Status::servfail || !answer.why.empty());
  (void)wire::interpret(message, {"other.example", Type::A});
  if (message.question) require(wire::reply_to(message).question == message.question);
}

void as_text(std::string_view text) {
  if (auto octets = wire::name_to_wire(text)) require(octets->size() <= wire::max_name_octets);
  if (auto name = wire::normal_name(text)) require(wire::normal_name(*name) == name);
  if (auto record = wire::record_from_line(text)) {
    wire::Message message;
    message.response = true;
    message.answer.push_back(std::move(*record));
    if (auto octets = wire::encode(message)) require(wire::parse(*octets).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto message = wire::parse(input)) {
    read_again(*message);
    ask(*message);
  } else {
    require(!message.error().message.empty());
  }
  as_text(input.substr(0, 1000));
  return 0;
}
