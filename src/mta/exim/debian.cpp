// SPDX-License-Identifier: Apache-2.0
//
// Debian generates Exim's configuration from a template (one file, or the files of conf.d) and a file of shell
// assignments, of which it makes macros (update-exim4.conf(8)). The same is done here in memory, so that what decides
// can be cited in the file that the administrator edits. The assignments are read, not run: a value that the shell
// would have to compute is a doubt.

#include "mta/exim/debian.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"

namespace smtpdx::mta::exim {
namespace {

using Values = std::map<std::string, std::string>;
constexpr std::string_view marker = "UPEX4CmacrosUPEX4C";
constexpr const char* settings_file = "update-exim4.conf.conf";

std::string shell_value(std::string_view raw) {
  std::string out;
  char quote = '\0';
  for (char c : trim(raw)) {
    if (quote == '\0' && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = '\0';
    else if (quote == '\0' && is_space(c))
      break;
    else
      out += c;
  }
  return out;
}

Values assignments(std::string_view text) {
  Values values;
  for (auto line : split_lines(text)) {
    line = trim(line);
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
    values[std::string(line.substr(0, equals))] = shell_value(line.substr(equals + 1));
  }
  return values;
}

/// Debian writes lists with semicolons; Exim has to be told.
std::string list_of(const std::string& value) {
  if (value.find(';') == std::string::npos || value.starts_with('<')) return value;
  return "<; " + value;
}

std::string local_domains(const std::string& other) {
  auto list = "@:localhost:" + other;
  while (!list.empty() && std::string_view(";: ").find(list.back()) != std::string_view::npos) list.pop_back();
  return replace_all(list, ";", ":");
}

std::string relay_networks(const std::string& value) {
  const auto list = list_of(value);
  return list + (list.starts_with("<;") ? " ; 127.0.0.1 ; ::1" : " : 127.0.0.1 : ::::1");
}

std::string macros_of(Values& v, const std::string& mail_name) {
  const auto type = to_lower(v["dc_eximconfig_configtype"]);
  std::vector<std::pair<std::string, std::string>> macros;
  if (!v["dc_local_interfaces"].empty())
    macros.emplace_back("MAIN_LOCAL_INTERFACES", list_of(v["dc_local_interfaces"]));
  if (v["dc_minimaldns"] == "true") macros.emplace_back("DC_minimaldns", "1");
  const bool smart = type == "satellite" || type == "smarthost";
  if (smart && v["dc_hide_mailname"] == "true" && !v["dc_readhost"].empty()) macros.emplace_back("HIDE_MAILNAME", "1");
  macros.emplace_back("MAIN_PACKAGE_VERSION", "4");
  macros.emplace_back("MAIN_LOCAL_DOMAINS", local_domains(v["dc_other_hostnames"]));
  macros.emplace_back("MAIN_RELAY_TO_DOMAINS", list_of(v["dc_relay_domains"]));
  macros.emplace_back("ETC_MAILNAME", mail_name);
  macros.emplace_back("LOCAL_DELIVERY", v["dc_localdelivery"].empty() ? "mail_spool" : v["dc_localdelivery"]);
  macros.emplace_back("MAIN_RELAY_NETS", relay_networks(v["dc_relay_nets"]));
  macros.emplace_back("DCreadhost", v["dc_readhost"]);
  macros.emplace_back("DCsmarthost", replace_all(v["dc_smarthost"], ";", ":"));
  macros.emplace_back("DC_eximconfig_configtype", type);
  macros.emplace_back("DCconfig_" + type, "1");
  for (const auto& [name, value] : v)
    if (name.front() >= 'A' && name.front() <= 'Z' && name != "CFILEMODE") macros.emplace_back(name, value);
  std::string text;
  for (const auto& [name, value] : macros)
    text += ".ifndef " + name + "\n" + name + "=" + to_lower(value) + "\n.endif\n";
  return text;
}

/// The parts of one file, with the macros put in behind the marker's line.
void add_file(std::vector<Source::Part>& parts, Directory::File file, const std::string& macros) {
  for (std::size_t at = 0, line = 1; at < file.text.size(); ++line) {
    const auto end = std::min(file.text.find('\n', at), file.text.size() - 1);
    const bool here = std::string_view(file.text).substr(at).starts_with(marker);
    at = end + 1;
    if (!here) continue;
    parts.push_back({{file.name, file.text.substr(0, at)}, 0});
    if (!macros.empty()) parts.push_back({{settings_file, macros}, 0});
    parts.push_back({{file.name, file.text.substr(at)}, static_cast<unsigned>(line)});
    return;
  }
  parts.push_back({std::move(file), 0});
}

bool usual_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

Result<void> add_split(std::vector<Source::Part>& parts, const Directory& directory, const std::string& macros) {
  static constexpr std::array<const char*, 7> sections = {"main",  "acl",     "router", "transport",
                                                          "retry", "rewrite", "auth"};
  for (const auto* section : sections) {
    const auto folder = std::string("conf.d/") + section;
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory.root() / folder, error), end; !error && it != end;
         it.increment(error))
      if (usual_name(it->path().filename().string())) names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      auto file = directory.read(folder + "/" + name + ".rul");
      if (!file) file = directory.read(folder + "/" + name);
      if (!file) return std::unexpected(file.error());
      add_file(parts, std::move(*file), macros);
    }
  }
  return {};
}

std::string mail_name_of(const Directory& directory) {
  const auto file = directory.read("mailname");
  return file ? to_lower(trim(std::string_view(file->text).substr(0, file->text.find('\n')))) : std::string();
}

}  // namespace

Result<std::vector<Source::Part>> main_files(const Directory& directory) {
  std::vector<Source::Part> parts;
  for (const char* name : {"exim.conf", "exim4.conf", "configure"}) {
    auto file = directory.read(name);
    if (file) {
      parts.push_back({std::move(*file), 0});
      return parts;
    }
    if (file.error().kind != ErrorKind::unreadable) return std::unexpected(file.error());
  }
  Values values;
  const auto settings = directory.read(settings_file);
  if (settings) values = assignments(settings->text);
  const auto type = to_lower(values["dc_eximconfig_configtype"]);
  const bool generated = type == "internet" || type == "smarthost" || type == "satellite" || type == "local";
  const auto macros = generated ? macros_of(values, mail_name_of(directory)) : std::string();
  auto single = directory.read("exim4.conf.template");
  if (to_lower(values["dc_use_split_config"]) == "true" || !single) {
    if (auto ok = add_split(parts, directory, macros); !ok) return std::unexpected(ok.error());
    if (!parts.empty()) return parts;
    return fail(ErrorKind::unreadable, "there is no exim.conf, no exim4.conf.template and no conf.d",
                "give the directory that holds the server's configuration, exim:/etc/exim4");
  }
  if (auto local = directory.read("exim4.conf.localmacros")) parts.push_back({std::move(*local), 0});
  add_file(parts, std::move(*single), macros);
  return parts;
}

}  // namespace smtpdx::mta::exim
