// SPDX-License-Identifier: Apache-2.0
#include "dkim/key.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/tags.hpp"

namespace smtpdx::dkim {

namespace {

std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> out;
  for (auto word : colon_list(list)) out.push_back(printable(word, 80));
  return out;
}

bool holds(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Defect defect(Reason reason, std::string detail) { return {reason, std::move(detail)}; }

}  // namespace

std::optional<Defect> read_key_record(std::string_view text, KeyRecord& out) {
  const auto tags = TagList::parse(text);
  if (tags.error()) return defect(Reason::key_syntax, "the record " + tags.error()->what);
  if (const auto v = tags.find("v")) {
    out.version = printable(*v, 80);
    if (*v != "DKIM1") return defect(Reason::key_syntax, "v= of the record is \"" + out.version + "\", not DKIM1");
    if (tags.tags().front().name != "v") return defect(Reason::key_syntax, "v= is not the record's first tag");
  }
  if (const auto k = tags.find("k")) out.key_type = printable(*k, 80);
  if (const auto n = tags.find("n")) out.notes = printable(*n, 300);
  if (const auto h = tags.find("h")) out.hashes = words(*h);
  if (const auto s = tags.find("s")) out.services = words(*s);
  if (const auto t = tags.find("t")) out.flags = words(*t);
  const auto p = tags.find("p");
  if (!p) return defect(Reason::key_syntax, "the record has no p=");
  out.key = without_space(*p);
  return {};
}

io::Task<KeyLookup> look_up_key(dns::Resolver& resolver, std::string selector, std::string domain, Deadline deadline) {
  KeyLookup lookup;
  lookup.name = selector + "._domainkey." + domain;
  const auto answer = co_await resolver.query(lookup.name, dns::Type::TXT, deadline);
  lookup.status = answer.status;
  lookup.validation = answer.validation;
  lookup.canonical_name = answer.canonical_name == answer.name ? "" : answer.canonical_name;
  lookup.why = answer.why;
  lookup.evidence = answer.evidence;
  for (const auto& record : answer.records) {
    lookup.texts.push_back(record.text);
    lookup.ttl = lookup.texts.size() == 1 ? record.ttl : std::min(lookup.ttl, record.ttl);
  }
  co_return lookup;
}

const smtpdx::Result<PublicKey>& KeyCache::get(KeyKind kind, const std::string& base64) {
  std::string name = (kind == KeyKind::rsa ? "r" : "e") + base64;
  if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
  if (keys_.size() >= 1000) keys_.clear();
  const auto octets = base64_decode(base64);
  auto key = octets ? PublicKey::parse(kind, *octets)
                    : smtpdx::Result<PublicKey>(fail(ErrorKind::malformed, "p= is not base64"));
  return keys_.emplace(std::move(name), std::move(key)).first->second;
}

namespace {

/// What the record's own tags say against this signature.
std::optional<Defect> against(const KeyRecord& record, const Signature& s, FieldKind kind) {
  if (record.key.empty()) return defect(Reason::key_revoked, "p= of the key record is empty: the key was revoked");
  if (record.key_type != to_string(s.kind))
    return defect(Reason::key_algorithm,
                  "the key record says k=" + record.key_type + ", the signature a=" + s.algorithm);
  if (!record.hashes.empty() && !holds(record.hashes, to_string(s.hash)))
    return defect(Reason::key_hash, std::string("h= of the key record does not allow ") + to_string(s.hash));
  if (!record.services.empty() && !holds(record.services, "*") && !holds(record.services, "email"))
    return defect(Reason::key_service, "s= of the key record does not allow e-mail");
  if (kind == FieldKind::dkim && record.strict() && domain_of(s.identity) != s.domain)
    return defect(Reason::key_strict, "the key record says t=s: i=" + s.identity + " may not lie below d=" + s.domain);
  return {};
}

}  // namespace

UsableKey usable_key(const std::string& text, const Signature& s, FieldKind kind, KeyCache& cache) {
  UsableKey found;
  found.defect = read_key_record(text, found.record);
  if (found.defect) return found;
  found.is_record = true;
  found.defect = against(found.record, s, kind);
  if (found.defect) return found;
  const auto& key = cache.get(s.kind, found.record.key);
  if (!key) {
    found.defect = defect(Reason::key_malformed, key.error().message);
    return found;
  }
  found.key = *key;
  if (key->kind() == KeyKind::rsa && key->bits() < 1024)
    found.defect = defect(Reason::key_too_short, "the RSA key has " + std::to_string(key->bits()) +
                                                     " bits: below 1024 it must not be accepted");
  return found;
}

}  // namespace smtpdx::dkim
