// SPDX-License-Identifier: Apache-2.0
//
// The steps of a session in the order in which smtpd takes them: does it start at all, TLS, AUTH, the lists at connect,
// EHLO and MAIL (at RCPT where smtpd_delay_reject = yes), the relay and recipient lists, the recipient tables. A
// client, helo or sender list that permits only ends itself: it never opens the relay.
//
// Certainty is kept beside the outcome: what cannot be known either makes no difference to its list or makes the whole
// verdict `unknown`; the outcome without it is handed over as `if_silent`.
//
// Not done: data and end-of-data lists, milters, postscreen's own tests, rate limits, XCLIENT.

#include "mta/postfix/decide.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

bool same_overrides(const Service& a, const Service& b) {
  return std::equal(a.overrides.begin(), a.overrides.end(), b.overrides.begin(), b.overrides.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.value.text() == y.second.value.text();
                    });
}

/// The services a client from elsewhere can have met: those on addresses that are the server's, or on all.
std::vector<const Service*> reachable(std::vector<const Service*> services, const Configuration& configuration,
                                      const std::optional<IpAddress>& client) {
  const auto away = [&](const Service* service) {
    if (service->host().empty()) return false;
    const auto address = IpAddress::parse(service->host());
    const bool loopback = (address && address->is_loopback()) || iequals(service->host(), "localhost");
    if (loopback) return !(client && client->is_loopback());
    if (!address || configuration.own_addresses.empty()) return false;
    return std::none_of(configuration.own_addresses.begin(), configuration.own_addresses.end(),
                        [&](const OwnAddress& own) { return own.address == *address; });
  };
  if (services.size() > 1) std::erase_if(services, away);
  return services;
}

/// Neither a host name nor an address in brackets: refused before any list is asked. What only the machine knows
/// passes, and octets beyond ASCII (SMTPUTF8) do.
bool bad_domain(const Resolved& address) {
  const auto& domain = address.domain;
  const bool ascii = std::all_of(domain.begin(), domain.end(), [](unsigned char c) { return c < 0x80; });
  return ascii && !has_unknown(domain) && !valid_host_name(domain) && !valid_literal(domain);
}

}  // namespace

Result<Configuration> load(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    return fail(ErrorKind::unreadable, path.string() + " is no directory",
                "give the configuration directory, postfix:/etc/postfix");
  return load(Directory(path));
}

Result<Configuration> load(Directory directory) {
  auto file = directory.read("main.cf");
  if (!file) return std::unexpected(file.error());
  auto main = MainCf::parse(*file);
  if (!main) return std::unexpected(main.error());
  auto master = MasterCf::standard();
  if (!directory.lacks("master.cf")) {
    auto text = directory.read("master.cf");
    if (!text) return std::unexpected(text.error());
    auto parsed = MasterCf::parse(*text);
    if (!parsed) return std::unexpected(parsed.error());
    master = std::move(*parsed);
  }
  if (auto good = Parameters(*main, nullptr).check(); !good) return std::unexpected(good.error());
  for (const auto& service : master.services())
    if (auto good = Parameters(*main, &service).check(); !good) return std::unexpected(good.error());
  return Configuration{std::move(directory), std::move(*main), std::move(master), {}};
}

Listener listener(const Configuration& configuration, std::uint16_t port, const std::optional<IpAddress>& client) {
  const auto at = "port " + std::to_string(port);
  const auto services = reachable(configuration.master.on_port(port), configuration, client);
  if (services.empty()) return {nullptr, "master.cf has no service on " + at};
  const auto* first = services.front();
  for (const auto* other : services)
    if (other->command != first->command || !same_overrides(*other, *first))
      return {nullptr, "which of the services on " + at + " was met (" + first->where.to_string() + ", " +
                           other->where.to_string() + ")"};
  if (first->command == "smtpd") return {first, {}};
  if (first->command != "postscreen")
    return {nullptr, "what " + first->command + " does on " + at + " (" + first->where.to_string() + ")"};
  // postscreen hands the clients that pass on to the smtpd of type "pass" (POSTSCREEN_README).
  const auto name = Parameters(configuration.main, first).get("smtpd_service_name").text.text();
  if (const auto* behind = configuration.master.find(name, "pass")) return {behind, {}};
  return {nullptr, "which smtpd stands behind postscreen on " + at};
}

