// SPDX-License-Identifier: Apache-2.0
//
// Every signature is made with the very look-ups that the replay makes (access.cpp, match_list.cpp, classes.cpp); only
// what they lead to is not followed. What a look-up finds counts by its action: which of a thousand REJECT entries was
// found makes no difference to whether mail is relayed.

#include "mta/postfix/relay_side.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

IpAddress unmapped(const IpAddress& address) {
  static constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return address.bytes().starts_with(mapped) ? IpAddress::from_bytes(address.bytes().substr(12)) : address;
}

bool full_name(std::string_view name) {
  while (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return valid_host_name(name) && name.find('.') != std::string_view::npos;
}

std::string answer_of(const Match& match) {
  if (match.broken) return "!";
  return match.answer == Answer::unknown ? "?" + match.why : std::string(to_string(match.answer));
}

/// Refused before any list is asked.
bool bad_domain(const Resolved& address) {
  const auto& domain = address.domain;
  const bool ascii = std::all_of(domain.begin(), domain.end(), [](unsigned char c) { return c < 0x80; });
  return ascii && !has_unknown(domain) && !valid_host_name(domain) && !valid_literal(domain);
}

}  // namespace

std::string label_of(const Found& found) {
  if (found.broken) return "refuse";
  if (found.answer == Answer::unknown) return "?" + found.why;
  return found.answer == Answer::no ? std::string() : action_of(found.value);
}

Side::Side(const Configuration& config, const Service& of)
    : configuration(config),
      service(of),
      tables(config.directory, config.reading),
      parameters(config.main, &of),
      classes(parameters, tables, config.own_addresses),
      tests(tests_of(parameters, tables)),
      mynetworks(MatchList::parse(parameters.get("mynetworks").text, tables)),
      exceptions(MatchList::parse(parameters.get("smtpd_sasl_exceptions_networks").text, tables)),
      networks_set(parameters.is_set("mynetworks")),
      mixed_networks(networks_set && mynetworks.holds_names()),
      mixed_exceptions(exceptions.holds_names()),
      access_parents_(parents_of(parameters, "smtpd_access_maps")),
      network_parents_(parents_of(parameters, "mynetworks")),
      delimiters_(parameters.get("recipient_delimiter").text.text()) {}

bool Side::loopback_only() const {
  const auto host = service.host();
  const auto address = IpAddress::parse(host);
  return (address && address->is_loopback()) || iequals(host, "localhost");
}

bool Side::names_matter() const {
  return mixed_networks || mixed_exceptions ||
         std::any_of(tests.access.begin(), tests.access.end(), [](const AccessTest& t) {
           return t.restriction == "check_client_access" && !t.by_pattern() && t.opened->may_hold_names();
         });
}

bool Side::certificates_matter() const {
  return tests.ask("permit_tls_clientcerts") || tests.ask("permit_tls_all_clientcerts") ||
         tests.ask("check_ccert_access");
}

Outline Side::outline_of(const char* parameter) {
  Outline outline;
  MatchList::parse(parameters.get(parameter).text, tables).outline(outline);
  return outline;
}

/// One look-up in each table of this restriction. An entry that says nothing still ends the look-up.
void Side::add(std::string& out, std::string_view restriction, const std::vector<Key>& keys) const {
  for (const auto& test : tests.access)
    if (test.restriction == restriction && !test.by_pattern()) out += label_of(find_first(keys, *test.opened)) + "|";
}

std::string Side::trust_of(const IpAddress& address) const {
  if (!tests.ask("permit_mynetworks")) return {};
  if (networks_set && mixed_networks) return mynetworks.elements_of(address);
  if (networks_set) return answer_of(mynetworks.match_client(address, std::string("unknown"), network_parents_));
  const auto trust = trusted(parameters, tables, configuration.own_addresses, {address, std::string("unknown")});
  return trust.broken ? "!" : std::string(to_string(trust.answer));
}

std::string Side::of_address(const IpAddress& client) const {
  const auto address = unmapped(client);
  std::string out = trust_of(address) + "|";
  if (!exceptions.empty())
    out += (mixed_exceptions ? exceptions.elements_of(address)
                             : answer_of(exceptions.match_client(address, std::string("unknown"), Parents::none))) +
           "|";
  if (tests.ask("permit_inet_interfaces"))
    out += std::string(to_string(is_own(parameters, configuration.own_addresses, address)));
  if (loopback_only()) out += client.is_loopback() ? "here|" : "away|";
  std::vector<Key> keys;
  add_address_keys(keys, client);
  add(out, "check_client_access", keys);
  return out;
}

std::string Side::of_name(std::string_view name) const {
  if (!names_matter()) return {};
  std::string out;
  if (mixed_networks) out += mynetworks.elements_of(name, network_parents_) + "|";
  if (mixed_exceptions) out += exceptions.elements_of(name, Parents::none) + "|";
  std::vector<Key> keys;
  add_domain_keys(keys, name, access_parents_, false);
  add(out, "check_client_access", keys);
  return out;
}

