// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/peer.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

using State = Peer::State;

bool absent(dns::Status status) { return status == dns::Status::no_data || status == dns::Status::no_name; }

bool found(const std::optional<dns::Answer>& answer) { return answer && answer->status == dns::Status::found; }

State state_of(const std::optional<dns::Answer>& answer) {
  if (!answer) return State::unsure;
  if (answer->status == dns::Status::found) return State::ok;
  return absent(answer->status) ? State::permanent : State::temporary;
}

/// Does the name lead back? One family that does is enough; of failures the temporary one counts.
State leads_back(const Names& names, const std::string& name, const IpAddress& address) {
  auto worst = State::permanent;
  for (const auto type : {dns::Type::A, dns::Type::AAAA}) {
    const auto answer = names(name, type);
    if (!answer) return State::unsure;
    if (state_of(answer) == State::temporary) worst = State::temporary;
    if (!found(answer)) continue;
    for (const auto& record : answer->records)
      if (record.address == address) return State::ok;
  }
  return worst;
}

void by_dns(Peer& peer, const Names& names, const IpAddress& address) {
  const auto answer = names(address.reverse_name(), dns::Type::PTR);
  peer.reverse_state = state_of(answer);
  if (peer.reverse_state == State::unsure) return;
  const auto name = found(answer) && !answer->records.empty() ? answer->records.front().name : std::string();
  const bool usable = peer.reverse_state == State::ok && valid_host_name(name);
  if (peer.reverse_state == State::ok && !usable) peer.reverse_state = State::permanent;
  peer.reverse = usable ? name : "unknown";
  if (!usable) {
    peer.name = "unknown";
    peer.name_state = peer.reverse_state;
    return;
  }
  peer.name_state = leads_back(names, name, address);
  if (peer.name_state != State::unsure) peer.name = peer.name_state == State::ok ? name : "unknown";
}

}  // namespace

Peer peer_of(const Session& session, const std::vector<OwnAddress>& own) {
  Peer peer;
  if (session.client && session.client->is_loopback()) {
    peer.name = peer.reverse = "localhost";
    peer.name_state = peer.reverse_state = State::ok;
  } else if (session.client && session.names) {
    by_dns(peer, session.names, *session.client);
    const bool ours = std::any_of(own.begin(), own.end(),
                                  [&](const OwnAddress& o) { return o.exact && o.address == *session.client; });
    if (ours && peer.name_state != State::ok) peer = {};
  }
  if (session.client_name) {
    if (peer.name != session.client_name) peer.name_state = State::unsure;
    peer.name = session.client_name;
    if (*session.client_name == "unknown") return peer;
    peer.reverse = session.client_name;
    peer.name_state = peer.reverse_state = State::ok;
  }
  return peer;
}

}  // namespace smtpdx::mta::postfix
