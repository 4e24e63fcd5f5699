// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.hpp"
#include "io/listener.hpp"
#include "io/real.hpp"

namespace smtpdx::io {
namespace {

const IpAddress loopback = *IpAddress::parse("127.0.0.1");
constexpr auto day = 24h;

class TlsTest : public testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = make_runtime();
  WallTime now_ = std::chrono::floor<std::chrono::seconds>(runtime_->wall());
  ServerCertPtr root_ = make({.common_name = "Test Root", .use = CertUse::authority});
  std::string root_file_;

  static ServerCertPtr make_dated(CertSpec spec) {
    auto cert = make_server_cert(spec);
    EXPECT_TRUE(cert) << (cert ? "" : cert.error().message);
    return cert ? *cert : nullptr;
  }
  ServerCertPtr make(CertSpec spec) {
    if (spec.not_before == WallTime{}) spec.not_before = now_ - day;
    if (spec.not_after == WallTime{}) spec.not_after = now_ + 30 * day;
    return make_dated(std::move(spec));
  }
  ServerCertPtr leaf(std::vector<std::string> names) {
    CertSpec spec{.common_name = "leaf", .dns_names = std::move(names)};
    spec.issuer = root_;
    return make(spec);
  }

  void SetUp() override {
    root_file_ = testing::TempDir() + "smtpdx_root_" + std::to_string(::getpid()) + ".pem";
    std::ofstream(root_file_) << certificate_pem(*root_);
  }
  void TearDown() override { std::remove(root_file_.c_str()); }

  struct Seen {
    TlsFacts client;
    TlsFacts server;
    std::string client_read;
    std::string server_read;
  };
  struct Setup {
    TlsServerOptions server;
    TlsOptions client;
    std::optional<WallTime> now;
    std::shared_ptr<TlsClient> trusting = {};  ///< else one that trusts root_
  };

  static Task<bool> serve(Listener& listener, TlsServerOptions options, Seen& seen, Deadline deadline) {
    auto stream = co_await listener.accept(deadline);
    if (!stream) co_return false;
    seen.server = co_await (*stream)->start_tls_server(options, deadline);
    if (!seen.server.established) co_return true;
    std::array<char, 64> buffer;
    auto n = co_await (*stream)->read_some(buffer, deadline);
    if (!n) co_return false;
    seen.server_read.assign(buffer.data(), *n);
    auto sent = co_await (*stream)->write_all("250 ok\r\n", deadline);
    if (!sent) co_return false;
    auto end = co_await (*stream)->read_some(buffer, deadline);
    co_return !end && end.error().kind == Failure::closed && end.error().text == "end of the tls session";
  }
  static Task<bool> ask(Connector& connector, Endpoint to, TlsOptions options, Seen& seen, Deadline deadline) {
    ConnectRequest request{to, "", {}};
    auto stream = co_await connector.connect(request, deadline);
    if (!stream) co_return false;
    seen.client = co_await (*stream)->start_tls(options, deadline);
    if (!seen.client.established) co_return true;
    auto sent = co_await (*stream)->write_all("EHLO x\r\n", deadline);
    if (!sent) co_return false;
    std::array<char, 64> buffer;
    auto n = co_await (*stream)->read_some(buffer, deadline);
    if (!n) co_return false;
    seen.client_read.assign(buffer.data(), *n);
    co_return (*stream)->is_tls();
  }

