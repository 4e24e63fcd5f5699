// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/redirection.hpp"

#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_addresses = 10'000;

/// Items between commas and line ends; quoted strings keep theirs.
std::vector<std::string> items_of(std::string_view data) {
  std::vector<std::string> items(1);
  bool quoted = false;
  for (std::size_t at = 0; at < data.size(); ++at) {
    const char c = data[at];
    const bool line_start = at == 0 || data[at - 1] == '\n';
    if (c == '#' && !quoted && (line_start || trim(items.back()).empty())) {
      while (at < data.size() && data[at] != '\n') ++at;
      items.emplace_back();
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (c == '\\' && at + 1 < data.size()) {
      items.back() += c;
      items.back() += data[++at];
      continue;
    }
    const bool special = trim(items.back()).starts_with(":fail:") || trim(items.back()).starts_with(":defer:");
    if (!quoted && (c == '\n' || (c == ',' && !special)))
      items.emplace_back();
    else
      items.back() += c;
  }
  return items;
}

std::string domain_for(Context& c, const Driver& router) {
  if (router.flag("qualify_preserve_domain", false)) return c.domain;
  const auto own = router.text("qualify_domain");
  if (!own.empty()) return expand(c, own).value;
  return expand(c, "$qualify_recipient").value;
}

/// ":fail: text" and its kin; false where it is another item.
bool special_item(std::string_view item, const Driver& router, Redirection& out) {
  for (const bool fail : {true, false}) {
    const std::string_view word = fail ? ":fail:" : ":defer:";
    if (!istarts_with(item, word)) continue;
    if (!router.flag(fail ? "allow_fail" : "allow_defer", false)) {
      out.kind = Redirection::broken;
      out.text = "\"" + std::string(word) + "\" is not permitted";
    } else {
      out.kind = fail ? Redirection::fail : Redirection::defer;
      out.text = std::string(trim(item.substr(word.size())));
    }
    return true;
  }
  return false;
}

}  // namespace

Redirection read_redirection(std::string_view data, const Driver& router, Context& c) {
  Redirection out;
  const auto start = trim(data);
  if (istarts_with(start, "# Exim filter") || istarts_with(start, "#Exim filter") ||
      istarts_with(start, "# Sieve filter") || istarts_with(start, "#Sieve filter")) {
    out.kind = Redirection::filter;
    return out;
  }
  for (const auto& raw : items_of(data)) {
    const std::string item(trim(raw));
    if (item.empty() || !c.step() || out.addresses.size() > max_addresses) continue;
    if (special_item(item, router, out)) return out;
    if (istarts_with(item, ":unknown:")) return {};
    if (istarts_with(item, ":blackhole:")) {
      out.kind = Redirection::blackhole;
      continue;
    }
    if (istarts_with(item, ":include:")) {
      out.kind = Redirection::list;
      out.addresses.push_back("/" + item);  // more addresses: taken as such
      out.addresses.push_back("/" + item);
      continue;
    }
    out.kind = Redirection::list;
    const bool other = item.front() == '|' || item.front() == '/' || item.starts_with("\"|") || item.starts_with("\"/");
    if (other) {
      out.addresses.push_back(item.front() == '"' ? item.substr(1) : item);
      continue;
    }
    const auto text = item.front() == '\\' ? std::string_view(item).substr(1) : std::string_view(item);
    const auto path = parse_path(text, {.literals = true, .unqualified = true});
    if (!path.good()) {
      if (router.flag("skip_syntax_errors", false)) continue;
      out.kind = Redirection::broken;
      out.text = path.problem + " in \"" + printable(item, 80) + "\"";
      return out;
    }
    out.addresses.push_back(path.domain.empty() ? path.written + "@" + domain_for(c, router) : path.written);
  }
  return out;
}

}  // namespace smtpdx::mta::exim
