// SPDX-License-Identifier: Apache-2.0
#include "mail/date.hpp"

#include <array>
#include <ctime>
#include <vector>

#include "base/text.hpp"

namespace smtpdx::mail {

namespace {

constexpr std::array months{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

struct Zone {
  const char* name;
  int hours;
};
constexpr std::array zones{Zone{"ut", 0},   Zone{"utc", 0},  Zone{"gmt", 0},  Zone{"z", 0},
                           Zone{"est", -5}, Zone{"edt", -4}, Zone{"cst", -6}, Zone{"cdt", -5},
                           Zone{"mst", -7}, Zone{"mdt", -6}, Zone{"pst", -8}, Zone{"pdt", -7}};

std::string without_comments(std::string_view s) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\' && depth > 0)
      ++i;
    else if (s[i] == '(')
      ++depth;
    else if (s[i] == ')')
      depth -= depth > 0;
    else if (depth == 0)
      out += s[i] == ',' ? ' ' : s[i];
  }
  return out;
}

bool read_time(std::string_view word, std::tm& tm) {
  const auto parts = split(word, ':');
  if (parts.size() < 2 || parts.size() > 3) return false;
  int* const to[] = {&tm.tm_hour, &tm.tm_min, &tm.tm_sec};
  constexpr unsigned most[] = {23, 59, 60};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto n = parts[i].size() <= 2 ? parse_number(parts[i]) : std::nullopt;
    if (!n || *n > most[i]) return false;
    *to[i] = static_cast<int>(*n);
  }
  return true;
}

/// Seconds east of UTC.
std::optional<int> read_zone(std::string_view word) {
  if (word.size() == 5 && (word[0] == '+' || word[0] == '-')) {
    const auto n = parse_number(word.substr(1));
    if (!n || *n % 100 > 59) return std::nullopt;
    const int seconds = static_cast<int>(*n / 100 * 3600 + *n % 100 * 60);
    return word[0] == '+' ? seconds : -seconds;
  }
  const auto name = to_lower(word);
  for (const auto& zone : zones)
    if (name == zone.name) return zone.hours * 3600;
  return std::nullopt;
}

int full_year(std::uint64_t n, std::size_t digits) {
  if (digits == 2) return static_cast<int>(n < 50 ? 2000 + n : 1900 + n);
  return static_cast<int>(digits == 3 ? 1900 + n : n);
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  std::tm tm{};
  int month = -1, year = -1, day = -1, offset = 0;
  bool time = false;
  const auto plain = without_comments(text.substr(0, 200));
  for (auto word : split_words(plain)) {
    if (word.find(':') != std::string_view::npos) {
      if (time || !read_time(word, tm)) return std::nullopt;
      time = true;
      continue;
    }
    if (const auto zone = time ? read_zone(word) : std::nullopt) {
      offset = *zone;
      continue;
    }
    if (const auto n = word.size() <= 4 ? parse_number(word) : std::nullopt) {
      if (day < 0 && word.size() <= 2)
        day = static_cast<int>(*n);
      else if (year < 0)
        year = full_year(*n, word.size());
      continue;
    }
    for (std::size_t i = 0; i < months.size(); ++i)
      if (word.size() >= 3 && iequals(word.substr(0, 3), months[i])) month = static_cast<int>(i);
  }
  if (!time || month < 0 || day < 1 || day > 31 || year < 1970 || year > 9999) return std::nullopt;
  tm.tm_year = year - 1900;
  tm.tm_mon = month;
  tm.tm_mday = day;
  return std::chrono::system_clock::from_time_t(timegm(&tm) - offset);
}

std::string rfc3339(WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[40] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}

}  // namespace smtpdx::mail
