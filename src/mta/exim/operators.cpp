// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <functional>

#include "base/encoding.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}

/// substr and length, with the arguments as they stand in the name: a negative start counts from the end.
std::optional<std::string> part_of(const std::string& text, std::string_view arguments, bool length_only) {
  long long start = 0;
  std::optional<long long> length;
  const auto words = split(arguments, '_');
  const auto first = number_of(words[0]);
  if (!first) return std::nullopt;
  if (length_only) {
    length = *first;
  } else {
    start = *first;
    if (words.size() > 1) {
      length = number_of(words[1]);
      if (!length) return std::nullopt;
    }
  }
  const auto size = static_cast<long long>(text.size());
  if (start < 0) {
    if (!length) {  // ${substr_-3:…}: what stands before
      return text.substr(0, static_cast<std::size_t>(std::max(0ll, size + start)));
    }
    start += size;
    if (start < 0) {
      *length += start;
      start = 0;
    }
  }
  if (start >= size || (length && *length <= 0)) return std::string();
  return text.substr(static_cast<std::size_t>(start), length ? static_cast<std::size_t>(*length) : std::string::npos);
}

std::string full_v6(const IpAddress& address, char separator) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  const auto octets = address.bytes();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (i > 0 && i % 2 == 0) out += separator;
    const auto octet = static_cast<unsigned char>(octets[i]);
    out += hex[octet >> 4];
    out += hex[octet & 15];
  }
  return out;
}

/// ${mask:10.1.2.3/16} is 10.1.0.0/16; IPv6 with dots and in full.
std::optional<std::string> masked(std::string_view text, bool colons) {
  const auto network = Network::parse(trim(text));
  if (!network || text.find('/') == std::string_view::npos) return std::nullopt;
  const auto prefix = "/" + std::to_string(network->prefix);
  if (!network->base.is_v6()) return network->base.to_string() + prefix;
  return (colons ? network->base.to_string() : full_v6(network->base, '.')) + prefix;
}

