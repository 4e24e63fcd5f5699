// SPDX-License-Identifier: Apache-2.0
// links: smtp
//
// Challenges from a hostile server, for each mechanism. First octet: which mechanism; then one challenge a line. Looked
// for besides crashes: mechanisms that are made not to show the password never do. That an exchange ends is the
// session's business (fuzz_session): an empty challenge to CRAM-MD5, say, may come any number of times.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "smtp/sasl.hpp"

namespace {

using namespace smtpdx;

const std::string secret = "Xq7-secret-9Zk";

void require(bool condition) {
  if (!condition) std::abort();
}

/// Not GSSAPI: it would look for a Kerberos realm.
const char* const mechanisms[] = {"SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "PLAIN",
                                  "LOGIN",         "OAUTHBEARER", "XOAUTH2",    "NTLM"};

bool hides_secret(std::string_view mechanism) { return mechanism.starts_with("SCRAM") || mechanism.ends_with("MD5"); }

void talk(smtp::SaslClient& client, std::string_view challenges) {
  const bool hides = hides_secret(client.mechanism());
  auto first = client.initial();
  if (!first) return;
  if (*first && hides) require(!(*first)->contains(secret));
  for (auto challenge : split(challenges, '\n')) {
    auto answer = client.respond(challenge);
    if (!answer) return require(!answer.error().message.empty());
    if (hides) require(!answer->contains(secret));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  smtp::Credentials credentials;
  credentials.user = "alice@example.org";
  credentials.secret = secret;
  credentials.host = "mail.example.org";
  credentials.port = 587;
  auto client = smtp::make_sasl(mechanisms[data[0] % std::size(mechanisms)], credentials);
  if (client) talk(**client, input);
  std::vector<std::string> offered;
  for (auto word : split_words(input)) offered.emplace_back(word);
  if (auto chosen = smtp::choose_mechanism(credentials, offered))
    require(smtp::make_sasl(*chosen, credentials).has_value());
  return 0;
}
