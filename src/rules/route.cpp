// SPDX-License-Identifier: Apache-2.0
//
// Our own side sent the message somewhere, or as somebody, it should not have: S01 Microsoft's relay pool, S07 a
// refuser that is no mail exchanger of the recipient, S08 a fixed route to such a host, S12 a forward to a host that no
// longer takes the domain.

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::Axis;
using diag::CauseVerdict;
using diag::Proof;

namespace {

bool passed(const std::optional<std::string>& result) { return result && iequals(*result, "pass"); }

bool reported_by_microsoft(const dsn::Refusal& refusal) {
  return in_domain(canonical_name(refusal.reporter), "outlook.com") ||
         in_domain(canonical_name(refusal.reporter), "office365.com") ||
         (refusal.reply.status && refusal.reply.status->to_string() == "5.7.367");
}

/// Whoever met the refusal is named, and is not of the recipient's house: a gateway there may have taken the message
/// and met the refusal further in, which is theirs to mend, not ours.
bool reported_on_our_side(const View& view, const diag::MxFact& mx) {
  const auto reporter = canonical_name(view.refusal()->refusal.reporter);
  if (reporter.empty() || in_domain(reporter, view.domain())) return false;
  for (const auto& h : mx.mx.hosts)
    if (organisation(h.name) == organisation(reporter)) return false;
  return true;
}

constexpr std::string_view relay_pool = "RegularRelayOutboundPool";

/// The trace names pools, and none of them is one for relayed mail.
bool left_by_another_pool(const diag::MessageTraceFact& trace) {
  for (const auto& pool : trace.pools)
    if (icontains(pool, "relay")) return false;
  return !trace.pools.empty();
}

std::string needed_trace(const Seen<diag::MessageTraceFact>& trace, bool all_accept) {
  const std::string which = "Exchange Online's message trace of this very message";
  if (trace && !trace->same_message) return which + ": the one given is about others";
  if (trace) return which + " with OutboundIpPoolName in it (extended report)";
  return which + ": OutboundIpPoolName=" + std::string(relay_pool) + " proves it (--trace-csv FILE)" +
         (all_accept ? "" : ", with `diagnose` to ask the recipient's mail exchangers");
}

std::string because_headers(const dsn::ReturnedHeaders& h) {
  std::string text;
  for (const auto& line : h.why) text += (text.empty() ? "" : "; ") + line;
  return text;
}

}  // namespace

CauseVerdict s01_relay_pool_forward(const View& view) {
  auto r = view.refusal();
  if (!r || view.branch() == Branch::submission) return Say::nothing();
  const auto& refusal = r->refusal;
  if (!reported_by_microsoft(refusal)) return Say::nothing();
  const auto& h = refusal.returned;
  if (h.present && (passed(h.spf) || passed(h.dkim)))
    return Say::ruled_out().because(*r.id, std::string("the returned headers show ") +
                                               (passed(h.spf) ? "SPF" : "DKIM") +
                                               " pass on arrival, and such messages leave by the normal addresses");
  MxTable table(view);
  if (table.complete() && table.all(MxState::relay_refused))
    return Say::ruled_out().because(table.ids(),
                                    "every mail exchanger refuses a neutral client, too: it is not the pool");
  if (auto in = view.in_mx(view.refuser(), view.refuser_address()); in && !*in)
    return Say::ruled_out().because(*r.id, "the refuser " + view.refuser() + " is not the recipient's mail exchanger");
  const auto trace = view.message_trace();
  if (trace && trace->same_message && left_by_another_pool(*trace))
    return Say::ruled_out().because(
        *trace.id, "the message trace has this message leave by the pool " + printable(join(trace->pools, ", "), 100));
  const bool traced = trace && trace->same_message && trace->pools == std::vector{std::string(relay_pool)};
  const bool headers = h.present && h.forwarded && h.arrived_from_outside && h.spf;
  if (!headers && !traced) return Say::nothing();
  const bool all_accept = table.complete() && table.all(MxState::accepted) &&
                          view.in_mx(view.refuser(), view.refuser_address()).value_or(false);
  Say say = headers && traced && all_accept ? Say::proved(Proof::record, 5) : Say::likely(5);
  if (headers) say.because(*r.id, because_headers(h));
  if (traced)
    say.because(*trace.id, "the message trace (" + printable(trace->path, 100) + ", line " +
                               std::to_string(trace->line) +
                               ") has this message leave by OutboundIpPoolName=" + std::string(relay_pool));
  if (all_accept) say.because(table.ids(), "every mail exchanger accepts the recipient from a neutral client");
  if (headers && traced && all_accept) return say;
  if (!all_accept)
    for (const char* rival : {"rcpt.mx_not_configured_for_domain", "rcpt.one_mx_stale", "rcpt.mx_host_resolves_wrong"})
      say.rival(rival);
  if (!traced) return say.needs(needed_trace(trace, all_accept));
  return say.needs(headers ? "`diagnose`, to ask the recipient's mail exchangers"
                           : "the returned headers: SPF and DKIM as Exchange Online saw them on arrival");
}

