// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dns/wire.hpp"

// Last: its configuration header takes C's words for bool where stdbool.h was not seen before.
#include <stdbool.h>

#include <ldns/ldns.h>

namespace smtpdx::dns::wire {
namespace {

constexpr std::size_t most_line = 4096;

unsigned octet(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }
unsigned read16(std::string_view s, std::size_t i) { return octet(s, i) << 8 | octet(s, i + 1); }
std::uint32_t read32(std::string_view s, std::size_t i) {
  return static_cast<std::uint32_t>(read16(s, i)) << 16 | read16(s, i + 2);
}

std::string dotted(const std::string& name) { return name.empty() ? "." : name; }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// RFC 3597 §5: any rdata.
std::string generic(std::string_view rdata) {
  std::string out = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) out += " " + hex_encode(rdata);
  return out;
}

std::string txt(const Record& record) {
  if (record.rdata.empty()) return quoted(record.text);
  std::string out;
  std::string_view rest = record.rdata;
  while (!rest.empty()) {
    auto length = octet(rest, 0);
    if (!out.empty()) out += ' ';
    out += quoted(rest.substr(1, length));
    rest.remove_prefix(std::min<std::size_t>(1 + length, rest.size()));
  }
  return out;
}

std::string numbers(std::initializer_list<unsigned> values) {
  std::string out;
  for (unsigned value : values) out += std::to_string(value) + " ";
  return out;
}

/// DS (RFC 4034 §5.3), TLSA (RFC 6698 §2.2), DNSKEY (RFC 4034 §2.2), CAA (RFC 8659 §4.1.1).
std::string security(const Record& record) {
  std::string_view r = record.rdata;
  if (record.type == Type::TLSA && r.size() > 3) {
    return numbers({octet(r, 0), octet(r, 1), octet(r, 2)}) + hex_encode(r.substr(3));
  }
  if (record.type == Type::DS && r.size() > 4) {
    return numbers({read16(r, 0), octet(r, 2), octet(r, 3)}) + hex_encode(r.substr(4));
  }
  if (record.type == Type::DNSKEY && r.size() > 4) {
    return numbers({read16(r, 0), octet(r, 2), octet(r, 3)}) + base64_encode(r.substr(4));
  }
  if (record.type == Type::CAA && r.size() >= 2 && r.size() >= 2 + octet(r, 1)) {
    auto tag = octet(r, 1);
    return numbers({octet(r, 0)}) + std::string(r.substr(2, tag)) + " " + quoted(r.substr(2 + tag));
  }
  return generic(r);
}

std::string soa(const Record& record) {
  auto timers = soa_timers(record);
  auto names = dotted(record.name) + " " + dotted(record.text);
  if (!timers) return names;
  for (auto value : {timers->serial, timers->refresh, timers->retry, timers->expire, timers->minimum}) {
    names += " " + std::to_string(value);
  }
  return names;
}

struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};

/// By way of the wire, so that there is one reader of rdata.
Result<Record> record_from_rr(const ldns_rr* rr) {
  std::uint8_t* octets = nullptr;
  std::size_t size = 0;
  auto status = ldns_rr2wire(&octets, rr, LDNS_SECTION_ANSWER, &size);
  std::unique_ptr<std::uint8_t, decltype(&std::free)> holder(octets, &std::free);
  if (status != LDNS_STATUS_OK) return fail(ErrorKind::malformed, ldns_get_errorstr_by_id(status));
  std::string packet{"\0\0\x80\0\0\0\0\1\0\0\0\0", 12};  // a response of one answer
  packet.append(reinterpret_cast<const char*>(octets), size);
  auto message = parse(packet);
  if (!message) return std::unexpected(message.error());
  return std::move(message->answer.at(0));
}

}  // namespace

std::optional<SoaTimers> soa_timers(const Record& record) {
  if (record.type != Type::SOA || record.rdata.size() < 22) return std::nullopt;
  std::string_view last = std::string_view(record.rdata).substr(record.rdata.size() - 20);
  return SoaTimers{read32(last, 0), read32(last, 4), read32(last, 8), read32(last, 12), read32(last, 16)};
}

std::string presentation(const Record& record) {
  switch (record.type) {
    case Type::A:
    case Type::AAAA:
      return record.address.to_string();
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      return dotted(record.name);
    case Type::MX:
      return std::to_string(record.preference) + " " + dotted(record.name);
    case Type::SRV:
      return numbers({record.preference, record.weight, record.port}) + dotted(record.name);
    case Type::TXT:
      return txt(record);
    case Type::SOA:
      return soa(record);
    default:
      return security(record);
  }
}

Result<Record> record_from_line(std::string_view line, std::uint32_t default_ttl) {
  std::string text(trim(line));
  // libldns keeps the parts of a line in buffers of fixed size; what no zone file holds does not reach them.
  bool plain = std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
  if (!plain || text.size() > most_line) {
    return fail(ErrorKind::malformed, "not a DNS record: only printable ASCII, and at most 4,096 characters a line");
  }
  ldns_rr* raw = nullptr;
  std::unique_ptr<ldns_rdf, decltype(&ldns_rdf_deep_free)> root(ldns_dname_new_frm_str("."), &ldns_rdf_deep_free);
  auto status = ldns_rr_new_frm_str(&raw, text.c_str(), default_ttl, root.get(), nullptr);
  std::unique_ptr<ldns_rr, FreeRr> rr(raw);
  if (status != LDNS_STATUS_OK || !rr) {
    return fail(ErrorKind::malformed, "not a DNS record: " + to_lower(ldns_get_errorstr_by_id(status)));
  }
  return record_from_rr(rr.get());
}

}  // namespace smtpdx::dns::wire
