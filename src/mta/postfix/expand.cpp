// SPDX-License-Identifier: Apache-2.0
//
// A recursive-descent reading of Postfix' macro language. The grammar is small, but its braces nest, and the built-in
// defaults themselves use comparisons (relay_domains depends on compatibility_level that way), so that no shortcut
// holds. Bounds: nesting 40, 100,000 steps, result 1 MiB. Not done: the $name forms of pipe(8) arguments and of policy
// templates, which are other languages.

#include "mta/postfix/expand.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_depth = 40;
constexpr std::size_t max_text = 1u << 20;
constexpr unsigned max_steps = 100'000;  // a = $b$b, b = $c$c, … doubles without ever growing the text

bool name_octet(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; }

class Expander {
 public:
  explicit Expander(const NameLookup& lookup) : lookup_(lookup) {}

  Result<void> run(const Cited& raw, Cited& out, unsigned depth);
  std::vector<std::string> take_undefined() { return std::move(undefined_); }

 private:
  Result<void> macro(const Cited& body, Cited& out, unsigned depth);
  Result<void> comparison(const Cited& body, Cited& out, unsigned depth);
  Result<void> choose(bool first, const Cited& rest, Cited& out, unsigned depth);
  Result<void> name_value(const Cited& name, Cited& out, unsigned depth);

  const NameLookup& lookup_;
  std::vector<std::string> undefined_;
  unsigned steps_ = 0;
};

std::unexpected<Error> broken(const Cited& at, const std::string& what) {
  return fail(ErrorKind::malformed, at.where().to_string() + ": " + what + " in \"" + printable(at.text(), 60) + "\"");
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

Result<void> Expander::run(const Cited& raw, Cited& out, unsigned depth) {
  if (depth > max_depth) return broken(raw, "names refer to each other without end");
  if (++steps_ > max_steps)
    return fail(ErrorKind::limit, raw.where().to_string() + ": more than 100,000 steps of expansion");
  const auto& text = raw.text();
  std::size_t at = 0;
  while (at < text.size()) {
    const auto dollar = text.find('$', at);
    out.append(raw, at, dollar == std::string::npos ? std::string::npos : dollar - at);
    if (out.size() > max_text)
      return fail(ErrorKind::limit, raw.where().to_string() + ": the expanded value is larger than 1 MiB");
    if (dollar == std::string::npos) return {};
    const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
    if (next == '$') {
      out.append(raw, dollar, 1);
      at = dollar + 2;
    } else if (next == '{' || next == '(') {
      const auto end = matching_brace(text, dollar + 1, next, next == '{' ? '}' : ')');
      if (end == std::string::npos) return broken(raw, "a brace is not closed");
      if (auto done = macro(raw.slice(dollar + 2, end - dollar - 3), out, depth); !done) return done;
      at = end;
    } else {
      auto end = dollar + 1;
      while (end < text.size() && name_octet(text[end])) ++end;
      if (end > dollar + 1)
        if (auto done = name_value(raw.slice(dollar + 1, end - dollar - 1), out, depth); !done) return done;
      at = end;  // a lone "$" stands for nothing: Postfix warns of an empty name
    }
  }
  return {};
}

Result<void> Expander::name_value(const Cited& name, Cited& out, unsigned depth) {
  if (auto value = lookup_(name.text())) return run(*value, out, depth + 1);
  if (std::find(undefined_.begin(), undefined_.end(), name.text()) == undefined_.end())
    undefined_.push_back(name.text());
  return {};
}

Result<void> Expander::macro(const Cited& body, Cited& out, unsigned depth) {
  const auto& text = body.text();
  auto at = skip_space(text, 0);
  if (at < text.size() && text[at] == '{') return comparison(body.slice(at), out, depth);
  const auto start = at;
  while (at < text.size() && name_octet(text[at])) ++at;
  const auto name = body.slice(start, at - start);
  at = skip_space(text, at);
  if (at >= text.size()) return name.empty() ? Result<void>{} : name_value(name, out, depth);
  if (text[at] != '?' && text[at] != ':') return broken(body, "neither \"?\" nor \":\" after the name");
  const auto value = lookup_(name.text());
  const bool set = value && !value->empty();
  if (text[at] == '?') return choose(set, body.slice(at), out, depth);
  if (set) return {};
  const auto rest = body.slice(at + 1);
  const auto inner = rest.trimmed();
  if (!inner.empty() && inner.text().front() == '{' && matching_brace(inner.text(), 0) == inner.size())
    return run(inner.slice(1, inner.size() - 2).trimmed(), out, depth + 1);
  return run(rest, out, depth + 1);
}

/// `rest` begins with "?": the first text where `first`, else the one after ":". Unbraced, all of the rest is the first
/// text.
Result<void> Expander::choose(bool first, const Cited& rest, Cited& out, unsigned depth) {
  const auto& text = rest.text();
  auto at = skip_space(text, 1);
  if (at >= text.size() || text[at] != '{') return first ? run(rest.slice(1), out, depth + 1) : Result<void>{};
  auto end = matching_brace(text, at);
  if (end == std::string::npos) return broken(rest, "a brace is not closed");
  if (first) return run(rest.slice(at + 1, end - at - 2).trimmed(), out, depth + 1);
  at = skip_space(text, end);
  if (at >= text.size()) return {};
  if (text[at] != ':') return broken(rest, "no \":\" after the first text");
  at = skip_space(text, at + 1);
  if (at < text.size() && text[at] == '{') {
    end = matching_brace(text, at);
    if (end == std::string::npos) return broken(rest, "a brace is not closed");
    return run(rest.slice(at + 1, end - at - 2).trimmed(), out, depth + 1);
  }
  return run(rest.slice(at), out, depth + 1);
}

std::optional<bool> holds(std::string_view op, int order) {
  if (op == "==") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  if (op == ">=") return order >= 0;
  return std::nullopt;
}

/// Numbers by value, anything else octet by octet (postconf(5)); for `level` operators part by part.
int compare(const std::string& a, const std::string& b, bool levels) {
  if (levels) return compare_levels(a, b);
  const auto x = parse_number(a), y = parse_number(b);
  if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
  return a.compare(b) < 0 ? -1 : a == b ? 0 : 1;
}

Result<void> Expander::comparison(const Cited& body, Cited& out, unsigned depth) {
  const auto& text = body.text();
  const auto left_end = matching_brace(text, 0);
  if (left_end == std::string::npos) return broken(body, "a brace is not closed");
  const auto right = text.find('{', left_end);
  if (right == std::string::npos) return broken(body, "a comparison without a second operand");
  auto op = std::string(trim(std::string_view(text).substr(left_end, right - left_end)));
  const bool levels = op.ends_with("level");
  if (levels) op = std::string(trim(std::string_view(op).substr(0, op.size() - 5)));
  const auto right_end = matching_brace(text, right);
  if (right_end == std::string::npos) return broken(body, "a brace is not closed");
  Cited a, b;
  if (auto done = run(body.slice(1, left_end - 2).trimmed(), a, depth + 1); !done) return done;
  if (auto done = run(body.slice(right + 1, right_end - right - 2).trimmed(), b, depth + 1); !done) return done;
  if (has_unknown(a.text()) || has_unknown(b.text())) {
    out.append(unknown_mark(unknown_names(a.text() + b.text()).front()), body.where());
    return {};
  }
  const auto verdict = holds(op, compare(a.text(), b.text(), levels));
  if (!verdict) return broken(body, "\"" + printable(op, 20) + "\" is no comparison");
  const auto rest = body.slice(right_end).trimmed();
  if (rest.empty()) {
    out.append(*verdict ? "bool_true" : "", body.where());
    return {};
  }
  if (rest.text().front() == '?') return choose(*verdict, rest, out, depth);
  return broken(body, "no \"?\" after the comparison");
}

}  // namespace