std::string Side::of_helo(const std::string& helo) const {
  std::string out;
  if (tests.ask_about("helo") || tests.ask_about("hostname"))
    out = helo.starts_with('[') ? (valid_literal(helo) ? "literal|" : "bad literal|")
          : full_name(helo)     ? "full|"
                                : (valid_host_name(helo) || IpAddress::parse(helo) ? "short|" : "bad|");
  std::vector<Key> keys;
  add_domain_keys(keys, helo, access_parents_, false);
  add(out, "check_helo_access", keys);
  return out;
}

std::optional<Resolved> Side::resolved(const std::string& path) const {
  const auto address = internal_form(path);
  if (!address || address->empty()) return std::nullopt;
  return classes.resolve(*address);
}

std::vector<Key> Side::mail_keys(const Resolved& address) const {
  std::vector<Key> keys;
  add_mail_keys(keys, address, delimiters_, access_parents_);
  return keys;
}

std::string Side::of_sender(const std::string& path) {
  const auto address = internal_form(path);
  if (!address) return "bad";
  std::string out = address->empty() ? "null|" : "|";
  std::vector<Key> keys = {{parameters.get("smtpd_null_access_lookup_key").text.text()}};
  if (!address->empty()) {
    const auto sender = classes.resolve(*address);
    if (bad_domain(sender)) return "bad";
    keys = mail_keys(sender);
    if (tests.ask("reject_non_fqdn_sender")) {
      const auto at = address->rfind('@');
      const auto domain = at == std::string::npos ? std::string() : address->substr(at + 1);
      out += domain.starts_with('[') || full_name(domain) ? "full|" : "short|";
    }
  }
  if (tests.ask("reject_unlisted_sender")) {
    Session session;
    session.sender = path;
    out += std::to_string(Evaluation(configuration, session, &service, tables).sender_listed()) + "|";
  }
  add(out, "check_sender_access", keys);
  return out;
}

std::string Side::of_recipient(const std::string& path) {
  const auto address = internal_form(path);
  if (!address || address->empty()) return "bad";
  const auto recipient = classes.resolve(*address);
  if (bad_domain(recipient)) return "bad";
  const auto c = recipient.address_class;
  const bool ours = c != AddressClass::none && c != AddressClass::unknown;
  if (iequals(*address, "postmaster") || (ours && !recipient.routed)) return "own";
  std::string out = "|";
  if (recipient.routed) {
    Session session;
    session.recipient = path;
    const auto listed = Evaluation(configuration, session, &service, tables).recipient_listed();
    out = "routed " + std::string(to_string(c)) + " " + std::to_string(listed) + "|";
  }
  if (tests.ask("reject_non_fqdn_recipient")) {
    const auto domain = address->substr(std::min(address->rfind('@'), address->size() - 1) + 1);
    out += domain.starts_with('[') || full_name(domain) ? "full|" : "short|";
  }
  add(out, "check_recipient_access", mail_keys(recipient));
  return out;
}

std::string Side::of_login(const std::string& user) const {
  std::string out;
  add(out, "check_sasl_access", {{user}});
  return out;
}

std::string Side::of_certificate(const ClientCertificate& certificate) const {
  std::string out = certificate.trusted ? "trusted|" : "|";
  if (!tests.ask("permit_tls_clientcerts")) return out;
  const auto digest = parameters.get("smtpd_tls_fingerprint_digest").text.text();
  for (const auto& [name, value] : certificate.fingerprints)
    if (name == digest || name == "pubkey_" + digest)
      for (const auto& map : split_outside_braces(parameters.get("relay_clientcerts").text, ",")) {
        const auto found = tables.open(map)->lookup(value);
        if (found.answer != Answer::no) return out + (found.answer == Answer::yes ? "listed" : "?");
      }
  return out;
}

std::string Side::of_pattern(const AccessTest& test, const Session& session) {
  std::vector<Key> keys;
  const auto& which = test.restriction;
  if (which == "check_client_access") {
    if (session.client_name) add_domain_keys(keys, *session.client_name, access_parents_, false);
    if (session.client) add_address_keys(keys, *session.client);
  } else if (which == "check_helo_access") {
    add_domain_keys(keys, session.helo.value_or(""), access_parents_, false);
  } else if (which == "check_sasl_access") {
    if (session.login && session.login->user) keys.push_back({*session.login->user});
  } else if (which == "check_sender_access" && internal_form(session.sender) == std::string()) {
    keys.push_back({parameters.get("smtpd_null_access_lookup_key").text.text()});
  } else if (const auto address = resolved(which == "check_sender_access" ? session.sender : session.recipient)) {
    keys = mail_keys(*address);
  }
  return label_of(find_first(keys, *test.opened));
}

std::string Side::of_owner(const Session& session) {
  const auto found = Evaluation(configuration, session, &service, tables).sender_owners();
  if (found.answer == Answer::unknown) return "unknown";
  if (found.answer == Answer::no) return "nobody";
  const auto owners = split_outside_braces(Cited(found.value, found.where), ",");
  const bool mine = session.login && std::any_of(owners.begin(), owners.end(), [&](const Cited& owner) {
                      return iequals(owner.text(), session.login->user.value_or(""));
                    });
  return mine ? "mine" : "other";
}

}  // namespace smtpdx::mta::postfix
