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
    Pattern pattern{negated, text, element.where(), nullptr, {}};
    if (is_table(text)) pattern.table = tables.open(element);
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
    patterns.push_back(Pattern{negated, std::move(text), where, nullptr, std::move(why)});
  }
};

MatchList MatchList::parse(const Cited& value, Tables& tables) {
  MatchList list;
  Reader{tables, list.patterns_}.list(value, false, 0);
  return list;
}

/// The first element that matches decides; elements that cannot be tested are kept in mind until something else
/// decides.
template <class Test>
Match MatchList::first(Test test) const {
  Match unsure_yes, unsure_no;  // an untestable element that would say yes, or (with "!") no
  for (const auto& pattern : patterns_) {
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
  if (!looks_like_address(pattern.text)) return {};
  // What is no network stops the list with an error, for clients of that family (seen with Postfix 3.7.11).
  const bool v6_pattern = pattern.text.find(':') != std::string::npos;
  if (address.is_v6() != v6_pattern) return {};
  const auto network = Network::parse(pattern.text);
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
  const bool name_matters = pattern.table ? pattern.table->may_hold_names() : !looks_like_address(pattern.text);
  if (name && name_matters) by_name = test_domain(pattern, *name, parents);
  if (by_name.answer == Answer::yes || by_name.broken) return by_name;
  auto by_address = test_address(pattern, address);
  if (by_address.answer != Answer::no) return by_address;
  if (by_name.answer == Answer::unknown) return by_name;
  if (!name && name_matters)
    return open_question("the client's name (PTR and back), which " + pattern.text + " may match", pattern.where);
  return {};
}

Match MatchList::match_string(std::string_view text) const {
  return first([&](const Pattern& p) { return test_domain(p, text, Parents::none); });
}

Match MatchList::match_domain(std::string_view domain, Parents parents) const {
  return first([&](const Pattern& p) { return test_domain(p, domain, parents); });
}

Match MatchList::match_client(const IpAddress& address, const std::optional<std::string>& name, Parents parents) const {
  return first([&](const Pattern& p) { return test_client(p, address, name, parents); });
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
