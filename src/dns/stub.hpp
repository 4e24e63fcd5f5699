// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <vector>

#include "dns/exchange.hpp"

namespace smtpdx::dns {

/// Asks recursive servers without validating: one round trip an answer, and the server's own words (rcode, extended
/// error, silence) are kept apart, which a library in between would level to SERVFAIL.
///
/// Servers are asked in turn, as resolv.conf(5) has it; the next one also after SERVFAIL or REFUSED. Silence is waited
/// out for 1.5, 3 and 6 seconds (together longer than the ten seconds after which the common resolvers give up
/// themselves), only once and 1.5 seconds where none of them has answered anything in this run.
class Stub : public Upstream {
 public:
  /// `servers` is not empty.
  Stub(Doors doors, std::vector<Endpoint> servers);
  io::Task<Answer> ask(Inquiry inquiry) override;
  std::string peer() const override;

 private:
  /// One pass over the servers; true where `best` needs no further pass.
  io::Task<bool> one_round(Inquiry inquiry, Duration patience, std::set<Endpoint>& hopeless, Exchange& best);
  io::Task<Exchange> ask_once(Inquiry inquiry);

  Exchanger exchanger_;
  std::vector<Endpoint> servers_;  // the last one that answered comes first
  bool heard_ = false;             // anything from any server
  bool gave_up_ = false;           // once, after all patience
};

/// One question to one authoritative server, tried twice (1.5 and 3 seconds).
io::Task<Answer> ask_one_server(Exchanger& exchanger, Endpoint server, Inquiry inquiry);

}  // namespace smtpdx::dns
