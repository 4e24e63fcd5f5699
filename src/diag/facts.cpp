// SPDX-License-Identifier: Apache-2.0
#include "diag/facts.hpp"

#include "base/text.hpp"

namespace smtpdx::diag {

std::string_view to_string(Axis axis) {
  switch (axis) {
    case Axis::host:
      return "host";
    case Axis::address:
      return "address";
    case Axis::port:
      return "port";
    case Axis::tls:
      return "tls";
    case Axis::helo:
      return "helo";
    case Axis::source:
      return "source";
    case Axis::auth:
      return "auth";
    case Axis::sender:
      return "sender";
    case Axis::recipient:
      return "recipient";
  }
  return "";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::recipient:
      return "recipient";
    case Role::postmaster:
      return "postmaster";
    case Role::random:
      return "random";
    case Role::local:
      return "local";
    case Role::plain_form:
      return "plain-form";
    case Role::own_sender:
      return "own-sender";
    case Role::foreign:
      return "foreign";
  }
  return "";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted:
      return "accepted";
    case Outcome::refused:
      return "refused";
    case Outcome::deferred:
      return "deferred";
    case Outcome::failed:
      return "failed";
  }
  return "";
}

namespace {
bool literal(std::string_view helo) { return helo.starts_with('['); }
}  // namespace

QuestionFact question_fact(const Case& c) {
  QuestionFact f;
  f.from = c.from;
  f.to = c.to;
  if (c.server) f.server = c.server->host + (c.server->port == 0 ? "" : ":" + std::to_string(c.server->port));
  f.user = c.user;
  f.client_helo = c.client.helo;
  if (c.client.address) f.client_address = c.client.address->to_string();
  f.client_tls = c.client.tls;
  f.client_auth = c.client.auth;
  f.client_mechanisms = c.mechanisms_of_client;
  return f;
}

std::vector<Axis> differing(const Shape& a, const Shape& b) {
  std::vector<Axis> axes;
  const bool other_family = a.server.address.is_v6() != b.server.address.is_v6();
  if (a.host != b.host) {
    axes.push_back(Axis::host);  // another host has another address by nature
  } else if (a.server.address != b.server.address) {
    axes.push_back(Axis::address);
  }
  // Another machine may lack STARTTLS: taken where it is offered, TLS follows from the machine and is no change of
  // ours.
  const bool other_machine = !axes.empty() && a.tls != TlsMode::implicit && b.tls != TlsMode::implicit;
  if (a.server.port != b.server.port) axes.push_back(Axis::port);
  if (a.tls != b.tls && !other_machine) axes.push_back(Axis::tls);
  const bool other_source = a.source != b.source && !other_family;
  const bool own_literals = literal(a.helo) && literal(b.helo) && (other_source || other_family);
  if (!iequals(a.helo, b.helo) && !own_literals) axes.push_back(Axis::helo);
  if (other_source) axes.push_back(Axis::source);
  if (a.user != b.user) axes.push_back(Axis::auth);
  if (a.mail_from != b.mail_from) axes.push_back(Axis::sender);
  if (a.rcpt_to != b.rcpt_to) axes.push_back(Axis::recipient);
  return axes;
}

namespace {
struct Kind {
  std::string_view operator()(const QuestionFact&) const { return "input.question"; }
  std::string_view operator()(const RefusalFact&) const { return "input.refusal"; }
  std::string_view operator()(const LoggedSessionFact&) const { return "input.session"; }
  std::string_view operator()(const MessageTraceFact&) const { return "input.trace"; }
  std::string_view operator()(const TokenFact&) const { return "input.token"; }
  std::string_view operator()(const ConfigFact&) const { return "config.relay"; }
  std::string_view operator()(const MxFact&) const { return "dns.mx"; }
  std::string_view operator()(const AddressFact&) const { return "dns.address"; }
  std::string_view operator()(const PtrFact&) const { return "dns.ptr"; }
  std::string_view operator()(const AuthorityFact&) const { return "dns.authority"; }
  std::string_view operator()(const NearNameFact&) const { return "dns.near"; }
  std::string_view operator()(const ListFact&) const { return "dns.list"; }
  std::string_view operator()(const ControlFact&) const { return "net.control"; }
  std::string_view operator()(const SessionFact&) const { return "smtp.session"; }
  std::string_view operator()(const Attempt&) const { return "smtp.rcpt"; }
};
struct Subject {
  std::string operator()(const QuestionFact& f) const { return f.server.empty() ? f.to : f.server; }
  std::string operator()(const RefusalFact& f) const { return f.refusal.recipient; }
  std::string operator()(const LoggedSessionFact& f) const { return f.server; }
  std::string operator()(const MessageTraceFact& f) const { return f.recipient; }
  std::string operator()(const TokenFact& f) const { return f.user; }
  std::string operator()(const ConfigFact& f) const { return f.path; }
  std::string operator()(const MxFact& f) const { return f.mx.domain; }
  std::string operator()(const AddressFact& f) const { return f.lookup.host; }
  std::string operator()(const PtrFact& f) const { return f.reverse.address.to_string(); }
  std::string operator()(const AuthorityFact& f) const { return f.host; }
  std::string operator()(const NearNameFact& f) const { return f.domain; }
  std::string operator()(const ListFact& f) const { return f.zone; }
  std::string operator()(const ControlFact&) const { return "port 25"; }
  std::string operator()(const SessionFact& f) const { return f.shape.server.to_string(); }
  std::string operator()(const Attempt& f) const { return f.shape.server.to_string(); }
};
}  // namespace

std::string_view kind_of(const Fact& fact) { return std::visit(Kind{}, fact); }
std::string subject_of(const Fact& fact) { return std::visit(Subject{}, fact); }

}  // namespace smtpdx::diag
