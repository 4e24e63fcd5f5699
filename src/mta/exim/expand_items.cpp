// SPDX-License-Identifier: Apache-2.0
//
// ${name …}: the items. What would run something or talk to somebody is never done: its result is open.

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "mta/exim/acl_run.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/expansion.hpp"
#include "mta/exim/lists.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {
namespace {

Text open_text(std::string why) { return Text{Text::open, "…", std::move(why), true}; }

/// The first of them that is open.
const Text* open_among(const std::vector<Text>& all) {
  const auto at = std::find_if(all.begin(), all.end(), [](const Text& t) { return t.kind == Text::open; });
  return at == all.end() ? nullptr : &*at;
}

bool taints(const std::vector<Text>& all) {
  return std::any_of(all.begin(), all.end(), [](const Text& t) { return t.tainted; });
}

/// "key=value key2 = \"value 2\"".
std::optional<std::string> value_of_key(std::string_view text, std::string_view key) {
  std::size_t at = 0;
  const auto skip = [&] {
    while (at < text.size() && is_space(text[at])) ++at;
  };
  for (skip(); at < text.size(); skip()) {
    const auto begin = at;
    while (at < text.size() && text[at] != '=' && !is_space(text[at])) ++at;
    const auto name = text.substr(begin, at - begin);
    skip();
    if (at < text.size() && text[at] == '=') ++at;
    skip();
    std::string value;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
      }
      ++at;
    } else {
      while (at < text.size() && !is_space(text[at])) value += text[at++];
    }
    if (iequals(name, key)) return value;
  }
  return std::nullopt;
}

/// The field by number, from 1; negative ones count from the end; 0 is the whole.
std::optional<std::string> field(std::string_view text, long long number, std::string_view separators) {
  std::vector<std::string> fields{std::string()};
  for (char c : text) {
    if (separators.find(c) != std::string_view::npos)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  if (number == 0) return std::string(text);
  const auto count = static_cast<long long>(fields.size());
  const auto index = number > 0 ? number - 1 : count + number;
  if (index < 0 || index >= count) return std::nullopt;
  return fields[static_cast<std::size_t>(index)];
}

std::string translate(std::string text, const std::string& from, const std::string& to) {
  if (to.empty()) return text;
  for (char& c : text) {
    const auto at = from.find(c);
    if (at != std::string::npos) c = to[std::min(at, to.size() - 1)];
  }
  return text;
}

}  // namespace

Expansion::Part Expansion::item(const std::string& name, Mode mode) {
  if (name == "if") return if_item(mode);
  if (name == "lookup") return lookup_item(mode);
  if (name == "extract") return extract_item(mode);
  if (name == "listextract") return list_extract_item(mode);
  if (name == "acl") return acl_item(mode);
  if (name == "filter" || name == "map" || name == "reduce" || name == "sort") return each_item(name, mode);
  static constexpr std::array<std::string_view, 13> unknowable = {
      "run",       "perl", "readsocket", "dlfunc",     "env",         "certextract", "prvs",
      "prvscheck", "hmac", "srs_encode", "imapfolder", "authresults", "nhash"};
  if (std::find(unknowable.begin(), unknowable.end(), name) != unknowable.end()) return unknowable_item(name, mode);
  return plain_item(name, mode);
}

Expansion::Part Expansion::if_item(Mode mode) {
  const auto yes = condition(mode);
  if (!yes) return std::nullopt;
  return choose(*yes, Text{Text::ok, "true", {}, false}, Text{}, mode);
}

