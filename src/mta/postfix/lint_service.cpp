// SPDX-License-Identifier: Apache-2.0
//
// Logins, certificates, TLS, and whether the server starts at all.

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/lint_run.hpp"

namespace smtpdx::mta::postfix {
namespace {

using S = LintSeverity;

bool on(const Side& side, const char* name) { return side.parameters.flag(name).value_or(false); }
bool has_word(const Side& side, const char* name, std::string_view word) {
  const auto words = split_outside_braces(side.parameters.get(name).text, ",");
  return std::any_of(words.begin(), words.end(), [&](const Cited& w) { return iequals(w.text(), word); });
}

std::string level(const Side& side) { return to_lower(side.parameters.get("smtpd_tls_security_level").text.text()); }
bool tls_enforced(const Side& side) {
  return level(side).empty() ? on(side, "smtpd_enforce_tls") : level(side) == "encrypt";
}
bool tls_offered(const Side& side) {
  return tls_enforced(side) || on(side, "smtpd_tls_wrappermode") ||
         (level(side).empty() ? on(side, "smtpd_use_tls") : level(side) == "may");
}
bool has_certificate(const Side& side) {
  for (const char* name :
       {"smtpd_tls_cert_file", "smtpd_tls_chain_files", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"})
    if (side.parameters.is_set(name) && !side.parameters.get(name).text.empty()) return true;
  return false;
}

/// Where the service's own value of this parameter stands, else the service.
Where place(const Side& side, const char* name) {
  const auto where = side.parameters.get(name).where;
  return where.built_in() ? side.service.where : where;
}

}  // namespace

void lint_logins(LintRun& run, Side& side) {
  const auto name = side.service.name;
  const bool logins = on(side, "smtpd_sasl_auth_enable"), asked = side.tests.ask("permit_sasl_authenticated");
  const bool plain = !has_word(side, "smtpd_sasl_security_options", "noplaintext");
  if (logins && plain && !on(side, "smtpd_tls_auth_only") && !tls_enforced(side) &&
      !on(side, "smtpd_tls_wrappermode") && !side.loopback_only())
    run.add({"auth-in-clear",
             S::warn,
             place(side, "smtpd_sasl_auth_enable"),
             name,
             {},
             "AUTH PLAIN and LOGIN are offered before STARTTLS: whoever listens on the way reads the password.",
             "smtpd_tls_auth_only = yes"});
  if (logins && on(side, "smtpd_tls_auth_only") && !tls_offered(side))
    run.add({"login-never-offered",
             S::warn,
             place(side, "smtpd_tls_auth_only"),
             name,
             {},
             "smtpd_tls_auth_only = yes, and TLS is never offered: nobody can log in.",
             "smtpd_tls_security_level = may, with a certificate"});
  const bool anonymous = !has_word(side, "smtpd_sasl_security_options", "noanonymous") ||
                         (tls_offered(side) && !has_word(side, "smtpd_sasl_tls_security_options", "noanonymous"));
  if (logins && asked && anonymous && !side.parameters.get("smtpd_sasl_security_options").unknown())
    run.add(
        {"login-anonymous",
         S::fail,
         place(side, "smtpd_sasl_security_options"),
         name,
         {},
         "The security options lack noanonymous: a client that logs in as nobody counts as logged in, and may relay.",
         "smtpd_sasl_security_options = noanonymous"});
  if (logins && !asked && !side.tests.ask("check_sasl_access"))
    run.add({"login-useless",
             S::warn,
             place(side, "smtpd_sasl_auth_enable"),
             name,
             {},
             "Users can log in here, but no list holds permit_sasl_authenticated: they are treated like strangers.",
             "Put permit_sasl_authenticated before reject_unauth_destination in smtpd_relay_restrictions."});
  const auto relay = side.parameters.get("smtpd_relay_restrictions");
  if (!logins && asked && !relay.is_default() &&
      relay.text.text().find("permit_sasl_authenticated") != std::string::npos)
    run.add({"login-inert",
             S::info,
             relay.where,
             name,
             {},
             "smtpd_sasl_auth_enable = no at " + name + ": permit_sasl_authenticated never says anything there.",
             "If users are to log in there: smtpd_sasl_auth_enable = yes."});
}

namespace {

void certificates(LintRun& run, Side& side) {
  const bool asked = side.tests.ask("permit_tls_clientcerts") || side.tests.ask("permit_tls_all_clientcerts") ||
                     side.tests.ask("check_ccert_access");
  if (!asked) return;
  if (!on(side, "smtpd_tls_ask_ccert") && !on(side, "smtpd_tls_req_ccert"))
    run.add({"certificates-inert",
             S::info,
             place(side, "smtpd_relay_restrictions"),
             side.service.name,
             {},
             "Clients are never asked for a certificate, so that none counts.",
             "smtpd_tls_ask_ccert = yes"});
  const auto digest = side.parameters.get("smtpd_tls_fingerprint_digest");
  const auto word = to_lower(digest.text.text());
  if ((word == "md5" || word == "sha1") && !side.parameters.get("relay_clientcerts").text.empty())
    run.add({"fingerprints-weak",
             S::warn,
             digest.where,
             word,
             {},
             "Another certificate with the same " + word + " fingerprint can be made, and would relay.",
             "smtpd_tls_fingerprint_digest = sha256, and write the fingerprints in relay_clientcerts anew"});
}

void submission(LintRun& run, Side& side) {
  const auto port = side.service.port();
  if (side.service.type != "inet" || (port != 587 && port != 465) || side.loopback_only()) return;
  const auto name = side.service.name;
  const bool wrapper = on(side, "smtpd_tls_wrappermode");
  if (port == 465 && !wrapper)
    run.add({"wrapper-missing",
             S::fail,
             side.service.where,
             name,
             {},
             "Clients of port 465 speak TLS at once; this service waits for words, and nobody gets along with it.",
             "-o smtpd_tls_wrappermode=yes"});
  if (port == 587 && !tls_enforced(side) &&
      !(on(side, "smtpd_sasl_auth_enable") && on(side, "smtpd_tls_auth_only") && tls_offered(side)))
    run.add({"submission-without-tls",
             S::warn,
             side.service.where,
             name,
             {},
             "Mail and logins come in without encryption, if the client's user set it up so.",
             "-o smtpd_tls_security_level=encrypt"});
  if (!on(side, "smtpd_sasl_auth_enable"))
    run.add({"submission-without-auth",
             S::fail,
             side.service.where,
             name,
             {},
             "Nobody can log in here: users get \"Relay access denied\", or need no login at all.",
             "-o smtpd_sasl_auth_enable=yes"});
}

}  // namespace

void lint_service(LintRun& run, Side& side) {
  certificates(run, side);
  submission(run, side);
  if (tls_offered(side) && !has_certificate(side))
    run.add({"certificate-missing",
             S::fail,
             place(side, "smtpd_tls_security_level"),
             side.service.name,
             {},
             "STARTTLS is offered and answered with 454 4.7.0 TLS not available due to local problem.",
             "smtpd_tls_chain_files = KEY-FILE, CERTIFICATE-FILE"});
  Session session;
  session.client = IpAddress::parse("192.0.2.250");
  session.client_name = "unknown";
  session.helo = "client.example";
  session.tls = on(side, "smtpd_tls_wrappermode") ? Tls::wrapper : Tls::none;
  session.sender = "somebody@elsewhere.example";
  session.recipient = "somebody@elsewhere.example";
  session.port = side.service.port();
  const auto decision = side.decide(session);
  if (decision.verdict == Verdict::server_fatal)
    run.add({"server-fatal",
             S::fail,
             decision.by ? decision.by->where : side.service.where,
             decision.by ? decision.by->parameter : side.service.name,
             {},
             "At " + side.service.name + ": " + decision.text + ".",
             decision.text.starts_with("neither")
                 ? "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
                 : "Correct the value."});
}

}  // namespace smtpdx::mta::postfix
