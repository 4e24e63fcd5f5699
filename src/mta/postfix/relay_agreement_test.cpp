// SPDX-License-Identifier: Apache-2.0
//
// Sessions drawn at random against the computed set: what RelaySet says of a session is what the replay says of it.
// The draws know nothing of the set's classes; they are made of the words that stand in the configuration's files,
// their neighbours, and things nobody named. SMTPDX_RELAY_SESSIONS says how many (10,000).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "base/text.hpp"
#include "mta/postfix/change.hpp"
#include "mta/postfix/relay_set.hpp"
#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

struct Words {
  std::vector<IpAddress> addresses;
  std::vector<std::string> names, locals, users, prints;
};

IpAddress moved(const IpAddress& address, int by) {
  std::string bytes(address.bytes());
  int carry = by;
  for (auto at = bytes.size(); at-- > 0 && carry != 0;) {
    const int sum = static_cast<unsigned char>(bytes[at]) + carry;
    bytes[at] = static_cast<char>(sum & 0xff);
    carry = sum < 0 ? -1 : sum > 255 ? 1 : 0;
  }
  return IpAddress::from_bytes(bytes);
}

void take_network(Words& words, const Network& network) {
  std::string last(network.base.bytes());
  for (unsigned bit = network.prefix; bit < last.size() * 8; ++bit)
    last[bit / 8] = static_cast<char>(static_cast<unsigned char>(last[bit / 8]) | (0x80u >> (bit % 8)));
  const auto end = IpAddress::from_bytes(last);
  for (const auto& address : {network.base, moved(network.base, -1), moved(network.base, 5), end, moved(end, 1)})
    words.addresses.push_back(address);
}

void take(Words& words, std::string word) {
  while (!word.empty() && std::string(",{}=!;").find(word.front()) != std::string::npos) word.erase(0, 1);
  while (!word.empty() && std::string(",{}=;").find(word.back()) != std::string::npos) word.pop_back();
  if (word.empty()) return;
  if (const auto network = Network::parse(word)) return take_network(words, *network);
  if (word.find_first_not_of("0123456789.") == std::string::npos) {
    auto whole = word;
    while (split(whole, '.').size() < 4) whole += ".7";
    if (const auto address = IpAddress::parse(whole)) words.addresses.push_back(*address);
    return;
  }
  if (word.size() > 4 && word[2] == ':' && word.find_first_not_of("0123456789abcdefABCDEF:") == std::string::npos)
    words.prints.push_back(word);
  const auto at = word.find('@');
  if (at != std::string::npos && at > 0) {
    if (const auto local = word.substr(0, at); internal_form(local)) words.locals.push_back(local);
  }
  auto domain = at == std::string::npos ? word : word.substr(at + 1);
  if (domain.starts_with('.')) domain.erase(0, 1);
  if (valid_host_name(domain)) {
    if (domain.find('.') != std::string::npos)
      words.names.push_back(domain);
    else
      words.users.push_back(domain);
  }
}

Words words_of(const fs::path& directory) {
  Words words;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".db") continue;
    std::ifstream file(entry.path());
    for (std::string word; file >> word;) take(words, word);
  }
  for (const auto* address : {"203.0.113.9", "127.0.0.1", "::1", "2001:db8::9", "192.0.2.1", "192.0.2.77", "10.1.1.1"})
    words.addresses.push_back(*IpAddress::parse(address));
  words.names.insert(words.names.end(), {"far.example", "elsewhere.example", "short", "[192.0.2.9]"});
  words.locals.insert(words.locals.end(),
                      {"joe", "ann", "postmaster", "a%far.example", "far.example!b", "\"x@far.example\""});
  words.users.insert(words.users.end(), {"ann", "nobody-named", "joe@far.example"});
  words.prints.push_back("00:11");
  return words;
}

class Draws {
 public:
  Draws(Words words, std::uint32_t seed) : words_(std::move(words)), random_(seed) {}

  Session session(const Service& service, bool wrapper, const std::string& digest) {
    Session session;
    session.port = service.port();
    session.client = chance(6) ? IpAddress::v4(static_cast<std::uint32_t>(random_())) : pick(words_.addresses);
    session.client_name = chance(2) ? std::string("unknown") : name();
    if (!valid_host_name(*session.client_name)) session.client_name = "unknown";  // no PTR gives any other
    session.helo = chance(6) ? std::string("laptop") : name();
    session.tls = wrapper ? Tls::wrapper : chance(2) ? Tls::starttls : Tls::none;
    if (chance(2))
      session.login =
          Login{chance(3) ? pick(words_.locals) + "@" + pick(words_.names) : pick(words_.users), !chance(12)};
    if (chance(3)) {
      ClientCertificate certificate;
      certificate.trusted = chance(2);
      certificate.fingerprints[digest] = pick(words_.prints);
      session.certificate = certificate;
    }
    session.sender = chance(10) ? std::string() : address();
    session.recipient = address();
    return session;
  }

