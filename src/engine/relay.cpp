// SPDX-License-Identifier: Apache-2.0
//
// One factor at a time, not the product: the baseline is what a stranger would do at the chosen port, and each further
// row changes exactly one thing, so that a row that is decided otherwise names the single change that flips the
// server's answer: if the baseline, asked again at the end, still holds. A 4xx decides nothing.

#include "engine/relay.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dns/lookup.hpp"

namespace smtpdx::engine {

using diag::Attempt;
using diag::Outcome;
using diag::Role;
using diag::SessionFact;
using diag::TlsMode;
using diag::TlsWish;
using diag::WantTalk;

namespace {

constexpr std::uint16_t all_ports[] = {587, 465, 25, 2525};
constexpr Duration talk_limit = 20s;

constexpr Duration dns_limit = 8s;  ///< a slow name server must leave time for the sessions
constexpr std::size_t max_addresses = 4, max_exchangers = 4;

struct Variation {
  std::string factor, value;
  WantTalk talk;
};

bool accepted(const Attempt& a) { return a.outcome == Outcome::accepted; }
bool decided(const Attempt& a) { return a.outcome == Outcome::accepted || a.outcome == Outcome::refused; }

class Matrix {
 public:
  Matrix(probes::Env& env, RelayQuestion q, Deadline deadline) : env_(env), q_(std::move(q)), deadline_(deadline) {}

  io::Task<RelayMatrix> run() {
    const auto started = env_.runtime.now();
    addresses_ = co_await addresses_of(q_.server.host);
    if (addresses_.empty()) {
      out_.problem = "no address was found for " + q_.server.host;
      co_return std::move(out_);
    }
    co_await baseline();
    if (base_ && q_.extent == RelayQuestion::Extent::baseline) {
      co_await login();
    } else if (base_) {
      co_await variations();
      co_await login();
      co_await again();
      mark_flips();
    }
    out_.elapsed = env_.runtime.now() - started;
    co_return std::move(out_);
  }

 private:
  io::Task<std::vector<IpAddress>> addresses_of(std::string host) {
    if (auto typed = env_.fixed_addresses.find(host); typed != env_.fixed_addresses.end())
      co_return std::vector<IpAddress>{typed->second};
    auto found = co_await dns::look_up_addresses(env_.resolver, host, deadline_.within(env_.runtime.now(), dns_limit));
    std::vector<IpAddress> usable;
    for (const auto& a : found.addresses)
      if (a.is_v6() ? q_.use_v6 : q_.use_v4) usable.push_back(a);
    co_return usable;
  }

  /// The first --source of the server's family; none where there is none of it.
  std::optional<IpAddress> source_for(const IpAddress& server) const {
    for (const auto& s : q_.sources)
      if (s.is_v6() == server.is_v6()) return s;
    return std::nullopt;
  }

  WantTalk talk(Endpoint server, TlsWish tls) const {
    WantTalk t;
    t.host = canonical_name(q_.server.host);
    t.server = server;
    t.tls = tls;
    t.source = source_for(server.address);
    t.transactions = {{{q_.from, q_.to, Role::recipient}}};
    return t;
  }
  WantTalk talk(std::uint16_t port) const { return talk({addresses_.front(), port}, wish_at(port)); }
  /// The baseline's own session.
  WantTalk same() const { return talk(base_->shape.server.port); }
  static TlsWish wish_at(std::uint16_t port) { return port == 465 ? TlsWish::implicit : TlsWish::opportunistic; }

  io::Task<void> run_all(std::vector<Variation> variations) {
    env_.round += 1;
    env_.sequence = 0;
    std::vector<io::Task<probes::Sightings>> tasks;
    for (const auto& v : variations)
      tasks.push_back(probes::run(env_, v.talk, deadline_.within(env_.runtime.now(), talk_limit)));
    auto seen = co_await io::when_all(std::move(tasks));
    for (std::size_t i = 0; i < seen.size(); ++i)
      for (auto& s : seen[i]) note(variations[i], std::move(s));
  }

  void note(const Variation& v, probes::Sighting s) {
    diag::Observation o;
    o.id = "o" + std::to_string(out_.observations.size() + 1);
    o.evidence = s.evidence;
    o.took = s.took;
    if (const auto* a = std::get_if<Attempt>(&s.fact))
      out_.rows.push_back({factor_of(v, *a), value_of(v, *a), *a, o.id, false});
    if (const auto* f = std::get_if<SessionFact>(&s.fact)) {
      sessions_.push_back(*f);
      if (v.talk.log_in) note_login(v, *f, o.id);
    }
    o.fact = std::move(s.fact);
    out_.observations.push_back(std::move(o));
  }

