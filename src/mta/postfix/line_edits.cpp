// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/line_edits.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/expand.hpp"

namespace smtpdx::mta::postfix {
namespace {

struct Line {
  std::string text;
  bool continued = false;  ///< the next line belongs to it
};

std::optional<Line> line_at(const Configuration& configuration, const Where& where) {
  if (where.built_in() || where.line == 0) return std::nullopt;
  const auto file = configuration.directory.read(where.file);
  if (!file) return std::nullopt;
  const auto lines = split_lines(file->text);
  if (where.line > lines.size()) return std::nullopt;
  Line line{std::string(lines[where.line - 1]), false};
  if (line.text.ends_with('\r')) line.text.pop_back();
  for (auto next = static_cast<std::size_t>(where.line); next < lines.size(); ++next) {
    const auto visible = trim(lines[next]);
    if (visible.empty() || visible.front() == '#') continue;
    line.continued = is_space(lines[next].front());
    break;
  }
  return line;
}

bool word_octet(char c) { return !is_space(c) && c != ',' && c != '='; }

/// Where the word stands by itself in the line; npos where it does not, or more than once.
std::size_t find_word(const std::string& line, const std::string& word) {
  std::size_t found = std::string::npos;
  for (auto at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool alone = (at == 0 || !word_octet(line[at - 1])) && (end == line.size() || !word_octet(line[end]));
    if (!alone) continue;
    if (found != std::string::npos) return std::string::npos;
    found = at;
  }
  return found;
}

/// master.cf separates its own words by white space.
std::string separator(const Where& where) { return where.file == "master.cf" ? "," : ", "; }

LineEdit replaced(const Where& where, std::string before, std::string after) {
  return LineEdit{where.file, where.line, std::move(before), std::move(after)};
}

}  // namespace

MaybeEdit insert_before(const Configuration& configuration, const Cited& word, const std::string& addition) {
  const auto where = word.where();
  const auto line = line_at(configuration, where);
  if (!line) return std::nullopt;
  const auto at = find_word(line->text, word.text());
  if (at == std::string::npos) return std::nullopt;
  auto after = line->text;
  after.insert(at, addition + separator(where));
  return replaced(where, line->text, after);
}

MaybeEdit append_to(const Configuration& configuration, const Service& service, const std::string& parameter,
                    const std::string& addition) {
  const auto own = service.overrides.find(parameter);
  const auto* setting = own == service.overrides.end() ? configuration.main.find(parameter) : &own->second;
  if (!setting) return append_setting(parameter + " = " + addition);
  if (setting->value.empty()) {
    const auto line = line_at(configuration, setting->where);
    if (!line || line->continued) return std::nullopt;
    const auto at = line->text.find(parameter);
    const auto equals = line->text.find('=', at);
    if (at == std::string::npos || equals == std::string::npos) return std::nullopt;
    auto after = line->text;
    after.insert(equals + 1, setting->where.file == "master.cf" ? addition : " " + addition);
    return replaced(setting->where, line->text, after);
  }
  const auto words = split_outside_braces(setting->value, ",");
  if (words.empty()) return std::nullopt;
  const auto& last = words.back();
  const auto line = line_at(configuration, last.where());
  if (!line) return std::nullopt;
  const auto at = find_word(line->text, last.text());
  if (at == std::string::npos) return std::nullopt;
  auto after = line->text;
  after.insert(at + last.size(), separator(last.where()) + addition);
  return replaced(last.where(), line->text, after);
}

LineEdit append_setting(const std::string& setting) { return LineEdit{"main.cf", 0, std::nullopt, setting}; }

MaybeEdit remove_entry(const Configuration& configuration, const Where& where) {
  const auto line = line_at(configuration, where);
  if (!line || line->continued || where.file == "main.cf" || where.file == "master.cf") return std::nullopt;
  return LineEdit{where.file, where.line, line->text, std::nullopt};
}

MaybeEdit remove_word(const Configuration& configuration, const Cited& word) {
  const auto where = word.where();
  const auto line = line_at(configuration, where);
  if (!line) return std::nullopt;
  const auto at = find_word(line->text, word.text());
  if (at == std::string::npos) return std::nullopt;
  auto end = at + word.size();
  while (end < line->text.size() && (line->text[end] == ',' || is_space(line->text[end]))) ++end;
  return replaced(where, line->text, line->text.substr(0, at) + line->text.substr(end));
}

MaybeEdit replace_setting(const Configuration& configuration, const Where& where, const std::string& name,
                          const std::string& value) {
  const auto line = line_at(configuration, where);
  if (!line) return std::nullopt;
  if (where.file != "master.cf")
    return line->continued ? std::nullopt : MaybeEdit(replaced(where, line->text, name + " = " + value));
  const auto at = line->text.find(name + "=");
  if (at == std::string::npos) return std::nullopt;
  auto after = line->text;
  const auto begin = at + name.size() + 1;
  const auto end = std::find_if(after.begin() + static_cast<std::ptrdiff_t>(begin), after.end(), is_space);
  after.replace(begin, static_cast<std::size_t>(end - after.begin()) - begin, value);
  return replaced(where, line->text, after);
}

Result<Configuration> edited(const Configuration& configuration, const std::vector<LineEdit>& edits) {
  auto directory = configuration.directory;
  for (const auto& edit : edits) {
    auto file = directory.read(edit.file);
    if (!file) return std::unexpected(file.error());
    std::string text;
    unsigned number = 0;
    for (const auto line : split_lines(file->text)) {
      const bool here = ++number == edit.line;
      if (here && !edit.after) continue;
      text += (here ? *edit.after : std::string(line)) + "\n";
    }
    if (edit.line == 0 && edit.after) text += *edit.after + "\n";
    directory.suppose(edit.file, std::move(text));
  }
  auto loaded = load(std::move(directory));
  if (!loaded) return loaded;
  loaded->own_addresses = configuration.own_addresses;
  loaded->reading = configuration.reading;
  return loaded;
}

}  // namespace smtpdx::mta::postfix
