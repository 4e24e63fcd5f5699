// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "dns/answer.hpp"

// DNS messages as octets (RFC 1035 §4), without any I/O: for asking a server directly, for reading what a library
// hands over, and for the name servers of tests and of the mock internet.

namespace smtpdx::dns::wire {

/// RFC 1035 §2.3.4: octets of a name in wire form, final root label included.
inline constexpr std::size_t max_name_octets = 255;
/// What we offer to take by UDP: fits into any path MTU (DNS Flag Day 2020, RFC 9715 §3.1).
inline constexpr std::uint16_t udp_payload = 1232;

enum class Rcode : std::uint16_t { noerror = 0, formerr = 1, servfail = 2, nxdomain = 3, notimp = 4, refused = 5 };
/// "NOERROR", "SERVFAIL" …; "RCODE17" for what has no name here.
std::string rcode_name(std::uint16_t rcode);

enum class Recursion { desired, not_desired };

struct Question {
  std::string name;  ///< canonical
  Type type = Type::A;
  bool operator==(const Question&) const = default;
};

/// RFC 8914: why an answer is as it is, in the server's words.
struct ExtendedError {
  std::uint16_t code = 0;
  std::string text;
};

/// Fields of RFC 6891; a message without one has no OPT record.
struct Edns {
  std::uint16_t udp_payload = wire::udp_payload;
  bool dnssec_ok = false;
  std::vector<ExtendedError> errors;
};

/// One message, question and sections in plain values. OPT is not among `additional`: it is `edns`.
struct Message {
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  std::uint16_t rcode = 0;  ///< the extended one where EDNS was used
  bool response = false;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  bool authentic_data = false;
  bool checking_disabled = false;
  std::optional<Question> question;
  std::vector<Record> answer;
  std::vector<Record> authority;
  std::vector<Record> additional;
  std::optional<Edns> edns;
};

/// Text to wire form, uncompressed, root label included. Escapes of RFC 1035 §5.1 (`\.`, `\DDD`) are understood, a
/// final dot is optional, "" and "." are the root. nullopt: an empty or too long label, a too long name, a bad escape.
/// Octets are taken as they are: internationalised names must be A-labels already (RFC 5890 §2.3.2.1).
std::optional<std::string> name_to_wire(std::string_view name);

/// The one spelling of a name that answers are compared by: lower case, no final dot, escapes only where needed;
/// nullopt where name_to_wire() gives none.
std::optional<std::string> normal_name(std::string_view name);

/// A query with one question, EDNS and the id given, ready for encode().
Message make_query(Question question, std::uint16_t id, Recursion recursion);

/// Reads one whole message. Refuses (malformed, with the place) whatever breaks the format: cut short, octets left
/// over, a compression pointer that does not point backwards, labels or names too long, rdata that does not fill its
/// length exactly, more than one question, a class other than IN (records of other classes are an error too).
Result<Message> parse(std::string_view packet);

/// Writes a message, names compressed in owner position only. A record's rdata is written as it stands where it is not
/// empty, else made from the fields (A AAAA NS CNAME PTR MX SRV TXT; SOA with small default timers). Cutting to the
/// client's size and setting `truncated` is the caller's business. Fails (usage) for a name or record that cannot be
/// written.
Result<std::string> encode(const Message& message);

/// The reply to a query: id, opcode, question and RD copied, QR and RA set, EDNS where the query had it.
Message reply_to(const Message& query);

/// What a response means for the question asked, without evidence, server and time: follows CNAMEs inside the answer
/// section, tells the absences apart (RFC 2308 §2). A response that does not belong to the question, or whose CNAMEs
/// run in a circle, is servfail with the reason.
Answer interpret(const Message& response, const Question& question);

/// The zone-file form of one record's data ("10 mx.example.org"), as shown in logs; TXT in quotes.
std::string presentation(const Record& record);

/// "example.org. 300 IN MX 10 mx.example.org." to a record: zone-file syntax of one line, names absolute with or
/// without the final dot. TTL and class are optional. Printable ASCII, at most 4,096 characters (other octets as \DDD).
Result<Record> record_from_line(std::string_view line, std::uint32_t default_ttl = 300);

/// The numbers of an SOA record's rdata (RFC 1035 §3.3.13); nullopt where the record is none.
struct SoaTimers {
  std::uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;
};
std::optional<SoaTimers> soa_timers(const Record& record);

}  // namespace smtpdx::dns::wire
