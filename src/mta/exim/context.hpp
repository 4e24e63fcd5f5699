// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of decide.cpp: what is known while one session is replayed. Not for other floors.
//
// What the files do not say becomes a question with a yes or a no. The session is replayed with every combination of
// answers (up to a limit): where all lead to the same decision, the question did not matter. So the code below asks and
// goes on, and never has to carry "unknown" along.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/decision.hpp"
#include "mta/exim/configuration.hpp"
#include "mta/session.hpp"

namespace smtpdx::mta::exim {

/// Answers to what is not known, in one of the worlds that are possible.
class Questions {
 public:
  explicit Questions(std::vector<bool> answers = {}) : answers_(std::move(answers)) {}
  /// `what` says what would have to be known. The same question has the same answer throughout.
  bool ask(const std::string& what);
  const std::vector<std::string>& asked() const { return asked_; }
  /// The answers for the next world, or nullopt where all were had.
  std::optional<std::vector<bool>> next() const;

 private:
  std::vector<bool> answers_;
  std::vector<std::string> asked_;
};

/// An expanded string.
struct Text {
  enum Kind {
    ok,
    forced,    ///< "fail" was written
    failed,    ///< an error in the configuration
    deferred,  ///< a look-up could not be completed
    open       ///< not known to us; `value` has "…" for what is not
  } kind = ok;
  std::string value;
  std::string why;       ///< of all but ok
  bool tainted = false;  ///< it holds what the client said: Exim opens no file named so
  bool good() const { return kind == ok; }
};

/// Result of a condition, with Exim's words.
enum class Answer { yes, no, defer, error };

/// What a look-up of a host by address came to.
struct HostName {
  enum State { not_tried, found, failed, deferred, unsure } state = not_tried;
  std::string name;
  std::vector<std::string> aliases;
};

struct ReplyText {
  std::string user;  ///< what the client is told; empty: the default
  bool user_set = false;
  bool temporary_details = false;  ///< a deferral's words are told, too
  std::string sender_verify;       ///< the sender whose verification failed, and
  std::string sender_verify_why;   ///< with what words
};

class Context {
 public:
  Context(const Configuration& c, const Session& s, Questions& q) : configuration(c), session(s), questions(q) {}

  const Configuration& configuration;
  const Session& session;
  Questions& questions;

  // the connection
  std::string client;  ///< address; empty: not known
  HostName host;
  std::string helo;
  bool esmtp = true, tls = false;
  std::string helo_verified;  ///< "", "yes", "no", "defer"
  std::string authenticated, authenticated_id, authenticated_sender;
  std::vector<std::string> auth_data;  ///< $auth1 and so on
  bool auth_failed = false, auth_unadvertised_allowed = false;

  // the envelope
  std::string sender;
  bool sender_set = false, recipient_set = false;
  std::string domain, local_part, caseful_local_part, recipient;
  std::optional<Text> domain_data, local_part_data;
  std::string local_part_prefix, local_part_suffix;
  std::optional<std::string> address_data, sender_address_data;
  std::string self_hostname, home, host_data;
  std::map<std::string, Text, std::less<>> router_variables;

  // ACLs and expansion
  std::string_view acl_where;
  std::map<std::string, Text, std::less<>> variables;  ///< acl_c…, acl_m…
  std::vector<Text> acl_arguments;
  std::string verify_message;
  std::string dnslist_domain, dnslist_text, dnslist_value, dnslist_matched;
  std::vector<Text> numbered;  ///< $0, $1 and so on
  std::optional<Text> value, item;
  std::vector<TraceEntry> trace;
  std::optional<DecidedBy> last_statement;
  unsigned acl_depth = 0;
  unsigned depth = 0;  ///< of expansions, lists, ACLs and routers in each other
  std::size_t steps = 0;
  bool list_tainted = false;  ///< the list being walked holds what the client said

  /// Not known: is it so?
  bool ask(const std::string& what) { return questions.ask(what); }
  /// False where the configuration makes too much work of it; the verdict is then unknown.
  bool step();
  /// Why the replay stopped; empty where it did not.
  const std::string& exhausted() const { return exhausted_; }
  void exhaust(std::string why) {
    if (exhausted_.empty()) exhausted_ = std::move(why);
  }

 private:
  std::string exhausted_;
};

/// One more level of what may contain itself; not `fine` where that goes too deep.
class Level {
 public:
  explicit Level(Context& c) : c_(c), fine_(++c.depth <= max && c.step()) {
    if (c.depth > max) c.exhaust("how a configuration ends that nests without end");
  }
  ~Level() { --c_.depth; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  bool fine() const { return fine_; }

 private:
  static constexpr unsigned max = 80;
  Context& c_;
  bool fine_;
};

}  // namespace smtpdx::mta::exim
