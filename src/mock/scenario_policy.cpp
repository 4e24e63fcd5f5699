// SPDX-License-Identifier: Apache-2.0
//
// The keys of a `-- server --` section. One table: key → how its value is put into the policy. Keys that carry an
// argument of their own ("recipient ghost@example.org: 550 …") are found by their first word.

#include <algorithm>

#include "base/text.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::mock::detail {
namespace {

using Done = Result<void>;

std::unexpected<Error> wrong(std::string what, std::string hint = {}) {
  return fail(ErrorKind::malformed, std::move(what), std::move(hint));
}

/// The value of a key, and the argument that stood between key and colon.
struct Value {
  std::string_view argument, text;
  std::string words() const { return unescape(text); }
};

Done set_text(std::string& to, const Value& v) {
  to = v.words();
  return {};
}
Done set_flag(bool& to, const Value& v) {
  if (v.text != "yes" && v.text != "no") return wrong("this takes yes or no");
  to = v.text == "yes";
  return {};
}
Done set_number(unsigned& to, const Value& v) {
  const auto number = parse_number(v.text);
  if (!number || *number > 1000000) return wrong("this takes a number");
  to = static_cast<unsigned>(*number);
  return {};
}
Done set_words(std::vector<std::string>& to, const Value& v) {
  to.clear();
  for (auto word : split_words(v.text)) to.emplace_back(word);
  return {};
}

Done keywords(ServerPolicy& p, const Value& v) {
  p.keywords.clear();
  if (v.text == "none") return {};
  for (auto word : split(v.text, ',')) p.keywords.emplace_back(trim(word));
  return {};
}

Done users(ServerPolicy& p, const Value& v) {
  for (auto word : split_words(v.text)) {
    const auto slash = word.find('/');
    if (slash == std::string_view::npos) return wrong("users are written NAME/PASSWORD");
    p.users[std::string(word.substr(0, slash))] = word.substr(slash + 1);
  }
  return {};
}

/// "example.org", "example.org bob alice", "example.org bob no-postmaster"
Done domain(ServerPolicy& p, const Value& v) {
  const auto words = split_words(v.text);
  if (words.empty()) return wrong("which domain?");
  LocalDomain domain{canonical_name(words[0]), {}, true};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "no-postmaster") {
      domain.postmaster = false;
    } else {
      domain.local_parts.insert(to_lower(words[i]));
    }
  }
  p.domains.push_back(std::move(domain));
  return {};
}

Result<Network> network(std::string_view text) {
  auto network = Network::parse(text);
  if (!network) return wrong("\"" + std::string(text) + "\" is no address or network");
  return *network;
}

Done relays_for(ServerPolicy& p, const Value& v) {
  for (auto word : split_words(v.text)) {
    auto n = network(word);
    if (!n) return std::unexpected(n.error());
    p.relays_for.push_back(*n);
  }
  return {};
}

Done client(ServerPolicy& p, const Value& v) {
  auto n = network(v.argument);
  if (!n) return std::unexpected(n.error());
  p.clients.emplace_back(*n, v.words());
  return {};
}

Done reject(ServerPolicy& p, const Value& v) {
  if (v.text != "at once" && v.text != "at rcpt") return wrong("reject: at once, or at rcpt");
  p.reject = v.text == "at once" ? ServerPolicy::DelayReject::at_once : ServerPolicy::DelayReject::until_rcpt;
  return {};
}

Done owner(ServerPolicy& p, const Value& v) {
  for (auto word : split_words(v.text)) p.owners[std::string(v.argument)].insert(to_lower(word));
  return {};
}

/// "at rcpt: reply 421 …", "delay 3s", "drip 1s", "raw …", "repeat N …", "close", "reset", "hang", "then close".
Done behave(ServerPolicy& p, const Value& v) {
  const auto moment = moment_from(v.argument);
  if (!moment)
    return wrong("\"" + std::string(v.argument) + "\" is no moment",
                 "connect ehlo starttls auth mail rcpt data end-of-data rset quit other");
  auto& b = p.behaviour[*moment];
  const auto space = v.text.find(' ');
  auto word = v.text.substr(0, space);
  auto rest = space == std::string_view::npos ? std::string_view() : v.text.substr(space + 1);
  if (word == "then") {
    b.after_reply = true;
    word = trim(rest);
  }
  if (word == "close" || word == "reset" || word == "hang") {
    b.end = word == "close" ? Behaviour::End::close : word == "reset" ? Behaviour::End::reset : Behaviour::End::hang;
    return {};
  }
  if (word == "reply") {
    b.reply = unescape(rest);
    return {};
  }
  if (word == "raw") {
    b.raw = unescape(rest);
    return {};
  }
  if (word == "repeat") {
    const auto gap = rest.find(' ');
    const auto times = parse_number(rest.substr(0, gap));
    if (!times || *times > 1000000) return wrong("repeat takes a number up to a million and octets");
    b.repeat = static_cast<std::size_t>(*times);
    b.raw = unescape(gap == std::string_view::npos ? std::string_view() : rest.substr(gap + 1));
    return {};
  }
  if (word == "delay" || word == "drip") {
    auto time = read_duration(trim(rest));
    if (!time) return std::unexpected(time.error());
    (word == "delay" ? b.delay : b.per_octet) = *time;
    return {};
  }
  return wrong("\"" + std::string(word) + "\" is nothing a server does at a moment",
               "reply raw repeat delay drip close reset hang, then close|reset|hang");
}

struct Key {
  std::string_view name;
  bool takes_argument;
  Done (*put)(ServerPolicy&, const Value&);
};