std::string unknown_mark(std::string_view name) { return "\x01" + std::string(name) + "\x02"; }

bool has_unknown(std::string_view text) { return text.find('\x01') != std::string_view::npos; }

std::vector<std::string> unknown_names(std::string_view text) {
  std::vector<std::string> names;
  for (auto at = text.find('\x01'); at != std::string_view::npos; at = text.find('\x01', at + 1)) {
    const auto end = text.find('\x02', at);
    names.emplace_back(text.substr(at + 1, end == std::string_view::npos ? end : end - at - 1));
  }
  return names;
}

std::string with_names(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\x01')
      out += '$';
    else if (c != '\x02')
      out += c;
  }
  return out;
}

int compare_levels(std::string_view a, std::string_view b) {
  const auto x = split(a, '.'), y = split(b, '.');
  for (std::size_t part = 0; part < std::max(x.size(), y.size()); ++part) {
    const auto i = part < x.size() ? parse_number(trim(x[part])).value_or(0) : 0;
    const auto j = part < y.size() ? parse_number(trim(y[part])).value_or(0) : 0;
    if (i != j) return i < j ? -1 : 1;
  }
  return 0;
}

Result<Expansion> expand(const Cited& raw, const NameLookup& lookup) {
  Expander expander(lookup);
  Expansion expansion;
  if (auto done = expander.run(raw, expansion.value, 0); !done) return std::unexpected(done.error());
  expansion.undefined = expander.take_undefined();
  return expansion;
}

}  // namespace smtpdx::mta::postfix
