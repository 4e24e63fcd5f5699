// SPDX-License-Identifier: Apache-2.0
//
// What to ask next. Called after every round with all that is known; returns every test whose inputs are known and
// whose answer could still change the verdict. The engine drops what was already asked and what consent forbids, and
// runs the rest at once, so that the number of rounds is the length of the longest chain of questions, not their
// number.
//
// Economy: at most four refused RCPTs an address in one diagnosis (fail2ban's stock filters ban at five within ten
// minutes), controls ride in the same pipeline, repeats only where a flip needs them.

#include <algorithm>

#include "base/text.hpp"
#include "rules/mx_table.hpp"
#include "rules/planner.hpp"

namespace smtpdx::rules {

using diag::Outcome;
using diag::Role;
using diag::TlsWish;
using diag::Want;
using diag::WantTalk;
using kb::Reason;

namespace {

constexpr std::size_t max_mx_addresses = 8;
constexpr std::size_t max_authorities = 8;  ///< MX hosts whose name servers are asked

/// What both branches look up, and the recipient's mail exchangers.
class RecipientPlan : public Planner {
 public:
  using Planner::Planner;

  std::vector<Want> plan() {
    look_ups();
    if (view_.branch() == Branch::recipient) recipient_branch();
    return std::move(wants_);
  }

 private:
  void look_ups() {
    if (view_.domain().empty()) return;
    if (view_.domain().front() != '[') add(diag::WantMx{view_.domain()});
    for (const auto& name : {view_.refuser()}) {
      if (!name.empty() && view_.branch() == Branch::recipient && !IpAddress::parse(name))
        add(diag::WantAddresses{name});
    }
    const auto reason = view_.asked_reason();
    if (view_.refusal() && view_.has_candidate("dns.missing_ptr")) want_ptr_of_client();
    if (const auto from = domain_of(view_.sender());
        view_.refusal() && view_.has_candidate("sender.domain_unresolvable") && !from.empty() && from.front() != '[')
      add(diag::WantMx{from});
    if (view_.refusal() && reason == Reason::dnsbl_listed) want_named_list();
  }

  void want_ptr_of_client() {
    auto address = IpAddress::parse(view_.refusal()->refusal.client_address);
    if (!address) address = case_.client.address;
    if (!address) address = any_source();
    if (address) add(diag::WantPtr{*address});
  }

  /// The zone is asked for in the refusal's own words: "blocked using bl.example".
  void want_named_list() {
    const auto& refusal = view_.refusal()->refusal;
    auto address = IpAddress::parse(refusal.client_address);
    if (!address) address = case_.client.address;
    if (!address) address = any_source();
    if (!address) return;
    auto at = ifind(refusal.decided().text, "using ");
    if (at == std::string::npos) return;
    auto words = split_words(std::string_view(refusal.decided().text).substr(at + 6));
    if (words.empty()) return;
    std::string zone(words.front());
    while (!zone.empty() && (zone.back() == ';' || zone.back() == '.' || zone.back() == ',' || zone.back() == ':'))
      zone.pop_back();
    if (zone.find('.') != std::string::npos) add(diag::WantList{*address, canonical_name(zone)});
  }
  void recipient_branch() {
    auto mx = view_.mx(view_.domain());
    if (!mx || !view_.mx_known()) return;
    std::size_t authorities = 0;
    for (const auto& host : mx->mx.hosts) {
      add(diag::WantAddresses{host.name});
      // Three look-ups one after the other: beside the sessions they cost no time, beside the addresses they hold all
      // up.
      if (++authorities <= max_authorities && view_.addresses(host.name)) add(diag::WantAuthority{host.name});
    }
    MxTable table(view_);
    std::size_t asked = 0;
    const bool only_one = mx->mx.hosts.size() == 1 && table.rows().size() == 1;
    for (const auto& row : table.rows())
      if (asked++ < max_mx_addresses && !first_talked(row)) add(first_talk(row, only_one));
    ask_refuser(table);
    repeat_refusals(table);
    if (all_silent(table)) controls();
    doubts(table);
    client_axes(table);
  }

  WantTalk::Ask recipient_ask() const { return {"", view_.recipient(), Role::recipient}; }

  /// An address that became known later changes what else rides along. A host that refused is not asked all of it twice
  /// for that; one that accepted is: a flip wants its word after the other's refusal.
  bool first_talked(const MxRow& row) const {
    if (row.state == MxState::accepted) return false;
    return asks_about_client() ? !row.recipient.empty() : !row.postmaster.empty();
  }

