// SPDX-License-Identifier: Apache-2.0
#include "rules/survey.hpp"

#include <gtest/gtest.h>

#include <algorithm>

// What tests/cli/check_test.py cannot bring about with a scenario's servers: signed zones, certificates of every age,
// failing look-ups. The survey is written down as it would have been seen.

namespace smtpdx::rules {
namespace {

using diag::Severity;
using diag::Survey;

constexpr auto day = std::chrono::hours(24);

/// example.org with one MX host at 192.0.2.25 that offers STARTTLS and speaks TLS 1.3.
Survey well_kept() {
  Survey s;
  s.target = "example.org";
  s.now = WallTime{} + 20'000 * day;
  diag::MxFact mx;
  mx.mx.domain = s.target;
  mx.mx.kind = dns::MxKind::listed;
  mx.mx.hosts = {{10, "mx.example.org", 3600}};
  mx.mx.mx.status = dns::Status::found;
  mx.mx.mx.validation = dns::Validation::secure;
  s.mx = {mx, "o1"};

  diag::AddressFact lookup;
  lookup.lookup.host = "mx.example.org";
  lookup.lookup.addresses = {*IpAddress::parse("192.0.2.25")};
  lookup.lookup.a.emplace();
  lookup.lookup.a->status = dns::Status::found;
  lookup.lookup.a->validation = dns::Validation::secure;

  diag::SessionFact session;
  session.connected = true;
  session.banner = smtp::Reply{220, std::nullopt, {"mx.example.org ESMTP"}, {}};
  session.before_tls.emplace();
  session.before_tls->greeting_name = "mx.example.org";
  session.before_tls->keywords = {"STARTTLS"};
  session.tls.emplace();
  session.tls->established = session.tls->chain_trusted = session.tls->name_matches = true;
  session.tls->version = io::TlsVersion::tls1_3;
  session.tls->chain.emplace_back();
  session.tls->chain[0].not_after = s.now + 60 * day;

  diag::HostSurvey host{"mx.example.org", {lookup, "o2"}, {}};
  host.addresses.push_back({lookup.lookup.addresses[0], std::nullopt, diag::Seen<diag::SessionFact>{session, "o3"}});
  s.hosts.push_back(host);
  return s;
}

io::TlsFacts& tls_of(Survey& s) { return *s.hosts[0].addresses[0].session->what.tls; }

/// What is said under that id; "-" where nothing is.
std::string_view said(const Survey& s, std::string_view id) {
  const auto findings = judge(s);
  const auto it = std::find_if(findings.begin(), findings.end(), [&](const auto& f) { return f.id == id; });
  return it == findings.end() ? "-" : to_string(it->severity);
}

TEST(Survey, NothingIsFoundWhereAllIsWell) {
  for (const auto& f : judge(well_kept()))
    EXPECT_TRUE(f.severity == Severity::pass || f.id == "MX-14" || f.id == "V6-03") << f.id << " " << f.detail;
}

TEST(Survey, SignaturesOfTheDomainAndOfItsHosts) {
  auto s = well_kept();
  EXPECT_EQ(said(s, "SEC-01"), "pass");
  EXPECT_EQ(said(s, "SEC-03"), "pass");
  s.mx->what.mx.mx.validation = dns::Validation::insecure;
  s.hosts[0].lookup.what.lookup.a->validation = dns::Validation::insecure;
  EXPECT_EQ(said(s, "SEC-01"), "warn");
  EXPECT_EQ(said(s, "SEC-02"), "pass");
  EXPECT_EQ(said(s, "SEC-03"), "info");
  s.mx->what.mx.mx.validation = dns::Validation::bogus;
  s.hosts[0].lookup.what.lookup.a->validation = dns::Validation::bogus;
  EXPECT_EQ(said(s, "SEC-02"), "fail");
  EXPECT_EQ(said(s, "SEC-01"), "-") << "it is signed, wrongly";
  EXPECT_EQ(said(s, "SEC-04"), "fail");
  s.mx->what.mx.mx.validation = dns::Validation::unchecked;
  EXPECT_EQ(said(s, "SEC-01"), "untested");
  EXPECT_EQ(said(s, "SEC-02"), "-");
}

TEST(Survey, CertificatesByTheirAge) {
  auto s = well_kept();
  EXPECT_EQ(said(s, "TLS-16"), "pass");
  tls_of(s).chain[0].not_after = s.now + 13 * day;
  EXPECT_EQ(said(s, "TLS-16"), "fail");
  tls_of(s).chain[0].not_after = s.now - day;
  EXPECT_EQ(said(s, "TLS-16"), "fail");
}

TEST(Survey, HandshakesThatFailAndThoseThatDoNotEnd) {
  auto s = well_kept();
  tls_of(s).version = io::TlsVersion::tls1_1;
  EXPECT_EQ(said(s, "TLS-03"), "warn");
  tls_of(s).established = false;
  tls_of(s).failure = io::Failure::tls;
  EXPECT_EQ(said(s, "TLS-02"), "fail");
  EXPECT_EQ(said(s, "TLS-03"), "-");
  tls_of(s).failure = io::Failure::timed_out;
  EXPECT_EQ(said(s, "TLS-02"), "untested");
  s.hosts[0].addresses[0].session->what.before_tls.reset();
  EXPECT_EQ(said(s, "TLS-01"), "untested") << "EHLO was not answered: no STARTTLS is not proved";
}

TEST(Survey, SilenceAndPuttingOffAreNoRefusals) {
  auto s = well_kept();
  auto& session = s.hosts[0].addresses[0].session->what;
  session.banner = smtp::Reply{421, std::nullopt, {"too busy"}, {}};
  EXPECT_EQ(said(s, "MX-20"), "untested");
  EXPECT_EQ(said(s, "TLS-01"), "-");
  session.banner = smtp::Reply{554, std::nullopt, {"no"}, {}};
  EXPECT_EQ(said(s, "MX-20"), "fail");
  session.connected = false;
  session.connect_failure = io::IoFailure{io::Failure::timed_out, ""};
  EXPECT_EQ(said(s, "MX-19"), "untested");
  session.connect_failure = io::IoFailure{io::Failure::refused, ""};
  EXPECT_EQ(said(s, "MX-19"), "fail");
}

TEST(Survey, LookUpsThatFail) {
  auto s = well_kept();
  diag::PtrFact ptr;
  ptr.reverse.ptr.status = dns::Status::servfail;
  s.hosts[0].addresses[0].reverse = {ptr, "o4"};
  EXPECT_EQ(said(s, "RDNS-03"), "info");
  EXPECT_EQ(said(s, "RDNS-01"), "untested");
  s.mx->what.mx.kind = dns::MxKind::unknown;
  EXPECT_EQ(said(s, "MX-01"), "untested");
  dns::Answer silent;
  silent.status = dns::Status::timed_out;
  s.mta_sts = s.tls_rpt = {silent, "o5"};
  s.dmarc.emplace();
  s.dmarc->what.reason = dmarc::Reason::dns_failed;
  for (const auto id : {"DMARC-01", "STS-01", "TRPT-01"}) EXPECT_EQ(said(s, id), "untested") << id;
}

spf::Outcome policy(std::string text, spf::Result result, spf::Reason reason) {
  spf::Outcome o;
  o.domain = "example.org";
  o.result = result;
  o.reason = reason;
  spf::Policy own;
  own.domain = o.domain;
  own.text = std::move(text);
  own.result = result;
  own.reason = reason;
  if (auto record = spf::parse_record(own.text); !record) own.flaw = record.error();
  o.policies.push_back(std::move(own));
  o.decided_policy = 0;
  return o;
}

TEST(Survey, PoliciesThatCannotBeReadOrLookedUp) {
  auto s = well_kept();
  s.spf = {policy("v=spf1 \xe2\x80\x93"
                  "all",
                  spf::Result::permerror, spf::Reason::syntax),
           "o6"};
  EXPECT_EQ(said(s, "SPF-04"), "fail");
  EXPECT_EQ(said(s, "SPF-05"), "pass");
  EXPECT_EQ(said(s, "SPF-08"), "-");
  s.spf = {policy("v=spf1 a -all", spf::Result::temperror, spf::Reason::dns_timed_out), "o6"};
  EXPECT_EQ(said(s, "SPF-42"), "warn");
  EXPECT_EQ(said(s, "SPF-08"), "untested");
  s.spf = {policy("", spf::Result::temperror, spf::Reason::dns_timed_out), "o6"};
  EXPECT_EQ(said(s, "SPF-01"), "untested");
}

}  // namespace
}  // namespace smtpdx::rules
