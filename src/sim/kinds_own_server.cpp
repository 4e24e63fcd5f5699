// SPDX-License-Identifier: Apache-2.0
// A server's own files are in hand (--config): S41 S59 S60 S61 S68, and files that do not explain the refusal.

#include "base/text.hpp"
#include "sim/outgoing.hpp"

namespace smtpdx::sim {

namespace {

constexpr std::string_view s02 = "rcpt.mx_not_configured_for_domain";
constexpr std::string_view s41 = "own.map_stale_or_not_rebuilt";
constexpr std::string_view s49 = "lookalike.recipient_unknown_dbeb";
constexpr std::string_view s59 = "own.domain_relays_to_itself";
constexpr std::string_view s60 = "own.domain_wrongly_local";
constexpr std::string_view s61 = "own.domain_in_two_classes";
constexpr std::string_view s68 = "own.server_config_broken";

constexpr const char* relay_words = "554 5.7.1 <%r>: Relay access denied";
constexpr const char* local_words = "550 5.1.1 <%r>: Recipient address rejected: User unknown in local recipient table";
constexpr const char* lookup_words = "451 4.3.0 <%r>: Temporary lookup failure";

std::string to_domain(const Maker& m) { return domain_of(m.w.question.to); }

Maker::Form any_form(Maker& m) { return m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}); }

/// Files of the server called `name`, in which the recipient's domain has this class.
diag::ConfigFact& files_of(Maker& m, const std::string& name, const std::string& address_class) {
  m.w.question.has_config = true;
  auto& config = m.w.config.emplace();
  config.product = "postfix";
  config.path = "/etc/postfix";
  config.server_name = name;
  config.recipient_domain = to_domain(m);
  config.recipient_class = address_class;
  config.class_where = "main.cf:7";
  return config;
}

/// The domain's only exchanger, which is the server that the files are of.
Exchanger own_exchanger(Maker& m) {
  ask_about_recipient(m);
  return add_exchanger(m, {to_domain(m), 10, Name::own});
}

// ---- S41 ----

void not_rebuilt(diag::ConfigFact& config) {
  config.stale = "domains.db lacks " + config.recipient_domain + ", which domains:2 has";
  config.reply_code_built = 554;
}

void s41_stale(Maker& m) {
  auto e = own_exchanger(m);
  m.service(e.service).policy.relay_refusal = relay_words;
  not_rebuilt(files_of(m, e.host, "virtual mailbox"));
  m.bounce(relay_words, any_form(m), e.host, e.ip);
  m.proof(s41);
  spoil(m, {{e.service}, {}, to_domain(m)});
}

/// Nothing is stale in the files: the server was not reloaded, or they are not its own.
void s41_nothing_stale(Maker& m) {
  auto e = own_exchanger(m);
  m.service(e.service).policy.relay_refusal = relay_words;
  files_of(m, e.host, "virtual mailbox");
  m.bounce(relay_words, any_form(m), e.host, e.ip);
  m.may({s41});
  spoil(m, {{e.service}, {}, to_domain(m)});
}

/// The exchanger is somebody else's, and lacks the domain; so does a table of the user's own server.
void s41_another_exchanger(Maker& m) {
  auto e = own_exchanger(m);
  m.service(e.service).policy.relay_refusal = relay_words;
  not_rebuilt(files_of(m, "mail." + m.domain(), "virtual mailbox"));
  m.bounce(relay_words, any_form(m), e.host, e.ip);
  m.may({s02});
  spoil(m, {{e.service}, {}, to_domain(m)});
}

// ---- S59 ----

void looping(Maker& m, const Exchanger& best, std::optional<bool> goes_to_mx, const std::string& name) {
  Maker::hold(m.service(best.service).policy, to_domain(m));
  auto& config = files_of(m, name, "relay");
  config.goes_to_mx = goes_to_mx;
  m.bounce("554 5.4.6 mail for " + to_domain(m) + " loops back to myself", Maker::Form::bare, best.host, best.ip);
}

void s59_loop(Maker& m) {
  auto e = own_exchanger(m);
  looping(m, e, true, e.host);
  m.proof(s59);
  spoil(m, {{}, {e.service}, to_domain(m)});
  // The files, the MX and the words are enough, where the MX is named as the server is.
  if (m.w.truth.proof.empty()) m.proof(s59);
}

/// A better exchanger stands before it: what loops is something else.
void s59_backup(Maker& m) {
  auto e = own_exchanger(m);
  auto backup = add_exchanger(m, {to_domain(m), 20, Name::own});
  Maker::hold(m.service(backup.service).policy, to_domain(m));
  looping(m, e, true, backup.host);
}

void s59_next_hop_unknown(Maker& m) {
  auto e = own_exchanger(m);
  looping(m, e, m.one_in(2) ? std::optional(false) : std::nullopt, e.host);
}

// ---- S60 ----

/// The user's own server holds the recipient's domain as local; `users`: whom the domain's own exchanger knows.
struct Relay {
  Outgoing own;
  Exchanger true_one;
  std::size_t index = 0;
};

