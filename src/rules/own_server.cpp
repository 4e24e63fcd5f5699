// SPDX-License-Identifier: Apache-2.0
//
// Mistakes that the server's own files show and that look like somebody else's from outside: S41 a compiled table that
// lags behind its text, S59 a domain relayed to itself, S60 a domain taken for local that lives elsewhere, S61 a domain
// in two classes, S68 a configuration that the server cannot live with.
//
// Files say what a server would do, not which server refused and not whether it runs with these very files: each proof
// needs the refusal in hand to be the one that the files give, and what DNS or the live server says beside them.

#include <algorithm>

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::ConfigFact;
using diag::Outcome;
using diag::Proof;
using diag::Role;

namespace {

const std::string& class_of(const ConfigFact& config) { return config.recipient_class; }
bool own_class(const ConfigFact& config) {
  return class_of(config) == "local" || class_of(config) == "virtual mailbox" || class_of(config) == "virtual alias";
}

/// The files speak about the recipient in question.
bool about_recipient(const View& view, const ConfigFact& config) {
  return !config.recipient_class.empty() && config.recipient_class != "unknown" &&
         iequals(config.recipient_domain, view.domain());
}

/// Sessions with the server that the files are of, by the name it greets with.
std::vector<Seen<diag::SessionFact>> sessions_with(const View& view, const ConfigFact& config) {
  std::vector<Seen<diag::SessionFact>> met;
  for (const auto& s : view.sessions())
    if (const auto* caps = s->capabilities(); caps && iequals(caps->greeting_name, config.server_name))
      met.push_back(s);
  return met;
}

/// Anonymous attempts at that server, for the recipient or (with `role`) for another.
std::vector<Seen<diag::Attempt>> attempts_at(const View& view, const ConfigFact& config, Role role = Role::recipient) {
  std::vector<Seen<diag::Attempt>> met;
  const auto sessions = sessions_with(view, config);
  for (const auto& a : view.attempts())
    if (a->role == role && a->shape.user.empty() &&
        std::ranges::any_of(sessions, [&](const auto& s) { return s->shape.server == a->shape.server; }))
      met.push_back(a);
  return met;
}

/// Somebody else's refusal is none of these files' business.
bool another_refuser(const View& view, const ConfigFact& config) {
  const auto named = view.refusal() ? canonical_name(view.refusal()->refusal.decider) : std::string();
  return !named.empty() && !iequals(named, config.server_name) && !config.server_name.starts_with(named + ".");
}

int held_code(const View& view) { return view.refusal() ? view.refusal()->refusal.decided().code : 0; }

/// "User unknown in virtual mailbox table": the words of the reply that the files give stand in the refusal, too.
bool same_words(const View& view, const ConfigFact& config) {
  const auto at = config.reply_text.find("rejected: ");
  return view.refusal() && at != std::string::npos &&
         icontains(view.refusal()->refusal.decided().text, std::string_view(config.reply_text).substr(at + 10));
}

bool about_mailbox(const View& view) { return view.refusal() && view.asked_reason() == kb::Reason::recipient_unknown; }

}  // namespace

CauseVerdict s41_map_stale(const View& view) {
  auto config = view.config();
  if (!config || !about_recipient(view, *config)) return Say::nothing();
  if (class_of(*config) == "none")
    return Say::ruled_out().because(*config.id, "the files themselves do not list " + config->recipient_domain);
  if (!config->broken.empty()) return Say::nothing();  // S68
  const auto listed = "the files list " + config->recipient_domain + " as a " + class_of(*config) + " domain (" +
                      config->class_where + ")";
  Seen<diag::Attempt> refusing;
  for (const auto& a : attempts_at(view, *config)) {
    if (a->outcome == Outcome::accepted)
      return Say::ruled_out().because(*a.id, "the server takes mail for " + config->recipient_domain);
    if (view.relay_refused(*a)) refusing = a;
  }
  if (!refusing || !view.refusal() || another_refuser(view, *config)) return Say::nothing();
  const auto live = "yet " + refusing->shape.host + " refuses it as a relay: " + refusing->reply->to_string();
  if (!config->stale.empty() && refusing->reply->code == config->reply_code_built &&
      (held_code(view) == 0 || held_code(view) == config->reply_code_built))
    return Say::proved(Proof::record, 9)
        .because(*config.id, listed + ", but " + config->stale)
        .because(*refusing.id, live);
  return Say::likely(9)
      .because(*config.id, listed)
      .because(*refusing.id, live)
      .needs(
          "whether the tables were rebuilt (postmap) and the server reloaded since the files were changed, and whether "
          "these are the files of the server that answers");
}

