// SPDX-License-Identifier: Apache-2.0
//
// Access tables (access(5)) and address tables: which keys are looked up in which order, and what an entry's right-hand
// side does. The keys: full first, then parents of the domain, octets of the address, "user@"; only the full one in
// pattern tables.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

/// The local part without its extension; empty where there is none.
std::string without_extension(std::string_view local, std::string_view delimiters) {
  if (delimiters.empty()) return {};
  const auto at = local.find_first_of(delimiters, 1);
  return at == std::string_view::npos || at == 0 ? std::string() : std::string(local.substr(0, at));
}

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

struct Status {
  std::string code, text;
};
/// "5.7.1 go away" → both parts; the default where the text begins with no enhanced code (RFC 3463).
Status split_status(std::string_view text, std::string fallback) {
  const auto end = std::find_if(text.begin(), text.end(), is_space);
  const std::string_view first(text.data(), static_cast<std::size_t>(end - text.begin()));
  const auto parts = split(first, '.');
  const bool status = parts.size() == 3 && std::all_of(parts.begin(), parts.end(), all_digits) &&
                      std::string_view("245").find(first.front()) != std::string_view::npos;
  if (!status) return {std::move(fallback), std::string(text)};
  return {std::string(first), std::string(trim(text.substr(first.size())))};
}

}  // namespace

void add_domain_keys(std::vector<Key>& keys, std::string_view domain, Parents parents, bool first_partial) {
  bool partial = first_partial;
  for (auto rest = domain; !rest.empty();) {
    keys.push_back({std::string(rest), partial});
    partial = true;
    const auto dot = rest.find('.', 1);
    if (dot == std::string_view::npos) return;
    rest.remove_prefix(parents == Parents::match ? dot + 1 : dot);
  }
}

/// 192.0.2.7, 192.0.2, 192.0, 192; in IPv6 the same between colons.
void add_address_keys(std::vector<Key>& keys, const IpAddress& address) {
  auto text = address.to_string();
  const char separator = address.is_v6() ? ':' : '.';
  bool partial = false;
  while (!text.empty()) {
    keys.push_back({text, partial});
    partial = true;
    const auto cut = text.rfind(separator);
    if (cut == std::string::npos) return;
    text.erase(cut);
    while (text.ends_with(separator)) text.pop_back();
  }
}

/// An address's keys: full, without extension, its domain and that one's parents, "user@".
void add_mail_keys(std::vector<Key>& keys, const Resolved& address, std::string_view delimiters, Parents parents) {
  const auto whole = to_lower(address.address);  // smtpd looks addresses up in lower case, in patterns too
  const auto local = whole.substr(0, whole.rfind('@'));
  const auto bare = without_extension(local, delimiters);
  keys.push_back({whole});
  if (!bare.empty()) keys.push_back({bare + "@" + address.domain});
  add_domain_keys(keys, address.domain, parents, true);
  keys.push_back({local + "@", true});
  if (!bare.empty()) keys.push_back({bare + "@", true});
}

Found find_first(const std::vector<Key>& keys, const Table& table) {
  for (const auto& key : keys) {
    if (key.partial && !table.partial_keys()) continue;
    if (has_unknown(key.text))
      return Found{Answer::unknown, {}, {}, key.text, "the value of $" + unknown_names(key.text).front()};
    auto found = table.lookup(key.text);
    if (found.answer != Answer::no || found.broken) return found;
  }
  return {};
}

Found Evaluation::find_in(const Cited& maps, const std::vector<std::string>& keys) const {
  Found open;
  for (const auto& map : split_outside_braces(maps, ",")) {
    const auto table = tables_.open(map);
    for (const auto& key : keys) {
      auto found = table->lookup(key);
      if ((found.answer == Answer::yes || found.broken) && open.answer == Answer::no) return found;
      if (found.answer != Answer::no) {
        open = std::move(found);
        open.answer = Answer::unknown;
        open.broken = false;
        break;
      }
    }
  }
  return open;
}