/// {yes}{no}, {yes}fail, {yes} or nothing, and the brace that closes the item. Inside {yes}, $value is `value`.
Expansion::Part Expansion::choose(bool yes, const Text& value, Text otherwise, Mode mode) {
  spaces();
  if (eat('}')) return mode == Mode::skip ? Text{} : yes ? value : otherwise;
  auto saved = std::exchange(c_.value, yes ? std::optional(value) : c_.value);
  auto first = argument(mode == Mode::evaluate && yes ? Mode::evaluate : Mode::skip);
  c_.value = std::move(saved);
  if (!first) return first;
  auto second = std::optional(Text{});
  spaces();
  if (!at_end() && s_[at_] == '{') {
    second = argument(mode == Mode::evaluate && !yes ? Mode::evaluate : Mode::skip);
    if (!second) return second;
  } else if (!at_end() && s_[at_] != '}') {
    if (name() != "fail") return wrong("\"fail\" or {…} expected");
    if (mode == Mode::evaluate && !yes) return stop(Text::forced, "\"fail\" was written");
  }
  return close(yes ? std::move(*first) : std::move(*second));
}

Expansion::Part Expansion::lookup_item(Mode mode) {
  auto saved_numbers = c_.numbered;
  spaces();
  Text key;
  const bool single = !at_end() && s_[at_] == '{';
  if (single) {
    auto text = argument(mode);
    if (!text) return text;
    key = std::move(*text);
  }
  spaces();
  const auto begin = at_;
  while (!at_end() && s_[at_] != '{' && !is_space(s_[at_])) ++at_;
  const auto type = lookup_type(s_.substr(begin, at_ - begin));
  if (!type.known) return wrong("unknown lookup type \"" + printable(s_.substr(begin, at_ - begin), 40) + "\"");
  if (type.query == single) return wrong("a key belongs to single-key lookups, and only to them");
  auto file = argument(mode);
  if (!file) return file;
  if (!single) key = std::exchange(*file, Text{});
  if (mode == Mode::skip) return choose(false, {}, {}, mode);
  Found found;
  if (key.kind == Text::open || file->kind == Text::open)
    found = {Found::open, {}, key.kind == Text::open ? key.why : file->why, {}};
  else
    found = look_up(c_, type, key.value, *file);
  if (found.state == Found::deferred) return stop(Text::deferred, found.why);
  if (found.state == Found::failed) return stop(Text::failed, found.why);
  if (found.state == Found::open) {
    auto rest = choose(false, {}, {}, Mode::skip);
    return rest ? open_text(found.why) : rest;
  }
  if (!found.wild.empty()) {
    c_.numbered.clear();
    for (auto& text : found.wild) c_.numbered.push_back({Text::ok, text, {}, true});
  }
  auto result = choose(found.state == Found::yes, found.data, Text{}, mode);
  c_.numbered = std::move(saved_numbers);
  return result;
}

Expansion::Part Expansion::extract_item(Mode mode) {
  spaces();
  if (s_.substr(at_).starts_with("json")) {
    while (!at_end() && s_[at_] != '{') ++at_;
    auto all = arguments(2, 4, mode);
    if (!all) return std::nullopt;
    return close(open_text("what a JSON value holds"));
  }
  auto key = argument(mode);
  if (!key) return key;
  const auto number = number_of(key->value);
  std::vector<Text> rest;
  for (std::size_t wanted = mode == Mode::evaluate && number ? 2 : 1; rest.size() < wanted;) {
    auto text = argument(mode);
    if (!text) return text;
    rest.push_back(std::move(*text));
  }
  if (mode == Mode::skip) {
    auto more = arguments(0, 3, mode);
    if (!more) return std::nullopt;
    spaces();
    if (!at_end() && s_[at_] == 'f') name();
    return close({});
  }
  const auto& subject = rest.back();
  if (key->kind == Text::open || subject.kind == Text::open) {
    auto skipped = choose(false, {}, {}, Mode::skip);
    return skipped ? open_text(subject.kind == Text::open ? subject.why : key->why) : skipped;
  }
  const auto value =
      number ? field(subject.value, *number, rest.front().value) : value_of_key(subject.value, key->value);
  return choose(value.has_value(), Text{Text::ok, value.value_or(""), {}, subject.tainted}, Text{}, mode);
}

