// SPDX-License-Identifier: Apache-2.0
//
// Rules about a server's own files, each with literal observations: the proof, and the look-alikes that must not be
// one.

#include <gtest/gtest.h>

#include "rules/rules.hpp"

namespace smtpdx::rules {
namespace {

using diag::Verdict;

constexpr const char* server = "mail.amber.example";
constexpr const char* relay_words = "554 5.7.1 <bob@amber.example>: Relay access denied";
constexpr const char* local_words =
    "550 5.1.1 <bob@amber.example>: Recipient address rejected: User unknown in local recipient table";

/// Observations put together one by one, and what the rules make of them.
class Bench {
 public:
  Bench() {
    question_.to = "bob@amber.example";
    question_.from = "ann@neutral.example";
    see(diag::question_fact(question_));
    config.server_name = server;
    config.recipient_domain = "amber.example";
  }

  diag::ConfigFact config;

  Bench& see(diag::Fact fact) {
    seen_.push_back({"o" + std::to_string(seen_.size() + 1), std::move(fact), {}, {}});
    return *this;
  }
  Bench& hold(const std::string& words) {
    const auto reply = *smtp::parse_reply_line(words);
    diag::RefusalFact fact;
    fact.refusal.kind = dsn::Kind::failed;
    fact.refusal.reply = {reply.code, reply.status, reply.text()};
    const auto matches = kb::Catalogue::builtin().match(
        {reply.code, reply.status ? reply.status->to_string() : std::string(), reply.text()});
    if (!matches.empty()) {
      fact.reading.reason = matches.front().phrase->reason;
      fact.reading.rule = matches.front().phrase->id;
      fact.reading.states = matches.front().phrase->states;
      fact.reading.causes = matches.front().phrase->causes;
    }
    return see(fact);
  }
  Bench& exchanger(const std::string& name, std::uint16_t preference = 10) {
    if (mx_.hosts.empty()) mx_.kind = dns::MxKind::listed;
    mx_.domain = "amber.example";
    mx_.hosts.push_back({preference, name});
    return *this;
  }
  /// A session with `host`, which greets as `greets`, and its answer for a recipient.
  Bench& answers(const std::string& host, const std::string& greets, const std::string& words,
                 diag::Role role = diag::Role::recipient) {
    diag::SessionFact session;
    session.connected = true;
    session.shape.host = host;
    session.shape.server = {address_of(host), 25};
    session.banner.emplace();
    session.before_tls.emplace();
    session.before_tls->greeting_name = greets;
    diag::Attempt attempt;
    attempt.shape = session.shape;
    attempt.shape.rcpt_to = role == diag::Role::recipient ? question_.to : "nobody@amber.example";
    attempt.role = role;
    attempt.reply = smtp::parse_reply_line(words);
    attempt.outcome = attempt.reply->positive()    ? diag::Outcome::accepted
                      : attempt.reply->transient() ? diag::Outcome::deferred
                                                   : diag::Outcome::refused;
    attempt.order = static_cast<unsigned>(seen_.size()) << 16;
    return see(session).see(attempt);
  }
  diag::CauseVerdict verdict(std::string_view code) {
    auto all = seen_;
    const auto add = [&](diag::Fact fact) {
      all.push_back({"o" + std::to_string(all.size() + 1), std::move(fact), {}, {}});
    };
    add(config);
    add(diag::MxFact{mx_});
    for (const auto& host : mx_.hosts) {
      dns::HostAddresses found;
      found.host = host.name;
      found.addresses = {address_of(host.name)};
      add(diag::AddressFact{found});
    }
    for (const auto& v : judge(question_, all, kb::Catalogue::builtin()).causes)
      if (v.code == code) return v;
    return {};
  }
  Verdict of(std::string_view code) { return verdict(code).verdict; }

