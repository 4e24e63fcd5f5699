// SPDX-License-Identifier: Apache-2.0
//
// One factor at a time, not the product: the baseline is what a stranger would do at the chosen port, and each further
// row changes exactly one thing, so that a row that is decided otherwise names the single change that flips the
// server's answer.

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

struct Variation {
  std::string factor, value;
  WantTalk talk;
};

class Matrix {
 public:
  Matrix(probes::Env& env, RelayQuestion q, Deadline deadline) : env_(env), q_(std::move(q)), deadline_(deadline) {}

  io::Task<RelayMatrix> run() {
    const auto started = env_.runtime.now();
    auto found = co_await dns::look_up_addresses(env_.resolver, q_.server.host, deadline_);
    for (const auto& a : found.addresses)
      if (a.is_v6() ? q_.use_v6 : q_.use_v4) addresses_.push_back(a);
    if (addresses_.empty()) {
      out_.problem = "no address was found for " + q_.server.host + " (" + dns::to_string(found.status()) + ")";
      co_return std::move(out_);
    }
    co_await baseline();
    if (base_) co_await variations();
    out_.elapsed = env_.runtime.now() - started;
    co_return std::move(out_);
  }

 private:
  WantTalk talk(std::uint16_t port, TlsWish tls) const {
    WantTalk t;
    t.host = canonical_name(q_.server.host);
    t.server = {addresses_.front(), port};
    t.tls = tls;
    if (!q_.sources.empty()) t.source = q_.sources.front();
    t.transactions = {{{q_.from, q_.to, Role::recipient}}};
    return t;
  }
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
    if (auto* a = std::get_if<Attempt>(&s.fact)) {
      RelayRow row{v.factor,
                   a->role == Role::recipient || v.factor != "recipient" ? v.value : std::string(to_string(a->role)),
                   *a, o.id, false};
      if (a->role == Role::local) row.value = "postmaster (the server's own)";
      if (a->role == Role::random) row.value = "a made-up name at " + domain_of(q_.to);
      row.flips = base_ && (a->outcome == Outcome::accepted) != (base_->outcome == Outcome::accepted) &&
                  a->outcome != Outcome::failed;
      out_.rows.push_back(std::move(row));
    }
    if (auto* f = std::get_if<SessionFact>(&s.fact)) sessions_.push_back(*f);
    o.fact = std::move(s.fact);
    out_.observations.push_back(std::move(o));
  }

  /// All ports that were not excluded; the first that decided something is the baseline.
  io::Task<void> baseline() {
    std::vector<Variation> tries;
    if (q_.server.port != 0) {
      tries.push_back({"baseline", "", talk(q_.server.port, wish_at(q_.server.port))});
    } else {
      for (auto port : all_ports) tries.push_back({"port", std::to_string(port), talk(port, wish_at(port))});
    }
    co_await run_all(std::move(tries));
    auto decided = [](const RelayRow& r) { return r.attempt.outcome != Outcome::failed; };
    auto it = std::find_if(out_.rows.begin(), out_.rows.end(), decided);
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
    for (auto& row : out_.rows)
      row.flips = row.attempt.outcome != Outcome::failed &&
                  (row.attempt.outcome == Outcome::accepted) != (base_->outcome == Outcome::accepted);
  }

  bool auth_offered(std::uint16_t port) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const SessionFact& s) {
      return s.shape.server.port == port && s.capabilities() && s.capabilities()->offers_auth();
    });
  }

  io::Task<void> variations() {
    const auto port = base_->shape.server.port;
    const auto wish = wish_at(port);
    std::vector<Variation> list;
    auto same = [&] { return talk(port, wish); };
    if (base_->shape.tls == TlsMode::starttls) list.push_back({"tls", "none", talk(port, TlsWish::plain)});
    for (std::size_t i = 1; i < addresses_.size() && i < 3; ++i) {
      auto t = same();
      t.server.address = addresses_[i];
      list.push_back({"address", addresses_[i].to_string(), t});
    }
    for (std::size_t i = 1; i < q_.sources.size(); ++i) {
      auto t = same();
      t.source = q_.sources[i];
      list.push_back({"source", q_.sources[i].to_string(), t});
    }
    auto envelopes = same();
    envelopes.transactions = {
        {{q_.from, "postmaster", Role::local}, {q_.from, q_.random_local_part + "@" + domain_of(q_.to), Role::random}}};
    list.push_back({"recipient", "", envelopes});
    auto sender = same();
    sender.transactions = {{{"", q_.to, Role::recipient}}};
    if (!q_.from.empty()) list.push_back({"sender", "<>", sender});
    auto helo = same();
    helo.helo = "localhost";
    list.push_back({"helo", "localhost", helo});
    co_await run_all(std::move(list));
    if (q_.user.empty() || !env_.credentials) co_return;
    std::uint16_t login_port = auth_offered(port) ? port : 0;
    for (auto p : all_ports)
      if (login_port == 0 && auth_offered(p)) login_port = p;
    if (login_port == 0) co_return;
    auto login = talk(login_port, wish_at(login_port));
    login.log_in = true;
    std::vector<Variation> last{
        {"auth", "logged in as " + q_.user + (login_port == port ? "" : " at port " + std::to_string(login_port)),
         login}};
    co_await run_all(std::move(last));
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

io::Task<RelayMatrix> relay_matrix(probes::Env& env, RelayQuestion question, Deadline deadline) {
  Matrix matrix(env, std::move(question), deadline);
  auto result = co_await matrix.run();
  co_return result;
}

}  // namespace smtpdx::engine
