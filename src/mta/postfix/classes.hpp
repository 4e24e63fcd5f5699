// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where an address belongs: rewriting to user@domain as trivial-rewrite(8) does it (routes stripped, site!user and
// user%site turned round), then the address class of its domain (ADDRESS_CLASS_README).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/postfix/networks.hpp"

namespace smtpdx::mta::postfix {

enum class AddressClass { local, virtual_alias, virtual_mailbox, relay, none, unknown };
/// "local", "virtual alias", "virtual mailbox", "relay", "none", "unknown".
std::string_view to_string(AddressClass c);

/// An SMTP path in Postfix' internal form: no angle brackets, no source route, quotes taken off. nullopt for a syntax
/// that is not followed here (comments, spaces, control characters, an unclosed quote, no local part).
std::optional<std::string> internal_form(std::string_view path);

/// Letters, digits, hyphens and underscores in labels that are not empty; not digits and dots alone.
bool valid_host_name(std::string_view name);
/// "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3). Postfix takes no IPv6 address without its prefix.
bool valid_literal(std::string_view text);

struct Resolved {
  std::string address;  ///< user@domain after rewriting; what only the machine knows of it is marked (expand.hpp)
  std::string domain;   ///< lower case, without the final dot
  AddressClass address_class = AddressClass::unknown;
  /// The local part holds "@", "!" or "%": the address asks to be sent on by the next host (RFC 5321 appendix C).
  bool routed = false;
  bool unrouted = false;  ///< a routing form at our own domain was turned into the address behind it
  std::string parameter;  ///< the list that decided the class; empty where none did
  std::string pattern;    ///< its element
  Where where;            ///< of that element
  std::string why;        ///< where unknown: what would have to be known
  bool broken = false;    ///< where unknown: Postfix itself cannot find out, and puts everybody off
};

class Classes {
 public:
  /// All outlive this object.
  Classes(const Parameters& parameters, Tables& tables, const std::vector<OwnAddress>& own)
      : parameters_(&parameters), tables_(&tables), own_(&own) {}

  /// `address` in internal form, not empty.
  Resolved resolve(const std::string& address) const;
  /// Further lists that hold the domain, of those that Postfix warns of (trivial-rewrite: "do not list domain … in
  /// BOTH …"). Each as the class it would have been.
  std::vector<Resolved> also(const Resolved& resolved) const;
  /// "mydestination (main.cf:4), virtual_alias_domains (…), …": the lists in which a domain of class none is not.
  std::string lists_shown() const;

 private:
  Match local(std::string_view domain) const;
  Match listed(const char* parameter, std::string_view domain) const;
  std::string origin() const;
  bool has_operators(std::string_view local_part) const;
  std::string canonical(std::string address) const;
  void classify(Resolved& resolved) const;

  const Parameters* parameters_;
  Tables* tables_;
  const std::vector<OwnAddress>* own_;
};

}  // namespace smtpdx::mta::postfix
