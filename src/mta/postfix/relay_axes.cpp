// SPDX-License-Identifier: Apache-2.0
//
// Candidates need not be minimal, only enough: a class that no candidate falls into is one that is overlooked, so that
// every key of every table that can be asked makes some (itself, something below it, its local part with every domain).
// What cannot be counted (patterns, databases) is an axis of its own with what it may answer for its values; these axes
// are taken as independent of the others, which may join what never goes together but leaves nothing out.

#include "mta/postfix/relay_axes.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr std::size_t max_pairs = 20'000;
constexpr std::size_t max_keys = 100'000;               // of all tables that one unknown is looked up in
constexpr std::size_t max_network_tests = 600'000'000;  // spans of addresses times networks to look through
const char separator = '\x1e';

/// Puts candidates into classes.
class Classing {
 public:
  explicit Classing(Axis& axis) : axis_(axis) {}

  AxisValue& add(std::string signature, std::string member, std::function<void(Draft&)> apply) {
    const auto [at, fresh] = index_.try_emplace(signature, axis_.values.size());
    if (fresh) {
      axis_.values.push_back({});
      axis_.values.back().signature = std::move(signature);
      axis_.values.back().apply = std::move(apply);
    }
    auto& value = axis_.values[at->second];
    if (!member.empty() && members_.insert(signature_key(at->second, member)).second)
      value.members.push_back(std::move(member));
    return value;
  }
  bool knows(const std::string& signature) const { return index_.contains(signature); }

 private:
  Axis& axis_;
  static std::string signature_key(std::size_t value, const std::string& member) {
    return std::to_string(value) + " " + member;
  }
  std::map<std::string, std::size_t> index_;
  std::set<std::string> members_;  ///< with the number of their class
};

template <class One>
std::string joined(const Sides& sides, One one) {
  std::string out;
  for (auto* side : sides) {
    if (side) out += one(*side);
    out += separator;
  }
  return out;
}

/// The keys that tests of this restriction can find.
std::set<std::string> keys_of(const Sides& sides, std::string_view restriction) {
  std::set<std::string> keys;
  for (const auto* side : sides)
    if (side)
      for (const auto& test : side->tests.access)
        if (test.restriction == restriction) keys.insert(test.outline.keys.begin(), test.outline.keys.end());
  return keys;
}

bool usable_name(std::string_view name) { return valid_host_name(name.starts_with('.') ? name.substr(1) : name); }

/// A name that nothing in the keys speaks of.
std::string foreign_domain(const std::set<std::string>& keys) {
  for (const char* top : {"example", "test", "invalid", "zz"}) {
    const std::string name = std::string("elsewhere.") + top;
    if (!keys.contains(top) && !keys.contains(std::string(".") + top) && !keys.contains(name) &&
        !keys.contains("." + name))
      return name;
  }
  return "elsewhere-7f3a.zz";
}

bool too_many(Axis& axis, std::size_t keys) {
  if (keys <= max_keys) return false;
  axis.refused = "the tables about the " + axis.name + " hold " + std::to_string(keys) + " keys, more than " +
                 std::to_string(max_keys);
  return true;
}

void add_networks(AddressSpace& space, const Outline& outline, std::string& blurred) {
  for (const auto& network : outline.networks) space.cut(network);
  for (const auto& key : outline.keys) {
    bool by_text = false;
    for (const auto& network : networks_of_key(key, by_text)) space.cut(network);
    if (by_text) blurred = "which addresses an access table's key \"" + printable(key, 60) + "\" is found for";
  }
}

void cut_own_networks(AddressSpace& space, const Side& side) {
  auto all = side.configuration.own_addresses;
  all.push_back({*IpAddress::parse("127.0.0.1"), 8, true});
  all.push_back({*IpAddress::parse("::1"), 128, true});
  for (const auto* name : {"inet_interfaces", "proxy_interfaces"})
    for (const auto& word : split_outside_braces(side.parameters.get(name).text, ","))
      if (const auto address = IpAddress::parse(word.text())) all.push_back({*address, 32, true});
  for (const auto& own : all) {
    const unsigned width = own.address.is_v6() ? 128 : 32;
    for (const unsigned prefix : {8u, 16u, 24u, std::min(own.prefix, width), width})
      if (const auto network = Network::parse("[" + own.address.to_string() + "]/" + std::to_string(prefix)))
        space.cut(*network);
      else if (const auto v4 = Network::parse(own.address.to_string() + "/" + std::to_string(prefix)))
        space.cut(*v4);
  }
}

