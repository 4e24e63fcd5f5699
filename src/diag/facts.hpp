// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was seen, one struct a kind of observation. Facts say nothing about what they mean: rules/ does. The kinds'
// names (kind_of) are permanent and listed in docs/observations.md.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.hpp"
#include "diag/case.hpp"
#include "dns/answer.hpp"
#include "dns/lookup_types.hpp"
#include "dsn/refusal.hpp"
#include "io/facts.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/step.hpp"

namespace smtpdx::diag {

/// All variables of one RCPT: a flip is two attempts that differ in exactly one of them.
struct Shape {
  std::string host;  ///< name the address came from, canonical; the address where there was no name
  Endpoint server;
  TlsMode tls = TlsMode::plain;
  std::string helo;
  std::string source;  ///< our address where it was chosen (--source), else empty
  std::string user;    ///< logged in as; empty = anonymous
  std::string mail_from;
  std::string rcpt_to;
  bool operator==(const Shape&) const = default;
};

enum class Axis { host, address, port, tls, helo, source, auth, sender, recipient };
std::string_view to_string(Axis axis);
/// The variables in which two shapes differ. One name's two addresses differ in `address`; two names in `host` only.
/// What follows from another change by nature is not counted: our address with the family, an EHLO literal with our
/// address.
std::vector<Axis> differing(const Shape& a, const Shape& b);

/// Why a recipient was asked about.
enum class Role { recipient, postmaster, random, local, plain_form, own_sender, foreign };
std::string_view to_string(Role role);

enum class Outcome { accepted, refused, deferred, failed };  ///< 2xx · 5xx · 4xx · no reply
std::string_view to_string(Outcome outcome);

/// "smtp.rcpt": one envelope put to one server, decided at `phase`.
struct Attempt {
  Shape shape;
  Role role = Role::recipient;
  Outcome outcome = Outcome::failed;
  smtp::Phase phase = smtp::Phase::rcpt;
  std::optional<smtp::Reply> reply;
  std::string trouble;  ///< words where there was no reply
  std::string channel;
  unsigned order = 0;  ///< position in time among all attempts of the run
};

/// "smtp.session": what one connection showed besides its envelopes.
struct SessionFact {
  Shape shape;  ///< without envelope
  bool connected = false;
  std::optional<io::IoFailure> connect_failure;
  std::optional<smtp::Reply> banner;
  std::optional<smtp::Reply> ehlo_reply;
  std::optional<smtp::Capabilities> before_tls, after_tls;
  std::optional<io::TlsFacts> tls;
  std::string auth_mechanism;
  std::optional<smtp::Step> auth;    ///< the one AUTH tried
  std::optional<smtp::Step> broken;  ///< the step that brought no usable reply
  std::string channel;
  unsigned order = 0;
  /// The list that was in force when envelopes were sent.
  const smtp::Capabilities* capabilities() const {
    return after_tls ? &*after_tls : before_tls ? &*before_tls : nullptr;
  }
};

/// "dns.mx"
struct MxFact {
  dns::MxLookup mx;
};
/// "dns.address"
struct AddressFact {
  dns::HostAddresses lookup;
};
/// "dns.ptr"
struct PtrFact {
  dns::ReverseLookup reverse;
};
/// "dns.authority": what each authoritative server of the host's zone answers about its addresses.
struct AuthorityFact {
  std::string host;
  std::string zone;  ///< empty where no name server was found
  struct View {
    std::string name_server;
    Endpoint server;
    dns::Status status = dns::Status::local;
    std::vector<IpAddress> addresses;  ///< sorted
  };
  std::vector<View> views;
  bool complete = false;  ///< every name server of the zone answered
};
/// "dns.near": names a typing mistake away that do take mail.
struct NearNameFact {
  std::string domain;
  struct Near {
    std::string name;
    std::vector<std::string> mx;
  };
  std::vector<Near> names;
};
/// "dns.list": one DNSBL asked about one address (RFC 5782).
struct ListFact {
  IpAddress address;
  std::string zone;
  dns::Answer answer;
};
/// "net.control": hosts unrelated to the case, connected to only (never spoken to).
struct ControlFact {
  struct Try {
    std::string host;
    Endpoint server;
    bool connected = false;
    std::optional<io::IoFailure> failure;
  };
  std::vector<Try> port25, submission;
};
/// "input.question": what was typed, so that a verdict that rests on it has something to point at.
struct QuestionFact {
  std::string from, to, server, user, client_helo, client_address;
  std::optional<TlsMode> client_tls;
  AuthState client_auth = AuthState::unknown;
  std::vector<std::string> client_mechanisms;
};
QuestionFact question_fact(const Case& question);
/// "input.refusal": what the user holds, as read.
struct RefusalFact {
  dsn::Refusal refusal;
  dsn::Reading reading;
};
/// "input.session": a log or transcript that shows the refused session's own steps.
struct LoggedSessionFact {
  AuthState auth = AuthState::unknown;
  std::optional<TlsMode> tls;
  std::string client, server, mechanism;
  bool auth_offered = false, starttls_offered = false;  ///< by the last EHLO before the refusal, where it is shown
  std::string auth_reply;
  std::string relay_reply;
};
/// "input.trace": what an Exchange Online message trace (extended report, CSV) says of the refused message's recipient.
struct MessageTraceFact {
  std::string path;
  std::string recipient;
  std::string message_id;          ///< of the rows looked at
  bool same_message = false;       ///< that id stands in the bounce, too
  std::size_t rows = 0;            ///< rows about that recipient; 0: the trace is about other messages
  std::vector<std::string> pools;  ///< the distinct OutboundIpPoolName values in them
  std::size_t line = 0;            ///< of the first row that names a pool
};
/// "input.token": what the bearer token of the login says of itself. The token is kept nowhere.
struct TokenFact {
  bool readable = false;              ///< false: opaque, nothing is known of it
  std::vector<std::string> audience;  ///< the services it is made for ("aud")
  std::vector<std::string> rights;    ///< scopes ("scp") and roles
  std::string user;                   ///< whose it is; empty for an application's
  std::optional<bool> expired;        ///< by our clock, with some minutes' grace
};
/// "config.relay": what a server's configuration says about this envelope.
struct ConfigFact {
  std::string product, path;
  std::string server_name;  ///< myhostname / primary_hostname
  std::string recipient_domain,
      recipient_class;                 ///< "local", "virtual alias", "virtual mailbox", "relay", "none", "unknown"
  std::string class_where;             ///< "main.cf:14 mydestination = …"
  std::optional<bool> client_trusted;  ///< the client's address is in mynetworks
  std::string client_why;              ///< "203.0.113.5 is in none of 127.0.0.0/8 (main.cf:7)"
  std::optional<bool> sasl_enabled;    ///< for the service in question
  std::string relay_list;              ///< effective smtpd_relay_restrictions, folded
  std::string relay_where;             ///< file:line
  std::string deciding;                ///< the restriction that decides an anonymous foreign RCPT
  std::string deciding_authenticated;  ///< … a logged-in one
  int reply_code = 0;                  ///< what the anonymous one is answered
  int reply_code_authenticated = 0;    ///< 0 = permitted
  std::string reply_text;
  bool routed_form = false;  ///< the recipient's local part counts as routed (RFC 5321 App. C, Postfix)
  /// Further address classes that list the recipient's domain: "main.cf:9 virtual_mailbox_domains: example.org".
  std::vector<std::string> also_in;
  /// Were the domain in the first of those alone: would the recipient exist? nullopt: there is none, or it is not
  /// known.
  std::optional<bool> known_there;
  /// Is the next hop for the recipient looked up in DNS (true), or do the files name another one (false)?
  std::optional<bool> goes_to_mx;
  /// The fixed route for the recipient, where the files have one: "smtp:[old.example.net]", the host in it, file:line.
  std::string route, route_host, route_where;
  /// A compiled table that lacks what its text has, so that the recipient's domain is another class to the server than
  /// to its administrator: "relay.db lacks example.org, which relay:3 has".
  std::string stale;
  /// What the server itself cannot read or live with, so that it puts everybody off or never greets.
  std::string broken;
  /// With `stale` or `broken`: what the anonymous one is answered all the same. 0: no reply at all.
  int reply_code_built = 0;
  std::vector<std::string> unknown;  ///< what the files do not say
};

using Fact =
    std::variant<QuestionFact, RefusalFact, LoggedSessionFact, MessageTraceFact, TokenFact, ConfigFact, MxFact,
                 AddressFact, PtrFact, AuthorityFact, NearNameFact, ListFact, ControlFact, SessionFact, Attempt>;

struct Observation {
  std::string id;  ///< "o3"
  Fact fact;
  trace::Evidence evidence;
  Duration took{0};
};

/// The permanent name of the kind, "smtp.rcpt".
std::string_view kind_of(const Fact& fact);
/// What it is about: a domain, "192.0.2.25:25", an address.
std::string subject_of(const Fact& fact);

}  // namespace smtpdx::diag
