// SPDX-License-Identifier: Apache-2.0
//
// One small class a family of table types. Two laws:
//  · never a wrong answer: a type we do not know, a file that is not in the directory, a key written twice with two
//  values
//    (which one the compiled table holds depends on its type) answer `unknown`, with the reason;
//  · the source text speaks for the compiled table, unless Reading::built asks for that one. Its format is not parsed:
//    Berkeley DB, LMDB and CDB keep keys as they are, so that a key whose octets stand nowhere in the file is not in
//    the table. Octets that do stand there prove nothing (a deleted entry leaves its octets behind).

#include "mta/postfix/tables.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/postfix/expand.hpp"
#include "mta/postfix/regex_table.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_nesting = 8;

class UnknownTable : public Table {
 public:
  explicit UnknownTable(std::string why, bool broken = false) : why_(std::move(why)), broken_(broken) {}
  Found lookup(std::string_view) const override { return Found{Answer::unknown, {}, {}, {}, why_, broken_}; }
  bool partial_keys() const override { return false; }  // one unknown answer says it all
  bool may_hold_names() const override { return true; }
  void outline(Outline& outline) const override {
    if (!broken_) outline.opaque.push_back(why_);
  }

 private:
  std::string why_;
  bool broken_;
};

class IndexedTable : public Table {
 public:
  /// Of a key written twice; what it means depends on the type.
  enum class Twice { first_wins, open };
  explicit IndexedTable(Twice twice) : twice_(twice) {}

  /// False for a key that is there already.
  bool add(std::string_view key, std::string_view value, const Where& where) {
    auto [at, fresh] = entries_.try_emplace(to_lower(key), Entry{std::string(value), where, false});
    if (!fresh && at->second.value != value && twice_ == Twice::open) at->second.doubled = true;
    names_ = names_ || !numeric(key);
    return fresh;
  }
  void leave_open(std::string_view key) { entries_.at(to_lower(key)).doubled = true; }
  Found lookup(std::string_view key) const override {
    const auto at = entries_.find(to_lower(key));
    if (at == entries_.end()) return {};
    const auto& entry = at->second;
    if (entry.doubled)
      return Found{Answer::unknown,
                   {},
                   entry.where,
                   std::string(key),
                   entry.where.to_string() + ": " + printable(key, 80) + " is there twice, or in quotes"};
    return Found{Answer::yes, entry.value, entry.where, std::string(key), {}};
  }
  bool partial_keys() const override { return true; }
  bool may_hold_names() const override { return names_; }
  void outline(Outline& outline) const override {
    for (const auto& [key, entry] : entries_) {
      outline.keys.push_back(key);
      outline.answers.push_back(Found{Answer::yes, entry.value, entry.where, key, {}});
    }
  }

 private:
  struct Entry {
    std::string value;
    Where where;
    bool doubled;
  };
  /// "10.1", "2001:db8::1": no host name, nor a part of one.
  static bool numeric(std::string_view key) {
    return key.find(':') != std::string_view::npos || key.find_first_not_of("0123456789.") == std::string_view::npos;
  }
  Twice twice_;
  std::unordered_map<std::string, Entry> entries_;
  bool names_ = false;
};

class StaticTable : public Table {
 public:
  StaticTable(std::string value, Where where) : value_(std::move(value)), where_(std::move(where)) {}
  Found lookup(std::string_view) const override { return Found{Answer::yes, value_, where_, "static:", {}}; }
  bool partial_keys() const override { return true; }
  bool may_hold_names() const override { return true; }
  void outline(Outline& outline) const override {
    outline.answers.push_back(Found{Answer::yes, value_, where_, "static:", {}});
  }

 private:
  std::string value_;
  Where where_;
};

/// cidr_table(5): the first network that holds the address; "!" and if … endif.
class CidrTable : public Table {
 public:
  explicit CidrTable(const std::vector<Cited>& lines) {
    std::vector<std::optional<Rule>> open;  // if blocks around the line
    for (const auto& line : lines) add(line, open);
  }
  Found lookup(std::string_view key) const override {
    const auto address = IpAddress::parse(key);
    if (!address) return {};
    for (const auto& rule : rules_) {
      if (!std::all_of(rule.conditions.begin(), rule.conditions.end(),
                       [&](const Test& t) { return t.holds(*address); }))
        continue;
      if (!rule.broken.empty()) return Found{Answer::unknown, {}, rule.where, {}, rule.broken};
      if (rule.test.holds(*address))
        return Found{Answer::yes, rule.value, rule.where, rule.test.network.to_string(), {}};
    }
    return {};
  }
  bool partial_keys() const override { return false; }
  bool may_hold_names() const override { return false; }
  void outline(Outline& outline) const override {
    for (const auto& rule : rules_) {
      for (const auto& condition : rule.conditions) outline.networks.push_back(condition.network);
      if (!rule.broken.empty()) {
        outline.opaque.push_back(rule.broken);
        continue;
      }
      outline.networks.push_back(rule.test.network);
      outline.answers.push_back(Found{Answer::yes, rule.value, rule.where, rule.test.network.to_string(), {}});
    }
  }

