// SPDX-License-Identifier: Apache-2.0
//
// The conditions of ${if and of lists of conditions. What is open among the operands makes the condition a question.

#include <algorithm>
#include <array>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/acl_run.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/expansion.hpp"
#include "mta/exim/lists.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::array<std::string_view, 15> comparisons = {"=",  "==",  ">",  "<",   ">=", "<=",  "eq", "eqi",
                                                          "ge", "gei", "gt", "gti", "le", "lei", "lt"};

bool is_comparison(std::string_view name) {
  return name == "lti" || std::find(comparisons.begin(), comparisons.end(), name) != comparisons.end();
}

bool compare_numbers(std::string_view op, long long a, long long b) {
  if (op == "=" || op == "==") return a == b;
  if (op == ">") return a > b;
  if (op == "<") return a < b;
  return op == ">=" ? a >= b : a <= b;
}

bool compare_strings(std::string_view op, std::string a, std::string b) {
  bool beginning = false;
  if (op.ends_with('i')) {
    a = to_lower(a);
    b = to_lower(b);
    op.remove_suffix(1);
    beginning = b.size() > a.size() && b.starts_with(a);  // counts as the greater one, which it is not
  }
  const int order = beginning ? 1 : a.compare(b);
  if (op == "eq") return order == 0;
  if (op == "ge") return order >= 0;
  if (op == "gt") return order > 0;
  return op == "le" ? order <= 0 : order < 0;
}

/// "yes", "true", a number that is not 0; nullopt where it is no boolean.
std::optional<bool> boolean(std::string_view text, bool lax) {
  const auto word = trim(text);
  if (word.empty()) return false;
  if (lax) return !(iequals(word, "false") || iequals(word, "no") || word == "0");
  const auto digits = word.front() == '-' ? word.substr(1) : word;
  if (!digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit))
    return std::any_of(digits.begin(), digits.end(), [](char c) { return c != '0'; });
  if (iequals(word, "true") || iequals(word, "yes")) return true;
  if (iequals(word, "false") || iequals(word, "no")) return false;
  return std::nullopt;
}

}  // namespace

std::optional<bool> Expansion::condition(Mode mode) {
  const Level level(c_);
  if (!level.fine()) {
    wrong("too deep or too much work");
    return std::nullopt;
  }
  spaces();
  bool negated = false;
  while (eat('!')) {
    negated = !negated;
    spaces();
  }
  std::string word;
  if (!at_end() && std::string_view("=<>").find(s_[at_]) != std::string_view::npos) {
    word = s_[at_++];
    if (eat('=')) word += '=';
  } else {
    word = name();
  }
  std::optional<bool> result;
  if (word == "and" || word == "or")
    result = combined(word == "and", mode);
  else if (is_comparison(word))
    result = compare(word, mode);
  else if (word.starts_with("match"))
    result = matches(word, mode);
  else if (word == "forany" || word == "forall")
    result = for_each(word, mode);
  else if (word == "inlist" || word == "inlisti")
    result = in_list(word, mode);
  else if (word == "acl")
    result = acl_condition(mode);
  else
    result = about_one(word, mode);
  if (result && negated) result = !*result;
  return result;
}

std::optional<bool> Expansion::combined(bool all, Mode mode) {
  spaces();
  if (!eat('{')) return wrong("missing { after and/or"), std::nullopt;
  bool result = all;
  for (spaces(); !at_end() && s_[at_] == '{'; spaces()) {
    ++at_;
    const auto one = condition(result == all ? mode : Mode::skip);
    if (!one) return one;
    spaces();
    if (!eat('}')) return wrong("missing } behind a condition"), std::nullopt;
    if (mode == Mode::evaluate && result == all) result = *one;
  }
  if (!eat('}')) return wrong("missing } behind and/or"), std::nullopt;
  return result;
}

