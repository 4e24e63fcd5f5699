// SPDX-License-Identifier: Apache-2.0
#include "web/guard.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/text.hpp"

namespace smtpdx::web {

namespace {

constexpr std::size_t most_sessions = 64;

/// Fields that a browser adds and a page cannot leave out.
bool comes_from_browser(const http::Request& request) {
  return request.has("origin") || request.has("sec-fetch-site") || request.has("sec-fetch-mode") ||
         request.has("cookie");
}

}  // namespace

std::string random_word() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<unsigned char, 26> octets{};
  if (RAND_bytes(octets.data(), octets.size()) != 1) throw std::runtime_error("no random octets to be had");
  std::string word;
  for (auto octet : octets) word += letters[octet % letters.size()];
  return word;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Guard::Guard(GuardOptions options) : options_(std::move(options)), token_(random_word()) {
  const auto& at = options_.listening;
  const auto port = ":" + std::to_string(at.port);
  cookie_ = "smtpdx_" + std::to_string(at.port);
  hosts_ = {to_lower(at.to_string())};
  if (at.address.is_loopback()) hosts_.push_back("localhost" + port);
  if (at.address.is_loopback() && at.port == 80)
    hosts_.insert(hosts_.end(), {"localhost", to_lower(at.address.to_string())});
  for (const auto& host : options_.hosts) hosts_.push_back(to_lower(host));
}

std::string Guard::address() const {
  const auto authority = options_.hosts.empty() ? options_.listening.to_string() : options_.hosts.front();
  const auto page = (options_.https ? "https://" : "http://") + authority + "/";
  return options_.accounts ? page : page + "#token=" + token_;
}

std::string Guard::cookie_field(std::string_view value) const {
  return cookie_ + "=" + std::string(value) + "; HttpOnly; SameSite=Strict; Path=/" +
         (options_.https ? "; Secure" : "");
}

Endpoint Guard::client(const http::Request& request, const Endpoint& peer) const {
  if (!options_.behind_proxy) return peer;
  auto named = request.field("x-forwarded-for");
  if (const auto comma = named.rfind(','); comma != named.npos) named = named.substr(comma + 1);
  const auto address = IpAddress::parse(trim(named));
  return address ? Endpoint{*address, 0} : peer;
}

std::string_view Guard::bearer(const http::Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const auto field = request.field("authorization");
  return field.starts_with(scheme) ? field.substr(scheme.size()) : std::string_view();
}

bool Guard::is_our_host(std::string_view authority) const {
  return std::find(hosts_.begin(), hosts_.end(), to_lower(authority)) != hosts_.end();
}

std::optional<Answer> Guard::refuses(const http::Request& request) const {
  if (request.count("host") != 1 || !is_our_host(request.field("host")))
    return problem(403, "this server does not answer to that Host",
                   "open the address that smtpdx printed; other names are allowed with --host");
  if (request.has("origin")) {
    const auto origin = request.field("origin");
    const std::string_view scheme = options_.https ? "https://" : "http://";
    if (request.count("origin") != 1 || !origin.starts_with(scheme) || !is_our_host(origin.substr(scheme.size())))
      return problem(403, "requests from other pages are refused");
  }
  const auto site = request.field("sec-fetch-site");
  const bool from_elsewhere = !site.empty() && site != "same-origin" && site != "none";
  // A link on another page may lead to ours; nothing else from there may.
  const bool a_link =
      request.field("sec-fetch-mode") == "navigate" && request.method == "GET" && !request.path.starts_with("/v1/");
  if (from_elsewhere && !a_link) return problem(403, "requests from other pages are refused");
  return std::nullopt;
}

bool Guard::has_session(const http::Request& request) const {
  const auto cookie = request.cookie(cookie_);
  return cookie &&
         std::any_of(sessions_.begin(), sessions_.end(), [&](const std::string& s) { return same_secret(s, *cookie); });
}

bool Guard::knows(const http::Request& request, const Endpoint& peer) const {
  if (const auto token = bearer(request); !token.empty()) return same_secret(token, token_);
  if (has_session(request)) return true;
  return peer.address.is_loopback() && !comes_from_browser(request);
}

std::optional<std::string> Guard::open_session(std::string_view token) {
  if (!same_secret(token, token_)) return std::nullopt;
  if (sessions_.size() >= most_sessions) sessions_.erase(sessions_.begin());
  sessions_.push_back(random_word());
  return sessions_.back();
}

void Guard::close_session(const http::Request& request) {
  if (auto cookie = request.cookie(cookie_)) std::erase(sessions_, *cookie);
}

}  // namespace smtpdx::web
