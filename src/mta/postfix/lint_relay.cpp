// SPDX-License-Identifier: Apache-2.0
//
// Who is trusted, and what the lists let through.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/postfix/lint_run.hpp"
#include "mta/postfix/relay_set.hpp"

namespace smtpdx::mta::postfix {
namespace {

using S = LintSeverity;

constexpr std::array<const char*, 5> lists = {"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                              "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                              "smtpd_recipient_restrictions"};

/// A whole block that NAT gateways and balancers give to everybody behind them.
bool whole_private(const Network& network) {
  for (const char* block : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "[fc00::]/7"}) {
    const auto known = *Network::parse(block);
    const bool same_family = network.base.is_v6() == known.base.is_v6();
    if (same_family && network.prefix <= known.prefix && network.contains(known.base)) return true;
  }
  return false;
}

struct Trusted {
  Network network;
  Where where;
};

void one_network(LintRun& run, const Trusted& trusted) {
  const auto& [network, where] = trusted;
  const auto text = network.to_string();
  const bool v6 = network.base.is_v6();
  if (network.prefix < (v6 ? 16u : 8u) && !(v6 && network.base.is_private()))
    run.add({"networks-everybody",
             S::fail,
             where,
             text,
             {},
             "mynetworks holds " + text + ": every client in it may send to anywhere without a login.",
             "List only the networks of your own hosts, and let everybody else log in."});
  else if (whole_private(network))
    run.add({"networks-private",
             S::warn,
             where,
             text,
             {},
             "Whoever comes through a NAT gateway, a container network or a load balancer arrives from an address of " +
                 text + ", and so may relay.",
             "List the single networks or hosts that are yours, such as 192.168.7.0/24, or let them log in."});
  else if (network.prefix < (v6 ? 40u : 16u) && !network.base.is_loopback() && !network.base.is_private())
    run.add({"networks-wide",
             S::warn,
             where,
             text,
             {},
             "Few own a public network as wide as " + text + "; its other users may relay, too.",
             "List the networks that are really yours."});
}

void unreadable(LintRun& run, const std::string& text, const Where& where, const std::string& fix) {
  run.add({"networks-unreadable",
           S::fail,
           where,
           text,
           {},
           "Postfix stops at \"" + printable(text, 60) + "\" and answers every client with an error of its own (451).",
           fix});
}

void one_element(LintRun& run, const MatchList::Element& element) {
  if (is_bare_ipv6(element.text))
    return unreadable(run, element.text, element.where, "Write IPv6 networks in brackets: [2001:db8::]/32.");
  if (element.table) {
    Outline outline;
    element.table->outline(outline);
    for (const auto& answer : outline.answers)
      if (const auto network = Network::parse(answer.key); network && !element.negated)
        one_network(run, {*network, answer.where});
    return;
  }
  if (!element.address_like) return;
  if (!element.network)
    return unreadable(run, element.text, element.where, "Write address/length, such as 192.0.2.0/24.");
  if (element.network->has_host_bits)
    return unreadable(run, element.text, element.where, "Write " + element.network->to_string() + ".");
  if (!element.negated) one_network(run, {*element.network, element.where});
}

}  // namespace

void lint_networks(LintRun& run, Side& side) {
  if (!side.tests.ask("permit_mynetworks")) return;
  if (side.networks_set) {
    for (const auto& element : side.mynetworks.elements()) one_element(run, element);
    return;
  }
  const auto style = side.parameters.get("mynetworks_style");
  const auto word = to_lower(style.text.text());
  if (word != "class" && word != "subnet") return;
  run.add({"networks-style",
           word == "class" || style.is_default() ? S::warn : S::info,
           style.where,
           "mynetworks_style = " + word,
           {},
           word == "class"
               ? "Every host of the server's old-style class A, B or C network may relay."
               : "Every host on the networks that the server is in may relay, and at a hoster those are strangers.",
           "Set mynetworks to your own networks, or mynetworks_style = host."});
}

