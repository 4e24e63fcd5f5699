// SPDX-License-Identifier: Apache-2.0
//
// What to ask next. Called after every round with all that is known; returns every test whose inputs are known and
// whose answer could still change the verdict. The engine drops what was already asked and what consent forbids, and
// runs the rest at once, so that the number of rounds is the length of the longest chain of questions, not their
// number.
//
// Economy: at most four refused RCPTs an address in one diagnosis (fail2ban's stock filters ban at five within ten
// minutes), controls ride in the same pipeline, repeats only where a flip needs them.

#include <algorithm>

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
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

constexpr std::size_t max_mx_addresses = 8;
constexpr std::size_t max_authorities = 8;  ///< MX hosts whose name servers are asked

using Transaction = std::vector<WantTalk::Ask>;

class Planner {
 public:
  explicit Planner(const View& view) : view_(view), case_(view.question()) {}

  std::vector<Want> plan() {
    look_ups();
    if (view_.branch() == Branch::recipient) recipient_branch();
    if (view_.branch() == Branch::submission) submission_branch();
    return std::move(wants_);
  }

 private:
  void add(Want want) { wants_.push_back(std::move(want)); }

  /// Our own address towards `server`: the first --source of its family; none where there is none of it.
  std::optional<IpAddress> source(const IpAddress& server) const {
    for (const auto& s : case_.sources)
      if (s.is_v6() == server.is_v6()) return s;
    return std::nullopt;
  }
  /// The next --source of that family: a further vantage.
  std::optional<IpAddress> other_source(const IpAddress& server) const {
    const auto first = source(server);
    for (const auto& s : case_.sources)
      if (s.is_v6() == server.is_v6() && s != *first) return s;
    return std::nullopt;
  }
  std::optional<IpAddress> any_source() const {
    if (case_.sources.empty()) return std::nullopt;
    return case_.sources.front();
  }

  void look_ups() {
    if (view_.domain().empty()) return;
    if (view_.domain().front() != '[') add(diag::WantMx{view_.domain()});
    for (const auto& name : {view_.refuser()}) {
      if (!name.empty() && view_.branch() == Branch::recipient && !IpAddress::parse(name))
        add(diag::WantAddresses{name});
    }
    const auto reason = view_.asked_reason();
    if (view_.refusal() && view_.has_candidate("dns.missing_ptr")) want_ptr_of_client();
    if (const auto from = domain_of(view_.sender());
        view_.refusal() && view_.has_candidate("sender.domain_unresolvable") && !from.empty() && from.front() != '[')
      add(diag::WantMx{from});
    if (view_.refusal() && reason == Reason::dnsbl_listed) want_named_list();
  }

  void want_ptr_of_client() {
    auto address = IpAddress::parse(view_.refusal()->refusal.client_address);
    if (!address) address = case_.client.address;
    if (!address) address = any_source();
    if (address) add(diag::WantPtr{*address});
  }

  /// The zone is asked for in the refusal's own words: "blocked using bl.example".
  void want_named_list() {
    const auto& refusal = view_.refusal()->refusal;
    auto address = IpAddress::parse(refusal.client_address);
    if (!address) address = case_.client.address;
    if (!address) address = any_source();
    if (!address) return;
    auto at = ifind(refusal.decided().text, "using ");
    if (at == std::string::npos) return;
    auto words = split_words(std::string_view(refusal.decided().text).substr(at + 6));
    if (words.empty()) return;
    std::string zone(words.front());
    while (!zone.empty() && (zone.back() == ';' || zone.back() == '.' || zone.back() == ',' || zone.back() == ':'))
      zone.pop_back();
    if (zone.find('.') != std::string::npos) add(diag::WantList{*address, canonical_name(zone)});
  }

  // ---- the recipient's mail exchangers ----

  void recipient_branch() {
    auto mx = view_.mx(view_.domain());
    if (!mx || !view_.mx_known()) return;
    std::size_t authorities = 0;
    for (const auto& host : mx->mx.hosts) {
      add(diag::WantAddresses{host.name});
      // Three look-ups one after the other: beside the sessions they cost no time, beside the addresses they hold all
      // up.
      if (++authorities <= max_authorities && view_.addresses(host.name)) add(diag::WantAuthority{host.name});
    }
    MxTable table(view_);
    std::size_t asked = 0;
    const bool only_one = mx->mx.hosts.size() == 1 && table.rows().size() == 1;
    for (const auto& row : table.rows())
      if (asked++ < max_mx_addresses && !first_talked(row)) add(first_talk(row, only_one));
    ask_refuser(table);
    repeat_refusals(table);
    if (all_silent(table)) controls();
    doubts(table);
    client_axes(table);
  }

