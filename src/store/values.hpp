// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the store keeps. Plain values.
//
// Texts must be UTF-8 without NUL (PostgreSQL keeps no others, and both databases shall take the same); `input`, hashes
// and sealed secrets may be any octets. Names, ids and owners are at most 512 octets. Times are kept in microseconds.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace smtpdx::store {

/// A diagnosis, relay test or explanation that somebody asked to be kept. (owner, id) is unique; two owners never see
/// each other's, not even that an id is in use.
struct StoredResult {
  std::string id;
  std::string owner;
  std::string kind;    ///< "diagnosis", "relay-test", "explain"
  std::string title;   ///< one line for the history
  std::string status;  ///< "done", "failed", "cancelled" …
  WallTime created;
  std::optional<WallTime> finished;
  std::string request_json;  ///< without secrets: the caller takes them out
  std::string input;         ///< the mail or words as they came, any octets
  std::string result_json;   ///< the document, of a failed one the problem; empty where there is none
};

/// A line of the history, without the large parts.
struct ResultSummary {
  std::string id;
  std::string kind;
  std::string title;
  std::string status;
  WallTime created;
  std::optional<WallTime> finished;
};

/// Which lines, and where to go on. At most 200 a page.
struct ResultQuery {
  std::string owner;
  std::optional<std::string> kind = {};
  std::size_t limit = 20;
  std::string cursor = {};  ///< Page::next of the page before; empty: from the newest on
};

/// Newest first, in the order in which they were first kept, whatever the clock said. What is added or erased meanwhile
/// makes no line appear twice or be left out.
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;  ///< opaque; absent on the last page
};

struct User {
  std::string name;
  std::string password_hash;  ///< argon2id in its own text form; the store never sees a password
  std::string role;
  WallTime created;
};

struct Session {
  std::string token_hash;  ///< of the token; the token itself is never stored
  std::string user;
  WallTime created;
  WallTime expires;
};

struct ApiToken {
  std::string id;
  std::string owner;
  std::string name;  ///< what its owner calls it
  std::string hash;
  std::vector<std::string> scopes;
  WallTime created;
  std::optional<WallTime> expires;
  std::optional<WallTime> revoked;
};

/// What an Idempotency-Key led to. `request_hash` tells the same request from another one under the same key.
struct Idempotent {
  std::string owner;
  std::string key;
  std::string request_hash;
  std::string result_id;
  WallTime expires;
};

struct Remembered {
  bool fresh = true;  ///< false: the key was in use, and `entry` is what it stands for
  Idempotent entry;
};

struct AuditEntry {
  WallTime time;
  std::string who;
  std::string what;    ///< "login", "result.erase" …
  std::string target;  ///< what it was done to
  std::string outcome;
};

/// How long things are kept; absent: for ever.
struct Retention {
  std::optional<Duration> results;
  std::optional<Duration> audit;
};

/// Both clocks at one moment: the wall clock may jump, the steady one tells by how much it did.
struct ClockReading {
  WallTime wall;
  Duration steady;
  /// The steady one counts the time that the machine sleeps, too.
  static ClockReading now();
};

struct Erased {
  std::uint64_t results = 0;
  std::uint64_t audit = 0;
  std::uint64_t expired = 0;  ///< sessions and idempotency keys
};

/// Rows that came in, and rows that were there already and stayed as they were.
struct Imported {
  std::uint64_t added = 0;
  std::uint64_t kept = 0;
};

struct Counts {
  std::uint64_t results = 0;
  std::uint64_t users = 0;
  std::uint64_t sessions = 0;
  std::uint64_t tokens = 0;
  std::uint64_t audit = 0;
};

}  // namespace smtpdx::store