 private:
  bool chance(unsigned of) { return random_() % of == 0; }
  template <class T>
  const T& pick(const std::vector<T>& of) {
    return of[random_() % of.size()];
  }
  std::string name() { return (chance(3) ? "deep." : chance(4) ? "a.b." : "") + pick(words_.names); }
  std::string address() {
    return pick(words_.locals) + (chance(6) ? "+x" : "") + (chance(15) ? std::string() : "@" + name());
  }
  Words words_;
  std::mt19937 random_;
};

/// What the replay says of relaying outward: of mail for somewhere else, or that asks to be routed on.
Relay expected(const Configuration& configuration, Session session) {
  auto decision = decide(configuration, session);
  if (decision.recipient && decision.recipient->address_class == AddressClass::unknown) {
    session.recipient_class = AddressClass::none;  // a database's own domains are no strangers
    decision = decide(configuration, session);
  }
  if (!decision.recipient || (session.sender.find_first_of("@") == 0)) return Relay::no;
  const auto c = decision.recipient->address_class;
  const bool outward = c == AddressClass::none || c == AddressClass::unknown || decision.recipient->routed;
  return outward && !iequals(session.recipient, "postmaster") ? relay_of(decision) : Relay::no;
}

std::string told(const Session& s) {
  return s.client->to_string() + " " + s.client_name.value_or("?") + " port " + std::to_string(s.port) + " helo " +
         s.helo.value_or("?") + " tls " + std::to_string(static_cast<int>(*s.tls)) + " login " +
         (s.login ? *s.login->user : "-") + (s.certificate ? " cert" : "") + " from " + s.sender + " to " + s.recipient;
}

/// How many of the sessions may relay.
std::size_t agree(const Configuration& configuration, const fs::path& directory, std::size_t count,
                  const std::string& about) {
  const auto set = RelaySet::compute(configuration);
  EXPECT_TRUE(set) << about << ": " << set.error().message;
  if (!set) return 0;
  std::map<std::uint16_t, std::vector<const Service*>> ports;
  for (const auto& service : configuration.master.services())
    if (service.port() != 0 && service.command == "smtpd") ports[service.port()].push_back(&service);
  Draws draws(words_of(directory), 20260101);
  std::size_t open = 0, wrong = 0;
  for (const auto& [port, services] : ports) {
    if (services.size() != 1) continue;  // which one answers is another question
    const Parameters parameters(configuration.main, services.front());
    const auto host = services.front()->host();
    for (std::size_t i = 0; i < count / ports.size() && wrong < 5; ++i) {
      const auto session = draws.session(*services.front(), parameters.flag("smtpd_tls_wrappermode").value_or(false),
                                         parameters.get("smtpd_tls_fingerprint_digest").text.text());
      if (host == "127.0.0.1" && !session.client->is_loopback()) continue;
      const auto ours = set->of(session);
      const auto theirs = expected(configuration, session);
      open += theirs != Relay::no;
      const bool good =
          ours && (set->not_bounded().empty() ? *ours == theirs : *ours != Relay::no || theirs == Relay::no);
      wrong += !good;
      EXPECT_TRUE(good) << about << ": " << told(session) << ": the set says " << (ours ? to_string(*ours) : "nothing")
                        << ", the replay " << to_string(theirs);
    }
  }
  return open;
}

std::size_t sessions() {
  const char* set = std::getenv("SMTPDX_RELAY_SESSIONS");
  return set ? static_cast<std::size_t>(std::atol(set)) : 10'000;
}

const std::string base =
    "compatibility_level = 3.6\nmyhostname = mx.home.example\nmyorigin = home.example\n"
    "mydestination = $myhostname, home.example, localhost\nmynetworks = 127.0.0.0/8 10.0.0.0/8 [2001:db8::]/32\n"
    "local_recipient_maps =\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = /x\n"
    "relay_domains = branch.example\nvirtual_alias_domains = club.example\nvirtual_alias_maps =\n";

