// SPDX-License-Identifier: Apache-2.0
//
// Three answers instead of two: a list may hold elements that only a database, the DNS or the machine knows. Such an
// element leaves the answer open only where it makes a difference: if the elements after it would decide the same way
// as it would, the answer is known all the same.

#include "mta/postfix/match_list.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/expand.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_include_depth = 8;
constexpr std::size_t max_patterns = 200'000;

Match hit(const Where& where) { return Match{Answer::yes, {}, where, {}}; }
Match open_question(std::string why, const Where& where) { return Match{Answer::unknown, {}, where, std::move(why)}; }
Match error(std::string why, const Where& where) { return Match{Answer::unknown, {}, where, std::move(why), true}; }
Match of_table(const Found& found, const Where& pattern) {
  if (found.answer == Answer::yes) return hit(found.where.built_in() ? pattern : found.where);
  if (found.answer == Answer::unknown) return Match{Answer::unknown, {}, pattern, found.why, found.broken};
  return {};
}

Match doubtful(Match match) {
  match.broken = false;
  return match;
}

bool looks_like_address(std::string_view text) {
  return text.starts_with('[') || (!text.empty() && text.find_first_not_of("0123456789./") == std::string_view::npos);
}

}  // namespace

struct MatchList::Reader {
  Tables& tables;
  std::vector<Pattern>& patterns;

  void list(const Cited& value, bool negated, unsigned depth) {
    for (const auto& element : split_outside_braces(value, ",")) {
      // A "#" in a list: Postfix warns and ignores the rest of the line.
      if (element.text().front() == '#') return;
      if (patterns.size() >= max_patterns)
        return broken("…", element.where(), negated, "a list of more than 200,000 elements");
      one(element, negated, depth);
    }
  }

  void one(Cited element, bool negated, unsigned depth) {
    while (element.text().starts_with('!')) {
      negated = !negated;
      element = element.slice(1);
    }
    const auto& text = element.text();
    if (text.empty()) return;
    if (has_unknown(text))
      return broken(text, element.where(), negated, "the value of $" + unknown_names(text).front());
    if (text.front() == '/') return file(element, negated, depth);
    Pattern pattern;
    pattern.negated = negated;
    pattern.text = text;
    pattern.where = element.where();
    pattern.address_like = looks_like_address(text);
    if (is_table(text))
      pattern.table = tables.open(element);
    else if (pattern.address_like)
      pattern.network = Network::parse(text);
    patterns.push_back(std::move(pattern));
  }

  void file(const Cited& name, bool negated, unsigned depth) {
    if (depth > max_include_depth) return broken(name.text(), name.where(), negated, "files in files, too deep");
    auto file = tables.directory().read(name.text());
    if (!file)
      return broken(name.text(), name.where(), negated, "what " + name.text() + " holds: " + file.error().message);
    unsigned number = 0;
    for (auto line : split_lines(file->text)) list(Cited(line, Where{file->name, ++number}), negated, depth + 1);
  }

  void broken(std::string text, const Where& where, bool negated, std::string why) {
    Pattern pattern;
    pattern.negated = negated;
    pattern.text = std::move(text);
    pattern.where = where;
    pattern.address_like = looks_like_address(pattern.text);
    pattern.broken = std::move(why);
    patterns.push_back(std::move(pattern));
  }
};

MatchList MatchList::parse(const Cited& value, Tables& tables) {
  MatchList list;
  Reader{tables, list.patterns_}.list(value, false, 0);
  return list;
}

/// The first element that matches decides; elements that cannot be tested are kept in mind until something else
/// decides.
template <class Test, class Skip>
Match MatchList::first(Test test, Skip skip) const {
  Match unsure_yes, unsure_no;  // an untestable element that would say yes, or (with "!") no
  for (const auto& pattern : patterns_) {
    if (skip(pattern)) continue;
    auto match = test(pattern);
    if (match.answer == Answer::no) continue;
    match.pattern = pattern.shown();
    if (match.broken)
      return unsure_yes.answer == Answer::unknown || unsure_no.answer == Answer::unknown ? doubtful(match) : match;
    if (match.answer == Answer::unknown) {
      auto& slot = pattern.negated ? unsure_no : unsure_yes;
      if (slot.answer == Answer::no) slot = std::move(match);
      continue;
    }
    if (pattern.negated) match.answer = Answer::no;
    const auto& against = pattern.negated ? unsure_yes : unsure_no;
    return against.answer == Answer::unknown ? against : match;
  }
  return unsure_yes;
}

Match MatchList::test_domain(const Pattern& pattern, std::string_view domain, Parents parents) {
  // Text that only the machine knows is still equal to itself: myorigin = $myhostname, mydestination = $myhostname.
  if (!pattern.broken.empty())
    return iequals(domain, pattern.text) ? hit(pattern.where) : open_question(pattern.broken, pattern.where);
  if (has_unknown(domain) && !iequals(domain, pattern.text))
    return open_question("the value of $" + unknown_names(domain).front(), pattern.where);
  if (pattern.table) {
    for (auto part = domain; !part.empty();) {
      if (part.data() == domain.data() || pattern.table->partial_keys()) {
        const auto match = of_table(pattern.table->lookup(part), pattern.where);
        if (match.answer != Answer::no) return match;
      }
      const auto dot = part.find('.', 1);
      if (dot == std::string_view::npos || parents == Parents::none) break;
      part.remove_prefix(parents == Parents::match ? dot + 1 : dot);
    }
    return {};
  }
  if (iequals(domain, pattern.text)) return hit(pattern.where);
  if (domain.size() <= pattern.text.size() || !iends_with(domain, pattern.text)) return {};
  const bool at_label = domain[domain.size() - pattern.text.size() - 1] == '.';
  if (parents == Parents::match && at_label) return hit(pattern.where);
  if (parents == Parents::dotted && pattern.text.starts_with('.')) return hit(pattern.where);
  return {};
}