 private:
  struct Test {
    Network network;
    bool negated = false;
    /// "!" does not reach over to the other family.
    bool holds(const IpAddress& address) const {
      return network.base.is_v6() == address.is_v6() && network.contains(address) != negated;
    }
  };
  struct Rule {
    Test test;
    std::vector<Test> conditions;
    std::string value, broken;
    Where where;
  };

  static std::optional<Test> parse_test(std::string_view text) {
    Test test;
    while (text.starts_with('!')) {
      test.negated = !test.negated;
      text = trim(text.substr(1));
    }
    const auto network = Network::parse(text);
    if (!network || network->has_host_bits) return std::nullopt;  // Postfix skips such a line with a warning
    test.network = *network;
    return test;
  }

  void add(const Cited& line, std::vector<std::optional<Rule>>& open) {
    const auto text = trim(line.text());
    const auto where = line.where();
    if (istarts_with(text, "endif")) {
      if (!open.empty()) open.pop_back();
      return;
    }
    const bool block = istarts_with(text, "if") && text.size() > 2 && (is_space(text[2]) || text[2] == '!');
    const auto body = block ? trim(text.substr(2)) : text;
    auto end = std::find_if(body.begin(), body.end(), is_space);
    if (body.starts_with('!'))
      end = std::find_if(std::find_if_not(body.begin(), body.end(), [](char c) { return c == '!' || is_space(c); }),
                         body.end(), is_space);
    const std::string_view pattern(body.data(), static_cast<std::size_t>(end - body.begin()));
    Rule rule;
    rule.where = where;
    for (const auto& around : open)
      if (around && around->broken.empty()) rule.conditions.push_back(around->test);
    const auto test = parse_test(pattern);
    if (test)
      rule.test = *test;
    else if (!block)
      return;  // Postfix warns and skips the line
    else
      rule.broken = where.to_string() + ": \"" + printable(pattern, 60) + "\" is no network";
    if (block) {
      if (!test) rules_.push_back(rule);  // what the block would hold is not known
      open.push_back(std::move(rule));
      return;
    }
    rule.value = std::string(trim(body.substr(pattern.size())));
    if (!rule.value.empty()) rules_.push_back(std::move(rule));
  }

  std::vector<Rule> rules_;
};

/// unionmap:{a,b}: every answer, joined by commas. pipemap:{a,b}: the answer of one is the key of the next.
class CombinedTable : public Table {
 public:
  enum class Mode { all, chain };
  CombinedTable(std::vector<std::shared_ptr<const Table>> parts, Mode mode) : parts_(std::move(parts)), mode_(mode) {}
  Found lookup(std::string_view key) const override {
    Found result;
    std::string next(key);
    for (const auto& part : parts_) {
      auto found = part->lookup(next);
      if (found.answer == Answer::unknown) return found;
      if (mode_ == Mode::chain) {
        if (found.answer == Answer::no) return {};
        next = found.value;
        result = std::move(found);
      } else if (found.answer == Answer::yes) {
        if (result.answer == Answer::yes) found.value = result.value + "," + found.value;
        result = std::move(found);
      }
    }
    return result;
  }
  bool partial_keys() const override { return any(&Table::partial_keys); }
  bool may_hold_names() const override { return any(&Table::may_hold_names); }
  void outline(Outline& outline) const override {
    for (const auto& part : parts_) part->outline(outline);
    if (mode_ == Mode::all && parts_.size() > 1) outline.opaque.push_back("what unionmap: joins of several answers");
  }

 private:
  bool any(bool (Table::*what)() const) const {
    return std::any_of(parts_.begin(), parts_.end(), [&](const auto& part) { return (*part.*what)(); });
  }
  std::vector<std::shared_ptr<const Table>> parts_;
  Mode mode_;
};