Axis client_axis(const Sides& sides) {
  Axis axis;
  axis.name = "client";
  AddressSpace space;
  std::size_t networks = 1;  // that a look-up goes through one by one
  const auto add = [&](const Outline& outline) {
    add_networks(space, outline, axis.blurred);
    networks += outline.networks.size();
  };
  for (auto* side : sides) {
    if (!side) continue;
    cut_own_networks(space, *side);
    auto trusted = side->outline_of("mynetworks");
    add(trusted);
    if (side->tests.ask("permit_mynetworks") && !trusted.rules.empty())
      axis.blurred = "which clients the patterns in mynetworks match";
    add(side->outline_of("smtpd_sasl_exceptions_networks"));
    for (const auto& test : side->tests.access)
      if (test.restriction == "check_client_access") add(test.outline);
  }
  const auto signature = [sides](const IpAddress& client) {
    return joined(sides, [&](const Side& side) { return side.of_address(client); });
  };
  axis.signature_of = [signature](const Session& session) { return signature(*session.client); };
  const auto spans = space.spans();
  if (spans.size() * networks > max_network_tests)
    axis.refused = "addresses are told apart by " + std::to_string(networks) + " networks";
  if (!axis.refused.empty() || too_many(axis, spans.size())) return axis;
  Classing classing(axis);
  for (const auto& span : spans) {
    const auto client = span.inside();
    classing.add(signature(client), {}, [client](Draft& draft) { draft.session.client = client; })
        .spans.push_back(span);
  }
  std::vector<double> shares;
  for (const auto& value : axis.values) shares.push_back(share_of(value.spans));
  const auto most = std::max_element(shares.begin(), shares.end()) - shares.begin();
  auto& rest = axis.values[static_cast<std::size_t>(most)];
  rest.rest = true;
  for (const char* plain : {"192.0.2.250", "198.51.100.250", "203.0.113.250"}) {  // easier to read than 0.0.0.1
    const auto client = *IpAddress::parse(plain);
    if (signature(client) == rest.signature) rest.apply = [client](Draft& draft) { draft.session.client = client; };
  }
  return axis;
}

Axis name_axis(const Sides& sides) {
  Axis axis;
  axis.name = "client-name";
  const auto signature = [sides](const std::string& name) {
    return joined(sides, [&](const Side& side) { return side.of_name(name); });
  };
  axis.signature_of = [signature](const Session& session) {
    return signature(session.client_name.value_or("unknown"));
  };
  auto keys = keys_of(sides, "check_client_access");
  for (auto* side : sides)
    if (side)
      for (const auto* list : {"mynetworks", "smtpd_sasl_exceptions_networks"}) {
        const auto outline = side->outline_of(list);
        keys.insert(outline.keys.begin(), outline.keys.end());
      }
  if (too_many(axis, keys.size())) return axis;
  Classing classing(axis);
  const auto add = [&](const std::string& name, const std::string& member) -> AxisValue& {
    return classing.add(signature(name), member, [name](Draft& draft) { draft.session.client_name = name; });
  };
  add("unknown", {}).rest = true;
  add("mail." + foreign_domain(keys), "any other verified name");
  for (const auto& key : keys) {
    if (!usable_name(key) || key.find_first_not_of("0123456789.") == std::string::npos) continue;
    const auto bare = key.starts_with('.') ? key.substr(1) : key;
    if (bare != "unknown") add(bare, bare);
    add("host-7f3a." + bare, "*." + bare);
  }
  return axis;
}

