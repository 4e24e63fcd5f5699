// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/service_tests.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_depth = 20;
constexpr std::size_t max_tests = 500;

struct List {
  const char *parameter, *access;
};
constexpr std::array<List, 5> lists = {{{"smtpd_client_restrictions", "check_client_access"},
                                        {"smtpd_helo_restrictions", "check_helo_access"},
                                        {"smtpd_sender_restrictions", "check_sender_access"},
                                        {"smtpd_relay_restrictions", "check_recipient_access"},
                                        {"smtpd_recipient_restrictions", "check_recipient_access"}}};

bool is_access(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names = {"check_client_access", "check_helo_access",
                                                            "check_sender_access", "check_recipient_access",
                                                            "check_sasl_access",   "check_ccert_access"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Walk {
 public:
  Walk(const Parameters& parameters, Tables& tables) : parameters_(parameters), tables_(tables) {
    const auto names = parameters.get("smtpd_restriction_classes").text;
    for (const auto& one : split_outside_braces(names, ",")) classes_.insert(one.text());
  }

  void list(const Cited& value, std::string_view default_access, unsigned depth) {
    if (depth > max_depth) return unread("lists in lists, deeper than " + std::to_string(max_depth));
    const auto names = split_outside_braces(value, ",");
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& name = names[i].text();
      if (is_table(name)) {
        access(std::string(default_access), names[i], default_access, depth);
      } else if (classes_.contains(name)) {
        if (entered_.insert(name + " " + std::string(default_access)).second)
          list(parameters_.get(name).text, default_access, depth + 1);
      } else {
        const auto lower = to_lower(name);
        found.restrictions.insert(lower);
        if (!takes_argument(lower) || i + 1 == names.size()) continue;
        ++i;
        if (is_access(lower)) access(lower, names[i], default_access, depth);
      }
    }
  }

  ServiceTests found;

 private:
  void unread(std::string why) {
    if (std::find(found.unread.begin(), found.unread.end(), why) == found.unread.end())
      found.unread.push_back(std::move(why));
  }

  void access(std::string restriction, const Cited& table, std::string_view default_access, unsigned depth) {
    found.restrictions.insert(restriction);
    if (!is_table(table.text())) return;  // refused with an error of the server's own
    const auto same = [&](const AccessTest& t) {
      return t.restriction == restriction && t.table.text() == table.text();
    };
    if (std::any_of(found.access.begin(), found.access.end(), same)) return;
    if (found.access.size() >= max_tests)
      return unread("more than " + std::to_string(max_tests) + " uses of access tables");
    AccessTest test{std::move(restriction), table, tables_.open(table), {}};
    test.opened->outline(test.outline);
    found.access.push_back(test);
    std::set<std::string> seen;  // the same few words stand at many keys
    for (const auto* answers : {&test.outline.answers, &test.outline.rules})
      for (const auto& answer : *answers)
        if (action_of(answer.value).find(' ') == 0 && seen.insert(answer.value).second)
          list(Cited(answer.value, answer.where), default_access, depth + 1);
  }

  const Parameters& parameters_;
  Tables& tables_;
  std::set<std::string> classes_, entered_;
};

}  // namespace

bool ServiceTests::ask_about(std::string_view word) const {
  return std::any_of(restrictions.begin(), restrictions.end(),
                     [&](const std::string& name) { return name.find(word) != std::string::npos; });
}

std::string action_of(std::string_view value) {
  static constexpr std::array<std::string_view, 9> says_nothing = {"DUNNO", "HOLD", "FILTER", "PREPEND", "REDIRECT",
                                                                   "BCC",   "WARN", "INFO",   "STRIP"};
  value = trim(value);
  const auto end = std::find_if(value.begin(), value.end(), is_space);
  const std::string_view word(value.data(), static_cast<std::size_t>(end - value.begin()));
  const auto is = [&](std::string_view other) { return iequals(word, other); };
  const auto digits = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  };
  if (std::any_of(says_nothing.begin(), says_nothing.end(), is)) return "dunno";
  if (is("OK") || is("RELAY") || digits(value)) return "permit";
  if (is("DISCARD")) return "discard";
  if (is("REJECT") || is("DEFER")) return "refuse";
  if (is("DEFER_IF_PERMIT") || is("DEFER_IF_REJECT")) return to_lower(word);
  if (word.size() == 3 && digits(word) && (word.front() == '4' || word.front() == '5')) return "refuse";
  return " " + std::string(value);  // a list of restrictions
}

ServiceTests tests_of(const Parameters& parameters, Tables& tables) {
  Walk walk(parameters, tables);
  for (const auto& one : lists) {
    const auto value = parameters.get(one.parameter);
    if (value.unknown()) walk.found.unread.push_back("the value of $" + unknown_names(value.text.text()).front());
    walk.list(value.text, one.access, 0);
  }
  if (parameters.flag("smtpd_reject_unlisted_sender").value_or(false))
    walk.found.restrictions.insert("reject_unlisted_sender");
  return std::move(walk.found);
}

}  // namespace smtpdx::mta::postfix