Decision decide(const Configuration& configuration, const Session& session) {
  const auto at = listener(configuration, session.port, session.client);
  if (!at.service) {
    Decision decision;
    decision.stage = Stage::connect;
    decision.unknown.push_back(at.problem);
    return decision;
  }
  Tables tables(configuration.directory, configuration.reading);
  return decide(configuration, session, *at.service, tables);
}

Decision decide(const Configuration& configuration, const Session& session, const Service& service, Tables& tables) {
  return Evaluation(configuration, session, &service, tables).run();
}

Evaluation::Evaluation(const Configuration& configuration, const Session& session, const Service* service,
                       Tables& tables)
    : configuration_(configuration),
      session_(session),
      parameters_(configuration.main, service),
      tables_(tables),
      classes_(parameters_, tables_, configuration.own_addresses),
      peer_(peer_of(session, configuration.own_addresses)),
      sender_(internal_form(session.sender)),
      recipient_(internal_form(session.recipient)) {
  if (sender_ && !sender_->empty()) resolved_sender_ = classes_.resolve(*sender_);
  if (recipient_ && !recipient_->empty()) resolved_ = classes_.resolve(*recipient_);
  if (resolved_ && session.recipient_class) resolved_->address_class = *session.recipient_class;
}

Decision Evaluation::run() {
  using Step = std::optional<Outcome> (Evaluation::*)();
  static constexpr Step steps[] = {&Evaluation::fatal_check, &Evaluation::early_lists, &Evaluation::rcpt_step};
  for (const auto step : steps)
    if (auto outcome = (this->*step)()) return finish(std::move(*outcome));
  Outcome accepted;
  accepted.verdict = Verdict::accepted;
  accepted.code = 250;
  accepted.status = "2.1.5";
  accepted.text = "Ok";
  return finish(std::move(accepted));
}

Decision Evaluation::finish(Outcome outcome) {
  Decision decision;
  decision.trace = std::move(trace_);
  decision.not_built = tables_.not_built();
  decision.recipient = std::move(resolved_);
  if (uncertain_ || outcome.verdict == Verdict::unknown) {
    if (outcome.verdict != Verdict::unknown) decision.if_silent = outcome;
    decision.stage = outcome.stage;
    decision.unknown = std::move(unknown_);
    decision.may_be_permitted = may_be_permitted_;
    return decision;
  }
  static_cast<Outcome&>(decision) = std::move(outcome);
  return decision;
}

Outcome Evaluation::refused(const Reply& reply, Stage stage, std::optional<DecidedBy> by) const {
  return Outcome{Verdict::refused, reply.code, reply.status, reply.text, stage, std::move(by)};
}

/// smtpd stops at the first session unless the relay or the recipient list holds something that refuses strangers.
bool Evaluation::has_protection(const Cited& list, unsigned depth) const {
  static constexpr std::array<std::string_view, 6> words = {
      "reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
      "defer_if_permit",           "check_relay_domains"};
  if (depth > 8) return false;
  const auto names = split_outside_braces(list, ",");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i].text();
    if (name == "permit") return false;  // what follows is never reached
    if (name == "warn_if_reject")
      ++i;  // takes the teeth out of the next one
    else if (std::find(words.begin(), words.end(), name) != words.end())
      return true;
    else if (is_class(name) && has_protection(parameters_.get(name).text, depth + 1))
      return true;
  }
  return false;
}