Axis tls_axis(const Sides&) {
  Axis axis;
  axis.name = "tls";
  axis.signature_of = [](const Session& session) {
    const auto tls = session.tls.value_or(Tls::none);
    return std::string(tls == Tls::none ? "none" : tls == Tls::starttls ? "starttls" : "wrapper");
  };
  Classing classing(axis);
  classing.add("none", "without", [](Draft& d) { d.session.tls = Tls::none; });
  classing.add("starttls", "STARTTLS", [](Draft& d) { d.session.tls = Tls::starttls; });
  classing.add("wrapper", "from the first octet", [](Draft& d) { d.session.tls = Tls::wrapper; });
  return axis;
}

Axis certificate_axis(const Sides& sides) {
  Axis axis;
  axis.name = "certificate";
  std::set<std::string> digests, listed;
  for (auto* side : sides) {
    if (!side) continue;
    const auto digest = side->parameters.get("smtpd_tls_fingerprint_digest").text.text();
    digests.insert({digest, "pubkey_" + digest});
    const auto outline = side->outline_of("relay_clientcerts");
    listed.insert(outline.keys.begin(), outline.keys.end());
    if (!outline.rules.empty()) axis.blurred = "which certificates the patterns in relay_clientcerts match";
  }
  const auto signature = [sides](const std::optional<ClientCertificate>& certificate) {
    return certificate ? joined(sides, [&](const Side& side) { return side.of_certificate(*certificate); })
                       : std::string("none");
  };
  axis.signature_of = [signature](const Session& session) { return signature(session.certificate); };
  Classing classing(axis);
  classing.add("none", "none", [](Draft& draft) { draft.session.certificate.reset(); });
  const auto add = [&](const std::string& print, bool trusted, const std::string& member) {
    ClientCertificate certificate;
    certificate.trusted = trusted;
    for (const auto& digest : digests) certificate.fingerprints[digest] = print;
    classing.add(signature(certificate), member,
                 [certificate](Draft& draft) { draft.session.certificate = certificate; });
  };
  add("unlisted", false, "one that is neither trusted nor listed");
  add("unlisted", true, "trusted by a CA");
  if (too_many(axis, listed.size())) return axis;
  for (const auto& print : listed) {
    add(print, false, print);
    add(print, true, print + ", trusted by a CA");
  }
  return axis;
}

Axis login_axis(const Sides& sides) {
  Axis axis;
  axis.name = "login";
  const auto signature = [sides](const std::optional<Login>& login) {
    if (!login) return std::string("none");
    if (!login->valid || !login->user) return std::string("bad");
    return joined(sides, [&](const Side& side) { return side.of_login(*login->user); });
  };
  axis.signature_of = [signature](const Session& session) { return signature(session.login); };
  Classing classing(axis);
  classing.add("none", "nobody logged in", [](Draft& draft) { draft.session.login.reset(); });
  const auto add = [&](const std::string& user, const std::string& member) -> AxisValue& {
    return classing.add(signature(Login{user, true}), member,
                        [user](Draft& draft) { draft.session.login = Login{user, true}; });
  };
  const auto keys = keys_of(sides, "check_sasl_access");
  if (too_many(axis, keys.size())) return axis;
  for (const auto& key : keys) add(key, key);
  const std::string anybody = keys.contains("someuser") ? "someuser-7f3a" : "someuser";
  auto& rest = add(anybody, keys.empty() ? "any valid login" : "any other valid login");
  rest.rest = true;
  return axis;
}

/// Addresses for the keys of access tables and address maps: each with what stands below it, "user@" with every domain.
struct MailCandidates {
  struct One {
    std::string path, member;
  };
  std::vector<One> all;
  std::string foreign;
  bool cut = false;

  explicit MailCandidates(const std::set<std::string>& keys) {
    foreign = foreign_domain(keys);
    std::set<std::string> locals, domains;
    for (const auto& key : keys) take(key, locals, domains);
    for (const auto& domain : domains) {
      all.push_back({"somebody@" + domain, "@" + domain});
      all.push_back({"somebody@host-7f3a." + domain, "@*." + domain});
    }
    cut = locals.size() * (domains.size() + 1) > max_pairs;
    for (const auto& local : locals) {
      all.push_back({local + "@" + foreign, local + "@"});
      if (!cut)
        for (const auto& domain : domains) {
          all.push_back({local + "@" + domain, local + "@" + domain});
          all.push_back({local + "@host-7f3a." + domain, local + "@*." + domain});
        }
    }
  }