const Key keys[] = {
    {"name", false, [](ServerPolicy& p, const Value& v) { return set_text(p.name, v); }},
    {"greeting", false, [](ServerPolicy& p, const Value& v) { return set_text(p.greeting, v); }},
    {"ehlo name", false, [](ServerPolicy& p, const Value& v) { return set_text(p.ehlo_name, v); }},
    {"keywords", false, keywords},
    {"esmtp", false, [](ServerPolicy& p, const Value& v) { return set_flag(p.esmtp, v); }},
    {"implicit tls", false, [](ServerPolicy& p, const Value& v) { return set_flag(p.implicit_tls, v); }},
    {"starttls", false, [](ServerPolicy& p, const Value& v) { return set_flag(p.starttls, v); }},
    {"require tls", false, [](ServerPolicy& p, const Value& v) { return set_text(p.tls_required, v); }},
    {"auth without tls", false, [](ServerPolicy& p, const Value& v) { return set_words(p.auth_plain, v); }},
    {"auth within tls", false, [](ServerPolicy& p, const Value& v) { return set_words(p.auth_tls, v); }},
    {"users", false, users},
    {"broken mechanism", false,
     [](ServerPolicy& p, const Value& v) {
       p.broken_mechanisms.insert(std::string(v.text));
       return Done{};
     }},
    {"login", true,
     [](ServerPolicy& p, const Value& v) { return set_text(p.login_replies[std::string(v.argument)], v); }},
    {"login accepted", false, [](ServerPolicy& p, const Value& v) { return set_text(p.auth_accepted, v); }},
    {"login refused", false, [](ServerPolicy& p, const Value& v) { return set_text(p.auth_refused, v); }},
    {"login relays", false, [](ServerPolicy& p, const Value& v) { return set_flag(p.login_relays, v); }},
    {"require login", false, [](ServerPolicy& p, const Value& v) { return set_text(p.auth_required, v); }},
    {"owner", true, owner},
    {"not owner", false, [](ServerPolicy& p, const Value& v) { return set_text(p.not_owner, v); }},
    {"not logged in", false, [](ServerPolicy& p, const Value& v) { return set_text(p.not_logged_in, v); }},
    {"domain", false, domain},
    {"relays for", false, relays_for},
    {"relay refusal", false, [](ServerPolicy& p, const Value& v) { return set_text(p.relay_refusal, v); }},
    {"unknown user", false, [](ServerPolicy& p, const Value& v) { return set_text(p.unknown_user, v); }},
    {"recipient", true,
     [](ServerPolicy& p, const Value& v) { return set_text(p.recipients[to_lower(v.argument)], v); }},
    {"sender", true, [](ServerPolicy& p, const Value& v) { return set_text(p.senders[to_lower(v.argument)], v); }},
    {"routed forms", false, [](ServerPolicy& p, const Value& v) { return set_text(p.routed_forms, v); }},
    {"client", true, client},
    {"helo", true, [](ServerPolicy& p, const Value& v) { return set_text(p.helos[to_lower(v.argument)], v); }},
    {"helo not full", false, [](ServerPolicy& p, const Value& v) { return set_text(p.helo_not_full, v); }},
    {"reject", false, reject},
    {"greylist", false, [](ServerPolicy& p, const Value& v) { return set_text(p.greylisted, v); }},
    {"greylist sessions", false, [](ServerPolicy& p, const Value& v) { return set_number(p.greylist_sessions, v); }},
    {"slow down", false, [](ServerPolicy& p, const Value& v) { return set_text(p.slow_down, v); }},
    {"max connections", false, [](ServerPolicy& p, const Value& v) { return set_number(p.max_connections, v); }},
    {"max commands", false, [](ServerPolicy& p, const Value& v) { return set_number(p.max_commands, v); }},
    {"max refused", false, [](ServerPolicy& p, const Value& v) { return set_number(p.max_refused, v); }},
    {"at", true, behave},
};

std::string suggestion(std::string_view key) {
  const auto* nearest = &keys[0];
  for (const auto& k : keys)
    if (edit_distance(k.name, key) < edit_distance(nearest->name, key)) nearest = &k;
  return "did you mean \"" + std::string(nearest->name) + "\"?";
}

Done read_reach(ServerSection& section, std::string_view text) {
  if (text == "open")
    section.reach = Reach::open;
  else if (text == "silent")
    section.reach = Reach::silent;
  else if (text == "refused")
    section.reach = Reach::refused;
  else if (text == "unreachable")
    section.reach = Reach::unreachable;
  else
    return wrong("reach: open, silent, refused or unreachable");
  return {};
}

}  // namespace

Result<void> read_policy_line(ServerSection& section, std::string_view text) {
  // The colon that ends the key: addresses within a key (IPv6) have no space after theirs.
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos) return wrong("a server's line is written \"key: value\"");
  const auto key = trim(text.substr(0, colon));
  const auto value = trim(text.substr(colon + 2));
  if (key == "reach") return read_reach(section, value);
  if (key == "certificate") {
    auto certificate = read_certificate(value);
    if (!certificate) return std::unexpected(certificate.error());
    section.certificate = std::move(*certificate);
    return {};
  }
  for (const auto& k : keys)
    if (!k.takes_argument && k.name == key) return k.put(section.policy, {{}, value});
  const auto space = key.find(' ');
  for (const auto& k : keys)
    if (k.takes_argument && space != std::string_view::npos && k.name == key.substr(0, space))
      return k.put(section.policy, {trim(key.substr(space)), value});
  return wrong("no key is called \"" + std::string(key) + "\"", suggestion(key));
}

}  // namespace smtpdx::mock::detail
