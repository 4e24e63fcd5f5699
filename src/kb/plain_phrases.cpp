// SPDX-License-Identifier: Apache-2.0
#include "kb/plain_phrases.hpp"

#include <string>

namespace smtpdx::kb {
namespace {

/// A basic string at `at`, which is left behind its closing quote; nullopt for escapes other than \" and \\.
std::optional<std::string> basic_string(std::string_view line, std::size_t& at) {
  if (at >= line.size() || line[at] != '"') return std::nullopt;
  std::string out;
  for (++at; at < line.size(); ++at) {
    if (line[at] == '"') {
      ++at;
      return out;
    }
    if (line[at] == '\\') {
      ++at;
      if (at >= line.size() || (line[at] != '"' && line[at] != '\\')) return std::nullopt;
    }
    out += line[at];
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> string_list(std::string_view line, std::size_t at) {
  std::vector<std::string> out;
  if (at >= line.size() || line[at] != '[' || line.back() != ']') return std::nullopt;
  ++at;
  while (true) {
    while (at < line.size() && (line[at] == ' ' || line[at] == ',')) ++at;
    if (at + 1 == line.size()) return out;
    auto text = basic_string(line, at);
    if (!text) return std::nullopt;
    out.push_back(std::move(*text));
  }
}

bool take_text(std::string_view key, std::string text, Phrase& phrase) {
  if (key == "id") return phrase.id = std::move(text), true;
  if (key == "pattern") return phrase.pattern = std::move(text), true;
  if (key == "states") return phrase.states = std::move(text), true;
  if (key == "sample") return phrase.sample = std::move(text), true;
  if (key == "source") return phrase.source = std::move(text), true;
  if (key == "seen") return phrase.seen = std::move(text), true;
  if (key == "party") return phrase.party = party_from(text), phrase.party.has_value();
  if (key != "reason") return false;
  auto reason = reason_from(text);
  phrase.reason = reason.value_or(Reason::unknown);
  return reason.has_value();
}

bool take_line(std::string_view line, Phrase& phrase) {
  std::size_t equals = line.find(" = ");
  if (equals == std::string_view::npos) return false;
  std::string_view key = line.substr(0, equals);
  std::size_t at = equals + 3;
  std::string_view value = line.substr(at);
  if (key == "wrapper" || key == "vague") {
    (key == "wrapper" ? phrase.wrapper : phrase.vague) = value == "true";
    return value == "true" || value == "false";
  }
  if (key == "codes" || key == "causes") {
    auto list = string_list(line, at);
    if (list) (key == "codes" ? phrase.codes : phrase.causes) = std::move(*list);
    return list.has_value();
  }
  auto text = basic_string(line, at);
  return text && at == line.size() && take_text(key, std::move(*text), phrase);
}

}  // namespace

std::optional<std::vector<Phrase>> read_plain_phrases(std::string_view toml) {
  std::vector<Phrase> out;
  while (!toml.empty()) {
    std::size_t end = toml.find('\n');
    std::string_view line = toml.substr(0, end);
    toml = end == std::string_view::npos ? std::string_view() : toml.substr(end + 1);
    if (line.empty() || line[0] == '#') continue;
    if (line == "[[phrase]]")
      out.emplace_back();
    else if (out.empty() || !take_line(line, out.back()))
      return std::nullopt;
  }
  return out;
}

}  // namespace smtpdx::kb
