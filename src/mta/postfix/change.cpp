// SPDX-License-Identifier: Apache-2.0
//
// Candidates are cheap guesses; what makes one an advice is the check: the edited files, replayed, must answer the
// session the other way, and the difference of the two sets of who may relay must be what was asked for, box by box.
// Where that cannot be told (a set that is not bounded, too many kinds of sessions) a candidate is dropped.
//
// Not done: edits of databases and pattern tables, and of who exists (recipient tables).

#include "mta/postfix/change.hpp"

#include <algorithm>
#include <functional>

#include "base/text.hpp"
#include "mta/postfix/address_space.hpp"
#include "mta/postfix/line_edits.hpp"
#include "mta/postfix/relay_set.hpp"

namespace smtpdx::mta::postfix {
namespace {

using Regions = std::vector<RelayRegion>;

const RelayRegion::Limit* limit_of(const RelayRegion& region, std::string_view axis) {
  for (const auto& limit : region.limits)
    if (limit.axis == axis) return &limit;
  return nullptr;
}

/// Every region is limited on this axis to members that pass.
bool only(const Regions& regions, std::string_view axis, const std::function<bool(const std::string&)>& good) {
  return std::all_of(regions.begin(), regions.end(), [&](const RelayRegion& region) {
    const auto* limit = limit_of(region, axis);
    return limit && !limit->except && !limit->members.empty() &&
           std::all_of(limit->members.begin(), limit->members.end(), good);
  });
}

/// Nobody without a login gains or loses by it.
bool only_logins(const Regions& regions) {
  return std::none_of(regions.begin(), regions.end(), [](const RelayRegion& region) { return region.strangers; });
}

bool only_strangers(const Regions& regions) {
  return std::none_of(regions.begin(), regions.end(), [](const RelayRegion& region) { return region.logins; });
}

struct Candidate {
  std::vector<LineEdit> lines;
  std::string edit, gives;
  std::function<bool(const RelayDifference&)> exact;
};

class Advisor {
 public:
  Advisor(const Configuration& configuration, const Session& session, const Decision& decision)
      : configuration_(configuration), session_(session), decision_(decision) {}

  ChangeAdvice advise();

 private:
  void let_pass();
  void close();
  void log_in_instead();
  void trust_client();
  void own_domain();
  void count_logins();
  void offer_logins();
  void offer_tls();
  void start_again();
  void drop_entry();
  void drop_network(const TraceEntry& permit);
  void drop_permit(const TraceEntry& permit);
  void propose(const Candidate& candidate);
  bool flips(const Decision& now) const;
  bool refused_by(std::initializer_list<std::string_view> names) const;
  std::string login_route() const;
  MaybeEdit permit_before_refusal(const Decision& refused) const;
  std::string why_none() const;