namespace {

/// Nobody is asked before this server: it stands among the domain's best mail exchangers.
std::optional<std::string> among_best(const View& view, const ConfigFact& config, const diag::MxFact& mx) {
  const auto met = sessions_with(view, config);
  for (const auto& host : mx.mx.hosts) {
    if (host.preference != mx.mx.hosts.front().preference) break;
    const bool itself = iequals(host.name, config.server_name) ||
                        std::ranges::any_of(met, [&](const auto& s) { return s->shape.host == host.name; });
    if (itself) return host.name;
  }
  return std::nullopt;
}

}  // namespace

CauseVerdict s59_relays_to_itself(const View& view) {
  auto config = view.config();
  if (!config || !view.refusal() || view.asked_reason() != kb::Reason::routing_loop || !about_recipient(view, *config))
    return Say::nothing();
  if (own_class(*config))
    return Say::ruled_out().because(
        *config.id, "the files deliver " + config->recipient_domain + " here (" + config->class_where + ")");
  if (class_of(*config) != "relay" || another_refuser(view, *config)) return Say::nothing();
  if (config->goes_to_mx && !*config->goes_to_mx)
    return Say::ruled_out().because(
        *config.id,
        "the files name a next hop for it" +
            (config->route.empty() ? std::string() : ": " + config->route + " (" + config->route_where + ")"));
  auto mx = view.mx(view.domain());
  if (!mx || !view.mx_known() || mx->mx.hosts.empty()) return Say::nothing();
  const auto best = among_best(view, *config, *mx);
  const auto held = config->recipient_domain + " is only relayed here (" + config->class_where + ")";
  if (!best || !config->goes_to_mx)
    return Say::likely(9)
        .because({*config.id, *mx.id}, held)
        .needs(best ? "which next hop the tables name that are not among the files"
                    : "that " + config->server_name + " is the best mail exchanger of " + config->recipient_domain);
  return Say::proved(Proof::record, 9)
      .because(*config.id, held + ", and nothing in the files names another next hop than its MX")
      .because(*mx.id, "that MX is " + *best + ", this server itself")
      .because(*view.refusal().id, "which says so: " + view.refusal()->refusal.decided().text);
}

namespace {

/// The true exchangers know who exists at the domain (a made-up name is refused), and this recipient does.
struct TrueExchanger {
  std::vector<std::string> ids;
  bool selective = false;
};
std::optional<TrueExchanger> accepts_elsewhere(const MxTable& table) {
  if (!table.complete() || !table.all(MxState::accepted)) return std::nullopt;
  TrueExchanger found{table.ids(), true};
  for (const auto& row : table.rows())
    found.selective = found.selective && !row.random.empty() && row.random.front()->outcome == Outcome::refused;
  return found;
}

/// A house's own server behind its own filter holds the domain rightly: is this one of the recipient's house?
bool of_the_house(const View& view, const ConfigFact& config) {
  const auto own = organisation(config.server_name);
  if (own == organisation(view.domain()) || iequals(domain_of(view.sender()), view.domain())) return true;
  auto mx = view.mx(view.domain());
  return std::ranges::any_of(mx->mx.hosts, [&](const auto& h) { return organisation(h.name) == own; });
}

}  // namespace

CauseVerdict s60_wrongly_local(const View& view) {
  if (!about_mailbox(view) || !view.has_candidate("own.domain_wrongly_local")) return Say::nothing();
  auto config = view.config();
  if (config && about_recipient(view, *config) && !own_class(*config))
    return Say::ruled_out().because(
        *config.id, "the files do not hold " + config->recipient_domain + " as a domain of this server's own users");
  auto mx = view.mx(view.domain());
  if (!mx || !view.mx_known()) return Say::nothing();
  const auto server = config                                    ? config->server_name
                      : view.branch() == Branch::submission     ? canonical_name(view.question().server->host)
                      : view.refusal()->refusal.decider.empty() ? std::string()
                                                                : canonical_name(view.refusal()->refusal.decider);
  if (server.empty()) return Say::nothing();
  const auto in = view.in_mx(server, config ? "" : view.refuser_address());
  if (!in) return Say::nothing();
  if (*in)
    return Say::ruled_out().because(view.mx_ids(), server + " is a mail exchanger of " + view.domain() + " itself");
  MxTable table(view);
  if (const auto* row = table.first(MxState::refused);
      row && view.reason(*row->recipient.front()) == kb::Reason::recipient_unknown)
    return Say::ruled_out().because(
        row->ids(), "the domain's own mail exchanger " + row->where() + " does not know the recipient either");
  const auto elsewhere = accepts_elsewhere(table);
  if (!elsewhere) return Say::nothing();
  const auto accepted = "the domain's own mail exchangers accept the recipient" +
                        std::string(elsewhere->selective ? ", and refuse a made-up name" : "");
  const auto other = server + " is none of " + view.domain() + "'s mail exchangers";
  const bool recorded = config && about_recipient(view, *config) && !another_refuser(view, *config) &&
                        (held_code(view) == 0 || held_code(view) == config->reply_code) && same_words(view, *config);
  Say say =
      recorded && elsewhere->selective && !of_the_house(view, *config) ? Say::proved(Proof::record, 7) : Say::likely(7);
  if (config && about_recipient(view, *config))
    say.because(*config.id, server + " holds " + config->recipient_domain + " as " + class_of(*config) + " (" +
                                config->class_where + "), and answers " + std::to_string(config->reply_code));
  say.because(view.mx_ids(), other).because(elsewhere->ids, accepted);
  if (recorded && elsewhere->selective && !of_the_house(view, *config)) return say;
  return say.needs(!config     ? "--config postfix:PATH of " + server + ": does it hold the domain as local or virtual?"
                   : !recorded ? "the refusal in full: its words are not those that these files give"
                               : "whether " + server + " is the host behind that exchanger which has the mailboxes");
}