CauseVerdict s07_rejecter_not_in_mx(const View& view) {
  auto r = view.refusal();
  if (!r || view.branch() == Branch::submission) return Say::nothing();
  const auto refuser = view.refuser();
  if (refuser.empty() && view.refuser_address().empty()) return Say::nothing();
  auto in = view.in_mx(refuser, view.refuser_address());
  if (!in) return Say::nothing();
  auto mx = view.mx(view.domain());
  const auto name = refuser.empty() ? view.refuser_address() : refuser;
  if (*in) return Say::ruled_out().because({*r.id, *mx.id}, name + " is one of the recipient's mail exchangers");
  for (const auto& h : mx->mx.hosts) {
    if (!refuser.empty() && organisation(h.name) == organisation(refuser))
      return Say::possible(40).because(
          {*r.id, *mx.id}, name + " is not in the MX set, but seems to belong to the same house as " + h.name);
  }
  if (auto reporter = canonical_name(r->refusal.reporter);
      !reporter.empty() && view.in_mx(reporter, "").value_or(false))
    return Say::ruled_out().because(
        *r.id, "the recipient's own mail exchanger reports it: it was accepted there and refused further in");
  MxTable table(view);
  const auto what = "the refuser " + name + " is none of " + view.domain() + "'s mail exchangers";
  auto flip = view.flip(Axis::host, refuser);
  if (flip && !refuser.empty() && view.denies_domain(*flip->refused) && reported_on_our_side(view, *mx))
    return Say::proved(Proof::flip, 10)
        .because({*r.id, *mx.id}, what)
        .because(flip->ids(),
                 "it refuses the recipient, " + flip->accepted->shape.host + " accepts it, and it refuses again");
  Say say = Say::likely(10);
  say.because({*r.id, *mx.id}, what);
  if (table.any(MxState::accepted))
    say.because(table.ids(), "the true mail exchanger accepts the recipient")
        .needs("your connector, transport or relayhost setting that names " + name);
  else
    say.needs("an answer from the true mail exchangers, or your connector, transport or relayhost setting");
  return say;
}

CauseVerdict s08_static_override(const View& view) {
  auto r = view.refusal();
  auto config = view.config();
  if (!r || !config || config->route_host.empty() || view.branch() == Branch::submission) return Say::nothing();
  // Another word than "not ours" may have another reason; and an exchanger's own inner route is no business of ours.
  if (!same_family(view.asked_reason(), kb::Reason::relay_denied)) return Say::nothing();
  if (view.in_mx(config->server_name, "").value_or(true)) return Say::nothing();
  const auto refuser = view.refuser();
  if (refuser != config->route_host && view.refuser_address() != config->route_host) return Say::nothing();
  auto in = view.in_mx(refuser, view.refuser_address());
  auto mx = view.mx(view.domain());
  if (!in || !mx) return Say::nothing();
  if (*in)
    return Say::ruled_out().because({*config.id, *mx.id}, "the fixed route leads to one of the mail exchangers anyway");
  MxTable table(view);
  const bool true_one_accepts = table.any(MxState::accepted);
  Say say = true_one_accepts ? Say::proved(Proof::record, 4) : Say::likely(4);
  say.because(*config.id, config->route_where + " sends mail for " + view.domain() + " to " + config->route_host +
                              " (" + config->route + ")")
      .because({*r.id, *mx.id}, "that host refused it, and is none of the domain's mail exchangers");
  if (true_one_accepts) return say.because(table.ids(), "the true mail exchanger accepts the recipient");
  return say.rival("rcpt.mx_not_configured_for_domain").needs("a true mail exchanger that accepts the recipient");
}

CauseVerdict s12_forward_to_closed_host(const View& view) {
  auto r = view.refusal();
  if (!r) return Say::nothing();
  const auto& refusal = r->refusal;
  if (refusal.recipient.empty() || refusal.original_recipient.empty()) return Say::nothing();
  if (iequals(refusal.recipient, refusal.original_recipient))
    return Say::ruled_out().because(*r.id, "the refused address is the one the sender wrote");
  if (domain_of(refusal.recipient) == domain_of(refusal.original_recipient)) return Say::nothing();
  const auto what =
      "written to " + refusal.original_recipient + ", refused for " + refusal.recipient + ": the message was forwarded";
  MxTable table(view);
  if (table.complete() && table.all(MxState::relay_refused)) {
    if (auto doubt = doubt_of_refusing_domain(view, table))
      return Say::likely(5)
          .because(*r.id, what)
          .because(table.ids(), "the target refuses it")
          .rival(doubt->rival)
          .needs(doubt->why);
    return Say::proved(Proof::record, 5)
        .because(*r.id, what)
        .because(table.ids(), "the forward's target refuses its domain to everybody");
  }
  if (table.any(MxState::accepted))
    return Say::possible(30).because(*r.id, what).because(table.ids(), "but the target accepts it now");
  return Say::likely(10)
      .because(*r.id, what)
      .needs("an answer from the mail exchangers of " + domain_of(refusal.recipient));
}

}  // namespace smtpdx::rules