  /// The envelope's variations share a connection: which one it is shows in the envelope.
  bool sender_changed(const Variation& v, const Attempt& a) const {
    return v.factor == "recipient" && a.shape.mail_from != q_.from;
  }
  std::string factor_of(const Variation& v, const Attempt& a) const {
    return sender_changed(v, a) ? "sender" : v.factor;
  }
  std::string value_of(const Variation& v, const Attempt& a) const {
    if (sender_changed(v, a)) return "<>";
    if (a.role == Role::local) return "postmaster (the server's own)";
    if (a.role == Role::random) return a.shape.rcpt_to + " (made up)";
    return v.factor == "recipient" ? a.shape.rcpt_to + " (another domain)" : v.value;
  }

  /// A login that fails ends the session before its envelope: that, too, is a row.
  void note_login(const Variation& v, const SessionFact& f, const std::string& id) {
    if (!f.auth || f.auth->ok()) return;
    Attempt a;
    a.shape = f.shape;
    a.shape.mail_from = q_.from;
    a.shape.rcpt_to = q_.to;
    a.phase = smtp::Phase::auth;
    a.reply = f.auth->reply;
    a.channel = f.channel;
    if (a.reply) a.outcome = a.reply->permanent() ? Outcome::refused : Outcome::deferred;
    if (!a.reply) a.trouble = smtp::to_string(f.auth->trouble);
    out_.rows.push_back({v.factor, v.value, a, id, false});
  }

  /// All ports that were not excluded; the first that decided something is the baseline.
  io::Task<void> baseline() {
    std::vector<Variation> tries;
    if (q_.server.port != 0) {
      tries.push_back({"baseline", "", talk(q_.server.port)});
    } else {
      for (auto port : all_ports) {
        tries.push_back({"port", std::to_string(port), talk(port)});
        tries.back().talk.patience = WantTalk::Patience::brief;
      }
    }
    co_await run_all(std::move(tries));
    auto answered = [](const RelayRow& r) { return r.attempt.outcome != Outcome::failed; };
    auto it = std::find_if(out_.rows.begin(), out_.rows.end(), answered);
    if (it == out_.rows.end()) {
      out_.problem = "nothing at " + q_.server.host + " answered as a mail server";
      if (!out_.rows.empty()) out_.problem += ": " + out_.rows.front().attempt.trouble;
      co_return;
    }
    std::rotate(out_.rows.begin(), it, it + 1);
    auto& first = out_.rows.front();
    first.factor = "baseline";
    base_ = first.attempt;
    first.value = "port " + std::to_string(base_->shape.server.port) + ", TLS " +
                  std::string(to_string(base_->shape.tls)) + ", not logged in";
  }

