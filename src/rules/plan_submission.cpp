// SPDX-License-Identifier: Apache-2.0
//
// What to ask the user's own outgoing server: the typed session without a login, with STARTTLS, other ports where no
// login was offered, then (with credentials) one login, then anonymous again. Which refusals that costs is counted:
// see plan.cpp.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "rules/planner.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::Outcome;
using diag::Role;
using diag::TlsMode;
using diag::TlsWish;
using diag::Want;
using diag::WantTalk;
using kb::Reason;

namespace {

constexpr std::size_t max_mx_addresses = 4;  ///< of the recipient, asked beside our own server
/// What a password can be used with; the decisive ones first: with these the server sees the password itself.
constexpr std::array<std::string_view, 6> password_mechanisms = {"PLAIN",       "LOGIN",    "SCRAM-SHA-256",
                                                                 "SCRAM-SHA-1", "CRAM-MD5", "DIGEST-MD5"};

class SubmissionPlan : public Planner {
 public:
  explicit SubmissionPlan(const View& view) : Planner(view), host_(canonical_name(case_.server->host)), look_(view) {}

  std::vector<Want> plan() {
    if (auto mx = view_.mx(view_.domain()))
      for (const auto& h : mx->mx.hosts) add(diag::WantAddresses{h.name});
    auto address = IpAddress::parse(host_);
    if (!address) {
      add(diag::WantAddresses{host_});
      if (auto found = view_.addresses(host_)) address = pick_address(*found);
    }
    if (address) {
      address_ = *address;
      at_server();
    }
    return std::move(wants_);
  }

 private:
  void at_server() {
    first_looks();
    look_further();
    log_in();
    other_mechanisms();
    repeat_anonymous();
    other_family();
    port_25_too();
    ask_true_exchangers();
    if (view_.refusal() && look_.port() != 0)
      flips_at(host_, {address_, look_.port()},
               look_.shape_tls() == TlsMode::implicit ? TlsWish::implicit : TlsWish::plain, view_.sender());
    if (port25_silent()) controls();
    if (suspected_interception(view_)) look_elsewhere();
  }

  /// S47: who answers on port 25 of the recipient's mail exchanger, a host of another house? Greeting and EHLO only.
  void look_elsewhere() {
    for (const auto& m : view_.mx_addresses()) {
      WantTalk talk = mx_talk(m.host, m.address);
      talk.tls = TlsWish::plain;
      add(talk);
      return;
    }
  }

  /// The first address that connected, else the first not tried yet.
  std::optional<IpAddress> pick_address(const diag::AddressFact& found) const {
    std::optional<IpAddress> fresh;
    for (const auto& a : found.lookup.addresses) {
      if (a.is_v6() ? !case_.use_v6 : !case_.use_v4) continue;
      bool tried = false;
      for (const auto& s : view_.sessions()) {
        if (s->shape.host != host_ || s->shape.server.address != a) continue;
        tried = true;
        if (s->connected) return a;
      }
      if (!tried && !fresh) fresh = a;
    }
    if (fresh) return fresh;
    return found.lookup.addresses.empty() ? std::nullopt : std::optional(found.lookup.addresses.front());
  }

  /// The recipient in question and a recipient that is the server's own, without a login.
  Transaction anonymous_asks() const {
    Transaction asks;
    if (view_.recipient().empty()) return asks;
    asks.push_back({view_.sender(), view_.recipient(), Role::recipient});
    // RFC 5321 §4.1.1.3: every server takes the bare "postmaster"; it is local everywhere. At a tenant's exchanger the
    // sender's own address is: the tenant is not known before the domain is.
    const bool tenant = is_tenant_exchanger(host_) && !view_.sender().empty();
    asks.push_back({view_.sender(), tenant ? view_.sender() : "postmaster", Role::local});
    return asks;
  }

