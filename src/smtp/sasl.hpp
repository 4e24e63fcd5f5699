// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace smtpdx::smtp {

/// What to log in with. The secret is handed to the trace's redaction by whoever reads it from the user.
struct Credentials {
  std::string user;
  std::string secret;                    ///< password, or the OAuth access token
  std::optional<std::string> mechanism;  ///< upper case; none = the best that both have
  std::string host;                      ///< server name, for OAUTHBEARER and DIGEST-MD5
  std::uint16_t port = 0;
};

/// Mechanisms we can do, strongest first. NTLM and GSSAPI only when named.
const std::vector<std::string>& supported_mechanisms();

/// The mechanism to use against a server's list: the named one, else the first of ours it offers; OAuth ones only when
/// named. nullopt where there is no common one.
std::optional<std::string> choose_mechanism(const Credentials& credentials, const std::vector<std::string>& offered);

/// One authentication exchange, octets only; base64 is done by the caller. Made by make_sasl.
class SaslClient {
 public:
  virtual ~SaslClient() = default;
  virtual const std::string& mechanism() const = 0;
  /// The initial response, where the mechanism has one.
  virtual Result<std::optional<std::string>> initial() = 0;
  /// Answers one challenge. For OAuth mechanisms a challenge after the token is the error document: kept in
  /// error_document(), answered as RFC 7628 §3.2.3 demands.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
  virtual const std::string& error_document() const = 0;
};

Result<std::unique_ptr<SaslClient>> make_sasl(const std::string& mechanism, const Credentials& credentials);

}  // namespace smtpdx::smtp
