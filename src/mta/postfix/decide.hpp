// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a Postfix server would answer to one session, from its files alone, and which line says so: parse → model →
// decide. Nothing is run, written or looked up; a question that the files cannot answer makes the verdict `unknown`,
// with the reason, rather than a guess.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mta/decision.hpp"
#include "mta/postfix/classes.hpp"
#include "mta/postfix/directory.hpp"
#include "mta/postfix/main_cf.hpp"
#include "mta/postfix/master_cf.hpp"
#include "mta/postfix/networks.hpp"
#include "mta/session.hpp"

namespace smtpdx::mta::postfix {

struct Configuration {
  Directory directory;
  MainCf main;
  MasterCf master;                        ///< the standard one where there is no master.cf
  std::vector<OwnAddress> own_addresses;  ///< of the server; empty: not told
  Reading reading = Reading::text;        ///< which form of the tables answers
};

/// Reads PATH/main.cf and PATH/master.cf. Errors: unreadable, limit; malformed with file and line.
Result<Configuration> load(const std::filesystem::path& directory);
Result<Configuration> load(Directory directory);

using mta::ClientCertificate;
using mta::DecidedBy;
using mta::Login;
using mta::Names;
using mta::Outcome;
using mta::Stage;
using mta::Tls;
using mta::TraceEntry;
using mta::Verdict;

/// What if a table answered this? For computing with all sessions at once.
struct Assumptions {
  std::map<std::string, Found> access;  ///< by "check_sender_access pcre:/etc/postfix/senders"
  std::optional<Found> owners;          ///< of the sender (smtpd_sender_login_maps)
};

struct Session : mta::Session {
  Session() = default;
  Session(mta::Session session) : mta::Session(std::move(session)) {}
  /// What if the recipient's domain were of this class? nullopt: the one that the files give it.
  std::optional<AddressClass> recipient_class;
  std::shared_ptr<const Assumptions> assumed;
};

struct Decision : mta::Decision {
  std::optional<Resolved> recipient;   ///< where the syntax was understood
  std::vector<std::string> not_built;  ///< with Reading::built: entries of the texts that the compiled tables lack
};

/// Pure but for reading tables below the configuration's directory.
Decision decide(const Configuration& configuration, const Session& session);

/// The same at one service, with tables that were opened before: for asking often. One thread at a time.
Decision decide(const Configuration& configuration, const Session& session, const Service& service, Tables& tables);

/// The service that answers on this port; the reason, where none or not one alone does.
struct Listener {
  const Service* service = nullptr;
  std::string problem;
};
Listener listener(const Configuration& configuration, std::uint16_t port, const std::optional<IpAddress>& client);

}  // namespace smtpdx::mta::postfix