  WantTalk mx_talk(const std::string& host, const IpAddress& address) const {
    WantTalk talk;
    talk.host = host;
    talk.server = {address, case_.smtp_port};
    talk.tls = TlsWish::opportunistic;
    talk.source = source(address);
    return talk;
  }

  WantTalk::Ask recipient_ask() const { return {"", view_.recipient(), Role::recipient}; }

  /// An address that became known later changes what else rides along. A host that refused is not asked all of it twice
  /// for that; one that accepted is: a flip wants its word after the other's refusal.
  bool first_talked(const MxRow& row) const {
    if (row.state == MxState::accepted) return false;
    return asks_about_client() ? !row.recipient.empty() : !row.postmaster.empty();
  }

  /// The controls that S02 and S49 need, behind the recipient in the same pipeline. With a single address the repeat
  /// rides along; with several it is asked later, where a flip needs it.
  WantTalk first_talk(const MxRow& row, bool only_one) const {
    WantTalk talk = mx_talk(row.host, row.address);
    const bool envelope_of_client = asks_about_client();
    const std::string from = envelope_of_client ? view_.sender() : std::string();
    Transaction first{{from, view_.recipient(), Role::recipient}};
    if (!envelope_of_client) {
      first.push_back({from, "postmaster@" + view_.domain(), Role::postmaster});
      first.push_back({from, case_.random_local_part + "@" + view_.domain(), Role::random});
    }
    talk.transactions.push_back(std::move(first));
    if (auto plain = plain_form(); !plain.empty())
      talk.transactions.push_back({{from, plain, Role::plain_form}, {from, view_.recipient(), Role::recipient}});
    if (only_one || view_.asked_reason() == Reason::recipient_unknown)
      talk.transactions.push_back({{from, view_.recipient(), Role::recipient}});
    return talk;
  }

  /// The question is about the client or sender itself (block, SPF, HELO): then the envelope must be the refused one.
  bool asks_about_client() const {
    switch (view_.asked_reason()) {
      case Reason::dnsbl_listed:
      case Reason::ip_blocked:
      case Reason::reputation:
      case Reason::sender_auth:
      case Reason::rdns_invalid:
      case Reason::sender_rejected:
        return true;
      default:
        return view_.has_candidate("client.helo_invalid");
    }
  }

  /// S07: the refuser itself, where it is none of the MX hosts and can be found.
  void ask_refuser(const MxTable& table) {
    const auto refuser = view_.refuser();
    auto in = view_.in_mx(refuser, view_.refuser_address());
    if (!in || *in || (refuser.empty() && view_.refuser_address().empty())) return;
    std::optional<IpAddress> address = IpAddress::parse(view_.refuser_address());
    if (auto found = view_.addresses(refuser); !address && found && !found->lookup.addresses.empty())
      address = found->lookup.addresses.front();
    if (!address) return;
    const auto name = refuser.empty() ? address->to_string() : refuser;
    WantTalk talk = mx_talk(name, *address);
    talk.transactions = {{recipient_ask()}};
    add(talk);
    MxRow row = make_row(view_, name, *address);
    if (row.state == MxState::relay_refused && row.recipient.size() < 2 && table.any(MxState::accepted)) {
      talk.round = 1;
      add(talk);
    }
  }

  /// Some accept, some refuse: the refusing ones once more, after the accepting ones were heard.
  void repeat_refusals(const MxTable& table) {
    if (!table.any(MxState::accepted) || table.any(MxState::untouched)) return;
    std::size_t repeated = 0;
    for (const auto& row : table.rows()) {
      if (row.state != MxState::relay_refused || repeated++ >= 2) continue;
      WantTalk talk = mx_talk(row.host, row.address);
      talk.transactions = {{recipient_ask()}};
      talk.round = 1;
      add(talk);
    }
  }

  static bool all_silent(const MxTable& table) {
    if (table.empty()) return false;
    return std::all_of(table.rows().begin(), table.rows().end(), [](const MxRow& row) {
      return row.session && !row.session->connected && row.session->connect_failure &&
             (row.session->connect_failure->kind == io::Failure::timed_out ||
              row.session->connect_failure->kind == io::Failure::unreachable);
    });
  }

  void controls() { add(diag::WantControls{case_.controls25, case_.controls587, any_source()}); }

