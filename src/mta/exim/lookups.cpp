// SPDX-License-Identifier: Apache-2.0
//
// A file that the configuration names and that is not in the directory makes the answer open: whoever copied the
// directory may have forgotten it. Only ${if exists is answered "no" for a file that would lie in the directory: that
// is asked about files that may be missing.

#include "mta/exim/lookups.hpp"

#include <algorithm>
#include <array>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_kept = 20'000, max_entries = 500'000;

/// The key of a line, in quotes or up to a colon or space; what is left is the data.
std::string take_key(std::string_view& line) {
  std::string key;
  std::size_t at = 0;
  if (line.starts_with('"')) {
    for (at = 1; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && at + 1 < line.size()) ++at;
      key += line[at];
    }
    ++at;
  } else {
    while (at < line.size() && line[at] != ':' && !is_space(line[at])) key += line[at++];
  }
  auto rest = trim(line.substr(std::min(at, line.size())));
  if (rest.starts_with(':')) rest = trim(rest.substr(1));
  line = rest;
  return key;
}

SearchFile parse_search(const std::string& name, std::string_view text) {
  SearchFile file;
  file.name = name;
  unsigned number = 0;
  while (!text.empty() && file.entries.size() < max_entries) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (trim(line).empty() || line.front() == '#') continue;
    if (is_space(line.front())) {
      if (!file.entries.empty()) file.entries.back().data += " " + std::string(trim(line));
      continue;
    }
    SearchFile::Entry entry;
    entry.line = number;
    entry.key = take_key(line);
    entry.data = std::string(line);
    file.first.try_emplace(to_lower(entry.key), file.entries.size());
    file.entries.push_back(std::move(entry));
  }
  return file;
}

Found open_answer(std::string why) { return {Found::open, {}, std::move(why), {}}; }

Found entry_found(const SearchFile& file, const SearchFile::Entry& entry) {
  return {Found::yes, Text{Text::ok, entry.data, {}, false}, file.name + ":" + std::to_string(entry.line), {}};
}

/// wildlsearch: the keys of the file are patterns.
Found wild_search(Context& c, const SearchFile& file, const std::string& key, bool expand_keys) {
  for (const auto& entry : file.entries) {
    auto pattern = Text{Text::ok, entry.key, {}, false};
    if (expand_keys) pattern = expand(c, entry.key);
    if (!pattern.good()) return open_answer("the key in " + file.name + ":" + std::to_string(entry.line));
    // One item, whatever it holds: a separator that cannot occur.
    const auto match = match_string(c, key, "<\n " + pattern.value, Expanding::no);
    if (match.answer == Answer::yes) return entry_found(file, entry);
    if (match.answer != Answer::no) return {Found::deferred, {}, match.why, {}};
  }
  return {};
}

Found address_search(const SearchFile& file, const std::string& key) {
  const auto address = IpAddress::parse(key.substr(0, key.find('/')));
  if (!address) return {Found::deferred, {}, "\"" + printable(key, 60) + "\" is no key of iplsearch", {}};
  for (const auto& entry : file.entries) {
    const auto network = Network::parse(entry.key);
    if (network && network->contains(*address)) return entry_found(file, entry);
  }
  return {};
}

Found directory_search(Context& c, const std::string& folder, const std::string& key) {
  if (key.find('/') != std::string::npos) return {Found::deferred, {}, "key for dsearch lookup contains a slash", {}};
  const auto there = c.configuration.files->exists(folder + "/" + key);
  if (!there) return open_answer("what the folder " + printable(folder, 100) + " holds");
  if (!*there || key == "." || key == ".." || key.empty()) return {};
  return {Found::yes, Text{Text::ok, key, {}, false}, folder + "/" + key, {}};
}

