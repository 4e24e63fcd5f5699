// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pattern lists of Postfix: mynetworks, mydestination, relay_domains and their kin. Elements are strings, networks,
// /file/names (replaced by their lines) and type:tables; "!" turns one round; the first element that matches decides.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "mta/postfix/parameters.hpp"
#include "mta/postfix/tables.hpp"

namespace smtpdx::mta::postfix {

/// Whether "example.org" in a list speaks for "x.example.org", too (parent_domain_matches_subdomains), or only
/// ".example.org" does.
enum class Parents { none, match, dotted };

struct Match {
  Answer answer = Answer::no;
  std::string pattern;  ///< the element that decided, with its "!"; empty where none did
  Where where;          ///< of that element
  std::string why;      ///< where unknown: what would have to be known
  bool broken = false;  ///< where unknown: Postfix stops here with an error of its own, for certain
};

class MatchList {
 public:
  static MatchList parse(const Cited& value, Tables& tables);

  Match match_string(std::string_view text) const;
  Match match_domain(std::string_view domain, Parents parents) const;
  /// By address, and by the client's verified name where it is known (nullopt: not known to us; "unknown": it has
  /// none).
  Match match_client(const IpAddress& address, const std::optional<std::string>& name, Parents parents) const;

  bool empty() const { return patterns_.empty(); }
  /// Which elements match, by number, whatever the others say: of a client's address alone, of a name alone. An element
  /// that cannot be tested counts, with a "?".
  std::string elements_of(const IpAddress& address) const;
  std::string elements_of(std::string_view name, Parents parents) const;
  /// Some element can match by name.
  bool holds_names() const;
  void outline(Outline& outline) const;
  struct Element {
    bool negated;
    std::string text;
    Where where;
    bool address_like;               ///< digits and dots, or in brackets
    std::optional<Network> network;  ///< where it is one
    std::shared_ptr<const Table> table;
  };
  std::vector<Element> elements() const;
  /// The elements as read, files included: for saying what an address is not in. At most `limit`, then "…".
  std::string shown(std::size_t limit = 6) const;

 private:
  struct Pattern {
    bool negated = false;
    std::string text;
    Where where;
    std::shared_ptr<const Table> table;  ///< for type:name
    bool address_like = false;           ///< digits and dots, or in brackets
    std::optional<Network> network;      ///< where it is one
    std::string broken;                  ///< why nothing can be said
    std::string shown() const { return (negated ? "!" : "") + with_names(text); }
  };
  struct Reader;

  template <class Test, class Skip>
  Match first(Test test, Skip skip) const;
  static Match test_domain(const Pattern& pattern, std::string_view domain, Parents parents);
  static Match test_address(const Pattern& pattern, const IpAddress& address);
  static Match test_client(const Pattern& pattern, const IpAddress& address, const std::optional<std::string>& name,
                           Parents parents);

  std::vector<Pattern> patterns_;
};

/// The style that parent_domain_matches_subdomains gives to the list of this name.
Parents parents_of(const Parameters& parameters, std::string_view list_name);

}  // namespace smtpdx::mta::postfix