CauseVerdict s61_two_classes(const View& view) {
  auto config = view.config();
  if (!config || !about_mailbox(view) || !about_recipient(view, *config)) return Say::nothing();
  if (config->also_in.empty())
    return Say::ruled_out().because(
        *config.id, config->recipient_domain + " stands in one class only (" + config->class_where + ")");
  if (another_refuser(view, *config)) return Say::nothing();
  if (config->known_there && !*config->known_there)
    return Say::ruled_out().because(*config.id, "the recipient exists in none of the classes that list the domain");
  const auto both = config->recipient_domain + " is listed twice: " + config->class_where + ", which wins, and " +
                    join(config->also_in, ", ");
  const bool agrees = (held_code(view) == 0 || held_code(view) == config->reply_code) && same_words(view, *config);
  // Where the domain's mail comes in elsewhere, that it is listed here at all may be the mistake (S60).
  const bool comes_in_here =
      view.in_mx(config->server_name, "").value_or(false) || !sessions_with(view, *config).empty();
  if (!agrees || !config->known_there || !comes_in_here)
    return Say::likely(8)
        .because(*config.id, both)
        .needs(!agrees ? "the refusal in full: its words are not those that these files give"
                       : "that the mailbox exists in the class that loses");
  return Say::proved(Proof::record, 8)
      .because(*config.id, both + "; the recipient exists in the latter, and in the former not")
      .because(*view.refusal().id, "the refusal is the one that these files give: " + config->reply_text);
}

CauseVerdict s68_config_broken(const View& view) {
  auto config = view.config();
  if (!config || config->broken.empty() || another_refuser(view, *config)) return Say::nothing();
  if (config->reply_code_built == 0) {  // no greeting, ever
    for (const auto& s : view.sessions()) {
      const bool same = iequals(s->shape.host, config->server_name);
      if (same && s->banner)
        return Say::ruled_out().because(*s.id, "the server does greet: it runs with other files than these");
      if (same && s->connected && s->shape.tls == diag::TlsMode::plain && s->shape.server.port != 465)
        return Say::proved(Proof::record, 5)
            .because(*config.id, config->broken)
            .because(*s.id, "and the server takes the connection and gives no greeting");
    }
    return Say::likely(9).because(*config.id, config->broken).needs("a connection to that server (--server HOST:PORT)");
  }
  if (held_code(view) != config->reply_code_built) return Say::nothing();
  Seen<diag::Attempt> same;
  for (auto role : {Role::recipient, Role::random}) {
    for (const auto& a : attempts_at(view, *config, role)) {
      // Whoever answers one of them, at any time, can read its tables.
      if (a->outcome == Outcome::accepted || a->outcome == Outcome::refused)
        return Say::ruled_out().because(*a.id, "the server can answer now: " + a->reply->to_string());
      if (a->outcome != Outcome::deferred || a->reply->code != config->reply_code_built) continue;
      const auto text = a->reply->text();
      if (icontains(text, "lookup failure") || icontains(text, "configuration error")) same = a;
    }
  }
  if (same)
    return Say::proved(Proof::record, 5)
        .because({*config.id, *view.refusal().id},
                 config->broken + ", so that everybody is answered " + std::to_string(config->reply_code_built))
        .because(*same.id, "the live server answers just that: " + same->reply->to_string());
  return Say::likely(9)
      .because({*config.id, *view.refusal().id}, config->broken)
      .needs("the same answer from the live server: a copy of the files may lack what the server has");
}

}  // namespace smtpdx::rules
