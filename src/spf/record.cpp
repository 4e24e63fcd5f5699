// SPDX-License-Identifier: Apache-2.0
// Reads a sender policy by the grammar of RFC 7208 §12. Why by hand: the place and the kind of a flaw are the product,
// and the grammar has traps that a table of expressions falls into: a name ends at the first of ":", "/" and "="
// (§4.6.1),
// "/24" at the end of a domain belongs to the term and not to the domain, known modifiers are not unknown ones with
// another value. It looks nothing up and expands nothing; that a name may turn out impossible later is no flaw (§4.8).
#include "spf/record.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "spf/macro.hpp"

namespace smtpdx::spf {

namespace {

constexpr std::string_view version = "v=spf1";

struct MechanismRow {
  std::string_view name;
  TermKind kind;
};
constexpr std::array mechanisms{
    MechanismRow{"all", TermKind::all}, MechanismRow{"include", TermKind::include}, MechanismRow{"a", TermKind::a},
    MechanismRow{"mx", TermKind::mx},   MechanismRow{"ptr", TermKind::ptr},         MechanismRow{"ip4", TermKind::ip4},
    MechanismRow{"ip6", TermKind::ip6}, MechanismRow{"exists", TermKind::exists},
};

bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }

/// RFC 7208 §7.1: letters and digits with dashes inside, and not digits alone.
bool is_toplabel(std::string_view label) {
  if (label.empty() || !is_alnum(label.front()) || !is_alnum(label.back())) return false;
  bool more_than_digits = false;
  for (char c : label) {
    if (!is_alnum(c) && c != '-') return false;
    more_than_digits = more_than_digits || !is_digit(c);
  }
  return more_than_digits;
}

bool is_modifier_name(std::string_view name) {
  if (name.empty() || !is_alpha(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

/// "/24" or "//64" taken off the end of a term.
struct Prefixes {
  std::optional<std::string_view> v4, v6;
};

/// Takes "/DIGITS" off the end, where there is such an end; `slashes` are the octets before the digits.
std::optional<std::string_view> take_prefix(std::string_view& rest, std::string_view slashes) {
  auto digits = rest.size();
  while (digits > 0 && is_digit(rest[digits - 1])) --digits;
  if (digits == rest.size() || !rest.substr(0, digits).ends_with(slashes)) return std::nullopt;
  const auto found = rest.substr(digits);
  rest.remove_suffix(found.size() + slashes.size());
  return found;
}

Prefixes take_prefixes(std::string_view& rest) {
  Prefixes taken;
  taken.v6 = take_prefix(rest, "//");
  taken.v4 = take_prefix(rest, "/");
  return taken;
}

/// §12: no leading zeros, at most `most`.
std::optional<unsigned> prefix_value(std::string_view digits, unsigned most) {
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  const auto value = parse_number(digits);
  if (!value || *value > most) return std::nullopt;
  return static_cast<unsigned>(*value);
}

class TermReader {
 public:
  TermReader(std::string_view record, Span where) : record_(record), text_(where.of(record)) { term_.where = where; }

  std::expected<Term, Flaw> read() {
    const auto end = text_.find_first_of(":/=");
    const auto name = text_.substr(0, end);
    const bool ok = end != std::string_view::npos && text_[end] == '=' ? modifier(name) : mechanism(name);
    if (ok) return term_;
    return std::unexpected(flaw_);
  }

 private:
  bool wrong(FlawKind kind, std::string_view at) {
    flaw_ = {kind, span(at), term_.where};
    return false;
  }
  Span span(std::string_view part) const {
    return {static_cast<std::uint32_t>(part.data() - record_.data()), static_cast<std::uint32_t>(part.size())};
  }

  bool modifier(std::string_view name) {
    const auto value = text_.substr(name.size() + 1);
    if (!is_modifier_name(name)) return wrong(FlawKind::bad_modifier_name, name.empty() ? text_ : name);
    if (iequals(name, "redirect") || iequals(name, "exp")) {
      term_.kind = iequals(name, "exp") ? TermKind::exp : TermKind::redirect;
      return domain(value);
    }
    term_.kind = TermKind::unknown_modifier;
    return macros(value);
  }

  bool mechanism(std::string_view name) {
    if (!name.empty() && std::string_view("+-~?").find(name.front()) != std::string_view::npos) {
      term_.qualifier = static_cast<Qualifier>(name.front());
      name.remove_prefix(1);
    }
    const auto row = std::ranges::find_if(mechanisms, [&](const auto& m) { return iequals(m.name, name); });
    if (row == mechanisms.end()) return wrong(FlawKind::unknown_mechanism, name.empty() ? text_ : name);
    term_.kind = row->kind;
    return arguments(
        record_.substr(span(name).offset + name.size(), text_.size() - offset_in_term(name) - name.size()));
  }
  std::size_t offset_in_term(std::string_view part) const {
    return static_cast<std::size_t>(part.data() - text_.data());
  }

  bool arguments(std::string_view rest) {
    switch (term_.kind) {
      case TermKind::all:
        return rest.empty() || wrong(FlawKind::unexpected_argument, rest);
      case TermKind::include:
      case TermKind::exists:
        return with_colon(rest) && domain(rest.substr(1));
      case TermKind::ptr:
        if (rest.empty()) return true;
        if (rest.front() != ':') return wrong(FlawKind::unexpected_argument, rest);
        return domain(rest.substr(1));
      case TermKind::a:
      case TermKind::mx:
        return host_and_prefixes(rest);
      default:
        return with_colon(rest) && network(rest.substr(1));
    }
  }

  bool with_colon(std::string_view rest) { return rest.starts_with(':') || wrong(FlawKind::missing_argument, text_); }

  bool host_and_prefixes(std::string_view rest) {
    const auto taken = take_prefixes(rest);
    if (!prefixes(taken)) return false;
    if (rest.empty()) return true;
    return rest.front() == ':' ? domain(rest.substr(1)) : wrong(FlawKind::bad_prefix, rest);
  }

  bool prefixes(const Prefixes& taken) {
    if (taken.v4) {
      const auto value = prefix_value(*taken.v4, 32);
      if (!value) return wrong(FlawKind::bad_prefix, *taken.v4);
      term_.prefix4 = *value;
    }
    if (taken.v6) {
      const auto value = prefix_value(*taken.v6, 128);
      if (!value) return wrong(FlawKind::bad_prefix, *taken.v6);
      term_.prefix6 = *value;
    }
    return true;
  }

  bool network(std::string_view rest) {
    const bool v4 = term_.kind == TermKind::ip4;
    if (rest.empty()) return wrong(FlawKind::missing_argument, text_);
    const auto slash = rest.find('/');
    const auto literal = rest.substr(0, slash);
    const bool of_its_kind =
        literal.find_first_not_of(v4 ? "0123456789." : "0123456789abcdefABCDEF:.") == std::string_view::npos;
    const auto address = of_its_kind ? IpAddress::parse(literal) : std::nullopt;
    if (!address || address->is_v6() == v4) return wrong(FlawKind::bad_address, literal.empty() ? rest : literal);
    term_.network = *address;
    if (slash == std::string_view::npos) return true;
    const auto digits = rest.substr(slash + 1);
    const auto value = prefix_value(digits, v4 ? 32 : 128);
    if (!value) return wrong(FlawKind::bad_prefix, rest.substr(slash));
    (v4 ? term_.prefix4 : term_.prefix6) = *value;
    return true;
  }

  bool macros(std::string_view value) {
    const auto check = check_macros(value, MacroUse::domain);
    if (check.fault == MacroFault::none) return true;
    return wrong(check.fault == MacroFault::bad_macro ? FlawKind::bad_macro : FlawKind::macro_only_in_explanation,
                 value.substr(check.at, check.length));
  }

  /// §7.1: ends in a macro or in a dot and a valid last label, a final dot allowed.
  bool domain(std::string_view value) {
    if (value.empty()) return wrong(FlawKind::missing_argument, text_);
    const auto check = check_macros(value, MacroUse::domain);
    if (check.fault != MacroFault::none) return macros(value);
    term_.domain = span(value);
    auto tail = value.substr(check.tail);
    if (tail.empty()) return true;
    if (tail.ends_with('.')) tail.remove_suffix(1);
    const auto dot = tail.rfind('.');
    if (dot != std::string_view::npos && is_toplabel(tail.substr(dot + 1))) return true;
    if (IpAddress::parse(value)) return wrong(FlawKind::address_as_domain, value);
    return wrong(FlawKind::bad_domain, value);
  }

  std::string_view record_, text_;
  Term term_;
  Flaw flaw_;
};

/// The words of the record from `at` on, with the place of each; only spaces part them (§4.6.1).
Span next_term(std::string_view text, std::size_t at) {
  const auto from = std::min(text.find_first_not_of(' ', at), text.size());
  const auto to = std::min(text.find(' ', from), text.size());
  return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
}

bool note_modifier(Record& record, TermKind kind) {
  auto* slot = kind == TermKind::redirect ? &record.redirect : kind == TermKind::exp ? &record.exp : nullptr;
  if (!slot) return true;
  if (*slot) return false;
  *slot = static_cast<std::uint32_t>(record.terms.size());
  return true;
}

}  // namespace

bool is_modifier(TermKind kind) { return kind >= TermKind::redirect; }

bool asks_dns(TermKind kind) {
  switch (kind) {
    case TermKind::include:
    case TermKind::a:
    case TermKind::mx:
    case TermKind::ptr:
    case TermKind::exists:
    case TermKind::redirect:
      return true;
    default:
      return false;
  }
}

const char* to_string(FlawKind kind) {
  constexpr std::array names{"not-ascii",           "unknown-mechanism", "bad-modifier-name", "missing-argument",
                             "unexpected-argument", "bad-domain",        "address-as-domain", "bad-macro",
                             "explanation-macro",   "bad-prefix",        "bad-address",       "repeated-modifier"};
  return names[static_cast<std::size_t>(kind)];
}

const char* section_of(FlawKind kind) {
  constexpr std::array sections{"3.1", "4.6.1", "6", "12", "12", "7.1", "7.1", "7.1", "7.2", "5.6", "5.6", "6"};
  return sections[static_cast<std::size_t>(kind)];
}

bool is_policy(std::string_view text) {
  return istarts_with(text, version) && (text.size() == version.size() || text[version.size()] == ' ');
}

bool is_near_policy(std::string_view text) {
  if (is_policy(text)) return false;
  const auto start = text.find_first_not_of(" \t\r\n\"'\\");
  if (start == std::string_view::npos) return false;
  const auto rest = text.substr(start);
  return istarts_with(rest, "v=spf") || istarts_with(rest, "spf1") || istarts_with(rest, "v =") ||
         istarts_with(rest, "v:spf1") || istarts_with(rest, "v= spf1");
}

std::expected<Record, Flaw> parse_record(std::string_view text) {
  Record record;
  for (auto where = next_term(text, version.size()); where.length > 0;
       where = next_term(text, where.offset + where.length)) {
    const auto words = where.of(text);
    const auto odd = std::ranges::find_if(words, [](char c) { return c <= ' ' || c > '~'; });
    if (odd != words.end()) {
      const auto at = where.offset + static_cast<std::uint32_t>(odd - words.begin());
      return std::unexpected(Flaw{FlawKind::not_ascii, {at, 1}, where});
    }
    auto term = TermReader(text, where).read();
    if (!term) return std::unexpected(term.error());
    if (!note_modifier(record, term->kind)) return std::unexpected(Flaw{FlawKind::repeated_modifier, where, where});
    record.terms.push_back(*term);
  }
  return record;
}

}  // namespace smtpdx::spf
