// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who asks. Two kinds of server:
//   on loopback     one user, "local"; pages need the session that the printed address gives (web/guard.hpp)
//   for others      accounts: a session by name and password, or an API token with scopes; nobody else gets anything
//
// Guessing is slowed by name and by address: each failure doubles the wait, up to five minutes. Sessions and tokens
// stand in the store by their hash only.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "io/runtime.hpp"
#include "web/guard.hpp"
#include "web/shelf.hpp"

namespace smtpdx::web {

struct Caller {
  std::string name;
  std::vector<std::string> scopes;  ///< "all", or some of: explain, diagnose, relay, keep
  bool may(std::string_view scope) const;
};

/// The scopes that a token can have.
const std::vector<std::string>& known_scopes();

/// Failures by key (a name, an address), with the time before which no further try is looked at.
class Throttle {
 public:
  /// How long still to wait; zero where a try may be made.
  Duration wait(const std::string& key, TimePoint now) const;
  void failed(const std::string& key, TimePoint now);
  void succeeded(const std::string& key) { entries_.erase(key); }

 private:
  struct Entry {
    unsigned failures = 0;
    TimePoint until;
  };
  std::map<std::string, Entry> entries_;
};

/// So many at once, and so many more a second, for each key.
class RateLimit {
 public:
  RateLimit(double burst, double per_second) : burst_(burst), per_second_(per_second) {}
  /// Takes one; false where none is left.
  bool take(const std::string& key, TimePoint now);

 private:
  struct Bucket {
    double left;
    TimePoint at;
  };
  double burst_, per_second_;
  std::map<std::string, Bucket> buckets_;
};

class Callers {
 public:
  /// `shelf` is needed for accounts; null otherwise.
  Callers(io::Runtime& runtime, Guard& guard, Shelf* shelf) : runtime_(runtime), guard_(guard), shelf_(shelf) {}

  /// Nobody where the request shows no valid session or token.
  io::Task<std::optional<Caller>> identify(const http::Request& request, const Endpoint& peer);

  /// POST and DELETE /v1/session.
  io::Task<Answer> log_in(const http::Request& request, const Endpoint& peer);
  io::Task<Answer> log_out(const http::Request& request);

  /// Into the store's audit log, where there are accounts; not waited for.
  void note(std::string who, std::string what, std::string target, std::string outcome);

 private:
  io::Task<Answer> log_in_with_token(const std::string& token);
  io::Task<store::Outcome<bool>> check_password(std::string name, std::string password);
  io::Task<Answer> log_in_with_password(const std::string& name, const std::string& password, const Endpoint& peer);
  Answer session_answer(std::string cookie_value) const;

  io::Runtime& runtime_;
  Guard& guard_;
  Shelf* shelf_;
  Throttle throttle_;
  std::size_t checking_ = 0;  ///< passwords being compared now: each takes 64 MiB
};

}  // namespace smtpdx::web