namespace {

/// The names of a list in order, without arguments; classes are not entered.
std::vector<Cited> names_of(const Cited& list) {
  std::vector<Cited> names;
  const auto words = split_outside_braces(list, ",");
  for (std::size_t i = 0; i < words.size(); ++i) {
    names.push_back(words[i]);
    if (!is_table(words[i].text()) && takes_argument(words[i].text())) ++i;
  }
  return names;
}

bool is_class(const Parameters& parameters, const std::string& name) {
  const auto names = parameters.get("smtpd_restriction_classes").text;
  for (const auto& one : split_outside_braces(names, ","))
    if (one.text() == name) return true;
  return false;
}

void one_list(LintRun& run, Side& side, const char* parameter) {
  const auto value = side.parameters.get(parameter);
  const auto names = names_of(value.text);
  std::string end, refusal;
  bool toothless = false;
  for (const auto& one : names) {
    const auto name = to_lower(one.text());
    const bool known =
        is_table(name) || is_restriction(name) || is_class(side.parameters, one.text()) || has_unknown(name);
    if (!known)
      run.add({"restriction-unknown",
               S::fail,
               one.where(),
               one.text(),
               {},
               "Whoever gets as far as \"" + printable(one.text(), 60) + "\" in " + parameter +
                   " is answered 451 4.3.5 Server configuration error.",
               "Correct the name, or add it to smtpd_restriction_classes."});
    const bool login = name == "permit_sasl_authenticated" || name == "check_sasl_access";
    if (login && !refusal.empty() && side.parameters.flag("smtpd_sasl_auth_enable").value_or(false))
      run.add({"login-after-refusal",
               S::warn,
               one.where(),
               one.text(),
               {},
               one.text() + " stands after " + refusal + " in " + parameter +
                   ": users who log in are refused like strangers.",
               "Move it before " + refusal + "."});
    else if (!end.empty())
      run.add({"restriction-unreachable",
               S::warn,
               one.where(),
               one.text(),
               {},
               one.text() + " stands after " + end + " in " + parameter + ", which lets nobody past.",
               "Move it before " + end + ", or take it out."});
    const bool final_word = name == "permit" || name == "reject" || name == "defer";
    if (final_word && !toothless && end.empty()) end = one.text();
    const bool refuses = name == "reject" || name == "defer" || name == "reject_unauth_destination" ||
                         name == "defer_unauth_destination";
    if (refuses && !toothless && refusal.empty()) refusal = one.text();
    toothless = name == "warn_if_reject";
  }
}

}  // namespace

void lint_lists(LintRun& run, Side& side) {
  for (const auto* parameter : lists) one_list(run, side, parameter);
  const auto relay = side.parameters.get("smtpd_relay_restrictions");
  if (!relay.is_default() && relay.text.empty())
    run.add({"relay-restrictions-empty",
             S::warn,
             relay.where,
             "smtpd_relay_restrictions",
             {},
             "All that keeps strangers from relaying now stands in smtpd_recipient_restrictions, where a single OK for "
             "spam's "
             "sake opens the relay.",
             "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"});
  const auto networks = side.parameters.get("permit_mx_backup_networks");
  if (side.tests.ask("permit_mx_backup") && networks.text.empty())
    run.add({"mx-backup-open",
             S::warn,
             networks.is_default() ? side.parameters.get("smtpd_relay_restrictions").where : networks.where,
             "permit_mx_backup",
             {},
             "Whoever names this server as a mail exchanger of his domain makes it relay for that domain.",
             "List the domains in relay_domains instead, or set permit_mx_backup_networks to the first exchangers' "
             "networks."});
  const auto routing = side.parameters.get("allow_untrusted_routing");
  if (iequals(routing.text.text(), "yes"))
    run.add({"routing-allowed",
             S::warn,
             routing.where,
             "allow_untrusted_routing",
             {},
             "user%elsewhere@ours is taken from strangers; a server behind this one that believes it relays for them.",
             "allow_untrusted_routing = no"});
}

