// SPDX-License-Identifier: Apache-2.0
#include "mock/dns_world.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mock {
namespace {

using dns::wire::Message;
using dns::wire::Rcode;

constexpr std::size_t plain_udp = 512;  // RFC 1035 §4.2.1
constexpr int max_aliases = 8;

bool fits(const DnsLine& line, std::string_view name, dns::Type type) {
  const bool named = line.name == name || (line.name == "*" && line.failure != DnsLine::Failure::none);
  return named && (!line.type || *line.type == type);
}

std::uint16_t rcode_of(DnsLine::Failure failure) {
  switch (failure) {
    case DnsLine::Failure::servfail:
      return static_cast<std::uint16_t>(Rcode::servfail);
    case DnsLine::Failure::refused:
      return static_cast<std::uint16_t>(Rcode::refused);
    case DnsLine::Failure::no_name:
      return static_cast<std::uint16_t>(Rcode::nxdomain);
    default:
      return static_cast<std::uint16_t>(Rcode::noerror);
  }
}

/// RFC 2308 §2: a denial carries the SOA of the zone; here every name's zone is its last two labels.
void deny(Message& reply, std::string_view name) {
  auto cut = name.size();
  for (int label = 0; label < 2 && cut != std::string_view::npos && cut != 0; ++label) cut = name.rfind('.', cut - 1);
  const auto zone = cut == std::string_view::npos || cut == 0 ? name : name.substr(cut + 1);
  if (zone.empty()) return;
  auto soa = dns::wire::record_from_line(std::string(zone) + ". 300 SOA ns." + std::string(zone) + ". hostmaster." +
                                         std::string(zone) + ". 1 7200 3600 1209600 300");
  if (soa) reply.authority.push_back(std::move(*soa));
}

}  // namespace

DnsWorld::DnsWorld(std::vector<DnsLine> lines) : lines_(std::move(lines)) {}

/// A server's own lines replace the common ones for that name and type. The resolver prefers common lines, and where
/// there are none for it, it believes the first view that has records: a server that fails is passed over.
DnsWorld::Found DnsWorld::find(std::string_view name, dns::Type type, const std::optional<IpAddress>& view) const {
  std::optional<IpAddress> seen = view;
  auto has = [&](const std::optional<IpAddress>& v) {
    return std::any_of(lines_.begin(), lines_.end(), [&](const auto& l) { return l.view == v && fits(l, name, type); });
  };
  if (view && !has(view)) seen.reset();
  if (!view && !has(std::nullopt)) {
    auto first = std::find_if(lines_.begin(), lines_.end(), [&](const auto& l) {
      return l.view && l.failure == DnsLine::Failure::none && fits(l, name, type);
    });
    if (first != lines_.end()) seen = first->view;
  }
  Found found;
  for (const auto& line : lines_) {
    if (line.view != seen || !fits(line, name, type)) continue;
    if (line.failure != DnsLine::Failure::none) {
      found.failure = line.failure;
      return found;
    }
    found.records.push_back(&line.record);
  }
  return found;
}

bool DnsWorld::exists(std::string_view name, const std::optional<IpAddress>& view) const {
  return std::any_of(lines_.begin(), lines_.end(), [&](const DnsLine& line) {
    const bool visible = !line.view || !view || line.view == view;
    return visible && line.name != "*" && in_domain(line.name, name);
  });
}

std::optional<Message> DnsWorld::answer(const Message& query, std::optional<IpAddress> view) const {
  auto reply = dns::wire::reply_to(query);
  reply.authoritative = view.has_value();
  reply.recursion_available = !view;
  if (!query.question) {
    reply.rcode = static_cast<std::uint16_t>(Rcode::formerr);
    return reply;
  }
  auto name = query.question->name;
  const auto type = query.question->type;
  for (int alias = 0; alias < max_aliases; ++alias) {
    auto found = find(name, type, view);
    if (found.failure == DnsLine::Failure::timed_out) return std::nullopt;
    if (found.failure != DnsLine::Failure::none) {
      reply.rcode = rcode_of(found.failure);
      if (found.failure == DnsLine::Failure::no_name) deny(reply, name);
      return reply;
    }
    for (const auto* record : found.records) reply.answer.push_back(*record);
    if (!found.records.empty()) return reply;
    auto renamed = type == dns::Type::CNAME ? Found{} : find(name, dns::Type::CNAME, view);
    if (renamed.records.empty()) break;
    reply.answer.push_back(*renamed.records.front());
    name = renamed.records.front()->name;
  }
  if (!exists(name, view)) reply.rcode = static_cast<std::uint16_t>(Rcode::nxdomain);
  deny(reply, name);
  return reply;
}

std::vector<IpAddress> DnsWorld::name_servers() const {
  std::vector<IpAddress> out;
  auto add = [&](const IpAddress& address) {
    if (std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
  };
  for (const auto& line : lines_) {
    if (line.view) add(*line.view);
    if (line.failure != DnsLine::Failure::none || line.type != dns::Type::NS) continue;
    for (auto type : {dns::Type::A, dns::Type::AAAA})
      for (const auto* record : find(line.record.name, type, std::nullopt).records) add(record->address);
  }
  return out;
}

std::string for_udp(const Message& query, Message response) {
  auto octets = dns::wire::encode(response);
  const auto room = query.edns ? std::max<std::size_t>(query.edns->udp_payload, plain_udp) : plain_udp;
  if (octets && octets->size() <= room) return *octets;
  response.truncated = true;
  response.answer.clear();
  response.authority.clear();
  response.additional.clear();
  return dns::wire::encode(response).value_or(std::string());
}

}  // namespace smtpdx::mock
