// SPDX-License-Identifier: Apache-2.0
//
// From a configuration to diag::ConfigFact. The decision is made elsewhere (mta/postfix); here the session is made up
// from the question, decided once without and once with a login, and what came out is put into words the rules can
// quote.
//
// Where the verdict is open only because something could have refused earlier and otherwise (a DNSBL, an unknown sender
// domain), the relay refusal still stands behind it: it is handed on, and the open point is named in `unknown`. Where
// something could have let the client pass, nothing is handed on.

#include "intake/config.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "mta/postfix/decide.hpp"

namespace smtpdx::intake {
namespace {

namespace postfix = mta::postfix;

std::vector<postfix::OwnAddress> own_addresses(const std::vector<Network>& given) {
  std::vector<postfix::OwnAddress> own;
  for (const auto& network : given) own.push_back({network.base, network.prefix, !network.has_host_bits});
  return own;
}

postfix::Session session_of(const ConfigQuestion& question) {
  postfix::Session session;
  if (question.client != IpAddress()) session.client = question.client;
  session.port = question.port;
  session.certificate_told = false;
  session.sender = question.sender;
  session.recipient = question.recipient;
  return session;
}

/// The refusal that stands: the verdict itself, or what comes if everything unknown says nothing and could not permit.
std::optional<postfix::Outcome> refusal(const postfix::Decision& decision) {
  if (decision.verdict == postfix::Verdict::refused) return decision;
  if (decision.if_silent && decision.if_silent->verdict == postfix::Verdict::refused && !decision.may_be_permitted)
    return decision.if_silent;
  return std::nullopt;
}

void add_unknown(diag::ConfigFact& fact, const postfix::Decision& decision) {
  for (const auto& what : decision.unknown)
    if (std::find(fact.unknown.begin(), fact.unknown.end(), what) == fact.unknown.end()) fact.unknown.push_back(what);
}

/// "reject_unauth_destination", and what softens its code where something does.
std::string deciding(const postfix::Outcome& outcome, const postfix::Parameters& parameters) {
  if (!outcome.by) return {};
  auto words = outcome.by->restriction.empty() ? outcome.by->parameter : outcome.by->restriction;
  if (parameters.flag("soft_bounce").value_or(false))
    words += ", softened by soft_bounce = yes (" + parameters.get("soft_bounce").where.to_string() + ")";
  return words;
}

void describe_recipient(diag::ConfigFact& fact, const postfix::Resolved& recipient, const std::string& lists) {
  fact.recipient_domain = postfix::with_names(recipient.domain);
  fact.recipient_class = postfix::to_string(recipient.address_class);
  if (recipient.address_class == postfix::AddressClass::none)
    fact.class_where = "in none of " + lists;
  else if (recipient.address_class == postfix::AddressClass::unknown)
    fact.unknown.push_back(recipient.why);
  else
    fact.class_where = recipient.where.to_string() + " " + recipient.parameter + ": " + recipient.pattern;
}

/// Is it the form of the address alone that is refused? The domain it names must be one that is served.
bool routed_only(const postfix::Decision& decision, const postfix::Classes& classes, const std::string& recipient) {
  const auto stands = refusal(decision);
  const bool relay = stands && stands->by && stands->by->restriction.find("unauth_destination") != std::string::npos;
  if (!relay || !decision.recipient || !(decision.recipient->routed || decision.recipient->unrouted)) return false;
  const auto form = postfix::internal_form(recipient);
  const auto at = form ? form->rfind('@') : std::string::npos;
  if (at == std::string::npos) return false;
  const auto plain = classes.resolve("someone" + form->substr(at));
  return plain.address_class != postfix::AddressClass::none && plain.address_class != postfix::AddressClass::unknown;
}

/// The list in which the refusal stands, else the one that guards the relay.
void describe_list(diag::ConfigFact& fact, const postfix::Parameters& parameters,
                   const std::optional<postfix::DecidedBy>& by) {
  std::string name = by && by->parameter.ends_with("_restrictions") ? by->parameter : "smtpd_relay_restrictions";
  auto list = parameters.get(name);
  if (list.text.empty()) list = parameters.get("smtpd_recipient_restrictions");
  fact.relay_list = fold_space(postfix::with_names(list.text.text()));
  fact.relay_where = (by && !by->where.built_in() ? by->where : list.where).to_string();
}

/// "smtp:[mx.example.net]:2525" → "mx.example.net"; empty where no host stands there.
std::string next_hop(std::string_view transport) {
  const auto colon = transport.find(':');
  if (colon == std::string_view::npos) return {};
  auto host = transport.substr(colon + 1);
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    return close == std::string_view::npos ? std::string() : canonical_name(host.substr(1, close - 1));
  }
  return canonical_name(host.substr(0, host.find(':')));
}

/// transport(5): the entry for the address, else for its domain; every table is asked for the one before the other.
/// Entries for parent domains and "*" are no override for one domain and are left alone. Where a table cannot be read,
/// what it would have said is not known, and nothing is handed on.
void describe_route(diag::ConfigFact& fact, const postfix::Configuration& configuration,
                    const postfix::Parameters& parameters, const postfix::Resolved& recipient) {
  postfix::Tables tables(configuration.directory);
  const auto maps = postfix::split_outside_braces(parameters.get("transport_maps").text, ",");
  for (const auto& key : {recipient.address, recipient.domain}) {
    for (const auto& map : maps) {
      const auto found = tables.open(map)->lookup(key);
      if (found.answer == postfix::Answer::no) continue;
      if (found.answer == postfix::Answer::yes) {
        fact.route = found.value;
        fact.route_host = next_hop(found.value);
        fact.route_where = found.where.to_string();
      }
      return;
    }
  }
}

/// Does nothing in the files name a next hop, so that the domain's MX is asked for? Every transport entry counts here,
/// those for parent domains and "*" too.
std::optional<bool> asks_for_mx(const postfix::Configuration& configuration, const postfix::Parameters& parameters,
                                const postfix::Resolved& recipient) {
  postfix::Tables tables(configuration.directory);
  std::vector<std::string> keys{recipient.address, recipient.domain};
  for (auto dot = recipient.domain.find('.'); dot != std::string::npos; dot = recipient.domain.find('.', dot + 1)) {
    keys.push_back(recipient.domain.substr(dot));      // the dotted style of parents …
    keys.push_back(recipient.domain.substr(dot + 1));  // … and the one without
  }
  keys.emplace_back("*");
  for (const auto& map : postfix::split_outside_braces(parameters.get("transport_maps").text, ",")) {
    for (const auto& key : keys) {
      const auto answer = tables.open(map)->lookup(key).answer;
      if (answer == postfix::Answer::unknown) return std::nullopt;
      if (answer == postfix::Answer::yes) return false;
    }
  }
  for (const char* name : {"relayhost", "sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"}) {
    const auto value = parameters.get(name);
    if (value.unknown()) return std::nullopt;
    if (!value.text.empty()) return false;
  }
  const bool relayed = recipient.address_class == postfix::AddressClass::relay;
  const auto transport = parameters.get(relayed ? "relay_transport" : "default_transport");
  if (transport.unknown()) return std::nullopt;
  const auto& text = transport.text.text();
  const auto colon = text.find(':');
  const auto method = text.substr(0, colon);
  if (method != "smtp" && method != "relay") return false;
  return colon == std::string::npos || colon + 1 == text.size();
}

/// Where a second list holds the domain: which, and whether the recipient would exist if that one counted.
void describe_doubles(diag::ConfigFact& fact, const postfix::Configuration& configuration,
                      const postfix::Classes& classes, const postfix::Resolved& recipient, postfix::Session session) {
  const auto also = classes.also(recipient);
  for (const auto& other : also)
    fact.also_in.push_back(other.where.to_string() + " " + other.parameter + ": " + other.pattern);
  if (also.empty()) return;
  session.recipient_class = also.front().address_class;
  session.login.reset();
  const auto there = postfix::decide(configuration, session);
  const auto refused = refusal(there);
  const bool as_unknown = refused && refused->by && refused->by->restriction == "reject_unlisted_recipient";
  if (there.verdict == postfix::Verdict::accepted || as_unknown) fact.known_there = !as_unknown;
}

/// What the server makes of it with the tables as postmap left them, where that is another matter than their text.
void describe_built(diag::ConfigFact& fact, postfix::Configuration configuration, const postfix::Session& session,
                    const postfix::Decision& by_text) {
  configuration.reading = postfix::Reading::built;
  const auto built = postfix::decide(configuration, session);
  if (by_text.verdict == postfix::Verdict::server_fatal) {
    fact.broken = (by_text.by ? by_text.by->where.to_string() + ": " : std::string()) + by_text.text;
    return;
  }
  if (built.verdict != postfix::Verdict::refused) return;
  const bool failure =
      built.code == 451 && !built.trace.empty() &&
      (built.text.ends_with("Temporary lookup failure") || built.text.ends_with("Server configuration error"));
  const bool same_class =
      by_text.recipient && built.recipient && by_text.recipient->address_class == built.recipient->address_class;
  if (failure) {
    fact.broken = built.trace.back().why;
  } else if (!same_class && !built.not_built.empty()) {
    fact.stale = join(built.not_built, "; ");
  } else {
    return;
  }
  fact.reply_code_built = built.code;
}

void describe_trust(diag::ConfigFact& fact, const postfix::Configuration& configuration,
                    const postfix::Parameters& parameters, const postfix::Session& session) {
  if (!session.client) return;
  postfix::Tables tables(configuration.directory);
  const auto trust =
      postfix::trusted(parameters, tables, configuration.own_addresses, {*session.client, session.client_name});
  if (trust.answer == postfix::Answer::unknown) {
    fact.unknown.push_back(trust.why);
    return;
  }
  fact.client_trusted = trust.answer == postfix::Answer::yes;
  fact.client_why = trust.why;
}

diag::ConfigFact describe(const postfix::Configuration& configuration, const postfix::Service& service,
                          const ConfigQuestion& question) {
  diag::ConfigFact fact;
  const postfix::Parameters parameters(configuration.main, &service);
  postfix::Tables tables(configuration.directory);
  const postfix::Classes classes(parameters, tables, configuration.own_addresses);
  auto session = session_of(question);
  const auto anonymous = postfix::decide(configuration, session);
  session.login = postfix::Login{};
  const auto logged_in = postfix::decide(configuration, session);

  const auto host = parameters.get("myhostname");
  if (!host.unknown()) fact.server_name = canonical_name(host.text.text());
  fact.sasl_enabled = parameters.flag("smtpd_sasl_auth_enable");
  describe_trust(fact, configuration, parameters, session);
  if (anonymous.recipient) {
    describe_recipient(fact, *anonymous.recipient, classes.lists_shown());
    // Which next hop counts is the whole server's business, whatever service the session came in by.
    const postfix::Parameters whole(configuration.main, nullptr);
    describe_route(fact, configuration, whole, *anonymous.recipient);
    fact.goes_to_mx = asks_for_mx(configuration, whole, *anonymous.recipient);
    describe_doubles(fact, configuration, classes, *anonymous.recipient, session);
  }
  session.login.reset();
  describe_built(fact, configuration, session, anonymous);
  const auto refused = refusal(anonymous), refused_user = refusal(logged_in);
  if (refused) {
    fact.deciding = deciding(*refused, parameters);
    fact.reply_code = refused->code;
    fact.reply_text = refused->status + " " + refused->text;
  }
  if (refused_user) {
    fact.deciding_authenticated = deciding(*refused_user, parameters);
    fact.reply_code_authenticated = refused_user->code;
  } else if (logged_in.verdict == postfix::Verdict::no_auth && logged_in.by) {
    fact.deciding_authenticated = "no login: " + logged_in.by->parameter + " (" + logged_in.by->where.to_string() + ")";
  }
  describe_list(fact, parameters, refused ? refused->by : refused_user ? refused_user->by : std::nullopt);
  fact.routed_form = routed_only(anonymous, classes, question.recipient);
  if (anonymous.verdict == postfix::Verdict::server_fatal)
    fact.unknown.push_back("nothing is answered at all: " + anonymous.text);
  add_unknown(fact, anonymous);
  add_unknown(fact, logged_in);
  return fact;
}

}  // namespace

Result<diag::ConfigFact> read_config(const std::string& kind_and_path, const ConfigQuestion& question) {
  const auto colon = kind_and_path.find(':');
  const auto kind = kind_and_path.substr(0, colon);
  if (colon == std::string::npos || !iequals(kind, "postfix") || colon + 1 == kind_and_path.size())
    return fail(ErrorKind::usage, "\"" + printable(kind_and_path, 100) + "\" is no configuration I can read",
                "--config postfix:/etc/postfix");
  const auto path = kind_and_path.substr(colon + 1);
  auto configuration = postfix::load(path);
  if (!configuration) return std::unexpected(configuration.error());
  configuration->own_addresses = own_addresses(question.server_addresses);
  const auto at = postfix::listener(*configuration, question.port, session_of(question).client);
  diag::ConfigFact fact;
  if (at.service)
    fact = describe(*configuration, *at.service, question);
  else
    fact.unknown.push_back(at.problem);
  fact.product = "postfix";
  fact.path = path;
  return fact;
}

}  // namespace smtpdx::intake
