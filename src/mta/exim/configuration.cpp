// SPDX-License-Identifier: Apache-2.0
//
// One pass over the logical lines. What Exim would refuse to start with ends the reading and becomes `fatal`; options
// that are not known here are a doubt, not a fault: another version may have them.

#include "mta/exim/configuration.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/acl_syntax.hpp"
#include "mta/exim/debian.hpp"
#include "mta/exim/lookups.hpp"
#include "mta/exim/options.hpp"
#include "mta/exim/source.hpp"

namespace smtpdx::mta::exim {
namespace {

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool word_octet(char c) { return is_digit(c) || c == '_' || upper(c) || (c >= 'a' && c <= 'z'); }

std::string_view word_of(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && word_octet(text[end])) ++end;
  return text.substr(0, end);
}

std::unexpected<Error> wrong(const std::string& what) { return fail(ErrorKind::malformed, what); }

std::optional<ListKind> list_kind(std::string_view word) {
  if (word == "domainlist") return ListKind::domain;
  if (word == "hostlist") return ListKind::host;
  if (word == "addresslist") return ListKind::address;
  if (word == "localpartlist") return ListKind::local_part;
  return std::nullopt;
}

/// "name", "no_name", "not_name" or "name = value"; the second of a boolean may be yes, no, true, false.
Result<std::pair<std::string, Setting>> option_line(const Line& line, std::string_view text) {
  auto name = std::string(word_of(text));
  auto rest = trim(text.substr(name.size()));
  Setting setting{{}, line.where};
  if (name.empty()) return wrong("\"" + printable(text, 60) + "\" is no option setting");
  if (rest.starts_with('=')) {
    auto value = unquoted(rest.substr(1));
    if (!value) return std::unexpected(value.error());
    setting.value = std::move(*value);
    return std::pair(std::move(name), std::move(setting));
  }
  if (!rest.empty()) return wrong("\"=\" is missing after \"" + printable(name, 40) + "\"");
  setting.value = "true";
  for (std::string_view prefix : {"no_", "not_"}) {
    if (!name.starts_with(prefix)) continue;
    name = name.substr(prefix.size());
    setting.value = "false";
    break;
  }
  return std::pair(std::move(name), std::move(setting));
}

class Reader {
 public:
  Reader(Configuration& configuration, Source& source) : c_(configuration), source_(source) {}

  Result<void> run() {
    while (true) {
      auto line = source_.next();
      if (!line) return stop(line.error());
      if (!*line) return {};
      if (auto ok = take(**line); !ok) return stop_at(ok.error(), (*line)->where);
    }
  }

 private:
  /// Malformed as the server sees it: it does not start. Anything else is our own failure.
  Result<void> stop(const Error& error) {
    if (error.kind != ErrorKind::malformed) return std::unexpected(error);
    const auto colon = error.message.find(": ");
    c_.fatal = Setting{colon == std::string::npos ? error.message : error.message.substr(colon + 2), place_in(error)};
    return {};
  }
  Result<void> stop_at(const Error& error, const Where& where) {
    if (error.kind != ErrorKind::malformed) return std::unexpected(error);
    c_.fatal = Setting{error.message, where};
    return {};
  }
  static Where place_in(const Error& error) {
    const auto place = error.message.substr(0, error.message.find(": "));
    const auto colon = place.rfind(':');
    if (colon == std::string::npos) return {};
    return {place.substr(0, colon), static_cast<unsigned>(parse_number(place.substr(colon + 1)).value_or(0))};
  }

  Result<void> take(const Line& line) {
    const std::string_view text(line.text);
    if (word_of(text) == "begin") {
      section_ = std::string(trim(text.substr(5)));
      return {};
    }
    if (upper(text.front()) && section_ != "retry" && section_ != "rewrite" && is_macro(text)) return macro(text);
    if (section_.empty()) return main_line(line);
    if (section_ == "acl") return acl_line(line);
    if (section_ == "routers") return driver_line(c_.routers, line);
    if (section_ == "transports") return driver_line(c_.transports, line);
    if (section_ == "authenticators") return driver_line(c_.authenticators, line);
    if (section_ == "rewrite")
      c_.rewrites.push_back({line.text, line.where});
    else if (section_ != "retry" && section_ != "local_scan")
      return wrong("\"" + printable(section_, 40) + "\" is no section");
    return {};
  }

  static bool is_macro(std::string_view text) { return trim(text.substr(word_of(text).size())).starts_with('='); }

  Result<void> macro(std::string_view text) {
    const auto name = std::string(word_of(text));
    auto rest = trim(trim(text.substr(name.size())).substr(1));
    const bool again = rest.starts_with('=');
    if (again) rest = trim(rest.substr(1));
    return source_.define(name, std::string(rest), again);
  }

  Result<void> main_line(const Line& line) {
    std::string_view text(line.text);
    if (word_of(text) == "hide") text = trim(text.substr(4));
    auto word = word_of(text);
    if (word.ends_with("_cache") && list_kind(word.substr(0, word.size() - 6))) {
      text = text.substr(word.size());
      return named_list(*list_kind(word.substr(0, word.size() - 6)), trim(text), line);
    }
    if (const auto kind = list_kind(word)) return named_list(*kind, trim(text.substr(word.size())), line);
    auto option = option_line(line, text);
    if (!option) return std::unexpected(option.error());
    if (!known_main_option(option->first))
      c_.doubts.push_back(line.where.to_string() + ": what the option \"" + printable(option->first, 60) + "\" does");
    if (c_.main.contains(option->first))
      return wrong("the option \"" + option->first + "\" is set for the second time");
    c_.main.emplace(std::move(option->first), std::move(option->second));
    return {};
  }

