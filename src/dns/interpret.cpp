// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "dns/wire.hpp"

namespace smtpdx::dns::wire {
namespace {

/// More than any resolver follows (BIND: 16, Unbound: 11).
constexpr int max_cnames = 16;

const Record* find_record(const std::vector<Record>& records, std::string_view owner, Type type) {
  auto it = std::ranges::find_if(records, [&](const Record& r) { return r.type == type && r.owner == owner; });
  return it == records.end() ? nullptr : &*it;
}

/// Where the CNAMEs of the answer section lead; false where they run in a circle or on and on.
bool follow_cnames(const Message& response, Type asked, std::string& name) {
  if (asked == Type::CNAME) return true;
  for (int i = 0; i < max_cnames; ++i) {
    const Record* alias = find_record(response.answer, name, Type::CNAME);
    if (!alias) return true;
    name = alias->name;
  }
  return false;
}

/// RFC 8914 §4, those that a recursive or authoritative server may give; others by their number.
std::string extended_error_name(std::uint16_t code) {
  static constexpr std::array names{"other error",
                                    "unsupported DNSKEY algorithm",
                                    "unsupported DS digest type",
                                    "stale answer",
                                    "forged answer",
                                    "DNSSEC indeterminate",
                                    "DNSSEC bogus",
                                    "signature expired",
                                    "signature not yet valid",
                                    "DNSKEY missing",
                                    "RRSIGs missing",
                                    "no zone key bit set",
                                    "NSEC missing",
                                    "cached error",
                                    "not ready",
                                    "blocked",
                                    "censored",
                                    "filtered",
                                    "prohibited",
                                    "stale NXDOMAIN answer",
                                    "not authoritative",
                                    "not supported",
                                    "no reachable authority",
                                    "network error",
                                    "invalid data"};
  if (code < names.size()) return names[code];
  return "extended error " + std::to_string(code);
}

std::string reasons(const Message& response) {
  std::string text;
  if (!response.edns) return text;
  for (const auto& error : response.edns->errors) {
    text += "; ";
    text += extended_error_name(error.code);
    if (!error.text.empty()) text += " (" + printable(error.text, 200) + ")";
  }
  return text;
}

/// NS records in the authority section of an answer that holds nothing, from a server that does not claim the zone:
/// it points further down (RFC 1034 §4.3.2 step 3b).
std::vector<Record> referral_of(const Message& response, std::string_view name) {
  std::vector<Record> servers;
  if (response.authoritative || !response.answer.empty()) return servers;
  for (const auto& record : response.authority) {
    if (record.type == Type::SOA) return {};
    if (record.type == Type::NS && (record.owner.empty() || in_domain(name, record.owner))) servers.push_back(record);
  }
  return servers;
}

void judge_absence(const Message& response, Answer& answer) {
  answer.referral = referral_of(response, answer.canonical_name);
  if (answer.referral.empty()) {
    answer.status = Status::no_data;
    return;
  }
  answer.status = Status::servfail;
  answer.why = "a referral to the servers of " +
               (answer.referral[0].owner.empty() ? "the root" : answer.referral[0].owner) + ", not an answer";
}

bool belongs(const Message& response, const Question& question) {
  return response.response && response.opcode == 0 && (!response.question || *response.question == question);
}

}  // namespace

std::string rcode_name(std::uint16_t rcode) {
  static constexpr std::array names{"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  if (rcode < names.size()) return names[rcode];
  if (rcode == 16) return "BADVERS";
  return "RCODE" + std::to_string(rcode);
}

Answer interpret(const Message& response, const Question& question) {
  Answer answer;
  answer.name = answer.canonical_name = question.name;
  answer.type = question.type;
  answer.status = Status::servfail;
  if (!belongs(response, question)) {
    answer.why = "the response does not belong to the question";
    return answer;
  }
  answer.rcode = response.rcode;
  answer.authoritative = response.authoritative;
  auto rcode = static_cast<Rcode>(response.rcode);
  if (rcode != Rcode::noerror && rcode != Rcode::nxdomain) {
    answer.why = rcode_name(response.rcode) + reasons(response);
    return answer;
  }
  if (!response.question) {
    answer.why = "the response holds no question";
    return answer;
  }
  if (!follow_cnames(response, question.type, answer.canonical_name)) {
    answer.why = "the CNAME records run in a circle";
    return answer;
  }
  if (rcode == Rcode::nxdomain) {
    answer.status = Status::no_name;  // of the last name of the chain (RFC 6604 §3)
    return answer;
  }
  for (const auto& record : response.answer) {
    if (record.type == question.type && record.owner == answer.canonical_name) answer.records.push_back(record);
  }
  if (answer.records.empty()) {
    judge_absence(response, answer);
  } else {
    answer.status = Status::found;
  }
  return answer;
}

Message reply_to(const Message& query) {
  Message reply;
  reply.id = query.id;
  reply.opcode = query.opcode;
  reply.response = true;
  reply.recursion_desired = query.recursion_desired;
  reply.recursion_available = true;
  reply.question = query.question;
  if (query.edns) {
    reply.edns.emplace();
    reply.edns->dnssec_ok = query.edns->dnssec_ok;
  }
  return reply;
}

Message make_query(Question question, std::uint16_t id, Recursion recursion) {
  Message query;
  query.id = id;
  query.recursion_desired = recursion == Recursion::desired;
  query.question = std::move(question);
  query.edns.emplace();
  return query;
}

}  // namespace smtpdx::dns::wire
