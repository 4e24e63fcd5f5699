// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who may relay outward: not sampled sessions but the complete set (networks × names × TLS × certificates × logins ×
// senders × recipients × EHLO names × services), computed from the policy. Every unknown is cut into finitely many
// classes that no reachable restriction can tell apart within, the replay (decide.hpp) answers for one session of each
// combination, and what is alike is put together into few regions.
//
// What cannot be counted is not left out: patterns and databases become "what would match there", and what only the
// world knows makes a region conditional. "Outward" means a recipient in no domain of the server's own, or one that
// asks to be routed on.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix {

/// no: refused. perhaps: only if something that the files do not say permits it. unless: as long as nothing that the
/// files do not say refuses it. yes: accepted.
enum class Relay { no, perhaps, unless, yes };
std::string_view to_string(Relay relay);
/// What a replayed answer says of relaying.
Relay relay_of(const Decision& decision);

struct RelayRegion {
  struct Limit {
    std::string axis;                  ///< "client", "login", "sender" …
    bool except = false;               ///< everything but the members
    std::vector<std::string> members;  ///< networks, addresses, words
  };
  Relay relay = Relay::no;
  std::string service;  ///< as in master.cf
  Where service_at;
  std::uint16_t port = 0;
  std::vector<Limit> limits;  ///< in what is not named here nothing matters
  Session witness;
  bool witnessed = false;   ///< the replay of the witness says the same, with nothing assumed
  std::string restriction;  ///< that opens it; empty: no restriction refuses
  std::string parameter, why;
  Where where;
  std::vector<std::string> needs;          ///< what it depends on, unless `yes`
  bool strangers = false, logins = false;  ///< sessions in it that are not logged in; that are
  bool everybody = false;                  ///< most addresses, nobody logged in, no certificate: an open relay
};

class RelaySet {
 public:
  /// `configuration` outlives the set. Error limit: too many combinations.
  static Result<RelaySet> compute(const Configuration& configuration);
  RelaySet(RelaySet&&) noexcept;
  RelaySet& operator=(RelaySet&&) noexcept;
  ~RelaySet();

  std::vector<RelayRegion> regions() const;
  const std::vector<std::string>& not_bounded() const;  ///< why some of it may be larger than said
  std::size_t combinations() const;                     ///< replayed
  /// What the set says of a session at the first service on its port; nullopt where the session falls into no class,
  /// which would be a mistake here.
  std::optional<Relay> of(const Session& session) const;

 private:
  friend struct RelayDifference;
  RelaySet();
  struct State;
  std::unique_ptr<State> state_;
};

/// How the set changes from one configuration to another. Mail for a domain that one of them takes for its own counts,
/// too.
struct RelayDifference {
  std::vector<RelayRegion> gained, lost;
  std::vector<std::string> not_bounded;
  bool bounded = true;  ///< false: some class may hold sessions that are told apart after all
  static Result<RelayDifference> between(const Configuration& before, const Configuration& after);
};

}  // namespace smtpdx::mta::postfix