/// user+ext@domain, user@domain, user+ext, user (own domains only), @domain.
std::vector<std::string> Evaluation::address_keys(const Resolved& address) const {
  const auto whole = to_lower(address.address);
  const auto at = whole.rfind('@');
  const auto local = whole.substr(0, at), domain = whole.substr(at + 1);
  const auto bare = without_extension(local, parameters_.get("recipient_delimiter").text.text());
  std::vector<std::string> keys = {local + "@" + domain};
  if (!bare.empty()) keys.push_back(bare + "@" + domain);
  const bool own =
      address.address_class == AddressClass::local || iequals(domain, parameters_.get("myorigin").text.text());
  if (own) {
    keys.push_back(local);
    if (!bare.empty()) keys.push_back(bare);
  }
  keys.push_back("@" + domain);
  return keys;
}

Found Evaluation::find_address(std::string_view maps_parameter, const Resolved& address) const {
  return find_in(parameters_.get(maps_parameter).text, address_keys(address));
}

/// Local parts that Postfix itself takes mail for.
static bool always_exists(const std::string& address) {
  const auto local = std::string_view(address).substr(0, address.rfind('@'));
  return iequals(local, "postmaster") || iequals(local, "mailer-daemon") || iequals(local, "double-bounce");
}

Ruling Evaluation::unlisted(const Resolved& address, std::string_view kind, const std::string& shown,
                            const std::string& status) {
  struct Row {
    AddressClass address_class;
    const char *maps, *code, *table;
  };
  static constexpr Row rows[] = {
      {AddressClass::local, "local_recipient_maps", "unknown_local_recipient_reject_code", "local recipient table"},
      {AddressClass::virtual_alias, "virtual_alias_maps", "unknown_virtual_alias_reject_code", "virtual alias table"},
      {AddressClass::virtual_mailbox, "virtual_mailbox_maps", "unknown_virtual_mailbox_reject_code",
       "virtual mailbox table"},
      {AddressClass::relay, "relay_recipient_maps", "unknown_relay_recipient_reject_code", "relay recipient table"}};
  if (address.broken) return lookup_failure(shown, address.why);
  if (address.address_class == AddressClass::unknown) return Ruling::open_question(address.why, false, true);
  const auto row = std::find_if(std::begin(rows), std::end(rows),
                                [&](const Row& r) { return r.address_class == address.address_class; });
  if (row == std::end(rows)) return Ruling::nothing("no table says who exists there");
  const bool always = row->address_class == AddressClass::virtual_alias;
  if (!always && parameters_.get(row->maps).text.empty())
    return Ruling::nothing(std::string(row->maps) + " is empty: everybody exists");
  if (row->address_class == AddressClass::local && always_exists(address.address))
    return Ruling::nothing("exists everywhere, whatever the tables say");
  Found open;
  // An address that is rewritten exists, whatever it becomes.
  const bool sender = kind.starts_with("Sender");
  for (const char* maps : {sender ? "sender_canonical_maps" : "recipient_canonical_maps", "canonical_maps",
                           "virtual_alias_maps", row->maps}) {
    const auto found = find_address(maps, address);
    if (found.answer == Answer::yes && open.answer == Answer::no)
      return Ruling::nothing("listed in " + std::string(maps) + " (" + found.where.to_string() + ")");
    if (found.answer == Answer::yes) return Ruling::nothing("listed in " + std::string(maps));
    if (found.broken && open.answer == Answer::no) return lookup_failure(shown, found.why);
    if (found.answer == Answer::unknown) open = found;
  }
  const auto who = printable(with_names(address.address), 120);
  if (open.answer == Answer::unknown || has_unknown(address.address))
    return Ruling::open_question("whether " + who + " exists: " + open.why, false, true);
  auto text = "<" + shown + ">: " + std::string(kind) + " rejected: User unknown";
  if (parameters_.flag("show_user_unknown_table_name").value_or(true)) text += std::string(" in ") + row->table;
  // A sender in a virtual alias domain has a status of its own.
  const auto own_status = sender && row->address_class == AddressClass::virtual_alias ? "5.1.7" : status;
  return Ruling::deny(reply(row->code, 550, own_status, text),
                      who + " is not in " + row->maps + " (" + parameters_.get(row->maps).where.to_string() + ")");
}

