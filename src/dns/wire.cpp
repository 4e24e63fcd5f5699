// SPDX-License-Identifier: Apache-2.0
#include "dns/wire.hpp"

// Reading DNS messages strictly.
//
// A message from a stranger is read once, front to back, by a cursor that refuses instead of guessing: the reason with
// its offset goes into the answer, because "the name server sends broken packets" is itself a finding. Names may be
// compressed (RFC 1035 §4.1.4); a pointer must lead to an offset before the place where the name began that holds it,
// and each further pointer before the last one's target, so that a walk always ends.
//
// Names become text in the zone-file form: lower case, no final dot, a dot inside a label as "\.", anything outside
// printable ASCII as "\DDD". Rdata that may hold compressed names (RFC 1035 and SRV, RFC 3597 §4) is kept uncompressed,
// all other rdata as it came.
//
// Not here: writing (wire_encode.cpp), presentation forms (presentation.cpp), signatures (libunbound's business).

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::dns::wire {
namespace {

constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_opt = 41;
constexpr std::uint16_t option_extended_error = 15;
constexpr std::size_t max_label = 63;

struct Broken {
  std::string what;
  std::size_t at;
};

void append_label_text(std::string& out, std::string_view label) {
  for (char c : label) {
    auto u = static_cast<unsigned char>(c);
    if (c == '.' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u <= 0x20 || u >= 0x7f) {
      out += '\\';
      out += static_cast<char>('0' + u / 100);
      out += static_cast<char>('0' + u / 10 % 10);
      out += static_cast<char>('0' + u % 10);
    } else {
      out += ascii_lower(c);
    }
  }
}

/// A name in both forms.
struct Name {
  std::string text;
  std::string octets;  ///< uncompressed, case kept
};

/// Reads from `packet`; throws Broken, which parse() alone catches. The one place where an exception is control flow:
/// every step of a parser can fail, and the tests of each would hide what is read.
class Cursor {
 public:
  Cursor(std::string_view packet, std::size_t at, std::size_t end) : packet_(packet), at_(at), end_(end) {}

  std::size_t at() const { return at_; }
  std::size_t left() const { return end_ - at_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)[0]); }
  std::uint16_t u16() {
    auto b = take(2);
    return static_cast<std::uint16_t>(octet(b[0]) << 8 | octet(b[1]));
  }
  std::uint32_t u32() {
    std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view take(std::size_t n) {
    if (left() < n) throw Broken{"cut short", at_};
    auto part = packet_.substr(at_, n);
    at_ += n;
    return part;
  }
  std::string_view rest() { return take(left()); }

  Name name() {
    Name name;
    std::size_t lowest = at_;  // pointers must go below this
    bool jumped = false;
    std::size_t p = at_;
    auto limit = end_;
    for (;;) {
      if (p >= limit) throw Broken{"a name runs past the end", p};
      std::size_t length = octet(packet_[p]);
      if ((length & 0xC0) == 0xC0) {
        if (p + 2 > limit) throw Broken{"a compression pointer is cut short", p};
        std::size_t target = (length & 0x3F) << 8 | octet(packet_[p + 1]);
        if (!jumped) at_ = p + 2;
        jumped = true;
        if (target >= lowest) throw Broken{"a compression pointer does not point backwards", p};
        lowest = target;
        p = target;
        limit = packet_.size();
        continue;
      }
      if (length > max_label) throw Broken{"a label of a kind that does not exist", p};
      if (p + 1 + length > limit) throw Broken{"a label runs past the end", p};
      name.octets.append(packet_, p, 1 + length);
      if (name.octets.size() > max_name_octets) throw Broken{"a name longer than 255 octets", p};
      p += 1 + length;
      if (length == 0) break;
      if (!name.text.empty()) name.text += '.';
      append_label_text(name.text, std::string_view(name.octets).substr(name.octets.size() - length));
    }
    if (!jumped) at_ = p;
    return name;
  }

  static unsigned octet(char c) { return static_cast<unsigned char>(c); }

 private:
  std::string_view packet_;
  std::size_t at_;
  std::size_t end_;
};

std::string joined_strings(Cursor& rdata) {
  std::string text;
  if (rdata.left() == 0) throw Broken{"a TXT record without a string", rdata.at()};
  while (rdata.left() > 0) text += rdata.take(rdata.u8());
  return text;
}

void read_target(Record& record, Cursor& rdata) {
  auto name = rdata.name();
  record.name = std::move(name.text);
  record.rdata += name.octets;
}

std::uint16_t keep_u16(Record& record, Cursor& rdata) {
  auto raw = rdata.take(2);
  record.rdata += raw;
  return static_cast<std::uint16_t>(Cursor::octet(raw[0]) << 8 | Cursor::octet(raw[1]));
}

void read_soa(Record& record, Cursor& rdata) {
  read_target(record, rdata);
  auto mailbox = rdata.name();
  record.text = std::move(mailbox.text);
  record.rdata += mailbox.octets;
  record.rdata += rdata.take(20);
}

void read_rdata(Record& record, Cursor& rdata, std::string_view raw) {
  switch (record.type) {
    case Type::A:
    case Type::AAAA: {
      std::size_t want = record.type == Type::A ? 4 : 16;
      if (raw.size() != want) throw Broken{"an address record of the wrong length", rdata.at()};
      record.rdata = rdata.rest();
      record.address = IpAddress::from_bytes(record.rdata);
      break;
    }
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      read_target(record, rdata);
      break;
    case Type::MX:
      record.preference = keep_u16(record, rdata);
      read_target(record, rdata);
      break;
    case Type::SRV:
      record.preference = keep_u16(record, rdata);
      record.weight = keep_u16(record, rdata);
      record.port = keep_u16(record, rdata);
      read_target(record, rdata);
      break;
    case Type::SOA:
      read_soa(record, rdata);
      break;
    case Type::TXT:
      record.text = joined_strings(rdata);
      record.rdata = raw;
      break;
    default:
      record.rdata = rdata.rest();
      break;
  }
  if (rdata.left() > 0) throw Broken{"rdata longer than its record", rdata.at()};
  if (record.type != Type::TXT && record.type != Type::SOA) record.text = presentation(record);
}

void read_options(Edns& edns, Cursor& rdata) {
  while (rdata.left() > 0) {
    auto code = rdata.u16();
    auto data = rdata.take(rdata.u16());
    if (code != option_extended_error) continue;
    if (data.size() < 2) throw Broken{"an extended error without its code", rdata.at()};
    ExtendedError error;
    error.code = static_cast<std::uint16_t>(Cursor::octet(data[0]) << 8 | Cursor::octet(data[1]));
    error.text = data.substr(2);
    edns.errors.push_back(std::move(error));
  }
}

void read_opt(Message& message, std::uint16_t payload, std::uint32_t flags, Cursor rdata) {
  if (message.edns) throw Broken{"more than one OPT record", rdata.at()};
  message.edns.emplace();
  message.edns->udp_payload = payload;
  message.edns->dnssec_ok = (flags & 0x8000) != 0;
  message.rcode = static_cast<std::uint16_t>(message.rcode | (flags >> 24) << 4);
  read_options(*message.edns, rdata);
}

enum class Section { answer, authority, additional };

void read_record(Message& message, Section section, Cursor& in, std::string_view packet) {
  auto owner = in.name();
  auto type = in.u16();
  auto klass = in.u16();
  auto ttl = in.u32();
  auto length = in.u16();
  auto start = in.at();
  auto raw = in.take(length);
  Cursor rdata(packet, start, start + length);
  if (type == type_opt) {
    if (section != Section::additional || !owner.text.empty()) throw Broken{"an OPT record out of place", start};
    read_opt(message, klass, ttl, rdata);
    return;
  }
  if (klass != class_in) throw Broken{"a record of a class other than IN", start};
  Record record;
  record.owner = std::move(owner.text);
  record.type = static_cast<Type>(type);
  record.ttl = ttl > 0x7FFFFFFF ? 0 : ttl;  // RFC 2181 §8
  read_rdata(record, rdata, raw);
  auto& into = section == Section::answer      ? message.answer
               : section == Section::authority ? message.authority
                                               : message.additional;
  into.push_back(std::move(record));
}

void read_flags(Message& message, std::uint16_t flags) {
  message.response = (flags & 0x8000) != 0;
  message.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xF);
  message.authoritative = (flags & 0x0400) != 0;
  message.truncated = (flags & 0x0200) != 0;
  message.recursion_desired = (flags & 0x0100) != 0;
  message.recursion_available = (flags & 0x0080) != 0;
  message.authentic_data = (flags & 0x0020) != 0;
  message.checking_disabled = (flags & 0x0010) != 0;
  message.rcode = flags & 0xF;
}

