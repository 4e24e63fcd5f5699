// SPDX-License-Identifier: Apache-2.0
#include "dmarc/record.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"

namespace smtpdx::dmarc {

namespace {

constexpr std::string_view version = "DMARC1";
constexpr std::array<std::string_view, 14> known{"v",   "p",   "sp",  "np", "adkim", "aspf", "fo",
                                                 "rua", "ruf", "psd", "t",  "pct",   "rf",   "ri"};

bool is_wsp(char c) { return c == ' ' || c == '\t'; }

std::string_view trim_wsp(std::string_view s) {
  while (!s.empty() && is_wsp(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_wsp(s.back())) s.remove_suffix(1);
  return s;
}

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::optional<Policy> policy_from(std::string_view value) {
  for (auto policy : {Policy::none, Policy::quarantine, Policy::reject})
    if (iequals(value, to_string(policy))) return policy;
  return std::nullopt;
}

/// RFC 3986 §3, as far as a report could be sent there: a scheme, and something without blanks behind it.
bool is_uri(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == uri.size()) return false;
  const auto scheme = uri.substr(0, colon);
  const auto is_alpha = [](char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; };
  if (!is_alpha(scheme.front()) ||
      !std::ranges::all_of(scheme, [&](char c) { return is_alpha(c) || is_digit(c) || in({&c, 1}, {"+", "-", "."}); }))
    return false;
  if (!std::ranges::all_of(uri, [](char c) { return c > ' ' && c <= '~' && c != '!'; })) return false;
  if (!iequals(scheme, "mailto")) return true;
  const auto at = uri.find('@', colon + 1);
  return at != std::string_view::npos && at > colon + 1 && at + 1 < uri.size() && uri[at + 1] != '?';
}

/// "!10m" (RFC 7489 §6.2).
std::string_view size_limit_of(std::string_view uri) {
  const auto bang = uri.rfind('!');
  if (bang == std::string_view::npos) return {};
  auto digits = uri.substr(bang + 1);
  if (!digits.empty() && in(to_lower(digits.substr(digits.size() - 1)), {"k", "m", "g", "t"})) digits.remove_suffix(1);
  return parse_number(digits) ? uri.substr(bang) : std::string_view();
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Record read() {
    const auto parts = split(text_, ';');
    for (std::size_t i = 1; i < parts.size(); ++i) one(trim_wsp(parts[i]), i);
    if (!record_.p.present) {
      const auto at = text_.substr(0, std::min(text_.find(';'), text_.size()));
      flaw(FlawKind::p_missing, at, "p");
      std::ranges::rotate(record_.flaws, record_.flaws.end() - 1);
    }
    return std::move(record_);
  }

 private:
  void flaw(FlawKind kind, std::string_view at, std::string tag = {}) {
    record_.flaws.push_back({kind, static_cast<std::uint32_t>(at.data() - text_.data()),
                             static_cast<std::uint32_t>(at.size()), std::move(tag)});
  }

  void one(std::string_view part, std::size_t position) {
    if (part.empty()) return;  // a final semicolon, or one too many
    const auto equals = part.find('=');
    const auto name = to_lower(trim_wsp(part.substr(0, equals)));
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_';
    });
    if (equals == std::string_view::npos || !is_name) return flaw(FlawKind::bad_tag, part);
    if (std::ranges::find(known, name) == known.end()) return flaw(FlawKind::unknown_tag, part, name);
    if (name == "v" || !seen_.insert(name).second) return flaw(FlawKind::repeated_tag, part, name);
    if (name == "p" && position != 1) flaw(FlawKind::p_not_second, part, name);
    if (in(name, {"pct", "rf", "ri"})) flaw(FlawKind::removed_tag, part, name);
    if (in(name, {"np", "psd", "t"})) flaw(FlawKind::newer_tag, part, name);
    take(name, trim_wsp(part.substr(equals + 1)), part);
  }

  void take(const std::string& name, std::string_view value, std::string_view part) {
    if (!understood(name, value)) flaw(FlawKind::bad_value, part, name);
  }

