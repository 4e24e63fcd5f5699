// SPDX-License-Identifier: Apache-2.0
//
// What a server's own configuration entails: S40 its domain in no address class, S43 a soft refusal of something
// permanent, S46 an address form that counts as routed. S43 and S46 are second findings: they never were the whole
// story. The rest of a server's own mistakes: own_server.cpp.

#include <algorithm>

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Outcome;
using diag::Proof;
using diag::Role;

namespace {

/// Mail for the domain is meant to arrive at the configured server: the MX names it, or the refusing MX greets with its
/// name.
bool server_is_mx(const View& view, const diag::ConfigFact& config) {
  if (view.in_mx(config.server_name, "").value_or(false)) return true;
  MxTable table(view);
  for (const auto& row : table.rows()) {
    const auto* caps = row.session ? row.session->capabilities() : nullptr;
    if (caps && iequals(caps->greeting_name, config.server_name)) return true;
  }
  return false;
}

bool code_agrees(const View& view, int code) {
  if (!view.refusal()) return true;
  const auto asked = view.refusal()->refusal.decided().code;
  return asked == 0 || asked == code;
}

}  // namespace

CauseVerdict s40_domain_in_no_class(const View& view) {
  auto config = view.config();
  if (!config || config->recipient_class.empty() || config->recipient_class == "unknown") return Say::nothing();
  if (config->recipient_class != "none")
    return Say::ruled_out().because(*config.id, config->recipient_domain + " is a " + config->recipient_class +
                                                    " domain there (" + config->class_where + ")");
  if (!server_is_mx(view, *config)) return Say::nothing();
  if (!code_agrees(view, config->reply_code))
    return Say::possible(20).because(
        *config.id,
        "the configuration would answer " + std::to_string(config->reply_code) + ", which is not the reply received");
  return Say::proved(Proof::record, 8)
      .because(*config.id, config->recipient_domain + " is in no address class of " + config->server_name + " (" +
                               config->class_where + "), so that " + config->deciding + " (" + config->relay_where +
                               ") answers " + std::to_string(config->reply_code));
}

CauseVerdict s43_soft_reject(const View& view) {
  if (auto config = view.config(); config && config->deciding.find("defer_unauth_destination") != std::string::npos &&
                                   config->reply_code / 100 == 4 && code_agrees(view, config->reply_code))
    return Say::proved(Proof::record, 90)
        .because(*config.id, config->relay_where + ": " + config->deciding + " answers " +
                                 std::to_string(config->reply_code) + " to what will never be permitted");
  for (const auto& a : view.attempts()) {
    if (a->outcome == Outcome::deferred && view.relay_refused(*a) && a->role == Role::recipient)
      return Say::likely(90)
          .because(*a.id, "a relay refusal with a temporary code: " + a->reply->to_string())
          .needs("--config postfix:PATH of that server");
  }
  return Say::nothing();
}

CauseVerdict s46_routed_address_form(const View& view) {
  const auto& address = view.recipient();
  const auto local = local_part_of(address);
  const auto domain = view.domain();
  const bool routed = local.find_first_of("%!@") != std::string::npos || (!domain.empty() && domain.front() == '[');
  if (!routed) return Say::nothing();
  if (auto flip = view.flip(diag::Axis::recipient, {}, Role::plain_form); flip && view.refusal())
    return Say::proved(Proof::flip, 80)
        .because(flip->ids(), flip->accepted->shape.rcpt_to + " is accepted, the routed form " + address + " is not");
  if (auto config = view.config(); config && config->routed_form && view.refusal())
    return Say::proved(Proof::record, 80)
        .because(*config.id, "the form of " + address + " counts as routed (" + config->relay_where + ")");
  return Say::likely(80).since("the local part of " + address + " looks like a route, which servers refuse as a relay");
}

}  // namespace smtpdx::rules