namespace {

std::string who_of(const RelayRegion& region) {
  std::string out;
  for (const auto& limit : region.limits) {
    out += (out.empty() ? "" : "; ") + limit.axis + (limit.except ? " any but " : " ");
    for (std::size_t i = 0; i < limit.members.size() && i < 4; ++i) out += (i == 0 ? "" : ", ") + limit.members[i];
    if (limit.members.size() > 4) out += " …";
  }
  return out.empty() ? "anybody" : out;
}

/// What lets strangers out though they are not everybody: recipients, EHLO names, senders.
bool forgeable(const std::string& restriction) {
  for (const char* name : {"check_sender_access", "check_helo_access", "check_recipient_access"})
    if (restriction.starts_with(name)) return true;
  return is_table(restriction.substr(0, restriction.find(' ')));
}

void one_region(LintRun& run, const RelayRegion& region) {
  bool anonymous = true;
  for (const auto& limit : region.limits)
    if (limit.axis == "login" || limit.axis == "certificate" || limit.axis == "owner" || limit.axis == "client" ||
        limit.axis == "client-name")
      anonymous = anonymous && limit.members.front().starts_with("no");
  const auto command = "See it: smtpdx config who-may-relay.";
  const bool table = region.restriction.starts_with("check_") || is_table(region.restriction);
  if (table && forgeable(region.restriction) && (region.everybody || anonymous)) {
    const bool sure = region.relay != Relay::perhaps;
    run.add(
        {"ok-before-refusal",
         region.everybody && sure ? S::fail : S::warn,
         region.where,
         region.restriction,
         {},
         region.restriction + " permits before strangers are refused (" + region.why +
             "), and what it looks at is whatever the client says: " + who_of(region) + ".",
         std::string(
             "Let the table answer DUNNO in place of OK, or move it to a list that does not decide about relaying. ") +
             command});
  } else if (region.everybody) {
    const bool sure = region.relay != Relay::perhaps;
    run.add(
        {sure ? "open-relay" : "open-relay-perhaps",
         sure ? S::fail : S::warn,
         region.where,
         "port " + std::to_string(region.port),
         {},
         (region.restriction.empty() ? std::string("No restriction refuses strangers")
                                     : region.restriction + " permits") +
             ": " + who_of(region) + (region.needs.empty() ? "" : " (if " + region.needs.front() + ")") + ".",
         std::string(
             "Refuse strangers before it: permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination. ") +
             command});
  }
}

}  // namespace

void lint_relay_set(LintRun& run) {
  const auto set = RelaySet::compute(run.configuration);
  if (!set)
    return run.add({"relay-set-unknown",
                    S::info,
                    {},
                    "relay set",
                    {},
                    set.error().message + ".",
                    set.error().hint.empty() ? "Ask about single sessions: smtpdx config decide." : set.error().hint});
  const auto before = run.findings.size();
  for (const auto& region : set->regions()) {
    // The network itself has been named.
    const bool named = std::any_of(run.findings.begin(), run.findings.begin() + static_cast<std::ptrdiff_t>(before),
                                   [](const LintFinding& f) { return f.id == "networks-everybody"; });
    if (!(named && region.restriction == "permit_mynetworks")) one_region(run, region);
  }
}

void lint_replies(LintRun& run, Side& side) {
  const auto code = side.parameters.get("relay_domains_reject_code");
  if (!code.is_default() && code.text.text().starts_with("4"))
    run.add({"denial-temporary",
             S::warn,
             code.where,
             "relay_domains_reject_code",
             {},
             "Strangers who may never relay are told to try again, and their servers do for days.",
             "relay_domains_reject_code = 554"});
  const auto soft = side.parameters.get("soft_bounce");
  if (iequals(soft.text.text(), "yes"))
    run.add({"denial-temporary",
             S::warn,
             soft.where,
             "soft_bounce",
             {},
             "Every refusal for good goes out as a temporary one; senders learn of a wrong address after days.",
             "soft_bounce = no, once what it was set for is done"});
  const auto relay = side.parameters.get("smtpd_relay_restrictions");
  for (const auto& name : names_of(relay.text))
    if (iequals(name.text(), "defer_unauth_destination"))
      run.add({"denial-temporary",
               S::info,
               name.where(),
               "defer_unauth_destination",
               {},
               "Strangers are refused with 454 4.7.1 and try again for days.",
               "Once all is well, reject_unauth_destination in its place refuses with 554 5.7.1."});
}

}  // namespace smtpdx::mta::postfix
