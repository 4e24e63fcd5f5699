// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of decide.cpp: one session run through one service's restriction lists. Not for other floors.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/postfix/decide.hpp"
#include "mta/postfix/peer.hpp"

namespace smtpdx::mta::postfix {

struct Reply {
  int code = 0;
  std::string status, text;
  bool softened = false;  ///< for good, had soft_bounce not made it temporary
};

/// What one restriction does to the session.
struct Ruling {
  /// defer_if_permit refuses for now where nothing else refuses; defer_if_reject turns a refusal of the same list into
  /// its own, which is for now only.
  enum Effect { none, permit, refuse, open, defer_if_permit, defer_if_reject } effect = none;
  Reply reply;                                  ///< where refuse or defer_…
  std::string why;                              ///< for the trace; where open: what would have to be known
  bool may_permit = false, may_refuse = false;  ///< where open: what it could have done
  bool not_replayed = false;  ///< where open: it asks the world (DNS, a policy service), not the files
  Where where;                ///< of the table entry that decided, where there was one
  std::string inner;          ///< the restriction it came down to, where that has a name of its own

  static Ruling nothing(std::string why = {}) { return make(none, {}, std::move(why)); }
  static Ruling pass(std::string why) { return make(permit, {}, std::move(why)); }
  static Ruling deny(Reply reply, std::string why) { return make(refuse, std::move(reply), std::move(why)); }
  static Ruling if_permit(Reply reply, std::string why) {
    return make(defer_if_permit, std::move(reply), std::move(why));
  }
  static Ruling if_reject(Reply reply, std::string why) {
    return make(defer_if_reject, std::move(reply), std::move(why));
  }
  static Ruling open_question(std::string why, bool may_permit, bool may_refuse) {
    auto ruling = make(open, {}, std::move(why));
    ruling.may_permit = may_permit;
    ruling.may_refuse = may_refuse;
    return ruling;
  }
  Ruling as(std::string name) && {
    inner = std::move(name);
    return std::move(*this);
  }

 private:
  static Ruling make(Effect effect, Reply reply, std::string why) {
    Ruling ruling;
    ruling.effect = effect;
    ruling.reply = std::move(reply);
    ruling.why = std::move(why);
    return ruling;
  }
};

/// The words of a reply that depend on the list: "<name>: Recipient address rejected: …".
struct Subject {
  std::string name;
  std::string_view kind;
  std::string_view default_access;  ///< what a bare type:table stands for in this list
};

/// A key to look up. Partial: not in pattern tables.
struct Key {
  std::string text;
  bool partial = false;
};

/// How far the session has come when a list is run: with smtpd_delay_reject = no they run one after the other.
struct Progress {
  bool helo = false, tls = false, sender = false, recipient = false, login = false;
};

/// Of an access table: a name with its parents, an address with its networks, an envelope address with its parts.
void add_domain_keys(std::vector<Key>& keys, std::string_view domain, Parents parents, bool first_partial);
void add_address_keys(std::vector<Key>& keys, const IpAddress& address);
void add_mail_keys(std::vector<Key>& keys, const Resolved& address, std::string_view delimiters, Parents parents);
/// What the first key that the table holds leads to.
Found find_first(const std::vector<Key>& keys, const Table& table);
/// Does smtpd take the word after this one for its argument?
bool takes_argument(std::string_view restriction);
/// Is there a restriction of that name?
bool is_restriction(std::string_view name);

class Evaluation {
 public:
  /// All outlive this object.
  Evaluation(const Configuration& configuration, const Session& session, const Service* service, Tables& tables);

  Decision run();
  static bool argument_follows(std::string_view restriction);
  static bool knows(std::string_view restriction) { return known(restriction) != nullptr; }
  /// To whom the sender belongs (smtpd_sender_login_maps), and whether the recipient tables miss it: for relay_set.cpp.
  Found sender_owners() const;
  int sender_listed();
  int recipient_listed();

 private:
  using Handler = Ruling (Evaluation::*)(const Subject&);
  using TableHandler = Ruling (Evaluation::*)(const Cited& argument, const Subject&);
  struct Restriction;
  struct ListResult {
    enum End { ran_out, permitted, refused } end = ran_out;
    Reply reply;
    std::optional<DecidedBy> by;
  };
  static const Restriction* known(std::string_view name);

