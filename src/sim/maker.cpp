// SPDX-License-Identifier: Apache-2.0
#include "sim/maker.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"
#include "dsn/reader.hpp"

namespace smtpdx::sim {

namespace {

const std::vector<std::string>& sayings(Saying what) {
  static const std::vector<std::string> relay{
      "554 5.7.1 <%r>: Relay access denied",
      "554 5.7.1 <%r>: Recipient address rejected: Relay access denied",
      "550 relay not permitted",
      "550 5.7.1 <%r>... Relaying denied",
      "550 5.7.1 Unable to relay for %r",
      "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
      "550 relaying to <%r> prohibited by administrator",
      "550 we do not relay",
      "550 5.7.1 Relaying denied",
      "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
  };
  static const std::vector<std::string> soft{"454 4.7.1 <%r>: Relay access denied"};
  static const std::vector<std::string> submission{
      "554 5.7.1 <%r>: Relay access denied",
      "550 relay not permitted",
      "550 5.7.1 <%r>... Relaying denied. Proper authentication required.",
      "550 5.7.1 Unable to relay for %r",
      "454 4.7.1 <%r>: Relay access denied",
      "550 5.7.1 Relaying denied",
  };
  static const std::vector<std::string> auth{"530 5.7.0 Authentication required", "530 5.7.1 You must authenticate",
                                             "530 5.7.0 Authentication required."};
  static const std::vector<std::string> tls{"530 5.7.0 Must issue a STARTTLS command first"};
  static const std::vector<std::string> unknown{
      "550 5.1.1 <%r>: Recipient address rejected: User unknown in virtual mailbox table",
      "550 No Such User Here",
      "550 5.1.1 <%r>... User unknown",
      "550 Unrouteable address",
      "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
      "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient %r not found by SMTP address lookup",
      "550 5.1.1 User unknown",
  };
  static const std::vector<std::string> blocked{
      "554 5.7.1 <unknown[%c]>: Client host rejected: Access denied",
      "550 5.7.1 <%s>... Access denied",
      "550 5.7.1 External client with IP address %c does not have permissions to submit to this server.",
  };
  static const std::vector<std::string> access{
      "554 5.7.1 <%r>: Recipient address rejected: Access denied",
  };
  static const std::vector<std::string> listed{
      "554 5.7.1 Service unavailable; Client host [%c] blocked using bl.example; see the list"};
  static const std::vector<std::string> no_ptr{
      "550 5.7.1 Client host rejected: cannot find your reverse hostname, [%c]",
      "550 reverse DNS lookup failed for host %c",
      "550 5.7.1 Fix reverse DNS for %c",
  };
  static const std::vector<std::string> helo{
      "504 5.5.2 <%h>: Helo command rejected: need fully-qualified hostname",
      "554 5.7.1 <%h>: Helo command rejected: Access denied",
  };
  static const std::vector<std::string> owner{
      "553 5.7.1 <%s>: Sender address rejected: not owned by user %u",
      "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
      "554 5.2.252 SendAsDenied; %u not allowed to send as %s",
  };
  static const std::vector<std::string> full{"552 5.2.2 <%r>... Mailbox Full",
                                             "552 5.2.2 <%r> Quota exceeded (mailbox for user is full)"};
  static const std::vector<std::string> login{
      "535 5.7.8 Error: authentication failed: (reason unavailable)",
      "535 Incorrect authentication data",
      "535 5.7.8 Authentication failed.",
      "535 5.7.3 Authentication unsuccessful",
  };
  static const std::vector<std::string> grey{"450 4.2.0 <%r>: Recipient address rejected: Greylisted, try again later",
                                             "451 4.7.1 Please try again later"};
  static const std::vector<std::string> closing{"421 4.7.0 %n Error: too many errors",
                                                "421 4.3.2 Service not available, closing transmission channel"};
  static const std::vector<std::string> domain{
      "550 5.1.8 <%s>: Sender address rejected: Domain not found",
      "553 5.1.8 <%s>... Domain of sender address %s does not exist",
      "550 Sender verify failed",
  };
  switch (what) {
    case Saying::relay:
      return relay;
    case Saying::soft_relay:
      return soft;
    case Saying::submission:
      return submission;
    case Saying::auth_demand:
      return auth;
    case Saying::tls_demand:
      return tls;
    case Saying::unknown_user:
      return unknown;
    case Saying::blocked:
      return blocked;
    case Saying::access:
      return access;
    case Saying::listed:
      return listed;
    case Saying::no_ptr:
      return no_ptr;
    case Saying::bad_helo:
      return helo;
    case Saying::not_owner:
      return owner;
    case Saying::mailbox_full:
      return full;
    case Saying::bad_login:
      return login;
    case Saying::greylisted:
      return grey;
    case Saying::closing:
      return closing;
    case Saying::bad_domain:
      return domain;
  }
  return relay;
}

}  // namespace

Maker::Maker(std::uint64_t seed, std::string kind) : r(seed * 0x2545F4914F6CDD1DULL + 0x9E3779B97F4A7C15ULL) {
  w.seed = seed;
  w.kind = std::move(kind);
  w.internet.here4 = ip4();
  w.internet.here6 = ip6();
  w.dns_latency = std::chrono::milliseconds(5 + r.below(120));
  w.question.random_local_part = "x-probe-" + r.word(8);
  client = ip4();
}

std::string Maker::word() { return r.word(9); }

IpAddress Maker::ip4() {
  // 198.18.0.0/15 (RFC 2544) is nobody's. Never the same twice: two servers at one address are a world that cannot be.
  for (;;) {
    const auto host = static_cast<std::uint32_t>(r.below(0x1FFFF)) + 1;
    if (used_.insert(host).second) return IpAddress::v4(0xC6120000U + host);
  }
}

IpAddress Maker::ip6() {
  std::string octets("\x20\x01\x0d\xb8", 4);
  for (int i = 0; i < 12; ++i) octets += static_cast<char>(r.below(256));
  return IpAddress::from_bytes(octets);
}

std::vector<IpAddress> Maker::zone(const std::string& domain) {
  std::vector<IpAddress> servers;
  w.zones.exists(domain);
  for (const char* label : {"ns1.", "ns2."}) {
    servers.push_back(ip4());
    w.zones.ns(domain, label + domain);
    w.zones.address(label + domain, servers.back());
  }
  return servers;
}

std::string Maker::say(Saying what) { return any(sayings(what)); }

mock::ServerPolicy Maker::exchanger(const std::string& name) {
  mock::ServerPolicy p;
  p.name = name;
  if (one_in(5)) std::erase(p.keywords, "PIPELINING");
  if (one_in(12)) p.esmtp = false;
  p.starttls = p.esmtp && !one_in(4);
  if (one_in(3)) p.greeting = "220 %n ESMTP ready";
  if (one_in(8)) p.greeting = "220-%n ESMTP\n220 We do not authorize the use of this system to transport bulk e-mail.";
  p.unknown_user = say(Saying::unknown_user);
  p.relay_refusal = say(Saying::relay);
  return p;
}

std::size_t Maker::serve(const IpAddress& ip, std::uint16_t port, mock::ServerPolicy policy) {
  Service s;
  s.at = {ip, port};
  s.round_trip = std::chrono::milliseconds(5 + r.below(250));
  s.certificate.names = {policy.name};
  if (one_in(4)) s.certificate.trust = CertificateOf::Trust::self_signed;
  s.policy = std::move(policy);
  w.internet.services.push_back(std::move(s));
  return w.internet.services.size() - 1;
}

void Maker::hold(mock::ServerPolicy& policy, const std::string& domain, std::set<std::string> users) {
  policy.domains.push_back({domain, std::move(users), true});
}

std::string Maker::filled(const std::string& words) const {
  std::string text = replace_all(words, "%r", w.question.to);
  text = replace_all(text, "%s", w.question.from);
  text = replace_all(text, "%c", client.to_string());
  text = replace_all(text, "%h", w.question.client.helo);
  text = replace_all(text, "%u", w.question.user);
  return replace_all(text, "\n", " ");
}

void Maker::bounce(const std::string& words, Form form, const std::string& decider, const IpAddress& address) {
  const auto reply = filled(words);
  if (form == Form::any) form = any(std::vector{Form::bare, Form::said, Form::wrapped, Form::report});
  std::string text = reply;
  if (form == Form::said)
    text = "host " + decider + "[" + address.to_string() + "] said: " + reply + " (in reply to RCPT TO command)";
  if (form == Form::wrapped) text = "550 5.7.367 Remote server returned not permitted to relay -> " + reply;
  auto refusal = dsn::read_reply_text(text);
  if (form == Form::report) {
    refusal.kind = reply.starts_with('4') ? dsn::Kind::delayed : dsn::Kind::failed;
    refusal.decider = decider;
    refusal.decider_address = one_in(3) ? "" : address.to_string();
    refusal.reporter = "mail.reporting.example";
    refusal.recipient = w.question.to;
    refusal.sender = w.question.from;
  }
  tell("held: " + text + (form == Form::report ? " (from a report that names " + decider + ")" : ""));
  w.refusal = std::move(refusal);
}

void Maker::may(std::initializer_list<std::string_view> causes) {
  for (auto c : causes) w.truth.may.emplace(c);
}

void Maker::proof(std::string_view cause) {
  w.truth.may.emplace(cause);
  w.truth.proof = cause;
  w.truth.meant = cause;
}

void Maker::no_proof(std::string why) {
  w.truth.proof.clear();
  tell("no proof: " + std::move(why));
}

}  // namespace smtpdx::sim
