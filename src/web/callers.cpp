// SPDX-License-Identifier: Apache-2.0
#include "web/callers.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "store/password.hpp"
#include "web/aside.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {

constexpr Duration first_wait = 1s, longest_wait = 300s;
constexpr std::size_t most_entries = 20'000;
constexpr std::size_t passwords_at_once = 4;  ///< each takes a thread and 64 MiB for a moment
constexpr auto session_life = std::chrono::hours(24 * 7);

std::string text_of(const nlohmann::json& body, const char* key) {
  const auto found = body.is_object() ? body.find(key) : body.end();
  return body.is_object() && found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Answer too_soon(Duration wait) {
  auto answer = problem(429, "too many wrong passwords", "wait, then try again");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait).count() + 1;
  answer.response.fields.emplace_back("Retry-After", std::to_string(seconds));
  return answer;
}

}  // namespace

const std::vector<std::string>& known_scopes() {
  static const std::vector<std::string> scopes{"explain", "diagnose", "relay", "keep", "all"};
  return scopes;
}

bool Caller::may(std::string_view scope) const {
  return std::any_of(scopes.begin(), scopes.end(), [&](const auto& s) { return s == scope || s == "all"; });
}

Duration Throttle::wait(const std::string& key, TimePoint now) const {
  const auto it = entries_.find(key);
  return it == entries_.end() || it->second.until <= now ? Duration(0) : it->second.until - now;
}

void Throttle::failed(const std::string& key, TimePoint now) {
  if (entries_.size() >= most_entries) std::erase_if(entries_, [&](const auto& e) { return e.second.until <= now; });
  auto& entry = entries_[key];
  const auto doubled = first_wait * (1LL << std::min(entry.failures++, 9U));
  entry.until = now + std::min<Duration>(doubled, longest_wait);
}

bool RateLimit::take(const std::string& key, TimePoint now) {
  if (buckets_.size() >= most_entries) buckets_.clear();
  auto [it, fresh] = buckets_.try_emplace(key, Bucket{burst_, now});
  auto& bucket = it->second;
  const auto passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.left = std::min(burst_, bucket.left + passed * per_second_);
  bucket.at = now;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

io::Task<std::optional<Caller>> Callers::identify(const http::Request& request, const Endpoint& peer) {
  if (!guard_.has_accounts()) {
    if (!guard_.knows(request, peer)) co_return std::nullopt;
    co_return Caller{"local", {"all"}};
  }
  const auto now = runtime_.wall();
  if (const auto token = Guard::bearer(request); !token.empty()) {
    auto find = [hash = store::token_hash(token), now](store::Store& s) { return s.find_token(hash, now); };
    auto found = co_await shelf_->ask(find);
    if (!found || !*found) co_return std::nullopt;
    co_return Caller{(**found).owner, (**found).scopes};
  }
  const auto cookie = request.cookie(guard_.cookie_name());
  if (!cookie) co_return std::nullopt;
  auto find = [hash = store::token_hash(*cookie), now](store::Store& s) { return s.find_session(hash, now); };
  auto found = co_await shelf_->ask(find);
  if (!found || !*found) co_return std::nullopt;
  co_return Caller{(**found).user, {"all"}};
}

Answer Callers::session_answer(std::string cookie_value) const {
  auto answer = no_content();
  answer.response.fields.emplace_back("Set-Cookie", guard_.cookie_field(cookie_value));
  return answer;
}

io::Task<Answer> Callers::log_in(const http::Request& request, const Endpoint& peer) {
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  const auto token = text_of(body, "token"), name = text_of(body, "user"), password = text_of(body, "password");
  if (!guard_.has_accounts()) {
    if (token.empty()) co_return problem(422, "no token", "the body is {\"token\": \"…\"}");
    co_return co_await log_in_with_token(token);
  }
  if (name.empty() || password.empty())
    co_return problem(422, "name or password is missing", "the body is {\"user\": \"…\", \"password\": \"…\"}");
  co_return co_await log_in_with_password(name, password, peer);
}

io::Task<Answer> Callers::log_in_with_token(const std::string& token) {
  auto cookie = guard_.open_session(token);
  if (cookie) co_return session_answer(std::move(*cookie));
  co_await runtime_.sleep_until(runtime_.now() + first_wait);  // guessing is hopeless; this makes it dull, too
  co_return problem(401, "that token is not of this start of smtpdx", "open the address that smtpdx printed");
}

/// Takes as long for a name that does not exist. Not on the store's thread: whoever guesses would hold up everybody.
io::Task<store::Outcome<bool>> Callers::check_password(std::string name, std::string password) {
  auto find = [name](store::Store& s) { return s.find_user(name); };
  const auto user = co_await shelf_->ask(find);
  if (!user) co_return std::unexpected(user.error());
  const auto hash = *user ? (**user).password_hash : store::nobodys_hash();
  auto compare = [&] { return store::is_password(hash, password); };
  const bool same = co_await aside(runtime_, compare);
  co_return same && user->has_value();
}

io::Task<Answer> Callers::log_in_with_password(const std::string& name, const std::string& password,
                                               const Endpoint& peer) {
  const auto by_name = "name " + name, by_address = "address " + peer.address.to_string();
  const auto wait = std::max(throttle_.wait(by_name, runtime_.now()), throttle_.wait(by_address, runtime_.now()));
  if (wait > Duration(0)) co_return too_soon(wait);
  if (checking_ >= passwords_at_once) co_return too_soon(first_wait);
  ++checking_;
  const auto right = co_await check_password(name, password);
  --checking_;
  if (!right) co_return problem(503, right.error().message, right.error().hint);
  if (!*right) {
    throttle_.failed(by_name, runtime_.now());
    throttle_.failed(by_address, runtime_.now());
    note(name, "login", by_address, "refused");
    co_return problem(401, "name or password is wrong", "smtpdx account password NAME sets a new one on the server");
  }
  throttle_.succeeded(by_name);
  throttle_.succeeded(by_address);
  auto secret = random_word();
  const store::Session session{store::token_hash(secret), name, runtime_.wall(), runtime_.wall() + session_life};
  auto add = [session](store::Store& s) { return s.add_session(session); };
  const auto added = co_await shelf_->ask(add);
  if (!added) co_return problem(503, added.error().message, added.error().hint);
  note(name, "login", by_address, "done");
  co_return session_answer(std::move(secret));
}

io::Task<Answer> Callers::log_out(const http::Request& request) {
  const auto cookie = request.cookie(guard_.cookie_name());
  if (!guard_.has_accounts()) guard_.close_session(request);
  if (guard_.has_accounts() && cookie) {
    auto erase = [hash = store::token_hash(*cookie)](store::Store& s) { return s.erase_session(hash); };
    const auto erased = co_await shelf_->ask(erase);
    if (!erased) co_return problem(503, erased.error().message, erased.error().hint);
  }
  co_return no_content();
}

void Callers::note(std::string who, std::string what, std::string target, std::string outcome) {
  if (!guard_.has_accounts()) return;
  shelf_->tell([entry = store::AuditEntry{runtime_.wall(), std::move(who), std::move(what), std::move(target),
                                          std::move(outcome)}](store::Store& s) { return s.audit(entry); });
}

}  // namespace smtpdx::web