struct Evaluation::Access {
  Subject subject;
  std::vector<Key> keys;
  bool name_missing = false;      ///< a client's name is not known to us: it would be looked up first
  std::optional<Ruling> settled;  ///< known without the table
};

Evaluation::Access Evaluation::access_to_client(const std::string& table) const {
  Access access;
  access.subject = client_subject();
  access.name_missing = !peer_.name;
  if (!session_.client) {
    access.settled = Ruling::open_question("the client's address, for " + table, true, true);
    return access;
  }
  if (peer_.name) add_domain_keys(access.keys, *peer_.name, parents_of(parameters_, "smtpd_access_maps"), false);
  add_address_keys(access.keys, *session_.client);
  return access;
}

Evaluation::Access Evaluation::access_to_envelope(std::string_view which) const {
  const auto delimiters = parameters_.get("recipient_delimiter").text.text();
  const auto parents = parents_of(parameters_, "smtpd_access_maps");
  const bool recipient = which == "check_recipient_access";
  Access access;
  access.subject = recipient ? recipient_subject() : sender_subject();
  if (recipient ? !progress_.recipient : !progress_.sender)
    access.settled = Ruling::nothing(recipient ? "there is no recipient yet" : "there is no sender yet");
  else if (recipient || resolved_sender_)
    add_mail_keys(access.keys, recipient ? *resolved_ : *resolved_sender_, delimiters, parents);
  else
    access.keys.push_back({parameters_.get("smtpd_null_access_lookup_key").text.text()});
  return access;
}

Evaluation::Access Evaluation::access_to(std::string_view which, const std::string& table) const {
  if (which == "check_client_access") return access_to_client(table);
  if (which == "check_sender_access" || which == "check_recipient_access") return access_to_envelope(which);
  Access access;
  if (which == "check_helo_access") {
    access.subject = helo_subject();
    if (!progress_.helo)
      access.settled = Ruling::nothing("there is no greeting yet");
    else if (!session_.helo)
      access.settled = Ruling::open_question("the client's EHLO name, for " + table, true, true);
    else
      add_domain_keys(access.keys, *session_.helo, parents_of(parameters_, "smtpd_access_maps"), false);
  } else if (which == "check_sasl_access") {
    access.subject = {session_.login ? session_.login->user.value_or("…") : "", "SASL login name", "check_sasl_access"};
    if (!progress_.login)
      access.settled = Ruling::nothing("not logged in");
    else if (!session_.login->user)
      access.settled = Ruling::open_question("which user logs in, for " + table, true, true);
    else
      access.keys.push_back({*session_.login->user});
  } else {
    access.settled = certificate_settled().value_or(
        Ruling::open_question("what " + table + " says about the certificate", true, true));
  }
  return access;
}

Ruling Evaluation::check_access(std::string_view which, const Cited& table, std::string_view parameter, unsigned depth,
                                ListResult& nested) {
  const auto shown = printable(table.text(), 80);
  const auto access = access_to(which, shown);
  if (access.settled) return *access.settled;
  if (!is_table(table.text()))
    return Ruling::deny(softened({451, "4.3.5", "Server configuration error"}), shown + " is no type:table");
  const auto opened = tables_.open(table);
  const bool told = session_.assumed && session_.assumed->access.contains(std::string(which) + " " + table.text());
  if (!told && access.name_missing && opened->may_hold_names())
    return Ruling::open_question("the client's name (PTR and back), for " + shown, true, true);
  auto ruling = assumed_entry(which, table, access.subject, parameter, depth, nested);
  if (!ruling) ruling = first_entry(access.keys, *opened, access.subject, parameter, depth, nested);
  if (!ruling) return Ruling::nothing("no entry for " + printable(access.keys.front().text, 80));
  const bool suspicious = which == "check_recipient_access" && resolved_->routed &&
                          !parameters_.flag("allow_untrusted_routing").value_or(false);
  if (suspicious && ruling->effect == Ruling::permit)
    return Ruling::nothing("a permit does not count for an address that asks to be routed on");
  return *ruling;
}

