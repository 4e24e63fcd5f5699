// SPDX-License-Identifier: Apache-2.0
//
// The recipient's branch: the refuser is, or should be, one of the recipient's mail exchangers. The table of the
// "5.7.367" family in docs/verdicts.md is what these rules spell out, one function a cause:
//   S02 every MX refuses the whole domain · S03 one MX of several · S04 one name, two machines · S05 no MX at all ·
//   S06 a mistyped domain · S49 only this recipient.
// What a server answers us is about us; so a verdict about the refused client is only drawn where the same refusal
// meets postmaster and a name that nobody has, or where a flip over hosts or addresses isolates the machine that
// differs.

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::Axis;
using diag::CauseVerdict;
using diag::Outcome;
using diag::Proof;
using diag::Side;
using kb::Reason;

namespace {

std::string quoted(const smtp::Reply& reply) { return "\"" + printable(reply.to_string(), 160) + "\""; }

/// The whole domain is refused at this address: the recipient, postmaster and a random name alike.
bool refuses_whole_domain(const View& view, const MxRow& row) {
  auto all_relay = [&](const auto& list) {
    bool ok = !list.empty();
    for (const auto& a : list) ok = ok && view.denies_domain(*a);
    return ok;
  };
  return row.state == MxState::relay_refused && all_relay(row.postmaster) && all_relay(row.random);
}

/// Not this branch's question, and nothing to say against the cause either: ends a rule without a verdict.
constexpr int other_branch_rank = -1;
CauseVerdict other_branch() {
  CauseVerdict v;
  v.rank = other_branch_rank;
  return v;
}

bool judged(const CauseVerdict& v) { return v.verdict != diag::Verdict::silent || v.rank == other_branch_rank; }

/// What every rule of this branch asks first; silent where the branch may be judged on.
CauseVerdict not_this_branch(const View& view) {
  if (view.branch() == Branch::submission) {
    auto in = view.in_mx(view.question().server->host, "");
    if (in && !*in)
      return Say::ruled_out().because(view.mx_ids(),
                                      "the refusing server " + view.question().server->host +
                                          " is your own outgoing server, not one of the recipient's mail exchangers");
    return other_branch();
  }
  auto mx = view.mx(view.domain());
  if (mx && !view.mx_known())
    return Say::untested(Side::theirs, "the MX of " + view.domain() + " (" + mx->mx.why + ")").because(*mx.id);
  return Say::nothing();
}

bool implicit(const diag::MxFact& f) { return f.mx.kind == dns::MxKind::implicit; }

bool relay_asked(const View& view) { return same_family(view.asked_reason(), Reason::relay_denied); }

/// The refuser that the bounce names is known not to be an MX host: then the MX hosts did not refuse.
bool refuser_elsewhere(const View& view) {
  if (view.refuser().empty() && view.refuser_address().empty()) return false;
  auto in = view.in_mx(view.refuser(), view.refuser_address());
  return in && !*in;
}

bool authority_disagrees(const View& view, const std::string& host) {
  auto authority = view.authority(host);
  if (!authority) return false;
  const diag::AuthorityFact::View* first = nullptr;
  for (const auto& v : authority->views) {
    if (v.status != dns::Status::found && v.status != dns::Status::no_data) continue;
    if (first && first->addresses != v.addresses) return true;
    if (!first) first = &v;
  }
  return false;
}

/// Name servers are known but not all of them answered: another address may hide there.
bool authority_unsure(const View& view, const std::string& host) {
  auto authority = view.authority(host);
  return authority && !authority->views.empty() && !authority->complete;
}

/// All addresses of the host are known and may be asked; else an address that accepts may hide among the rest.
bool knows_all_addresses(const View& view, const std::string& host) {
  auto found = view.addresses(host);
  if (!found) return false;
  for (const auto& address : found->lookup.addresses)
    if (address.is_v6() ? !view.question().use_v6 : !view.question().use_v4) return false;
  if (found->lookup.complete()) return true;
  auto authority = view.authority(host);
  return authority && authority->complete && !authority->views.empty();
}

/// The name servers were asked (or none are known), and all of them answered.
bool name_servers_agree(const View& view, const std::string& host) {
  return view.authority(host) && !authority_unsure(view, host);
}

/// Every address that the mail exchangers have was found out: what all rows of the table say holds for all of them.
bool knows_every_exchanger(const View& view) {
  auto mx = view.mx(view.domain());
  if (!mx) return false;
  for (const auto& host : mx->mx.hosts)
    if (!knows_all_addresses(view, host.name)) return false;
  return true;
}

/// The bounce has the refuser under a name of the table, at an address that the name does not lead to any more.
bool refused_at_another_address(const View& view, const MxTable& table) {
  const auto address = IpAddress::parse(view.refuser_address());
  if (!address) return false;
  bool named = false;
  for (const auto& row : table.rows()) {
    if (row.address == *address) return false;
    named = named || row.host == view.refuser();
  }
  return named;
}

/// Refused for who we are: behind such a word a server may hide whatever it thinks of the recipient.
bool about_us(Reason reason) {
  switch (reason) {
    case Reason::dnsbl_listed:
    case Reason::ip_blocked:
    case Reason::reputation:
    case Reason::rdns_invalid:
    case Reason::rate_limited:
    case Reason::sender_auth:
    case Reason::sender_rejected:
      return true;
    default:
      return false;
  }
}

/// What keeps S02 (and what rests on the same row: S05, S12) from being proved although everything asked was refused;
/// empty where nothing does.
std::optional<Doubt> doubt_of_hosts(const View& view) {
  auto mx = view.mx(view.domain());
  if (!mx) return Doubt{"the mail exchangers of " + view.domain() + " are not known", "rcpt.one_mx_stale"};
  for (const auto& host : mx->mx.hosts) {
    if (!knows_all_addresses(view, host.name))
      return Doubt{"not every address of " + host.name + " is known or may be asked", "rcpt.mx_host_resolves_wrong"};
    if (!name_servers_agree(view, host.name))
      return Doubt{"not every name server of " + host.name + " answered, so that another address may exist",
                   "rcpt.mx_host_resolves_wrong"};
  }
  return std::nullopt;
}

/// The deciding question was put, and got no definite answer.
CauseVerdict not_answered(const View& view, const MxTable& table) {
  if (!relay_asked(view)) return Say::nothing();
  auto why = obstacle(view, table);
  if (!why) return Say::nothing();
  return Say::untested(why->side, why->needs).because(why->ids, why->what);
}

/// A row in which the recipient was accepted at least once, even if not every time.
const MxRow* accepted_anywhere(const MxTable& table) {
  for (const auto& row : table.rows())
    for (const auto& a : row.recipient)
      if (a->outcome == Outcome::accepted) return &row;
  return nullptr;
}

}  // namespace

