// SPDX-License-Identifier: Apache-2.0
#include "smtp/sasl.hpp"

#include <gsasl.h>
#include <gtest/gtest.h>

// Read by LeakSanitizer where the tests are built with it: MIT Kerberos 1.20 leaks 16 octets when GSSAPI is started on
// a machine without a ticket, below any code of ours.
extern "C" const char* __lsan_default_suppressions() { return "leak:libgssapi_krb5\n"; }

namespace smtpdx::smtp {
namespace {

Credentials alice() {
  Credentials c;
  c.user = "alice";
  c.secret = "hunter2 secret";
  c.host = "mx.example.org";
  c.port = 587;
  return c;
}

TEST(ChooseMechanism, TakesTheStrongestBothHave) {
  auto c = alice();
  EXPECT_EQ(choose_mechanism(c, {"LOGIN", "PLAIN"}), "PLAIN");
  EXPECT_EQ(choose_mechanism(c, {"PLAIN", "LOGIN", "SCRAM-SHA-1", "CRAM-MD5", "SCRAM-SHA-256"}), "SCRAM-SHA-256");
  EXPECT_EQ(choose_mechanism(c, {"login"}), "LOGIN");
  EXPECT_EQ(choose_mechanism(c, {"XOAUTH2", "OAUTHBEARER", "NTLM", "GSSAPI", "EXTERNAL"}), std::nullopt);
  EXPECT_EQ(choose_mechanism(c, {}), std::nullopt);
}

TEST(ChooseMechanism, TakesTheNamedOneWhereOffered) {
  auto c = alice();
  c.mechanism = "XOAUTH2";
  EXPECT_EQ(choose_mechanism(c, {"PLAIN", "XOAUTH2"}), "XOAUTH2");
  EXPECT_EQ(choose_mechanism(c, {"PLAIN"}), std::nullopt);
  c.mechanism = "EXTERNAL";
  EXPECT_EQ(choose_mechanism(c, {"EXTERNAL"}), std::nullopt);  // offered, but not one of ours
}

TEST(MakeSasl, RefusesWhatItCannotDo) {
  EXPECT_EQ(make_sasl("KERBEROS_V4", alice()).error().kind, ErrorKind::usage);
  auto c = alice();
  c.secret = std::string("a\0b", 3);
  EXPECT_EQ(make_sasl("PLAIN", c).error().kind, ErrorKind::usage);
  c.secret =
      "a\x01"
      "b";
  EXPECT_FALSE(make_sasl("XOAUTH2", c));
}

TEST(Plain, OneMessageAndNoMore) {
  auto client = *make_sasl("PLAIN", alice());
  EXPECT_EQ(*client->initial(), std::string("\0alice\0hunter2 secret", 21));
  EXPECT_FALSE(client->respond("and?"));
}

TEST(Login, UserThenSecretWhateverIsAsked) {
  auto client = *make_sasl("LOGIN", alice());
  EXPECT_EQ(*client->initial(), std::nullopt);
  EXPECT_EQ(*client->respond("User Name"), "alice");
  EXPECT_EQ(*client->respond("?"), "hunter2 secret");
  EXPECT_FALSE(client->respond("and?"));
}

// RFC 2195 §2.
TEST(CramMd5, ExampleOfTheStandard) {
  Credentials c;
  c.user = "tim";
  c.secret = "tanstaaftanstaaf";
  auto client = *make_sasl("CRAM-MD5", c);
  EXPECT_EQ(*client->initial(), std::nullopt);
  EXPECT_EQ(*client->respond("<1896.697170952@postoffice.reston.mci.net>"), "tim b913a602c7eda7a495b4e6e7334d3890");
}

// RFC 7628 §4.1.
TEST(OAuthBearer, FormOfTheStandard) {
  auto c = alice();
  c.user = "us=er,@example.com";
  c.secret = "vF9dft4qmT";
  auto client = *make_sasl("OAUTHBEARER", c);
  EXPECT_EQ(**client->initial(),
            "n,a=us=3Der=2C@example.com,\1host=mx.example.org\1port=587\1auth=Bearer vF9dft4qmT\1\1");
  EXPECT_EQ(*client->respond("{\"status\":\"invalid_token\"}"), "\1");
  EXPECT_EQ(client->error_document(), "{\"status\":\"invalid_token\"}");
  EXPECT_FALSE(client->respond("again"));
}

TEST(XOAuth2, ErrorDocumentIsKept) {
  auto c = alice();
  c.secret = "token";
  auto client = *make_sasl("XOAUTH2", c);
  EXPECT_EQ(**client->initial(), "user=alice\1auth=Bearer token\1\1");
  EXPECT_EQ(*client->respond("{\"status\":\"400\"}"), "");
  EXPECT_EQ(client->error_document(), "{\"status\":\"400\"}");
}

/// libgsasl's server side of one mechanism.
class Server {
 public:
  Server(const char* mechanism, const char* secret) {
    EXPECT_EQ(gsasl_init(&context_), GSASL_OK);
    gsasl_callback_hook_set(context_, const_cast<char*>(secret));
    gsasl_callback_set(context_, [](Gsasl* context, Gsasl_session* session, Gsasl_property property) -> int {
      switch (property) {
        case GSASL_PASSWORD:
          return gsasl_property_set(session, property, static_cast<const char*>(gsasl_callback_hook_get(context)));
        case GSASL_REALM:
        case GSASL_HOSTNAME:
          return gsasl_property_set(session, property, "mx.example.org");
        case GSASL_SERVICE:
          return gsasl_property_set(session, property, "smtp");
        default:
          return GSASL_NO_CALLBACK;
      }
    });
    EXPECT_EQ(gsasl_server_start(context_, mechanism, &session_), GSASL_OK);
  }
  Server(const Server&) = delete;
  ~Server() {
    gsasl_finish(session_);
    gsasl_done(context_);
  }
  std::string step(std::string_view input) {
    char* out = nullptr;
    std::size_t size = 0;
    code = gsasl_step(session_, input.data(), input.size(), &out, &size);
    std::string answer(out == nullptr ? "" : out, size);
    gsasl_free(out);
    return answer;
  }
  int code = GSASL_NEEDS_MORE;

