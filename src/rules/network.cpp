// SPDX-License-Identifier: Apache-2.0
//
// The path between: S47 somebody else answers on port 25, S48 nobody may leave by it. Both are about our own vantage;
// they are named because everything else would be misread without them.

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Proof;
using diag::TlsMode;

std::optional<Interception> suspected_interception(const View& view) {
  for (const auto& lie : view.sessions()) {
    if (lie->shape.server.port != 25 || !lie->banner || view.identity_shown(*lie)) continue;
    for (const auto& truth : view.sessions()) {
      if (truth->shape.server.address != lie->shape.server.address || truth->shape.server.port == 25) continue;
      if (!truth->tls || !truth->tls->name_matches || !truth->tls->chain_trusted) continue;
      const auto* a = lie->capabilities();
      const auto* b = truth->capabilities();
      if (!a || !b || iequals(a->greeting_name, b->greeting_name) ||
          organisation(a->greeting_name) == organisation(b->greeting_name))
        continue;
      return Interception{lie, truth};
    }
  }
  return std::nullopt;
}

CauseVerdict s47_intercepted(const View& view) {
  const auto found = suspected_interception(view);
  if (!found) return Say::nothing();
  const auto& [lie, truth] = *found;
  const auto name = lie->capabilities()->greeting_name;
  const auto what = "on port 25 " + lie->shape.server.address.to_string() + " calls itself " + printable(name, 80) +
                    ", on port " + std::to_string(truth->shape.server.port) + " it is " +
                    printable(truth->capabilities()->greeting_name, 80) + " with a valid certificate for " +
                    truth->shape.host;
  // A filter in front of port 25 looks the same; but it does not answer for another house's hosts.
  for (const auto& other : view.sessions()) {
    const auto* caps = other->capabilities();
    if (other->shape.server.port != 25 || !caps || !iequals(caps->greeting_name, name)) continue;
    if (organisation(other->shape.host) == organisation(lie->shape.host) || view.identity_shown(*other)) continue;
    return Say::proved(Proof::record, 3)
        .because({*lie.id, *truth.id}, what)
        .because(*other.id, "and " + printable(name, 80) + " answers on port 25 of the unrelated host " +
                                other->shape.host + ", too");
  }
  return Say::likely(3)
      .because({*lie.id, *truth.id}, what)
      .rival("submit.wrong_port_25")
      .needs("the same strange name on port 25 of an unrelated host: a filter in front of the server looks alike");
}

namespace {
/// The user holds a server's reply: somebody's port 25 was open, whatever ours is.
bool about_something_else(const View& view) {
  auto r = view.refusal();
  if (!r || view.has_candidate("net.port25_egress_blocked")) return false;
  return r->refusal.decided().code != 0 && view.asked_reason() != kb::Reason::connection &&
         view.asked_reason() != kb::Reason::expired;
}
}  // namespace

CauseVerdict s48_port25_blocked(const View& view) {
  auto silent = [](const io::IoFailure& f) {
    return f.kind == io::Failure::timed_out || f.kind == io::Failure::unreachable;
  };
  bool tried = false;
  for (const auto& s : view.sessions()) {
    if (s->shape.server.port != view.question().smtp_port && s->shape.server.port != 25) continue;
    tried = true;
    if (s->connected)
      return view.has_candidate("net.port25_egress_blocked") || view.controls()
                 ? CauseVerdict(Say::ruled_out().because(
                       *s.id, "port 25 of " + s->shape.server.address.to_string() + " connects from here"))
                 : Say::nothing();
    if (!s->connect_failure || !silent(*s->connect_failure)) return Say::nothing();
  }
  auto controls = view.controls();
  if (!tried || !controls) return Say::nothing();
  std::size_t dead = 0, alive = 0;
  for (const auto& t : controls->port25) {
    if (t.connected)
      return Say::ruled_out().because(*controls.id, "port 25 of the unrelated host " + t.host + " connects from here");
    if (t.failure && silent(*t.failure)) ++dead;
  }
  for (const auto& t : controls->submission) alive += t.connected ? 1 : 0;
  if (dead >= 1 && about_something_else(view))
    return Say::untested(diag::Side::ours, "a vantage whose port 25 is open (--via, --source)")
        .because(*controls.id,
                 "port 25 of " + std::to_string(dead) +
                     " unrelated hosts is silent from here: nothing about the other side can be seen, and "
                     "the refusal in question met a client that did get through");
  if (dead >= 3 && alive >= 1)
    return Say::proved(Proof::record, 3)
        .because(*controls.id, "port 25 of " + std::to_string(dead) +
                                   " unrelated hosts is silent from here while their submission ports connect");
  if (dead >= 1)
    return Say::likely(10)
        .because(*controls.id, "port 25 of " + std::to_string(dead) + " unrelated hosts is silent from here")
        .needs(alive == 0 ? "a network that is up at all: no submission port connects either"
                          : "three unrelated hosts (--control)");
  return Say::nothing();
}

}  // namespace smtpdx::rules