/// "noplaintext" leaves none of the mechanisms PLAIN and LOGIN, and smtpd stops where no login is left to offer.
std::optional<Outcome> Evaluation::sasl_check(Outcome fatal) {
  if (!parameters_.flag("smtpd_sasl_auth_enable").value_or(false)) return std::nullopt;
  const bool only_tls = tls_enforced() || parameters_.flag("smtpd_tls_auth_only").value_or(false);
  const auto* name = only_tls ? "smtpd_sasl_tls_security_options" : "smtpd_sasl_security_options";
  const auto options = parameters_.get(name);
  const auto words = split_outside_braces(options.text, ",");
  const bool plain =
      std::none_of(words.begin(), words.end(), [](const Cited& w) { return iequals(w.text(), "noplaintext"); });
  // Without TLS no login is offered, so that nothing is missed.
  const bool may_be_without_tls = session_.tls == Tls::none || (!session_.tls && !session_.login);
  if (plain || (only_tls && may_be_without_tls)) return std::nullopt;
  if (only_tls) {
    unknown_.push_back("what becomes of a session with TLS, where no login is left to offer with " + std::string(name) +
                       " = " + options.text.text());
    return Outcome{};
  }
  fatal.text = std::string(name) + " = " + options.text.text() + " leaves no login to offer: smtpd stops at once";
  fatal.by = DecidedBy{"", name, options.where};
  return fatal;
}

std::optional<Outcome> Evaluation::fatal_check() {
  const auto relay = parameters_.get("smtpd_relay_restrictions");
  const auto recipient = parameters_.get("smtpd_recipient_restrictions");
  if (has_unknown(relay.text.text()) || has_unknown(recipient.text.text())) {
    unknown_.push_back("the value of $" + unknown_names(relay.text.text() + recipient.text.text()).front() +
                       " in the restriction lists");
    return Outcome{};
  }
  Outcome fatal;
  fatal.verdict = Verdict::server_fatal;
  fatal.stage = Stage::connect;
  if (const auto name = parameters_.misread(); !name.empty()) {
    const auto value = parameters_.get(name);
    fatal.text =
        name + " = " + printable(value.text.text(), 60) + " is neither yes nor no, or no number: smtpd stops at once";
    fatal.by = DecidedBy{"", name, value.where};
    return fatal;
  }
  if (has_protection(relay.text, 0) || has_protection(recipient.text, 0)) return sasl_check(std::move(fatal));
  fatal.text =
      "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions holds anything that refuses strangers: smtpd "
      "stops at once and "
      "no client ever sees a greeting";
  const bool own = !relay.is_default() || recipient.is_default();
  fatal.by = own ? DecidedBy{"", "smtpd_relay_restrictions", relay.where}
                 : DecidedBy{"", "smtpd_recipient_restrictions", recipient.where};
  return fatal;
}

bool Evaluation::tls_on() const {
  if (session_.tls == Tls::starttls) return progress_.tls;
  if (session_.tls) return *session_.tls != Tls::none;
  const auto level = to_lower(parameters_.get("smtpd_tls_security_level").text.text());
  return level == "may" || level == "encrypt" || parameters_.flag("smtpd_use_tls").value_or(false) ||
         parameters_.flag("smtpd_enforce_tls").value_or(false) ||
         parameters_.flag("smtpd_tls_wrappermode").value_or(false);
}

std::optional<Outcome> Evaluation::tls_step() {
  const auto level = to_lower(parameters_.get("smtpd_tls_security_level").text.text());
  const bool enforced = tls_enforced();
  const bool offered = enforced || (level.empty() ? parameters_.flag("smtpd_use_tls").value_or(false) : level == "may");
  const bool wrapper = parameters_.flag("smtpd_tls_wrappermode").value_or(false);
  if (session_.tls && wrapper != (*session_.tls == Tls::wrapper)) {
    unknown_.push_back(wrapper ? "how the client gets along with a port that speaks TLS from the first octet"
                               : "how the client gets along with a port that does not speak TLS from the first octet");
    return Outcome{};
  }
  if (session_.tls == Tls::starttls) {
    const bool certificate = !parameters_.get("smtpd_tls_cert_file").text.empty() ||
                             !parameters_.get("smtpd_tls_chain_files").text.empty() ||
                             !parameters_.get("smtpd_tls_eccert_file").text.empty();
    if (offered && !certificate)
      return refused({454, "4.7.0", "TLS not available due to local problem"}, Stage::starttls,
                     DecidedBy{"", "smtpd_tls_cert_file", parameters_.get("smtpd_tls_cert_file").where});
    if (!offered) {
      Outcome none;
      none.verdict = Verdict::no_starttls;
      none.stage = Stage::starttls;
      none.text = "STARTTLS is not offered";
      none.by = DecidedBy{"", "smtpd_tls_security_level", parameters_.get("smtpd_tls_security_level").where};
      return none;
    }
  }
  return std::nullopt;
}

