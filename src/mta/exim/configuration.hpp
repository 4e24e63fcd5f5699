// SPDX-License-Identifier: Apache-2.0
#pragma once

// An Exim configuration as the server has it after reading: options, named lists, ACLs, drivers. Everything cites its
// line.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/directory.hpp"
#include "mta/session.hpp"
#include "mta/where.hpp"

namespace smtpdx::mta::exim {

struct Setting {
  std::string value;  ///< quotes undone, not expanded; "true" or "false" of a boolean
  Where where;
};
using Settings = std::map<std::string, Setting, std::less<>>;

enum class ListKind { domain, host, address, local_part };

enum class Verb { accept, defer, deny, discard, drop, require, warn };
std::string_view to_string(Verb verb);

/// A condition or modifier of an ACL statement.
struct Clause {
  std::string name;
  bool negated = false;
  std::string variable;  ///< of "set"
  std::string argument;
  Where where;
};

struct Statement {
  Verb verb = Verb::accept;
  std::vector<Clause> clauses;
  Where where;
};

struct Acl {
  std::string name;
  std::vector<Statement> statements;
  Where where;
};

/// A router, a transport or an authenticator.
struct Driver {
  std::string name;
  Settings options;
  Where where;
  const Setting* option(std::string_view name) const;
  std::string text(std::string_view name) const;  ///< empty where it is not set
  bool flag(std::string_view name, bool otherwise) const;
};

class Files;

struct Configuration {
  std::shared_ptr<const Directory> directory;
  std::shared_ptr<Files> files;  ///< what is named in the configuration, read once (lookups.hpp)
  Settings main;
  std::map<ListKind, Settings> lists;
  std::map<std::string, Acl, std::less<>> acls;
  std::vector<Driver> routers, transports, authenticators;
  std::vector<Setting> rewrites;
  std::optional<Setting> fatal;           ///< why the server does not start with it, and where
  std::vector<std::string> doubts;        ///< why nothing can be said: a part of it is not understood
  std::vector<OwnAddress> own_addresses;  ///< of the server; empty: not told

  std::string text(std::string_view option, std::string_view otherwise = {}) const;
  bool flag(std::string_view option, bool otherwise) const;
};

/// Reads PATH/exim.conf, else what Debian makes of exim4.conf.template, conf.d and update-exim4.conf.conf. What the
/// server itself would refuse to start with is no error but `fatal`. Errors: unreadable (nothing of that there, an
/// included file that is missing), limit.
Result<Configuration> load(const std::filesystem::path& directory);

/// An ACL written where the name of one could stand ("accept", or lines of statements). Error malformed.
Result<Acl> parse_acl_text(std::string_view text, const Where& where);

}  // namespace smtpdx::mta::exim
