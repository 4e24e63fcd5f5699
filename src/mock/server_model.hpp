// SPDX-License-Identifier: Apache-2.0
#pragma once

// An SMTP server as a value: what it is set up to do (ServerPolicy), what it remembers between connections (Server),
// and one conversation (ServerSession) as octets in, octets out. No socket, no clock, no chance: the same octets always
// get the same answer, so that the mock internet (real sockets) and the simulation (virtual time) can both stand on it.
//
// It is a server for finding fault with diagnoses, not for carrying mail: it decides envelopes in the order Postfix
// does (client, greeting, sender, recipient, relay) and takes DATA to throw it away. Whoever runs it owes it three
// things: octets as they arrive (feed), word of a finished handshake (tls_established), and obedience to what a Turn
// says.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"

namespace smtpdx::mock {

/// The places of a session where a server can be made to misbehave: before the answer to …
enum class Moment { connect, ehlo, starttls, auth, mail, rcpt, data, end_of_data, rset, quit, other };
const char* to_string(Moment moment);
std::optional<Moment> moment_from(std::string_view word);

/// What happens at a Moment beside or in place of the policy's own answer.
struct Behaviour {
  enum class End { none, close, reset, hang };
  /// In place of the answer; a reply template (see ServerPolicy). Only a 220 to STARTTLS still starts TLS.
  std::optional<std::string> reply;
  /// In place of the answer, too: octets as they stand. After a STARTTLS answered 220 in them TLS is started.
  std::optional<std::string> raw;
  std::size_t repeat = 1;  ///< how often `raw` is sent
  Duration delay{0};       ///< nothing is said for that long first
  Duration per_octet{0};   ///< then one octet at a time, so far apart
  /// After the answer; where neither `reply` nor `raw` is given, instead of it.
  End end = End::none;
  bool after_reply = false;  ///< with `end`: the policy's own answer goes out first
};

/// Who may be written to at a domain of the server's own.
struct LocalDomain {
  std::string name;                   ///< canonical
  std::set<std::string> local_parts;  ///< lower case; empty = anybody
  bool postmaster = true;             ///< postmaster@ exists whatever the list says (RFC 5321 §4.5.1)
};

/// Everything a server is set up to do. Reply templates: one line or several with '\n' between ("550-one\n550 two"),
/// sent with CRLF; %r recipient, %s sender, %c client address, %h EHLO name, %u user logged in, %n the server's name,
/// %% a percent sign. An empty template means "not so set up".
struct ServerPolicy {
  std::string name = "mx.example.org";
  std::string greeting;   ///< template; empty = "220 %n ESMTP"
  std::string ehlo_name;  ///< first word of the EHLO reply; empty = name
  std::vector<std::string> keywords = {"PIPELINING", "SIZE 10240000", "ENHANCEDSTATUSCODES", "8BITMIME"};
  bool esmtp = true;  ///< false: EHLO is unknown (502), HELO is not

  bool implicit_tls = false;  ///< the runner does the handshake before connected()
  bool starttls = false;
  std::string tls_required;  ///< template for all but EHLO, HELO, STARTTLS, NOOP, RSET, QUIT without TLS (530)

  std::vector<std::string> auth_plain;       ///< mechanisms offered without TLS
  std::vector<std::string> auth_tls;         ///< mechanisms offered within TLS
  std::map<std::string, std::string> users;  ///< login name → password
  std::set<std::string> broken_mechanisms;   ///< offered, and fail whatever the password (PLAIN, LOGIN, CRAM-MD5)
  std::map<std::string, std::string> login_replies;  ///< login name → template in place of accepting it
  std::string auth_accepted = "235 2.7.0 Authentication successful";
  std::string auth_refused = "535 5.7.8 Error: authentication failed: (reason unavailable)";
  std::string auth_required;  ///< template for MAIL without a login (530 5.7.0 …)
  bool login_relays = true;   ///< false: logged-in clients are refused like everybody (an order mistake)
  std::map<std::string, std::set<std::string>> owners;  ///< login → senders it may use; a login not named may use all
  std::string not_owner = "553 5.7.1 <%s>: Sender address rejected: not owned by user %u";
  std::string not_logged_in;  ///< template where an owned sender is used without any login

  std::vector<LocalDomain> domains;
  std::vector<Network> relays_for;  ///< clients that may send anywhere
  std::string relay_refusal = "554 5.7.1 <%r>: Relay access denied";
  std::string unknown_user = "550 5.1.1 <%r>: Recipient address rejected: User unknown in virtual mailbox table";
  std::map<std::string, std::string> recipients;  ///< address or "@domain", lower case → template
  std::map<std::string, std::string> senders;     ///< the same for MAIL FROM; "<>" is the null sender
  std::string routed_forms;  ///< template for local parts with %, ! or @ in them; empty = taken as they are