Relay wrongly_local(Maker& m, std::set<std::string> users) {
  Relay relay;
  relay.own = ask_about_server(m, m.one_in(2) ? 25 : 587, Secret::kept);
  for (auto& [key, list] : m.w.zones.records)
    if (key.first == to_domain(m) && key.second == dns::Type::MX) list.clear();
  m.zone(to_domain(m));
  relay.true_one = add_exchanger(m, {to_domain(m), 10, Name::own});
  m.service(relay.true_one.service).policy.unknown_user = m.say(Saying::unknown_user);
  Maker::hold(m.service(relay.true_one.service).policy, to_domain(m), std::move(users));
  auto p = policy_of(m, relay.own);
  p.relays_for = {*Network::parse("0.0.0.0/0")};
  p.unknown_user = local_words;
  Maker::hold(p, to_domain(m), {"root"});
  relay.index = listen(m, relay.own, m.w.question.server->port, p);
  auto& config = files_of(m, relay.own.host, "local");
  config.reply_code = 550;
  config.reply_text = replace_all(std::string(local_words).substr(4), "%r", m.w.question.to);
  hold_words(m, relay.own, local_words);
  return relay;
}

void s60_wrongly_local(Maker& m) {
  auto relay = wrongly_local(m, {"carl", "dora"});
  m.proof(s60);
  spoil(m, {{}, {relay.true_one.service}, to_domain(m)});
}

/// The domain's exchanger takes everybody: what it accepts says nothing about who exists.
void s60_catch_all(Maker& m) {
  wrongly_local(m, {});
  m.may({s60});
}

/// The exchanger is a filter of the same house, and the server behind it holds the domain rightly.
void s60_behind_a_filter(Maker& m) {
  auto relay = wrongly_local(m, {"carl", "dora"});
  m.w.config->server_name = "inside." + to_domain(m);
}

void s60_unknown_everywhere(Maker& m) {
  wrongly_local(m, {"dora"});
  m.may({s60, s49});
  m.no_proof("the recipient does not exist");
}

// ---- S61 ----

Exchanger twice(Maker& m, std::optional<bool> known_there) {
  auto e = own_exchanger(m);
  auto& p = m.service(e.service).policy;
  p.unknown_user = local_words;
  Maker::hold(p, to_domain(m), {"root"});
  auto& config = files_of(m, e.host, "local");
  config.also_in = {"main.cf:9 virtual_mailbox_domains: " + to_domain(m)};
  config.known_there = known_there;
  config.reply_code = 550;
  config.reply_text = replace_all(std::string(local_words).substr(4), "%r", m.w.question.to);
  m.bounce(local_words, any_form(m), e.host, e.ip);
  return e;
}

void s61_two_classes(Maker& m) {
  auto e = twice(m, true);
  m.proof(s61);
  spoil(m, {{e.service}, {}, to_domain(m)});
  m.w.truth.may_afterwards = m.w.truth.may;  // the files stay as they are
}

void s61_unknown_in_both(Maker& m) {
  twice(m, false);
  m.may({s49});
}

void s61_not_known(Maker& m) {
  twice(m, std::nullopt);
  m.may({s61, s49});
}

// ---- S68 ----

diag::ConfigFact& cannot_open(diag::ConfigFact& config) {
  config.broken = "hash:/etc/postfix/virtual (main.cf:7) cannot be opened: there is no /etc/postfix/virtual.db";
  config.reply_code_built = 451;
  return config;
}

void s68_table(Maker& m) {
  auto e = own_exchanger(m);
  m.service(e.service).policy.recipients["@" + to_domain(m)] = lookup_words;
  Maker::hold(m.service(e.service).policy, to_domain(m));
  cannot_open(files_of(m, e.host, "virtual mailbox"));
  m.bounce(lookup_words, any_form(m), e.host, e.ip);
  m.proof(s68);
  spoil(m, {{e.service}, {}, to_domain(m)});
}

/// A copy of the files lacks the table; the server has it, and had another trouble for a while.
void s68_only_the_copy(Maker& m) {
  auto e = own_exchanger(m);
  Maker::hold(m.service(e.service).policy, to_domain(m));
  if (m.one_in(2)) m.service(e.service).policy.greylisted = m.say(Saying::greylisted);
  cannot_open(files_of(m, e.host, "virtual mailbox"));
  m.bounce(lookup_words, any_form(m), e.host, e.ip);
}

/// Another server has that trouble: the files in hand say nothing about it.
void s68_another_server(Maker& m) {
  auto e = own_exchanger(m);
  m.service(e.service).policy.recipients["@" + to_domain(m)] = lookup_words;
  Maker::hold(m.service(e.service).policy, to_domain(m));
  cannot_open(files_of(m, "mail." + m.domain(), "virtual mailbox"));
  m.bounce(lookup_words, any_form(m), e.host, e.ip);
}

constexpr Kind table[] = {
    {"S41.stale", s41_stale},
    {"S41.nothing-stale", s41_nothing_stale},
    {"S41.another-exchanger", s41_another_exchanger},
    {"S59.loop", s59_loop},
    {"S59.backup", s59_backup},
    {"S59.next-hop-unknown", s59_next_hop_unknown},
    {"S60.wrongly-local", s60_wrongly_local},
    {"S60.catch-all", s60_catch_all},
    {"S60.behind-a-filter", s60_behind_a_filter},
    {"S60.unknown-everywhere", s60_unknown_everywhere},
    {"S61.two-classes", s61_two_classes},
    {"S61.unknown-in-both", s61_unknown_in_both},
    {"S61.not-known", s61_not_known},
    {"S68.table", s68_table},
    {"S68.only-the-copy", s68_only_the_copy},
    {"S68.another-server", s68_another_server},
};

}  // namespace

std::span<const Kind> own_server_kinds() { return table; }

}  // namespace smtpdx::sim
