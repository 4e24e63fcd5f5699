// SPDX-License-Identifier: Apache-2.0
// check_host() (RFC 7208 §4): takes a record's terms one after the other, asks DNS for what each needs, and writes down
// what was asked, what came of it and what it counted for. Reading a record is record.cpp's business, sentences are
// words.cpp's. Everything that is known is kept as values in Outcome: nothing is judged twice.
//
// Choices that the RFC leaves open, see docs/decisions/011-spf.md: which look-ups count as void, in which order the
// hosts of an mx are taken, what a name that DNS cannot hold means.
#include "spf/check.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "spf/macro.hpp"

namespace smtpdx::spf {

namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;
/// RFC 5321 §4.5.3.1.3 allows 256; more is not worth expanding.
constexpr std::size_t longest_sender = 2000;

/// Whether DNS can hold the name: labels of 1 to 63 octets, 253 in all (RFC 1035 §2.3.4).
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name) return false;
  for (;;) {
    const auto dot = name.find('.');
    const auto length = std::min(dot, name.size());
    if (length == 0 || length > longest_label) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// RFC 7208 §4.3: a name of several labels, and no address literal. Internationalised names must be A-labels.
bool is_mail_domain(std::string_view name) {
  if (!is_name(name) || name.find('.') == std::string_view::npos || name.starts_with('[')) return false;
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

/// RFC 7208 §5: an IPv4 client of an IPv6 socket is an IPv4 client.
IpAddress unmapped(const IpAddress& address) {
  static constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const auto octets = address.bytes();
  return octets.size() == 16 && octets.starts_with(mapped) ? IpAddress::from_bytes(octets.substr(12)) : address;
}

bool same_bits(std::string_view a, std::string_view b, unsigned bits) {
  const auto whole = bits / 8, rest = bits % 8;
  if (a.substr(0, whole) != b.substr(0, whole)) return false;
  if (rest == 0) return true;
  const auto mask = 0xFFu << (8 - rest);
  return ((static_cast<unsigned char>(a[whole]) ^ static_cast<unsigned char>(b[whole])) & mask & 0xFFu) == 0;
}

/// In presentation form, as the resolver takes it: a backslash of the record is an octet of the label.
std::string escaped(std::string name) {
  if (name.find('\\') == std::string::npos) return name;
  return replace_all(std::move(name), "\\", "\\\\");
}

bool failed(dns::Status status) {
  return status != dns::Status::found && status != dns::Status::no_data && status != dns::Status::no_name;
}

Reason failure_of(const dns::Answer& answer) {
  return answer.status == dns::Status::timed_out ? Reason::dns_timed_out : Reason::dns_failed;
}

/// The identity as it is evaluated (§2.3, §2.4, §4.3).
struct Sender {
  Identity identity = Identity::mail_from;
  std::string local_part, domain, whole;
};

std::string_view bare_path(std::string_view text) {
  text = trim(text);
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  // RFC 5321 §4.1.2, a source route: "@a,@b:user@c".
  const auto colon = text.find(':');
  if (text.starts_with('@') && colon != std::string_view::npos) text.remove_prefix(colon + 1);
  return text;
}

Sender sender_of(const Question& q) {
  Sender sender;
  const auto path = bare_path(q.sender);
  std::string_view domain = path;
  if (q.identity == Identity::helo || path.empty()) {
    sender.identity = Identity::helo;
    domain = trim(q.helo);
  } else if (const auto at = path.rfind('@'); at != std::string_view::npos) {
    sender.local_part = path.substr(0, at);
    domain = path.substr(at + 1);
  }
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (sender.local_part.empty()) sender.local_part = "postmaster";
  sender.domain = domain;
  sender.whole = sender.local_part + "@" + sender.domain;
  return sender;
}

/// How a policy ended, and where it was decided: the innermost place, for errors.
struct Verdict {
  Result result = Result::neutral;
  Reason reason = Reason::nothing_matched;
  std::uint32_t policy = nowhere;
  std::uint32_t step = nowhere;
};

class Check {
 public:
  Check(dns::Resolver& resolver, Question question, Deadline deadline)
      : resolver_(resolver), q_(std::move(question)), deadline_(deadline), sender_(sender_of(q_)) {
    q_.client = unmapped(q_.client);
    out_.client = q_.client.to_string();
    out_.identity = sender_.identity;
    out_.helo = q_.helo;
    out_.domain = sender_.domain;
    out_.sender = sender_.whole;
  }

  io::Task<Outcome> run() {
    if (!is_mail_domain(sender_.domain) || q_.sender.size() > longest_sender) {
      out_.result = Result::none;
      out_.reason = Reason::no_domain;
      co_return std::move(out_);
    }
    const auto verdict = co_await policy(sender_.domain, nowhere, Explain::yes);
    out_.result = verdict.result;
    out_.reason = verdict.reason;
    out_.decided_policy = verdict.policy;
    out_.decided_step = verdict.step;
    out_.lookups = lookups_;
    out_.void_lookups = voids_;
    co_return std::move(out_);
  }

 private:
  enum class Explain { yes, no };

  /// One policy under evaluation. Its text is a copy: Outcome::policies moves when it grows.
  struct Frame {
    std::uint32_t policy;
    std::string text;
    std::string domain;
    Record record;
    Explain explain;
  };

  // -- one domain's policy ------------------------------------------------------------------------------------------

  io::Task<Verdict> policy(std::string domain, std::uint32_t via, Explain explain) {
    const auto index = static_cast<std::uint32_t>(out_.policies.size());
    auto& made = out_.policies.emplace_back();
    made.domain = domain;
    made.via = via;
    if (via != nowhere) made.depth = out_.policies[out_.steps[via].policy].depth + 1;
    const auto before = lookups_;
    auto verdict = co_await evaluated(index, std::move(domain), explain);
    auto& done = out_.policies[index];
    done.result = verdict.result;
    done.reason = verdict.reason;
    done.lookups = lookups_ - before;
    co_return verdict;
  }

  io::Task<Verdict> evaluated(std::uint32_t index, std::string domain, Explain explain) {
    if (!is_mail_domain(domain)) co_return Verdict{Result::none, Reason::no_domain, index, nowhere};
    auto name = escaped(domain);
    auto answer = co_await resolver_.query(std::move(name), dns::Type::TXT, deadline_);
    const auto selected = select(out_.policies[index], std::move(answer));
    if (selected != Reason::matched) co_return Verdict{result_without_record(selected), selected, index, nowhere};
    Frame frame{index, out_.policies[index].text, std::move(domain), {}, explain};
    auto record = parse_record(frame.text);
    if (!record) {
      out_.policies[index].flaw = record.error();
      co_return Verdict{Result::permerror, Reason::syntax, index, nowhere};
    }
    frame.record = std::move(*record);
    auto verdict = co_await terms(frame);
    co_return verdict;
  }

  static Result result_without_record(Reason reason) {
    if (reason == Reason::no_record) return Result::none;
    return reason == Reason::several_records ? Result::permerror : Result::temperror;
  }

  /// §4.4, §4.5. Reason::matched: there is exactly one record.
  static Reason select(Policy& policy, dns::Answer answer) {
    auto& looked = policy.looked.emplace(Looked{std::move(answer), false}).answer;
    if (failed(looked.status)) return failure_of(looked);
    unsigned found = 0;
    for (const auto& record : looked.records) {
      if (is_policy(record.text)) {
        if (found++ == 0)
          policy.text = record.text;
        else
          policy.others.push_back(record.text);
      } else if (is_near_policy(record.text)) {
        policy.near.push_back(record.text);
      }
    }
    return found == 0 ? Reason::no_record : found > 1 ? Reason::several_records : Reason::matched;
  }

  // -- its terms ----------------------------------------------------------------------------------------------------

  std::uint32_t add_step(const Frame& frame, const Term& term) {
    auto& step = out_.steps.emplace_back();
    step.policy = frame.policy;
    step.where = term.where;
    step.kind = term.kind;
    step.qualifier = term.qualifier;
    step.lookups = lookups_;
    return static_cast<std::uint32_t>(out_.steps.size() - 1);
  }

  io::Task<Verdict> terms(const Frame& frame) {
    out_.steps.reserve(out_.steps.size() + frame.record.terms.size());
    for (std::size_t i = 0; i < frame.record.terms.size(); ++i) {
      const auto& term = frame.record.terms[i];
      if (term.kind == TermKind::redirect || term.kind == TermKind::exp) continue;
      const auto at = add_step(frame, term);
      auto ended = co_await one_term(frame, term, at);
      if (!ended) continue;
      rest_not_reached(frame, i + 1);
      if (ended->result == Result::fail) co_await explain(frame);
      co_return *ended;
    }
    if (frame.record.redirect) {
      auto verdict = co_await redirected(frame);
      co_return verdict;
    }
    co_return Verdict{Result::neutral, Reason::nothing_matched, frame.policy, nowhere};
  }

  void rest_not_reached(const Frame& frame, std::size_t from) {
    for (std::size_t i = from; i < frame.record.terms.size(); ++i) {
      const auto& term = frame.record.terms[i];
      if (term.kind == TermKind::exp) continue;
      settle(add_step(frame, term), Match::not_reached, Reason::not_reached);
    }
    // A redirect that stands before what matched has no effect either (§6.1).
    if (!frame.record.redirect || *frame.record.redirect >= from) return;
    settle(add_step(frame, frame.record.terms[*frame.record.redirect]), Match::ignored, Reason::redirect_unused);
  }

  /// A verdict where the term ended the evaluation.
  io::Task<std::optional<Verdict>> one_term(const Frame& frame, const Term& term, std::uint32_t at) {
    if (term.kind == TermKind::unknown_modifier) {
      settle(at, Match::ignored, Reason::unknown_modifier);
      co_return std::nullopt;
    }
    if (!counted(term, at)) co_return error(at, Result::permerror, Reason::too_many_lookups);
    if (term.kind == TermKind::include) {
      auto ended = co_await included(frame, term, at);
      co_return ended;
    }
    if (auto reason = co_await matches(frame, term, at)) co_return error(at, result_of(*reason), *reason);
    const auto& step = out_.steps[at];
    if (step.match != Match::yes) co_return std::nullopt;
    co_return matched(term, frame, at);
  }

  static Verdict matched(const Term& term, const Frame& frame, std::uint32_t at) {
    Result result = Result::neutral;
    if (term.qualifier == Qualifier::pass) result = Result::pass;
    if (term.qualifier == Qualifier::fail) result = Result::fail;
    if (term.qualifier == Qualifier::softfail) result = Result::softfail;
    return {result, Reason::matched, frame.policy, at};
  }

  static Result result_of(Reason reason) {
    return reason == Reason::dns_failed || reason == Reason::dns_timed_out ? Result::temperror : Result::permerror;
  }

  void settle(std::uint32_t at, Match match, Reason reason, std::string hit = {}) {
    auto& step = out_.steps[at];
    step.match = match;
    step.reason = reason;
    if (!hit.empty()) step.hit = std::move(hit);
  }

  Verdict error(std::uint32_t at, Result result, Reason reason) {
    settle(at, Match::error, reason);
    return {result, reason, out_.steps[at].policy, at};
  }

  /// §4.6.4: at most ten terms that ask DNS.
  bool counted(const Term& term, std::uint32_t at) {
    if (!asks_dns(term.kind)) return true;
    out_.steps[at].lookups = ++lookups_;
    return lookups_ <= q_.limits.lookups;
  }

  /// Settles the step; a reason where the mechanism ended the check with an error.
  io::Task<std::optional<Reason>> matches(const Frame& frame, const Term& term, std::uint32_t at) {
    std::optional<Reason> failure;
    switch (term.kind) {
      case TermKind::all:
        settle(at, Match::yes, Reason::matched);
        break;
      case TermKind::ip4:
      case TermKind::ip6:
        network(term, at);
        break;
      case TermKind::a:
        failure = co_await host(frame, term, at);
        break;
      case TermKind::exists:
        failure = co_await exists(frame, term, at);
        break;
      case TermKind::mx:
        failure = co_await exchangers(frame, term, at);
        break;
      default:
        failure = co_await pointer(frame, term, at);
        break;
    }
    co_return failure;
  }

  // -- mechanisms ---------------------------------------------------------------------------------------------------

  void network(const Term& term, std::uint32_t at) {
    if (term.network.is_v6() != q_.client.is_v6()) return settle(at, Match::no, Reason::other_family);
    if (in_block(term.network, term)) return settle(at, Match::yes, Reason::matched);
    settle(at, Match::no, Reason::outside);
  }

  bool in_block(const IpAddress& address, const Term& term) const {
    return address.is_v6() == q_.client.is_v6() &&
           same_bits(address.bytes(), q_.client.bytes(), address.is_v6() ? term.prefix6 : term.prefix4);
  }

  dns::Type address_type() const { return q_.client.is_v6() ? dns::Type::AAAA : dns::Type::A; }

  /// The domain that a term names, or the current one. Nothing where DNS cannot hold it: no name, no match (§4.8).
  io::Task<std::optional<std::string>> target(const Frame& frame, const Term& term, std::uint32_t at) {
    std::string name = frame.domain;
    if (term.domain.length > 0) name = co_await expanded(frame, term.domain.of(frame.text), at, Use::domain);
    out_.steps[at].target = name;
    if (!is_name(name)) {
      settle(at, Match::no, Reason::no_name);
      co_return std::nullopt;
    }
    co_return name;
  }

  /// Asks, keeps the answer with the step, counts it where it is void. A reason where the check must end.
  std::optional<Reason> note(std::uint32_t at, dns::Answer answer) {
    const auto status = answer.status;
    const auto failure = failed(status) ? std::optional(failure_of(answer)) : std::nullopt;
    const bool is_void = !failure && status != dns::Status::found;
    out_.steps[at].looked.push_back({std::move(answer), is_void});
    if (failure) return failure;
    if (is_void && ++voids_ > q_.limits.voids) return Reason::too_many_voids;
    return std::nullopt;
  }

  /// The address among the records that lies in the term's block around the client (§5.3).
  bool hit(const std::vector<dns::Record>& records, const Term& term, std::uint32_t at) {
    for (const auto& record : records)
      if (in_block(record.address, term)) {
        settle(at, Match::yes, Reason::matched, record.address.to_string());
        return true;
      }
    return false;
  }

  io::Task<std::optional<Reason>> host(const Frame& frame, const Term& term, std::uint32_t at) {
    auto name = co_await target(frame, term, at);
    if (!name) co_return std::nullopt;
    auto asked = escaped(std::move(*name));
    auto answer = co_await resolver_.query(std::move(asked), address_type(), deadline_);
    settle(at, Match::no, answer.records.empty() ? Reason::no_records : Reason::outside);
    hit(answer.records, term, at);
    co_return note(at, std::move(answer));
  }

  /// §5.7: an A record, whatever the client's family.
  io::Task<std::optional<Reason>> exists(const Frame& frame, const Term& term, std::uint32_t at) {
    auto name = co_await target(frame, term, at);
    if (!name) co_return std::nullopt;
    auto asked = escaped(std::move(*name));
    auto answer = co_await resolver_.query(std::move(asked), dns::Type::A, deadline_);
    const bool found = answer.status == dns::Status::found;
    settle(at, found ? Match::yes : Match::no, found ? Reason::matched : Reason::no_records,
           found && !answer.records.empty() ? answer.records.front().address.to_string() : "");
    co_return note(at, std::move(answer));
  }

  /// §5.4. The hosts are asked for at once and taken in the order of their preference.
  io::Task<std::optional<Reason>> exchangers(const Frame& frame, const Term& term, std::uint32_t at) {
    auto name = co_await target(frame, term, at);
    if (!name) co_return std::nullopt;
    auto asked = escaped(std::move(*name));
    auto answer = co_await resolver_.query(std::move(asked), dns::Type::MX, deadline_);
    settle(at, Match::no, answer.records.empty() ? Reason::no_records : Reason::outside);
    const auto hosts = hosts_of(answer);
    const bool too_many = answer.records.size() > q_.limits.names;
    if (auto ended = note(at, std::move(answer))) co_return ended;
    if (too_many) co_return Reason::too_many_mx;
    auto answers = co_await addresses_of(hosts);
    for (auto& found : answers) {
      const bool match = hit(found.records, term, at);
      const auto ended = note(at, std::move(found));
      if (ended) co_return ended;
      if (match) break;
    }
    co_return std::nullopt;
  }

  /// Without a null MX (RFC 7505), which is no host.
  static std::vector<std::string> hosts_of(const dns::Answer& answer) {
    std::vector<std::pair<unsigned, std::size_t>> order;
    for (std::size_t i = 0; i < answer.records.size(); ++i)
      if (!answer.records[i].name.empty()) order.emplace_back(answer.records[i].preference, i);
    std::ranges::sort(order);
    std::vector<std::string> hosts;
    for (const auto& [preference, i] : order) hosts.push_back(answer.records[i].name);
    return hosts;
  }

  io::Task<std::vector<dns::Answer>> addresses_of(const std::vector<std::string>& names) {
    std::vector<io::Task<dns::Answer>> questions;
    for (const auto& name : names) questions.push_back(resolver_.query(name, address_type(), deadline_));
    auto answers = co_await io::when_all(std::move(questions));
    co_return answers;
  }

  /// §5.5. What fails on the way is no error: the client's operator answers for it, not the domain's.
  io::Task<std::optional<Reason>> pointer(const Frame& frame, const Term& term, std::uint32_t at) {
    auto name = co_await target(frame, term, at);
    if (!name) co_return std::nullopt;
    co_await confirm_names(at);
    settle(at, Match::no, confirmed_->empty() ? Reason::names_not_confirmed : Reason::confirmed_elsewhere);
    if (pointer_void_)
      for (auto& looked : out_.steps[at].looked) looked.is_void = looked.answer.type == dns::Type::PTR;
    const auto domain = canonical_name(*name);
    for (const auto& confirmed : *confirmed_) {
      if (!in_domain(confirmed, domain)) continue;
      settle(at, Match::yes, Reason::matched, confirmed);
      break;
    }
    if (!pointer_void_) co_return std::nullopt;
    co_return ++voids_ > q_.limits.voids ? std::optional(Reason::too_many_voids) : std::nullopt;
  }

  /// The names of the client's PTR records that lead back to it, found out once a check. The look-ups go to the first
  /// step that needs them, and are asked for again by nobody.
  io::Task<void> confirm_names(std::uint32_t at) {
    if (confirmed_) co_return;
    confirmed_.emplace();
    auto reverse = q_.client.reverse_name();
    auto answer = co_await resolver_.query(std::move(reverse), dns::Type::PTR, deadline_);
    std::vector<std::string> names;
    for (const auto& record : answer.records)
      if (!record.name.empty() && names.size() < q_.limits.names) names.push_back(record.name);
    pointer_void_ = answer.status == dns::Status::no_data || answer.status == dns::Status::no_name;
    keep(at, std::move(answer));
    auto answers = co_await addresses_of(names);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const bool back = std::ranges::any_of(answers[i].records, [&](const auto& r) { return r.address == q_.client; });
      if (back) confirmed_->push_back(names[i]);
      keep(at, std::move(answers[i]));
    }
  }
  void keep(std::uint32_t at, dns::Answer answer) { out_.steps[at].looked.push_back({std::move(answer), false}); }

  // -- other policies -----------------------------------------------------------------------------------------------

  /// The policy of the domain that an include or redirect names. Void look-ups on the way to it count, but do not end
  /// the check: that there is no record does.
  io::Task<Verdict> other_policy(const Frame& frame, const Term& term, std::uint32_t at, Explain explain) {
    auto name = co_await expanded(frame, term.domain.of(frame.text), at, Use::domain);
    out_.steps[at].target = name;
    const auto inner = static_cast<std::uint32_t>(out_.policies.size());
    out_.steps[at].inner = inner;
    auto verdict = co_await policy(std::move(name), at, explain);
    auto& looked = out_.policies[inner].looked;
    if (looked && (looked->answer.status == dns::Status::no_data || looked->answer.status == dns::Status::no_name)) {
      looked->is_void = true;
      ++voids_;
    }
    co_return verdict;
  }

  /// §5.2.
  io::Task<std::optional<Verdict>> included(const Frame& frame, const Term& term, std::uint32_t at) {
    auto inner = co_await other_policy(frame, term, at, Explain::no);
    if (inner.result == Result::pass) {
      settle(at, Match::yes, Reason::matched);
      co_return matched(term, frame, at);
    }
    if (inner.result == Result::none) co_return error(at, Result::permerror, Reason::include_without_record);
    if (inner.result == Result::temperror || inner.result == Result::permerror) {
      settle(at, Match::error, inner.reason);
      co_return inner;
    }
    settle(at, Match::no, Reason::included_did_not_pass);
    co_return std::nullopt;
  }

  /// §6.1.
  io::Task<Verdict> redirected(const Frame& frame) {
    const auto& term = frame.record.terms[*frame.record.redirect];
    const auto at = add_step(frame, term);
    if (!counted(term, at)) co_return error(at, Result::permerror, Reason::too_many_lookups);
    auto inner = co_await other_policy(frame, term, at, frame.explain);
    if (inner.result == Result::none) co_return error(at, Result::permerror, Reason::redirect_without_record);
    settle(at, Match::taken, Reason::redirect_taken);
    co_return inner;
  }

  /// §6.2: only the identity's own words, or those of the policy it redirects to; whatever is wrong with them, the
  /// result stands.
  io::Task<void> explain(const Frame& frame) {
    if (!frame.record.exp) co_return;
    const auto& term = frame.record.terms[*frame.record.exp];
    const auto at = add_step(frame, term);
    if (frame.explain == Explain::no) {
      settle(at, Match::ignored, Reason::not_reached);
      co_return;
    }
    settle(at, Match::ignored, Reason::explanation_unusable);
    auto name = co_await target(frame, term, at);
    if (!name) co_return;
    auto asked = escaped(std::move(*name));
    auto answer = co_await resolver_.query(std::move(asked), dns::Type::TXT, deadline_);
    const auto text = answer.records.size() == 1 ? answer.records.front().text : std::string();
    keep(at, std::move(answer));
    const bool plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
    if (text.empty() || !plain || check_macros(text, MacroUse::explanation).fault != MacroFault::none) co_return;
    out_.explanation = co_await expanded(frame, text, at, Use::text);
    settle(at, Match::taken, Reason::explanation_taken);
  }

  // -- macros -------------------------------------------------------------------------------------------------------

  enum class Use { domain, text };

  io::Task<std::string> expanded(const Frame& frame, std::string_view text, std::uint32_t at, Use use) {
    if (text.find('%') == std::string_view::npos && use == Use::text) co_return std::string(text);
    std::string validated;
    if (uses_macro(text, 'p')) {
      co_await confirm_names(at);
      validated = validated_name(frame.domain);
    }
    if (q_.helo.empty() && uses_macro(text, 'h')) out_.helo_missing = true;
    MacroValues values;
    values.sender = sender_.whole;
    values.local_part = sender_.local_part;
    values.sender_domain = sender_.domain;
    values.domain = frame.domain;
    values.client = q_.client;
    values.validated = validated;
    values.helo = q_.helo.empty() ? std::string_view("unknown") : std::string_view(q_.helo);
    values.receiver = q_.receiver;
    values.seconds = std::chrono::duration_cast<std::chrono::seconds>(q_.now.time_since_epoch()).count();
    co_return use == Use::domain ? expand_domain(text, values) : expand_macros(text, values);
  }

  /// §7.3, %{p}: the domain itself, else a name below it, else any, else "unknown".
  std::string validated_name(std::string_view domain) const {
    const auto own = canonical_name(domain);
    const auto exact = std::ranges::find(*confirmed_, own);
    if (exact != confirmed_->end()) return *exact;
    for (const auto& name : *confirmed_)
      if (in_domain(name, own)) return name;
    return confirmed_->empty() ? "unknown" : confirmed_->front();
  }

  dns::Resolver& resolver_;
  Question q_;
  Deadline deadline_;
  Sender sender_;
  Outcome out_;
  unsigned lookups_ = 0, voids_ = 0;
  bool pointer_void_ = false;  // the client has no PTR record; each ptr mechanism counts it (§4.6.4)
  std::optional<std::vector<std::string>> confirmed_;
};

}  // namespace

io::Task<Outcome> check(dns::Resolver& resolver, Question question, Deadline deadline) {
  Check check(resolver, std::move(question), deadline);
  auto outcome = co_await check.run();
  co_return outcome;
}

}  // namespace smtpdx::spf