std::optional<bool> Expansion::compare(const std::string& name, Mode mode) {
  const auto both = arguments(2, 2, mode);
  if (!both) return std::nullopt;
  if (mode == Mode::skip) return false;
  const auto &a = (*both)[0], &b = (*both)[1];
  for (const auto* one : {&a, &b})
    if (one->kind == Text::open) return c_.ask(one->why);
  if (holds_password(a.value) != holds_password(b.value)) {
    const auto& other = holds_password(a.value) ? b.value : a.value;
    const bool equal = !other.empty() && c_.session.login && c_.session.login->valid;
    return name.starts_with("eq") ? equal : c_.ask("how the password compares");
  }
  if (name.find_first_of("=<>") == std::string::npos) return compare_strings(name, a.value, b.value);
  const auto x = number_of(trim(a.value)), y = number_of(trim(b.value));
  if (!x || !y) {
    wrong("\"" + printable(x ? b.value : a.value, 60) + "\" is no number");
    return std::nullopt;
  }
  return compare_numbers(name, *x, *y);
}

std::optional<bool> Expansion::matches(const std::string& name, Mode mode) {
  const bool list = name != "match";
  auto subject = argument(mode);
  if (!subject) return std::nullopt;
  auto pattern = argument(mode, list ? Dollar::literal : Dollar::expand);
  if (!pattern) return std::nullopt;
  if (mode == Mode::skip) return false;
  for (const auto* one : {&*subject, &*pattern})
    if (one->kind == Text::open) return c_.ask(one->why);
  if (holds_password(subject->value)) return c_.ask("what the password looks like");
  if (!list) {
    const auto& regex = c_.configuration.files->regex(pattern->value, Regex::Case::sensitive);
    if (!regex.problem().empty()) return wrong("regular expression error: " + regex.problem()), std::nullopt;
    auto match = regex.match(subject->value);
    if (match.result == Regex::Match::too_costly) return c_.ask("what an expensive expression matches");
    if (match.result == Regex::Match::no) return false;
    c_.numbered.clear();
    for (auto& group : match.groups) c_.numbered.push_back({Text::ok, std::move(group), {}, subject->tainted});
    return true;
  }
  Match match;
  if (name == "match_domain")
    match = match_domain(c_, subject->value, pattern->value, Expanding::no);
  else if (name == "match_local_part")
    match = match_local_part(c_, subject->value, pattern->value, Letters::ignored, Expanding::no);
  else if (name == "match_address")
    match = match_address(c_, subject->value, pattern->value, Expanding::no);
  else if (name == "match_ip" && !subject->value.empty() && !IpAddress::parse(subject->value))
    return wrong("\"" + printable(subject->value, 60) + "\" is not an IP address"), std::nullopt;
  else if (name == "match_ip")
    match = match_ip(c_, subject->value, pattern->value, Expanding::no);
  else
    return wrong("unknown condition \"" + name + "\""), std::nullopt;
  if (match.answer == Answer::defer) return stop(Text::deferred, match.why), std::nullopt;
  if (match.answer == Answer::error) return wrong(match.why), std::nullopt;
  if (match.answer == Answer::yes && match.data) c_.value = match.data;
  return match.answer == Answer::yes;
}

std::optional<bool> Expansion::for_each(const std::string& name, Mode mode) {
  auto list = argument(mode);
  if (!list) return std::nullopt;
  spaces();
  if (!eat('{')) return wrong("missing { in " + name), std::nullopt;
  const auto begin = at_;
  if (!condition(Mode::skip)) return std::nullopt;
  spaces();
  if (!eat('}')) return wrong("missing } in " + name), std::nullopt;
  const auto end = at_;
  if (mode == Mode::skip) return false;
  if (list->kind == Text::open) return c_.ask(list->why);
  const auto saved = c_.item;
  bool result = name == "forall";
  for (const auto& item : list_items(list->value)) {
    c_.item = Text{Text::ok, item, {}, list->tainted};
    at_ = begin;
    const auto one = condition(Mode::evaluate);
    if (!one) return one;
    if (*one != (name == "forall")) {
      result = *one;
      break;
    }
  }
  c_.item = saved;
  at_ = end;
  return result;
}

std::optional<bool> Expansion::in_list(const std::string& name, Mode mode) {
  const auto both = arguments(2, 2, mode);
  if (!both) return std::nullopt;
  if (mode == Mode::skip) return false;
  for (const auto& one : *both)
    if (one.kind == Text::open) return c_.ask(one.why);
  const auto& wanted = both->front().value;
  for (const auto& item : list_items(both->back().value))
    if (name == "inlist" ? item == wanted : iequals(item, wanted)) {
      c_.value = Text{Text::ok, item, {}, both->back().tainted};
      return true;
    }
  return false;
}

