// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "trace/log.hpp"

namespace smtpdx::dns {

enum class Type : std::uint16_t {
  A = 1,
  NS = 2,
  CNAME = 5,
  SOA = 6,
  PTR = 12,
  MX = 15,
  TXT = 16,
  AAAA = 28,
  SRV = 33,
  DS = 43,
  DNSKEY = 48,
  TLSA = 52,
  CAA = 257
};
const char* to_string(Type type);
std::optional<Type> type_from(std::string_view name);

/// What a look-up came to. The four absences are apart: no_data and no_name were seen to be absent; the failures were
/// looked for and not found out; "not asked" is the absence of an Answer.
enum class Status {
  found,
  no_data,    ///< NOERROR without such records (RFC 2308 §2.2)
  no_name,    ///< NXDOMAIN (RFC 8020)
  servfail,   ///< answered, but nothing is known by it: SERVFAIL, REFUSED, bogus (see validation), referral, garbage
  timed_out,  ///< nobody answered within the deadline
  local,      ///< we could not ask (no resolver, bad name)
};
const char* to_string(Status status);

/// RFC 4035 §4.3. `unchecked` = no trust anchor was in force: nothing is claimed.
enum class Validation { unchecked, secure, insecure, bogus };
const char* to_string(Validation validation);

struct Record {
  std::string owner;  ///< canonical (lower case, no final dot)
  Type type = Type::A;
  std::uint32_t ttl = 0;
  IpAddress address;             ///< A, AAAA
  std::uint16_t preference = 0;  ///< MX; SRV priority
  std::uint16_t weight = 0;      ///< SRV
  std::uint16_t port = 0;        ///< SRV
  std::string name;   ///< target of MX, NS, CNAME, PTR, SRV; MNAME of SOA; canonical; "" is the root (null MX)
  std::string text;   ///< TXT strings joined; SOA RNAME; else presentation form of the rdata
  std::string rdata;  ///< raw, uncompressed
};

struct Answer {
  std::string name;  ///< asked, canonical
  Type type = Type::A;
  Status status = Status::local;
  Validation validation = Validation::unchecked;
  std::string why;                     ///< why bogus or failed, the library's words
  std::optional<std::uint16_t> rcode;  ///< as answered (RFC 6895 §2.3); none where nobody answered
  std::string canonical_name;          ///< where CNAMEs led; = name without any
  std::vector<Record> records;         ///< of the type asked, in the order received
  bool authoritative = false;          ///< AA: the server holds the zone; only ask_server sees it
  std::vector<Record> referral;        ///< ask_server: the NS set of a zone further down; the status is then servfail
  std::string server;                  ///< who answered, "192.0.2.53:53"; "" for the library's own recursion
  Duration took{0};
  trace::Evidence evidence;
};

}  // namespace smtpdx::dns