 private:
  void take(const std::string& key, std::set<std::string>& locals, std::set<std::string>& domains) {
    if (has_unknown(key) || key.empty()) return;
    const auto at = key.rfind('@');
    const auto domain = at == std::string::npos ? key : key.substr(at + 1);
    const auto bare = domain.starts_with('.') ? domain.substr(1) : domain;
    if (valid_host_name(bare) || valid_literal(bare)) domains.insert(bare);
    if (at == std::string::npos || at == 0) return;
    if (domain.empty())
      locals.insert(key.substr(0, at));
    else
      all.push_back({key, key});
  }
};

/// Maps that say which senders exist.
constexpr std::array<const char*, 6> sender_maps = {"sender_canonical_maps", "canonical_maps",
                                                    "virtual_alias_maps",    "local_recipient_maps",
                                                    "virtual_mailbox_maps",  "relay_recipient_maps"};
constexpr std::array<const char*, 4> domain_lists = {"mydestination", "virtual_alias_domains",
                                                     "virtual_mailbox_domains", "relay_domains"};

void add_outline(std::set<std::string>& keys, Side& side, const char* list, std::string& blurred) {
  const auto outline = side.outline_of(list);
  keys.insert(outline.keys.begin(), outline.keys.end());
  if (!outline.rules.empty()) blurred = std::string("what the patterns in ") + list + " match";
}

/// Keys of the tables that say who exists which an address that asks to be routed on can be found by.
void add_routed_keys(std::set<std::string>& keys, Side& side) {
  for (const auto* maps : {"recipient_canonical_maps", "canonical_maps", "virtual_alias_maps", "local_recipient_maps",
                           "virtual_mailbox_maps", "relay_recipient_maps"})
    for (const auto& key : side.outline_of(maps).keys)
      if (key.starts_with('@') || key.find_first_of("%!") != std::string::npos || key.find('@') != key.rfind('@'))
        keys.insert(key);
}

Axis sender_axis(const Sides& sides) {
  Axis axis;
  axis.name = "sender";
  auto keys = keys_of(sides, "check_sender_access");
  for (auto* side : sides) {
    if (!side || !side->tests.ask("reject_unlisted_sender")) continue;
    for (const auto* maps : sender_maps) add_outline(keys, *side, maps, axis.blurred);
    for (const auto* list : domain_lists) add_outline(keys, *side, list, axis.blurred);
  }
  const auto signature = [sides](const std::string& path) {
    return joined(sides, [&](Side& side) { return side.of_sender(path); });
  };
  axis.signature_of = [signature](const Session& session) { return signature(session.sender); };
  if (too_many(axis, keys.size())) return axis;
  Classing classing(axis);
  const auto add = [&](const std::string& path, const std::string& member) -> AxisValue* {
    auto made = signature(path);
    if (made.starts_with("bad")) return nullptr;
    return &classing.add(std::move(made), member, [path](Draft& draft) { draft.session.sender = path; });
  };
  const MailCandidates candidates(keys);
  if (auto* rest = add("somebody@" + candidates.foreign, {})) rest->rest = true;
  add("", "<>");
  add("somebody@short", "addresses without a full domain");
  add("somebody", "addresses without a domain");
  for (const auto& one : candidates.all) add(one.path, one.member);
  if (candidates.cut) axis.blurred = "senders that two tables speak of, one by local part and one by domain";
  return axis;
}