const std::vector<Files> configurations = {
    {{"main.cf",
      base + "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n"}},
    {{"main.cf", base + "recipient_delimiter = +\nsmtpd_relay_restrictions = check_sender_access hash:/etc/postfix/s, "
                        "check_recipient_access "
                        "hash:/etc/postfix/r, check_helo_access hash:/etc/postfix/h, reject_unauth_destination\n"},
     {"s",
      "boss@ OK\nboss@spam.example REJECT\npartner.example OK\n.deep.example OK\nspam.example 550 no\n<> "
      "permit_mynetworks, reject\n"},
     {"r",
      "abuse@ OK\nfriend.example OK\n.friend.example DUNNO\nx@far.example DISCARD\nfar.example "
      "reject_plaintext_session, permit\n"},
     {"h", "hello.example OK\nlaptop REJECT\n"}},
    {{"main.cf", base + "smtpd_relay_restrictions = check_client_access cidr:/etc/postfix/c, check_client_access "
                        "hash:/etc/postfix/k, "
                        "permit_mynetworks, reject_unauth_destination\nsmtpd_client_restrictions = check_client_access "
                        "cidr:{{198.51.100.0/24 REJECT}}\n"},
     {"c",
      "192.0.2.0/25 REJECT\n192.0.2.0/24 OK\n203.0.113.7 OK\n!10.0.0.0/8 DUNNO\n2001:db8:5::/48 REJECT\nif "
      "198.18.0.0/15\n198.18.3.0/24 OK\nendif\n"},
     {"k",
      "172.16 OK\n172.16.5 REJECT\npartner.example OK\nbad.partner.example DUNNO\n2001:db9 OK\nunknown "
      "reject_plaintext_session\n"}},
    {{"main.cf",
      base +
          "mynetworks = !10.5.0.0/16, 10.0.0.0/8, !bad.net.example, .net.example, 192.0.2.0/24, hash:/etc/postfix/n\n"
          "smtpd_relay_restrictions = permit_mynetworks, defer_unauth_destination\n"},
     {"n", "198.51.100.1 x\nnamed.example x\n"}},
    {{"main.cf",
      base + "smtpd_sender_login_maps = hash:/etc/postfix/o\nsmtpd_sender_restrictions = reject_sender_login_mismatch\n"
             "smtpd_relay_restrictions = check_sasl_access hash:/etc/postfix/u, permit_sasl_authenticated, "
             "permit_mynetworks, reject\n"},
     {"o", "ann@home.example ann\nbob@home.example bob, carl\n@club.example carl\n"},
     {"u", "bob REJECT\nann OK\n"}},
    {{"main.cf", base + "smtpd_sender_restrictions = reject_known_sender_login_mismatch, "
                        "reject_non_fqdn_sender\nsmtpd_sender_login_maps = pcre:/etc/postfix/o\n"
                        "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n"},
     {"o", "/^(.*)@home\\.example$/ $1\n/@club\\.example$/ ann\n"}},
    {{"main.cf", base + "smtpd_relay_restrictions = check_sender_access pcre:/etc/postfix/s, check_recipient_access "
                        "regexp:/etc/postfix/r, "
                        "check_client_access pcre:/etc/postfix/c, permit_mynetworks, reject_unauth_destination\n"},
     {"s", "/@partner\\.example$/ OK\n/^spam/ REJECT\n"},
     {"r", "/^abuse@/ OK\nif /far/\n/^joe/ DUNNO\n/./ permit_sasl_authenticated\nendif\n"},
     {"c", "/^10\\.1\\./ REJECT\n/\\.dsl\\.example$/ REJECT\n/^mail\\..*\\.far\\.example$/ OK\n"}},
    {{"main.cf", base + "smtpd_tls_ask_ccert = yes\nrelay_clientcerts = hash:/etc/postfix/f\nsmtpd_relay_restrictions "
                        "= permit_tls_clientcerts, "
                        "reject_plaintext_session, permit_tls_all_clientcerts, reject_unauth_destination\n"},
     {"f", "aa:bb:cc laptop\ndd:ee:ff phone\n"}},
    {{"main.cf",
      base + "smtpd_restriction_classes = inside, partners\ninside = permit_mynetworks, reject\npartners = "
             "check_client_access "
             "hash:/etc/postfix/k, reject_unauth_destination\nsmtpd_relay_restrictions = check_sender_access "
             "hash:/etc/postfix/s, reject_unauth_destination\n"
             "smtpd_recipient_restrictions = check_recipient_access hash:/etc/postfix/r, reject_non_fqdn_recipient\n"
             "smtpd_sender_restrictions = reject_unlisted_sender\nvirtual_alias_maps = hash:/etc/postfix/v\n"},
     {"s",
      "home.example inside\npartner.example partners\nclub.example warn_if_reject reject, permit_sasl_authenticated\n"},
     {"k", "203.0.113 OK\n"},
     {"r", "far.example DEFER_IF_PERMIT wait\nelsewhere.example REJECT\n"},
     {"v", "ann@club.example ann\n"}},
    {{"main.cf", base + "smtpd_delay_reject = no\nsmtpd_client_restrictions = permit_mynetworks, "
                        "reject\nallow_untrusted_routing = yes\n"
                        "smtpd_relay_restrictions = permit_auth_destination, permit_sasl_authenticated, reject\n"}},
    {{"main.cf",
      base + "smtpd_relay_before_recipient_restrictions = no\nsmtpd_relay_restrictions =\n"
             "smtpd_recipient_restrictions = permit_mynetworks, check_helo_access hash:/etc/postfix/h, "
             "reject_unauth_destination, permit_sasl_authenticated\n"
             "smtpd_sasl_exceptions_networks = 10.9.0.0/16\nsmtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n"},
     {"h", "hello.example permit_sasl_authenticated\n.hello.example OK\n"}},
    {{"main.cf", base + "smtpd_reject_unlisted_recipient = no\nrelay_domains = "
                        "mysql:/etc/postfix/q\nsmtpd_client_restrictions = reject_rbl_client bl.example\n"
                        "smtpd_relay_restrictions = permit_mynetworks, check_sender_access mysql:/etc/postfix/q, "
                        "permit_mx_backup, reject_unauth_destination\n"}},
    {{"main.cf", base},
     {"master.cf",
      "smtp inet n - n - - smtpd\n -o smtpd_sasl_auth_enable=no\n"
      "submission inet n - n - - smtpd\n -o smtpd_tls_security_level=encrypt\n -o "
      "smtpd_client_restrictions=permit_sasl_authenticated,reject\n"
      "smtps inet n - n - - smtpd\n -o smtpd_tls_wrappermode=yes\n -o "
      "smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
      "127.0.0.1:10025 inet n - n - - smtpd\n -o mynetworks=127.0.0.0/8\n -o "
      "smtpd_relay_restrictions=permit_mynetworks,reject\n"}},
};

