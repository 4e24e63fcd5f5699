// SPDX-License-Identifier: Apache-2.0
#include "dkim/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "dkim/test_signer.hpp"

namespace smtpdx::dkim {
namespace {

const std::string mail =
    "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: The\r\n meeting\r\nDate: Tue, 24 Nov 2026 12:00:00 "
    "+0000\r\n\r\nHello  Bob,\r\n\r\nthree o'clock. \r\n--\r\nAnn\r\n";
const std::string key_name = "s._domainkey.example.org";

const TestKey& rsa() {
  static const auto key = TestKey::rsa();
  return key;
}

struct World {
  World() { resolver.texts[key_name] = {rsa().record()}; }
  Verdict verify(const std::string& octets) {
    auto all = verify_all(octets, resolver);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Verdict() : all.front();
  }
  TestResolver resolver;
};

std::string show(const Verdict& v) { return std::string(to_string(v.result)) + " " + to_string(v.reason); }

TEST(Verify, EveryCanonicalization) {
  World w;
  for (const auto* c : {"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"}) {
    SigningOptions o;
    o.canonicalization = c;
    const auto v = w.verify(signed_message(mail, rsa(), o));
    EXPECT_EQ(show(v), "pass verified") << c << v.detail;
    EXPECT_EQ(v.key_bits, 2048u);
    EXPECT_THAT(v.can_be_added, testing::ElementsAre("from", "to", "subject"));
  }
}

TEST(Verify, LineEndsOfAFileDoNotMatter) {
  World w;
  const auto octets = signed_message(mail, rsa());
  EXPECT_EQ(show(w.verify(replace_all(octets, "\r\n", "\n"))), "pass verified");
  EXPECT_EQ(show(w.verify("From ann Tue Nov 24\n" + replace_all(octets, "\r\n", "\n"))), "pass verified");
}

TEST(Verify, Ed25519AndTheBareRsaKey) {
  World w;
  const auto key = TestKey::ed25519();
  w.resolver.texts[key_name] = {key.record()};
  EXPECT_EQ(show(w.verify(signed_message(mail, key))), "pass verified");
  w.resolver.texts[key_name] = {"p=" + rsa().base64(PublicKey::Form::rsa_public_key)};
  const auto v = w.verify(signed_message(mail, rsa()));
  EXPECT_EQ(show(v), "pass verified");
  EXPECT_THAT(v.remarks, testing::Contains(testing::HasSubstr("bare RSAPublicKey")));
}

TEST(Verify, WhatDnsSays) {
  World w;
  const auto octets = signed_message(mail, rsa());
  const auto with = [&](std::vector<std::string> texts) {
    w.resolver.texts[key_name] = std::move(texts);
    return show(w.verify(octets));
  };
  EXPECT_EQ(with({"v=DKIM1; p="}), "permerror key-revoked");
  EXPECT_EQ(with({"v=spf1 -all"}), "permerror key-syntax");
  EXPECT_EQ(with({"v=spf1 -all", rsa().record()}), "pass verified");
  EXPECT_EQ(with({TestKey::rsa(1024).record(), rsa().record()}), "pass verified");
  EXPECT_EQ(with({"k=ed25519; p=" + rsa().base64()}), "permerror key-algorithm");
  EXPECT_EQ(with({"h=sha1; p=" + rsa().base64()}), "permerror key-hash");
  EXPECT_EQ(with({"s=tlsrpt; p=" + rsa().base64()}), "permerror key-service");
  EXPECT_EQ(with({"s=tlsrpt:*; p=" + rsa().base64()}), "pass verified");
  EXPECT_EQ(with({"p=" + rsa().base64().substr(0, 200)}), "permerror key-malformed");
  EXPECT_EQ(with({"p=!!!"}), "permerror key-malformed");
  EXPECT_EQ(with({"p=" + rsa().base64() + "; v=DKIM1"}), "permerror key-syntax");
  EXPECT_EQ(with({"g=*; unknown=x; p=" + rsa().base64()}), "pass verified");
  w.resolver.texts.clear();
  EXPECT_EQ(show(w.verify(octets)), "permerror key-missing");
  w.resolver.failing[key_name] = dns::Status::no_data;
  EXPECT_EQ(show(w.verify(octets)), "permerror key-missing");
  for (auto status : {dns::Status::servfail, dns::Status::timed_out, dns::Status::local}) {
    w.resolver.failing[key_name] = status;
    EXPECT_EQ(show(w.verify(octets)), "temperror key-unavailable");
  }
}

TEST(Verify, PolicyDecidesButTheMathematicsIsTold) {
  World w;
  SigningOptions o;
  o.hash = Hash::sha1;
  auto v = w.verify(signed_message(mail, rsa(), o));
  EXPECT_EQ(show(v), "permerror sha1");
  EXPECT_EQ(v.mathematics, true);
  const auto weak = TestKey::rsa(768);
  w.resolver.texts[key_name] = {weak.record()};
  v = w.verify(signed_message(mail, weak));
  EXPECT_EQ(show(v), "permerror key-too-short");
  EXPECT_EQ(v.mathematics, true);
  EXPECT_EQ(v.key_bits, 768u);
  w.resolver.texts[key_name] = {rsa().record()};
  o = {};
  o.more = "t=1700000000; x=1700000001; ";
  v = w.verify(signed_message(mail, rsa(), o));
  EXPECT_EQ(show(v), "permerror expired");
  EXPECT_EQ(v.mathematics, true);
  o.more = "t=1799999999; x=1800000000; ";  // the clock says 1800000000
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "pass verified");
  o.more = "t=1900000000; ";
  v = w.verify(signed_message(mail, rsa(), o));
  EXPECT_EQ(show(v), "pass verified");
  EXPECT_THAT(v.remarks, testing::Contains(testing::HasSubstr("in the future")));
}

TEST(Verify, Tags) {
  World w;
  const auto with = [&](const char* more) {
    SigningOptions o;
    o.more = more;
    return show(w.verify(signed_message(mail, rsa(), o)));
  };
  EXPECT_EQ(with("i=@mail.example.org; "), "pass verified");
  EXPECT_EQ(with("i=ann@example.org; "), "pass verified");
  EXPECT_EQ(with("i=@example.com; "), "permerror identity");
  EXPECT_EQ(with("i=@xexample.org; "), "permerror identity");
  EXPECT_EQ(with("i=example.org; "), "permerror syntax");
  EXPECT_EQ(with("q=dns/txt; "), "pass verified");
  EXPECT_EQ(with("q=new/way : dns/txt; "), "pass verified");
  EXPECT_EQ(with("q=new/way; "), "permerror query-method");
  EXPECT_EQ(with("t=; "), "permerror syntax");
  EXPECT_EQ(with("t=12; x=12; "), "permerror expires-before-signed");
  EXPECT_EQ(with("z=From:x|To:y; unknown=1; "), "pass verified");
  EXPECT_EQ(with("s=again; "), "permerror syntax");
  EXPECT_EQ(with("; "), "permerror syntax");
  w.resolver.texts[key_name] = {rsa().record() + "; t=s:y"};
  EXPECT_EQ(with("i=@mail.example.org; "), "permerror key-strict");
  EXPECT_EQ(with("i=@example.org; "), "pass verified");
  SigningOptions o;
  o.fields = "to:subject";
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "permerror from-not-signed");
  o.fields = "from::to";
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "permerror syntax");
  o = {};
  o.head = "";
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "permerror tag-missing");
  o.head = "v=2; ";
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "permerror version");
  o = {};
  o.canonicalization = "relaxed/waffle";
  EXPECT_EQ(show(w.verify(signed_message(mail, rsa(), o))), "permerror canonicalization");
}