std::shared_ptr<const Table> unknown_table(std::string why) { return std::make_shared<UnknownTable>(std::move(why)); }

/// Entries asked for in vain, shared by the tables of one reading.
using Missed = std::vector<std::string>;

/// An indexed table as postmap made it, seen beside its text.
class BuiltTable : public Table {
 public:
  struct Files {
    std::string name;    ///< of the compiled file
    std::string octets;  ///< of it
  };
  BuiltTable(std::shared_ptr<const Table> text, Files files, std::shared_ptr<Missed> missed)
      : text_(std::move(text)), files_(std::move(files)), missed_(std::move(missed)) {}
  Found lookup(std::string_view key) const override {
    auto found = text_->lookup(key);
    const bool in_file = files_.octets.find(to_lower(key)) != std::string::npos;
    if (found.answer == Answer::yes && !in_file) {
      auto words = files_.name + " lacks " + printable(key, 80) + ", which " + found.where.to_string() + " has";
      if (std::find(missed_->begin(), missed_->end(), words) == missed_->end()) missed_->push_back(std::move(words));
      return {};
    }
    if (found.answer == Answer::no && in_file)
      return Found{Answer::unknown, {}, {}, {}, "whether " + files_.name + " still holds " + printable(key, 80)};
    return found;
  }
  bool partial_keys() const override { return true; }
  bool may_hold_names() const override { return true; }
  void outline(Outline& outline) const override {
    text_->outline(outline);
    outline.opaque.push_back("what " + files_.name + " still holds beside its text");
  }

 private:
  std::shared_ptr<const Table> text_;
  Files files_;
  std::shared_ptr<Missed> missed_;
};

/// The indexed types whose source is "key white-space value" lines (postmap(1)).
bool indexed_type(std::string_view type) {
  static constexpr std::array<std::string_view, 7> types = {"hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash"};
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::shared_ptr<const Table> broken_table(std::string why) {
  return std::make_shared<UnknownTable>(std::move(why), true);
}

/// postmap warns of a key written twice and keeps the first in hash: and btree:; the other types differ.
std::shared_ptr<const Table> indexed_table(const Directory::File& file, std::string_view type) {
  using Twice = IndexedTable::Twice;
  auto table = std::make_shared<IndexedTable>(type == "hash" || type == "btree" ? Twice::first_wins : Twice::open);
  for (const auto& line : logical_lines(file)) {
    const auto text = trim(line.text());
    if (text.front() == '"') {  // quoted keys are not read: what is between the quotes stays open
      const auto key = text.substr(1, text.find('"', 1) - 1);
      table->add(key, "1", line.where());
      table->leave_open(key);
      continue;
    }
    const auto end = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_space) - text.begin());
    const auto value = trim(text.substr(end));
    if (value.empty()) continue;  // postmap skips a key without a value
    if (!table->add(text.substr(0, end), value, line.where()) && type == "texthash")
      return broken_table(line.where().to_string() + ": " + printable(text.substr(0, end), 80) + " is there twice");
  }
  return table;
}

/// What stands between the braces of "type:{ … }"; nullopt where it is not of that form.
std::optional<Cited> braced(const Cited& name) {
  const auto& text = name.text();
  if (text.empty() || text.front() != '{' || matching_brace(text, 0) != text.size()) return std::nullopt;
  return name.slice(1, text.size() - 2);
}

/// cidr:{{rule}, {rule}} (Postfix 3.7): each rule as a line of its own.
std::vector<Cited> braced_rules(const Cited& body) {
  auto rules = split_outside_braces(body, ",");
  for (auto& rule : rules) rule = braced(rule).value_or(rule).trimmed();
  return rules;
}

std::shared_ptr<const Table> pattern_table(std::string_view type, const std::vector<Cited>& lines) {
  if (type == "cidr") return std::make_shared<CidrTable>(lines);
  return make_regex_table(lines, type == "pcre" ? RegexKind::perl : RegexKind::posix);
}

std::shared_ptr<const Table> inline_table(const Cited& name) {
  const auto body = braced(name);
  if (!body) return broken_table(name.where().to_string() + ": inline: without { }");
  auto table = std::make_shared<IndexedTable>(IndexedTable::Twice::open);
  for (const auto& part : split_outside_braces(*body, ",")) {
    const auto pair = braced(part).value_or(part);
    const auto equals = pair.text().find('=');
    if (equals == std::string::npos)
      return broken_table(part.where().to_string() + ": no \"=\" in an entry of inline:");
    table->add(trim(std::string_view(pair.text()).substr(0, equals)),
               trim(std::string_view(pair.text()).substr(equals + 1)), pair.where());
  }
  return table;
}

}  // namespace