/// What an answer that was assumed of the table makes of the session; nullopt where none was.
std::optional<Ruling> Evaluation::assumed_entry(std::string_view which, const Cited& table, const Subject& subject,
                                                std::string_view parameter, unsigned depth, ListResult& nested) {
  if (!session_.assumed) return std::nullopt;
  const auto at = session_.assumed->access.find(std::string(which) + " " + table.text());
  if (at == session_.assumed->access.end()) return std::nullopt;
  if (at->second.answer == Answer::no) return Ruling::nothing("no entry, as assumed");
  auto ruling = table_action(at->second, subject, parameter, depth, nested);
  if (ruling.where.built_in()) ruling.where = at->second.where;
  return ruling;
}

/// What the first key that the table holds makes of the session; nullopt where it holds none.
std::optional<Ruling> Evaluation::first_entry(const std::vector<Key>& keys, const Table& table, const Subject& subject,
                                              std::string_view parameter, unsigned depth, ListResult& nested) {
  const auto found = find_first(keys, table);
  if (found.broken) return bad_configuration(subject, found.why);
  if (found.answer == Answer::unknown) return Ruling::open_question(found.why, true, true);
  if (found.answer == Answer::no) return std::nullopt;
  auto ruling = table_action(found, subject, parameter, depth, nested);
  if (ruling.where.built_in()) ruling.where = found.where;
  return ruling;
}

// ---- check_*_mx_access, check_*_ns_access, check_*_a_access, check_reverse_client_hostname_access ----

struct Evaluation::Servers {
  std::string_view restriction;
  enum Of { client, reverse_client, helo, sender, recipient } of;
  dns::Type type;  ///< A: the name itself
};

const Evaluation::Servers* Evaluation::servers_of(std::string_view restriction) {
  using dns::Type;
  static constexpr std::array<Servers, 15> all = {{
      {"check_client_mx_access", Servers::client, Type::MX},
      {"check_client_ns_access", Servers::client, Type::NS},
      {"check_client_a_access", Servers::client, Type::A},
      {"check_reverse_client_hostname_mx_access", Servers::reverse_client, Type::MX},
      {"check_reverse_client_hostname_ns_access", Servers::reverse_client, Type::NS},
      {"check_reverse_client_hostname_a_access", Servers::reverse_client, Type::A},
      {"check_helo_mx_access", Servers::helo, Type::MX},
      {"check_helo_ns_access", Servers::helo, Type::NS},
      {"check_helo_a_access", Servers::helo, Type::A},
      {"check_sender_mx_access", Servers::sender, Type::MX},
      {"check_sender_ns_access", Servers::sender, Type::NS},
      {"check_sender_a_access", Servers::sender, Type::A},
      {"check_recipient_mx_access", Servers::recipient, Type::MX},
      {"check_recipient_ns_access", Servers::recipient, Type::NS},
      {"check_recipient_a_access", Servers::recipient, Type::A},
  }};
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& s) { return iequals(s.restriction, restriction); });
  return it == all.end() ? nullptr : &*it;
}

