// SPDX-License-Identifier: Apache-2.0
#include "dkim/signature.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/tags.hpp"

namespace smtpdx::dkim {

bool is_domain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (auto label : split(name, '.')) {
    if (label.empty() || label.size() > 63) return false;
    for (char c : label) {
      const char l = ascii_lower(c);
      if (!is_digit(c) && (l < 'a' || l > 'z') && c != '-' && c != '_' && static_cast<unsigned char>(c) < 0x80)
        return false;
    }
  }
  return true;
}

namespace {

using Found = std::optional<Defect>;

Defect defect(Reason reason, std::string detail) { return {reason, std::move(detail)}; }
std::string quoted(std::string_view value) { return "\"" + printable(value, 80) + "\""; }

class Reader {
 public:
  Reader(FieldKind kind, const TagList& tags, Signature& out) : kind_(kind), tags_(tags), out_(out) {}

  Found read() {
    using Step = Found (Reader::*)();
    constexpr std::array<Step, 11> steps{&Reader::required, &Reader::version, &Reader::algorithm, &Reader::names,
                                         &Reader::octets,   &Reader::forms,   &Reader::fields,    &Reader::identity,
                                         &Reader::query,    &Reader::numbers, &Reader::instance};
    Found first;
    // All are read, so that what can be told of a broken signature is told; the first defect is the one reported.
    for (auto step : steps)
      if (auto found = (this->*step)(); found && !first) first = std::move(found);
    return first;
  }

 private:
  bool dkim() const { return kind_ == FieldKind::dkim; }
  bool seal() const { return kind_ == FieldKind::arc_seal; }

  Found required() {
    std::vector<const char*> names{"a", "b", "d", "s"};
    if (dkim()) names.insert(names.begin(), "v");
    if (!dkim()) names.push_back("i");
    if (seal()) names.push_back("cv");
    if (!seal()) names.insert(names.end(), {"bh", "h"});
    for (const auto* name : names)
      if (!tags_.find(name))
        return defect(Reason::tag_missing, "the required tag " + std::string(name) + "= is absent");
    return {};
  }

  Found version() {
    if (!dkim()) return {};
    const auto v = tags_.find("v");
    if (!v || *v == "1") return {};
    return defect(Reason::version, "v= is " + quoted(*v) + ", not 1");
  }

  Found algorithm() {
    const auto a = tags_.find("a");
    if (!a) return {};
    out_.algorithm = printable(*a, 80);
    const auto name = to_lower(*a);
    out_.kind = name.starts_with("ed25519-") ? KeyKind::ed25519 : KeyKind::rsa;
    out_.hash = name == "rsa-sha1" ? Hash::sha1 : Hash::sha256;
    if (*a == "rsa-sha256" || *a == "rsa-sha1" || *a == "ed25519-sha256") return {};
    return defect(Reason::algorithm, "a= is " + quoted(*a) + ": rsa-sha256 and ed25519-sha256 are known");
  }

  Found names() {
    for (const auto* tag : {"d", "s"}) {
      const auto value = tags_.find(tag);
      if (!value) continue;
      (*tag == 'd' ? out_.domain : out_.selector) = canonical_name(printable(*value, 300));
      if (!is_domain(*value))
        return defect(Reason::syntax, std::string(tag) + "= is " + quoted(*value) + ", which is no domain name");
    }
    return {};
  }

  Found decode(const char* tag, std::string& to) {
    const auto value = tags_.find(tag);
    if (!value) return {};
    if (value->empty()) return defect(Reason::syntax, std::string(tag) + "= is empty");
    auto octets = base64_decode(*value);
    if (!octets || octets->empty()) return defect(Reason::syntax, std::string(tag) + "= is not base64");
    to = std::move(*octets);
    return {};
  }

  Found octets() {
    if (auto found = decode("b", out_.signature)) return found;
    return seal() ? Found{} : decode("bh", out_.body_hash);
  }

  Found forms() {
    const auto c = tags_.find("c");
    // An ARC seal always covers its set in relaxed form (RFC 8617 §5.1.1). Deviation: RFC 8617 names no other default
    // for ARC-Message-Signature than RFC 6376's simple, but sealers that leave c= out mean relaxed, and validators take
    // it so.
    if (!dkim()) out_.header = out_.body = Canonicalization::relaxed;
    if (!c || seal()) return {};
    const auto slash = c->find('/');
    const auto header = c->substr(0, slash);
    const auto body = slash == std::string_view::npos ? std::string_view("simple") : c->substr(slash + 1);
    auto set = [](std::string_view word, Canonicalization& to) {
      to = word == "relaxed" ? Canonicalization::relaxed : Canonicalization::simple;
      return word == "relaxed" || word == "simple";
    };
    const bool good_header = set(header, out_.header), good_body = set(body, out_.body);
    if (good_header && good_body) return {};
    return defect(Reason::canonicalization, "c= is " + quoted(*c) + ": simple and relaxed are known");
  }