  void first_looks() {
    const bool typed = case_.server->port != 0;
    std::vector<std::uint16_t> ports;
    if (typed) {
      ports.push_back(case_.server->port);
    } else {
      ports.assign(std::begin(submission_ports), std::end(submission_ports));
    }
    for (auto port : ports) {
      const bool implicit_first = port == 465;
      for (auto wish :
           implicit_first ? std::vector{TlsWish::implicit} : std::vector{TlsWish::plain, TlsWish::starttls}) {
        if (wish == TlsWish::starttls && !starttls_offered(port)) continue;
        auto talk = talk_to(host_, {address_, port}, wish);
        // One refusal in the client's own shape is enough: a second one only brings us nearer to a ban.
        const bool own_shape =
            wish == TlsWish::implicit || (look_.shape_tls() == TlsMode::starttls) == (wish == TlsWish::starttls);
        if ((port == look_.port() || typed) && own_shape) add_asks(talk);
        if (wrong_mode_possible()) talk.greeting_limit = 8s;
        if (!typed && talk.transactions.empty()) talk.patience = WantTalk::Patience::brief;
        add(talk);
      }
    }
    if (!typed && look_.port() == 0) hear_slow_ports();
    if (look_.client_tls() && typed) other_mode();
  }

  /// No port was typed, and none greeted: those that kept silent may only be slow, and are heard to the end.
  void hear_slow_ports() {
    for (const auto& s : view_.sessions()) {
      const auto port = s->shape.server.port;
      if (s->shape.host == host_ && s->shape.server.address == address_ && !refused_connection(*s))
        add(talk_to(host_, {address_, port}, port == 465 ? TlsWish::implicit : TlsWish::plain));
    }
  }

  static bool refused_connection(const diag::SessionFact& session) {
    return session.connect_failure && session.connect_failure->kind == io::Failure::refused;
  }

  void add_asks(WantTalk& talk) const {
    auto asks = anonymous_asks();
    if (!asks.empty()) talk.transactions.push_back(std::move(asks));
    if (auto plain = plain_form(); !plain.empty())
      talk.transactions.push_back(
          {{view_.sender(), plain, Role::plain_form}, {view_.sender(), view_.recipient(), Role::recipient}});
  }

