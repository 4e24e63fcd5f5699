// SPDX-License-Identifier: Apache-2.0
//
// What one connection shows, said as facts. Two kinds come out of it: one SessionFact (greeting, capabilities, TLS,
// AUTH, where it broke) and one Attempt for each envelope that was wished for. An attempt always exists: where the
// session broke before its RCPT, it says at which phase and why, so that nothing is mistaken for "was not asked".

#include "probes/talk.hpp"

#include "base/text.hpp"
#include "dns/lookup.hpp"
#include "smtp/session.hpp"

namespace smtpdx::probes {

using diag::Attempt;
using diag::Outcome;
using diag::SessionFact;
using diag::TlsMode;
using diag::TlsWish;
using diag::WantTalk;

namespace {

constexpr Duration connect_limit = 10s;
/// A brief look: two tries of TCP (RFC 6298: after 1 s and 3 s), and a greeting from servers that let callers wait.
constexpr Duration brief_connect_limit = 4s, brief_limit = 8s;

Outcome outcome_of(const smtp::Step& step) {
  if (!step.reply) return Outcome::failed;
  if (step.reply->positive()) return Outcome::accepted;
  return step.reply->transient() ? Outcome::deferred : Outcome::refused;
}

std::string words_of(const smtp::Step& step) {
  std::string words = smtp::to_string(step.trouble);
  if (step.io) words = std::string(io::to_string(step.io->kind)) + (step.io->text.empty() ? "" : ": " + step.io->text);
  if (!step.detail.empty()) words += " (" + printable(step.detail, 120) + ")";
  return words;
}

/// The state of one talk. Lives in the coroutine frame of talk().
struct Talk {
  Env& env;
  const WantTalk& want;
  SessionFact fact;
  Sightings out;

  Attempt attempt(const WantTalk::Ask& ask) const {
    Attempt a;
    a.shape = fact.shape;
    a.shape.mail_from = ask.mail_from;
    a.shape.rcpt_to = ask.rcpt_to;
    a.role = ask.role;
    a.channel = fact.channel;
    return a;
  }

  void add(Attempt a, const smtp::Step& step) {
    a.outcome = outcome_of(step);
    a.phase = step.phase;
    a.reply = step.reply;
    if (!step.reply) a.trouble = words_of(step);
    a.order = env.next_order();
    if (a.outcome == Outcome::refused && env.manners) env.manners->note_refused_rcpt(fact.shape.server.address);
    out.push_back({std::move(a), step.evidence, step.took});
  }

  /// The session ended at `step`: every envelope was decided there.
  void all_decided_by(const smtp::Step& step) {
    for (const auto& transaction : want.transactions)
      for (const auto& ask : transaction) add(attempt(ask), step);
  }

  void add_transactions(const std::vector<smtp::TransactionSteps>& results) {
    for (std::size_t t = 0; t < results.size(); ++t) {
      for (std::size_t r = 0; r < want.transactions[t].size(); ++r) {
        const auto& result = results[t];
        const bool mail_decided = !result.mail.ok() || r >= result.rcpts.size();
        add(attempt(want.transactions[t][r]), mail_decided ? result.mail : result.rcpts[r]);
      }
    }
  }

