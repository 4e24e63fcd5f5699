// SPDX-License-Identifier: Apache-2.0
//
// Both kinds are run by the C library's POSIX expressions. For regexp: tables that is what Postfix itself does; for
// pcre: tables only patterns that mean the same in both languages are taken, every other one makes the answer unknown
// when a key gets as far. std::regex is not used: it recurses once per octet of the key.
//
// Patterns come from files that may be a stranger's, so their cost is bounded: 1,000 octets, bounded repeats, keys of
// at most 1,000 octets.

#include "mta/postfix/regex_table.hpp"

#include <regex.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr std::size_t max_pattern = 1000, max_key = 1000;
constexpr std::uint64_t max_repeat_product = 1000;

class Regex {
 public:
  Regex(const std::string& pattern, int flags) : good_(::regcomp(&compiled_, pattern.c_str(), flags) == 0) {}
  ~Regex() {
    if (good_) ::regfree(&compiled_);
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  bool good() const { return good_; }
  std::size_t groups() const { return compiled_.re_nsub; }
  bool match(const std::string& key, regmatch_t* groups, std::size_t count) const {
    return ::regexec(&compiled_, key.c_str(), count, groups, 0) == 0;
  }

 private:
  regex_t compiled_{};
  bool good_;
};

/// a{1,30} costs 30 copies of a, and nested ones multiply.
bool affordable(std::string_view pattern) {
  std::uint64_t product = 1;
  for (auto at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    const auto end = pattern.find('}', at);
    if (end == std::string_view::npos) break;
    std::uint64_t most = 1;
    for (auto bound : split(pattern.substr(at + 1, end - at - 1), ','))
      most = std::max(most, parse_number(bound).value_or(1));
    product *= std::min<std::uint64_t>(most, max_repeat_product + 1);
    if (product > max_repeat_product) return false;
  }
  return pattern.size() <= max_pattern;
}

/// The same meaning as a POSIX extended expression, or nullopt where there may be none.
std::optional<std::string> from_perl(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\') {
      if (in_class) return std::nullopt;  // POSIX takes it literally there
      ++i;
      if (next == 'd')
        out += "[0-9]";
      else if (next == 'w')
        out += "[A-Za-z0-9_]";
      else if (next == 's')
        out += "[[:space:]]";
      else if (next != '\0' && std::string_view(".^$*+?()[]{}|\\/-@_%!").find(next) != std::string_view::npos)
        out += std::string_view("-@_%!/").find(next) != std::string_view::npos ? std::string(1, next)
                                                                               : std::string("\\") + next;
      else
        return std::nullopt;
      continue;
    }
    if (in_class) {
      if (c == ']') in_class = false;
      if (c == '[') return std::nullopt;
    } else if (c == '[') {
      in_class = true;
      if (next == ']' || (next == '^' && i + 2 < pattern.size() && pattern[i + 2] == ']')) return std::nullopt;
    } else if (c == '(' && next == '?') {
      if (i + 2 >= pattern.size() || pattern[i + 2] != ':') return std::nullopt;
      return std::nullopt;  // (?: ) changes the numbers of the groups
    } else if ((c == '*' || c == '+' || c == '?' || c == '}') && (next == '?' || next == '+')) {
      return std::nullopt;  // lazy or possessive
    }
    out += c;
  }
  return in_class ? std::nullopt : std::optional<std::string>(out);
}

class RegexTable : public Table {
 public:
  RegexTable(const std::vector<Cited>& lines, RegexKind kind) : kind_(kind) {
    for (const auto& line : lines) add(line);
  }

  Found lookup(std::string_view key) const override {
    if (key.size() > max_key) return Found{Answer::unknown, {}, {}, {}, "a key of more than 1,000 octets"};
    const std::string subject(key);
    std::vector<Answer> blocks;  // of the if blocks around: no wins over unknown over yes
    for (const auto& rule : rules_) {
      if (rule.kind == Rule::end) {
        if (!blocks.empty()) blocks.pop_back();
        continue;
      }
      const bool off = std::find(blocks.begin(), blocks.end(), Answer::no) != blocks.end();
      regmatch_t groups[10];
      const auto hit = off ? Answer::no : rule.test(subject, groups);
      if (rule.kind == Rule::begin) {
        blocks.push_back(hit);
        continue;
      }
      if (hit == Answer::no) continue;
      const bool unsure =
          hit == Answer::unknown || std::find(blocks.begin(), blocks.end(), Answer::unknown) != blocks.end();
      if (unsure)
        return Found{
            Answer::unknown, {}, rule.where, rule.pattern, rule.where.to_string() + ": " + printable(rule.pattern, 80)};
      return result(rule, subject, groups);
    }
    return {};
  }
  bool partial_keys() const override { return false; }
  bool may_hold_names() const override { return !rules_.empty(); }
  void outline(Outline& outline) const override {
    for (const auto& rule : rules_)
      if (rule.kind == Rule::plain)
        outline.rules.push_back(Found{Answer::yes, rule.value, rule.where, rule.pattern, {}});
  }

