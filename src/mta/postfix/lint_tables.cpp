// SPDX-License-Identifier: Apache-2.0
//
// Domains in their classes, the files behind the tables, and main.cf as a text.

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "base/text.hpp"
#include "mta/postfix/expand.hpp"
#include "mta/postfix/lint_run.hpp"

namespace smtpdx::mta::postfix {
namespace {

using S = LintSeverity;
namespace fs = std::filesystem;

constexpr std::array<const char*, 4> domain_lists = {"mydestination", "virtual_alias_domains",
                                                     "virtual_mailbox_domains", "relay_domains"};
constexpr std::array<const char*, 3> address_maps = {"virtual_alias_maps", "virtual_mailbox_maps",
                                                     "relay_recipient_maps"};

bool is_domain(std::string_view key) { return valid_host_name(key) && key.find('.') != std::string_view::npos; }

}  // namespace

void lint_domains(LintRun& run, Side& side) {
  std::set<std::string> domains;
  for (const auto* list : domain_lists)
    for (const auto& key : side.outline_of(list).keys)
      if (is_domain(key)) domains.insert(to_lower(key));
  for (const auto& domain : domains) {
    const auto resolved = side.classes.resolve("somebody@" + domain);
    for (const auto& other : side.classes.also(resolved))
      run.add({"domain-twice",
               S::warn,
               other.where.built_in() ? resolved.where : other.where,
               domain,
               {},
               domain + " is a " + std::string(to_string(resolved.address_class)) + " domain by " + resolved.parameter +
                   " (" + resolved.where.to_string() + ") and stands in " + other.parameter +
                   " as well: the second is ignored, and Postfix warns at every mail.",
               "Take it out of " + other.parameter + ", or of " + resolved.parameter + " if that was meant."});
  }
  std::set<std::string> said;
  for (const auto* maps : address_maps)
    for (const auto& answer : side.outline_of(maps).answers) {
      const auto at = answer.key.rfind('@');
      if (at == std::string::npos) continue;
      const auto domain = to_lower(answer.key.substr(at + 1));
      if (!is_domain(domain) || !said.insert(domain).second) continue;
      if (side.classes.resolve("somebody@" + domain).address_class != AddressClass::none) continue;
      run.add({"domain-nowhere",
               S::warn,
               answer.where,
               domain,
               {},
               std::string(maps) + " holds addresses of " + domain + ", but " + side.classes.lists_shown() +
                   " do not hold the domain: strangers who write there are told \"Relay access denied\".",
               "Add " + domain + " to " +
                   (std::string_view(maps) == "virtual_alias_maps"     ? "virtual_alias_domains"
                    : std::string_view(maps) == "virtual_mailbox_maps" ? "virtual_mailbox_domains"
                                                                       : "relay_domains") +
                   ", or take the addresses out."});
    }
}

namespace {

struct NamedTable {
  std::string type, name;
  Where where;
};

bool read_from_files(std::string_view type) {
  static constexpr std::array<std::string_view, 10> types = {"hash", "btree", "lmdb",     "cdb",    "dbm",
                                                             "sdbm", "cidr",  "texthash", "regexp", "pcre"};
  return std::find(types.begin(), types.end(), type) != types.end();
}

void take_tables(const Cited& value, std::vector<NamedTable>& out, unsigned depth) {
  if (depth > 4) return;
  for (const auto& word : split_outside_braces(value, ",")) {
    auto text = word.text();
    auto part = word;
    if (text.starts_with("!")) part = part.slice(1);
    while (part.text().starts_with("proxy:")) part = part.slice(6);
    const auto colon = part.text().find(':');
    if (colon == std::string::npos || has_unknown(part.text())) continue;
    const auto type = part.text().substr(0, colon), name = part.text().substr(colon + 1);
    if ((type == "unionmap" || type == "pipemap") && name.size() > 2 && name.front() == '{')
      take_tables(part.slice(colon + 2, name.size() - 2), out, depth + 1);
    else if (read_from_files(type) && !name.empty() && name.front() != '{')
      out.push_back({type, name, word.where()});
  }
}

std::vector<NamedTable> tables_named(const Configuration& configuration) {
  std::vector<NamedTable> tables;
  const Parameters main(configuration.main, nullptr);
  std::set<std::string> done;
  for (const auto& setting : configuration.main.settings())
    if (done.insert(setting.name).second) take_tables(main.get(setting.name).text, tables, 0);
  for (const auto& service : configuration.master.services()) {
    const Parameters parameters(configuration.main, &service);
    for (const auto& [name, setting] : service.overrides) take_tables(parameters.get(name).text, tables, 0);
  }
  return tables;
}

/// Some compiled table lies there: this is a server's directory, not a copy of its texts.
bool holds_compiled(const Directory& directory) {
  std::error_code error;
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(directory.root(), error)) {
    const auto kind = entry.path().extension();
    if (kind == ".db" || kind == ".lmdb" || kind == ".cdb" || kind == ".pag") return true;
    if (++seen > 10'000) break;
  }
  return false;
}

void one_table(LintRun& run, const NamedTable& table, bool server) {
  const auto& directory = run.configuration.directory;
  const auto shown = printable(table.type + ":" + table.name, 120);
  const auto compiled = compiled_file(table.type, table.name);
  const bool no_text = directory.lacks(table.name), no_table = !compiled.empty() && directory.lacks(compiled);
  if (no_text && (compiled.empty() || no_table))
    return run.add({"table-missing",
                    S::fail,
                    table.where,
                    shown,
                    {},
                    "There is no " + printable(table.name, 120) + ": where the table is asked, the answer is 451.",
                    "Write the file" + std::string(compiled.empty() ? "." : " and run: postmap " + shown)});
  if (no_table)
    return run.add(
        {"table-not-built",
         server ? S::fail : S::info,
         table.where,
         shown,
         {},
         "The server reads " + printable(compiled, 120) + ", which is not there" +
             (server ? ": where the table is asked, the answer is 451." : "; perhaps only texts were copied here."),
         "postmap " + shown});
  if (compiled.empty() || no_text) return;
  const auto text = directory.inside(table.name), built = directory.inside(compiled);
  if (!text || !built) return;
  std::error_code first, second;
  const auto text_time = fs::last_write_time(directory.root() / *text, first);
  const auto built_time = fs::last_write_time(directory.root() / *built, second);
  if (!first && !second && text_time > built_time)
    run.add({"table-stale",
             S::warn,
             table.where,
             shown,
             {},
             *text + " was changed after " + *built + " was made: the server does not know of the change.",
             "postmap " + shown});
}

}  // namespace

void lint_tables(LintRun& run) {
  const bool server = holds_compiled(run.configuration.directory);
  for (const auto& table : tables_named(run.configuration)) one_table(run, table, server);
}

namespace {

struct OldDefault {
  const char *name, *below, *effect;
};
/// Defaults that depend on compatibility_level (COMPATIBILITY_README), and what the old one does.
constexpr std::array<OldDefault, 6> old_defaults = {
    {{"smtpd_relay_restrictions", "1", "is empty: smtpd_recipient_restrictions alone keeps strangers out"},
     {"append_dot_mydomain", "1", "= yes: the domain is added to names without a dot"},
     {"mynetworks_style", "2", "= subnet: the hosts of the server's own networks may relay"},
     {"relay_domains", "2", "= $mydestination: sub-domains of the server's own domains are relayed to"},
     {"smtpd_tls_fingerprint_digest", "3.6", "= md5"},
     {"smtpd_relay_before_recipient_restrictions", "3.6", "= no: the recipient list is asked first"}}};

void compatibility(LintRun& run, const Parameters& main) {
  const auto level = main.get("compatibility_level");
  for (const auto& old : old_defaults) {
    if (main.compatible_with(old.below) || main.is_set(old.name)) continue;
    const std::string name = old.name;
    if (name == "mynetworks_style" && main.is_set("mynetworks")) continue;
    if (name == "smtpd_tls_fingerprint_digest" && main.get("relay_clientcerts").text.empty()) continue;
    run.add({"compatibility-level",
             S::info,
             level.where,
             name,
             {},
             "compatibility_level = " + level.text.text() + (level.is_default() ? " by default" : "") + ", and so " +
                 name + " " + old.effect + ".",
             "Set " + name + " to what you want, or compatibility_level = 3.6 when all such are seen to."});
  }
}

}  // namespace

void lint_settings(LintRun& run) {
  const Parameters main(run.configuration.main, nullptr);
  compatibility(run, main);
  std::map<std::string, const Setting*> last;
  for (const auto& setting : run.configuration.main.settings()) {
    const auto [at, fresh] = last.try_emplace(setting.name, &setting);
    if (!fresh && at->second->value.text() != setting.value.text())
      run.add(
          {"setting-twice",
           S::warn,
           at->second->where,
           setting.name,
           {},
           setting.name + " is set again in " + setting.where.to_string() + ": what stands here counts for nothing.",
           "Keep one of the two."});
    at->second = &setting;
  }
  for (const auto& [name, setting] : last)
    for (const auto& undefined : main.get(name).undefined)
      run.add({"name-undefined",
               S::warn,
               setting->where,
               undefined,
               {},
               "$" + printable(undefined, 60) + " in " + name + " is set nowhere, and stands for nothing.",
               "Set it, or correct the name."});
}

}  // namespace smtpdx::mta::postfix
