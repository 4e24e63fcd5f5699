// SPDX-License-Identifier: Apache-2.0
#pragma once

// One session to be decided by a server's configuration, whoever's product that is. What is not told stays open.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/ip.hpp"
#include "dns/answer.hpp"

namespace smtpdx::mta {

enum class Tls { none, starttls, wrapper };

struct Login {
  std::optional<std::string> user;  ///< nullopt: somebody, we do not know who
  bool valid = true;                ///< the password is right
};

struct ClientCertificate {
  bool trusted = false;
  std::map<std::string, std::string> fingerprints;  ///< by digest, "sha256" and so on, and "pubkey_sha256"
};

/// What DNS told the server about a name; nullopt: not known to us, and the verdict may become `unknown`. CNAMEs are
/// followed. Must be safe to call as often as wanted.
using Names = std::function<std::optional<dns::Answer>(const std::string& name, dns::Type type)>;

struct Session {
  std::optional<IpAddress> client;
  std::optional<std::string>
      client_name;  ///< verified PTR name, "unknown" where there is none; nullopt: not known to us
  std::uint16_t port = 25;
  std::optional<std::string> helo;
  std::optional<Tls> tls;  ///< nullopt: whatever the service asks for
  std::optional<Login> login;
  std::optional<ClientCertificate> certificate;
  bool certificate_told = true;   ///< false: whether the client shows one is not known to us
  std::string sender, recipient;  ///< SMTP paths, angle brackets optional
  Names names;                    ///< empty: nothing is known of DNS
};

/// An address of the server's own. `prefix` is that of its network; the full width means that it was not given.
struct OwnAddress {
  IpAddress address;
  unsigned prefix = 32;
  bool exact = true;  ///< false: `address` only stands for its network, the host's own bits were not given
  bool prefix_known() const { return prefix < (address.is_v6() ? 128u : 32u); }
};

}  // namespace smtpdx::mta