Found one_key(Context& c, const LookupType& type, const std::string& key, const std::string& name) {
  if (type.name == "dsearch") return directory_search(c, name, key);
  static constexpr std::array<std::string_view, 4> readable = {"lsearch", "wildlsearch", "nwildlsearch", "iplsearch"};
  if (std::find(readable.begin(), readable.end(), type.name) == readable.end())
    return open_answer("what " + type.name + " finds for " + printable(key, 60) + " in " + printable(name, 100));
  std::string why;
  const auto* file = c.configuration.files->search(name, why);
  if (file == nullptr) {
    if (!c.ask("whether " + printable(name, 100) + " is there on the server (" + why + ")"))
      return {Found::failed, {}, "failed to open " + printable(name, 100), {}};
    return open_answer("what " + printable(name, 100) + " holds");
  }
  if (type.name == "iplsearch") return address_search(*file, key);
  if (type.name != "lsearch") return wild_search(c, *file, key, type.name == "wildlsearch");
  const auto at = file->first.find(to_lower(key));
  return at == file->first.end() ? Found{} : entry_found(*file, file->entries[at->second]);
}

/// partial-: the key, then "*." before it, then before what is left of it without its first components.
Found partial(Context& c, const LookupType& type, const std::string& key, const std::string& name) {
  auto found = one_key(c, type, key, name);
  if (found.state != Found::no || type.partial < 0) return found;
  const auto finish = [&](Found hit, std::string_view wild, std::string_view fixed) {
    hit.wild = {key, std::string(wild), std::string(fixed)};
    return hit;
  };
  found = one_key(c, type, type.affix + key, name);
  if (found.state != Found::no) return found.state == Found::yes ? finish(std::move(found), "", key) : found;
  auto left = static_cast<int>(std::count(key.begin(), key.end(), '.')) + 1;
  for (std::string_view rest(key); left > std::max(type.partial, 1);) {
    rest.remove_prefix(rest.find('.') + 1);
    --left;
    found = one_key(c, type, type.affix + std::string(rest), name);
    if (found.state == Found::no) continue;
    return found.state == Found::yes
               ? finish(std::move(found), std::string_view(key).substr(0, key.size() - rest.size() - 1), rest)
               : found;
  }
  if (type.partial != 0 || type.affix.empty()) return {};
  const auto bare = type.affix.ends_with('.') ? type.affix.substr(0, type.affix.size() - 1) : type.affix;
  found = one_key(c, type, bare, name);
  return found.state == Found::yes ? finish(std::move(found), key, "") : found;
}

Found with_stars(Context& c, const LookupType& type, const std::string& key, const std::string& name) {
  auto found = partial(c, type, key, name);
  if (found.state == Found::no && type.star_at) {
    const auto at = key.rfind('@');
    if (at != std::string::npos) {
      found = one_key(c, type, "*" + key.substr(at), name);
      if (found.state == Found::yes) found.wild = {key, key.substr(0, at)};
    }
  }
  if (found.state == Found::no && (type.star || type.star_at)) {
    found = one_key(c, type, "*", name);
    if (found.state == Found::yes) found.wild = {key, key};
  }
  return found;
}

}  // namespace

const std::string* Files::text(const std::string& name, std::string& why) {
  auto at = texts_.find(name);
  if (at == texts_.end()) {
    if (++kept_ > max_kept) {
      why = "too many files";
      return nullptr;
    }
    Read read;
    auto file = directory_->read(name);
    if (file)
      read.text = std::move(file->text);
    else
      read.why = file.error().message;
    at = texts_.emplace(name, std::move(read)).first;
  }
  why = at->second.why;
  return at->second.text ? &*at->second.text : nullptr;
}

const SearchFile* Files::search(const std::string& name, std::string& why) {
  const auto at = searches_.find(name);
  if (at != searches_.end()) return &at->second;
  const auto* all = text(name, why);
  if (all == nullptr) return nullptr;
  return &searches_.emplace(name, parse_search(directory_->inside(name).value_or(name), *all)).first->second;
}

const Regex& Files::regex(const std::string& pattern, Regex::Case letters) {
  if (regexes_.size() > max_kept) regexes_.clear();
  auto& kept = regexes_[{pattern, letters == Regex::Case::ignored}];
  if (!kept) kept = std::make_unique<Regex>(pattern, letters);
  return *kept;
}

