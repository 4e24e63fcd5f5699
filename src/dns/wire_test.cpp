// SPDX-License-Identifier: Apache-2.0
#include "dns/wire.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/random.hpp"

namespace smtpdx::dns::wire {
namespace {

using namespace std::string_literals;

/// Hand-made packets: numbers big-endian, the counts of the header last changed.
struct Packet {
  std::string bytes;
  static Packet header(unsigned flags, unsigned questions, unsigned answers, unsigned authorities = 0,
                       unsigned additionals = 0) {
    Packet p;
    return p.u16(0x1234).u16(flags).u16(questions).u16(answers).u16(authorities).u16(additionals);
  }
  Packet& u16(unsigned v) {
    bytes += static_cast<char>(v >> 8);
    bytes += static_cast<char>(v);
    return *this;
  }
  Packet& raw(std::string_view octets) {
    bytes += octets;
    return *this;
  }
  /// example.org, type, IN; the name begins at octet 12.
  Packet& question(Type type) { return raw("\7example\3org\0"s).u16(static_cast<unsigned>(type)).u16(1); }
  Packet& record(std::string_view owner, Type type, std::string_view rdata, unsigned ttl = 300) {
    raw(owner).u16(static_cast<unsigned>(type)).u16(1).u16(ttl >> 16).u16(ttl & 0xFFFF);
    return u16(static_cast<unsigned>(rdata.size())).raw(rdata);
  }
};

constexpr std::string_view at_question{"\xC0\x0C", 2};

std::string why(const Packet& packet) {
  auto message = parse(packet.bytes);
  return message ? "parsed" : message.error().message;
}

TEST(DnsWire, ReadsAnMxAnswerWithCompressedNames) {
  auto packet = Packet::header(0x8180, 1, 2).question(Type::MX);
  packet.record(at_question, Type::MX, "\0\x14\3MX2\xC0\x0C"s).record(at_question, Type::MX, "\0\x0A\2mx\xC0\x0C"s);
  auto message = parse(packet.bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_TRUE(message->response && message->recursion_desired && message->recursion_available);
  EXPECT_EQ(*message->question, (Question{"example.org", Type::MX}));
  ASSERT_EQ(message->answer.size(), 2U);
  const auto& mx = message->answer[0];
  EXPECT_EQ(mx.owner, "example.org");
  EXPECT_EQ(mx.preference, 20);
  EXPECT_EQ(mx.name, "mx2.example.org");
  EXPECT_EQ(mx.ttl, 300U);
  EXPECT_EQ(mx.rdata, "\0\x14\3MX2\7example\3org\0"s);
  EXPECT_EQ(mx.text, "20 mx2.example.org");
}

TEST(DnsWire, RefusesPointersThatDoNotLeadBackwards) {
  auto self = Packet::header(0x8180, 0, 1).record("\xC0\x0C", Type::A, "\1\2\3\4");
  EXPECT_EQ(why(self), "a compression pointer does not point backwards, at octet 12");
  auto forward = Packet::header(0x8180, 0, 1).record("\xC0\x20", Type::A, "\1\2\3\4");
  EXPECT_EQ(why(forward), "a compression pointer does not point backwards, at octet 12");
  // The rdata's name is "a" and then a pointer to the "a": a loop of two.
  auto loop = Packet::header(0x8180, 1, 1).question(Type::NS);
  auto start = static_cast<char>(loop.bytes.size() + 12);
  loop.record(at_question, Type::NS, "\1a\xC0"s + start);
  EXPECT_NE(why(loop).find("does not point backwards"), std::string::npos) << why(loop);
  // Two pointers that point at each other: the second one leads forwards.
  auto pair = Packet::header(0x8180, 0, 1).raw("\xC0\x0E\xC0\x0C").u16(1).u16(1).u16(0).u16(9).u16(0);
  EXPECT_NE(why(pair).find("does not point backwards"), std::string::npos);
}

TEST(DnsWire, RefusesNamesBeyondTheLimits) {
  std::string label = "\77" + std::string(63, 'a');
  auto packet = Packet::header(0x0100, 1, 0).raw(label + label + label + label + "\0"s).u16(1).u16(1);
  EXPECT_EQ(why(packet), "a name longer than 255 octets, at octet 204");
  EXPECT_EQ(why(Packet::header(0x0100, 1, 0).raw("\x40"s + std::string(64, 'a') + "\0"s).u16(1).u16(1)),
            "a label of a kind that does not exist, at octet 12");
  EXPECT_EQ(why(Packet::header(0x0100, 1, 0).raw("\5ab")), "a label runs past the end, at octet 12");
  EXPECT_EQ(why(Packet::header(0x0100, 1, 0).raw("\2ab")), "a name runs past the end, at octet 15");
  EXPECT_EQ(why(Packet::header(0x0100, 1, 0).raw("\xC0")), "a compression pointer is cut short, at octet 12");
}

TEST(DnsWire, RefusesWhatDoesNotFillItsPlace) {
  auto cut = Packet::header(0x8180, 1, 1).question(Type::A);
  EXPECT_EQ(why(cut), "a name runs past the end, at octet 29");
  auto over = Packet::header(0x8180, 1, 0).question(Type::A).raw("zz");
  EXPECT_EQ(why(over), "2 octets left over, at octet 29");
  auto address = Packet::header(0x8180, 1, 1).question(Type::A).record(at_question, Type::A, "\1\2\3");
  EXPECT_NE(why(address).find("wrong length"), std::string::npos);
  auto long_mx = Packet::header(0x8180, 1, 1).question(Type::MX).record(at_question, Type::MX, "\0\1\0x"s);
  EXPECT_NE(why(long_mx).find("rdata longer"), std::string::npos);
  // A target that would run over the end of its rdata into the next record.
  auto spill = Packet::header(0x8180, 1, 1).question(Type::MX).record(at_question, Type::MX, "\0\1\5"s).raw("abcde\0"s);
  EXPECT_NE(why(spill).find("a label runs past the end"), std::string::npos);
  auto txt = Packet::header(0x8180, 1, 1).question(Type::TXT).record(at_question, Type::TXT, "\5abc");
  EXPECT_NE(why(txt).find("cut short"), std::string::npos);
  EXPECT_NE(why(Packet::header(0x8180, 2, 0).question(Type::A).question(Type::A)).find("more than one question"),
            std::string::npos);
  EXPECT_EQ(why(Packet{"abc"}), "cut short, at octet 2");
}

TEST(DnsWire, JoinsTxtStringsAndEscapesNames) {
  auto packet = Packet::header(0x8180, 1, 2).question(Type::TXT);
  packet.record(at_question, Type::TXT, "\6v=spf1\5 -all"s).record("\4a.\\ \xC0\x0C"s, Type::TXT, "\1\"");
  auto message = parse(packet.bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->answer[0].text, "v=spf1 -all");
  EXPECT_EQ(presentation(message->answer[0]), "\"v=spf1\" \" -all\"");
  EXPECT_EQ(message->answer[1].owner, "a\\.\\\\\\032.example.org");
  EXPECT_EQ(name_to_wire(message->answer[1].owner), "\4a.\\ \7example\3org\0"s);
}

TEST(DnsWire, NamesToWire) {
  EXPECT_EQ(name_to_wire(""), "\0"s);
  EXPECT_EQ(name_to_wire("."), "\0"s);
  EXPECT_EQ(name_to_wire("a.b."), "\1a\1b\0"s);
  EXPECT_EQ(name_to_wire("_25._tcp.mx"), "\3_25\4_tcp\2mx\0"s);
  for (const char* bad : {"a..b", ".a", "a\\", "a\\25", "a\\999"}) EXPECT_FALSE(name_to_wire(bad)) << bad;
  EXPECT_FALSE(name_to_wire(std::string(64, 'a')));
  EXPECT_TRUE(name_to_wire(std::string(63, 'a')));
  std::string longest = std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + ".";
  EXPECT_TRUE(name_to_wire(longest + std::string(61, 'a')));
  EXPECT_FALSE(name_to_wire(longest + std::string(62, 'a')));
  EXPECT_EQ(normal_name("Mail.EXAMPLE.org."), "mail.example.org");
  EXPECT_EQ(normal_name("\\065.org"), "a.org");
}

TEST(DnsWire, ReadsExtendedRcodesAndErrors) {
  auto packet = Packet::header(0x8182, 1, 0, 0, 1).question(Type::A);
  packet.raw("\0"s).u16(41).u16(1232).u16(0).u16(0x8000);
  packet.u16(4 + 6).u16(15).u16(6).u16(22).raw("lame");
  auto message = parse(packet.bytes);
  ASSERT_TRUE(message) << message.error().message;
  ASSERT_TRUE(message->edns);
  EXPECT_TRUE(message->edns->dnssec_ok);
  EXPECT_EQ(message->edns->udp_payload, 1232);
  ASSERT_EQ(message->edns->errors.size(), 1U);
  auto answer = interpret(*message, {"example.org", Type::A});
  EXPECT_EQ(answer.status, Status::servfail);
  EXPECT_EQ(answer.rcode, 2);
  EXPECT_EQ(answer.why, "SERVFAIL; no reachable authority (lame)");
}

Record mx(std::string owner, std::uint16_t preference, std::string name) {
  Record r;
  r.owner = std::move(owner);
  r.type = Type::MX;
  r.ttl = 60;
  r.preference = preference;
  r.name = std::move(name);
  return r;
}

Record alias(std::string owner, std::string target) {
  Record r;
  r.owner = std::move(owner);
  r.type = Type::CNAME;
  r.name = std::move(target);
  return r;
}

TEST(DnsWire, LinesThatNoZoneFileHolds) {
  for (std::string line :
       {std::string("a.example. A 192.0.2.1\0x", 24), std::string("a.example.\n A 192.0.2.1"),
        std::string("a.example. TXT \"\xff\""), "a.example. TXT \"" + std::string(5000, 'x') + "\""}) {
    auto record = record_from_line(line);
    ASSERT_FALSE(record) << line.substr(0, 40);
    EXPECT_EQ(record.error().kind, ErrorKind::malformed);
  }
  EXPECT_EQ(record_from_line("a.example. TXT \"\\255\"")->text, "\xff");
}

TEST(DnsWire, WritesWhatItReads) {
  Message message = reply_to(make_query({"example.org", Type::MX}, 7, Recursion::desired));
  message.answer = {mx("example.org", 10, "mx.example.org"), mx("www.example.org", 0, "")};
  auto spf = record_from_line("example.org. IN TXT \"v=spf1 -all\"");
  auto tlsa = record_from_line("_25._tcp.mx.example.org. 60 IN TLSA 3 1 1 " + std::string(64, 'a'));
  auto soa = record_from_line("example.org 60 SOA ns.example.org. admin.example.org. 7 1 2 3 4");
  auto caa = record_from_line("example.org. CAA 0 issue \"ca.example\"");
  auto v6 = record_from_line("example.org. AAAA 2001:db8::1");
  auto srv = record_from_line("_submission._tcp.example.org. SRV 0 1 587 mail.example.org.");
  ASSERT_TRUE(spf && tlsa && soa && caa && v6 && srv);
  message.authority = {*spf, *tlsa, *soa};
  message.additional = {*caa, *v6, *srv};
  auto packet = encode(message);
  ASSERT_TRUE(packet) << packet.error().message;
  auto again = parse(*packet);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->id, 7);
  EXPECT_TRUE(again->response && again->recursion_desired && again->edns);
  ASSERT_EQ(again->answer.size(), 2U);
  EXPECT_EQ(again->answer[0].name, "mx.example.org");
  EXPECT_EQ(again->answer[1].owner, "www.example.org");
  EXPECT_EQ(again->answer[1].name, "");
  EXPECT_EQ(again->answer[1].text, "0 .");
  EXPECT_EQ(again->authority[0].text, "v=spf1 -all");
  EXPECT_EQ(again->authority[0].ttl, 300U);
  EXPECT_EQ(again->authority[1].text, "3 1 1 " + std::string(64, 'a'));
  EXPECT_EQ(again->authority[2].text, "admin.example.org");
  EXPECT_EQ(soa_timers(again->authority[2])->serial, 7U);
  EXPECT_EQ(soa_timers(again->authority[2])->minimum, 4U);
  EXPECT_EQ(again->additional[0].text, "0 issue \"ca.example\"");
  EXPECT_EQ(again->additional[1].address.to_string(), "2001:db8::1");
  EXPECT_EQ(again->additional[2].port, 587);
  EXPECT_EQ(again->additional[2].name, "mail.example.org");
}

TEST(DnsWire, LongTxtIsCutIntoStringsAndBadLinesAreRefused) {
  Message message = reply_to(make_query({"example.org", Type::TXT}, 7, Recursion::desired));
  Record txt;
  txt.owner = "example.org";
  txt.type = Type::TXT;
  txt.text = std::string(300, 'k');
  message.answer.push_back(txt);
  auto again = parse(*encode(message));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->answer[0].text, txt.text);
  EXPECT_EQ(again->answer[0].rdata.size(), 302U);
  EXPECT_FALSE(record_from_line("example.org. A 192.0.2.300"));
  EXPECT_FALSE(record_from_line(""));
  Message bad = message;
  bad.answer[0].owner = "a..b";
  EXPECT_FALSE(encode(bad));
}

TEST(DnsWire, InterpretFollowsCnames) {
  Message message = reply_to(make_query({"a.example", Type::MX}, 1, Recursion::desired));
  message.answer = {mx("c.example", 5, "mx.example"), alias("b.example", "c.example"), alias("a.example", "b.example")};
  auto answer = interpret(message, {"a.example", Type::MX});
  EXPECT_EQ(answer.status, Status::found);
  EXPECT_EQ(answer.canonical_name, "c.example");
  ASSERT_EQ(answer.records.size(), 1U);
  message.answer = {alias("a.example", "b.example"), alias("b.example", "a.example")};
  answer = interpret(message, {"a.example", Type::MX});
  EXPECT_EQ(answer.status, Status::servfail);
  EXPECT_NE(answer.why.find("circle"), std::string::npos);
  message.answer = {alias("a.example", "b.example")};
  message.question->type = Type::CNAME;
  answer = interpret(message, {"a.example", Type::CNAME});
  EXPECT_EQ(answer.status, Status::found);
  EXPECT_EQ(answer.canonical_name, "a.example");
}

TEST(DnsWire, InterpretTellsAbsencesApart) {
  const Question question{"a.example", Type::MX};
  Message message = reply_to(make_query(question, 1, Recursion::desired));
  EXPECT_EQ(interpret(message, question).status, Status::no_data);
  message.answer = {mx("other.example", 1, "mx")};  // not ours
  EXPECT_EQ(interpret(message, question).status, Status::no_data);
  message.answer.clear();
  message.rcode = 3;
  EXPECT_EQ(interpret(message, question).status, Status::no_name);
  message.rcode = 5;
  EXPECT_EQ(interpret(message, question).status, Status::servfail);
  EXPECT_EQ(interpret(message, question).why, "REFUSED");
  message.rcode = 0;
  message.authority = {*record_from_line("a.example. NS ns.a.example.")};
  auto referral = interpret(message, question);
  EXPECT_EQ(referral.status, Status::servfail);
  ASSERT_EQ(referral.referral.size(), 1U);
  EXPECT_EQ(referral.referral[0].name, "ns.a.example");
  message.authoritative = true;  // the zone's own server: NS beside an empty answer is no referral
  EXPECT_EQ(interpret(message, question).status, Status::no_data);
  message.authoritative = false;
  message.question->name = "b.example";
  EXPECT_EQ(interpret(message, question).status, Status::servfail);
}

TEST(DnsWire, SurvivesDamagedPackets) {
  Message message = reply_to(make_query({"example.org", Type::MX}, 7, Recursion::desired));
  message.answer = {mx("example.org", 10, "mx.example.org"), alias("x.example.org", "y.example.org")};
  message.authority = {*record_from_line("example.org 60 SOA ns.example.org. admin.example.org. 7 1 2 3 4")};
  const auto good = *encode(message);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(parse(std::string_view(good).substr(0, n))) << n;
  Random random(1);
  int parsed = 0;
  for (int i = 0; i < 2000; ++i) {
    auto damaged = good;
    for (int k = 0; k < 3; ++k) damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    if (auto read = parse(damaged)) {
      ++parsed;
      interpret(*read, {"example.org", Type::MX});
    }
  }
  EXPECT_GT(parsed, 0);
}

TEST(DnsNames, TypesHaveNames) {
  EXPECT_EQ(type_from("mx"), Type::MX);
  EXPECT_EQ(type_from("TLSA"), Type::TLSA);
  EXPECT_FALSE(type_from("MXX"));
  EXPECT_STREQ(to_string(Type::DNSKEY), "DNSKEY");
  EXPECT_STREQ(to_string(Status::no_name), "no-name");
}

}  // namespace
}  // namespace smtpdx::dns::wire
