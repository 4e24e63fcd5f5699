// SPDX-License-Identifier: Apache-2.0
#pragma once

// Look-up tables (DATABASE_README, postmap(1)), read from their source text: hash:/etc/postfix/x is answered from the
// file x beside it, not from x.db. What runs elsewhere (mysql:, ldap:, proxy:unix:, tcp: …) or is not there is unknown.
// Reading::built asks what the server itself finds instead: an entry whose key stands nowhere in x.db is not in it, and
// a file that is missing from the directory cannot be opened.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "mta/postfix/directory.hpp"

namespace smtpdx::mta::postfix {

enum class Answer { no, yes, unknown };
std::string_view to_string(Answer answer);

struct Found {
  Answer answer = Answer::no;
  std::string value;    ///< where yes
  Where where;          ///< of the entry
  std::string key;      ///< the entry's own key or pattern
  std::string why;      ///< where unknown
  bool broken = false;  ///< where unknown: Postfix itself cannot read the table, and says so to every client
};

/// Everything in a table that can make a difference to a look-up: for computing with all keys at once.
struct Outline {
  std::vector<std::string> keys;    ///< looked up as they are; every other key is not there
  std::vector<Network> networks;    ///< whose bounds matter
  std::vector<Found> answers;       ///< of keys and networks, in order
  std::vector<Found> rules;         ///< of pattern tables: what they can answer, whatever the key
  std::vector<std::string> opaque;  ///< why further answers cannot be known
};

/// Which form of a table answers: its text, which its administrator means, or the compiled one, which the server reads.
enum class Reading { text, built };

/// One table. Look-ups are pure; keys are compared as Postfix does (indexed tables fold case).
class Table {
 public:
  virtual ~Table() = default;
  virtual Found lookup(std::string_view key) const = 0;
  /// Keys are looked up in parts, too (parent domains, network octets, "user@"): not so for patterns.
  virtual bool partial_keys() const = 0;
  /// True where a key that is a host name could be in it. The name of a client is often not known to us.
  virtual bool may_hold_names() const = 0;
  virtual void outline(Outline& outline) const = 0;
};

/// Opens and keeps tables for one reading of a configuration.
class Tables {
 public:
  explicit Tables(const Directory& directory, Reading reading = Reading::text)
      : directory_(&directory), reading_(reading) {}

  /// `pattern` is "type:name" with all of its braces. Never null: what cannot be read answers unknown to everything.
  std::shared_ptr<const Table> open(const Cited& pattern);
  const Directory& directory() const { return *directory_; }
  /// Entries that were asked for and that the compiled table lacks: "domains.db lacks example.org, which domains:3
  /// has".
  std::vector<std::string> not_built() const;

 private:
  std::shared_ptr<const Table> make(const Cited& pattern, unsigned depth);
  std::shared_ptr<const Table> of_file(std::string_view type, const Cited& name);

  const Directory* directory_;
  Reading reading_;
  std::map<std::string, std::shared_ptr<const Table>, std::less<>> open_;
  std::shared_ptr<std::vector<std::string>> missed_ = std::make_shared<std::vector<std::string>>();
};

/// The file that postmap makes of a table's text, "x.db" of hash:x; empty for types that are read as text.
std::string compiled_file(std::string_view type, std::string_view name);

/// "type:name" and not an address in brackets.
bool is_table(std::string_view pattern);
/// An IPv6 address without brackets: Postfix takes "2001:db8::/32" for a table of type "2001", and has none such.
bool is_bare_ipv6(std::string_view pattern);

}  // namespace smtpdx::mta::postfix
