// SPDX-License-Identifier: Apache-2.0
#include "dns/exchange.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::size_t header_octets = 12;

/// Same id, a response, and the same question, letter case aside (RFC 5452 §9.1). What else is wrong with a packet that
/// passes here is the server's doing and will be reported.
bool answers(std::string_view query, std::size_t question_octets, std::string_view packet) {
  if (packet.size() < header_octets || packet.substr(0, 2) != query.substr(0, 2)) return false;
  if ((static_cast<unsigned char>(packet[2]) & 0x80) == 0) return false;
  auto questions = static_cast<unsigned char>(packet[4]) << 8 | static_cast<unsigned char>(packet[5]);
  if (questions == 0) return true;  // an error of a server that did not read so far
  return iequals(packet.substr(header_octets, question_octets), query.substr(header_octets, question_octets));
}

Exchange failure_of(const wire::Question& question, const io::IoFailure& failure) {
  Exchange exchange;
  auto status = Status::timed_out;
  switch (failure.kind) {
    case io::Failure::local:
    case io::Failure::not_permitted:
      status = Status::local;
      exchange.hopeless = true;
      break;
    case io::Failure::refused:
    case io::Failure::unreachable:
      exchange.hopeless = true;
      break;
    default:
      break;
  }
  std::string why = io::to_string(failure.kind);
  if (!failure.text.empty() && failure.text != why) why += ": " + failure.text;
  exchange.answer = failed_answer(question, status, why);
  return exchange;
}

bool unfinished(const wire::Message& message, const Answer& answer) {
  return answer.status == Status::no_data && answer.canonical_name != answer.name &&
         std::ranges::none_of(message.authority, [](const Record& r) { return r.type == Type::SOA; });
}

bool knows_no_edns(const wire::Message& message) {
  auto rcode = static_cast<wire::Rcode>(message.rcode);
  return !message.edns && (rcode == wire::Rcode::formerr || rcode == wire::Rcode::notimp);
}

}  // namespace

io::Task<io::IoResult<std::string>> Exchanger::by_tcp(Endpoint server, std::string packet, Deadline deadline) {
  io::ConnectRequest request;
  request.to = server;
  if (doors_.source && doors_.source->is_v6() == server.address.is_v6()) request.source = doors_.source;
  auto connected = co_await doors_.connector.connect(request, deadline);
  if (!connected) co_return std::unexpected(connected.error());
  auto& stream = **connected;
  std::string framed{static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size())};
  framed += packet;
  auto written = co_await stream.write_all(framed, deadline);
  if (!written) co_return std::unexpected(written.error());
  std::string got;
  std::size_t want = 2;
  std::array<char, 4096> buffer{};
  while (got.size() < want) {
    auto room = std::min(buffer.size(), want - got.size());
    auto n = co_await stream.read_some(std::span(buffer.data(), room), deadline);
    if (!n) co_return std::unexpected(n.error());
    got.append(buffer.data(), *n);
    if (want == 2 && got.size() == 2) {
      want += static_cast<std::size_t>(static_cast<unsigned char>(got[0])) << 8 | static_cast<unsigned char>(got[1]);
    }
  }
  co_return got.substr(2);
}

io::Task<Exchanger::Reply> Exchanger::round_trip(Endpoint server, Inquiry inquiry, wire::Message query) {
  Reply reply;
  auto packet = wire::encode(query);
  if (!packet) {
    reply.failure.answer = failed_answer(inquiry.question, Status::local, packet.error().message);
    reply.failure.hopeless = true;
    co_return reply;
  }
  auto question_octets = wire::name_to_wire(inquiry.question.name)->size() + 4;
  auto accept = [sent = *packet, question_octets](std::string_view got) { return answers(sent, question_octets, got); };
  io::DatagramRequest request;
  request.to = server;
  request.payload = *packet;
  request.accept = accept;
  if (doors_.source && doors_.source->is_v6() == server.address.is_v6()) request.source = doors_.source;
  auto got = co_await doors_.datagrams.exchange(request, inquiry.deadline);
  if (got && got->size() > 2 && (static_cast<unsigned char>((*got)[2]) & 0x02) != 0) {
    inquiry.note(doors_.runtime, "truncated, asked again by TCP");
    got = co_await by_tcp(server, *packet, inquiry.deadline);
    if (got && !accept(*got)) {
      got = std::unexpected(io::IoFailure{io::Failure::closed, "the answer by TCP is to something else"});
    }
  }
  if (!got) {
    reply.failure = failure_of(inquiry.question, got.error());
    co_return reply;
  }
  auto message = wire::parse(*got);
  if (message) {
    reply.message = std::move(*message);
  } else {
    reply.failure.answer =
        failed_answer(inquiry.question, Status::servfail, "malformed response: " + message.error().message);
  }
  co_return reply;
}

io::Task<Exchange> Exchanger::exchange(Endpoint server, Inquiry inquiry, wire::Recursion recursion) {
  auto query = wire::make_query(inquiry.question, fresh_id(), recursion);
  auto reply = co_await round_trip(server, inquiry, query);
  if (reply.message && knows_no_edns(*reply.message)) {
    inquiry.note(doors_.runtime, wire::rcode_name(reply.message->rcode) + ", asked again without EDNS");
    query.id = fresh_id();
    query.edns.reset();
    reply = co_await round_trip(server, inquiry, query);
  }
  auto result = std::move(reply.failure);
  if (reply.message) {
    result.answer = wire::interpret(*reply.message, inquiry.question);
    result.unfinished = unfinished(*reply.message, result.answer);
  }
  result.answer.server = server.to_string();
  co_return result;
}

}  // namespace smtpdx::dns