/// The name whose servers are meant; empty: there is none, nothing is said. nullopt: not known to us.
std::optional<std::string> Evaluation::name_asked(const Servers& servers, Subject& subject) const {
  const auto of_client = [&](const std::optional<std::string>& name) -> std::optional<std::string> {
    if (!name) return std::nullopt;
    return iequals(*name, "unknown") ? std::string() : *name;
  };
  const auto domain = [](const std::string& address) { return address.substr(address.rfind('@') + 1); };
  switch (servers.of) {
    case Servers::client:
      subject = client_subject();
      return of_client(peer_.name);
    case Servers::reverse_client:
      subject = {peer_.reverse.value_or("…"), "Unverified Client host", {}};
      return of_client(peer_.reverse);
    case Servers::helo:
      subject = helo_subject();
      return progress_.helo ? session_.helo : std::string();
    case Servers::sender:
      subject = sender_subject();
      return progress_.sender && sender_ ? domain(*sender_) : std::string();
    case Servers::recipient:
      subject = recipient_subject();
      return progress_.recipient ? domain(*recipient_) : std::string();
  }
  return std::nullopt;
}

/// A server's name and then its addresses, as keys.
std::optional<Ruling> Evaluation::server_entry(const std::string& server, const Table& table, const Subject& subject,
                                               std::string_view parameter, unsigned depth, ListResult& nested) {
  std::vector<Key> keys;
  add_domain_keys(keys, server, parents_of(parameters_, "smtpd_access_maps"), false);
  if (auto ruling = first_entry(keys, table, subject, parameter, depth, nested)) return ruling;
  if (const auto numeric = IpAddress::parse(server)) {
    keys.clear();
    add_address_keys(keys, *numeric);
    return first_entry(keys, table, subject, parameter, depth, nested);
  }
  for (const auto type : {dns::Type::A, dns::Type::AAAA}) {
    const auto addresses = ask(server, type);
    if (!addresses) return not_told(server, true, true);
    for (const auto& record : addresses->records) {
      keys.clear();
      add_address_keys(keys, record.address);
      if (auto ruling = first_entry(keys, table, subject, parameter, depth, nested)) return ruling;
    }
  }
  return std::nullopt;
}

/// Whoever owns a domain chooses its servers and its PTR: smtpd takes an OK for a mistake of the configuration.
Ruling Evaluation::no_permit_here(Ruling ruling) const {
  if (ruling.effect != Ruling::permit) return ruling;
  return Ruling::deny(softened({451, "4.3.5", "Server configuration error"}),
                      "an OK is not allowed in this restriction: " + ruling.why);
}

/// A name without MX is its own; without NS its parents' count. What cannot be looked up says nothing.
Ruling Evaluation::check_servers(const Servers& servers, const Cited& table, std::string_view parameter, unsigned depth,
                                 ListResult& nested) {
  Subject subject;
  const auto name = name_asked(servers, subject);
  if (!name)
    return Ruling::open_question("the name that " + std::string(servers.restriction) + " asks about", true, true);
  if (name->empty()) return Ruling::nothing("there is no name to ask about");
  const auto opened = tables_.open(table);
  const auto without_permit = [this](std::optional<Ruling> ruling) {
    return ruling ? no_permit_here(std::move(*ruling)) : Ruling::nothing("no entry for any of the servers");
  };
  if (name->starts_with('[')) {
    const auto literal = name->substr(1, name->find(']') - 1);
    const auto address = IpAddress::parse(literal.starts_with("IPv6:") ? literal.substr(5) : literal);
    if (!address || servers.type == dns::Type::NS) return Ruling::nothing("an address literal");
    std::vector<Key> keys;
    add_address_keys(keys, *address);
    return without_permit(first_entry(keys, *opened, subject, parameter, depth, nested));
  }
  std::vector<std::string> hosts;
  if (servers.type == dns::Type::A) hosts.push_back(to_lower(*name));
  for (auto at = to_lower(*name); hosts.empty();) {
    const auto answer = ask(at, servers.type);
    if (!answer) return not_told(at, true, true);
    for (const auto& record : answer->records) hosts.push_back(record.name);
    const bool gone = answer->status == dns::Status::no_data || answer->status == dns::Status::no_name;
    if (!hosts.empty() || !gone) break;
    if (servers.type == dns::Type::MX) hosts.push_back(at);
    const auto dot = at.find('.');
    if (dot == std::string::npos || dot + 1 == at.size()) break;
    at.erase(0, dot + 1);
  }
  if (hosts.empty() || hosts.front().empty()) return Ruling::nothing("no servers are known");
  for (const auto& host : hosts)
    if (auto ruling = server_entry(host, *opened, subject, parameter, depth, nested)) return without_permit(ruling);
  return without_permit(std::nullopt);
}