 private:
  static IpAddress address_of(const std::string& host) {
    return IpAddress::v4(0xC0000200U + static_cast<std::uint32_t>(std::hash<std::string>{}(host) % 250));
  }
  diag::Case question_;
  std::vector<diag::Observation> seen_;
  dns::MxLookup mx_;
};

Bench listed(const std::string& address_class) {
  Bench b;
  b.config.recipient_class = address_class;
  b.config.class_where = "domains:2 virtual_mailbox_domains: hash:/etc/postfix/domains";
  return b;
}

TEST(S41, ACompiledTableThatLacksTheDomainIsARecordWhereTheServerRefuses) {
  auto b = listed("virtual mailbox");
  b.config.stale = "domains.db lacks amber.example, which domains:2 has";
  b.config.reply_code_built = 554;
  b.exchanger(server).hold(relay_words).answers(server, server, relay_words);
  EXPECT_EQ(b.of("own.map_stale_or_not_rebuilt"), Verdict::proved);
}

TEST(S41, FilesThatListTheDomainAreNotEnough) {
  auto b = listed("virtual mailbox");
  b.exchanger(server).hold(relay_words).answers(server, server, relay_words);
  EXPECT_EQ(b.of("own.map_stale_or_not_rebuilt"), Verdict::likely);
  EXPECT_NE(b.of("rcpt.mx_not_configured_for_domain"), Verdict::proved);
}

TEST(S41, AnotherServersRefusalIsNotTheFilesBusiness) {
  auto b = listed("virtual mailbox");
  b.config.stale = "domains.db lacks amber.example, which domains:2 has";
  b.config.reply_code_built = 554;
  b.exchanger("mx.elsewhere.example").hold(relay_words);
  b.answers("mx.elsewhere.example", "mx.elsewhere.example", relay_words);
  EXPECT_NE(b.of("own.map_stale_or_not_rebuilt"), Verdict::proved);
  auto accepting = listed("virtual mailbox");
  accepting.config.stale = b.config.stale;
  accepting.config.reply_code_built = 554;
  accepting.exchanger(server).hold(relay_words).answers(server, server, "250 2.1.5 Ok");
  EXPECT_EQ(accepting.of("own.map_stale_or_not_rebuilt"), Verdict::ruled_out);
}

Bench looping() {
  auto b = listed("relay");
  b.config.goes_to_mx = true;
  b.hold("554 5.4.6 mail for amber.example loops back to myself");
  return b;
}

TEST(S59, ARelayedDomainWhoseBestExchangerIsTheServerItself) {
  EXPECT_EQ(looping().exchanger(server).of("own.domain_relays_to_itself"), Verdict::proved);
  // By another name of its own.
  EXPECT_EQ(looping()
                .exchanger("mx.amber.example")
                .answers("mx.amber.example", server, "250 2.1.5 Ok")
                .of("own.domain_relays_to_itself"),
            Verdict::proved);
}

TEST(S59, ABackupBehindABetterExchangerDoesNotLoopByItself) {
  EXPECT_EQ(looping().exchanger("mx.elsewhere.example").exchanger(server, 20).of("own.domain_relays_to_itself"),
            Verdict::likely);
  auto routed = looping();
  routed.config.goes_to_mx = false;
  routed.config.route = "smtp:[store.amber.example]";
  EXPECT_EQ(routed.exchanger(server).of("own.domain_relays_to_itself"), Verdict::ruled_out);
  auto open = looping();
  open.config.goes_to_mx.reset();
  EXPECT_EQ(open.exchanger(server).of("own.domain_relays_to_itself"), Verdict::likely);
}

/// A relay of another house that holds amber.example as local.
Bench wrongly_local(const std::string& relay = "relay.onyx.example") {
  auto b = listed("local");
  b.config.server_name = relay;
  b.config.reply_code = 550;
  b.config.reply_text = std::string(local_words).substr(4);
  b.hold(local_words).exchanger("mx.amber.example");
  return b;
}
Bench& knows_bob_only(Bench& b) {
  return b.answers("mx.amber.example", "mx.amber.example", "250 2.1.5 Ok")
      .answers("mx.amber.example", "mx.amber.example", "550 5.1.1 User unknown", diag::Role::random);
}

TEST(S60, ADomainHeldAsLocalWhoseExchangerKnowsTheRecipient) {
  auto b = wrongly_local();
  EXPECT_EQ(knows_bob_only(b).of("own.domain_wrongly_local"), Verdict::proved);
  EXPECT_EQ(b.of("own.domain_in_two_classes"), Verdict::ruled_out);
}

TEST(S60, AServerBehindItsHousesFilterHoldsTheDomainRightly) {
  auto own = wrongly_local("inside.amber.example");
  EXPECT_EQ(knows_bob_only(own).of("own.domain_wrongly_local"), Verdict::likely);
}

TEST(S60, AnExchangerThatTakesEverybodyKnowsNobody) {
  auto b = wrongly_local();
  b.answers("mx.amber.example", "mx.amber.example", "250 2.1.5 Ok")
      .answers("mx.amber.example", "mx.amber.example", "250 2.1.5 Ok", diag::Role::random);
  EXPECT_EQ(b.of("own.domain_wrongly_local"), Verdict::likely);
  auto unknown = wrongly_local();
  unknown.answers("mx.amber.example", "mx.amber.example", "550 5.1.1 User unknown");
  EXPECT_EQ(unknown.of("own.domain_wrongly_local"), Verdict::ruled_out);
}

Bench twice(std::optional<bool> known) {
  auto b = listed("local");
  b.config.also_in = {"main.cf:9 virtual_mailbox_domains: amber.example"};
  b.config.known_there = known;
  b.config.reply_code = 550;
  b.config.reply_text = std::string(local_words).substr(4);
  b.hold(local_words).exchanger(server);
  return b;
}

TEST(S61, AMailboxInTheClassThatLoses) {
  EXPECT_EQ(twice(true).of("own.domain_in_two_classes"), Verdict::proved);
  EXPECT_EQ(twice(false).of("own.domain_in_two_classes"), Verdict::ruled_out);
  EXPECT_EQ(twice(std::nullopt).of("own.domain_in_two_classes"), Verdict::likely);
  // "Unknown" is true in one table only: the live server says nothing else.
  auto b = twice(true);
  b.answers(server, server, local_words).answers(server, server, "250 2.1.5 Ok", diag::Role::postmaster);
  EXPECT_EQ(b.of("own.domain_in_two_classes"), Verdict::proved);
  EXPECT_EQ(b.of("lookalike.recipient_unknown_dbeb"), Verdict::ruled_out);
}

constexpr const char* lookup_words = "451 4.3.0 <bob@amber.example>: Temporary lookup failure";

Bench broken(const std::string& held) {
  auto b = listed("virtual mailbox");
  b.config.broken = "hash:/etc/postfix/virtual (main.cf:7) cannot be opened: there is no /etc/postfix/virtual.db";
  b.config.reply_code_built = 451;
  b.exchanger(server).hold(held);
  return b;
}

TEST(S68, ATableThatIsNotThereAndTheServerThatSaysSo) {
  EXPECT_EQ(broken(lookup_words).answers(server, server, lookup_words).of("own.server_config_broken"), Verdict::proved);
}

TEST(S68, ACopyThatLacksAFileProvesNothing) {
  EXPECT_EQ(broken(lookup_words).of("own.server_config_broken"), Verdict::likely);
  EXPECT_EQ(broken(lookup_words).answers(server, server, "250 2.1.5 Ok").of("own.server_config_broken"),
            Verdict::ruled_out);
  // It came to itself in the midst of the look.
  EXPECT_EQ(broken(lookup_words)
                .answers(server, server, lookup_words)
                .answers(server, server, "250 2.1.5 Ok")
                .of("own.server_config_broken"),
            Verdict::ruled_out);
  EXPECT_NE(broken(lookup_words).answers(server, server, "451 4.7.1 Greylisted").of("own.server_config_broken"),
            Verdict::proved);
  EXPECT_NE(broken("450 4.2.0 Greylisted").answers(server, server, lookup_words).of("own.server_config_broken"),
            Verdict::proved);
}

}  // namespace
}  // namespace smtpdx::rules
