// SPDX-License-Identifier: Apache-2.0
#include "arc/validate.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "dkim/tags.hpp"
#include "dkim/test_signer.hpp"

namespace smtpdx::arc {
namespace {

using dkim::TestKey;

const std::string mail = "From: ann@example.org\r\nTo: list@example.net\r\nSubject: hello\r\n\r\nHello\r\n";

const TestKey& key() {
  static const auto made = TestKey::rsa(1024);
  return made;
}

/// The relaxed form of the ARC fields of all sets, in sealing order; the newest seal is still without b=.
std::string sealing_octets(const std::string& octets, unsigned sets) {
  const dkim::Message m(octets);
  std::string out;
  for (unsigned i = 1; i <= sets; ++i)
    for (const auto* name : {"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"}) {
      const auto& all = m.all(name);
      dkim::canonical_field(dkim::Canonicalization::relaxed, m.fields()[all[all.size() - i]].whole, out);
      out += "\r\n";
    }
  out.resize(out.size() - 2);
  return out;
}

std::string sealed(const std::string& octets, unsigned instance, const std::string& cv) {
  const auto i = "i=" + std::to_string(instance) + "; ";
  const auto results = "ARC-Authentication-Results: " + i + "mx.example.net; arc=" + cv + "\r\n" + octets;
  dkim::SigningOptions o;
  o.field = "ARC-Message-Signature";
  o.head = i;
  const auto message_signed = dkim::signed_message(results, key(), o);
  const auto seal = "ARC-Seal: " + i + "a=rsa-sha256; cv=" + cv + "; d=example.org; s=s; b=";
  return seal + key().sign(sealing_octets(seal + "\r\n" + message_signed, instance)) + "\r\n" + message_signed;
}

Chain validated(const std::string& octets, bool with_key = true) {
  dkim::TestResolver resolver;
  if (with_key)
    resolver.texts["s._domainkey.example.org"] = {key().record()};
  else
    resolver.failing["s._domainkey.example.org"] = dns::Status::servfail;
  dkim::TestRuntime runtime;
  dkim::KeyCache cache;
  const dkim::Message message(octets);
  return io::run(runtime, validate(message, resolver, cache, {dkim::test_time}, Deadline(TimePoint{1h})));
}

std::string show(const Chain& c) {
  return std::string(to_string(c.result)) + " " + to_string(c.reason) + " " + std::to_string(c.broken_at);
}

const std::string& two_sets() {
  static const auto octets = sealed(sealed(mail, 1, "none"), 2, "pass");
  return octets;
}

TEST(Validate, ChainsThatHold) {
  EXPECT_EQ(show(validated(mail)), "none no-chain 0");
  EXPECT_EQ(show(validated(sealed(mail, 1, "none"))), "pass verified 0");
  const auto two = validated(two_sets());
  EXPECT_EQ(show(two), "pass verified 0") << two.detail;
  EXPECT_EQ(two.oldest_pass, 0u);
  ASSERT_EQ(two.sets.size(), 2u);
  EXPECT_EQ(two.sets[0].results, "mx.example.net; arc=none");
}

TEST(Validate, AListChangedTheMailBetweenTwoSets) {
  auto first = sealed(mail, 1, "none") + "footer\r\n";
  const auto chain = validated(sealed(first, 2, "pass"));
  EXPECT_EQ(show(chain), "pass verified 0");
  EXPECT_EQ(chain.oldest_pass, 2u);
  ASSERT_EQ(chain.sets[0].message_signature.explanations.size(), 1u);
  EXPECT_EQ(chain.sets[0].message_signature.explanations[0].change, dkim::Change::footer);
}

TEST(Validate, WhatBreaksAChain) {
  EXPECT_EQ(show(validated(two_sets() + "footer\r\n")), "fail message-signature 2");
  EXPECT_EQ(show(validated(replace_all(two_sets(), "arc=none", "arc=pass"))), "fail seal 2");
  EXPECT_EQ(show(validated(sealed(sealed(mail, 1, "pass"), 2, "pass"))), "fail chain-value 1");
  EXPECT_EQ(show(validated(sealed(sealed(mail, 1, "none"), 2, "none"))), "fail chain-value 2");
  EXPECT_EQ(show(validated(sealed(sealed(mail, 1, "none"), 2, "fail"))), "fail sealed-as-fail 2");
  EXPECT_EQ(show(validated("ARC-Seal: i=3; cv=pass\r\n" + two_sets())), "fail incomplete 3");
  EXPECT_EQ(show(validated("ARC-Seal: i=2; cv=pass\r\n" + two_sets())), "fail duplicate 2");
  EXPECT_EQ(show(validated("ARC-Seal: i=51; cv=pass\r\n" + two_sets())), "fail bad-instance 0");
  EXPECT_EQ(show(validated("ARC-Seal: cv=pass\r\n" + two_sets())), "fail bad-instance 0");
  EXPECT_EQ(show(validated("ARC-Authentication-Results: mx.example; none\r\n" + mail)), "fail bad-instance 0");
  EXPECT_EQ(show(validated(replace_all(sealed(mail, 1, "none"), "i=1;", "i=2;"))), "fail gap 1");
}

TEST(Validate, SilenceOfDnsIsSaidToBeTemporary) {
  const auto chain = validated(two_sets(), false);
  EXPECT_EQ(show(chain), "fail message-signature 2");
  EXPECT_TRUE(chain.temporary);
}

}  // namespace
}  // namespace smtpdx::arc