  /// Everything refused: is it really that machine (PTR), and is it really that domain (a typing mistake)?
  void doubts(const MxTable& table) {
    for (const auto& row : table.rows()) {
      if (row.state != MxState::relay_refused) continue;
      if (!row.session || view_.identity_shown(*row.session)) continue;
      add(diag::WantPtr{row.address});
      const auto* caps = row.session->capabilities();
      const auto greets = caps ? canonical_name(caps->greeting_name) : std::string();
      if (greets.find('.') != std::string::npos && !IpAddress::parse(greets)) add(diag::WantAddresses{greets});
    }
    // Asked at the same time as the servers themselves, so that it costs no round of its own.
    if (!table.empty() && same_family(view_.asked_reason(), Reason::relay_denied))
      add(diag::WantNear{view_.domain(), {domain_of(view_.sender())}});
  }

  /// Flips over what the client itself brings: another source address (S50), another greeting (S54).
  void client_axes(const MxTable& table) {
    for (const auto& row : table.rows()) {
      if (row.session && !row.session->connected) continue;
      flips_at(row.host, {row.address, case_.smtp_port}, TlsWish::opportunistic,
               asks_about_client() ? view_.sender() : "");
      break;
    }
  }

  /// Once with the variable changed, then the refused shape again. What was refused before TLS could start has its
  /// counterpart in plain text, too: else two variables would differ.
  void flips_at(const std::string& host, Endpoint server, TlsWish tls, const std::string& from) {
    Transaction one{{from, view_.recipient(), Role::recipient}};
    const bool early = refused_before_tls(host);
    if (early && tls == TlsWish::opportunistic) tls = TlsWish::plain;
    if (view_.has_candidate("client.helo_invalid") && !case_.client.helo.empty()) {
      WantTalk typed = envelope_talk(host, server, tls, one);
      typed.helo = case_.client.helo;
      add(typed);
      if (early && refused_with_typed_helo(host)) add(envelope_talk(host, server, tls, one));
      if (accepted_with_other_helo(host, early)) {
        typed.round = 1;
        add(typed);
      }
    }
    const auto vantage = other_source(server.address);
    if (!refused_here(host) || !vantage) return;
    WantTalk other = envelope_talk(host, server, tls, one);
    other.source = vantage;
    add(other);
    if (accepted_from(host, *vantage)) {
      other.source = source(server.address);
      other.round = 1;
      add(other);
    }
  }

  WantTalk envelope_talk(const std::string& host, Endpoint server, TlsWish tls, const Transaction& one) const {
    WantTalk talk;
    talk.host = host;
    talk.server = server;
    talk.tls = tls;
    talk.source = source(server.address);
    talk.transactions = {one};
    return talk;
  }

  bool refused_here(const std::string& host) const {
    for (const auto& a : view_.attempts())
      if (a->shape.host == host && view_.refused_as_asked(*a)) return true;
    return false;
  }
  bool accepted_from(const std::string& host, const IpAddress& address) const {
    for (const auto& a : view_.attempts())
      if (a->shape.host == host && a->shape.source == address.to_string() && a->outcome == Outcome::accepted)
        return true;
    return false;
  }
  bool accepted_with_other_helo(const std::string& host, bool in_plain_text) const {
    for (const auto& a : view_.attempts())
      if (a->shape.host == host && !iequals(a->shape.helo, case_.client.helo) && a->outcome == Outcome::accepted &&
          (!in_plain_text || a->shape.tls == TlsMode::plain))
        return true;
    return false;
  }
  bool refused_before_tls(const std::string& host) const {
    for (const auto& a : view_.attempts())
      if (a->shape.host == host && a->phase <= smtp::Phase::ehlo && view_.refused_as_asked(*a)) return true;
    return false;
  }
  bool refused_with_typed_helo(const std::string& host) const {
    for (const auto& a : view_.attempts())
      if (a->shape.host == host && iequals(a->shape.helo, case_.client.helo) && view_.refused_as_asked(*a)) return true;
    return false;
  }

  // ---- the user's own outgoing server ----