  // the session's steps, decide.cpp; each returns an outcome where the session ends with it
  std::optional<Outcome> fatal_check();
  std::optional<Outcome> sasl_check(Outcome fatal);
  std::optional<Outcome> tls_step();
  std::optional<Outcome> auth_step();
  std::optional<Outcome> login_step();
  std::optional<Outcome> early_lists();
  std::optional<Outcome> rcpt_step();
  std::optional<Outcome> one_list(std::string_view parameter, const Subject& subject, Stage stage);
  std::optional<Outcome> sender_step(Stage stage);
  std::optional<Outcome> recipient_lists();
  Decision finish(Outcome outcome);
  Outcome refused(const Reply& reply, Stage stage, std::optional<DecidedBy> by) const;
  bool has_protection(const Cited& list, unsigned depth) const;
  bool tls_on() const;
  bool tls_enforced() const;

  // lists, evaluation.cpp
  ListResult run_list(const Cited& list, std::string_view parameter, const Subject& subject, unsigned depth);
  Ruling apply(const Cited& name, const Cited* argument, std::string_view parameter, const Subject& subject,
               unsigned depth, ListResult& nested);
  Ruling apply_list(const Cited& list, std::string_view parameter, const Subject& subject, unsigned depth,
                    ListResult& nested);
  void note(const Cited& name, const Cited* argument, std::string_view parameter, const Ruling& ruling);
  bool is_class(std::string_view name) const;
  Reply reply(std::string_view code_parameter, int fallback, std::string status, std::string text) const;
  Reply softened(Reply reply) const;
  void remember_deferral(const Ruling& ruling, DecidedBy by);
  Ruling defer_later(Ruling::Effect effect, const Subject& subject);
  Ruling defer_if_permit(const Subject&);
  Ruling defer_if_reject(const Subject&);
  Subject client_subject() const;
  Subject helo_subject() const;
  Subject sender_subject() const;
  Subject recipient_subject() const;

  // restrictions, restrictions.cpp
  Ruling permit(const Subject&);
  Ruling reject(const Subject&);
  Ruling defer(const Subject&);
  Ruling permit_mynetworks(const Subject&);
  Ruling permit_sasl_authenticated(const Subject&);
  Ruling permit_tls_clientcerts(const Subject&);
  Ruling permit_tls_all_clientcerts(const Subject&);
  Ruling permit_inet_interfaces(const Subject&);
  Ruling permit_auth_destination(const Subject&);
  Ruling reject_unauth_destination(const Subject&);
  Ruling defer_unauth_destination(const Subject&);
  Ruling reject_plaintext_session(const Subject&);
  Ruling reject_invalid_helo(const Subject&);
  Ruling reject_non_fqdn_helo(const Subject&);
  Ruling reject_non_fqdn_sender(const Subject&);
  Ruling reject_non_fqdn_recipient(const Subject&);
  Ruling reject_unlisted_sender(const Subject&);
  Ruling reject_unlisted_recipient(const Subject&);
  Ruling reject_sender_login_mismatch(const Subject&);
  Ruling reject_authenticated_mismatch(const Subject&);
  Ruling reject_known_mismatch(const Subject&);
  Ruling reject_unauthenticated_mismatch(const Subject&);
  Ruling says_nothing(const Subject&);
  Ruling unauth_destination(int code, const std::string& status);
  Ruling owner_check(bool unknown_sender_passes);
  std::optional<Ruling> certificate_settled() const;
  Ruling bad_configuration(const Subject& subject, std::string why) const;
  Ruling lookup_failure(const std::string& name, std::string why) const;
  Ruling helo_literal(const std::string& helo) const;
  Ruling need_full_address(const std::string& address, std::string_view kind) const;