  Seen meet(Setup setup) {
    TlsTrust trust{{root_file_}, setup.now};
    auto client = setup.trusting ? setup.trusting : *make_tls_client(trust);
    auto connector = make_tcp_connector(*runtime_, client);
    auto listener = *listen_tcp(*runtime_, {loopback, 0});
    Seen seen;
    const auto deadline = runtime_->deadline_in(10s);
    std::vector<Task<bool>> both;
    both.push_back(serve(*listener, setup.server, seen, deadline));
    both.push_back(ask(*connector, listener->local(), setup.client, seen, deadline));
    EXPECT_EQ(run(*runtime_, when_all(std::move(both))), (std::vector<bool>{true, true}));
    return seen;
  }
};

TEST_F(TlsTest, TrustedChainAndRightName) {
  auto seen = meet({.server = {leaf({"mx.example.org", "*.mail.example.org"})},
                    .client = {.server_name = "MX.example.org."},
                    .now = {}});
  ASSERT_TRUE(seen.client.established) << seen.client.error;
  EXPECT_EQ(seen.client.version, TlsVersion::tls1_3);
  EXPECT_FALSE(seen.client.cipher.empty());
  EXPECT_TRUE(seen.client.chain_trusted) << seen.client.verify_error;
  EXPECT_TRUE(seen.client.name_matches);
  EXPECT_EQ(seen.client_read, "250 ok\r\n");
  EXPECT_EQ(seen.server_read, "EHLO x\r\n");
  ASSERT_EQ(seen.client.chain.size(), 1u);  // a root is not sent
  const auto& leaf = seen.client.chain[0];
  EXPECT_EQ(leaf.dns_names, (std::vector<std::string>{"mx.example.org", "*.mail.example.org"}));
  EXPECT_EQ(leaf.subject, "CN=leaf");
  EXPECT_EQ(leaf.issuer, "CN=Test Root");
  EXPECT_EQ(leaf.not_before, now_ - day);
  EXPECT_EQ(leaf.not_after, now_ + 30 * day);
  EXPECT_FALSE(leaf.self_signed);
  EXPECT_EQ(leaf.key_type, "EC");
  EXPECT_EQ(leaf.key_bits, 256);
  EXPECT_EQ(leaf.sha256.size(), 64u);
  EXPECT_EQ(leaf.pubkey_sha256.size(), 64u);
  EXPECT_NE(leaf.sha256, leaf.pubkey_sha256);
  EXPECT_FALSE(leaf.der.empty());
}

/// A directory of roots as c_rehash makes it, chosen by SSL_CERT_DIR.
class RootsDirectory {
 public:
  RootsDirectory() : path_(testing::TempDir() + "smtpdx_roots_" + std::to_string(::getpid())) {
    std::filesystem::create_directory(path_);
    ::setenv("SSL_CERT_DIR", path_.c_str(), 1);
  }
  ~RootsDirectory() {
    ::unsetenv("SSL_CERT_DIR");
    std::filesystem::remove_all(path_);
  }
  void add(const std::string& pem, const std::string& suffix) {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    std::unique_ptr<X509, decltype(&X509_free)> root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                                                     &X509_free);
    char name[20];
    std::snprintf(name, sizeof name, "%08lx.%s", X509_subject_name_hash(root.get()), suffix.c_str());
    std::ofstream(path_ + "/" + name) << pem;
  }
  void remove_files() { std::filesystem::remove_all(path_); }

 private:
  std::string path_;
};

TEST_F(TlsTest, RootsReadBeforeTheirFilesAreOutOfReach) {
  RootsDirectory roots;
  auto namesake = make({.common_name = "Test Root", .use = CertUse::authority});  // the same name, another key
  roots.add(certificate_pem(*namesake), "0");
  roots.add(certificate_pem(*root_), "1");
  TlsTrust trust;
  trust.read_now = true;
  auto client = *make_tls_client(trust);
  trust.read_now = false;
  auto late = *make_tls_client(trust);
  roots.remove_files();
  for (int i = 0; i < 2; ++i) {  // looked up, then known
    auto seen = meet({.server = {leaf({"mx.example.org"})},
                      .client = {.server_name = "mx.example.org"},
                      .now = {},
                      .trusting = client});
    EXPECT_TRUE(seen.client.chain_trusted) << seen.client.verify_error;
  }
  auto stranger = make({.common_name = "Another Root", .use = CertUse::authority});
  CertSpec spec{.common_name = "leaf", .dns_names = {"mx.example.org"}};
  spec.issuer = stranger;
  auto seen = meet({.server = {make(spec)}, .client = {}, .now = {}, .trusting = client});
  EXPECT_FALSE(seen.client.chain_trusted);
  seen = meet({.server = {leaf({"mx.example.org"})}, .client = {}, .now = {}, .trusting = late});
  EXPECT_FALSE(seen.client.chain_trusted) << "the control: looked up when needed, it is not there any more";
}

