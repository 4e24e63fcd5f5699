// SPDX-License-Identifier: Apache-2.0
#include "io/via.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::io {
namespace {

std::unexpected<Error> unusable(std::string why) {
  return fail(ErrorKind::usage, "--via: " + std::move(why), "write socks5://HOST:PORT or ssh://[USER@]HOST");
}

/// A word that ssh cannot take for an option or the shell for anything: ssh may hand it to a ProxyCommand.
bool is_plain_word(std::string_view s) {
  const auto plain = [](char c) {
    return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' || c == '-' || c == '_' ||
           c == ':' || c == '%' || c == '+' || c == '@';
  };
  return !s.starts_with('-') && std::all_of(s.begin(), s.end(), plain);
}

}  // namespace

Result<Via> parse_via(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return unusable("\"" + std::string(text) + "\" has no scheme");
  const auto scheme = to_lower(text.substr(0, scheme_end));
  Via via;
  if (scheme == "ssh") {
    via.kind = Via::Kind::ssh;
  } else if (scheme != "socks5" && scheme != "socks5h") {
    return unusable("\"" + scheme + "\" is not known");
  }
  auto rest = text.substr(scheme_end + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const auto user = rest.substr(0, at);
    const auto colon = via.kind == Via::Kind::socks5 ? user.find(':') : std::string_view::npos;
    via.user = user.substr(0, colon);
    if (colon != std::string_view::npos) via.password = user.substr(colon + 1);
    rest.remove_prefix(at + 1);
  }
  const auto host = HostPort::parse(rest);
  if (!host || host->host.empty()) return unusable("\"" + std::string(rest) + "\" is no HOST:PORT");
  via.at = *host;
  if (via.kind == Via::Kind::ssh && (!is_plain_word(via.at.host) || !is_plain_word(via.user))) {
    return unusable("\"" + std::string(rest) + "\" holds what no host or user name has");
  }
  if (via.kind == Via::Kind::socks5 && via.at.port == 0) via.at.port = 1080;
  if (via.user.size() > 255 || via.password.size() > 255) return unusable("user or password is too long");
  return via;
}

}  // namespace smtpdx::io
