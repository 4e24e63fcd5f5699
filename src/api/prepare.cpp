// SPDX-License-Identifier: Apache-2.0
#include "api/prepare.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "kb/catalogue.hpp"
#include "mail/charset.hpp"

namespace smtpdx::api {

void prepare_for_sealing() {
  kb::Catalogue::builtin();
  mail::load_charsets();
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  unsigned char octet = 0;
  RAND_bytes(&octet, 1);  // opens its sources of randomness
}

}  // namespace smtpdx::api