Expansion::Part Expansion::list_extract_item(Mode mode) {
  auto all = arguments(2, 2, mode);
  if (!all) return std::nullopt;
  if (mode == Mode::skip) return choose(false, {}, {}, mode);
  if (const auto* open = open_among(*all)) {
    const auto why = open->why;
    auto skipped = choose(false, {}, {}, Mode::skip);
    return skipped ? open_text(why) : skipped;
  }
  const auto number = number_of(trim((*all)[0].value));
  if (!number) return wrong("first argument of listextract is no number");
  const auto items = list_items((*all)[1].value);
  const auto count = static_cast<long long>(items.size());
  const auto index = *number > 0 ? *number - 1 : count + *number;
  const bool yes = *number != 0 && index >= 0 && index < count;
  const auto value = yes ? items[static_cast<std::size_t>(index)] : std::string();
  return choose(yes, Text{Text::ok, value, {}, (*all)[1].tainted}, Text{}, mode);
}

/// The expression is walked once for every item: the place where it begins is kept.
Expansion::Part Expansion::each_item(const std::string& name, Mode mode) {
  auto list = argument(mode);
  if (!list) return list;
  auto total = std::optional(Text{});
  if (name == "reduce") total = argument(mode);
  if (!total) return total;
  spaces();
  if (!eat('{')) return wrong("missing { in " + name);
  const auto begin = at_;
  const auto once = [&](Mode how) -> Part {
    at_ = begin;
    if (name != "filter") return run(true, how);
    const auto yes = condition(how);
    if (!yes) return std::nullopt;
    return Text{Text::ok, *yes ? "1" : "", {}, false};
  };
  if (auto walked = once(Mode::skip); !walked) return walked;
  if (name == "sort" || (mode == Mode::evaluate && list->kind == Text::open)) {
    if (!eat('}')) return wrong("missing } in " + name);
    if (name == "sort")
      if (auto extractor = argument(Mode::skip); !extractor) return extractor;
    return close(open_text(name == "sort" ? "what ${sort gives" : list->why));
  }
  auto rest = std::string_view(list->value);
  const char separator = list_separator(rest);
  Text out{Text::ok, {}, {}, list->tainted};
  const auto saved = c_.item;
  const auto saved_value = c_.value;
  if (name == "reduce") c_.value = *total;
  const auto items = mode == Mode::skip ? std::vector<std::string>() : list_items(list->value);
  bool first = true;
  for (const auto& item : items) {
    c_.item = Text{Text::ok, item, {}, list->tainted};
    auto part = once(Mode::evaluate);
    if (!part) return part;
    if (part->kind == Text::open) out.kind = Text::open, out.why = part->why;
    if (name == "reduce") {
      c_.value = std::move(part);
    } else if (name == "map" || !part->value.empty()) {
      if (!first) out.value += separator;
      out.value += name == "map" ? part->value : item;
      first = false;
    }
  }
  if (name == "reduce") out = c_.value.value_or(Text{});
  c_.item = saved;
  c_.value = saved_value;
  at_ = begin;
  if (auto walked = once(Mode::skip); !walked) return walked;
  if (!eat('}')) return wrong("missing } in " + name);
  return close(std::move(out));
}

Text Expansion::substitute(const Text& subject, const Text& pattern, const Text& replacement) {
  const auto& regex = c_.configuration.files->regex(pattern.value, Regex::Case::sensitive);
  if (!regex.problem().empty()) return {Text::failed, {}, "regular expression error: " + regex.problem(), false};
  Text out{Text::ok, {}, {}, subject.tainted};
  std::size_t from = 0;
  const auto saved = c_.numbered;
  for (int round = 0; round < 1000 && from <= subject.value.size(); ++round) {
    const auto match = regex.match(subject.value, from);
    if (match.result == Regex::Match::too_costly) return open_text("what an expensive expression matches");
    if (match.result == Regex::Match::no) break;
    out.value += subject.value.substr(from, match.begin - from);
    c_.numbered.clear();
    for (const auto& group : match.groups) c_.numbered.push_back({Text::ok, group, {}, subject.tainted});
    out.value += expand(c_, replacement.value).value;
    from = match.end;
    if (match.end == match.begin) {
      if (from < subject.value.size()) out.value += subject.value[from];
      ++from;
    }
  }
  c_.numbered = saved;
  if (from < subject.value.size()) out.value += subject.value.substr(from);
  return out;
}

