// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "base/text.hpp"
#include "dns/wire.hpp"

namespace smtpdx::dns::wire {
namespace {

constexpr std::uint16_t type_opt = 41;
constexpr std::uint16_t option_extended_error = 15;
constexpr std::size_t max_pointer = 0x3FFF;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xFF);
  out += static_cast<char>(value & 0xFF);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}

/// One octet of a name's text, with its escape: how many characters it took, 0 for a bad escape.
struct Octet {
  char value = 0;
  std::size_t taken = 0;
};

Octet read_octet(std::string_view text) {
  if (text[0] != '\\') return {text[0], 1};
  if (text.size() >= 4 && is_digit(text[1]) && is_digit(text[2]) && is_digit(text[3])) {
    int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    if (value > 255) return {};
    return {static_cast<char>(value), 4};
  }
  if (text.size() < 2 || is_digit(text[1])) return {};
  return {text[1], 2};
}

/// Writes names, each suffix once; later ones point at it (RFC 1035 §4.1.4).
class Writer {
 public:
  std::string out;

  bool owner(std::string_view name) {
    auto octets = name_to_wire(to_lower(name));
    if (!octets) return false;
    std::size_t p = 0;
    while ((*octets)[p] != 0) {
      auto suffix = octets->substr(p);
      if (auto known = offsets_.find(suffix); known != offsets_.end()) {
        put16(out, 0xC000U | static_cast<unsigned>(known->second));
        return true;
      }
      if (out.size() <= max_pointer) offsets_.emplace(suffix, out.size());
      auto label = 1 + static_cast<unsigned char>((*octets)[p]);
      out.append(*octets, p, label);
      p += label;
    }
    out += '\0';
    return true;
  }

 private:
  std::map<std::string, std::size_t> offsets_;
};

bool put_name(std::string& out, std::string_view name) {
  auto octets = name_to_wire(name);
  if (octets) out += *octets;
  return octets.has_value();
}

void put_strings(std::string& out, std::string_view text) {
  do {
    auto part = text.substr(0, 255);
    out += static_cast<char>(part.size());
    out += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
}

bool put_soa(std::string& out, const Record& record) {
  if (!put_name(out, record.name) || !put_name(out, record.text)) return false;
  for (std::uint32_t timer : {1U, 3600U, 600U, 86400U, 60U}) put32(out, timer);
  return true;
}

std::optional<std::string> rdata_of(const Record& record) {
  if (!record.rdata.empty()) return record.rdata;
  std::string out;
  bool good = true;
  switch (record.type) {
    case Type::A:
    case Type::AAAA:
      good = record.address.is_v6() == (record.type == Type::AAAA);
      out = record.address.bytes();
      break;
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      good = put_name(out, record.name);
      break;
    case Type::SRV:
      put16(out, record.preference);
      put16(out, record.weight);
      put16(out, record.port);
      good = put_name(out, record.name);
      break;
    case Type::MX:
      put16(out, record.preference);
      good = put_name(out, record.name);
      break;
    case Type::TXT:
      put_strings(out, record.text);
      break;
    case Type::SOA:
      good = put_soa(out, record);
      break;
    default:
      good = false;
      break;
  }
  if (!good) return std::nullopt;
  return out;
}

std::unexpected<Error> unwritable(const Record& record) {
  return fail(ErrorKind::usage,
              "a " + std::string(to_string(record.type)) + " record of " + record.owner + " cannot be written");
}

Result<> put_record(Writer& writer, const Record& record) {
  auto rdata = rdata_of(record);
  if (!rdata || rdata->size() > 65535 || !writer.owner(record.owner)) return unwritable(record);
  put16(writer.out, static_cast<unsigned>(record.type));
  put16(writer.out, 1);
  put32(writer.out, record.ttl);
  put16(writer.out, static_cast<unsigned>(rdata->size()));
  writer.out += *rdata;
  return {};
}

void put_edns(std::string& out, const Edns& edns, std::uint16_t rcode) {
  std::string options;
  for (const auto& error : edns.errors) {
    put16(options, option_extended_error);
    put16(options, static_cast<unsigned>(2 + error.text.size()));
    put16(options, error.code);
    options += error.text;
  }
  out += '\0';
  put16(out, type_opt);
  put16(out, edns.udp_payload);
  put32(out, static_cast<std::uint32_t>(rcode >> 4) << 24 | (edns.dnssec_ok ? 0x8000U : 0U));
  put16(out, static_cast<unsigned>(options.size()));
  out += options;
}

unsigned flags_of(const Message& m) {
  return (m.response ? 0x8000U : 0U) | (m.opcode & 0xFU) << 11 | (m.authoritative ? 0x0400U : 0U) |
         (m.truncated ? 0x0200U : 0U) | (m.recursion_desired ? 0x0100U : 0U) | (m.recursion_available ? 0x0080U : 0U) |
         (m.authentic_data ? 0x0020U : 0U) | (m.checking_disabled ? 0x0010U : 0U) | (m.rcode & 0xFU);
}

void put_header(std::string& out, const Message& m) {
  put16(out, m.id);
  put16(out, flags_of(m));
  put16(out, m.question ? 1 : 0);
  put16(out, static_cast<unsigned>(m.answer.size()));
  put16(out, static_cast<unsigned>(m.authority.size()));
  put16(out, static_cast<unsigned>(m.additional.size()) + (m.edns ? 1 : 0));
}

}  // namespace

std::optional<std::string> name_to_wire(std::string_view name) {
  std::string out;
  if (name == ".") name = {};
  while (!name.empty()) {
    std::string label;
    while (!name.empty() && name[0] != '.') {
      auto octet = read_octet(name);
      if (octet.taken == 0) return std::nullopt;
      label += octet.value;
      name.remove_prefix(octet.taken);
    }
    if (label.empty() || label.size() > 63) return std::nullopt;
    out += static_cast<char>(label.size());
    out += label;
    if (!name.empty()) name.remove_prefix(1);  // the dot
  }
  out += '\0';
  if (out.size() > max_name_octets) return std::nullopt;
  return out;
}

Result<std::string> encode(const Message& message) {
  Writer writer;
  put_header(writer.out, message);
  if (message.question) {
    const auto& question = *message.question;
    if (!writer.owner(question.name)) {
      return fail(ErrorKind::usage, "\"" + printable(question.name, 80) + "\" is not a domain name");
    }
    put16(writer.out, static_cast<unsigned>(question.type));
    put16(writer.out, 1);
  }
  for (const auto* section : {&message.answer, &message.authority, &message.additional}) {
    for (const auto& record : *section) {
      if (auto put = put_record(writer, record); !put) return std::unexpected(put.error());
    }
  }
  if (message.edns) put_edns(writer.out, *message.edns, message.rcode);
  if (writer.out.size() > 65535) return fail(ErrorKind::limit, "a DNS message of more than 65535 octets");
  return std::move(writer.out);
}

}  // namespace smtpdx::dns::wire