  void broke(const smtp::Step& step) {
    fact.broken = step;
    all_decided_by(step);
  }
};

std::vector<smtp::Envelope> envelopes_of(const WantTalk& want) {
  std::vector<smtp::Envelope> envelopes;
  for (const auto& transaction : want.transactions) {
    smtp::Envelope envelope;
    if (!transaction.empty()) envelope.mail_from = transaction.front().mail_from;
    for (const auto& ask : transaction) envelope.rcpt_to.push_back(ask.rcpt_to);
    envelopes.push_back(std::move(envelope));
  }
  return envelopes;
}

std::string literal_of(const IpAddress& address) {
  return address.is_v6() ? "[IPv6:" + address.to_string() + "]" : "[" + address.to_string() + "]";
}

io::TlsOptions tls_options(const WantTalk& want) {
  io::TlsOptions options;
  options.server_name = want.host;
  return options;
}

/// Greeting, EHLO and TLS. True where envelopes may follow.
io::Task<bool> open(Talk& t, smtp::Session& session, Deadline deadline) {
  if (t.want.tls == TlsWish::implicit) {
    auto step = co_await session.implicit_tls(tls_options(t.want), deadline);
    t.fact.shape.tls = TlsMode::implicit;
    t.fact.tls = session.tls();
    if (step.trouble != smtp::Trouble::none) {
      t.broke(step);
      co_return false;
    }
  }
  auto limit = deadline;
  if (t.want.greeting_limit > Duration{0}) limit = deadline.within(t.env.runtime.now(), t.want.greeting_limit);
  auto greeting = co_await session.greeting(limit);
  t.fact.banner = greeting.reply;
  if (!greeting.ok()) {
    t.broke(greeting);
    co_return false;
  }
  auto ehlo = co_await session.ehlo(t.fact.shape.helo, smtp::Session::Fallback::helo, deadline);
  t.fact.ehlo_reply = ehlo.reply;
  if (!ehlo.ok()) {
    t.broke(ehlo);
    co_return false;
  }
  auto& list = t.want.tls == TlsWish::implicit ? t.fact.after_tls : t.fact.before_tls;
  list = session.capabilities();
  const bool starttls =
      t.want.tls == TlsWish::starttls || (t.want.tls == TlsWish::opportunistic && session.capabilities().starttls());
  if (!starttls) co_return true;
  auto step = co_await session.starttls(tls_options(t.want), deadline);
  t.fact.shape.tls = TlsMode::starttls;
  t.fact.tls = session.tls();
  if (!step.ok() || !session.tls() || !session.tls()->established) {
    t.broke(step);
    co_return false;
  }
  auto again = co_await session.ehlo(t.fact.shape.helo, smtp::Session::Fallback::none, deadline);
  if (!again.ok()) {
    t.broke(again);
    co_return false;
  }
  t.fact.after_tls = session.capabilities();
  co_return true;
}

io::Task<bool> log_in(Talk& t, smtp::Session& session, Deadline deadline) {
  auto credentials = *t.env.credentials;
  credentials.host = t.want.host;
  credentials.port = t.want.server.port;
  if (!t.want.mechanism.empty()) credentials.mechanism = t.want.mechanism;
  if (auto mechanism = smtp::choose_mechanism(credentials, session.capabilities().auth))
    t.fact.auth_mechanism = *mechanism;
  auto step = co_await session.auth(credentials, deadline);
  t.fact.auth = step;
  t.fact.shape.user = credentials.user;
  co_return step.ok();
}

}  // namespace

io::Task<Sightings> talk(Env& env, WantTalk want, Deadline deadline) {
  Talk t{env, want, {}, {}};
  const auto started = env.runtime.now();
  const bool brief = want.patience == WantTalk::Patience::brief;
  if (brief) deadline = deadline.within(started, brief_limit);
  auto& channel = env.log.open("smtp", want.server.to_string());
  t.fact.channel = channel.id();
  t.fact.shape.host = want.host;
  t.fact.shape.server = want.server;
  t.fact.shape.helo = want.helo.empty() ? env.helo : want.helo;
  if (want.source) t.fact.shape.source = want.source->to_string();
  if (want.tls == TlsWish::implicit) t.fact.shape.tls = TlsMode::implicit;

  io::ConnectRequest request{want.server, want.host, want.source};
  auto connected =
      co_await env.connector.connect(request, deadline.within(started, brief ? brief_connect_limit : connect_limit));
  trace::Evidence evidence;
  if (!connected) {
    t.fact.connect_failure = connected.error();
    smtp::Step step;
    step.phase = smtp::Phase::connect;
    step.trouble = smtp::Trouble::io;
    step.io = connected.error();
    step.evidence = channel.add(
        env.runtime.now(), trace::Direction::note,
        std::string("no connection: ") + io::to_string(connected.error().kind) + " (" + connected.error().text + ")");
    evidence = step.evidence;
    t.all_decided_by(step);
  } else {
    t.fact.connected = true;
    if (t.fact.shape.helo.empty()) t.fact.shape.helo = literal_of((*connected)->local().address);
    evidence = channel.add(env.runtime.now(), trace::Direction::note,
                           "connected to " + want.server.to_string() + " (" + want.host + ")");
    smtp::Session session(env.runtime, std::move(*connected), channel);
    const bool opened = co_await open(t, session, deadline);
    bool ready = opened;
    if (ready && want.log_in && env.credentials) ready = co_await log_in(t, session, deadline);
    if (ready && !want.transactions.empty()) {
      auto results = co_await session.transactions(envelopes_of(want), deadline, smtp::Session::After::leave);
      t.add_transactions(results);
    }
    co_await session.leave();
  }
  t.fact.order = env.next_order();
  Sightings all;
  all.push_back({t.fact, evidence, env.runtime.now() - started});
  for (auto& s : t.out) all.push_back(std::move(s));
  co_return all;
}

namespace {

io::Task<diag::ControlFact::Try> try_control(Env& env, HostPort target, std::optional<IpAddress> source,
                                             Deadline deadline) {
  diag::ControlFact::Try result;
  result.host = target.host;
  auto found = co_await dns::look_up_addresses(env.resolver, target.host, deadline);
  if (found.addresses.empty()) {
    result.failure = io::IoFailure{io::Failure::local, "no address found"};
    co_return result;
  }
  result.server = {found.addresses.front(), target.port};
  for (const auto& a : found.addresses)
    if (source && a.is_v6() == source->is_v6()) result.server.address = a;
  if (source && source->is_v6() != result.server.address.is_v6()) source.reset();
  io::ConnectRequest request{result.server, target.host, source};
  auto connected = co_await env.connector.connect(request, deadline.within(env.runtime.now(), connect_limit));
  result.connected = connected.has_value();
  if (!connected) result.failure = connected.error();
  co_return result;
}

}  // namespace

io::Task<Sightings> controls(Env& env, diag::WantControls want, Deadline deadline) {
  std::vector<io::Task<diag::ControlFact::Try>> tasks;
  for (const auto& c : want.port25) tasks.push_back(try_control(env, c, want.source, deadline));
  for (const auto& c : want.submission) tasks.push_back(try_control(env, c, want.source, deadline));
  const auto started = env.runtime.now();
  auto tries = co_await io::when_all(std::move(tasks));
  diag::ControlFact fact;
  auto& channel = env.log.open("control", "port 25");
  trace::Evidence evidence;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const auto& t = tries[i];
    evidence = channel.add(env.runtime.now(), trace::Direction::note,
                           t.host + " " + t.server.to_string() + ": " +
                               (t.connected ? "connects"
                                : t.failure ? io::to_string(t.failure->kind)
                                            : ""));
    (i < want.port25.size() ? fact.port25 : fact.submission).push_back(t);
  }
  evidence.from = 0;
  Sightings out;
  out.push_back({std::move(fact), evidence, env.runtime.now() - started});
  co_return out;
}

}  // namespace smtpdx::probes