Expansion::Part Expansion::plain_item(const std::string& name, Mode mode) {
  struct Shape {
    std::string_view name;
    std::size_t least, most;
  };
  static constexpr std::array<Shape, 7> shapes = {{{"sg", 3, 3},
                                                   {"tr", 3, 3},
                                                   {"substr", 2, 3},
                                                   {"length", 2, 2},
                                                   {"hash", 2, 3},
                                                   {"readfile", 1, 2},
                                                   {"listquote", 2, 2}}};
  const auto shape = std::find_if(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.name == name; });
  if (shape == shapes.end()) return wrong("unknown expansion item \"" + name + "\"");
  auto all = arguments(shape->least, shape->most, mode);
  if (!all) return std::nullopt;
  if (mode == Mode::skip) return close({});
  if (const auto* open = open_among(*all)) return close(open_text(open->why));
  Text out{Text::ok, {}, {}, taints(*all)};
  if (name == "sg") {
    out = substitute((*all)[0], (*all)[1], (*all)[2]);
    if (out.kind == Text::failed) return stop(out.kind, out.why);
  } else if (name == "tr") {
    out.value = translate((*all)[0].value, (*all)[1].value, (*all)[2].value);
  } else if (name == "readfile") {
    if (all->front().tainted) return wrong("Tainted name for file read not permitted");
    std::string why;
    const auto* text = c_.configuration.files->text(all->front().value, why);
    if (text == nullptr)
      return c_.ask("whether " + printable(all->front().value, 100) + " is there on the server")
                 ? close(open_text("what " + printable(all->front().value, 100) + " holds"))
                 : wrong("failed to open " + all->front().value);
    out.value = all->size() > 1 ? replace_all(*text, "\n", (*all)[1].value) : *text;
  } else if (name == "listquote") {
    const auto separator = (*all)[0].value.substr(0, 1);
    out.value = replace_all((*all)[1].value, separator, separator + separator);
  } else {
    std::string arguments;
    for (std::size_t i = 0; i + 1 < all->size(); ++i) arguments += "_" + (*all)[i].value;
    auto text = apply_operator(c_, name + arguments, all->back());
    if (!text) return wrong("bad arguments of " + name);
    if (text->kind == Text::failed) return stop(text->kind, text->why);
    out = std::move(*text);
  }
  return close(std::move(out));
}

Expansion::Part Expansion::acl_item(Mode mode) {
  auto all = arguments(1, 10, mode);
  if (!all) return std::nullopt;
  if (mode == Mode::skip) return close({});
  if (const auto* open = open_among(*all)) return close(open_text(open->why));
  const auto result = run_acl_as_text(c_, *all);
  if (result.kind == Text::forced) return stop(Text::forced, result.why);
  if (result.kind == Text::deferred) return stop(Text::deferred, result.why);
  return close(result);
}

Expansion::Part Expansion::unknowable_item(const std::string& name, Mode mode) {
  while (!at_end() && s_[at_] != '{' && s_[at_] != '}') ++at_;  // options, ",preexpand"
  for (spaces(); !at_end() && s_[at_] == '{'; spaces())
    if (auto text = argument(Mode::skip); !text) return text;
  if (!at_end() && s_[at_] == 'f') this->name();
  return close(mode == Mode::skip ? Text{} : open_text("what ${" + name + " gives"));
}

}  // namespace smtpdx::mta::exim
