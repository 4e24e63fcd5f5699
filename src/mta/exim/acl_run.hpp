// SPDX-License-Identifier: Apache-2.0
#pragma once

// Access control lists at work (specification, chapter 44).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

struct AclResult {
  enum Kind { accept, deny, drop, defer, discard, error } kind = accept;
  ReplyText reply;
  std::optional<DecidedBy> by;  ///< nullopt where the list ran out
};

/// `where` is "rcpt", "mail" and so on. `text` is the value of the option: a name, or statements, expanded first.
AclResult run_acl(Context& c, std::string_view where, const Setting& text);

/// One named ACL, or statements written in place of a name.
AclResult run_named_acl(Context& c, const std::string& text, const Where& where);

/// ${acl{name}{argument}…}: the message of an ACL that accepts; forced where it denies.
Text run_acl_as_text(Context& c, const std::vector<Text>& name_and_arguments);

/// What one condition says.
struct Tested {
  Answer answer = Answer::no;
  std::string why;
  AclResult::Kind kind = AclResult::deny;  ///< what "no" means: a nested ACL can drop or discard
  std::optional<DecidedBy> by;             ///< of a nested ACL
};
Tested test_condition(Context& c, Verb verb, const Clause& clause, const std::string& argument, ReplyText& reply);

/// Conditions and modifiers that Exim does not allow everywhere: it answers with an error of its own.
bool allowed_here(std::string_view name, std::string_view where);
/// "dnslists = …".
Tested test_dnslists(Context& c, const std::string& argument);
/// "verify = …".
Tested test_verify(Context& c, const std::string& argument, ReplyText& reply);
/// "control = …".
Tested apply_control(Context& c, const std::string& argument);

}  // namespace smtpdx::mta::exim