  // restrictions that ask DNS, dns_restrictions.cpp
  std::optional<dns::Answer> ask(std::string_view name, dns::Type type) const;
  Ruling not_told(std::string_view name, bool may_permit, bool may_refuse) const;
  Ruling temporary(std::string_view action_parameter, Reply reply, std::string why) const;
  Ruling unknown_client(Peer::State state, const std::optional<std::string>& name, std::string_view what,
                        const char* status);
  Ruling unknown_address(const Resolved& address, const std::string& shown, std::string_view kind);
  Ruling reject_unknown_client(const Subject&);
  Ruling reject_unknown_reverse_client(const Subject&);
  Ruling reject_unknown_helo(const Subject&);
  Ruling reject_unknown_sender_domain(const Subject&);
  Ruling reject_unknown_recipient_domain(const Subject&);
  Ruling permit_mx_backup(const Subject&);
  std::optional<bool> is_ours(std::string_view host) const;
  std::optional<bool> primaries_allowed(const std::vector<dns::Record>& exchangers);
  std::optional<std::vector<IpAddress>> addresses_of(std::string_view host) const;

  // blocklists, blocklists.cpp
  Ruling listed(const Cited& zone, const std::string& query, const std::string& what, std::string_view kind);
  Ruling listed_domain(const Cited& zone, const std::string& what, std::string_view kind);
  Reply list_reply(const std::string& zone, const std::string& reason, const std::string& what,
                   std::string_view kind) const;
  Ruling reject_rbl_client(const Cited& zone, const Subject&);
  Ruling reject_rhsbl_client(const Cited& zone, const Subject&);
  Ruling reject_rhsbl_reverse_client(const Cited& zone, const Subject&);
  Ruling reject_rhsbl_helo(const Cited& zone, const Subject&);
  Ruling reject_rhsbl_sender(const Cited& zone, const Subject&);
  Ruling reject_rhsbl_recipient(const Cited& zone, const Subject&);
  Ruling permit_dnswl_client(const Cited& zone, const Subject&);

  // tables, access.cpp
  struct Access;
  Access access_to(std::string_view which, const std::string& table) const;
  Access access_to_client(const std::string& table) const;
  Access access_to_envelope(std::string_view which) const;
  Ruling check_access(std::string_view which, const Cited& table, std::string_view parameter, unsigned depth,
                      ListResult& nested);
  struct Servers;
  Ruling check_servers(const Servers& servers, const Cited& table, std::string_view parameter, unsigned depth,
                       ListResult& nested);
  std::optional<Ruling> server_entry(const std::string& server, const Table& table, const Subject& subject,
                                     std::string_view parameter, unsigned depth, ListResult& nested);
  std::optional<Ruling> first_entry(const std::vector<Key>& keys, const Table& table, const Subject& subject,
                                    std::string_view parameter, unsigned depth, ListResult& nested);
  std::optional<Ruling> assumed_entry(std::string_view which, const Cited& table, const Subject& subject,
                                      std::string_view parameter, unsigned depth, ListResult& nested);
  Ruling no_permit_here(Ruling ruling) const;
  static const Servers* servers_of(std::string_view restriction);
  std::optional<std::string> name_asked(const Servers& servers, Subject& subject) const;
  Ruling check_reverse_client(const Cited& table, std::string_view parameter, unsigned depth, ListResult& nested);
  Ruling table_action(const Found& found, const Subject& subject, std::string_view parameter, unsigned depth,
                      ListResult& nested);
  Ruling unlisted(const Resolved& address, std::string_view kind, const std::string& shown, const std::string& status);
  Found find_address(std::string_view maps_parameter, const Resolved& address) const;
  Found find_in(const Cited& maps, const std::vector<std::string>& keys) const;
  std::vector<std::string> address_keys(const Resolved& address) const;

  const Configuration& configuration_;
  const Session& session_;
  Parameters parameters_;
  Tables& tables_;
  Classes classes_;
  Peer peer_;
  Progress progress_;
  std::optional<std::string> sender_, recipient_;  ///< internal form
  std::optional<Resolved> resolved_sender_, resolved_;
  std::vector<TraceEntry> trace_;
  struct Deferral {
    Reply reply;
    DecidedBy by;
  };
  std::optional<Deferral> deferral_;  ///< the first defer_if_permit; counts where nothing refuses
  bool in_recipient_lists_ = false;
  std::optional<Reply> refusal_for_now_;  ///< the first defer_if_reject of the list being run
  // of the list being run, and of the session as a whole
  bool open_permit_ = false, open_refuse_ = false, uncertain_ = false, may_be_permitted_ = false;
  std::vector<std::string> list_unknown_, unknown_;
};

}  // namespace smtpdx::mta::postfix
