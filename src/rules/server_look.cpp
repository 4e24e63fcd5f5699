// SPDX-License-Identifier: Apache-2.0
#include "rules/server_look.hpp"

#include "base/text.hpp"

namespace smtpdx::rules {

using diag::Attempt;
using diag::AuthState;
using diag::Outcome;
using diag::Role;
using diag::SessionFact;
using diag::TlsMode;

namespace {

constexpr std::string_view cpanel_code = "submit.exim_cpanel_unauth";

/// The server's demand for TLS tells that the client had none.
bool words_demand_tls(const View& view) {
  if (!view.refusal()) return false;
  const auto& text = view.refusal()->refusal.decided().text;
  return icontains(text, "starttls") && (icontains(text, "must issue") || icontains(text, "first"));
}

std::optional<TlsMode> tls_of_client(const View& view, std::uint16_t port) {
  if (view.question().client.tls) return view.question().client.tls;
  for (const auto& l : view.logged())
    if (l->tls) return l->tls;
  if (words_demand_tls(view)) return TlsMode::plain;
  if (port == 465) return TlsMode::implicit;
  return std::nullopt;
}

}  // namespace

ServerLook::ServerLook(const View& view) : view_(view) {
  const auto& server = view.question().server;
  if (!server) return;
  host_ = canonical_name(server->host);
  port_ = server->port;
  port_typed_ = port_ != 0;
  for (auto p : submission_ports) {
    if (port_ != 0) break;
    for (auto mode : {TlsMode::plain, TlsMode::starttls, TlsMode::implicit})
      if (session(p, mode)) port_ = p;
  }
  client_tls_ = tls_of_client(view, port_);
}

TlsMode ServerLook::shape_tls() const { return client_tls_.value_or(TlsMode::plain); }

AuthState ServerLook::client_auth() const {
  if (view_.question().client.auth != AuthState::unknown) return view_.question().client.auth;
  for (const auto& l : view_.logged())
    if (l->auth != AuthState::unknown) return l->auth;
  return AuthState::unknown;
}

Seen<SessionFact> ServerLook::session(std::uint16_t port, TlsMode tls) const {
  Seen<SessionFact> best;
  for (const auto& s : view_.sessions()) {
    if (s->shape.host != host_ || s->shape.server.port != port || s->shape.tls != tls || !s->banner) continue;
    best = s;
  }
  return best;
}

std::optional<bool> ServerLook::offers_auth(std::uint16_t port, TlsMode tls) const {
  std::optional<bool> offers;
  for (const auto& s : view_.sessions()) {
    if (s->shape.host != host_ || s->shape.server.port != port) continue;
    const smtp::Capabilities* caps = nullptr;
    if (tls == TlsMode::plain && s->shape.tls != TlsMode::implicit && s->before_tls) caps = &*s->before_tls;
    if (tls == s->shape.tls && s->shape.tls != TlsMode::plain && s->after_tls) caps = &*s->after_tls;
    if (caps) offers = offers.value_or(false) || caps->offers_auth();
  }
  return offers;
}

std::optional<bool> ServerLook::offers_auth(std::uint16_t port) const {
  std::optional<bool> any;
  for (auto mode : {TlsMode::plain, TlsMode::starttls, TlsMode::implicit})
    if (auto o = offers_auth(port, mode)) any = any.value_or(false) || *o;
  return any;
}

std::uint16_t ServerLook::other_port_with_auth() const {
  for (auto p : submission_ports)
    if (p != port_ && offers_auth(p).value_or(false)) return p;
  return 0;
}

bool ServerLook::auth_nowhere() const {
  bool typed_seen = false;
  for (auto p : submission_ports) {
    auto o = offers_auth(p);
    if (o && *o) return false;
    if (o) {
      typed_seen = typed_seen || p == port_;
      // STARTTLS is offered, but nobody looked behind it: AUTH may be there.
      auto plain = session(p, TlsMode::plain);
      if (plain && plain->before_tls && plain->before_tls->starttls() && !offers_auth(p, TlsMode::starttls))
        return false;
      continue;
    }
    bool shut = false;
    for (const auto& s : view_.sessions())
      shut = shut || (s->shape.host == host_ && s->shape.server.port == p && s->connect_failure &&
                      s->connect_failure->kind == io::Failure::refused);
    if (!shut) return false;
  }
  return typed_seen;
}

bool ServerLook::every_port_offers_auth() const {
  for (auto p : submission_ports) {
    if (offers_auth(p, p == 465 ? TlsMode::implicit : TlsMode::plain).value_or(false)) continue;
    bool shut = false;
    for (const auto& s : view_.sessions())
      shut = shut || (s->shape.host == host_ && s->shape.server.port == p && s->connect_failure &&
                      s->connect_failure->kind == io::Failure::refused);
    if (!shut) return false;
  }
  return true;
}

std::vector<std::string> ServerLook::session_ids() const {
  std::vector<std::string> ids;
  for (const auto& s : view_.sessions())
    if (s->shape.host == host_ && s->shape.user.empty()) ids.push_back(*s.id);
  return ids;
}

Seen<Attempt> ServerLook::anonymous(std::uint16_t port, TlsMode tls) const {
  for (const auto& a : view_.attempts()) {
    if (a->shape.host == host_ && a->shape.server.port == port && a->shape.tls == tls && a->shape.user.empty() &&
        a->role == Role::recipient)
      return a;
  }
  return {};
}

Seen<Attempt> ServerLook::logged_in() const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host_ && !a->shape.user.empty() && a->role == Role::recipient) return a;
  return {};
}