TEST(Verify, FieldsAreTakenFromTheBottomAndOverSigningCounts) {
  World w;
  SigningOptions o;
  o.fields = "From:From:To:Subject:Received:Received:Cc";
  const auto octets = signed_message("Received: two\r\nReceived: one\r\n" + mail, rsa(), o);
  const auto v = w.verify("Received: three\r\n" + octets);
  EXPECT_EQ(show(v), "pass verified");
  EXPECT_THAT(v.over_signed, testing::ElementsAre("from", "cc"));
  EXPECT_EQ(show(w.verify("From: Eve <eve@example.org>\r\n" + octets)), "fail signature-mismatch");
  EXPECT_EQ(show(w.verify("Cc: eve@example.org\r\n" + octets)), "fail signature-mismatch");
}

TEST(Verify, BodyLength) {
  World w;
  SigningOptions o;
  o.length = 10;
  const auto octets = signed_message(mail, rsa(), o);
  auto v = w.verify(octets + "more\r\n");
  EXPECT_EQ(show(v), "pass verified");
  EXPECT_GT(v.unsigned_octets, 10u);
  EXPECT_EQ(show(w.verify(octets.substr(0, octets.find("Hello")) + "short")), "permerror body-length");
}

TEST(Verify, SignaturesAreLimitedAndShareBodyHashes) {
  World w;
  auto octets = mail;
  for (int i = 0; i < 25; ++i) octets = signed_message(octets, rsa());
  const auto all = verify_all(octets, w.resolver);
  ASSERT_EQ(all.size(), 25u);
  EXPECT_EQ(show(all[19]), "pass verified");
  EXPECT_EQ(show(all[20]), "policy too-many");
}

// ---- what broke it ----

std::string change_of(const Verdict& v) {
  std::string out;
  for (const auto& e : v.explanations) out += std::string(out.empty() ? "" : " ") + to_string(e.change);
  return out;
}

