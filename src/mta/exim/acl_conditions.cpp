// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/exim/acl_run.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

Tested tested(Answer answer, std::string why) {
  return {answer, std::move(why), answer == Answer::yes ? AclResult::accept : AclResult::deny, {}};
}

Tested from(Match match) { return tested(match.answer, std::move(match.why)); }

Tested condition_value(const std::string& text) {
  const auto digits = text.starts_with('-') ? std::string_view(text).substr(1) : std::string_view(text);
  if (std::all_of(digits.begin(), digits.end(), is_digit)) {
    const bool yes = std::any_of(digits.begin(), digits.end(), [](char c) { return c != '0'; });
    return tested(yes ? Answer::yes : Answer::no, "\"" + text + "\"");
  }
  if (iequals(text, "no") || iequals(text, "false")) return tested(Answer::no, text);
  if (iequals(text, "yes") || iequals(text, "true")) return tested(Answer::yes, text);
  return tested(Answer::defer, "invalid \"condition\" value \"" + printable(text, 60) + "\"");
}

Tested nested_acl(Context& c, Verb verb, const std::string& argument, const Where& where, ReplyText& reply) {
  const auto words = split_words(argument);
  if (words.empty()) return tested(Answer::error, "no ACL is named");
  auto saved = c.acl_arguments;
  c.acl_arguments.clear();
  for (std::size_t i = 1; i < words.size() && i < 10; ++i)
    c.acl_arguments.push_back({Text::ok, std::string(words[i]), {}, false});
  const bool inline_text = !c.configuration.acls.contains(words.front()) && !words.front().starts_with('/');
  const auto result = run_named_acl(c, inline_text ? argument : std::string(words.front()), where);
  c.acl_arguments = std::move(saved);
  reply = result.reply;
  Tested out{Answer::no, std::string(words.front()), result.kind, inline_text ? std::nullopt : result.by};
  switch (result.kind) {
    case AclResult::accept:
      out.answer = Answer::yes;
      break;
    case AclResult::discard:
      out.answer = verb == Verb::accept || verb == Verb::discard ? Answer::yes : Answer::error;
      break;
    case AclResult::defer:
      out.answer = Answer::defer;
      break;
    case AclResult::error:
      out.answer = Answer::error;
      break;
    default:
      break;
  }
  return out;
}

Tested encrypted(Context& c, const std::string& argument) {
  if (!c.tls) return tested(Answer::no, "the session is not encrypted");
  if (trim(argument) == "*") return tested(Answer::yes, "the session is encrypted");
  return tested(c.ask("the session's TLS cipher") ? Answer::yes : Answer::no, argument);
}

Tested authenticated(Context& c, const std::string& argument) {
  if (c.authenticated.empty()) return tested(Answer::no, "not logged in");
  return from(match_string(c, c.authenticated, argument));
}

/// The first message of a client that was quiet before: a limit of one or more is not reached.
Tested rate_limit(Context& c, const std::string& argument) {
  const auto first = number_of(split(argument, '/').front());
  if (first && *first >= 1) return tested(Answer::no, "taken as the first of its period");
  return tested(c.ask("whether the client is above the rate " + printable(argument, 60)) ? Answer::yes : Answer::no,
                argument);
}

Tested on_envelope(Context& c, const Clause& clause, const std::string& argument) {
  if (clause.name == "domains") {
    auto match = match_domain(c, c.domain, argument);
    if (match.answer == Answer::yes && !clause.negated) c.domain_data = match.data;
    return from(std::move(match));
  }
  if (clause.name == "local_parts") {
    auto match = match_local_part(c, c.local_part, argument, Letters::ignored);
    if (match.answer == Answer::yes && !clause.negated) c.local_part_data = match.data;
    return from(std::move(match));
  }
  if (clause.name == "recipients") return from(match_address(c, c.recipient, argument));
  if (clause.name == "senders") return from(match_address(c, c.sender, argument));
  auto domain = domain_part(c.sender);
  return from(match_domain(c, domain, argument));
}

}  // namespace

Tested test_condition(Context& c, Verb verb, const Clause& clause, const std::string& argument, ReplyText& reply) {
  const auto& name = clause.name;
  if (name == "hosts") return from(match_client(c, argument));
  if (name == "domains" || name == "local_parts" || name == "recipients" || name == "senders" ||
      name == "sender_domains")
    return on_envelope(c, clause, argument);
  if (name == "condition") return condition_value(argument);
  if (name == "authenticated") return authenticated(c, argument);
  if (name == "encrypted") return encrypted(c, argument);
  if (name == "acl") return nested_acl(c, verb, argument, clause.where, reply);
  if (name == "verify") return test_verify(c, argument, reply);
  if (name == "dnslists") return test_dnslists(c, argument);
  if (name == "ratelimit") return rate_limit(c, argument);
  return tested(c.ask("what the condition \"" + name + "\" says") ? Answer::yes : Answer::no, argument);
}

bool allowed_here(std::string_view name, std::string_view where) {
  const auto among = [&](std::initializer_list<std::string_view> stages) {
    return std::find(stages.begin(), stages.end(), where) != stages.end();
  };
  if (name == "domains" || name == "local_parts" || name == "recipients") return where == "rcpt";
  if (name == "senders" || name == "sender_domains" || name == "spf" || name == "spf_guess" || name == "add_header" ||
      name == "remove_header")
    return among({"mail", "rcpt"});
  if (name == "authenticated") return !among({"connect", "helo"});
  if (name == "encrypted") return where != "helo";
  return !(name == "malware" || name == "spam" || name == "regex" || name == "mime_regex" || name == "decode" ||
           name == "dkim_status" || name == "dkim_signers");  // these want the message
}

namespace {

/// From which command on, and up to which, a control can be used.
bool control_allowed(std::string_view name, std::string_view where) {
  const bool envelope = where == "mail" || where == "rcpt";
  static constexpr auto on_envelope =
      std::to_array<std::string_view>({"fakedefer", "fakereject", "freeze", "no_mbox_unspool", "queue", "queue_only",
                                       "submission", "suppress_local_fixups"});
  static constexpr auto anywhere = std::to_array<std::string_view>(
      {"cutthrough_delivery", "debug", "dkim_disable_verify", "dscp", "enforce_sync", "no_callout_flush",
       "no_delay_flush", "no_enforce_sync", "no_multiline_responses", "no_pipelining"});
  if (name == "allow_auth_unadvertised") return where == "connect" || where == "helo";
  if (name == "caseful_local_part" || name == "caselower_local_part" || name == "utf8_downconvert")
    return where == "rcpt";
  if (std::find(on_envelope.begin(), on_envelope.end(), name) != on_envelope.end()) return envelope;
  return std::find(anywhere.begin(), anywhere.end(), name) != anywhere.end();
}

}  // namespace

Tested apply_control(Context& c, const std::string& argument) {
  const auto name = trim(std::string_view(argument).substr(0, argument.find_first_of("/=")));
  if (!control_allowed(name, c.acl_where))
    return tested(Answer::error, "control = " + printable(argument, 60) + " cannot be used in the " +
                                     std::string(c.acl_where) + " ACL");
  if (name == "caseful_local_part") c.local_part = c.caseful_local_part;
  if (name == "caselower_local_part") c.local_part = to_lower(c.local_part);
  if (name == "allow_auth_unadvertised") c.auth_unadvertised_allowed = true;
  return tested(Answer::yes, {});
}

}  // namespace smtpdx::mta::exim