Ruling Evaluation::check_reverse_client(const Cited& table, std::string_view parameter, unsigned depth,
                                        ListResult& nested) {
  if (!peer_.reverse || !session_.client) return Ruling::open_question("the client's PTR", true, true);
  std::vector<Key> keys;
  add_domain_keys(keys, *peer_.reverse, parents_of(parameters_, "smtpd_access_maps"), false);
  add_address_keys(keys, *session_.client);
  const Subject subject{*peer_.reverse, "Unverified Client host", {}};
  auto ruling = first_entry(keys, *tables_.open(table), subject, parameter, depth, nested);
  if (!ruling) return Ruling::nothing("no entry for " + printable(*peer_.reverse, 80));
  return no_permit_here(std::move(*ruling));
}

Ruling Evaluation::table_action(const Found& found, const Subject& subject, std::string_view parameter, unsigned depth,
                                ListResult& nested) {
  static constexpr std::array<std::string_view, 9> side_effects = {"DUNNO", "HOLD", "FILTER", "PREPEND", "REDIRECT",
                                                                   "BCC",   "WARN", "INFO",   "STRIP"};
  const auto value = trim(found.value);
  const auto end = std::find_if(value.begin(), value.end(), is_space);
  const std::string_view word(value.data(), static_cast<std::size_t>(end - value.begin()));
  const auto rest = trim(value.substr(word.size()));
  const auto entry = found.where.to_string() + ": " + printable(found.key, 80) + " " + printable(value, 80);
  const auto denied = [&](Reply r) {
    if (r.text.empty()) r.text = "Access denied";
    r.text = "<" + subject.name + ">: " + std::string(subject.kind) + " rejected: " + r.text;
    return Ruling::deny(softened(std::move(r)), entry);
  };
  if (std::any_of(side_effects.begin(), side_effects.end(), [&](std::string_view w) { return iequals(w, word); }))
    return Ruling::nothing(entry);
  if (iequals(word, "OK") || iequals(word, "RELAY") || all_digits(value)) return Ruling::pass(entry);
  if (iequals(word, "REJECT")) {
    const auto status = split_status(rest, "5.7.1");
    return denied(
        {static_cast<int>(parameters_.number("access_map_reject_code").value_or(554)), status.code, status.text});
  }
  if (iequals(word, "DEFER")) {
    const auto status = split_status(rest, "4.7.1");
    return denied(
        {static_cast<int>(parameters_.number("access_map_defer_code").value_or(450)), status.code, status.text});
  }
  if (iequals(word, "DISCARD")) return Ruling::pass(entry + " (taken, then thrown away)");
  if (iequals(word, "DEFER_IF_PERMIT") || iequals(word, "DEFER_IF_REJECT")) {
    const auto status = split_status(rest, "4.7.1");
    auto later = denied({450, status.code, status.text.empty() ? "Service unavailable" : status.text});
    later.effect = iequals(word, "DEFER_IF_PERMIT") ? Ruling::defer_if_permit : Ruling::defer_if_reject;
    return later;
  }
  if (word.size() == 3 && all_digits(word) && (word.front() == '4' || word.front() == '5')) {
    const auto status = split_status(rest, std::string(1, word.front()) + ".7.1");
    return denied({static_cast<int>(*parse_number(word)), status.code, status.text});
  }
  auto ruling = apply_list(Cited(value, found.where), parameter, subject, depth, nested);
  if (ruling.why.empty()) ruling.why = entry;
  return ruling;
}

}  // namespace smtpdx::mta::postfix
