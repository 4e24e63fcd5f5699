// SPDX-License-Identifier: Apache-2.0
//
// The exchanger of a Microsoft 365 tenant, used as an outgoing server: S30 direct send, which reaches the tenant's own
// users only, and S29 a connector that no longer knows its server. From outside the two look alike: a recipient inside
// is accepted, one outside refused. Only the tenant's list of connectors tells which it is, so that neither is proved.

#include "base/text.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Outcome;
using diag::Role;

namespace {

enum class Which { connector, direct_send };

CauseVerdict relaying_through_tenant(const View& view, Which which) {
  if (view.branch() != Branch::submission || !is_tenant_exchanger(view.question().server->host)) return Say::nothing();
  ServerLook look(view);
  const auto outside = look.anonymous(look.port(), look.shape_tls());
  if (!outside || !view.refusal()) return Say::nothing();
  if (outside->outcome == Outcome::accepted)
    return Say::ruled_out().because(*outside.id, "the outside recipient is accepted from here");
  Seen<diag::Attempt> inside;
  for (const auto& a : view.attempts())
    if (a->shape.host == look.host() && a->role == Role::local && a->shape.user.empty()) inside = a;
  if (!inside || !view.refused_as_asked(*outside)) return Say::nothing();
  if (view.refused(*inside))
    return Say::ruled_out().because(*inside.id,
                                    "a recipient inside the tenant is refused as well: " + inside->reply->to_string());
  if (inside->outcome != Outcome::accepted) return Say::nothing();
  const bool connector = which == Which::connector;
  return Say::likely(connector ? 9 : 8)
      .because({*outside.id, *inside.id}, "without a login " + inside->shape.rcpt_to + " is accepted there and " +
                                              outside->shape.rcpt_to + " refused: " + outside->reply->to_string())
      .rival(connector ? "m365.direct_send_external" : "m365.connector_mismatch_5764")
      .needs(
          "the tenant's connectors (Get-InboundConnector): one that is meant for this client and no longer fits, or "
          "none");
}

}  // namespace

bool is_tenant_exchanger(std::string_view host) {
  return in_domain(canonical_name(host), "mail.protection.outlook.com");
}

CauseVerdict s29_connector_mismatch(const View& view) { return relaying_through_tenant(view, Which::connector); }
CauseVerdict s30_direct_send(const View& view) { return relaying_through_tenant(view, Which::direct_send); }

}  // namespace smtpdx::rules