std::optional<Outcome> Evaluation::auth_step() {
  if (session_.login)
    if (auto end = login_step()) return end;
  if (!tls_enforced() || tls_on()) return std::nullopt;
  const auto level = parameters_.get("smtpd_tls_security_level");
  const auto* name = level.text.empty() ? "smtpd_enforce_tls" : "smtpd_tls_security_level";
  return refused(softened({530, "5.7.0", "Must issue a STARTTLS command first"}), Stage::mail,
                 DecidedBy{"", name, parameters_.get(name).where});
}

std::optional<Outcome> Evaluation::login_step() {
  const auto not_offered = [](const char* name, const Where& where) {
    Outcome none;
    none.verdict = Verdict::no_auth;
    none.stage = Stage::auth;
    none.text = "AUTH is not offered";
    none.by = DecidedBy{"", name, where};
    return none;
  };
  const auto enabled = parameters_.get("smtpd_sasl_auth_enable"), only = parameters_.get("smtpd_tls_auth_only");
  if (!iequals(enabled.text.text(), "yes")) return not_offered("smtpd_sasl_auth_enable", enabled.where);
  if (!tls_on() && tls_enforced())
    return not_offered("smtpd_tls_security_level", parameters_.get("smtpd_tls_security_level").where);
  if (!tls_on() && iequals(only.text.text(), "yes")) return not_offered("smtpd_tls_auth_only", only.where);
  const auto exceptions = MatchList::parse(parameters_.get("smtpd_sasl_exceptions_networks").text, tables_);
  const auto match = exceptions.empty() ? Match{}
                     : session_.client  ? exceptions.match_client(*session_.client, peer_.name, Parents::none)
                                        : Match{Answer::unknown, {}, {}, "the client's address"};
  if (match.answer == Answer::yes) return not_offered("smtpd_sasl_exceptions_networks", match.where);
  if (match.answer == Answer::unknown) {
    unknown_.push_back(match.why);
    return Outcome{};
  }
  if (session_.login->valid) return std::nullopt;
  return refused(softened({535, "5.7.8", "Error: authentication failed"}), Stage::auth, std::nullopt);
}

bool Evaluation::tls_enforced() const {
  const auto level = parameters_.get("smtpd_tls_security_level").text.text();
  return level.empty() ? parameters_.flag("smtpd_enforce_tls").value_or(false) : iequals(level, "encrypt");
}

std::optional<Outcome> Evaluation::one_list(std::string_view parameter, const Subject& subject, Stage stage) {
  const auto list = parameters_.get(parameter);
  open_permit_ = open_refuse_ = false;
  list_unknown_.clear();
  // The relay and the recipient list are one in this: what the first asked for holds in the second.
  const bool second = std::exchange(in_recipient_lists_, subject.default_access == "check_recipient_access");
  if (!second || !in_recipient_lists_) refusal_for_now_.reset();
  const auto result = run_list(list.text, parameter, subject, 0);
  // A list that passes is certain as long as nothing in it could have refused; a refusal only if nothing went before
  // it.
  const bool refuses = result.end == ListResult::refused;
  if (open_refuse_ || (refuses && open_permit_)) {
    uncertain_ = true;
    may_be_permitted_ = may_be_permitted_ || open_permit_;
    unknown_.insert(unknown_.end(), list_unknown_.begin(), list_unknown_.end());
  }
  if (refuses) return refused(result.reply, stage, result.by);
  return std::nullopt;
}

