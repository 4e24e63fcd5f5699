// SPDX-License-Identifier: Apache-2.0
// What was done to the signed header fields: see dkim/changes.hpp.
#include <algorithm>
#include <functional>
#include <vector>

#include "base/text.hpp"
#include "dkim/canonical.hpp"
#include "dkim/changes.hpp"
#include "dkim/changes_parts.hpp"
#include "dkim/check.hpp"
#include "dkim/tags.hpp"
#include "mail/encoded_word.hpp"

namespace smtpdx::dkim {

namespace {

constexpr std::size_t most_tries_rsa = 400, most_tries_slow = 60;
constexpr std::size_t most_octets = 16u << 20;  // hashed in all

class HeaderSearch {
 public:
  HeaderSearch(const Message& message, std::uint32_t own, const PublicKey& key, const Signature& s)
      : message_(message), own_(own), key_(key), s_(s), selected_(selected_fields(message, s, own)) {
    wanted_ = key.recover(s.hash, s.signature);
    tries_left_ = key.kind() == KeyKind::rsa ? most_tries_rsa : most_tries_slow;
  }

  std::optional<Explanation> run() {
    if (key_.kind() == KeyKind::rsa && !wanted_)
      return Explanation{Change::other_key,
                         true,
                         "",
                         "b= was not made with the private half of the key published: either the signer used another "
                         "key (or selector), or b= itself was damaged",
                         0,
                         0};
    using Step = std::optional<Explanation> (HeaderSearch::*)();
    for (Step step : {&HeaderSearch::added, &HeaderSearch::marked, &HeaderSearch::replaced, &HeaderSearch::refolded})
      if (auto found = (this->*step)()) return found;
    return std::nullopt;
  }

 private:
  using Rewrite = std::function<std::string(std::uint32_t index, std::string_view whole)>;

  bool spent() const { return tries_left_ == 0 || octets_left_ == 0; }

  /// Whether the signature is one over these fields, each rewritten. False, too, where enough was tried: asked before
  /// anything is put together, for that costs as much as to hash it.
  bool is_signed(const std::vector<std::optional<std::uint32_t>>& chosen, const Rewrite& rewrite) {
    if (spent()) return false;
    const auto tried = octets(chosen, rewrite);
    --tries_left_;
    octets_left_ -= std::min(octets_left_, tried.size());
    Digest digest(s_.hash);
    digest.add(tried);
    const auto found = digest.finish();
    return wanted_ ? found == *wanted_ : key_.verifies(s_.hash, found, s_.signature);
  }

  /// The octets under the signature with these fields chosen and each rewritten; a rewrite to nothing leaves it out.
  std::string octets(const std::vector<std::optional<std::uint32_t>>& chosen, const Rewrite& rewrite) const {
    std::string out;
    for (const auto& index : chosen) {
      if (!index) continue;
      const auto whole = rewrite(*index, message_.fields()[*index].whole);
      if (whole.empty()) continue;
      canonical_field(s_.header, whole, out);
      out += "\r\n";
    }
    const auto pieces = without_signature(message_.fields()[own_].whole);
    canonical_field(s_.header, pieces.before, pieces.after, out);
    return out;
  }

  static std::string as_is(std::uint32_t, std::string_view whole) { return std::string(whole); }

  std::string name_of(std::uint32_t index) const { return printable(message_.fields()[index].name, 80); }

  /// As if field `gone` had never been there: those of its name further up move down.
  std::vector<std::optional<std::uint32_t>> selected_without(std::uint32_t gone) const {
    auto chosen = selected_;
    const auto& all = message_.all(message_.fields()[gone].name);
    std::vector<std::uint32_t> rest;
    std::copy_if(all.begin(), all.end(), std::back_inserter(rest), [&](auto i) { return i != gone && i != own_; });
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      if (!iequals(s_.signed_fields[k], message_.fields()[gone].name)) continue;
      chosen[k] = rest.empty() ? std::nullopt : std::optional(rest.back());
      if (!rest.empty()) rest.pop_back();
    }
    return chosen;
  }

  std::optional<Explanation> added() {
    for (const auto& index : selected_) {
      if (spent()) return std::nullopt;
      if (!index || !is_signed(selected_without(*index), as_is)) continue;
      return Explanation{Change::field_added,
                         true,
                         name_of(*index),
                         "without the field " + name_of(*index) + " (\"" +
                             printable(trim(message_.fields()[*index].value()), 80) +
                             "\") the signature matches: it was added after signing",
                         0,
                         0};
    }
    return std::nullopt;
  }