  Found fields() {
    const auto h = tags_.find("h");
    if (seal()) return h ? defect(Reason::field_forbidden, "an ARC-Seal has no h=") : Found{};
    if (!h) return {};
    bool from = false, empty = false;
    for (auto name : colon_list(*h)) {
      empty = empty || name.empty();
      from = from || iequals(name, "from");
      if (!dkim() && iequals(name, "arc-seal"))
        return defect(Reason::field_forbidden, "h= of an ARC-Message-Signature names ARC-Seal");
      if (!name.empty()) out_.signed_fields.emplace_back(name);
    }
    if (!dkim()) return {};
    if (empty) return defect(Reason::syntax, "h= has an empty name in it");
    if (!from) return defect(Reason::from_not_signed, "h= does not name From");
    return {};
  }

  Found identity() {
    if (!dkim()) return {};
    const auto i = tags_.find("i");
    out_.identity = i ? printable(*i, 300) : "@" + out_.domain;
    if (!i) return {};
    const auto at = i->rfind('@');
    if (at == std::string_view::npos) return defect(Reason::syntax, "i= is " + quoted(*i) + ", without an \"@\"");
    const auto domain = i->substr(at + 1);
    if (!is_domain(domain)) return defect(Reason::syntax, "i= is " + quoted(*i) + ", without a domain name");
    if (in_domain(canonical_name(domain), out_.domain)) return {};
    return defect(Reason::identity, "i= is " + quoted(*i) + ", which does not lie in d=" + out_.domain);
  }

  Found query() {
    const auto q = tags_.find("q");
    if (!q || seal()) return {};
    for (auto method : colon_list(*q))
      if (method == "dns/txt") return {};
    return defect(Reason::query_method, "q= is " + quoted(*q) + ": only dns/txt is known");
  }

  Found number(const char* tag, std::size_t digits, std::optional<std::uint64_t>& to) {
    const auto value = tags_.find(tag);
    if (!value) return {};
    to = value->size() <= digits ? parse_number(*value) : std::nullopt;
    if (to) return {};
    // l= may have 76 digits: more than any body has is as good as too much.
    if (digits > 19 && !value->empty() && value->size() <= digits && std::ranges::all_of(*value, is_digit)) {
      to = UINT64_MAX;
      return {};
    }
    return defect(Reason::syntax, std::string(tag) + "= is " + quoted(*value) + ", which is no number");
  }

  Found numbers() {
    if (auto found = number("t", 12, out_.signed_at)) return found;
    if (seal()) return {};
    if (auto found = number("x", 12, out_.expires)) return found;
    if (auto found = number("l", 76, out_.body_length)) return found;
    if (out_.expires && out_.signed_at && *out_.expires <= *out_.signed_at)
      return defect(Reason::expires_before_signed, "x= is not later than t=");
    return {};
  }

  Found instance() {
    if (dkim()) return {};
    if (const auto i = tags_.find("i")) {
      const auto n = i->size() <= 2 ? parse_number(*i) : std::nullopt;
      if (!n || *n < 1 || *n > 50) return defect(Reason::syntax, "i= is " + quoted(*i) + ": 1 to 50 are instances");
      out_.instance = static_cast<unsigned>(*n);
    }
    const auto cv = tags_.find("cv");
    if (!seal() || !cv) return {};
    out_.chain = printable(to_lower(*cv), 80);
    if (out_.chain == "none" || out_.chain == "pass" || out_.chain == "fail") return {};
    return defect(Reason::syntax, "cv= is " + quoted(*cv) + ": none, fail and pass are known");
  }

  FieldKind kind_;
  const TagList& tags_;
  Signature& out_;
};

}  // namespace

std::optional<Defect> read_signature(FieldKind kind, std::string_view value, Signature& out) {
  const auto tags = TagList::parse(value);
  auto found = Reader(kind, tags, out).read();
  if (tags.error()) return defect(Reason::syntax, "its tag list " + tags.error()->what);
  return found;
}

}  // namespace smtpdx::dkim