TEST_F(TlsTest, WrongNameIsSaidAndStopsNothing) {
  auto seen = meet({.server = {leaf({"other.example.org"})}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_TRUE(seen.client.established);
  EXPECT_TRUE(seen.client.chain_trusted);
  EXPECT_FALSE(seen.client.name_matches);
}

TEST_F(TlsTest, NamesFollowRfc6125) {
  auto wild = [&](const char* name) {
    return meet({.server = {leaf({"*.example.org"})}, .client = {.server_name = name}, .now = {}}).client.name_matches;
  };
  EXPECT_TRUE(wild("mx.example.org"));
  EXPECT_FALSE(wild("a.mx.example.org"));
  EXPECT_FALSE(wild("example.org"));
  CertSpec by_address{.common_name = "leaf", .ip_names = {"192.0.2.1"}};
  by_address.issuer = root_;
  auto cert = make(by_address);
  EXPECT_TRUE(meet({.server = {cert}, .client = {.server_name = "192.0.2.1"}, .now = {}}).client.name_matches);
  EXPECT_FALSE(meet({.server = {cert}, .client = {.server_name = "192.0.2.2"}, .now = {}}).client.name_matches);
}

TEST_F(TlsTest, TheCommonNameCountsWithoutAlternativeNames) {
  CertSpec spec{.common_name = "mx.example.org"};
  spec.issuer = root_;
  auto seen = meet({.server = {make(spec)}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_TRUE(seen.client.name_matches);
  EXPECT_EQ(seen.client.chain.at(0).dns_names, std::vector<std::string>{"mx.example.org"});
}

TEST_F(TlsTest, ExpiredIsSaid) {
  CertSpec spec{.common_name = "mx.example.org", .not_before = now_ - 90 * day, .not_after = now_ - day};
  spec.issuer = root_;
  auto cert = make(spec);
  auto seen = meet({.server = {cert}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_TRUE(seen.client.established);
  EXPECT_FALSE(seen.client.chain_trusted);
  EXPECT_EQ(seen.client.verify_error, "certificate has expired");
  EXPECT_TRUE(seen.client.name_matches);
}

TEST_F(TlsTest, TheClockOfVerificationCanBeSet) {
  auto cert = leaf({"mx.example.org"});
  auto later = meet({.server = {cert}, .client = {.server_name = "mx.example.org"}, .now = now_ + 60 * day});
  EXPECT_FALSE(later.client.chain_trusted);
  EXPECT_EQ(later.client.verify_error, "certificate has expired");
}

TEST_F(TlsTest, SelfSignedIsSaid) {
  auto seen = meet(
      {.server = {make({.common_name = "mx.example.org"})}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_TRUE(seen.client.established);
  EXPECT_FALSE(seen.client.chain_trusted);
  EXPECT_EQ(seen.client.verify_error, "self-signed certificate");
  EXPECT_TRUE(seen.client.chain.at(0).self_signed);
}

TEST_F(TlsTest, IntermediatesAreSentAndUsed) {
  CertSpec middle{.common_name = "Test Intermediate", .use = CertUse::authority};
  middle.issuer = root_;
  CertSpec spec{.common_name = "leaf", .dns_names = {"mx.example.org"}, .key = CertKey::rsa_2048};
  spec.issuer = make(middle);
  auto seen = meet({.server = {make(spec)}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_TRUE(seen.client.chain_trusted) << seen.client.verify_error;
  ASSERT_EQ(seen.client.chain.size(), 2u);
  EXPECT_EQ(seen.client.chain[0].key_type, "RSA");
  EXPECT_EQ(seen.client.chain[0].key_bits, 2048);
  EXPECT_EQ(seen.client.chain[1].subject, "CN=Test Intermediate");
}

TEST_F(TlsTest, OldVersionsCanBeSpoken) {
  for (const auto version : {TlsVersion::tls1_0, TlsVersion::tls1_1, TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    TlsServerOptions server{leaf({"mx.example.org"}), version, version};
    auto by_server = meet({.server = server, .client = {.server_name = "mx.example.org"}, .now = {}});
    EXPECT_TRUE(by_server.client.established) << to_string(version) << ": " << by_server.client.error;
    EXPECT_EQ(by_server.client.version, version);
    TlsOptions client{"mx.example.org", version, version};
    TlsServerOptions any{leaf({"mx.example.org"})};
    auto by_client = meet({.server = any, .client = client, .now = {}});
    EXPECT_TRUE(by_client.client.established) << to_string(version) << ": " << by_client.client.error;
    EXPECT_EQ(by_client.client.version, version);
  }
}

TEST_F(TlsTest, NoCommonVersionEndsWithAnAlert) {
  TlsServerOptions old{leaf({"mx.example.org"}), TlsVersion::tls1_0, TlsVersion::tls1_0};
  TlsOptions modern{"mx.example.org", TlsVersion::tls1_2, TlsVersion::tls1_3};
  auto seen = meet({.server = old, .client = modern, .now = {}});
  EXPECT_FALSE(seen.client.established);
  EXPECT_EQ(seen.client.failure, Failure::tls);
  EXPECT_EQ(seen.client.alert, "protocol version");
  EXPECT_FALSE(seen.client.error.empty());
  EXPECT_FALSE(seen.server.established);
  EXPECT_FALSE(seen.server.error.empty());
}

TEST_F(TlsTest, LargeWritesArriveWhole) {
  auto connector = make_tcp_connector(*runtime_, *make_tls_client({}));
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  const std::string large(300'000, 'm');
  struct Peer {
    static Task<bool> sink(Listener& l, TlsServerOptions o, std::size_t want, Deadline d) {
      auto s = co_await l.accept(d);
      if (!s) co_return false;
      (void)co_await (*s)->start_tls_server(o, d);
      std::vector<char> buffer(10'000);
      std::size_t seen = 0;
      while (seen < want) {
        auto n = co_await (*s)->read_some(buffer, d);
        if (!n) co_return false;
        seen += *n;
      }
      auto sent = co_await (*s)->write_all("ok", d);
      co_return sent&& seen == want;
    }
    static Task<bool> source(Connector& c, Endpoint to, std::string_view bytes, Deadline d) {
      ConnectRequest request{to, "", {}};
      auto s = co_await c.connect(request, d);
      if (!s) co_return false;
      TlsOptions options{"x.example"};
      (void)co_await (*s)->start_tls(options, d);
      auto n = co_await (*s)->write_all(bytes, d);
      if (!n) co_return false;
      std::array<char, 8> buffer;
      auto answer = co_await (*s)->read_some(buffer, d);
      co_return answer && *answer == 2;
    }
  };
  const auto deadline = runtime_->deadline_in(10s);
  TlsServerOptions options{leaf({"x.example"})};
  std::vector<Task<bool>> both;
  both.push_back(Peer::sink(*listener, options, large.size(), deadline));
  both.push_back(Peer::source(*connector, listener->local(), large, deadline));
  EXPECT_EQ(run(*runtime_, when_all(std::move(both))), (std::vector<bool>{true, true}));
}

// What servers do instead of a handshake.
enum class Instead { plain_text, silence, end, reset };

Task<bool> misbehave(Listener& listener, Instead what, Deadline deadline) {
  auto stream = co_await listener.accept(deadline);
  if (!stream) co_return false;
  std::array<char, 4096> buffer;
  (void)co_await (*stream)->read_some(buffer, deadline);
  if (what == Instead::plain_text) (void)co_await (*stream)->write_all("220 not yet\r\n", deadline);
  if (what == Instead::reset) (*stream)->reset();
  if (what == Instead::plain_text || what == Instead::silence) (void)co_await (*stream)->read_some(buffer, deadline);
  co_return true;
}

Task<TlsFacts> try_tls(Connector& connector, Endpoint to, Deadline deadline) {
  ConnectRequest request{to, "", {}};
  auto stream = co_await connector.connect(request, deadline);
  if (!stream) co_return TlsFacts{};
  TlsOptions options{"x.example"};
  auto facts = co_await (*stream)->start_tls(options, deadline);
  auto after = co_await (*stream)->write_all("MAIL FROM:<>\r\n", deadline);
  if (after) facts.failure.reset();  // nothing may go out in the clear after a failed handshake
  co_return facts;
}

TEST_F(TlsTest, WhatIsNoHandshakeIsToldApart) {
  auto connector = make_tcp_connector(*runtime_, *make_tls_client({}));
  auto meet_instead = [&](Instead what) {
    auto listener = *listen_tcp(*runtime_, {loopback, 0});
    struct Both {
      static Task<TlsFacts> run(Listener& l, Connector& c, Instead what, Deadline server, Deadline client) {
        std::vector<Task<bool>> tasks;
        TlsFacts facts;
        tasks.push_back(misbehave(l, what, server));
        tasks.push_back(keep(c, l.local(), client, facts));
        (void)co_await when_all(std::move(tasks));
        co_return facts;
      }
      static Task<bool> keep(Connector& c, Endpoint to, Deadline d, TlsFacts& facts) {
        facts = co_await try_tls(c, to, d);
        co_return true;
      }
    };
    return run(*runtime_,
               Both::run(*listener, *connector, what, runtime_->deadline_in(5s), runtime_->deadline_in(200ms)));
  };
  auto plain = meet_instead(Instead::plain_text);
  EXPECT_EQ(plain.failure, Failure::tls);
  EXPECT_EQ(plain.error, "wrong version number");
  EXPECT_EQ(meet_instead(Instead::silence).failure, Failure::timed_out);
  EXPECT_EQ(meet_instead(Instead::end).failure, Failure::closed);
  EXPECT_EQ(meet_instead(Instead::reset).failure, Failure::reset);
}

TEST_F(TlsTest, CaFilesAreChecked) {
  auto absent = make_tls_client({.ca_files = {"/nonexistent/ca.pem"}, .now = {}});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, ErrorKind::unreadable);
  EXPECT_NE(absent.error().message.find("no such file"), std::string::npos) << absent.error().message;
  const auto empty = testing::TempDir() + "smtpdx_empty_" + std::to_string(::getpid()) + ".pem";
  std::ofstream(empty) << "nothing\n";
  EXPECT_FALSE(make_tls_client({.ca_files = {empty}, .now = {}}));
  std::remove(empty.c_str());
}

TEST_F(TlsTest, CertificatesRefuseImpossibleNames) {
  EXPECT_FALSE(make_server_cert({.common_name = "x", .dns_names = {"a,DNS:b"}, .not_before = now_, .not_after = now_}));
  EXPECT_FALSE(make_server_cert({.common_name = "x", .ip_names = {"nowhere"}, .not_before = now_, .not_after = now_}));
}

TEST_F(TlsTest, DatesBeyondTheClockAreCut) {
  // 9999 is written by devices that never expire; the clock's type ends in 2262.
  CertSpec spec{.common_name = "mx.example.org", .not_before = now_ - day, .not_after = WallTime::max()};
  auto seen = meet({.server = {make(spec)}, .client = {.server_name = "mx.example.org"}, .now = {}});
  EXPECT_GT(seen.client.chain.at(0).not_after, now_ + 365 * day * 200);
}

}  // namespace
}  // namespace smtpdx::io
