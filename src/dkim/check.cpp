// SPDX-License-Identifier: Apache-2.0
#include "dkim/check.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/changes.hpp"
#include "dkim/tags.hpp"

namespace smtpdx::dkim {

void decide(Verdict& verdict, Result result, Reason reason, std::string detail) {
  verdict.result = result;
  verdict.reason = reason;
  verdict.detail = std::move(detail);
}

std::vector<std::optional<std::uint32_t>> selected_fields(const Message& message, const Signature& s,
                                                          std::uint32_t own) {
  std::vector<std::optional<std::uint32_t>> selected;
  selected.reserve(s.signed_fields.size());
  // How many of each name are left, counted from the top. Names share their list, so its address tells them apart.
  std::map<const std::vector<std::uint32_t>*, std::size_t> left;
  for (const auto& name : s.signed_fields) {
    const auto& all = message.all(name);
    auto& n = left.try_emplace(&all, all.size()).first->second;
    if (n > 0 && all[n - 1] == own) --n;
    selected.push_back(n > 0 ? std::optional(all[--n]) : std::nullopt);
  }
  return selected;
}

std::string signed_octets(const Message& message, const Signature& s, std::uint32_t own) {
  std::string octets;
  octets.reserve(4096);
  for (const auto& index : selected_fields(message, s, own)) {
    if (!index) continue;  // "treated as the null string", its name and CRLF included
    canonical_field(s.header, message.fields()[*index].whole, octets);
    octets += "\r\n";
  }
  const auto pieces = without_signature(message.fields()[own].whole);
  canonical_field(s.header, pieces.before, pieces.after, octets);
  return octets;
}

namespace {

constexpr std::uint64_t day = 86400;

std::uint64_t seconds(WallTime t) {
  const auto n = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
  return n > 0 ? static_cast<std::uint64_t>(n) : 0;
}

/// RFC 5322 §3.6: these may occur once. Content fields decide what is shown (RFC 2045).
constexpr std::array once{"from",
                          "sender",
                          "reply-to",
                          "to",
                          "cc",
                          "subject",
                          "date",
                          "message-id",
                          "in-reply-to",
                          "references",
                          "mime-version",
                          "content-type",
                          "content-transfer-encoding"};

void count_signed(const Message& message, Verdict& v) {
  for (std::string_view name : once) {
    const auto signed_times = static_cast<std::size_t>(
        std::ranges::count_if(v.signature.signed_fields, [&](const auto& n) { return iequals(n, name); }));
    const auto present = message.all(name).size();
    if (signed_times == 0) continue;
    (signed_times > present ? v.over_signed : v.can_be_added).emplace_back(name);
    if (present > signed_times)
      v.remarks.push_back("there are " + std::to_string(present) + " " + std::string(name) + " fields, of which " +
                          std::to_string(signed_times) + " are signed");
  }
}

/// x= against the clock, and what policy forbids; the mathematics is looked at all the same.
void judge_policy(const Options& options, Verdict& v) {
  const auto now = seconds(options.now);
  const auto& s = v.signature;
  if (s.hash == Hash::sha1)
    decide(v, Result::permerror, Reason::sha1,
           "a=rsa-sha1 must not be verified any more; the signer has to use rsa-sha256");
  else if (s.expires && *s.expires < now)
    decide(v, Result::permerror, Reason::expired,
           "the signature expired " + std::to_string((now - *s.expires) / 60) +
               " minutes ago (x=" + std::to_string(*s.expires) + ")");
  if (s.signed_at && *s.signed_at > now + day / 24)
    v.remarks.push_back("t= lies " + std::to_string((*s.signed_at - now) / 60) +
                        " minutes in the future: the signer's clock or ours is wrong");
}

bool judge_body(Context& context, FieldKind kind, Verdict& v) {
  if (kind == FieldKind::arc_seal) return true;
  const auto& s = v.signature;
  const auto& found = context.bodies.of(s.hash, s.body, s.body_length);
  v.body_hash_found = found.digest;
  v.body_octets = found.octets;
  v.body_intact = found.digest == s.body_hash;
  if (!s.body_length) return true;
  if (*s.body_length > found.octets) {
    decide(v, Result::permerror, Reason::body_length,
           "l= covers more octets than the canonical body has (" + std::to_string(found.octets) + ")");
    return false;
  }
  v.unsigned_octets = found.octets - *s.body_length;
  v.remarks.push_back(v.unsigned_octets > 0 ? "l= leaves the last " + std::to_string(v.unsigned_octets) +
                                                  " octets of the body unsigned: anybody may have added them"
                                            : "l= is used: text can be added at the end unseen");
  return true;
}

}  // namespace

bool begin(Context& context, FieldKind kind, std::uint32_t own, const Options& options, Verdict& v) {
  const auto& field = context.message.fields()[own];
  v.offset = field.offset;
  if (auto wrong = read_signature(kind, field.value(), v.signature)) {
    decide(v, Result::permerror, wrong->reason, std::move(wrong->detail));
    return false;
  }
  count_signed(context.message, v);
  judge_policy(options, v);
  return judge_body(context, kind, v);
}

namespace {

/// No key record to be had: RFC 6376 §6.1.2.
bool key_was_found(Verdict& v) {
  const auto& l = *v.key_lookup;
  if (l.status == dns::Status::found) return true;
  if (l.status == dns::Status::no_name || l.status == dns::Status::no_data) {
    decide(v, Result::permerror, Reason::key_missing,
           l.status == dns::Status::no_name ? l.name + " does not exist" : l.name + " has no TXT record");
  } else {
    decide(v, Result::temperror, Reason::key_unavailable,
           "DNS did not tell the key " + l.name + ": " + (l.why.empty() ? to_string(l.status) : printable(l.why)));
  }
  return false;
}

void remark_key(const PublicKey& key, Verdict& v) {
  v.key_bits = key.bits();
  if (v.key_record->testing()) v.remarks.push_back("the key record says t=y: the domain is testing DKIM");
  if (key.kind() == KeyKind::rsa && key.bits() >= 1024 && key.bits() < 2048)
    v.remarks.push_back("an RSA key of " + std::to_string(key.bits()) +
                        " bits is weak: 2048 are recommended (RFC 8301 §3.2)");
  if (key.form() == PublicKey::Form::rsa_public_key)
    v.remarks.push_back("p= holds a bare RSAPublicKey: valid, but some verifiers take only a SubjectPublicKeyInfo");
}

void say_mismatch(Verdict& v) {
  if (!v.body_intact) {
    decide(v, Result::fail, Reason::signature_mismatch,
           "the fields under the signature, or the key, are not as they were");
  } else if (!*v.body_intact) {
    decide(v, Result::fail, Reason::body_changed,
           *v.header_intact
               ? "the body was changed after it was signed; the signed header fields were not"
               : "the body was changed after it was signed, and the header signature does not match either");
  } else {
    decide(v, Result::fail, Reason::signature_mismatch,
           "the body is as it was signed; the signed header fields, or the key, are not");
  }
}

/// Everything with one key. True where the signature matches.
bool matches(const std::string& header_digest, const PublicKey& key, Verdict& v) {
  v.header_intact = key.verifies(v.signature.hash, header_digest, v.signature.signature);
  return *v.header_intact && v.body_intact.value_or(true);
}

std::string digest_of(Hash hash, std::string_view octets) {
  Digest digest(hash);
  digest.add(octets);
  return digest.finish();
}

/// Tries the records in turn (§6.1.2): the first that verifies, else the first that has a key, else the first defect.
struct Tried {
  std::optional<UsableKey> best;
  bool verified = false;
};

Tried try_keys(Context& context, FieldKind kind, const std::string& header_digest, Verdict& v) {
  Tried tried;
  auto rank = [](const UsableKey& k) { return k.key ? 2 : k.is_record ? 1 : 0; };
  for (const auto& text : v.key_lookup->texts) {
    auto usable = usable_key(text, v.signature, kind, context.cache);
    const bool good = usable.key && matches(header_digest, *usable.key, v);
    if (good || !tried.best || rank(usable) > rank(*tried.best)) tried.best = std::move(usable);
    tried.verified = good;
    if (good) break;
  }
  return tried;
}

}  // namespace

std::optional<PublicKey> judge_with_key(Context& context, FieldKind kind, const std::string& octets, Verdict& v) {
  const bool by_policy = v.reason != Reason::verified;  // decided already: only the mathematics is of interest
  const auto policy = std::tuple(v.result, v.reason, v.detail);
  const auto digest = digest_of(v.signature.hash, octets);
  std::optional<PublicKey> mismatched;
  if (key_was_found(v)) {
    if (v.key_lookup->texts.size() > 1)
      v.remarks.push_back(std::to_string(v.key_lookup->texts.size()) + " TXT records stand at " + v.key_lookup->name +
                          ": what a verifier makes of it is undefined (RFC 6376 §3.6.2.2)");
    auto tried = try_keys(context, kind, digest, v);
    auto& best = *tried.best;
    if (best.is_record) v.key_record = best.record;
    if (best.key) {
      remark_key(*best.key, v);
      v.mathematics = tried.verified;
    }
    if (best.defect) {
      decide(v, Result::permerror, best.defect->reason, best.defect->detail);
    } else if (tried.verified) {
      decide(v, Result::pass, Reason::verified, "");
    } else {
      matches(digest, *best.key, v);  // the flags as this key sees it
      say_mismatch(v);
      mismatched = std::move(best.key);
    }
  }
  if (!by_policy) return mismatched;
  std::tie(v.result, v.reason, v.detail) = policy;
  return std::nullopt;
}

void finish(Context& context, FieldKind kind, std::uint32_t own, const Options& options, Verdict& v) {
  const auto octets = signed_octets(context.message, v.signature, own);
  const auto mismatched = judge_with_key(context, kind, octets, v);
  if (!mismatched || !options.explain || context.searches_left == 0) return;
  --context.searches_left;
  explain_mismatch(context.message, own, *mismatched, v);
}

}  // namespace smtpdx::dkim
