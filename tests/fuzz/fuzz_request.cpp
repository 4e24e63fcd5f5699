// SPDX-License-Identifier: Apache-2.0
//
// Bodies of POST /v1/diagnoses and /v1/relay-tests: they are read in the server itself. Looked for besides crashes:
// what is refused is refused with words, and what is taken never says more than it may (consent), and names somebody to
// ask.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/diagnose.hpp"
#include "api/relay.hpp"

namespace {

using namespace smtpdx;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto r = api::read_diagnosis_request(body)) {
    require(r->demo || !r->text.empty() || !r->words.to.empty() || !r->words.server.empty());
    require(r->consent <= kb::Consent::auth);
    require(r->demo || r->login.secret.empty() || !r->login.user.empty());
  } else {
    require(!r.error().message.empty());
  }
  if (const auto r = api::read_relay_request(body)) {
    require(!r->to.empty() && !r->host.host.empty());
    require(r->login.secret.empty() || !r->login.user.empty());
  } else {
    require(!r.error().message.empty());
  }
  return 0;
}