Seen<Attempt> ServerLook::local_accepted() const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host_ && a->shape.user.empty() && a->role == Role::local && a->outcome == Outcome::accepted)
      return a;
  return {};
}

std::vector<Seen<SessionFact>> ServerLook::logins() const {
  std::vector<Seen<SessionFact>> all;
  for (const auto& s : view_.sessions())
    if (s->shape.host == host_ && s->auth) all.push_back(s);
  return all;
}

Seen<SessionFact> ServerLook::auth_session() const {
  const auto all = logins();
  for (const auto& s : all)
    if (s->auth->ok()) return s;
  return all.empty() ? Seen<SessionFact>{} : all.front();
}

std::optional<Flip> ServerLook::auth_flip(std::uint16_t port) const {
  auto flip = view_.flip(diag::Axis::auth, host_);
  if (!flip || flip->refused->shape.server.port != port || flip->accepted->shape.user.empty()) return std::nullopt;
  return flip;
}

const std::string& ServerLook::client_auth_id() const {
  if (view_.question().client.auth != AuthState::unknown) return view_.question_id();
  for (const auto& l : view_.logged())
    if (l->auth != AuthState::unknown) return *l.id;
  return view_.question_id();
}

const std::string& ServerLook::cpanel_id() const {
  for (const auto& a : view_.attempts())
    if (a->shape.host == host_ && a->reply && view_.likeliest(*a->reply) == cpanel_code) return *a.id;
  return view_.refusal() ? *view_.refusal().id : view_.question_id();
}

Seen<SessionFact> ServerLook::other_machine_at_port() const {
  Seen<SessionFact> here, elsewhere;
  for (const auto& s : view_.sessions()) {
    if (s->shape.host != host_ || !s->banner) continue;
    if (s->shape.server.port == port_) {
      if (view_.identity_shown(*s)) return {};
      here = s;
    } else if (view_.identity_shown(*s)) {
      elsewhere = s;
    }
  }
  return elsewhere ? here : Seen<SessionFact>{};
}

std::string ServerLook::own_sender() const {
  const auto& user = view_.question().user;
  if (user.empty() || user.find('@') != std::string::npos) return user;
  const auto domain = domain_of(view_.sender());
  return domain.empty() ? std::string() : user + "@" + domain;
}

bool ServerLook::no_common_mechanism() const {
  const auto& own = view_.question().mechanisms_of_client;
  auto seen = session(port_, shape_tls());
  const auto* caps = seen ? seen->capabilities() : nullptr;
  if (own.empty() || !caps || !caps->offers_auth()) return false;
  for (const auto& m : own)
    if (caps->offers_auth(m)) return false;
  return true;
}

bool ServerLook::cpanel() const {
  if (view_.refusal() && !view_.refusal()->reading.causes.empty() &&
      view_.refusal()->reading.causes.front() == cpanel_code)
    return true;
  for (const auto& a : view_.attempts())
    if (a->shape.host == host_ && a->reply && view_.likeliest(*a->reply) == cpanel_code) return true;
  return false;
}

}  // namespace smtpdx::rules
