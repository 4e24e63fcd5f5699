// SPDX-License-Identifier: Apache-2.0
#include "intake/token.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace smtpdx::intake {

namespace {

using nlohmann::json;

constexpr std::size_t longest_token = 64 * 1024;
/// Clocks differ: a token is called expired only well after its end.
constexpr std::chrono::minutes clock_margin{10};

/// RFC 4648 §5, without padding.
std::optional<std::string> base64url_decode(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  return base64_decode(plain);
}

std::string text_of(const json& claims, const char* name) {
  const auto it = claims.find(name);
  return it != claims.end() && it->is_string() ? printable(it->get<std::string>(), 200) : std::string();
}

/// A text of words between blanks, or a list of texts.
void add_texts(std::vector<std::string>& out, const json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end()) return;
  if (it->is_string())
    for (auto word : split_words(it->get_ref<const std::string&>())) out.push_back(printable(word, 200));
  if (it->is_array())
    for (const auto& one : *it)
      if (one.is_string()) out.push_back(printable(one.get<std::string>(), 200));
}

}  // namespace

diag::TokenFact read_token(std::string_view token, WallTime now) {
  diag::TokenFact fact;
  const auto parts = split(trim(token), '.');
  if (parts.size() != 3 || token.size() > longest_token) return fact;
  const auto payload = base64url_decode(parts[1]);
  const auto claims = payload ? json::parse(*payload, nullptr, false) : json();
  if (!claims.is_object()) return fact;
  fact.readable = true;
  add_texts(fact.audience, claims, "aud");
  add_texts(fact.rights, claims, "scp");
  add_texts(fact.rights, claims, "roles");
  for (const char* name : {"upn", "preferred_username", "unique_name"})
    if (fact.user.empty()) fact.user = text_of(claims, name);
  if (const auto it = claims.find("exp"); it != claims.end() && it->is_number_integer()) {
    const auto end = std::clamp<std::int64_t>(it->get<std::int64_t>(), 0, 1LL << 33);
    fact.expired = now > WallTime(std::chrono::seconds(end)) + clock_margin;
  }
  return fact;
}

}  // namespace smtpdx::intake
