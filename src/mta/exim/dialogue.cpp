// SPDX-License-Identifier: Apache-2.0
//
// The order of tests within each command is the server's: syntax first, then the options, then the ACL.

#include "mta/exim/dialogue.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/authentication.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/helo.hpp"
#include "mta/exim/lists.hpp"
#include "mta/exim/routing.hpp"

namespace smtpdx::mta::exim {
namespace {

/// "550 5.7.1 text" in a message: its code, its status, and the rest. A code of another class is dropped.
struct Words {
  int code = 0;
  std::string status, text;
};

std::size_t status_length(std::string_view text) {
  // digit . 1-3 digits . 1-3 digits
  std::size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    std::size_t digits = 0;
    while (at < text.size() && is_digit(text[at]) && digits < 3) ++at, ++digits;
    if (digits == 0 || (part == 0 && digits != 1)) return 0;
    if (part == 2) return at;
    if (at >= text.size() || text[at] != '.') return 0;
    ++at;
  }
  return 0;
}

Words words_of(int code, const std::string& message) {
  Words words{code, {}, message};
  std::string_view rest(message);
  const bool coded =
      rest.size() > 3 && is_digit(rest[0]) && is_digit(rest[1]) && is_digit(rest[2]) && is_space(rest[3]);
  if (coded) {
    const auto own = static_cast<int>(parse_number(rest.substr(0, 3)).value_or(0));
    if (own / 100 == code / 100) words.code = own;
    rest.remove_prefix(4);
  }
  const auto length = status_length(rest);
  if (length > 0 && (length == rest.size() || is_space(rest[length]))) {
    words.status = std::string(rest.substr(0, length));
    rest = trim(rest.substr(length));
  }
  words.text = std::string(rest);
  return words;
}

std::string path_of(std::string_view text) {
  auto path = trim(text);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  return std::string(path);
}

}  // namespace

Outcome Dialogue::refused(int code, std::string text, Stage stage, std::optional<DecidedBy> by) const {
  auto words = words_of(code, text);
  Outcome outcome;
  outcome.verdict = Verdict::refused;
  outcome.code = words.code;
  outcome.status = std::move(words.status);
  outcome.text = std::move(words.text);
  outcome.stage = stage;
  outcome.by = std::move(by);
  return outcome;
}

Outcome Dialogue::by_acl(const AclResult& result, Stage stage) const {
  const bool temporary = result.kind == AclResult::defer || result.kind == AclResult::error;
  auto text = result.reply.user;
  if (!temporary) {
    if (text.empty()) text = "Administrative prohibition";
    if (!result.reply.sender_verify.empty())
      text = "Verification failed for <" + result.reply.sender_verify + ">\n" + result.reply.sender_verify_why + "\n" +
             text;
    return refused(stage == Stage::auth ? 503 : 550, text, stage, result.by);
  }
  const bool told = result.reply.temporary_details && !text.empty();
  if (!told)
    return refused(451,
                   words_of(451, text).code == 451 || text.empty()
                       ? "Temporary local problem - please try later"
                       : std::to_string(words_of(451, text).code) + " Temporary local problem - please try later",
                   stage, result.by);
  return refused(451, text, stage, result.by);
}

bool Dialogue::in_hosts(std::string_view option, std::string_view otherwise) {
  const auto list = c_.configuration.text(option, otherwise);
  if (list.empty()) return false;
  return match_client(c_, list).answer == Answer::yes;
}

/// Nothing where there is no such ACL, or it accepts.
Dialogue::Step Dialogue::acl(std::string_view option, std::string_view where, Stage stage) {
  const auto setting = c_.configuration.main.find(option);
  if (setting == c_.configuration.main.end()) return std::nullopt;
  const auto result = run_acl(c_, where, setting->second);
  if (result.kind != AclResult::accept && result.kind != AclResult::discard) return by_acl(result, stage);
  if (result.kind == AclResult::discard) discarded_ = true;
  if (stage == Stage::rcpt || discarded_) {
    accepted_by_ = result.by;
    if (result.kind == AclResult::accept && stage == Stage::rcpt && !result.reply.user.empty())
      accepted_text_ = result.reply.user;
  }
  return std::nullopt;
}

Outcome Dialogue::run() {
  for (auto step :
       {&Dialogue::connect, &Dialogue::ehlo, &Dialogue::starttls, &Dialogue::auth, &Dialogue::mail, &Dialogue::rcpt})
    if (auto end = (this->*step)()) return *end;
  const auto words = words_of(250, accepted_text_);
  return {Verdict::accepted, words.code, words.status, words.text, Stage::rcpt, accepted_by_};
}

Dialogue::Step Dialogue::connect() {
  const auto& session = c_.session;
  if (session.client) c_.client = session.client->to_string();
  c_.tls = session.tls == Tls::wrapper;
  const auto lookup = c_.configuration.text("host_lookup");
  if (!lookup.empty() && match_client(c_, lookup).answer == Answer::yes) host_name(c_);
  if (in_hosts("host_reject_connection", "")) return refused(554, "SMTP service not available", Stage::connect);
  return acl("acl_smtp_connect", "connect", Stage::connect);
}