Axis recipient_axis(const Sides& sides) {
  Axis axis;
  axis.name = "recipient";
  auto keys = keys_of(sides, "check_recipient_access");
  std::string patterns;  // a domain that one of them matches is one of ours, and none of these recipients
  for (auto* side : sides) {
    if (!side) continue;
    for (const auto* list : domain_lists) add_outline(keys, *side, list, patterns);
    add_routed_keys(keys, *side);
  }
  const auto signature = [sides](const std::string& path) {
    return joined(sides, [&](Side& side) { return side.of_recipient(path); });
  };
  axis.signature_of = [signature](const Session& session) { return signature(session.recipient); };
  std::string nothing, own;
  for (const auto* side : sides) own += std::string(side ? "own" : "") + separator;
  if (too_many(axis, keys.size())) return axis;
  Classing classing(axis);
  const auto add = [&](const std::string& path, const std::string& member) -> AxisValue* {
    auto made = signature(path);
    if (made == own || made.find("bad") == 0) return nullptr;
    return &classing.add(std::move(made), member, [path](Draft& draft) { draft.session.recipient = path; });
  };
  const MailCandidates candidates(keys);
  const auto out = "somebody@" + candidates.foreign;
  if (auto* rest = add(out, {})) rest->rest = true;
  add("somebody@short", "addresses without a full domain");
  add("somebody@[192.0.2.250]", "address literals");
  auto paths = candidates.all;
  for (const char* other : {"short", "[192.0.2.250]"}) paths.push_back({std::string("somebody@") + other, {}});
  paths.push_back({out, {}});
  for (const auto& one : paths) {
    add(one.path, one.member);
    const auto domain = one.path.substr(one.path.rfind('@') + 1);
    add(domain + "!somebody", "bang paths without a domain");
    add("somebody%" + candidates.foreign + "@" + domain, "forms that ask to be routed on (user%domain@ours)");
    add("\"" + out + "\"@" + domain, {});
  }
  if (candidates.cut) axis.blurred = "recipients that two tables speak of, one by local part and one by domain";
  return axis;
}

Axis helo_axis(const Sides& sides) {
  Axis axis;
  axis.name = "helo";
  const auto keys = keys_of(sides, "check_helo_access");
  const auto signature = [sides](const std::string& helo) {
    return joined(sides, [&](const Side& side) { return side.of_helo(helo); });
  };
  axis.signature_of = [signature](const Session& session) { return signature(session.helo.value_or("")); };
  if (too_many(axis, keys.size())) return axis;
  Classing classing(axis);
  const auto add = [&](const std::string& helo, const std::string& member) -> AxisValue& {
    return classing.add(signature(helo), member, [helo](Draft& draft) { draft.session.helo = helo; });
  };
  add("client." + foreign_domain(keys), {}).rest = true;
  add("client", "names without a dot");
  add("[192.0.2.250]", "address literals");
  add("[nothing]", "brackets without an address");
  add("-client", "what is no host name");
  for (const auto& key : keys) {
    const auto bare = key.starts_with('.') ? key.substr(1) : key;
    add(bare, bare);
    if (valid_host_name(bare)) add("host-7f3a." + bare, "*." + bare);
  }
  return axis;
}

/// Whose the sender is. Only that counts, not who owns which: a thousand owners are two classes.
Axis owner_axis(const Sides& sides) {
  Axis axis;
  axis.name = "owner";
  axis.signature_of = [sides](const Session& session) {
    std::string word;
    for (auto* side : sides)
      if (side && side->owners_matter()) {
        const auto one = side->of_owner(session);
        if (!word.empty() && word != one) return word + separator + one;
        word = one;
      }
    return word;
  };
  Classing classing(axis);
  const auto assume = [](Draft& draft, const Found& found) {
    for (auto& assumed : draft.assumed) assumed.owners = found;
  };
  classing.add("nobody", "one that belongs to no login", [assume](Draft& draft) { assume(draft, Found{}); });
  bool any = false;
  for (auto* side : sides) any = any || (side && !side->parameters.get("smtpd_sender_login_maps").text.empty());
  if (!any) return axis;
  classing.add("mine", "one that belongs to the login", [assume](Draft& draft) {
    draft.possible = draft.possible && draft.session.login && !draft.session.sender.empty();
    if (draft.session.login) assume(draft, Found{Answer::yes, draft.session.login->user.value_or(""), {}, {}, {}});
  });
  classing.add("other", "one that belongs to other logins", [assume](Draft& draft) {
    draft.possible = draft.possible && !draft.session.sender.empty();
    assume(draft, Found{Answer::yes, "somebody-else-7f3a", {}, {}, {}});
  });
  return axis;
}