  std::vector<std::pair<Network, std::string>> clients;  ///< refused clients and what they are told
  std::map<std::string, std::string> helos;              ///< EHLO name, lower case → template
  std::string helo_not_full;                             ///< template for EHLO names without a dot that are no literal
  enum class DelayReject { until_rcpt, at_once };
  DelayReject reject = DelayReject::until_rcpt;  ///< when `clients` and helo rules speak (smtpd_delay_reject)

  std::string greylisted;          ///< template; each client, sender and recipient is put off …
  unsigned greylist_sessions = 1;  ///< … in so many connections

  std::string slow_down = "421 4.7.0 %n Error: too many errors";
  unsigned max_connections = 0;  ///< further ones are greeted with slow_down; 0 = no limit
  unsigned max_commands = 0;     ///< of one session, then slow_down and the end
  unsigned max_refused = 0;      ///< RCPTs refused in one session, then slow_down and the end

  std::map<Moment, Behaviour> behaviour;
};

/// What to do now, in this order: wait, send, then.
struct Turn {
  std::string octets;
  std::size_t repeat = 1;  ///< send `octets` so often
  Duration delay{0};
  Duration per_octet{0};
  enum class Then { go_on, start_tls, close, reset, hang };  ///< hang: say nothing more, read nothing more
  Then then = Then::go_on;
};

/// A policy and what outlives a connection: the count of connections, whom greylisting has seen.
class Server {
 public:
  explicit Server(ServerPolicy policy) : policy_(std::move(policy)) {}
  const ServerPolicy& policy() const { return policy_; }
  /// From the next command on, in sessions that are open, too: worlds change between two probes.
  void change(ServerPolicy policy) { policy_ = std::move(policy); }
  unsigned connections() const { return connections_; }

 private:
  friend class ServerSession;
  ServerPolicy policy_;
  unsigned connections_ = 0;
  std::map<std::string, std::set<unsigned>> put_off_;  ///< triplet → connections in which it was put off
};

/// One connection. Order: connected() once (after the handshake where TLS is implicit), then feed(); after a Turn that
/// says start_tls, tls_established() and feed() again. `server` must outlive it.
class ServerSession {
 public:
  ServerSession(Server& server, IpAddress client);

  Turn connected();
  /// RFC 3207 §4.2: all that was said before is forgotten.
  void tls_established();
  /// Octets from the client, in any pieces. One Turn for each complete command; what follows a start_tls, close or hang
  /// in the same octets is dropped. At most 64 KiB are kept of a line without end; more closes.
  std::vector<Turn> feed(std::string_view octets);

  bool over() const { return over_; }
  const std::string& user() const { return user_; }

 private:
  struct AuthUnderWay {
    std::string mechanism;
    std::string user;  ///< LOGIN: first answer
    int step = 0;
  };

  Turn line(std::string_view text);
  Turn command(std::string_view text);
  std::string answer_to(Moment moment, std::string_view verb, std::string_view argument);
  std::string ehlo(std::string_view name, bool extended);
  std::string starttls();
  std::string auth(std::string_view argument);
  std::string auth_answer(std::string_view text);
  std::string log_in(const std::string& user, bool right);
  std::string mail(std::string_view argument);
  std::string rcpt(std::string_view argument);
  std::string data();
  std::string forget_envelope();

  std::string client_word() const;
  std::string helo_word() const;
  std::string sender_word() const;
  std::string recipient_word();
  std::string local_word(const LocalDomain& domain);
  std::string greylist_word();
  bool may_relay() const;
  const LocalDomain* local_domain(std::string_view domain) const;

  const ServerPolicy& policy() const { return server_.policy_; }
  std::string fill(std::string_view text) const;
  Turn turn(Moment moment, std::string reply);
  void note_limits(Turn& turn, Moment moment);

  Server& server_;
  IpAddress client_;
  unsigned number_ = 0;
  std::string pending_;
  bool tls_ = false, over_ = false, in_data_ = false, starting_tls_ = false;
  unsigned commands_ = 0, refused_ = 0;
  std::string helo_, user_;
  std::optional<AuthUnderWay> auth_;
  std::optional<std::string> sender_;
  std::string recipient_;  ///< the one being decided
  std::size_t accepted_ = 0;
};

}  // namespace smtpdx::mock