Dialogue::Step Dialogue::ehlo() {
  c_.helo = c_.session.helo.value_or("");
  if (!c_.session.helo) c_.helo = "client.invalid";
  if (!helo_syntax_fine(c_, c_.helo) && !in_hosts("helo_accept_junk_hosts", ""))
    return refused(501, "Syntactically invalid EHLO argument(s)", Stage::ehlo);
  if (in_hosts("helo_verify_hosts", "")) {
    verify_helo(c_);
    const bool temporary = c_.helo_verified == "defer" || c_.host.state == HostName::deferred;
    if (c_.helo_verified != "yes")
      return refused(temporary ? 451 : 550, "EHLO argument does not match calling host", Stage::ehlo);
  } else if (in_hosts("helo_try_verify_hosts", "")) {
    verify_helo(c_);
  }
  return acl("acl_smtp_helo", "helo", Stage::ehlo);
}

Dialogue::Step Dialogue::starttls() {
  if (c_.session.tls != Tls::starttls) return std::nullopt;
  if (!in_hosts("tls_advertise_hosts", "*")) {
    Outcome outcome = refused(503, "STARTTLS command used when not advertised", Stage::starttls);
    outcome.verdict = Verdict::no_starttls;
    return outcome;
  }
  if (auto end = acl("acl_smtp_starttls", "starttls", Stage::starttls)) return end;
  c_.tls = true;
  c_.helo_verified.clear();
  return ehlo();
}

bool Dialogue::advertised(const Driver& authenticator) {
  const auto* condition = authenticator.option("server_advertise_condition");
  if (condition == nullptr) return true;
  const auto text = expand(c_, condition->value);
  if (text.kind == Text::open) return c_.ask(text.why);
  if (!text.good()) return false;
  const auto word = trim(text.value);
  return !(word.empty() || word == "0" || iequals(word, "no") || iequals(word, "false"));
}

Dialogue::Step Dialogue::auth() {
  if (!c_.session.login) return std::nullopt;
  const bool hosts = in_hosts("auth_advertise_hosts", "*");
  const Driver* chosen = nullptr;
  for (const auto* mechanism : {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "NTLM"})
    for (const auto& driver : c_.configuration.authenticators)
      if (chosen == nullptr && iequals(driver.text("public_name"), mechanism) && serves(driver) &&
          (c_.auth_unadvertised_allowed || (hosts && advertised(driver))))
        chosen = &driver;
  if (chosen == nullptr) {
    auto outcome = refused(503, "AUTH command used when not advertised", Stage::auth);
    outcome.verdict = Verdict::no_auth;
    return outcome;
  }
  if (auto end = acl("acl_smtp_auth", "auth", Stage::auth)) return end;
  return login(*chosen);
}

Dialogue::Step Dialogue::login(const Driver& authenticator) {
  switch (authenticate(c_, authenticator)) {
    case Answer::yes:
      return std::nullopt;
    case Answer::no:
      c_.auth_failed = true;
      return refused(535, "Incorrect authentication data", Stage::auth);
    default:
      return refused(435, "Unable to authenticate at present", Stage::auth);
  }
}

std::string Dialogue::qualified(const std::string& local_part, std::string_view option) {
  return local_part + "@" + expand(c_, option == "qualify_recipient" ? "$qualify_recipient" : "$qualify_domain").value;
}

Dialogue::Step Dialogue::mail() {
  const auto text = path_of(c_.session.sender);
  const PathRules rules{.literals = c_.configuration.flag("allow_domain_literals", false),
                        .unqualified = true,
                        .strip_dot = c_.configuration.flag("strip_trailing_dot", false),
                        .strip_angles = c_.configuration.flag("strip_excess_angle_brackets", false)};
  const auto shown = "<" + text + ">: ";
  if (!text.empty()) {
    const auto path = parse_path(text, rules);
    if (!path.good()) return refused(501, shown + path.problem, Stage::mail);
    c_.sender = path.written;
    if (path.domain.empty() && !path.empty) {
      if (!in_hosts("sender_unqualified_hosts", ""))
        return refused(501, shown + "sender address must contain a domain", Stage::mail);
      c_.sender = qualified(path.written, "qualify_domain");
    }
  }
  c_.sender_set = true;
  return acl("acl_smtp_mail", "mail", Stage::mail);
}

void Dialogue::recipient_variables(const std::string& address) {
  c_.recipient = address;
  c_.recipient_set = true;
  split_address(c_, address);
}

Dialogue::Step Dialogue::rcpt() {
  const auto text = path_of(c_.session.recipient);
  const PathRules rules{.literals = c_.configuration.flag("allow_domain_literals", false),
                        .unqualified = true,
                        .strip_dot = c_.configuration.flag("strip_trailing_dot", false),
                        .strip_angles = c_.configuration.flag("strip_excess_angle_brackets", false)};
  const auto shown = "<" + text + ">: ";
  const auto path = parse_path(text, rules);
  if (text.empty() || path.empty) return refused(501, shown + "empty address", Stage::rcpt);
  if (!path.good()) return refused(501, shown + path.problem, Stage::rcpt);
  auto address = path.written;
  if (path.domain.empty()) {
    if (!iequals(path.written, "postmaster") && !in_hosts("recipient_unqualified_hosts", ""))
      return refused(501, shown + "recipient address must contain a domain", Stage::rcpt);
    address = qualified(path.written, "qualify_recipient");
  }
  if (discarded_) return std::nullopt;  // taken, and thrown away
  recipient_variables(address);
  if (!c_.configuration.main.contains("acl_smtp_rcpt")) return refused(550, "Administrative prohibition", Stage::rcpt);
  return acl("acl_smtp_rcpt", "rcpt", Stage::rcpt);
}

}  // namespace smtpdx::mta::exim