bool same_patterns(const AccessTest& a, const AccessTest& b) {
  const auto same = [](const Found& x, const Found& y) { return x.value == y.value && x.key == y.key; };
  return a.name() == b.name() && a.outline.opaque == b.outline.opaque && a.outline.keys == b.outline.keys &&
         std::equal(a.outline.rules.begin(), a.outline.rules.end(), b.outline.rules.begin(), b.outline.rules.end(),
                    same) &&
         std::equal(a.outline.answers.begin(), a.outline.answers.end(), b.outline.answers.begin(),
                    b.outline.answers.end(), same);
}

/// `users`: the sides, by number, that ask this very table.
Axis pattern_axis(const Sides& sides, const AccessTest& test, const std::vector<std::size_t>& users) {
  Axis axis;
  axis.name = test.name();
  Side* side = sides[users.front()];
  axis.signature_of = [side, &test](const Session& session) {
    const auto label = side->of_pattern(test, session);
    return label.starts_with('?') ? std::string("?") : label == "dunno" ? std::string() : label;
  };
  Classing classing(axis);
  const auto add = [&](const std::string& signature, const std::string& member, const Found& found) -> AxisValue& {
    return classing.add(signature, member, [users, found, name = test.name()](Draft& draft) {
      for (const auto user : users) draft.assumed[user].access[name] = found;
    });
  };
  add("", "what says nothing there", Found{}).rest = true;
  bool template_value = false;
  for (const auto* answers : {&test.outline.answers, &test.outline.rules})
    for (const auto& found : *answers) {
      const auto action = action_of(found.value);
      template_value = template_value || found.value.find('$') != std::string::npos;
      const auto member = found.where.to_string() + ": " + printable(found.key, 60) + " " + printable(found.value, 40);
      if (action != "dunno") add(action, member, found);
    }
  if (test.outline.opaque.empty() && !template_value) return axis;
  auto& open = add("?", "what would answer OK there", Found{Answer::yes, "OK", test.table.where(), {}, {}});
  open.doubt = template_value ? "what $1 and the like stand for in " + test.table.text() : test.outline.opaque.front();
  return axis;
}

void add_pattern_axes(std::vector<Axis>& axes, const Sides& sides) {
  std::vector<const AccessTest*> done;
  for (std::size_t s = 0; s < sides.size(); ++s) {
    if (!sides[s]) continue;
    for (const auto& test : sides[s]->tests.access) {
      if (!test.by_pattern() || test.restriction == "check_ccert_access") continue;
      if (std::any_of(done.begin(), done.end(), [&](const AccessTest* d) { return same_patterns(*d, test); })) continue;
      std::vector<std::size_t> users = {s};
      for (std::size_t other = s + 1; other < sides.size(); ++other)
        if (sides[other])
          for (const auto& theirs : sides[other]->tests.access)
            if (same_patterns(test, theirs)) users.push_back(other);
      axes.push_back(pattern_axis(sides, test, users));
      done.push_back(&test);
    }
  }
}

}  // namespace

std::vector<Axis> axes_of(const Sides& sides) {
  const auto any = [&](bool (Side::*what)() const) {
    return std::any_of(sides.begin(), sides.end(), [&](const Side* side) { return side && (side->*what)(); });
  };
  std::vector<Axis> axes;
  axes.push_back(client_axis(sides));
  if (any(&Side::names_matter)) axes.push_back(name_axis(sides));
  axes.push_back(tls_axis(sides));
  if (any(&Side::certificates_matter)) axes.push_back(certificate_axis(sides));
  axes.push_back(login_axis(sides));
  axes.push_back(sender_axis(sides));
  if (any(&Side::owners_matter)) axes.push_back(owner_axis(sides));
  axes.push_back(recipient_axis(sides));
  axes.push_back(helo_axis(sides));
  add_pattern_axes(axes, sides);
  for (auto& axis : axes) {  // the plainest session first
    const auto first = std::find_if(axis.values.begin(), axis.values.end(), [&](const AxisValue& value) {
      return axis.name == "login" ? value.signature == "none" : value.rest;
    });
    if (first != axis.values.end()) std::rotate(axis.values.begin(), first, first + 1);
  }
  return axes;
}

}  // namespace smtpdx::mta::postfix