std::optional<Doubt> doubt_of_refusing_domain(const View& view, const MxTable& table) {
  // Whoever has a configuration that lists the domain runs the server that refuses it: S41, not a stranger's S02.
  if (auto config = view.config(); config && !config->recipient_class.empty() && config->recipient_class != "none" &&
                                   iequals(config->recipient_domain, view.domain()))
    return Doubt{config->recipient_class == "unknown"
                     ? "the configuration given does not say whether it lists the domain"
                     : "the configuration given lists the domain (" + config->recipient_class +
                           "): the server that runs does not do what its files say, or another one answered",
                 "own.map_stale_or_not_rebuilt"};
  if (auto doubt = doubt_of_hosts(view)) return doubt;
  for (const auto& row : table.rows()) {
    if (row.state != MxState::relay_refused)
      return Doubt{row.where() + " could not be asked, so that it may accept what the others refuse",
                   "rcpt.one_mx_stale"};
    if (!refuses_whole_domain(view, row))
      return Doubt{"postmaster and a made-up name were not both refused at " + row.where(),
                   "lookalike.recipient_unknown_dbeb"};
    if (!view.identity_shown(*row.session))
      return Doubt{"neither greeting, certificate nor PTR shows that " + row.where() +
                       " is the machine behind that name: something on our own path may have answered",
                   "net.isp_or_middlebox_intercept"};
  }
  auto near = view.near(view.domain());
  if (near && !near->names.empty())
    return Doubt{"the domain is one typing mistake away from " + near->names.front().name + ", which takes mail",
                 "rcpt.typo_or_parked_domain"};
  return std::nullopt;
}