Message read_message(std::string_view packet) {
  Cursor in(packet, 0, packet.size());
  Message message;
  message.id = in.u16();
  read_flags(message, in.u16());
  auto questions = in.u16();
  auto answers = in.u16();
  auto authorities = in.u16();
  auto additionals = in.u16();
  if (questions > 1) throw Broken{"more than one question", 4};
  if (questions == 1) {
    Question question;
    question.name = in.name().text;
    question.type = static_cast<Type>(in.u16());
    if (in.u16() != class_in) throw Broken{"a question of a class other than IN", in.at() - 2};
    message.question = std::move(question);
  }
  for (unsigned i = 0; i < answers; ++i) read_record(message, Section::answer, in, packet);
  for (unsigned i = 0; i < authorities; ++i) read_record(message, Section::authority, in, packet);
  for (unsigned i = 0; i < additionals; ++i) read_record(message, Section::additional, in, packet);
  if (in.left() > 0) throw Broken{std::to_string(in.left()) + " octets left over", in.at()};
  return message;
}

}  // namespace

std::optional<std::string> normal_name(std::string_view name) {
  auto octets = name_to_wire(name);
  if (!octets) return std::nullopt;
  return Cursor(*octets, 0, octets->size()).name().text;
}

Result<Message> parse(std::string_view packet) {
  if (packet.size() > 65535) return fail(ErrorKind::limit, "a DNS message of more than 65535 octets");
  try {
    return read_message(packet);
  } catch (const Broken& broken) {
    return fail(ErrorKind::malformed, broken.what + ", at octet " + std::to_string(broken.at));
  }
}

}  // namespace smtpdx::dns::wire
