// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was seen of a connection, as plain values: no sockets here, so that judging floors may hold them.

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace smtpdx::io {

/// What went wrong between us and the other side. `side` in reports follows from it: a refusal of our own system or
/// budget is ours, everything else is theirs or the network's.
enum class Failure {
  refused,        ///< RST to our SYN: a host is there, nobody listens
  timed_out,      ///< the deadline passed without an answer
  unreachable,    ///< ICMP or routing said no way; "no route from here" where it was our own routing table
  reset,          ///< RST in an open connection
  closed,         ///< orderly end (EOF) while more was expected
  local,          ///< our own system refused (no address family, no permission, no descriptors, bad source address)
  proxy,          ///< the vantage (--via) could not connect for us; text says what it said
  not_permitted,  ///< our own manners or policy forbid it; text says which option allows it
  tls,            ///< the TLS layer broke in an established session
};
const char* to_string(Failure failure);

struct IoFailure {
  Failure kind = Failure::closed;
  std::string text;  ///< the system's or library's words, lower case
};

template <class T>
using IoResult = std::expected<T, IoFailure>;

enum class TlsVersion { unknown, tls1_0, tls1_1, tls1_2, tls1_3 };
const char* to_string(TlsVersion version);

/// Facts of one certificate as presented; nothing is judged here.
struct Certificate {
  std::string subject;  ///< RFC 2253 form
  std::string issuer;
  std::vector<std::string> dns_names;  ///< SAN dNSName, canonical; the CN where there is no SAN
  std::vector<std::string> ip_names;   ///< SAN iPAddress
  WallTime not_before;
  WallTime not_after;
  bool self_signed = false;
  std::string key_type;  ///< "RSA", "EC", "ED25519"
  int key_bits = 0;
  std::string sha256;         ///< hex of the whole certificate
  std::string pubkey_sha256;  ///< hex of SubjectPublicKeyInfo
  std::string der;            ///< the octets, for DANE
};

/// How a TLS handshake ended. Verification never stops a handshake (RFC 7435: opportunistic); it is reported here.
struct TlsFacts {
  bool established = false;
  TlsVersion version = TlsVersion::unknown;
  std::string cipher;
  std::vector<Certificate> chain;  ///< as sent, leaf first
  bool chain_trusted = false;      ///< leads to a root in the trust store, all dates valid
  bool name_matches = false;       ///< leaf holds the name asked for (RFC 6125); meaningless where no name was given
  std::string verify_error;        ///< OpenSSL's words where chain_trusted is false
  std::string error;               ///< the library's words where established is false
  std::string alert;               ///< name of a TLS alert received ("handshake failure"), else empty
  std::optional<Failure> failure;  ///< why established is false: timed_out, closed, reset, tls
};

}  // namespace smtpdx::io