  bool understood(const std::string& name, std::string_view value) {
    if (in(name, {"p", "sp", "np"})) {
      auto& tag = name == "p" ? record_.p : name == "sp" ? record_.sp : record_.np;
      tag = {true, policy_from(value)};
      return tag.value.has_value();
    }
    if (in(name, {"rua", "ruf"})) return uris(name, value, name == "rua" ? record_.rua : record_.ruf);
    if (in(name, {"adkim", "aspf"})) return mode(value, name == "adkim" ? record_.adkim : record_.aspf);
    if (name == "psd") return public_suffix(value);
    if (name == "t") return test(value);
    if (name == "fo") return failure_options(value);
    const auto number = parse_number(value);
    if (name == "pct") {
      if (!number || *number > 100) return false;
      record_.pct = static_cast<unsigned>(*number);
      return true;
    }
    return name == "rf" ? iequals(value, "afrf") : number.has_value();
  }

  static bool mode(std::string_view value, Mode& mode) {
    if (!in(to_lower(value), {"r", "s"})) return false;
    mode = iequals(value, "s") ? Mode::strict : Mode::relaxed;
    return true;
  }

  bool public_suffix(std::string_view value) {
    if (!in(to_lower(value), {"y", "n", "u"})) return false;
    record_.psd = iequals(value, "y") ? Psd::yes : iequals(value, "n") ? Psd::no : Psd::unsaid;
    return true;
  }

  bool test(std::string_view value) {
    if (!in(to_lower(value), {"y", "n"})) return false;
    record_.test = iequals(value, "y");
    return true;
  }

  bool failure_options(std::string_view value) {
    for (auto option : split(value, ':'))
      if (!in(to_lower(trim_wsp(option)), {"0", "1", "d", "s"})) return false;
    record_.fo = to_lower(value);
    return true;
  }

  bool uris(const std::string& name, std::string_view value, std::vector<std::string>& list) {
    for (auto uri : split(value, ',')) {
      uri = trim_wsp(uri);
      if (const auto limit = size_limit_of(uri); !limit.empty()) {
        flaw(FlawKind::size_limit, limit, name);
        uri.remove_suffix(limit.size());
      }
      if (is_uri(uri))
        list.emplace_back(uri);
      else
        flaw(FlawKind::bad_uri, uri.empty() ? value : uri, name);
    }
    return true;
  }

  std::string_view text_;
  Record record_;
  std::set<std::string> seen_;
};

}  // namespace

const char* to_string(Profile profile) { return profile == Profile::rfc7489 ? "rfc7489" : "rfc9989"; }

const char* to_string(Policy policy) {
  constexpr std::array names{"none", "quarantine", "reject"};
  return names[static_cast<std::size_t>(policy)];
}

const char* to_string(Mode mode) { return mode == Mode::strict ? "strict" : "relaxed"; }

const char* to_string(FlawKind kind) {
  constexpr std::array names{"bad-tag",   "unknown-tag",  "repeated-tag", "bad-value", "bad-uri",
                             "p-missing", "p-not-second", "removed-tag",  "newer-tag", "size-limit"};
  return names[static_cast<std::size_t>(kind)];
}

bool Record::has(FlawKind kind) const {
  return std::ranges::any_of(flaws, [&](const Flaw& flaw) { return flaw.kind == kind; });
}

bool is_record(std::string_view text) {
  const auto tag = text.substr(0, text.find(';'));
  const auto equals = tag.find('=');
  if (equals == std::string_view::npos || !iequals(tag.substr(0, 1), "v")) return false;
  return trim_wsp(tag.substr(1, equals - 1)).empty() && trim_wsp(tag.substr(equals + 1)) == version;
}

bool is_near_record(std::string_view text) {
  if (is_record(text)) return false;
  const auto start = text.find_first_not_of(" \t\r\n\"'\\");
  if (start == std::string_view::npos) return false;
  const auto rest = text.substr(start);
  return icontains(rest.substr(0, 16), "dmarc1") || istarts_with(rest, "v=dmarc") || istarts_with(rest, "p=");
}

Record parse_record(std::string_view text) { return Reader(text).read(); }

Effective effective(const Record& record, Profile profile) {
  const bool newer = profile == Profile::rfc9989;
  if (record.has(FlawKind::repeated_tag)) return {Effective::Use::unusable, Policy::none, {}, {}};
  const bool wrong =
      record.p.wrong() || record.sp.wrong() || (newer && record.np.wrong()) || (!newer && !record.p.present);
  if (wrong)
    return {record.rua.empty() ? Effective::Use::unusable : Effective::Use::none_for_reports, Policy::none, {}, {}};
  Effective result;
  result.p = record.p.value.value_or(Policy::none);
  result.sp = record.sp.value;
  if (newer) result.np = record.np.value;
  return result;
}

}  // namespace smtpdx::dmarc