Match MatchList::test_address(const Pattern& pattern, const IpAddress& address) {
  if (pattern.table) return of_table(pattern.table->lookup(address.to_string()), pattern.where);
  if (!pattern.address_like) return {};
  // What is no network stops the list with an error, for clients of that family (seen with Postfix 3.7.11).
  const bool v6_pattern = pattern.text.find(':') != std::string::npos;
  if (address.is_v6() != v6_pattern) return {};
  const auto& network = pattern.network;
  if (!network) return error("\"" + printable(pattern.text, 60) + "\" is no network", pattern.where);
  if (network->has_host_bits)
    return error("\"" + printable(pattern.text, 60) + "\" has bits set behind its prefix", pattern.where);
  return network->contains(address) ? hit(pattern.where) : Match{};
}

Match MatchList::test_client(const Pattern& pattern, const IpAddress& address, const std::optional<std::string>& name,
                             Parents parents) {
  if (!pattern.broken.empty()) return open_question(pattern.broken, pattern.where);
  // The name goes first, as in Postfix; either of the two is enough.
  Match by_name;
  const bool name_matters = pattern.table ? pattern.table->may_hold_names() : !pattern.address_like;
  if (name && name_matters) by_name = test_domain(pattern, *name, parents);
  if (by_name.answer == Answer::yes || by_name.broken) return by_name;
  auto by_address = test_address(pattern, address);
  if (by_address.answer != Answer::no) return by_address;
  if (by_name.answer == Answer::unknown) return by_name;
  if (!name && name_matters)
    return open_question("the client's name (PTR and back), which " + pattern.text + " may match", pattern.where);
  return {};
}

namespace {
constexpr auto never_skip = [](const auto&) { return false; };
}  // namespace

Match MatchList::match_string(std::string_view text) const {
  return first([&](const Pattern& p) { return test_domain(p, text, Parents::none); }, never_skip);
}

Match MatchList::match_domain(std::string_view domain, Parents parents) const {
  return first([&](const Pattern& p) { return test_domain(p, domain, parents); }, never_skip);
}

Match MatchList::match_client(const IpAddress& address, const std::optional<std::string>& name, Parents parents) const {
  return first(
      [&](const Pattern& p) { return test_client(p, address, name, parents); },
      // Thousands of networks: those that hold the address not are passed over quickly.
      [&](const Pattern& p) { return p.network && !p.network->has_host_bits && !p.network->contains(address); });
}

namespace {
void add_element(std::string& out, std::size_t index, const Match& match) {
  if (match.answer == Answer::no) return;
  out += std::to_string(index) + (match.answer == Answer::yes ? " " : match.broken ? "! " : "? ");
}
}  // namespace

std::string MatchList::elements_of(const IpAddress& address) const {
  std::string out;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto& pattern = patterns_[i];
    add_element(out, i, pattern.broken.empty() ? test_address(pattern, address) : open_question(pattern.broken, {}));
  }
  return out;
}

std::string MatchList::elements_of(std::string_view name, Parents parents) const {
  std::string out;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto& pattern = patterns_[i];
    const bool names = pattern.table ? pattern.table->may_hold_names() : !pattern.address_like;
    if (pattern.broken.empty() && names) add_element(out, i, test_domain(pattern, name, parents));
  }
  return out;
}

bool MatchList::holds_names() const {
  return std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& pattern) {
    return pattern.broken.empty() && (pattern.table ? pattern.table->may_hold_names() : !pattern.address_like);
  });
}

void MatchList::outline(Outline& outline) const {
  for (const auto& pattern : patterns_) {
    if (!pattern.broken.empty())
      outline.opaque.push_back(pattern.broken);
    else if (pattern.table)
      pattern.table->outline(outline);
    else if (pattern.network)
      outline.networks.push_back(*pattern.network);
    else if (!pattern.address_like)
      outline.keys.push_back(pattern.text);
  }
}

std::vector<MatchList::Element> MatchList::elements() const {
  std::vector<Element> all;
  for (const auto& p : patterns_) all.push_back({p.negated, p.text, p.where, p.address_like, p.network, p.table});
  return all;
}

std::string MatchList::shown(std::size_t limit) const {
  std::string out;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (i > 0) out += ", ";
    if (i == limit) return out + "…";
    out += printable(patterns_[i].shown(), 80);
  }
  return out;
}

Parents parents_of(const Parameters& parameters, std::string_view list_name) {
  const auto names = parameters.get("parent_domain_matches_subdomains");
  for (const auto& name : split_outside_braces(names.text, ","))
    if (name.text() == list_name) return Parents::match;
  return Parents::dotted;
}

}  // namespace smtpdx::mta::postfix
