// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "smtp/echo_guard.hpp"
#include "smtp/session.hpp"

// AUTH (RFC 4954): one command, then 334 and an answer as often as the mechanism likes, but not for ever.

namespace smtpdx::smtp {
namespace {

constexpr int most_challenges = 10;
constexpr std::size_t longest_command = 512;  // RFC 5321 §4.5.3.1.4, CRLF included

/// The octets of a 334. LOGIN has no specification and some servers send its prompts without base64; the words of a
/// prompt mean nothing, so they are passed on as they are.
Result<std::string> challenge_of(const Reply& reply, const std::string& mechanism) {
  auto text = reply.lines.empty() ? std::string_view() : trim(reply.lines.front());
  if (text == "=") return std::string();
  if (auto octets = base64_decode(text)) return std::move(*octets);
  if (mechanism == "LOGIN") return std::string(text);
  return fail(ErrorKind::malformed, "the challenge is not base64");
}

}  // namespace

io::Task<Step> Session::auth(Credentials credentials, Deadline deadline) {
  Step step;
  step.phase = Phase::auth;
  if (!may_speak(step)) co_return step;
  auto mechanism = choose_mechanism(credentials, capabilities_.auth);
  if (!mechanism) {
    auto wanted = credentials.mechanism ? *credentials.mechanism : std::string("a mechanism we have");
    hold_back(step, Trouble::not_offered, "the server does not offer " + wanted);
    co_return step;
  }
  auto client = make_sasl(*mechanism, credentials);
  auto initial = client ? (*client)->initial() : std::unexpected(client.error());
  if (!initial) {
    hold_back(step, Trouble::not_sent, initial.error().message);
    co_return step;
  }
  if (!guard_) guard_ = std::make_unique<EchoGuard>();
  guard_->add_secret(credentials.secret);
  step = co_await exchange(**client, std::move(*initial), deadline);
  if (step.detail.empty()) step.detail = without_secrets((*client)->error_document());
  co_return step;
}

io::Task<Step> Session::exchange(SaslClient& client, std::optional<std::string> initial, Deadline deadline) {
  auto line = auth_line(client.mechanism(), initial);
  auto step = co_await say(std::move(line), deadline);
  for (int challenges = 1; step.reply && step.reply->code == 334 && !poison_; ++challenges) {
    if (challenges > most_challenges) co_return co_await cancel("more than 10 challenges", deadline);
    auto challenge = challenge_of(*step.reply, client.mechanism());
    // A response that did not fit into the command answers the first 334, whatever that says (RFC 4954 §4).
    bool held_back = initial.has_value();
    auto answer = held_back ? Result<std::string>(*std::exchange(initial, std::nullopt)) : challenge;
    if (!held_back && challenge) answer = client.respond(*challenge);
    if (!answer) co_return co_await cancel(std::move(answer.error().message), deadline);
    auto encoded = base64_encode(*answer);
    guard_->sent(encoded);
    line = {Phase::auth, encoded, encoded.empty() ? "" : "[secret]"};
    step = co_await say(std::move(line), deadline);
  }
  co_return step;
}

/// RFC 4954 §4: an empty initial response is "="; one that makes the command too long is left for the first 334.
Session::Line Session::auth_line(const std::string& mechanism, std::optional<std::string>& initial) {
  Line line{Phase::auth, "AUTH " + mechanism, {}};
  if (!initial) return line;
  auto encoded = initial->empty() ? std::string("=") : base64_encode(*initial);
  if (line.text.size() + 1 + encoded.size() + 2 > longest_command) return line;
  guard_->sent(encoded);
  line.shown = line.text + (initial->empty() ? " =" : " [secret]");
  line.text += ' ' + encoded;
  initial.reset();
  return line;
}

io::Task<Step> Session::cancel(std::string why, Deadline deadline) {
  why = without_secrets(why);
  Line line{Phase::auth, "*", {}};
  auto step = co_await say(std::move(line), deadline);
  if (!step.reply) co_return step;
  if (step.reply->code == 334) {
    trouble(step, Trouble::framing, "challenges go on after \"*\": " + why);
  } else {
    hold_back(step, Trouble::challenge, std::move(why));
  }
  co_return step;
}

}  // namespace smtpdx::smtp