  void submission_branch() {
    if (auto mx = view_.mx(view_.domain()))
      for (const auto& h : mx->mx.hosts) add(diag::WantAddresses{h.name});
    const auto host = canonical_name(case_.server->host);
    std::optional<IpAddress> address = IpAddress::parse(host);
    if (!address) {
      add(diag::WantAddresses{host});
      auto found = view_.addresses(host);
      if (!found) return;
      address = pick_address(host, *found);
      if (!address) return;
    }
    ServerLook look(view_);
    first_looks(look, host, *address);
    look_further(look, host, *address);
    log_in(look, host, *address);
    repeat_anonymous(look, host, *address);
    if (view_.refusal() && server_port(look) != 0) {
      const auto port = server_port(look);
      flips_at(host, {*address, port}, look.shape_tls() == TlsMode::implicit ? TlsWish::implicit : TlsWish::plain,
               view_.sender());
    }
    if (port25_silent(host)) controls();
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
  std::optional<IpAddress> pick_address(const std::string& host, const diag::AddressFact& found) const {
    std::optional<IpAddress> fresh;
    for (const auto& a : found.lookup.addresses) {
      if (a.is_v6() ? !case_.use_v6 : !case_.use_v4) continue;
      bool tried = false;
      for (const auto& s : view_.sessions()) {
        if (s->shape.host != host || s->shape.server.address != a) continue;
        tried = true;
        if (s->connected) return a;
      }
      if (!tried && !fresh) fresh = a;
    }
    if (fresh) return fresh;
    return found.lookup.addresses.empty() ? std::nullopt : std::optional(found.lookup.addresses.front());
  }

  std::uint16_t server_port(const ServerLook& look) const { return look.port(); }

  WantTalk talk_to(const std::string& host, const IpAddress& address, std::uint16_t port, TlsWish tls) const {
    WantTalk talk;
    talk.host = host;
    talk.server = {address, port};
    talk.tls = tls;
    talk.source = source(address);
    return talk;
  }

  /// The recipient in question and a recipient that is the server's own, without a login.
  Transaction anonymous_asks() const {
    Transaction asks;
    if (view_.recipient().empty()) return asks;
    asks.push_back({view_.sender(), view_.recipient(), Role::recipient});
    // RFC 5321 §4.1.1.3: every server takes the bare "postmaster"; it is local everywhere.
    asks.push_back({view_.sender(), "postmaster", Role::local});
    return asks;
  }

  void first_looks(const ServerLook& look, const std::string& host, const IpAddress& address) {
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
        if (wish == TlsWish::starttls && !starttls_offered(host, port)) continue;
        auto talk = talk_to(host, address, port, wish);
        // One refusal in the client's own shape is enough: a second one only brings us nearer to a ban.
        const bool own_shape =
            wish == TlsWish::implicit || (look.shape_tls() == TlsMode::starttls) == (wish == TlsWish::starttls);
        if ((port == look.port() || typed) && own_shape) add_asks(talk);
        if (wrong_mode_possible(look)) talk.greeting_limit = 8s;
        if (!typed && talk.transactions.empty()) talk.patience = WantTalk::Patience::brief;
        add(talk);
      }
    }
    if (!typed && look.port() == 0) hear_slow_ports(host, address);
    if (look.client_tls() && typed) other_mode(look, host, address);
  }

  /// No port was typed, and none greeted: those that kept silent may only be slow, and are heard to the end.
  void hear_slow_ports(const std::string& host, const IpAddress& address) {
    for (const auto& s : view_.sessions()) {
      const auto port = s->shape.server.port;
      if (s->shape.host == host && s->shape.server.address == address && !refused_connection(*s))
        add(talk_to(host, address, port, port == 465 ? TlsWish::implicit : TlsWish::plain));
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

  /// S46: "user%far.example@here.example" with the route taken off.
  std::string plain_form() const {
    const auto local = local_part_of(view_.recipient());
    auto at = local.find_first_of("%!@");
    if (at == std::string::npos || local[at] == '!') return {};
    auto user = local.substr(0, at);
    if (!user.empty() && user.front() == '"') user.erase(0, 1);
    return user + "@" + view_.domain();
  }

  bool starttls_offered(const std::string& host, std::uint16_t port) const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host && s->shape.server.port == port && s->before_tls && s->before_tls->starttls())
        return true;
    return false;
  }

  bool starttls_tried(const std::string& host, std::uint16_t port) const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host && s->shape.server.port == port && s->shape.tls == TlsMode::starttls) return true;
    return false;
  }

  bool wrong_mode_possible(const ServerLook& look) const {
    return view_.has_candidate("submit.tls_mode_mismatch") || (look.client_tls() && case_.client.tls);
  }

  /// S18: the mode the client speaks, and the other one where it brought no greeting.
  void other_mode(const ServerLook& look, const std::string& host, const IpAddress& address) {
    const auto mode = *look.client_tls() == TlsMode::implicit ? TlsWish::implicit : TlsWish::plain;
    auto talk = talk_to(host, address, look.port(), mode);
    talk.greeting_limit = 8s;
    if (mode == TlsWish::plain && look.port() != 465) return;  // first_looks asked it
    if (mode == TlsWish::implicit && look.port() == 465) return;
    add(talk);
  }

  /// No AUTH where the user looked: is there one elsewhere?
  void look_further(const ServerLook& look, const std::string& host, const IpAddress& address) {
    const auto here = look.offers_auth(look.port());
    bool broken = false;
    for (const auto& s : view_.sessions()) broken = broken || (s->shape.host == host && !s->banner);
    if (!((here && !*here) || (!here && broken))) return;
    for (auto port : submission_ports) {
      if (port == look.port()) continue;
      auto aside = talk_to(host, address, port, port == 465 ? TlsWish::implicit : TlsWish::plain);
      aside.patience = WantTalk::Patience::brief;
      add(aside);
      if (port == 465 || !starttls_offered(host, port)) continue;
      auto behind_tls = talk_to(host, address, port, TlsWish::starttls);
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
  std::optional<Login> login_shape(const ServerLook& look) const {
    if (look.offers_auth(look.port(), look.shape_tls()).value_or(false)) return Login{look.port(), look.shape_tls()};
    std::vector<std::uint16_t> ports{look.port()};
    ports.insert(ports.end(), std::begin(submission_ports), std::end(submission_ports));
    for (auto port : ports)
      for (auto mode : {TlsMode::starttls, TlsMode::implicit, TlsMode::plain})
        if (look.offers_auth(port, mode).value_or(false)) return Login{port, mode};
    return std::nullopt;
  }

  static TlsWish wish_of(TlsMode mode) {
    return mode == TlsMode::implicit   ? TlsWish::implicit
           : mode == TlsMode::starttls ? TlsWish::starttls
                                       : TlsWish::plain;
  }

  void log_in(const ServerLook& look, const std::string& host, const IpAddress& address) {
    if (case_.user.empty()) return;
    auto shape = login_shape(look);
    if (!shape) return;
    // On another port the safer mode is waited for: one anonymous refusal is enough (fail2ban counts them).
    if (shape->port != look.port() && shape->tls == TlsMode::plain && starttls_offered(host, shape->port) &&
        !starttls_tried(host, shape->port))
      return;
    // The anonymous half of the flip in the very shape of the login, before it.
    auto anonymous = talk_to(host, address, shape->port, wish_of(shape->tls));
    add_asks(anonymous);
    add(anonymous);
    const bool asked_before = view_.recipient().empty() || static_cast<bool>(look.anonymous(shape->port, shape->tls));
    if (!asked_before) return;
    auto talk = talk_to(host, address, shape->port, wish_of(shape->tls));
    talk.log_in = true;
    if (!view_.recipient().empty()) {
      const auto own = look.own_sender();
      talk.transactions.push_back({{view_.sender(), view_.recipient(), Role::recipient}});
      if (!own.empty() && !iequals(own, view_.sender())) {
        talk.transactions.push_back({{own, view_.recipient(), Role::own_sender}});
        talk.transactions.push_back({{view_.sender(), view_.recipient(), Role::recipient}});
      }
    }
    add(talk);
  }

  void repeat_anonymous(const ServerLook& look, const std::string& host, const IpAddress& address) {
    auto in = look.logged_in();
    if (!in || in->outcome != Outcome::accepted || !view_.refusal()) return;
    auto talk = talk_to(host, address, in->shape.server.port, wish_of(in->shape.tls));
    talk.transactions = {{{view_.sender(), view_.recipient(), Role::recipient}}};
    talk.round = 1;
    add(talk);
    // S17: the chain begins at the port that was typed; is it refused there still?
    if (look.port() == in->shape.server.port || !look.anonymous(look.port(), look.shape_tls())) return;
    talk.server.port = look.port();
    talk.tls = wish_of(look.shape_tls());
    add(talk);
  }

  bool port25_silent(const std::string& host) const {
    for (const auto& s : view_.sessions())
      if (s->shape.host == host && s->shape.server.port == 25 && !s->connected && s->connect_failure &&
          s->connect_failure->kind == io::Failure::timed_out)
        return true;
    return false;
  }

  const View& view_;
  const diag::Case& case_;
  std::vector<Want> wants_;
};

}  // namespace

std::vector<Want> plan(const View& view) { return Planner(view).plan(); }

}  // namespace smtpdx::rules
