// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bricks that kinds of worlds are made of.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.hpp"

namespace smtpdx::sim {

/// Replies that say the same, as different servers say it: templates of mock::ServerPolicy.
enum class Saying {
  relay,         ///< a recipient's server that does not hold the domain
  soft_relay,    ///< the same with a temporary code
  submission,    ///< a submission server to a client without login
  auth_demand,   ///< 530 at MAIL
  tls_demand,    ///< 530 before STARTTLS
  unknown_user,  ///< 550 5.1.1
  blocked,       ///< the client's address is not wanted
  access,        ///< an access list, in words near to a relay refusal
  listed,        ///< a DNS list, named "bl.example"
  no_ptr,        ///< reverse name missing
  bad_helo,
  not_owner,
  mailbox_full,
  bad_login,
  greylisted,
  closing,     ///< 421
  bad_domain,  ///< sender's domain does not exist
};

class Maker {
 public:
  World w;
  Random r;

  Maker(std::uint64_t seed, std::string kind);

  // ---- names and addresses, none twice in one world ----
  std::string word();
  std::string domain() { return word() + ".example"; }
  IpAddress ip4();
  IpAddress ip6();
  bool one_in(unsigned n) { return r.below(n) == 0; }
  template <class T>
  const T& any(const std::vector<T>& list) {
    return list[r.below(list.size())];
  }
  void tell(std::string line) { w.story.push_back(std::move(line)); }

  // ---- zones ----
  /// Two name servers of the domain itself; their addresses.
  std::vector<IpAddress> zone(const std::string& domain);

  // ---- servers ----
  std::string say(Saying what);
  /// A mail exchanger's policy: greets as `name`, everything else varies.
  mock::ServerPolicy exchanger(const std::string& name);
  std::size_t serve(const IpAddress& ip, std::uint16_t port, mock::ServerPolicy policy);
  Service& service(std::size_t i) { return w.internet.services[i]; }
  static void hold(mock::ServerPolicy& policy, const std::string& domain, std::set<std::string> users = {});

  // ---- the question ----
  enum class Form { any, bare, said, wrapped, report };
  /// The refusal as the user holds it: `words` is the template the refusing server uses.
  void bounce(const std::string& words, Form form, const std::string& decider, const IpAddress& address);
  /// The template with the case's own recipient and the refused client's address in it.
  std::string filled(const std::string& words) const;
  IpAddress client;  ///< the refused client's address

  // ---- spoiling ----
  void may(std::initializer_list<std::string_view> causes);
  void proof(std::string_view cause);
  void no_proof(std::string why);

 private:
  std::set<std::uint32_t> used_;  ///< host parts of the addresses given out
};

}  // namespace smtpdx::sim