std::string quoted(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || c == '_' || c == '-' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (plain) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n' || c == '\r') {
      out += c == '\n' ? "\\n" : "\\r";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string rx_quoted(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

/// The part of an address; empty where it is none.
std::string address_part(const std::string& text, std::string_view which) {
  const auto path = parse_path(text, {.literals = true, .unqualified = true});
  if (!path.good()) return {};
  if (which == "address") return path.full();
  return which == "domain" ? path.domain : local_part_part(path.written);
}

Text with(const Text& from, std::string value) { return {Text::ok, std::move(value), {}, from.tainted}; }

Text named(Context& c, std::string_view type, const std::string& name) {
  static constexpr std::pair<std::string_view, ListKind> kinds[] = {
      {"d", ListKind::domain}, {"h", ListKind::host}, {"a", ListKind::address}, {"l", ListKind::local_part}};
  for (const auto& [letter, kind] : kinds) {
    if (!type.empty() && type != letter) continue;
    if (const auto* list = named_list(c, name.starts_with('+') ? name.substr(1) : name, kind))
      return expand(c, list->value);
  }
  return {Text::failed, {}, "\"" + printable(name, 60) + "\" is no named list", false};
}

Text arithmetic(const std::string& text) {
  std::string why;
  const auto value = evaluate(text, why);
  if (!value) return {Text::failed, {}, "error in expression evaluation: " + why, false};
  return {Text::ok, std::to_string(*value), {}, false};
}

std::optional<Text> on_text(Context& c, std::string_view op, std::string_view arguments, const Text& t) {
  const auto& s = t.value;
  if (op == "lc") return with(t, to_lower(s));
  if (op == "uc") return with(t, upper(s));
  if (op == "strlen") return with(t, std::to_string(s.size()));
  if (op == "domain" || op == "local_part" || op == "address") return with(t, address_part(s, op));
  if (op == "quote") return with(t, quoted(s));
  if (op == "rxquote") return with(t, rx_quoted(s));
  if (op == "listcount") return with(t, std::to_string(list_items(s).size()));
  if (op == "listnamed") return named(c, arguments, s);
  if (op == "expand") {
    if (t.tainted) return Text{Text::failed, {}, "attempt to expand tainted string", false};
    return expand(c, s);
  }
  if (op == "eval" || op == "eval10") return arithmetic(s);
  if (op == "escape" || op == "escape8bit" || op == "utf8clean" || op == "from_utf8" || op == "rfc2047d") return t;
  if (op == "base64" || op == "str2b64") return with(t, base64_encode(s));
  if (op == "base64d") {
    auto decoded = base64_decode(s);
    return decoded ? with(t, std::move(*decoded)) : Text{Text::failed, {}, "no well-formed base64", false};
  }
  if (op == "quote_local_part") return with(t, quote_local_part(s));
  return std::nullopt;
}

std::optional<Text> on_address(std::string_view op, std::string_view arguments, const Text& t) {
  if (op == "mask") {
    auto text = masked(t.value, arguments == "n");
    if (text) return with(t, std::move(*text));
    return Text{Text::failed, {}, "\"" + printable(t.value, 60) + "\" is no masked address", false};
  }
  if (op != "reverse_ip" && op != "ipv6denorm" && op != "ipv6norm") return std::nullopt;
  const auto address = IpAddress::parse(t.value);
  if (!address) return Text{Text::failed, {}, "\"" + printable(t.value, 60) + "\" is no address", false};
  if (op == "reverse_ip") return with(t, address->reverse_labels());
  if (!address->is_v6()) return t;
  return with(t, op == "ipv6norm" ? address->to_string() : full_v6(*address, ':'));
}

}  // namespace

std::optional<long long> number_of(std::string_view text) {
  text = trim(text);
  long long scale = 1;
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (!text.empty()) {
    const char unit = ascii_lower(text.back());
    scale = unit == 'k' ? 1024 : unit == 'm' ? 1024 * 1024 : unit == 'g' ? 1024 * 1024 * 1024 : 1;
    if (scale > 1) text.remove_suffix(1);
  }
  const auto value = parse_number(text);
  if (!value || *value > 1'000'000'000'000ull) return std::nullopt;
  return static_cast<long long>(*value) * scale * (negative ? -1 : 1);
}

std::optional<Text> apply_operator(Context& c, std::string_view name, const Text& text) {
  const auto under = name.find('_');
  auto op = name.substr(0, under);
  auto arguments = under == std::string_view::npos ? std::string_view() : name.substr(under + 1);
  for (std::string_view whole :
       {"local_part", "quote_local_part", "bool_lax", "reverse_ip", "time_eval", "time_interval"})
    if (name == whole) op = whole, arguments = {};
  if (text.kind == Text::open && op != "strlen") return text;
  if (text.kind == Text::open) return Text{Text::open, "…", text.why, false};
  if (op == "substr" || op == "s" || op == "length" || op == "l") {
    auto part = part_of(text.value, arguments, op.front() == 'l');
    if (!part) return Text{Text::failed, {}, "bad number in ${" + std::string(name), false};
    return with(text, std::move(*part));
  }
  if (op == "quote" && !arguments.empty()) return text;
  if (auto done = on_text(c, op, arguments, text)) return done;
  if (auto done = on_address(op, arguments, text)) return done;
  static constexpr std::string_view others[] = {
      "md5",       "sha1",          "sha256",    "sha2",       "sha3",     "hash",
      "h",         "nhash",         "nh",        "stat",       "randint",  "base32",
      "base32d",   "base62",        "base62d",   "hex2b64",    "hexquote", "rfc2047",
      "time_eval", "time_interval", "addresses", "headerwrap", "xtextd",   "utf8_domain_to_alabel",
      "utf8"};
  if (std::find(std::begin(others), std::end(others), op) == std::end(others)) return std::nullopt;
  // A digest of the password is compared with a digest of it; of anything else we cannot say.
  if (holds_password(text.value)) return text;
  return Text{Text::open, "…", "what ${" + std::string(name) + ":…} gives", text.tainted};
}

}  // namespace smtpdx::mta::exim
