// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <random>

#include "base/ip.hpp"
#include "dns/upstream.hpp"
#include "io/datagram.hpp"
#include "io/net.hpp"

namespace smtpdx::dns {

/// The doors that plain questions go through; all outlive what is made of them.
struct Doors {
  io::Runtime& runtime;
  io::Datagrams& datagrams;
  io::Connector& connector;         ///< for TCP where an answer is truncated
  std::optional<IpAddress> source;  ///< used for servers of its own family only
};

/// What one server said, or why there is nothing: `answer` is then a failure (timed_out, local, or servfail for a
/// malformed response).
struct Exchange {
  Answer answer;
  /// No use in asking this server again: it refused the connection, or our own system did.
  bool hopeless = false;
  /// A CNAME led to a name of which the response neither holds records nor denies them (no SOA, RFC 2308 §2.2): the
  /// server does not follow aliases out of its zones, the rest is the asker's business.
  bool unfinished = false;
  /// A response came, be it a bad one.
  bool responded() const { return answer.rcode.has_value() || answer.status == Status::servfail; }
};

/// One question to one server without retries: by UDP with EDNS, by TCP where the answer was truncated (RFC 7766 §5),
/// once more without EDNS where the server does not know it (RFC 6891 §7).
class Exchanger {
 public:
  explicit Exchanger(Doors doors) : doors_(doors) {}
  io::Task<Exchange> exchange(Endpoint server, Inquiry inquiry, wire::Recursion recursion);
  io::Runtime& runtime() const { return doors_.runtime; }

 private:
  struct Reply {
    std::optional<wire::Message> message;
    Exchange failure;
  };
  io::Task<Reply> round_trip(Endpoint server, Inquiry inquiry, wire::Message query);
  io::Task<io::IoResult<std::string>> by_tcp(Endpoint server, std::string packet, Deadline deadline);
  std::uint16_t fresh_id() { return static_cast<std::uint16_t>(entropy_()); }

  Doors doors_;
  std::random_device entropy_;  // ids nobody can guess (RFC 5452 §9.2)
};

}  // namespace smtpdx::dns
