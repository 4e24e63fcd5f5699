// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a parameter is worth for one service: its -o override, else main.cf, else Postfix' built-in default, with every
// $name replaced. Defaults are those of Postfix 3.x (postconf -d of 3.7), the effects of compatibility_level included.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/postfix/expand.hpp"
#include "mta/postfix/main_cf.hpp"
#include "mta/postfix/master_cf.hpp"

namespace smtpdx::mta::postfix {

struct Value {
  Cited text;   ///< expanded, trimmed; may hold marks of the unknowable (expand.hpp)
  Where where;  ///< of the setting; built in where nobody set it
  std::vector<std::string> undefined;
  bool is_default() const { return where.built_in(); }
  bool unknown() const { return has_unknown(text.text()); }
};

class Parameters {
 public:
  /// Both outlive this object; `service` may be null (main.cf alone).
  Parameters(const MainCf& main, const Service* service) : main_(&main), service_(service) {}

  Value get(std::string_view name) const;
  /// As it stands, $names and all: for templates whose names are not those of parameters (default_rbl_reply).
  Cited unexpanded(std::string_view name) const { return raw(name).value_or(Cited()); }
  /// "yes" or "no"; nullopt for an unknowable or a wrong word (Postfix stops at the latter).
  std::optional<bool> flag(std::string_view name) const;
  std::optional<unsigned> number(std::string_view name) const;
  /// Set in main.cf or by -o, even if to nothing.
  bool is_set(std::string_view name) const;
  bool compatible_with(std::string_view level) const;  ///< compatibility_level >= level

  /// The first parameter that smtpd reads as a switch or a number and that is neither: it stops at such a value. Empty
  /// where there is none.
  std::string misread() const;

  /// The first setting that cannot be expanded, as Postfix would find it.
  Result<void> check() const;

 private:
  std::optional<Cited> raw(std::string_view name) const;
  const Setting* setting(std::string_view name) const;
  std::optional<Cited> built_in(std::string_view name) const;

  const MainCf* main_;
  const Service* service_;
};

}  // namespace smtpdx::mta::postfix