  bool auth_offered(std::uint16_t port) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const SessionFact& s) {
      return s.shape.server.port == port && s.capabilities() && s.capabilities()->offers_auth();
    });
  }

  io::Task<void> variations() {
    std::vector<Variation> list;
    if (base_->shape.tls == TlsMode::starttls)
      list.push_back({"tls", "none", talk(base_->shape.server, TlsWish::plain)});
    add_ports(list);
    add_addresses(list);
    add_sources(list);
    add_envelopes(list);
    auto helo = same();
    helo.helo = "localhost";
    list.push_back({"helo", "localhost", helo});
    co_await add_exchangers(list);
    co_await run_all(std::move(list));
  }

  void add_addresses(std::vector<Variation>& list) {
    bool other_family = false;
    for (std::size_t i = 1; i < addresses_.size() && i < max_addresses; ++i) {
      const auto& a = addresses_[i];
      const bool family = a.is_v6() != addresses_.front().is_v6();
      other_family = other_family || family;
      list.push_back({family ? "family" : "address", a.to_string(),
                      talk({a, base_->shape.server.port}, wish_at(base_->shape.server.port))});
    }
    if (!other_family)
      out_.not_tried.push_back({"family", q_.server.host + " has no address of the other family that may be used"});
  }

  void add_sources(std::vector<Variation>& list) {
    std::size_t further = 0;
    const auto first = source_for(addresses_.front());
    for (const auto& s : q_.sources) {
      if (s.is_v6() != addresses_.front().is_v6() || s == *first) continue;
      auto t = same();
      t.source = s;
      list.push_back({"source", s.to_string(), t});
      ++further;
    }
    if (further == 0) out_.not_tried.push_back({"source", "a second --source, or --via"});
  }

  /// The other ports, where one was typed; without one they were all looked at before.
  void add_ports(std::vector<Variation>& list) {
    if (q_.server.port == 0) return;
    for (auto port : all_ports) {
      if (port == q_.server.port) continue;
      list.push_back({"port", std::to_string(port), talk(port)});
      list.back().talk.patience = WantTalk::Patience::brief;
    }
  }

  /// Sender and recipient belong to the transaction: one connection asks for all of them (RSET between).
  void add_envelopes(std::vector<Variation>& list) {
    auto envelopes = same();
    envelopes.transactions = {
        {{q_.from, "postmaster", Role::local}, {q_.from, q_.random_local_part + "@" + domain_of(q_.to), Role::random}}};
    if (!q_.from.empty() && domain_of(q_.from) != domain_of(q_.to))
      envelopes.transactions.front().push_back({q_.from, q_.from, Role::recipient});
    if (!q_.from.empty()) envelopes.transactions.push_back({{"", q_.to, Role::recipient}});
    list.push_back({"recipient", "", envelopes});
  }

  /// The recipient's other exchangers, where the host in question is one of them or stands in for them on their port.
  io::Task<void> add_exchangers(std::vector<Variation>& list) {
    if (base_->shape.server.port != q_.smtp_port) co_return;
    auto mx =
        co_await dns::look_up_mx(env_.resolver, domain_of(q_.to), deadline_.within(env_.runtime.now(), dns_limit));
    if (mx.kind == dns::MxKind::unknown)
      out_.not_tried.push_back({"mx", "the MX of " + domain_of(q_.to) + ", which cannot be looked up"});
    std::size_t asked = 0;
    for (const auto& exchanger : mx.hosts) {
      if (exchanger.name == canonical_name(q_.server.host) || asked >= max_exchangers) continue;
      auto found = co_await addresses_of(exchanger.name);
      if (found.empty()) continue;
      auto t = talk({found.front(), q_.smtp_port}, TlsWish::opportunistic);
      t.host = exchanger.name;
      list.push_back({"mx", exchanger.name + " (" + found.front().to_string() + ")", t});
      ++asked;
    }
  }

  /// One login, in the baseline's own session where that port offers one, else at the first port that does.
  io::Task<void> login() {
    const auto port = base_->shape.server.port;
    if (q_.user.empty() || !env_.credentials) {
      out_.not_tried.push_back({"auth", "--user and --password-file"});
      co_return;
    }
    std::uint16_t at = auth_offered(port) ? port : 0;
    for (auto p : all_ports)
      if (at == 0 && auth_offered(p)) at = p;
    if (at == 0) {
      out_.not_tried.push_back({"auth", "a port that offers a login: none of those looked at does"});
      co_return;
    }
    auto t = talk(at);
    t.log_in = true;
    std::vector<Variation> last;
    if (at == port)
      last.push_back({"auth", "logged in as " + q_.user, t});
    else
      last.push_back({"port+auth", "port " + std::to_string(at) + ", logged in as " + q_.user, t});
    co_await run_all(std::move(last));
  }

  /// A change has flipped nothing if the server would decide otherwise by now anyway.
  io::Task<void> again() {
    auto differs = [&](const RelayRow& r) { return decided(r.attempt) && accepted(r.attempt) != accepted(*base_); };
    if (!std::any_of(out_.rows.begin(), out_.rows.end(), differs)) co_return;
    if (env_.manners) {
      const auto allowed = env_.manners->next_connection(base_->shape.server.address);
      if (!deadline_.passed(allowed)) co_await env_.runtime.sleep_until(allowed);
    }
    std::vector<Variation> once_more;
    once_more.push_back({"baseline again", "", same()});
    co_await run_all(std::move(once_more));
    out_.steady = out_.rows.back().attempt.outcome == base_->outcome;
  }

  void mark_flips() {
    if (!out_.steady || !decided(*base_)) return;
    for (auto& row : out_.rows) row.flips = decided(row.attempt) && accepted(row.attempt) != accepted(*base_);
  }

  probes::Env& env_;
  RelayQuestion q_;
  Deadline deadline_;
  std::vector<IpAddress> addresses_;
  std::vector<SessionFact> sessions_;
  std::optional<Attempt> base_;
  RelayMatrix out_;
};

}  // namespace

bool RelayMatrix::permitted_by_login() const {
  return std::any_of(rows.begin(), rows.end(), [](const RelayRow& row) {
    return row.factor == "auth" && row.attempt.outcome == Outcome::accepted;
  });
}

io::Task<RelayMatrix> relay_matrix(probes::Env& env, RelayQuestion question, Deadline deadline) {
  Matrix matrix(env, std::move(question), deadline);
  auto result = co_await matrix.run();
  co_return result;
}

}  // namespace smtpdx::engine