std::optional<Outcome> Evaluation::early_lists() {
  const bool delay = parameters_.flag("smtpd_delay_reject").value_or(true);
  if (!delay)
    if (auto end = one_list("smtpd_client_restrictions", client_subject(), Stage::connect)) return end;
  progress_.helo = true;
  if (!delay)
    if (auto end = one_list("smtpd_helo_restrictions", helo_subject(), Stage::ehlo)) return end;
  if (auto end = tls_step()) return end;
  progress_.tls = true;
  // RFC 3207 §4.2: after STARTTLS the client greets again, and the list is asked again.
  if (!delay && session_.tls == Tls::starttls)
    if (auto end = one_list("smtpd_helo_restrictions", helo_subject(), Stage::ehlo)) return end;
  if (auto end = auth_step()) return end;
  progress_.login = session_.login.has_value();
  if (!sender_ || !recipient_ || recipient_->empty()) {
    unknown_.push_back(!sender_ ? "how the sender's address is read" : "how the recipient's address is read");
    return Outcome{};
  }
  if (resolved_sender_ && bad_domain(*resolved_sender_))
    return refused(softened({501, "5.1.7", "Bad sender address syntax"}), Stage::mail, std::nullopt);
  progress_.sender = true;
  return delay ? std::nullopt : sender_step(Stage::mail);
}

std::optional<Outcome> Evaluation::sender_step(Stage stage) {
  if (auto end = one_list("smtpd_sender_restrictions", sender_subject(), stage)) return end;
  if (!parameters_.flag("smtpd_reject_unlisted_sender").value_or(false)) return std::nullopt;
  const auto ruling = reject_unlisted_sender(sender_subject());
  if (ruling.effect == Ruling::refuse)
    return refused(ruling.reply, stage,
                   DecidedBy{"reject_unlisted_sender", "smtpd_reject_unlisted_sender",
                             parameters_.get("smtpd_reject_unlisted_sender").where});
  if (ruling.effect == Ruling::open) {
    uncertain_ = true;
    unknown_.push_back(ruling.why);
  }
  return std::nullopt;
}

std::optional<Outcome> Evaluation::rcpt_step() {
  progress_.recipient = true;
  if (bad_domain(*resolved_))
    return refused(softened({501, "5.1.3", "Bad recipient address syntax"}), Stage::rcpt, std::nullopt);
  // RFC 5321 §4.5.1: "postmaster" without a domain is taken before any list is asked.
  if (iequals(*recipient_, "postmaster")) return std::nullopt;
  if (parameters_.flag("smtpd_delay_reject").value_or(true)) {
    if (auto end = one_list("smtpd_client_restrictions", client_subject(), Stage::rcpt)) return end;
    if (auto end = one_list("smtpd_helo_restrictions", helo_subject(), Stage::rcpt)) return end;
    if (auto end = sender_step(Stage::rcpt)) return end;
  }
  return recipient_lists();
}

std::optional<Outcome> Evaluation::recipient_lists() {
  std::array<std::string_view, 2> order = {"smtpd_relay_restrictions", "smtpd_recipient_restrictions"};
  if (!parameters_.flag("smtpd_relay_before_recipient_restrictions").value_or(true)) std::swap(order[0], order[1]);
  for (const auto parameter : order)
    if (auto end = one_list(parameter, recipient_subject(), Stage::rcpt)) return end;
  if (deferral_) return refused(deferral_->reply, Stage::rcpt, deferral_->by);
  if (!parameters_.flag("smtpd_reject_unlisted_recipient").value_or(true)) return std::nullopt;
  const auto ruling = reject_unlisted_recipient(recipient_subject());
  const auto where = parameters_.get("smtpd_reject_unlisted_recipient").where;
  if (ruling.effect == Ruling::refuse) {
    trace_.push_back({"reject_unlisted_recipient", "refuse", ruling.why, "smtpd_reject_unlisted_recipient", where});
    return refused(ruling.reply, Stage::rcpt,
                   DecidedBy{"reject_unlisted_recipient", "smtpd_reject_unlisted_recipient", where});
  }
  if (ruling.effect == Ruling::open) {
    uncertain_ = true;
    unknown_.push_back(ruling.why);
    trace_.push_back({"reject_unlisted_recipient", "unknown", ruling.why, "smtpd_reject_unlisted_recipient", where});
  }
  return std::nullopt;
}

}  // namespace smtpdx::mta::postfix