std::string_view to_string(Answer answer) {
  return answer == Answer::yes ? "yes" : answer == Answer::no ? "no" : "unknown";
}

bool is_bare_ipv6(std::string_view pattern) {
  const auto address = pattern.substr(0, pattern.find('/'));
  return address.find(':') != std::string_view::npos && !pattern.starts_with('[') &&
         IpAddress::parse(address).has_value();
}

bool is_table(std::string_view pattern) {
  return !pattern.starts_with('[') && pattern.find(':') != std::string_view::npos;
}

std::string compiled_file(std::string_view type, std::string_view name) {
  if (type == "hash" || type == "btree") return std::string(name) + ".db";
  if (type == "lmdb" || type == "cdb") return std::string(name) + "." + std::string(type);
  if (type == "dbm" || type == "sdbm") return std::string(name) + ".pag";
  return {};
}

std::vector<std::string> Tables::not_built() const { return *missed_; }

std::shared_ptr<const Table> Tables::open(const Cited& pattern) {
  auto& slot = open_[pattern.text() + "\n" + pattern.where().to_string()];
  if (!slot) slot = make(pattern, 0);
  return slot;
}

std::shared_ptr<const Table> Tables::make(const Cited& pattern, unsigned depth) {
  const auto& text = pattern.text();
  const auto colon = text.find(':');
  const auto type = text.substr(0, colon);
  const auto name = colon == std::string::npos ? Cited() : pattern.slice(colon + 1);
  if (is_bare_ipv6(text))
    return broken_table("\"" + printable(text, 60) + "\" lacks its brackets and is taken for a table (" +
                        pattern.where().to_string() + ")");
  if (has_unknown(text)) return unknown_table("the name of a table depends on " + unknown_names(text).front());
  if (depth > max_nesting) return unknown_table("tables in tables, deeper than " + std::to_string(max_nesting));
  if (type == "proxy") return make(name, depth + 1);
  if (type == "inline") return inline_table(name);
  if (type == "static") {
    const auto value = braced(name);
    return std::make_shared<StaticTable>(value ? std::string(trim(value->text())) : name.text(), pattern.where());
  }
  if (type == "unionmap" || type == "pipemap") {
    const auto body = braced(name);
    if (!body) return unknown_table(type + ": without { }");
    std::vector<std::shared_ptr<const Table>> parts;
    for (const auto& part : split_outside_braces(*body, ",")) parts.push_back(make(part, depth + 1));
    return std::make_shared<CombinedTable>(std::move(parts),
                                           type == "pipemap" ? CombinedTable::Mode::chain : CombinedTable::Mode::all);
  }
  const bool file_type = indexed_type(type) || type == "cidr" || type == "regexp" || type == "pcre";
  if (!file_type) return unknown_table("what " + printable(text, 120) + " holds (" + pattern.where().to_string() + ")");
  const bool by_pattern = !indexed_type(type);
  if (const auto body = by_pattern ? braced(name) : std::nullopt) return pattern_table(type, braced_rules(*body));
  return of_file(type, name);
}

std::shared_ptr<const Table> Tables::of_file(std::string_view type, const Cited& name) {
  const auto shown = printable(std::string(type) + ":" + name.text(), 120);
  const auto compiled = reading_ == Reading::built ? compiled_file(type, name.text()) : std::string();
  const auto& opened = compiled.empty() ? name.text() : compiled;
  if (reading_ == Reading::built && directory_->lacks(opened))
    return broken_table(shown + " (" + name.where().to_string() + ") cannot be opened: there is no " +
                        printable(opened, 120));
  auto file = directory_->read(name.text());
  if (!file) return unknown_table("what " + shown + " holds: " + file.error().message);
  if (!indexed_type(type)) return pattern_table(type, logical_lines(*file));
  auto text = indexed_table(*file, type);
  if (compiled.empty()) return text;
  auto octets = directory_->octets(compiled);
  if (!octets) return unknown_table("what " + shown + " holds: " + octets.error().message);
  const auto slash = compiled.rfind('/');
  return std::make_shared<BuiltTable>(
      std::move(text),
      BuiltTable::Files{compiled.substr(slash == std::string::npos ? 0 : slash + 1), std::move(*octets)}, missed_);
}

}  // namespace smtpdx::mta::postfix
