// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/acl_syntax.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::array<std::string_view, 7> verbs = {"accept", "defer", "deny", "discard", "drop", "require", "warn"};

const std::set<std::string_view> conditions = {
    "acl",     "authenticated", "condition",   "dkim_signers",   "dkim_status", "dmarc_status", "dnslists",
    "domains", "encrypted",     "hosts",       "local_parts",    "malware",     "mime_regex",   "ratelimit",
    "regex",   "recipients",    "seen",        "sender_domains", "senders",     "spam",         "spf",
    "verify",  "spf_guess",     "dkim_verify", "decode"};
const std::set<std::string_view> modifiers = {"add_header", "continue", "control", "delay",         "dscp",
                                              "endpass",    "logwrite", "message", "log_message",   "log_reject_target",
                                              "queue",      "set",      "udpsend", "remove_header", "atrn_domains"};

bool word_octet(char c) { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Takes a word and the white space behind it.
std::string_view take_word(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && word_octet(text[end])) ++end;
  const auto word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

std::unexpected<Error> wrong(const std::string& what) { return fail(ErrorKind::malformed, what); }

/// "acl_m_x = …" behind "set".
Result<void> take_variable(Clause& clause, std::string_view& text) {
  const auto name = take_word(text);
  const bool acl = name.size() > 5 && (name.starts_with("acl_c") || name.starts_with("acl_m")) &&
                   (is_digit(name[5]) || name[5] == '_');
  if (!acl && name != "dnslists_text")
    return wrong("\"" + printable(name, 40) + "\" is no variable that set can give a value to");
  clause.variable = std::string(name);
  return {};
}

Result<Clause> parse_clause(std::string_view text, const Where& where) {
  Clause clause;
  clause.where = where;
  if (text.starts_with('!')) {
    clause.negated = true;
    text = trim(text.substr(1));
  }
  const auto name = take_word(text);
  clause.name = std::string(name);
  const bool condition = conditions.contains(name);
  if (!condition && !modifiers.contains(name))
    return wrong("unknown ACL condition or modifier \"" + printable(name, 40) + "\"");
  if (clause.negated && !condition) return wrong("\"" + clause.name + "\" cannot be negated");
  if (name == "endpass") return clause;
  if (name == "set")
    if (auto ok = take_variable(clause, text); !ok) return std::unexpected(ok.error());
  if (!text.starts_with('=')) return wrong("\"=\" is missing after \"" + clause.name + "\"");
  clause.argument = std::string(trim(text.substr(1)));  // quotes are a part of it
  return clause;
}

}  // namespace

std::string_view to_string(Verb verb) { return verbs[static_cast<std::size_t>(verb)]; }

Result<void> add_acl_line(Acl& acl, const Line& line) {
  auto text = trim(line.text);
  auto rest = text;
  const auto word = take_word(rest);
  const auto verb = std::find(verbs.begin(), verbs.end(), word);
  if (verb != verbs.end() && !rest.starts_with('=')) {
    acl.statements.push_back({static_cast<Verb>(verb - verbs.begin()), {}, line.where});
    text = rest;
  }
  if (text.empty()) return {};
  if (acl.statements.empty()) return wrong("\"" + printable(word, 40) + "\" is no ACL verb");
  auto clause = parse_clause(text, line.where);
  if (!clause) return std::unexpected(clause.error());
  const auto verb_now = acl.statements.back().verb;
  if (clause->name == "endpass" && verb_now != Verb::accept && verb_now != Verb::discard)
    return wrong("endpass is for accept and discard only");
  acl.statements.back().clauses.push_back(std::move(*clause));
  return {};
}

Result<Acl> parse_acl_text(std::string_view text, const Where& where) {
  Acl acl;
  acl.where = where;
  std::string logical;
  for (auto raw : split_lines(text)) {
    const auto line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    logical += line;
    if (logical.ends_with('\\')) {
      logical.pop_back();
      continue;
    }
    if (auto ok = add_acl_line(acl, {logical, where}); !ok) return std::unexpected(ok.error());
    logical.clear();
  }
  return acl;
}

}  // namespace smtpdx::mta::exim