TEST(Changes, AFooterIsProved) {
  World w;
  for (const auto* c : {"simple/simple", "relaxed/relaxed"}) {
    SigningOptions o;
    o.canonicalization = c;
    const std::string footer = "_______\r\nlist mailing list\r\n";
    const auto octets = signed_message(mail, rsa(), o) + footer;
    const auto v = w.verify(octets);
    EXPECT_EQ(show(v), "fail body-changed");
    EXPECT_EQ(v.header_intact, true);
    ASSERT_EQ(change_of(v), "footer");
    EXPECT_TRUE(v.explanations[0].proved);
    EXPECT_EQ(v.explanations[0].length, footer.size());
    const Message m(octets);
    EXPECT_EQ(m.body().substr(v.explanations[0].from), footer);
  }
}

TEST(Changes, BannersInsertionsAndRewritings) {
  World w;
  const auto broken = [&](const std::string& body, std::string_view from, std::string_view to) {
    const auto head = mail.substr(0, mail.find("\r\n\r\n") + 4);
    auto octets = signed_message(head + body, rsa());
    octets = replace_all(octets, from, to);
    return change_of(w.verify(octets));
  };
  EXPECT_EQ(broken("Hello\r\n", "\r\n\r\nHello", "\r\n\r\nCAUTION: external\r\n\r\nHello"), "banner");
  EXPECT_EQ(broken("--x\r\n\r\ntext\r\n--x--\r\n", "text\r\n--x--", "text\r\nfooter\r\n--x--"), "inserted");
  EXPECT_EQ(broken("--x\r\n\r\ntext\r\n--x--\r\n", "text\r\n--x--", "text\r\n--x\r\n\r\nfooter\r\n--x--"), "inserted");
  EXPECT_EQ(broken("a\r\nFrom me\r\n", "\r\nFrom me", "\r\n>From me"), "from-escaped");
  EXPECT_EQ(broken("a\r\n.b\r\n", "\r\n.b", "\r\n..b"), "dots-stuffed");
  EXPECT_EQ(broken("Hello\r\n", "Hello", "Goodbye"), "");  // nothing that can be undone: nothing is claimed
}

TEST(Changes, WhatGatewaysDoToBodies) {
  World w;
  const auto encoded = [&](const std::string& encoding, const std::string& body) {
    const auto octets = signed_message(mail, rsa());
    const auto head = octets.find("\r\n\r\n");
    return change_of(
        w.verify(octets.substr(0, head) + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + body));
  };
  const auto body = mail.substr(mail.find("\r\n\r\n") + 4);
  EXPECT_EQ(encoded("base64", base64_encode(body) + "\r\n"), "re-encoded");
  EXPECT_EQ(encoded("quoted-printable", replace_all(body, "clock. ", "clo=63k.=20")), "re-encoded");
  EXPECT_EQ(encoded("8bit", "something else\r\n"), "");
  SigningOptions o;
  o.canonicalization = "relaxed/simple";
  const auto plain = signed_message(replace_all(mail, "--\r\n", "-- \r\n"), rsa(), o);
  EXPECT_EQ(change_of(w.verify(replace_all(plain, "-- \r\n", "--\r\n"))), "white-space");
}

TEST(Changes, TheFieldIsNamed) {
  World w;
  SigningOptions o;
  o.fields = "from:to:subject:cc";
  const auto octets = signed_message(mail, rsa(), o);
  auto v = w.verify(replace_all(octets, "Subject: The", "Subject: [list] The"));
  EXPECT_EQ(show(v), "fail signature-mismatch");
  EXPECT_EQ(v.body_intact, true);
  ASSERT_EQ(change_of(v), "field-changed");
  EXPECT_EQ(v.explanations[0].field, "Subject");
  v = w.verify("Cc: list@example.net\r\n" + octets);
  ASSERT_EQ(change_of(v), "field-added");
  EXPECT_EQ(v.explanations[0].field, "Cc");
  v = w.verify("X-Original-From: Ann <ann@example.org>\r\n" +
               replace_all(octets, "From: Ann <ann@example.org>", "From: Ann via List <list@example.net>"));
  ASSERT_EQ(change_of(v), "field-changed");
  EXPECT_EQ(v.explanations[0].field, "From");
  EXPECT_EQ(change_of(w.verify(replace_all(octets, "bob@", "rob@"))), "");
}

TEST(Changes, AnotherKeyIsToldFromAChangedField) {
  World w;
  w.resolver.texts[key_name] = {TestKey::rsa().record()};
  EXPECT_EQ(change_of(w.verify(signed_message(mail, rsa()))), "other-key");
}

TEST(Changes, RefoldedFieldsBreakSimple) {
  World w;
  SigningOptions o;
  o.canonicalization = "simple/simple";
  const auto v = w.verify(replace_all(signed_message(mail, rsa(), o), "The\r\n meeting", "The\r\n\tmeeting"));
  EXPECT_EQ(change_of(v), "white-space");
}

}  // namespace
}  // namespace smtpdx::dkim