CauseVerdict s02_mx_not_configured(const View& view) {
  if (auto v = not_this_branch(view); judged(v)) return v;
  if (view.config() && view.config()->recipient_class == "none")
    return Say::ruled_out().because(*view.config().id,
                                    "you run the server that lacks the domain: see own.domain_in_no_class");
  auto mx = view.mx(view.domain());
  if (!mx) return Say::nothing();
  if (implicit(*mx)) return Say::ruled_out().because(*mx.id, view.domain() + " has no MX record at all");
  if (mx->mx.hosts.empty()) return Say::ruled_out().because(*mx.id, view.domain() + " names no mail exchanger");
  if (refuser_elsewhere(view))
    return Say::ruled_out().because({*view.refusal().id, *mx.id},
                                    "the refuser " + view.refuser() + " is none of its MX hosts");
  MxTable table(view);
  if (const auto* row = table.first(MxState::accepted))
    return Say::ruled_out().because(row->ids(), row->where() + " accepts the recipient now");
  const auto* refusing = table.first(MxState::relay_refused);
  if (!refusing) {
    const auto* row = table.first(MxState::refused);
    if (row && relay_asked(view) && about_us(view.reason(*row->recipient.front())))
      return Say::untested(Side::ours, "--source or --via: an address from which " + row->where() + " takes mail")
          .because(row->ids(), row->where() + " refuses us as a client: " + quoted(*row->recipient.front()->reply));
    if (row && !view.relay_refused(*row->recipient.front()) && row->recipient.front()->phase == smtp::Phase::rcpt)
      return Say::ruled_out().because(
          row->ids(), row->where() + " refuses, but not as a relay: " + quoted(*row->recipient.front()->reply));
    return not_answered(view, table);
  }
  if (!refusing->postmaster.empty() && refusing->postmaster.front()->outcome == Outcome::accepted)
    return Say::ruled_out().because(refusing->ids(), refusing->where() + " accepts postmaster@" + view.domain());
  if (!relay_asked(view))
    return Say::possible().because(refusing->ids(),
                                   refusing->where() + " refuses us as a relay, which is not what was asked about");
  const auto what = "the recipient, postmaster and a made-up name at " + view.domain() +
                    " are all refused: " + quoted(*refusing->recipient.front()->reply);
  if (auto doubt = doubt_of_refusing_domain(view, table))
    return Say::likely(20).because(table.ids(), what).rival(doubt->rival).needs(doubt->why);
  return Say::proved(Proof::record, 20).because(table.ids(), "at every mail exchanger, " + what);
}

CauseVerdict s03_one_mx_stale(const View& view) {
  if (auto v = not_this_branch(view); judged(v)) return v;
  auto mx = view.mx(view.domain());
  if (!mx) return Say::nothing();
  if (implicit(*mx) || mx->mx.hosts.size() == 1)
    return Say::ruled_out().because(*mx.id, view.domain() + " has only one mail exchanger");
  MxTable table(view);
  const bool all_known = knows_every_exchanger(view);
  if (all_known && table.all(MxState::relay_refused))
    return Say::ruled_out().because(table.ids(), "every mail exchanger refuses");
  if (all_known && table.complete() && table.all(MxState::accepted))
    return Say::ruled_out().because(table.ids(), "every mail exchanger accepts the recipient now");
  for (const auto& row : table.rows()) {
    if (row.state != MxState::relay_refused || !table.host_all(row.host, MxState::relay_refused)) continue;
    const auto* accepting = table.first(MxState::accepted);
    if (!accepting || !relay_asked(view)) continue;
    auto ids = row.ids();
    for (auto& id : accepting->ids()) ids.push_back(std::move(id));
    const auto what = row.where() + " refuses as a relay what " + accepting->where() + " accepts";
    if (authority_disagrees(view, row.host) || authority_unsure(view, row.host))
      return Say::likely(10)
          .because(ids, what)
          .rival("rcpt.mx_host_resolves_wrong")
          .needs("one answer from all name servers of " + row.host);
    if (!view.identity_shown(*row.session))
      return Say::likely(10)
          .because(ids, what)
          .rival("net.isp_or_middlebox_intercept")
          .needs("a greeting, certificate or PTR that shows who " + row.where() + " is");
    if (auto flip = view.flip(Axis::host, row.host))
      return Say::proved(Proof::flip, 10)
          .because(flip->ids(), what + ", and " + row.host + " refuses it again afterwards");
    return Say::likely(10).because(ids, what).needs("the refusal seen again");
  }
  return not_answered(view, table);
}

CauseVerdict s04_mx_host_resolves_wrong(const View& view) {
  if (auto v = not_this_branch(view); judged(v)) return v;
  auto mx = view.mx(view.domain());
  if (!mx) return Say::nothing();
  MxTable table(view);
  for (const auto& host : mx->mx.hosts) {
    auto flip = view.flip(Axis::address, host.name);
    if (flip && relay_asked(view) && view.denies_domain(*flip->refused)) {
      Say say = Say::proved(Proof::flip, 10);
      say.because(flip->ids(), host.name +
                                   " stands for two machines: " + flip->accepted->shape.server.address.to_string() +
                                   " accepts the recipient, " + flip->refused->shape.server.address.to_string() +
                                   " refuses it as a relay, again and again");
      if (authority_disagrees(view, host.name))
        say.because(*view.authority(host.name).id, "the name servers of its zone do not agree about its address");
      return say;
    }
    if (authority_disagrees(view, host.name))
      return Say::likely(15)
          .because(*view.authority(host.name).id, "the name servers of " + host.name + " give different addresses")
          .needs("an answer from each of these addresses");
  }
  // An address that nobody showed us, or that only the bounce names, may behave otherwise.
  if (!table.complete() || doubt_of_hosts(view) || refused_at_another_address(view, table))
    return not_answered(view, table);
  if (table.all(MxState::accepted))
    return Say::ruled_out().because(table.ids(), "every address of every mail exchanger accepts the recipient now");
  if (table.all(MxState::relay_refused))
    return Say::ruled_out().because(table.ids(), "all addresses behave alike, and the name servers agree");
  if (table.any(MxState::relay_refused) && table.any(MxState::accepted)) {
    for (const auto& row : table.rows())
      if (!table.host_all(row.host, row.state)) return Say::nothing();
    return Say::ruled_out().because(table.ids(), "the addresses of each name behave alike");
  }
  return not_answered(view, table);
}