 private:
  Gsasl* context_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

/// Lets both sides talk until the server has decided; true where it let us in.
bool authenticates(const char* mechanism, const char* servers_secret) {
  Server server(mechanism, servers_secret);
  auto client = *make_sasl(mechanism, alice());
  auto initial = *client->initial();
  auto challenge = server.step(initial.value_or(""));
  for (int i = 0; i < 6 && server.code == GSASL_NEEDS_MORE; ++i) {
    auto answer = client->respond(challenge);
    if (!answer) return false;
    challenge = server.step(*answer);
  }
  if (server.code == GSASL_OK && !challenge.empty()) return client->respond(challenge).has_value();
  return server.code == GSASL_OK;
}

TEST(PasswordMechanisms, ProveTheSecretToARealServer) {
  for (auto mechanism : {"CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    EXPECT_TRUE(authenticates(mechanism, "hunter2 secret")) << mechanism;
    EXPECT_FALSE(authenticates(mechanism, "another one")) << mechanism;
  }
}

TEST(DigestMd5, ChallengesNeedNotEndInNul) {
  const std::string challenge = "realm=\"example.org\",nonce=\"abc\",qop=\"auth\",algorithm=md5-sess";
  std::vector<char> bare(challenge.begin(), challenge.end());  // what reads past its end is found by the sanitizers
  auto client = *make_sasl("DIGEST-MD5", alice());
  EXPECT_TRUE(client->respond(std::string_view(bare.data(), bare.size())));
}

TEST(Scram, NotFooledByAServerWithoutTheSecret) {
  auto client = *make_sasl("SCRAM-SHA-256", alice());
  auto first = **client->initial();
  auto nonce = first.substr(first.find("r=") + 2);
  EXPECT_TRUE(client->respond("r=" + nonce + "server,s=c2FsdHNhbHQ=,i=4096"));
  EXPECT_FALSE(client->respond("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
}

TEST(Scram, NotFooledByAnotherNonce) {
  auto client = *make_sasl("SCRAM-SHA-1", alice());
  EXPECT_TRUE(client->initial());
  EXPECT_FALSE(client->respond("r=somethingelse,s=c2FsdHNhbHQ=,i=4096"));
}

TEST(Scram, ComputesNoLongerThanIsReasonable) {
  for (auto count : {"1000001", "4294967295", "18446744073709551616", "99999999999999999999999"}) {
    auto client = *make_sasl("SCRAM-SHA-256", alice());
    auto first = **client->initial();
    auto nonce = first.substr(first.find("r=") + 2);
    auto answer = client->respond("r=" + nonce + "server,s=c2FsdHNhbHQ=,i=" + count);
    ASSERT_FALSE(answer) << count;
    EXPECT_EQ(answer.error().kind, ErrorKind::limit);
  }
  auto client = *make_sasl("SCRAM-SHA-256", alice());
  auto first = **client->initial();
  EXPECT_TRUE(client->respond("r=" + first.substr(first.find("r=") + 2) + "server,s=c2FsdHNhbHQ=,i=100000"));
}

}  // namespace
}  // namespace smtpdx::smtp
