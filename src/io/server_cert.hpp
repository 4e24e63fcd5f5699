// SPDX-License-Identifier: Apache-2.0
#pragma once

// Certificates made in memory, for the server side of mock and tests: any names, any dates, any authority.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace smtpdx::io {

/// A certificate chain with its private key. Immutable; shared.
class ServerCert;
using ServerCertPtr = std::shared_ptr<const ServerCert>;

enum class CertUse { server, authority };
enum class CertKey { ec_p256, rsa_2048, rsa_1024 };

struct CertSpec {
  std::string common_name = {};             ///< the subject's CN
  std::vector<std::string> dns_names = {};  ///< SAN dNSName; none at all where empty (then the CN is the name)
  std::vector<std::string> ip_names = {};   ///< SAN iPAddress
  WallTime not_before = {};
  WallTime not_after = {};
  CertUse use = CertUse::server;
  CertKey key = CertKey::ec_p256;
  ServerCertPtr issuer = {};  ///< signs, and is sent after the leaf unless it is a root; self-signed where absent
};

/// Fails with ErrorKind::usage where a name cannot be put into a certificate.
Result<ServerCertPtr> make_server_cert(const CertSpec& spec);

/// From PEM files: the leaf and what is sent after it, in this order, and its key (without a pass phrase). Fails with
/// ErrorKind::unreadable, or usage where they do not belong together.
Result<ServerCertPtr> read_server_cert(const std::string& chain_file, const std::string& key_file);

/// PEM of the certificate itself (a root's is what --ca wants), of its key, and of all that a server sends.
std::string certificate_pem(const ServerCert& cert);
std::string private_key_pem(const ServerCert& cert);
std::string chain_pem(const ServerCert& cert);

}  // namespace smtpdx::io
