// SPDX-License-Identifier: Apache-2.0
//
// The order of things within one physical line is the server's: comment, macros, comment again (a macro may make one),
// directive, and only then continuation. Macros are plain substrings, replaced one after the other in the order of
// their definitions; the condition of .ifdef is "was anything replaced in this line".

#include "mta/exim/source.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_lines = 200'000, max_line = 256u << 10, max_includes = 64, max_macros = 5000;

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool name_octet(char c) { return upper(c) || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; }

std::string_view without_leading(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view without_trailing(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Where macro replacement begins: behind the name that is being defined, so that it can be defined again.
std::size_t behind_definition(std::string_view line) {
  if (line.empty() || !upper(line.front())) return 0;
  std::size_t at = 0;
  while (at < line.size() && name_octet(line[at])) ++at;
  while (at < line.size() && is_space(line[at])) ++at;
  return at < line.size() && line[at] == '=' ? at : 0;
}

/// What Exim defines by itself, as far as configurations ask for it: Debian's exim4-daemon-heavy.
bool built_in_macro(std::string_view word) {
  static const std::set<std::string_view> have = {"_HAVE_CONTENT_SCANNING",
                                                  "_HAVE_CRYPTEQ",
                                                  "_HAVE_DANE",
                                                  "_HAVE_DKIM",
                                                  "_HAVE_DLFUNC",
                                                  "_HAVE_DNSSEC",
                                                  "_HAVE_EVENT",
                                                  "_HAVE_GNUTLS",
                                                  "_HAVE_I18N",
                                                  "_HAVE_ICONV",
                                                  "_HAVE_IPV6",
                                                  "_HAVE_NATIVE_SRS",
                                                  "_HAVE_OCSP",
                                                  "_HAVE_PAM",
                                                  "_HAVE_PERL",
                                                  "_HAVE_PIPE_CONNECT",
                                                  "_HAVE_PRDR",
                                                  "_HAVE_PROXY",
                                                  "_HAVE_SOCKS",
                                                  "_HAVE_SPF",
                                                  "_HAVE_SRS",
                                                  "_HAVE_TLS",
                                                  "_HAVE_TLS1_3",
                                                  "_HAVE_TLS_ALPN",
                                                  "_HAVE_TLS_CA_CACHE",
                                                  "_HAVE_TLS_OCSP",
                                                  "_HAVE_TLS_RESUME",
                                                  "_HAVE_TCP_FASTOPEN"};
  if (have.contains(word)) return true;
  return word.starts_with("_OPT_MAIN_") || word.starts_with("_ACL_") || word.starts_with("_HAVE_LOOKUP_") ||
         word.starts_with("_HAVE_MALWARE_") || word.starts_with("_DRIVER_ROUTER_") || word.starts_with("_OPT_ROUTER") ||
         word.starts_with("_DRIVER_TRANSPORT_") || word.starts_with("_OPT_TRANSPORT") ||
         word.starts_with("_DRIVER_AUTHENTICATOR_") || word.starts_with("_OPT_AUTHENTICATOR");
}

}  // namespace

Source::Source(const Directory& directory, std::vector<Part> parts) : directory_(directory), later_(std::move(parts)) {
  std::reverse(later_.begin(), later_.end());
}

Where Source::here() const { return open_.empty() ? last_ : Where{open_.back().file.name, open_.back().line}; }

std::unexpected<Error> Source::wrong(const std::string& what) const {
  return fail(ErrorKind::malformed, here().to_string() + ": " + what);
}

std::optional<std::string_view> Source::physical() {
  while (true) {
    if (open_.empty()) {
      if (later_.empty()) return std::nullopt;
      open_.push_back({std::move(later_.back().file), 0, later_.back().before});
      later_.pop_back();
    }
    auto& open = open_.back();
    if (open.at >= open.file.text.size()) {
      last_ = here();
      open_.pop_back();
      continue;
    }
    const std::string_view text(open.file.text);
    const auto end = std::min(text.find('\n', open.at), text.size());
    const auto line = text.substr(open.at, end - open.at);
    open.at = end + 1;
    ++open.line;
    return line;
  }
}

Result<bool> Source::substitute(std::string& line, std::size_t from) const {
  bool any = false;
  for (const auto& macro : macros_) {
    for (auto at = line.find(macro.name, from); at != std::string::npos; at = line.find(macro.name, at)) {
      line.replace(at, macro.name.size(), macro.value);
      at += macro.value.size();
      any = true;
      if (line.size() > max_line) return fail(ErrorKind::limit, here().to_string() + ": macros make it a huge line");
    }
  }
  return any;
}

Result<bool> Source::conditional(std::string_view word, bool substituted) {
  if (word == "ifdef" || word == "ifndef") {
    const bool holds = substituted == (word == "ifdef");
    const bool outer = !skipping();
    blocks_.push_back({holds, outer && holds, outer});
    if (blocks_.size() > 1000) return fail(ErrorKind::limit, here().to_string() + ": .ifdef nested too deeply");
    return true;
  }
  if (word != "elifdef" && word != "elifndef" && word != "else" && word != "endif") return false;
  if (blocks_.empty()) return wrong("." + std::string(word) + " without .ifdef");
  if (word == "endif") {
    blocks_.pop_back();
    return true;
  }
  auto& block = blocks_.back();
  const bool holds = !block.taken && (word == "else" || substituted == (word == "elifdef"));
  block.active = block.outer && holds;
  block.taken = block.taken || holds;
  return true;
}

Result<void> Source::include(const std::string& line) {
  const bool optional = line.starts_with(".include_if_exists");
  auto name = std::string(trim(std::string_view(line).substr(optional ? 18 : 8)));
  if (name.size() > 1 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  if (name.empty()) return wrong(".include names no file");
  if (open_.size() > max_includes)
    return fail(ErrorKind::limit, here().to_string() + ": files that include each other");
  if (name.front() != '/') {
    if (optional) return wrong(".include_if_exists wants a name that begins with /");
    name = (std::filesystem::path(here().file).parent_path() / name).string();
  }
  auto file = directory_.read(name);
  if (file) {
    open_.push_back({std::move(*file), 0, 0});
    return {};
  }
  const bool absent = file.error().kind == ErrorKind::unreadable;
  if (optional && absent) return {};
  return fail(file.error().kind, here().to_string() + ": .include: " + file.error().message,
              "copy that file into the directory under the same name");
}

/// True where the line was one and has been dealt with.
Result<bool> Source::directive(const std::string& line, bool substituted) {
  if (line.empty() || line.front() != '.') return false;
  std::size_t end = 1;
  while (end < line.size() && name_octet(line[end])) ++end;
  const auto word = std::string_view(line).substr(1, end - 1);
  bool holds = substituted;
  if (!holds && word.ends_with("def"))
    for (auto name : split_words(std::string_view(line).substr(end))) holds = holds || built_in_macro(name);
  auto done = conditional(word, holds);
  if (!done || *done) return done;
  if (skipping()) return true;
  if (word != "include" && word != "include_if_exists") return wrong("\"" + printable(line, 40) + "\" is no directive");
  if (auto ok = include(line); !ok) return std::unexpected(ok.error());
  return true;
}

Result<std::optional<Line>> Source::next() {
  std::string logical;
  bool continued = false;
  while (auto raw = physical()) {
    if (++lines_ > max_lines) return fail(ErrorKind::limit, here().to_string() + ": more than 200,000 lines");
    auto line = std::string(without_leading(*raw));
    if (line.starts_with('#')) continue;
    auto any = substitute(line, continued ? 0 : behind_definition(line));
    if (!any) return std::unexpected(any.error());
    line = std::string(without_leading(line));
    if (line.starts_with('#')) continue;
    auto done = directive(line, *any);
    if (!done) return std::unexpected(done.error());
    if (*done || skipping()) continue;
    logical += line;
    if (logical.size() > max_line) return fail(ErrorKind::limit, here().to_string() + ": a huge line");
    logical = std::string(without_trailing(logical));
    if (logical.empty()) continue;
    continued = logical.ends_with('\\');
    if (!continued) return Line{std::move(logical), here()};
    logical.pop_back();
  }
  if (!blocks_.empty()) return wrong("an .ifdef block is never closed");
  if (logical.empty()) return std::optional<Line>();
  return Line{std::move(logical), here()};
}

bool Source::defined(std::string_view name) const {
  return std::any_of(macros_.begin(), macros_.end(), [&](const Macro& macro) { return macro.name == name; });
}

Result<void> Source::define(const std::string& name, const std::string& value, bool again) {
  for (auto& macro : macros_) {
    if (macro.name == name) {
      if (!again) return wrong("macro \"" + printable(name, 40) + "\" is defined already (use == to redefine it)");
      macro.value = value;
      return {};
    }
    if (name.find(macro.name) != std::string::npos)
      return wrong("\"" + printable(name, 40) + "\" cannot be a macro, because the macro \"" +
                   printable(macro.name, 40) + "\" is a part of it");
  }
  if (again) return wrong("macro \"" + printable(name, 40) + "\" is redefined, but was never defined");
  if (macros_.size() >= max_macros) return fail(ErrorKind::limit, here().to_string() + ": too many macros");
  macros_.push_back({name, value});
  return {};
}

Result<std::string> unquoted(std::string_view value) {
  value = trim(value);
  if (!value.starts_with('"')) return std::string(value);
  std::string out;
  for (std::size_t at = 1; at < value.size(); ++at) {
    if (value[at] == '"') return out;
    if (value[at] != '\\' || at + 1 == value.size()) {
      out += value[at];
      continue;
    }
    const char c = value[++at];
    if (c >= '0' && c <= '7') {
      unsigned code = 0;
      for (int digits = 0; digits < 3 && at < value.size() && value[at] >= '0' && value[at] <= '7'; ++digits)
        code = code * 8 + static_cast<unsigned>(value[at++] - '0');
      --at;
      out += static_cast<char>(code);
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
  }
  return fail(ErrorKind::malformed, "a quote is never closed");
}

}  // namespace smtpdx::mta::exim