 private:
  struct Rule {
    enum Kind { plain, begin, end } kind = plain;
    std::string pattern;                 ///< as written
    std::shared_ptr<const Regex> regex;  ///< null: not understood
    bool negated = false;
    std::string value;
    Where where;

    Answer test(const std::string& subject, regmatch_t* groups) const {
      if (!regex) return Answer::unknown;
      return regex->match(subject, groups, 10) != negated ? Answer::yes : Answer::no;
    }
  };

  void add(const Cited& line) {
    auto text = trim(line.text());
    Rule rule;
    rule.where = line.where();
    if (istarts_with(text, "endif")) {
      rule.kind = Rule::end;
      rules_.push_back(std::move(rule));
      return;
    }
    if (istarts_with(text, "if") && text.size() > 2 && (is_space(text[2]) || text[2] == '/' || text[2] == '!')) {
      rule.kind = Rule::begin;
      text = trim(text.substr(2));
    }
    while (text.starts_with('!')) {
      rule.negated = !rule.negated;
      text = trim(text.substr(1));
    }
    if (text.empty()) return;
    compile(rule, text);
    if (usable(rule)) rules_.push_back(std::move(rule));
  }

  /// "/pattern/flags value"; any octet may stand for the slash.
  void compile(Rule& rule, std::string_view text) {
    const char quote = text.front();
    std::size_t end = 1;
    while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size()) {
      rule.pattern = std::string(text);
      return;
    }
    rule.pattern = std::string(text.substr(0, end + 1));
    auto pattern = std::optional<std::string>(text.substr(1, end - 1));
    auto rest = text.substr(end + 1);
    int flags = REG_EXTENDED | REG_ICASE;
    bool known_flags = true;
    while (!rest.empty() && !is_space(rest.front())) {
      if (rest.front() == 'i')
        flags ^= REG_ICASE;
      else if (rest.front() == 'm' && kind_ == RegexKind::posix)
        flags ^= REG_NEWLINE;
      else
        known_flags = false;
      rest.remove_prefix(1);
    }
    rule.value = std::string(trim(rest));
    if (kind_ == RegexKind::perl) pattern = from_perl(*pattern);
    if (!pattern || !known_flags || !affordable(*pattern)) return;
    auto regex = std::make_shared<const Regex>(*pattern, flags);
    if (regex->good()) rule.regex = std::move(regex);
  }

  /// One "$" form of a result: $$, $1, ${1}, $(1).
  struct Reference {
    enum Kind { dollar, group, bad } kind = bad;
    std::size_t index = 0, end = 0;  ///< of the group; one past the form
  };
  static Reference reference(std::string_view value, std::size_t at) {
    auto next = at + 1;
    if (next < value.size() && value[next] == '$') return {Reference::dollar, 0, next + 1};
    const char open = next < value.size() ? value[next] : '\0';
    const bool brace = open == '{' || open == '(';
    if (brace) ++next;
    const auto digits = next;
    while (next < value.size() && is_digit(value[next])) ++next;
    const auto index = parse_number(value.substr(digits, next - digits));
    const bool closed = !brace || (next < value.size() && value[next] == (open == '{' ? '}' : ')'));
    if (!index || *index == 0 || *index > 9 || !closed) return {};
    return {Reference::group, static_cast<std::size_t>(*index), next + (brace ? 1 : 0)};
  }

  /// Postfix skips a rule whose result refers to a group that is not there (seen with postmap 3.7.11).
  static bool usable(const Rule& rule) {
    for (auto at = rule.value.find('$'); at != std::string::npos;) {
      const auto form = reference(rule.value, at);
      if (form.kind == Reference::bad) return false;
      if (form.kind == Reference::group && (rule.negated || (rule.regex && form.index > rule.regex->groups())))
        return false;
      at = rule.value.find('$', form.end);
    }
    return true;
  }

  static Found result(const Rule& rule, const std::string& subject, const regmatch_t* groups) {
    std::string value;
    std::size_t from = 0;
    for (auto at = rule.value.find('$'); at != std::string::npos; at = rule.value.find('$', from)) {
      const auto form = reference(rule.value, at);
      value += rule.value.substr(from, at - from);
      from = form.end;
      if (form.kind == Reference::dollar) value += '$';
      const auto& group = groups[form.index];
      if (form.kind != Reference::group || group.rm_so < 0) continue;
      value +=
          subject.substr(static_cast<std::size_t>(group.rm_so), static_cast<std::size_t>(group.rm_eo - group.rm_so));
    }
    return Found{Answer::yes, value + rule.value.substr(from), rule.where, rule.pattern, {}};
  }

  RegexKind kind_;
  std::vector<Rule> rules_;
};

}  // namespace

std::shared_ptr<const Table> make_regex_table(const std::vector<Cited>& lines, RegexKind kind) {
  return std::make_shared<RegexTable>(lines, kind);
}

}  // namespace smtpdx::mta::postfix