  bool matches_with(std::uint32_t field, std::string_view value) {
    return is_signed(selected_, [&](std::uint32_t index, std::string_view whole) {
      return index == field ? std::string(message_.fields()[field].name) + ":" + std::string(value)
                            : std::string(whole);
    });
  }

  /// Something put in front of the subject: "[list] ", "EXTERNAL: ", "*****SPAM***** ".
  std::optional<Explanation> marked() {
    for (const auto& index : selected_) {
      if (!index || !iequals(message_.fields()[*index].name, "subject")) continue;
      const std::string value = fold_space(message_.fields()[*index].value());
      for (std::size_t at = value.find(' '), n = 0; at != std::string::npos && n < 12;
           at = value.find(' ', at + 1), ++n)
        for (const auto* reply : {"", "Re: "}) {
          const auto rest = " " + std::string(reply) + value.substr(at + 1);
          if (matches_with(*index, rest))
            return changed(*index, rest, "\"" + printable(value.substr(0, at), 60) + "\" was put in front of it");
        }
      const auto decoded = " " + mail::decode_encoded_words(value);
      if (matches_with(*index, decoded)) return changed(*index, decoded, "it was encoded on the way");
    }
    return std::nullopt;
  }

  Explanation changed(std::uint32_t index, std::string_view value, const std::string& how) const {
    return {Change::field_changed,
            true,
            name_of(index),
            "the field " + name_of(index) + " was changed after signing: with \"" + printable(trim(value), 120) +
                "\" the signature matches (" + how + ")",
            0,
            0};
  }

  /// Values that the original is known to be kept in, or that a gateway usually sets.
  std::optional<Explanation> replaced() {
    for (const auto& index : selected_) {
      if (!index) continue;
      const auto name = to_lower(message_.fields()[*index].name);
      for (const auto& value : candidates(name))
        if (matches_with(*index, value)) return changed(*index, value, "its value now is another one");
    }
    return std::nullopt;
  }

  std::vector<std::string> candidates(const std::string& name) const {
    std::vector<std::string> values;
    auto of = [&](std::string_view other) {
      for (auto i : message_.all(other)) values.emplace_back(message_.fields()[i].value());
    };
    if (name == "from") {
      for (const auto* other : {"X-Original-From", "Original-From", "X-From", "Reply-To", "Sender"}) of(other);
    } else if (name == "content-transfer-encoding") {
      values = {" 7bit", " 8bit", " quoted-printable", " base64", " binary"};
    } else if (name == "reply-to") {
      of("X-Original-Reply-To");
      of("From");
    } else if (name == "to" || name == "subject" || name == "date" || name == "message-id") {
      of("X-Original-" + name);
    }
    return values;
  }

  /// Only simple canonicalization minds folds and blanks.
  std::optional<Explanation> refolded() {
    if (s_.header != Canonicalization::simple) return std::nullopt;
    const auto all = [&](std::string_view from, std::string_view to) {
      return is_signed(
          selected_, [&](std::uint32_t, std::string_view whole) { return replace_all(std::string(whole), from, to); });
    };
    const bool found = all("\r\n\t", "\r\n ") || all("\r\n ", "\r\n\t") || all("\r\n ", " ") || all("\r\n\t", "\t") ||
                       all("\r\n\t", " ") || all(":  ", ": ") || all(":\t", ": ");
    if (!found) return std::nullopt;
    return Explanation{Change::white_space,
                       true,
                       "",
                       "fields were folded anew on the way, which breaks a signature with c=simple",
                       0,
                       0};
  }

  const Message& message_;
  std::uint32_t own_;
  const PublicKey& key_;
  const Signature& s_;
  std::vector<std::optional<std::uint32_t>> selected_;
  std::optional<std::string> wanted_;  ///< the digest that was signed
  std::size_t tries_left_ = 0, octets_left_ = most_octets;
};

}  // namespace

std::optional<Explanation> explain_header(const Message& message, std::uint32_t own, const PublicKey& key,
                                          const Signature& signature) {
  return HeaderSearch(message, own, key, signature).run();
}

void explain_mismatch(const Message& message, std::uint32_t own, const PublicKey& key, Verdict& verdict) {
  if (verdict.body_intact && !*verdict.body_intact)
    if (auto found = explain_body(message, verdict.signature)) verdict.explanations.push_back(std::move(*found));
  if (verdict.header_intact && !*verdict.header_intact)
    if (auto found = explain_header(message, own, key, verdict.signature))
      verdict.explanations.push_back(std::move(*found));
}

}  // namespace smtpdx::dkim