std::shared_ptr<const std::vector<std::string>> Files::items(std::string_view list) {
  if (items_.size() > max_kept) items_.clear();
  const auto at = items_.find(list);
  if (at != items_.end()) return at->second;
  return items_.emplace(std::string(list), std::make_shared<const std::vector<std::string>>(list_items(list)))
      .first->second;
}

std::optional<bool> Files::exists(const std::string& name) {
  const auto known = there_.find(name);
  if (known != there_.end()) return known->second;
  if (there_.size() > max_kept) there_.clear();
  return there_[name] = looked_for(name);
}

std::optional<bool> Files::looked_for(const std::string& name) const {
  const auto inside = directory_->inside(name);
  if (!inside) return name == "/" || name == "/etc" ? std::optional(true) : std::nullopt;
  std::error_code error;
  if (std::filesystem::exists(directory_->root() / *inside, error)) return true;
  // Below /etc, but not where Exim's own files are: other files that nobody had a reason to copy.
  const bool own = name.starts_with("/etc/exim4/") || name.starts_with("/etc/exim/") || !name.starts_with("/etc/");
  return own ? std::optional(false) : std::nullopt;
}

LookupType lookup_type(std::string_view spec) {
  LookupType type;
  const auto comma = spec.find(',');
  if (comma != std::string_view::npos) {
    type.options = std::string(spec.substr(comma + 1));
    spec = spec.substr(0, comma);
  }
  if (spec.starts_with("partial")) {
    auto rest = spec.substr(7);
    std::size_t digits = 0;
    while (digits < rest.size() && is_digit(rest[digits])) ++digits;
    type.partial = digits == 0 ? 2 : static_cast<int>(parse_number(rest.substr(0, digits)).value_or(2));
    rest.remove_prefix(digits);
    if (rest.starts_with('(')) {
      const auto close = rest.find(')');
      type.affix = std::string(rest.substr(1, close == std::string_view::npos ? close : close - 1));
      rest = close == std::string_view::npos ? std::string_view() : rest.substr(close + 1);
    }
    if (rest.starts_with('-')) rest.remove_prefix(1);
    spec = rest;
  }
  type.star_at = spec.ends_with("*@");
  type.star = !type.star_at && spec.ends_with('*');
  spec.remove_suffix(type.star_at ? 2 : type.star ? 1 : 0);
  type.name = std::string(spec);
  static constexpr std::array<std::string_view, 13> single = {
      "lsearch", "wildlsearch", "nwildlsearch", "iplsearch", "dsearch", "cdb",  "dbm",
      "dbmnz",   "dbmjz",       "json",         "nis",       "lmdb",    "redis"};
  static constexpr std::array<std::string_view, 15> query = {"mysql",  "pgsql",  "sqlite", "ldap",   "ldapdn",
                                                             "ldapm",  "dnsdb",  "oracle", "ibase",  "nisplus",
                                                             "passwd", "whoson", "spf",    "testdb", "redis"};
  type.query = std::find(query.begin(), query.end(), spec) != query.end();
  type.known = type.query || std::find(single.begin(), single.end(), spec) != single.end();
  return type;
}

Found look_up(Context& c, const LookupType& type, const std::string& key, const Text& file) {
  if (type.name == "dnsdb") return dns_lookup(c, key);
  if (type.query) return open_answer("what " + type.name + " says to \"" + printable(key, 100) + "\"");
  if (holds_password(key)) return open_answer("what a look-up of the password finds");
  if (file.tainted) return {Found::failed, {}, "Tainted filename for search: '" + printable(file.value, 100) + "'", {}};
  if (!file.value.starts_with('/')) return {Found::deferred, {}, "absolute file name expected for " + type.name, {}};
  auto found = with_stars(c, type, key, file.value);
  if (found.state == Found::yes && type.options.find("ret=key") != std::string::npos)
    found.data = Text{Text::ok, key, {}, false};
  if (found.state == Found::yes && type.name == "dsearch" && type.options.find("ret=full") != std::string::npos)
    found.data.value = file.value + "/" + key;
  return found;
}

}  // namespace smtpdx::mta::exim