std::optional<bool> Expansion::acl_condition(Mode mode) {
  spaces();
  if (!eat('{')) return wrong("missing { after acl"), std::nullopt;
  auto all = arguments(1, 10, mode);
  if (!all) return std::nullopt;
  spaces();
  if (!eat('}')) return wrong("missing } behind acl"), std::nullopt;
  if (mode == Mode::skip) return false;
  for (const auto& one : *all)
    if (one.kind == Text::open) return c_.ask(one.why);
  const auto result = run_acl_as_text(c_, *all);
  if (result.kind == Text::deferred) return stop(Text::deferred, result.why), std::nullopt;
  c_.value = result;
  return result.kind != Text::forced;
}

std::optional<bool> Expansion::about_one(const std::string& name, Mode mode) {
  if (name == "def") {
    if (!eat(':')) return wrong("\":\" expected after \"def\""), std::nullopt;
    std::string word;
    while (!at_end() && !is_space(s_[at_]) && s_[at_] != '}' && s_[at_] != '{' && s_[at_] != ':') word += s_[at_++];
    eat(':');
    for (std::string_view prefix : {"h_", "header_", "rh_", "bh_"})
      if (word.starts_with(prefix)) return false;
    if (mode == Mode::skip) return false;
    const auto text = variable(c_, word);
    if (!text) return wrong("unknown variable \"" + word + "\" after \"def:\""), std::nullopt;
    return text->kind == Text::open ? c_.ask(text->why) : !text->value.empty();
  }
  if (name == "first_delivery" || name == "queue_running") return false;
  if (name == "crypteq" || name == "saslauthd" || name == "pam" || name == "radius" || name == "ldapauth" ||
      name == "pwcheck" || name == "inbound_srs")
    return asked_elsewhere(name, mode);
  static constexpr std::array<std::string_view, 6> known = {"isip", "isip4", "isip6", "bool", "bool_lax", "exists"};
  if (std::find(known.begin(), known.end(), name) == known.end())  // also where the branch is not taken
    return wrong("unknown condition \"" + printable(name, 40) + "\""), std::nullopt;
  auto text = argument(mode);
  if (!text) return std::nullopt;
  if (mode == Mode::skip && name == "bool" && !boolean(text->value, false))  // Exim minds, even here
    return wrong("unrecognised boolean value \"" + printable(text->value, 60) + "\""), std::nullopt;
  if (mode == Mode::skip) return false;
  if (text->kind == Text::open) return c_.ask(text->why);
  if (name == "isip" || name == "isip4" || name == "isip6") {
    const auto address = text->value.find_first_of("[] ") == std::string::npos ? IpAddress::parse(text->value)
                                                                               : std::optional<IpAddress>();
    return address && (name == "isip" || address->is_v6() == (name == "isip6"));
  }
  if (name == "bool" || name == "bool_lax") {
    const auto value = boolean(text->value, name == "bool_lax");
    if (!value) return wrong("unrecognised boolean value \"" + printable(text->value, 60) + "\""), std::nullopt;
    return value;
  }
  const auto there = c_.configuration.files->exists(text->value);
  return there ? *there : c_.ask("whether " + printable(text->value, 100) + " is there");
}

/// A password is checked, by whatever: we know what comes out of it.
std::optional<bool> Expansion::asked_elsewhere(const std::string& name, Mode mode) {
  spaces();
  const bool grouped = name == "saslauthd";
  if (grouped && !eat('{')) return wrong("missing { after saslauthd"), std::nullopt;
  const auto all = arguments(1, grouped ? 4 : 2, mode);
  if (!all) return std::nullopt;
  spaces();
  if (grouped && !eat('}')) return wrong("missing } behind saslauthd"), std::nullopt;
  if (mode == Mode::skip) return false;
  for (const auto& one : *all)
    if (one.kind == Text::open) return c_.ask(one.why);
  if (name == "crypteq" && !(*all)[1].value.empty() && holds_password((*all)[0].value))
    return c_.session.login && c_.session.login->valid;
  const bool password = std::any_of(all->begin(), all->end(), [](const Text& t) { return holds_password(t.value); });
  if (password && name != "crypteq") return c_.session.login && c_.session.login->valid;
  return c_.ask("what ${if " + name + " says");
}

}  // namespace smtpdx::mta::exim