  bool starttls_offered(std::uint16_t port) const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host_ && s->shape.server.port == port && s->before_tls && s->before_tls->starttls())
        return true;
    return false;
  }

  bool starttls_tried(std::uint16_t port) const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host_ && s->shape.server.port == port && s->shape.tls == TlsMode::starttls) return true;
    return false;
  }

  bool wrong_mode_possible() const {
    return view_.has_candidate("submit.tls_mode_mismatch") || (look_.client_tls() && case_.client.tls);
  }

  /// S18: the mode the client speaks, and the other one where it brought no greeting.
  void other_mode() {
    const auto mode = *look_.client_tls() == TlsMode::implicit ? TlsWish::implicit : TlsWish::plain;
    auto talk = talk_to(host_, {address_, look_.port()}, mode);
    talk.greeting_limit = 8s;
    if (mode == TlsWish::plain && look_.port() != 465) return;  // first_looks asked it
    if (mode == TlsWish::implicit && look_.port() == 465) return;
    add(talk);
  }

  /// No AUTH where the user looked: is there one elsewhere?
  void look_further() {
    const auto here = look_.offers_auth(look_.port());
    bool broken = false;
    for (const auto& s : view_.sessions()) broken = broken || (s->shape.host == host_ && !s->banner);
    if (!((here && !*here) || (!here && broken))) return;
    for (auto port : submission_ports) {
      if (port == look_.port()) continue;
      auto aside = talk_to(host_, {address_, port}, port == 465 ? TlsWish::implicit : TlsWish::plain);
      aside.patience = WantTalk::Patience::brief;
      add(aside);
      if (port == 465 || !starttls_offered(port)) continue;
      auto behind_tls = talk_to(host_, {address_, port}, TlsWish::starttls);
      // Where a login may follow, the anonymous half of its flip rides along.
      if (!case_.user.empty()) add_asks(behind_tls);
      add(behind_tls);
    }
  }

  /// Where and how to log in: in the client's own shape if AUTH is offered there, else where it is offered over TLS.
  struct Login {
    std::uint16_t port = 0;
    TlsMode tls = TlsMode::plain;
  };
  std::optional<Login> login_shape() const {
    if (look_.offers_auth(look_.port(), look_.shape_tls()).value_or(false))
      return Login{look_.port(), look_.shape_tls()};
    std::vector<std::uint16_t> ports{look_.port()};
    ports.insert(ports.end(), std::begin(submission_ports), std::end(submission_ports));
    for (auto port : ports)
      for (auto mode : {TlsMode::starttls, TlsMode::implicit, TlsMode::plain})
        if (look_.offers_auth(port, mode).value_or(false)) return Login{port, mode};
    return std::nullopt;
  }

  static TlsWish wish_of(TlsMode mode) {
    return mode == TlsMode::implicit   ? TlsWish::implicit
           : mode == TlsMode::starttls ? TlsWish::starttls
                                       : TlsWish::plain;
  }

  void log_in() {
    if (case_.user.empty()) return;
    auto shape = login_shape();
    if (!shape) return;
    // On another port the safer mode is waited for: one anonymous refusal is enough (fail2ban counts them).
    if (shape->port != look_.port() && shape->tls == TlsMode::plain && starttls_offered(shape->port) &&
        !starttls_tried(shape->port))
      return;
    // The anonymous half of the flip in the very shape of the login, before it.
    auto anonymous = talk_to(host_, {address_, shape->port}, wish_of(shape->tls));
    add_asks(anonymous);
    add(anonymous);
    const bool asked_before = view_.recipient().empty() || static_cast<bool>(look_.anonymous(shape->port, shape->tls));
    if (!asked_before) return;
    auto talk = talk_to(host_, {address_, shape->port}, wish_of(shape->tls));
    talk.log_in = true;
    talk.mechanism = mechanism_of_client(*shape);
    if (!view_.recipient().empty()) {
      const auto own = look_.own_sender();
      talk.transactions.push_back({{view_.sender(), view_.recipient(), Role::recipient}});
      if (!own.empty() && !iequals(own, view_.sender())) {
        talk.transactions.push_back({{own, view_.recipient(), Role::own_sender}});
        talk.transactions.push_back({{view_.sender(), view_.recipient(), Role::recipient}});
      }
    }
    add(talk);
  }

  const smtp::Capabilities* list_at(const Login& shape) const {
    const auto session = look_.session(shape.port, shape.tls);
    return session ? session->capabilities() : nullptr;
  }

  /// The mechanism that the user's client would take: of those it can do, the first that is offered. Empty: not known,
  /// or named by the user (--auth-mechanism).
  std::string mechanism_of_client(const Login& shape) const {
    const auto* caps = list_at(shape);
    if (!case_.auth_mechanism.empty() || !caps) return {};
    for (const auto& m : case_.mechanisms_of_client)
      if (caps->offers_auth(m)) return m;
    return {};
  }

  /// S63: a login was refused, and the user allows more than one (--auth-methods all --auth-budget N): another
  /// mechanism with the same secret, and where that is accepted, the first once more. Over TLS where there is any: what
  /// a challenge kept from the line, PLAIN would put on it.
  void other_mechanisms() {
    if (case_.user.empty() || case_.auth_budget < 2) return;
    const auto logins = look_.logins();
    if (logins.empty() || !logins.front()->auth->reply || !logins.front()->auth->reply->permanent()) return;
    const auto& first = *logins.front();
    Login shape{first.shape.server.port, first.shape.tls};
    if (shape.tls == TlsMode::plain && look_.offers_auth(shape.port, TlsMode::starttls).value_or(false))
      shape.tls = TlsMode::starttls;
    const auto* caps = list_at(shape);
    unsigned refused = 0;
    bool accepted = false;
    for (const auto& s : logins) {
      accepted = accepted || s->auth->ok();
      refused += s->auth->ok() ? 0 : 1;
    }
    if (!caps || refused >= case_.auth_budget) return;
    std::string next = first.auth_mechanism;
    if (!accepted) {
      const auto fresh = std::ranges::find_if(password_mechanisms, [&](std::string_view m) {
        return caps->offers_auth(m) &&
               std::ranges::none_of(logins, [&](const auto& s) { return s->auth_mechanism == m; });
      });
      if (fresh == std::end(password_mechanisms)) return;
      next = *fresh;
    }
    auto talk = talk_to(host_, {address_, shape.port}, wish_of(shape.tls));
    talk.log_in = true;
    talk.mechanism = next;
    talk.round = accepted ? 1 : 0;
    add(talk);
  }

  /// Words of the relay family are in hand, and the recipient was asked about at the port that was typed.
  bool relay_question() const {
    return view_.refusal() && same_family(view_.asked_reason(), Reason::relay_denied) && case_.server->port != 0 &&
           look_.anonymous(look_.port(), look_.shape_tls());
  }

  /// S36: the same server by its address of the other family. Only where no login is offered: it goes by addresses.
  void other_family() {
    if (!relay_question() || look_.offers_auth(look_.port()).value_or(true) || look_.other_port_with_auth() != 0)
      return;
    const auto found = view_.addresses(host_);
    if (!found) return;
    const auto other = std::ranges::find_if(found->lookup.addresses, [&](const IpAddress& a) {
      return a.is_v6() != address_.is_v6() && (a.is_v6() ? case_.use_v6 : case_.use_v4) &&
             (case_.sources.empty() || source(a));
    });
    if (other == found->lookup.addresses.end()) return;
    alternate({address_, look_.port()}, {*other, look_.port()}, Role::local);
  }

  /// S70: the same session on port 25, and there also a recipient that nobody would take this server for the host of.
  /// Only where there is no login to try: a login that works is the better answer.
  void port_25_too() {
    const auto port = look_.port();
    if (!relay_question() || (port != 587 && port != 465) || !case_.user.empty()) return;
    if (look_.shape_tls() == TlsMode::implicit) return;  // port 25 knows no such shape
    if (view_.refused(*look_.anonymous(port, look_.shape_tls())))
      alternate({address_, port}, {address_, 25}, Role::foreign);
  }

  /// One session, put to two of the server's endpoints in turn until a flip is seen: `own` was asked already.
  void alternate(const Endpoint& own, const Endpoint& other, Role beside) {
    const auto ask = [&](const Endpoint& at, unsigned round) {
      auto talk = talk_to(host_, at, wish_of(look_.shape_tls()));
      talk.transactions = {{{view_.sender(), view_.recipient(), Role::recipient}}};
      if (beside == Role::foreign && at.port == 25 && !case_.controls25.empty())
        talk.transactions.push_back({{view_.sender(), "postmaster@" + case_.controls25.front().host, Role::foreign}});
      talk.round = round;
      add(talk);
    };
    ask(other, 1);
    const auto mine = heard(own), theirs = heard(other);
    if (mine.empty() || theirs.empty()) return;
    const bool flips = (view_.refused(*mine.front()) && theirs.front()->outcome == Outcome::accepted) ||
                       (mine.front()->outcome == Outcome::accepted && view_.refused(*theirs.front()));
    if (flips) ask(own, 2);
    if (flips && view_.refused(*theirs.front()) && mine.size() > 1) ask(other, 3);
  }

  /// Anonymous answers for the recipient in question, at one endpoint and in the client's shape.
  std::vector<Seen<diag::Attempt>> heard(const Endpoint& at) const {
    std::vector<Seen<diag::Attempt>> answers;
    for (const auto& a : view_.attempts())
      if (a->shape.host == host_ && a->shape.server == at && a->shape.tls == look_.shape_tls() &&
          a->shape.user.empty() && a->role == Role::recipient)
        answers.push_back(a);
    return answers;
  }

  /// S60: "no such user" from our own server: does the domain's own mail exchanger know the recipient?
  void ask_true_exchangers() {
    if (!view_.refusal() || view_.asked_reason() != Reason::recipient_unknown) return;
    std::size_t asked = 0;
    for (const auto& m : view_.mx_addresses()) {
      if (m.host == host_ || m.address == address_ || asked++ >= max_mx_addresses) continue;
      auto talk = mx_talk(m.host, m.address);
      talk.transactions = {{{view_.sender(), view_.recipient(), Role::recipient},
                            {view_.sender(), case_.random_local_part + "@" + view_.domain(), Role::random}}};
      add(talk);
    }
  }

  void repeat_anonymous() {
    auto in = look_.logged_in();
    if (!in || in->outcome != Outcome::accepted || !view_.refusal()) return;
    auto talk = talk_to(host_, {address_, in->shape.server.port}, wish_of(in->shape.tls));
    talk.transactions = {{{view_.sender(), view_.recipient(), Role::recipient}}};
    talk.round = 1;
    add(talk);
    // S17: the chain begins at the port that was typed; is it refused there still?
    if (look_.port() == in->shape.server.port || !look_.anonymous(look_.port(), look_.shape_tls())) return;
    talk.server.port = look_.port();
    talk.tls = wish_of(look_.shape_tls());
    add(talk);
  }

  bool port25_silent() const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host_ && s->shape.server.port == 25 && !s->connected && s->connect_failure &&
          s->connect_failure->kind == io::Failure::timed_out)
        return true;
    return false;
  }

  std::string host_;
  IpAddress address_;
  ServerLook look_;
};

}  // namespace

std::vector<Want> plan_submission(const View& view) { return SubmissionPlan(view).plan(); }

}  // namespace smtpdx::rules