CauseVerdict s05_no_mx(const View& view) {
  if (auto v = not_this_branch(view); judged(v)) return v;
  auto mx = view.mx(view.domain());
  if (!mx) return Say::nothing();
  if (!implicit(*mx)) return Say::ruled_out().because(*mx.id, view.domain() + " does publish MX");
  if (refuser_elsewhere(view))
    return Say::ruled_out().because({*view.refusal().id, *mx.id},
                                    "the refuser is not the host behind the domain's own address");
  MxTable table(view);
  if (const auto* row = table.first(MxState::relay_refused); row && relay_asked(view)) {
    auto ids = row->ids();
    ids.push_back(*mx.id);
    const auto what = view.domain() + " has no MX, so mail falls back to its address record " +
                      row->address.to_string() +
                      ", and the machine there refuses: " + quoted(*row->recipient.front()->reply);
    if (auto doubt = doubt_of_refusing_domain(view, table))
      return Say::likely(10).because(ids, what).rival(doubt->rival).needs(doubt->why);
    return Say::proved(Proof::record, 10).because(ids, what);
  }
  if (const auto* row = table.first(MxState::accepted))
    return Say::ruled_out().because(row->ids(), "the fallback host " + row->where() + " accepts the recipient now");
  if (auto v = not_answered(view, table); v.verdict != diag::Verdict::silent) return v;
  return Say::likely(10)
      .because(*mx.id, view.domain() + " has no MX record")
      .needs("an answer from the host it falls back to");
}

CauseVerdict s06_typo(const View& view) {
  if (view.branch() == Branch::submission) return not_this_branch(view);
  auto near = view.near(view.domain());
  if (!near) return Say::nothing();
  if (near->names.empty())
    return Say::ruled_out().because(*near.id, "no name one typing mistake away from " + view.domain() + " takes mail");
  MxTable table(view);
  if (table.any(MxState::accepted))
    return Say::ruled_out().because(table.ids(), view.domain() + " accepts the recipient");
  const auto& first = near->names.front();
  return Say::likely(5)
      .because(*near.id, view.domain() + " is one typing mistake away from " + first.name + ", which takes mail at " +
                             (first.mx.empty() ? "its own address" : first.mx.front()))
      .needs("only the sender knows which of the two was meant");
}

CauseVerdict s49_recipient_unknown(const View& view) {
  MxTable table(view);
  if (view.branch() == Branch::submission) {
    if (const auto* ok = table.first(MxState::accepted); ok && table.complete() && table.all(MxState::accepted))
      return Say::ruled_out().because(table.ids(), "the domain's own mail exchangers accept the recipient");
    return not_this_branch(view);
  }
  if (auto config = view.config();
      config && config->known_there.value_or(false) && iequals(config->recipient_domain, view.domain()))
    return Say::ruled_out().because(
        *config.id, "the mailbox exists, in a class that another one hides: see own.domain_in_two_classes");
  const auto* row = table.first(MxState::refused);
  if (const auto* relay = table.first(MxState::relay_refused))
    return Say::ruled_out().because(relay->ids(), relay->where() + " refuses as a relay, not because of the mailbox");
  if (!row) {
    if (const auto* ok = table.first(MxState::accepted); ok && table.complete() && table.all(MxState::accepted))
      return Say::ruled_out().because(ok->ids(), "the recipient is accepted now");
    return Say::nothing();
  }
  const auto reason = view.reason(*row->recipient.front());
  if (reason != Reason::recipient_unknown && reason != Reason::recipient_disabled) return Say::nothing();
  const auto what = row->where() + " refuses this recipient: " + quoted(*row->recipient.front()->reply);
  if (const auto* ok = accepted_anywhere(table))
    return Say::likely(10)
        .because(row->ids(), what)
        .because(ok->ids(), "but " + ok->where() + " accepts the recipient: one of them has an old list of mailboxes")
        .needs("which of the two lists is right: the recipient's administrator");
  if (auto flip = view.flip(Axis::recipient, row->host))
    return Say::proved(Proof::flip, 10)
        .because(flip->ids(), what + "; " + flip->accepted->shape.rcpt_to +
                                  " is accepted in the same session, and the "
                                  "recipient is refused again");
  return Say::likely(10).because(row->ids(), what).needs("another recipient of the domain that is accepted");
}

}  // namespace smtpdx::rules