TEST(RelayAgreement, TheSetIsWhatTheReplaySays) {
  std::size_t open = 0, asked = 0;
  const auto each = sessions() / configurations.size();
  for (const auto& files : configurations) {
    const testing::TemporaryDirectory directory(files);
    auto configuration = load(directory.path());
    ASSERT_TRUE(configuration) << configuration.error().message;
    configuration->own_addresses = {{*IpAddress::parse("192.0.2.1"), 24, true}};
    const auto relayed = agree(*configuration, directory.path(), each, files.at("main.cf").substr(base.size()));
    EXPECT_GT(relayed, each / 200) << files.at("main.cf").substr(base.size());
    open += relayed;
    asked += each;
  }
  std::cout << asked << " sessions, " << open << " of them may relay\n";
}

TEST(RelayAgreement, AlsoForTheConfigurationsOfRealServers) {
  const auto corpus = fs::path(SMTPDX_SOURCE_DIR) / ".." / "shared" / "corpus" / "relay" / "postfix";
  if (!fs::is_directory(corpus)) GTEST_SKIP() << "SKIP: no corpus of configurations in " << corpus;
  std::size_t open = 0, count = 0;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    if (!entry.is_directory()) continue;
    auto configuration = load(entry.path() / "etc");
    ASSERT_TRUE(configuration) << configuration.error().message;
    configuration->own_addresses = {{*IpAddress::parse("192.0.2.25"), 24, true}};
    open += agree(*configuration, entry.path() / "etc", sessions() / 25, entry.path().filename().string());
    ++count;
  }
  std::cout << count << " configurations, " << open << " sessions may relay\n";
}

std::size_t open_to_everybody(const Configuration& configuration) {
  const auto set = RelaySet::compute(configuration);
  if (!set) return 0;
  const auto regions = set->regions();
  return static_cast<std::size_t>(
      std::count_if(regions.begin(), regions.end(), [](const RelayRegion& region) { return region.everybody; }));
}

TEST(RelayAgreement, NoAdviceEverOpensTheRelay) {
  std::size_t advices = 0;
  for (const auto& files : configurations) {
    const testing::TemporaryDirectory directory(files);
    auto configuration = load(directory.path());
    ASSERT_TRUE(configuration);
    configuration->own_addresses = {{*IpAddress::parse("192.0.2.1"), 24, true}};
    const auto before = open_to_everybody(*configuration);
    Draws draws(words_of(directory.path()), 7);
    for (int i = 0; i < 5; ++i) {
      auto session = draws.session(configuration->master.services().front(), false, "sha256");
      const auto decision = decide(*configuration, session);
      for (const auto& change : change_for(*configuration, session, decision).changes) {
        if (change.lines.empty()) continue;
        const auto after = edited(*configuration, change.lines);
        ASSERT_TRUE(after);
        EXPECT_LE(open_to_everybody(*after), before) << told(session) << ": " << change.edit;
        EXPECT_NE(decide(*after, session).verdict, decision.verdict) << told(session) << ": " << change.edit;
        ++advices;
      }
    }
  }
  EXPECT_GT(advices, 10u);
  std::cout << advices << " edits\n";
}

}  // namespace
}  // namespace smtpdx::mta::postfix
