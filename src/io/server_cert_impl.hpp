// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

#include "io/server_cert.hpp"

namespace smtpdx::io {

using X509Shared = std::shared_ptr<X509>;

class ServerCert {
 public:
  X509Shared certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::vector<X509Shared> sent_after;  ///< intermediates, without the root
};

}  // namespace smtpdx::io
