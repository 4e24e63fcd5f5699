// SPDX-License-Identifier: Apache-2.0
#include "diag/case.hpp"

#include <array>
#include <utility>

namespace smtpdx::diag {

namespace {
constexpr std::array<std::pair<TlsMode, std::string_view>, 3> tls_words{
    {{TlsMode::plain, "none"}, {TlsMode::starttls, "starttls"}, {TlsMode::implicit, "implicit"}}};
constexpr std::array<std::pair<AuthState, std::string_view>, 4> auth_words{
    {{AuthState::unknown, "unknown"}, {AuthState::none, "none"}, {AuthState::failed, "failed"}, {AuthState::ok, "ok"}}};

template <class Table, class E>
std::string_view word_of(const Table& table, E value) {
  for (const auto& [v, w] : table)
    if (v == value) return w;
  return "";
}
template <class E, class Table>
std::optional<E> value_of(const Table& table, std::string_view word) {
  for (const auto& [v, w] : table)
    if (w == word) return v;
  return std::nullopt;
}
}  // namespace

std::string_view to_string(TlsMode mode) { return word_of(tls_words, mode); }
std::optional<TlsMode> tls_mode_from(std::string_view word) { return value_of<TlsMode>(tls_words, word); }
std::string_view to_string(AuthState state) { return word_of(auth_words, state); }
std::optional<AuthState> auth_state_from(std::string_view word) { return value_of<AuthState>(auth_words, word); }

std::string recipient_of(const Case& c, const dsn::Refusal* refusal) {
  if (!c.to.empty()) return c.to;
  return refusal ? refusal->recipient : std::string();
}

std::string sender_of(const Case& c, const dsn::Refusal* refusal) {
  if (!c.from.empty()) return c.from;
  return refusal ? refusal->sender : std::string();
}

}  // namespace smtpdx::diag
