// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a Postfix server would answer to one session, from its files alone, and which line says so: parse → model →
// decide. Nothing is run, written or looked up; a question that the files cannot answer makes the verdict `unknown`,
// with the reason, rather than a guess.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "dns/answer.hpp"
#include "mta/postfix/classes.hpp"
#include "mta/postfix/directory.hpp"
#include "mta/postfix/main_cf.hpp"
#include "mta/postfix/master_cf.hpp"
#include "mta/postfix/networks.hpp"

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

enum class Tls { none, starttls, wrapper };

struct Login {
  std::optional<std::string> user;  ///< nullopt: somebody, we do not know who
  bool valid = true;                ///< the password is right
};

struct ClientCertificate {
  bool trusted = false;
  std::map<std::string, std::string> fingerprints;  ///< by digest, "sha256" and so on, and "pubkey_sha256"
};

/// What DNS told the server about a name; nullopt: not known to us, and the verdict may become `unknown`. CNAMEs are
/// followed. Must be safe to call as often as wanted.
using Names = std::function<std::optional<dns::Answer>(const std::string& name, dns::Type type)>;

struct Session {
  std::optional<IpAddress> client;
  std::optional<std::string>
      client_name;  ///< verified PTR name, "unknown" where there is none; nullopt: not known to us
  std::uint16_t port = 25;
  std::optional<std::string> helo;
  std::optional<Tls> tls;  ///< nullopt: whatever the service asks for
  std::optional<Login> login;
  std::optional<ClientCertificate> certificate;
  bool certificate_told = true;   ///< false: whether the client shows one is not known to us
  std::string sender, recipient;  ///< SMTP paths, angle brackets optional
  /// What if the recipient's domain were of this class? nullopt: the one that the files give it.
  std::optional<AddressClass> recipient_class;
  Names names;  ///< empty: nothing is known of DNS
};

enum class Verdict { accepted, refused, no_auth, no_starttls, server_fatal, unknown };
std::string_view to_string(Verdict verdict);
enum class Stage { connect, ehlo, starttls, auth, mail, rcpt };
std::string_view to_string(Stage stage);

/// The restriction that decided, and the line it stands in.
struct DecidedBy {
  std::string restriction, parameter;
  Where where;
};

struct Outcome {
  Verdict verdict = Verdict::unknown;
  int code = 0;        ///< 0 where no reply belongs to the verdict
  std::string status;  ///< "5.7.1"
  std::string text;    ///< without the enhanced code; "…" stands for a client's name that is not known to us
  Stage stage = Stage::rcpt;
  std::optional<DecidedBy> by;  ///< nullopt where every list ran to its end
};

struct TraceEntry {
  std::string restriction;
  std::string result;  ///< permit, refuse, no match, unknown, not replayed, ignored
  std::string why;
  std::string parameter;  ///< the list it stands in
  Where where;
};

struct Decision : Outcome {
  std::vector<TraceEntry> trace;
  std::vector<std::string> unknown;    ///< what would have to be known; empty unless the verdict is unknown
  std::optional<Outcome> if_silent;    ///< with verdict unknown: what holds if all of that says nothing
  bool may_be_permitted = false;       ///< with verdict unknown: some of that could also have let it pass
  std::optional<Resolved> recipient;   ///< where the syntax was understood
  std::vector<std::string> not_built;  ///< with Reading::built: entries of the texts that the compiled tables lack
};

/// Pure but for reading tables below the configuration's directory.
Decision decide(const Configuration& configuration, const Session& session);

/// The service that answers on this port; the reason, where none or not one alone does.
struct Listener {
  const Service* service = nullptr;
  std::string problem;
};
Listener listener(const Configuration& configuration, std::uint16_t port, const std::optional<IpAddress>& client);

}  // namespace smtpdx::mta::postfix