  const Configuration& configuration_;
  const Session& session_;
  const Decision& decision_;
  const Service* service_ = nullptr;
  ChangeAdvice advice_;
};

bool Advisor::flips(const Decision& now) const {
  if (decision_.verdict == Verdict::accepted)
    return now.verdict == Verdict::refused || (now.verdict == Verdict::unknown && relay_of(now) == Relay::no);
  if (decision_.verdict == Verdict::server_fatal) return now.verdict != Verdict::server_fatal;
  return now.verdict == Verdict::accepted || relay_of(now) == Relay::unless;
}

void Advisor::propose(const Candidate& candidate) {
  const auto after = edited(configuration_, candidate.lines);
  if (!after || !flips(decide(*after, session_))) return;
  const auto difference = RelayDifference::between(configuration_, *after);
  if (!difference || !difference->bounded || !candidate.exact(*difference)) return;
  const bool same = difference->gained.empty() && difference->lost.empty();
  advice_.changes.push_back(
      {candidate.lines, candidate.edit, same ? "those who may relay outward stay the same" : candidate.gives});
}

bool Advisor::refused_by(std::initializer_list<std::string_view> names) const {
  return decision_.by && std::any_of(names.begin(), names.end(),
                                     [&](std::string_view name) { return iequals(decision_.by->restriction, name); });
}

/// A way in that needs no edit: with a login, over TLS if need be, here or at the submission ports. Empty: none.
std::string Advisor::login_route() const {
  std::vector<std::uint16_t> ports = {session_.port, 587, 465};
  for (const auto port : ports) {
    for (const auto tls : {Tls::none, Tls::starttls, Tls::wrapper}) {
      auto session = session_;
      session.port = port;
      session.tls = tls;
      if (!session.login) session.login = Login{std::string("someuser"), true};
      const auto now = decide(configuration_, session);
      if (now.verdict != Verdict::accepted && relay_of(now) != Relay::unless) continue;
      if (now.verdict == Verdict::unknown && !now.if_silent) continue;
      return "log in on port " + std::to_string(port) +
             (tls == Tls::starttls  ? " after STARTTLS"
              : tls == Tls::wrapper ? " over TLS"
                                    : "");
    }
  }
  return {};
}

void Advisor::log_in_instead() {
  const auto route = login_route();
  if (route.empty()) return;
  advice_.changes.push_back(
      {{}, "no edit: let the client " + route + "; the same mail is then accepted", "nothing to anybody else"});
}

void Advisor::trust_client() {
  if (!session_.client || session_.login) return;
  const auto& client = *session_.client;
  const auto width = client.is_v6() ? std::string("/128") : std::string("/32");
  const auto entry = client.is_v6() ? "[" + client.to_string() + "]" : client.to_string();
  const auto exact = [network = client.to_string() + width](const RelayDifference& difference) {
    return difference.lost.empty() && !difference.gained.empty() &&
           only(difference.gained, "client", [&](const std::string& member) { return member == network; });
  };
  const auto gives = "mail from " + client.to_string() + " to anywhere, and nothing to anybody else";
  const auto before = advice_.changes.size();
  const bool set = Parameters(configuration_.main, service_).is_set("mynetworks");
  if (const auto edit = set ? append_to(configuration_, *service_, "mynetworks", entry) : MaybeEdit())
    propose({{*edit}, "trust the client: add " + entry + " to mynetworks", gives, exact});
  if (advice_.changes.size() > before || !decision_.by || decision_.by->where.built_in()) return;
  // Where mynetworks is not asked, or made by mynetworks_style.
  const auto check = "check_client_access inline:{" + client.to_string() + "=OK}";
  const Cited word(decision_.by->restriction, decision_.by->where);
  if (word.where().file != "main.cf" || client.is_v6()) return;
  if (const auto edit = insert_before(configuration_, word, check))
    propose({{*edit}, "trust the client: put " + check + " before " + word.text(), gives, exact});
}

void Advisor::own_domain() {
  if (!decision_.recipient || decision_.recipient->address_class != AddressClass::none || decision_.recipient->routed)
    return;
  const auto& domain = decision_.recipient->domain;
  if (!valid_host_name(domain) || session_.login) return;
  const Parameters parameters(configuration_.main, service_);
  const bool below = parents_of(parameters, "relay_domains") == Parents::match;
  const auto edit = append_to(configuration_, *service_, "relay_domains", domain);
  if (!edit || !parameters.is_set("relay_domains")) {
    if (!parameters.compatible_with("2")) return;  // the default is not empty there
  }
  if (!edit) return;
  propose({{*edit},
           "if " + domain + " is yours and its mailboxes are on another server: add it to relay_domains",
           "mail from anybody to " + domain + (below ? " and the domains below it" : "") + ", and nothing else",
           [domain](const RelayDifference& difference) {
             return difference.lost.empty() && !difference.gained.empty() &&
                    only(difference.gained, "recipient", [&](const std::string& member) {
                      return iends_with(member, "@" + domain) || iends_with(member, "@*." + domain);
                    });
           }});
}

MaybeEdit Advisor::permit_before_refusal(const Decision& refused) const {
  if (!refused.by || refused.by->where.built_in()) return std::nullopt;
  return insert_before(configuration_, Cited(refused.by->restriction, refused.by->where), "permit_sasl_authenticated");
}

void Advisor::count_logins() {
  if (!session_.login || !session_.login->valid || decision_.verdict != Verdict::refused) return;
  const auto edit = permit_before_refusal(decision_);
  if (!edit) return;
  propose(
      {{*edit},
       "ask for logins first: put permit_sasl_authenticated before " + decision_.by->restriction,
       "mail from whoever logs in, and nothing to strangers",
       [](const RelayDifference& difference) { return difference.lost.empty() && only_logins(difference.gained); }});
}

void Advisor::offer_logins() {
  if (decision_.verdict != Verdict::no_auth || !decision_.by || decision_.by->parameter != "smtpd_sasl_auth_enable")
    return;
  const auto& where = decision_.by->where;
  const auto enable = where.built_in() ? MaybeEdit(append_setting("smtpd_sasl_auth_enable = yes"))
                                       : replace_setting(configuration_, where, "smtpd_sasl_auth_enable", "yes");
  if (!enable) return;
  std::vector<LineEdit> lines = {*enable};
  const Parameters parameters(configuration_.main, service_);
  const bool has_tls = !parameters.get("smtpd_tls_security_level").text.empty();
  const bool clear = !parameters.is_set("smtpd_tls_auth_only");
  if (has_tls && clear && session_.tls != Tls::none) lines.push_back(append_setting("smtpd_tls_auth_only = yes"));
  if (const auto now = edited(configuration_, lines)) {
    const auto refused = decide(*now, session_);
    if (refused.verdict == Verdict::refused)
      if (const auto edit = permit_before_refusal(refused)) lines.push_back(*edit);
  }
  propose({lines, "offer logins (the server needs a SASL service, such as Dovecot's)",
           "mail from whoever logs in, and nothing to strangers", [](const RelayDifference& difference) {
             return difference.lost.empty() && only_logins(difference.gained);
           }});
}

void Advisor::offer_tls() {
  if (decision_.verdict != Verdict::no_starttls) return;
  const auto where = Parameters(configuration_.main, service_).get("smtpd_tls_security_level").where;
  const auto edit = where.built_in() ? MaybeEdit(append_setting("smtpd_tls_security_level = may"))
                                     : replace_setting(configuration_, where, "smtpd_tls_security_level", "may");
  if (!edit) return;
  propose(
      {{*edit}, "offer STARTTLS", "the same mail over TLS, and nothing else", [](const RelayDifference& difference) {
         return difference.lost.empty() &&
                only(difference.gained, "tls", [](const std::string& member) { return member == "STARTTLS"; });
       }});
}

/// A server that stops: with the list that keeps strangers out it answers again.
void Advisor::start_again() {
  if (decision_.verdict != Verdict::server_fatal || !decision_.by) return;
  const auto& parameter = decision_.by->parameter;
  if (parameter != "smtpd_relay_restrictions" && parameter != "smtpd_recipient_restrictions") return;
  const std::string list = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";
  const auto where = Parameters(configuration_.main, service_).get("smtpd_relay_restrictions").where;
  const auto edit = where.built_in() ? MaybeEdit(append_setting("smtpd_relay_restrictions = " + list))
                                     : replace_setting(configuration_, where, "smtpd_relay_restrictions", list);
  if (!edit) return;
  propose({{*edit},
           "keep strangers out, so that the server starts",
           "mail for its own domains, and to anywhere from mynetworks and from whoever logs in",
           [](const RelayDifference& difference) {
             return std::none_of(difference.gained.begin(), difference.gained.end(),
                                 [](const RelayRegion& region) { return region.everybody; });
           }});
}

/// An entry of an access table that refuses.
void Advisor::drop_entry() {
  if (decision_.verdict != Verdict::refused || !decision_.by) return;
  const auto edit = remove_entry(configuration_, decision_.by->where);
  if (!edit || !decision_.by->restriction.starts_with("check_")) return;
  const auto line = trim(*edit->before);
  const auto key = to_lower(
      line.substr(0, static_cast<std::size_t>(std::find_if(line.begin(), line.end(), is_space) - line.begin())));
  const auto& restriction = decision_.by->restriction;
  const std::string axis = restriction == "check_sender_access"      ? "sender"
                           : restriction == "check_recipient_access" ? "recipient"
                           : restriction == "check_helo_access"      ? "helo"
                           : restriction == "check_sasl_access"      ? "login"
                                                                     : "client";
  bool blurred = false;
  std::vector<std::string> networks;
  // A network that was kept out is not one client: what it would gain has to be nothing.
  const auto single = [](const Network& network) { return network.prefix == (network.base.is_v6() ? 128u : 32u); };
  for (const auto& network : networks_of_key(key, blurred))
    if (single(network)) networks.push_back(network.to_string());
  const auto bare = key.starts_with('.') ? key.substr(1) : key;
  const auto good = [=](const std::string& member) {
    return std::find(networks.begin(), networks.end(), member) != networks.end() || iends_with(member, key) ||
           (axis == "sender" && iends_with(member, "." + bare)) || member == "*." + bare || member == "@*." + bare;
  };
  propose(
      {{*edit},
       "take " + printable(key, 80) + " out of " + decision_.by->where.file + " (and run postmap, if it is compiled)",
       "what " + printable(key, 80) + " was kept from, and nothing else",
       [axis, good](const RelayDifference& difference) {
         return difference.lost.empty() && (only(difference.gained, axis, good) ||
                                            (axis == "client" && only(difference.gained, "client-name", good)));
       }});
}

void Advisor::let_pass() {
  start_again();
  if (session_.login || refused_by({"reject_unauth_destination", "defer_unauth_destination", "reject", "defer"}) ||
      decision_.verdict == Verdict::no_auth)
    log_in_instead();
  offer_logins();
  offer_tls();
  count_logins();
  drop_entry();
  const auto relaying = decision_.recipient && decision_.recipient->address_class == AddressClass::none;
  if (!relaying || decision_.verdict != Verdict::refused) return;
  if (!refused_by({"reject_unauth_destination", "defer_unauth_destination", "reject", "defer"})) return;
  trust_client();
  own_domain();
}

/// The element of mynetworks that trusts the client.
void Advisor::drop_network(const TraceEntry& permit) {
  const Parameters parameters(configuration_.main, service_);
  Tables tables(configuration_.directory, configuration_.reading);
  const auto value = parameters.get("mynetworks");
  for (const auto& word : split_outside_braces(value.text, ",")) {
    const auto network = Network::parse(word.text());
    if (!network || !session_.client || !network->contains(*session_.client)) continue;
    const auto edit = remove_word(configuration_, word);
    if (!edit) return;
    return propose({{*edit},
                    "trust it no more: take " + word.text() + " out of mynetworks",
                    "nobody gains; clients in " + word.text() + " have to log in",
                    [](const RelayDifference& difference) { return difference.gained.empty(); }});
  }
  drop_permit(permit);
}

/// An OK in an access table: the refusal in front of it, where only strangers lose by that.
void Advisor::drop_permit(const TraceEntry& permit) {
  const Cited word(permit.restriction.substr(0, permit.restriction.find(' ')), permit.where);
  const auto edit = insert_before(configuration_, word, "reject_unauth_destination");
  if (!edit || !permit.restriction.starts_with("check_")) return;
  propose(
      {{*edit},
       "refuse strangers before " + word.text() + " is asked",
       "nobody gains; strangers may no longer relay",
       [](const RelayDifference& difference) { return difference.gained.empty() && only_strangers(difference.lost); }});
}

void Advisor::close() {
  const auto relaying = decision_.recipient && decision_.recipient->address_class == AddressClass::none;
  if (!relaying || session_.login) return;
  for (const auto* parameter : {"smtpd_relay_restrictions", "smtpd_recipient_restrictions"})
    for (const auto& entry : decision_.trace) {
      if (entry.parameter != parameter || entry.result != "permit") continue;
      return iequals(entry.restriction, "permit_mynetworks") ? drop_network(entry) : drop_permit(entry);
    }
}

std::string Advisor::why_none() const {
  const bool own = decision_.recipient && decision_.recipient->address_class != AddressClass::none;
  if (decision_.verdict == Verdict::accepted && own) return "mail for the server's own domains is no relaying";
  if (decision_.verdict == Verdict::accepted && session_.login) return "whoever logs in may send";
  if (decision_.verdict == Verdict::accepted) return "no single line closes this without closing it for others";
  if (decision_.verdict == Verdict::no_auth)
    return "no edit is safe: a login without TLS would show the password to whoever listens";
  if (decision_.by && decision_.by->restriction.find("unlisted") != std::string::npos)
    return "the recipient is in none of the tables that say who exists; that is no matter of who may relay";
  if (decision_.verdict == Verdict::server_fatal) return "correct the value at which the server stops";
  return "no single line lets exactly this session pass and nothing else";
}

ChangeAdvice Advisor::advise() {
  const auto at = listener(configuration_, session_.port, session_.client);
  service_ = at.service;
  if (!service_ || decision_.verdict == Verdict::unknown) return {{}, "the answer itself is not known"};
  if (decision_.verdict == Verdict::accepted)
    close();
  else
    let_pass();
  if (advice_.changes.empty()) advice_.none = why_none();
  return std::move(advice_);
}

}  // namespace

ChangeAdvice change_for(const Configuration& configuration, const Session& session, const Decision& decision) {
  return Advisor(configuration, session, decision).advise();
}

}  // namespace smtpdx::mta::postfix
