// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/authentication.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

/// "server_condition" and its like: a boolean, or an answer that cannot be had.
Answer condition_of(Context& c, const std::string& condition) {
  const auto text = expand(c, condition);
  if (text.kind == Text::forced) return Answer::no;
  if (text.kind == Text::open) return c.ask(text.why) ? Answer::yes : Answer::no;
  if (!text.good()) return Answer::defer;
  const auto word = trim(text.value);
  if (word.empty() || word == "0" || iequals(word, "no") || iequals(word, "false")) return Answer::no;
  if (word == "1" || iequals(word, "yes") || iequals(word, "true")) return Answer::yes;
  return Answer::defer;
}

/// What the client sends, as the driver numbers it.
void fill_data(Context& c, const Driver& authenticator, const std::string& user) {
  const std::string password(password_mark);
  const bool plain = iequals(authenticator.text("public_name"), "PLAIN");
  c.auth_data = plain ? std::vector<std::string>{"", user, password} : std::vector<std::string>{user, password};
  c.numbered = {Text{}};
  for (const auto& data : c.auth_data) c.numbered.push_back({Text::ok, data, {}, true});
}

Answer by_driver(Context& c, const Driver& authenticator) {
  const auto driver = authenticator.text("driver");
  const bool right = c.session.login->valid;
  if (driver == "plaintext") return condition_of(c, authenticator.text("server_condition"));
  if (driver == "cram_md5" || driver == "spa") {
    c.auth_data.resize(1);
    const auto secret = expand(c, authenticator.text(driver == "spa" ? "server_password" : "server_secret"));
    if (secret.kind == Text::forced) return Answer::no;
    if (secret.kind == Text::failed || secret.kind == Text::deferred) return Answer::defer;
    if (!right) return Answer::no;
  } else if (!right) {
    return Answer::no;
  }
  const auto* condition = authenticator.option("server_condition");
  return condition == nullptr ? Answer::yes : condition_of(c, condition->value);
}

}  // namespace

bool serves(const Driver& authenticator) {
  const auto driver = authenticator.text("driver");
  if (driver == "plaintext") return authenticator.option("server_condition") != nullptr;
  if (driver == "cram_md5") return authenticator.option("server_secret") != nullptr;
  if (driver == "spa") return authenticator.option("server_password") != nullptr;
  if (driver == "dovecot") return authenticator.option("server_socket") != nullptr;
  return true;
}

Answer authenticate(Context& c, const Driver& authenticator) {
  const auto& login = *c.session.login;
  fill_data(c, authenticator, login.user.value_or("\x02user\x02"));
  const auto answer = by_driver(c, authenticator);
  if (answer == Answer::yes) {
    c.authenticated = authenticator.name;
    const auto id = expand(c, authenticator.text("server_set_id"));
    c.authenticated_id = id.kind == Text::ok ? id.value : std::string();
  }
  c.auth_data.clear();
  c.numbered.clear();
  return answer;
}

}  // namespace smtpdx::mta::exim