  /// The controls that S02 and S49 need, behind the recipient in the same pipeline. With a single address the repeat
  /// rides along; with several it is asked later, where a flip needs it.
  WantTalk first_talk(const MxRow& row, bool only_one) const {
    WantTalk talk = mx_talk(row.host, row.address);
    const bool envelope_of_client = asks_about_client();
    const std::string from = envelope_of_client ? view_.sender() : std::string();
    Transaction first{{from, view_.recipient(), Role::recipient}};
    if (!envelope_of_client) {
      first.push_back({from, "postmaster@" + view_.domain(), Role::postmaster});
      first.push_back({from, case_.random_local_part + "@" + view_.domain(), Role::random});
    }
    talk.transactions.push_back(std::move(first));
    if (auto plain = plain_form(); !plain.empty())
      talk.transactions.push_back({{from, plain, Role::plain_form}, {from, view_.recipient(), Role::recipient}});
    if (only_one || view_.asked_reason() == Reason::recipient_unknown)
      talk.transactions.push_back({{from, view_.recipient(), Role::recipient}});
    return talk;
  }

  /// The question is about the client or sender itself (block, SPF, HELO): then the envelope must be the refused one.
  bool asks_about_client() const {
    switch (view_.asked_reason()) {
      case Reason::dnsbl_listed:
      case Reason::ip_blocked:
      case Reason::reputation:
      case Reason::sender_auth:
      case Reason::rdns_invalid:
      case Reason::sender_rejected:
        return true;
      default:
        return view_.has_candidate("client.helo_invalid");
    }
  }

  /// S07: the refuser itself, where it is none of the MX hosts and can be found.
  void ask_refuser(const MxTable& table) {
    const auto refuser = view_.refuser();
    auto in = view_.in_mx(refuser, view_.refuser_address());
    if (!in || *in || (refuser.empty() && view_.refuser_address().empty())) return;
    std::optional<IpAddress> address = IpAddress::parse(view_.refuser_address());
    if (auto found = view_.addresses(refuser); !address && found && !found->lookup.addresses.empty())
      address = found->lookup.addresses.front();
    if (!address) return;
    const auto name = refuser.empty() ? address->to_string() : refuser;
    WantTalk talk = mx_talk(name, *address);
    talk.transactions = {{recipient_ask()}};
    add(talk);
    MxRow row = make_row(view_, name, *address);
    if (row.state == MxState::relay_refused && row.recipient.size() < 2 && table.any(MxState::accepted)) {
      talk.round = 1;
      add(talk);
    }
  }

  /// Some accept, some refuse: the refusing ones once more, after the accepting ones were heard.
  void repeat_refusals(const MxTable& table) {
    if (!table.any(MxState::accepted) || table.any(MxState::untouched)) return;
    std::size_t repeated = 0;
    for (const auto& row : table.rows()) {
      if (row.state != MxState::relay_refused || repeated++ >= 2) continue;
      WantTalk talk = mx_talk(row.host, row.address);
      talk.transactions = {{recipient_ask()}};
      talk.round = 1;
      add(talk);
    }
  }

  static bool all_silent(const MxTable& table) {
    if (table.empty()) return false;
    return std::all_of(table.rows().begin(), table.rows().end(), [](const MxRow& row) {
      return row.session && !row.session->connected && row.session->connect_failure &&
             (row.session->connect_failure->kind == io::Failure::timed_out ||
              row.session->connect_failure->kind == io::Failure::unreachable);
    });
  }

  /// Everything refused: is it really that machine (PTR), and is it really that domain (a typing mistake)?
  void doubts(const MxTable& table) {
    for (const auto& row : table.rows()) {
      if (row.state != MxState::relay_refused) continue;
      if (!row.session || view_.identity_shown(*row.session)) continue;
      add(diag::WantPtr{row.address});
      const auto* caps = row.session->capabilities();
      const auto greets = caps ? canonical_name(caps->greeting_name) : std::string();
      if (greets.find('.') != std::string::npos && !IpAddress::parse(greets)) add(diag::WantAddresses{greets});
    }
    // Asked at the same time as the servers themselves, so that it costs no round of its own.
    if (!table.empty() && same_family(view_.asked_reason(), Reason::relay_denied))
      add(diag::WantNear{view_.domain(), {domain_of(view_.sender())}});
  }

  /// Flips over what the client itself brings: another source address (S50), another greeting (S54).
  void client_axes(const MxTable& table) {
    for (const auto& row : table.rows()) {
      if (row.session && !row.session->connected) continue;
      flips_at(row.host, {row.address, case_.smtp_port}, TlsWish::opportunistic,
               asks_about_client() ? view_.sender() : "");
      break;
    }
  }
};

}  // namespace

std::vector<Want> plan(const View& view) {
  auto wants = RecipientPlan(view).plan();
  if (view.branch() == Branch::submission)
    for (auto& want : plan_submission(view)) wants.push_back(std::move(want));
  return wants;
}

}  // namespace smtpdx::rules