  Result<void> named_list(ListKind kind, std::string_view text, const Line& line) {
    const auto name = word_of(text);
    const auto rest = trim(text.substr(name.size()));
    if (name.empty() || !rest.starts_with('=')) return wrong("\"=\" is missing after the name of a list");
    auto value = unquoted(rest.substr(1));
    if (!value) return std::unexpected(value.error());
    if (!c_.lists[kind].try_emplace(std::string(name), Setting{std::move(*value), line.where}).second)
      return wrong("the list \"" + printable(name, 40) + "\" is defined twice");
    return {};
  }

  /// "name:" begins a new ACL or driver.
  static std::optional<std::string> label(std::string_view text) {
    const auto name = word_of(text);
    if (name.empty() || trim(text.substr(name.size())) != ":") return std::nullopt;
    return std::string(name);
  }

  Result<void> acl_line(const Line& line) {
    if (auto name = label(line.text)) {
      const auto [at, fresh] = c_.acls.try_emplace(*name, Acl{*name, {}, line.where});
      if (!fresh) return wrong("there are two ACLs named \"" + printable(*name, 40) + "\"");
      acl_ = &at->second;
      return {};
    }
    if (acl_ == nullptr) return wrong("an ACL must begin with its name and a colon");
    return add_acl_line(*acl_, line);
  }

  Result<void> driver_line(std::vector<Driver>& drivers, const Line& line) {
    if (auto name = label(line.text)) {
      for (const auto& driver : drivers)
        if (driver.name == *name) return wrong("there are two drivers named \"" + printable(*name, 40) + "\"");
      drivers.push_back({*name, {}, line.where});
      return {};
    }
    if (drivers.empty()) return wrong("a driver must begin with its name and a colon");
    std::string_view text(line.text);
    if (word_of(text) == "hide") text = trim(text.substr(4));
    auto option = option_line(line, text);
    if (!option) return std::unexpected(option.error());
    auto& options = drivers.back().options;
    if (options.contains(option->first) && option->first != "set" && option->first != "headers_add" &&
        option->first != "headers_remove")
      return wrong("the option \"" + option->first + "\" of " + drivers.back().name + " is set for the second time");
    options.insert_or_assign(std::move(option->first), std::move(option->second));
    return {};
  }

  Configuration& c_;
  Source& source_;
  std::string section_;
  Acl* acl_ = nullptr;
};

/// What Exim finds out only when it has read all.
void check_whole(Configuration& c) {
  if (c.fatal) return;
  for (const auto& rule : c.rewrites) {
    const auto words = split_words(rule.value);
    if (words.size() > 2 && words.back().find('S') != std::string_view::npos)
      c.doubts.push_back(rule.where.to_string() + ": what the rewriting rule makes of the addresses");
  }
  for (const auto* drivers : {&c.routers, &c.transports, &c.authenticators})
    for (const auto& driver : *drivers)
      if (driver.option("driver") == nullptr && !c.fatal)
        c.fatal = Setting{"no driver is given for \"" + driver.name + "\"", driver.where};
  for (const auto& router : c.routers) {
    const auto transport = router.text("transport");
    const bool dynamic = transport.empty() || transport.find('$') != std::string::npos;
    const bool there = dynamic || std::any_of(c.transports.begin(), c.transports.end(),
                                              [&](const Driver& t) { return t.name == transport; });
    if (!there && !c.fatal)
      c.fatal =
          Setting{"the transport \"" + printable(transport, 60) + "\" is not there", router.option("transport")->where};
  }
}

}  // namespace

const Setting* Driver::option(std::string_view name) const {
  const auto at = options.find(name);
  return at == options.end() ? nullptr : &at->second;
}

std::string Driver::text(std::string_view name) const {
  const auto* setting = option(name);
  return setting == nullptr ? std::string() : setting->value;
}

bool Driver::flag(std::string_view name, bool otherwise) const {
  const auto* setting = option(name);
  return setting == nullptr ? otherwise : iequals(setting->value, "true") || iequals(setting->value, "yes");
}

std::string Configuration::text(std::string_view option, std::string_view otherwise) const {
  const auto at = main.find(option);
  return at == main.end() ? std::string(otherwise) : at->second.value;
}

bool Configuration::flag(std::string_view option, bool otherwise) const {
  const auto at = main.find(option);
  return at == main.end() ? otherwise : iequals(at->second.value, "true") || iequals(at->second.value, "yes");
}

Result<Configuration> load(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    return fail(ErrorKind::unreadable, path.string() + " is no directory",
                "give the configuration directory, exim:/etc/exim4");
  Configuration configuration;
  configuration.directory = std::make_shared<const Directory>(
      path, std::vector<std::string>{"/etc/exim4", "/etc/exim", "/usr/local/etc/exim", "/usr/exim", "/etc"});
  configuration.files = std::make_shared<Files>(configuration.directory);
  auto files = main_files(*configuration.directory);
  if (!files) return std::unexpected(files.error());
  Source source(*configuration.directory, std::move(*files));
  if (auto ok = Reader(configuration, source).run(); !ok) return std::unexpected(ok.error());
  check_whole(configuration);
  return configuration;
}

}  // namespace smtpdx::mta::exim
