// SPDX-License-Identifier: Apache-2.0
// Finds the policy for an author's domain and tells for each authenticated identifier whether it is aligned, by either
// standard. The two differ in where the organizational domain comes from (a list, or a walk up the DNS tree), in which
// domain's record applies, and in what a flawed record means (record.cpp). Choices that they leave open:
// docs/decisions/012-dmarc.md.
#include "dmarc/check.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace smtpdx::dmarc {

namespace {

constexpr std::size_t walk_length = 8;  ///< RFC 9989 §4.10: no more queries than this

bool is_domain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; })) return false;
  for (auto label : split(name, '.'))
    if (label.empty() || label.size() > 63) return false;
  return name.front() != '[';
}

std::string_view parent_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

std::size_t labels_of(std::string_view name) { return static_cast<std::size_t>(std::ranges::count(name, '.')) + 1; }

/// RFC 9989 §4.10 steps 3, 4 and 7.
std::vector<std::string> walk_targets(std::string_view domain) {
  std::vector<std::string> targets{std::string(domain)};
  auto next = parent_of(domain);
  while (labels_of(next) >= walk_length) next = parent_of(next);
  for (; !next.empty(); next = parent_of(next)) targets.emplace_back(next);
  return targets;
}

/// The domain one label below `above`, on the way to `start`.
std::string one_below(std::string_view start, std::string_view above) {
  const auto rest = start.substr(0, start.size() - above.size() - 1);
  const auto dot = rest.rfind('.');
  return std::string(start.substr(dot == std::string_view::npos ? 0 : dot + 1));
}

Policy lower(Policy policy) { return policy == Policy::reject ? Policy::quarantine : Policy::none; }

class Check {
 public:
  Check(dns::Resolver& resolver, const PublicSuffixes& suffixes, Question question, Deadline deadline)
      : resolver_(resolver), suffixes_(suffixes), deadline_(deadline), old_(question.profile == Profile::rfc7489) {
    out_.profile = question.profile;
    out_.from_domain = canonical_name(question.from_domain);
    for (auto& identifier : question.identifiers) {
      identifier.domain = canonical_name(identifier.domain);
      out_.identifiers.emplace_back().identifier = std::move(identifier);
    }
  }

  io::Task<Outcome> run() {
    if (!is_domain(out_.from_domain)) co_return end(Result::none, Reason::no_domain);
    const auto missing = co_await find_policy();
    if (missing) co_return end(missing->first, missing->second);
    read_policy();
    if (out_.use == Effective::Use::unusable) co_return end(Result::permerror, Reason::unusable_record);
    co_await align();
    auto outcome = co_await judged();
    co_return outcome;
  }

 private:
  using Ending = std::pair<Result, Reason>;

  Outcome end(Result result, Reason reason) {
    out_.result = result;
    out_.reason = reason;
    return std::move(out_);
  }

  // -- look-ups -----------------------------------------------------------------------------------------------------

  std::uint32_t index_of(std::string_view domain) const {
    const auto found = std::ranges::find(out_.looked, domain, &Looked::domain);
    return static_cast<std::uint32_t>(found - out_.looked.begin());
  }
  const Looked& at(std::string_view domain) const { return out_.looked[index_of(domain)]; }

  /// Asks for the records of all these domains at once; each name is asked for only once a check.
  io::Task<void> look(const std::vector<std::string>& domains) {
    const auto first = out_.looked.size();
    std::vector<io::Task<dns::Answer>> questions;
    for (const auto& domain : domains) {
      if (index_of(domain) < out_.looked.size()) continue;
      out_.looked.emplace_back().domain = domain;
      questions.push_back(resolver_.query("_dmarc." + domain, dns::Type::TXT, deadline_));
    }
    auto answers = co_await io::when_all(std::move(questions));
    for (std::size_t i = 0; i < answers.size(); ++i) read(out_.looked[first + i], std::move(answers[i]));
  }

  static void read(Looked& looked, dns::Answer answer) {
    looked.answer = std::move(answer);
    const auto status = looked.answer.status;
    if (status == dns::Status::no_data || status == dns::Status::no_name) return;
    if (status != dns::Status::found) {
      // A name too long to be asked for has no record.
      const bool no_name = status == dns::Status::local && looked.domain.size() + 7 > 253;
      looked.found = no_name ? Found::nothing : Found::failed;
      return;
    }
    unsigned count = 0;
    for (const auto& record : looked.answer.records) {
      if (is_record(record.text)) {
        if (count++ == 0) looked.text = record.text;
      } else if (is_near_record(record.text)) {
        looked.near.push_back(record.text);
      }
    }
    looked.found = count == 0 ? Found::nothing : count == 1 ? Found::record : Found::several;
    if (count == 1)
      looked.record = parse_record(looked.text);
    else
      looked.text.clear();
  }

  // -- organizational domains ---------------------------------------------------------------------------------------

  /// RFC 9989 §4.10.2, from look-ups that were made.
  Organization walked(const std::string& start) const {
    Organization result;
    result.start = start;
    std::string fewest;
    for (const auto& domain : walk_targets(start)) {
      const auto index = index_of(domain);
      const auto& looked = out_.looked[index];
      result.walk.push_back(index);
      if (looked.found == Found::failed) {
        result.by = FoundBy::unknown;
        return result;
      }
      if (looked.found != Found::record) continue;
      if (looked.record.psd == Psd::no) return decided(std::move(result), domain, FoundBy::psd_no);
      if (looked.record.psd == Psd::yes) {
        if (domain != start) return decided(std::move(result), one_below(start, domain), FoundBy::below_psd);
        return decided(std::move(result), domain, FoundBy::fewest_labels);
      }
      fewest = domain;
    }
    if (!fewest.empty()) return decided(std::move(result), fewest, FoundBy::fewest_labels);
    return decided(std::move(result), start, FoundBy::itself);
  }
  static Organization decided(Organization result, std::string domain, FoundBy by) {
    result.domain = std::move(domain);
    result.by = by;
    return result;
  }

  Organization listed(const std::string& start) const {
    Organization result;
    result.start = start;
    return decided(std::move(result), suffixes_.organizational(start), FoundBy::public_suffix_list);
  }

  io::Task<Organization> organization(std::string start) {
    if (old_) co_return listed(start);
    const auto targets = walk_targets(start);
    co_await look(targets);
    co_return walked(start);
  }

  // -- the policy ---------------------------------------------------------------------------------------------------

  /// Nothing where there is one.
  io::Task<std::optional<Ending>> find_policy() {
    const std::vector<std::string> own{out_.from_domain};
    co_await look(own);
    const auto found = at(out_.from_domain).found;
    if (found == Found::failed) co_return Ending{Result::temperror, Reason::dns_failed};
    if (found == Found::record) co_return take(out_.from_domain);
    if (old_ && found == Found::several) co_return Ending{Result::none, Reason::several_records};
    out_.organization = co_await organization(out_.from_domain);
    if (old_) {
      auto ending = co_await listed_policy();
      co_return ending;
    }
    co_return walked_policy();
  }

  std::optional<Ending> take(const std::string& domain) {
    out_.policy_domain = domain;
    return std::nullopt;
  }

  /// RFC 7489 §6.6.3 steps 3 to 5.
  io::Task<std::optional<Ending>> listed_policy() {
    const auto domain = out_.organization.domain;
    if (domain == out_.from_domain) co_return Ending{Result::none, Reason::no_record};
    const std::vector<std::string> names{domain};
    co_await look(names);
    const auto found = at(domain).found;
    if (found == Found::record) co_return take(domain);
    if (found == Found::failed) co_return Ending{Result::temperror, Reason::dns_failed};
    co_return Ending{Result::none, found == Found::several ? Reason::several_records : Reason::no_record};
  }

  /// RFC 9989 §4.10.1: the organizational domain's record, else that of the public suffix above it.
  std::optional<Ending> walked_policy() {
    const auto& organization = out_.organization;
    if (organization.by == FoundBy::unknown) return Ending{Result::temperror, Reason::dns_failed};
    const auto walked = [&](std::string_view domain) {
      return std::ranges::any_of(organization.walk, [&](auto i) {
        return out_.looked[i].domain == domain && out_.looked[i].found == Found::record;
      });
    };
    if (walked(organization.domain)) return take(organization.domain);
    if (organization.by == FoundBy::below_psd) return take(std::string(parent_of(organization.domain)));
    const bool several =
        std::ranges::any_of(organization.walk, [&](auto i) { return out_.looked[i].found == Found::several; });
    return Ending{Result::none, several ? Reason::several_records : Reason::no_record};
  }

  void read_policy() {
    const auto& looked = at(out_.policy_domain);
    out_.text = looked.text;
    out_.record = looked.record;
    const auto effect = effective(looked.record, out_.profile);
    out_.use = effect.use;
    if (old_) out_.pct = looked.record.pct;
    set_policy(effect.p, PolicySource::p);
    if (out_.policy_domain != out_.from_domain && effect.sp) set_policy(*effect.sp, PolicySource::sp);
  }

  void set_policy(Policy policy, PolicySource source) {
    out_.published = policy;
    out_.requested = !old_ && out_.record->test ? lower(policy) : policy;
    out_.source = source;
  }

  /// RFC 9989 §4.7, "np". Only asked for where it makes a difference. False: could not be found out.
  io::Task<bool> non_existence() {
    const auto effect = effective(*out_.record, out_.profile);
    if (!effect.np || out_.policy_domain == out_.from_domain) co_return true;
    const auto answer = co_await resolver_.query(out_.from_domain, dns::Type::A, deadline_);
    if (answer.status == dns::Status::no_name) {
      out_.exists = false;
      set_policy(*effect.np, PolicySource::np);
      co_return true;
    }
    if (answer.status != dns::Status::found && answer.status != dns::Status::no_data) co_return false;
    out_.exists = true;
    co_return true;
  }

  // -- alignment ----------------------------------------------------------------------------------------------------

  /// Every identifier is evaluated, also those that failed: it is what people ask for. Look-ups are made only for those
  /// that may count.
  io::Task<void> align() {
    std::vector<std::string> names;
    for (auto& one : out_.identifiers) {
      one.mode = one.identifier.mechanism == Mechanism::spf ? out_.record->aspf : out_.record->adkim;
      one.alignment = one.identifier.domain == out_.from_domain ? Alignment::identical : Alignment::none;
      if (!needs_walk(one)) continue;
      for (const auto& domain : {one.identifier.domain, out_.from_domain})
        for (auto& target : walk_targets(domain)) names.push_back(std::move(target));
    }
    if (!old_) co_await look(names);
    for (auto& one : out_.identifiers)
      if (one.alignment != Alignment::identical && one.mode == Mode::relaxed && is_domain(one.identifier.domain))
        compare(one);
  }

  bool needs_walk(const Aligned& one) const {
    return !old_ && one.mode == Mode::relaxed && one.alignment == Alignment::none &&
           one.identifier.verdict != Verdict::fail && is_domain(one.identifier.domain);
  }

  bool was_walked(const std::string& domain) const {
    return std::ranges::all_of(walk_targets(domain),
                               [&](const auto& target) { return index_of(target) < out_.looked.size(); });
  }

  void compare(Aligned& one) {
    const auto& domain = one.identifier.domain;
    if (!old_ && (!was_walked(domain) || !was_walked(out_.from_domain))) {
      // Failed anyway; no look-ups for it.
      one.alignment = Alignment::not_evaluated;
      return;
    }
    if (out_.organization.start.empty()) out_.organization = old_ ? listed(out_.from_domain) : walked(out_.from_domain);
    const auto other = old_ ? listed(domain) : walked(domain);
    one.organizational = other.domain;
    if (other.by == FoundBy::unknown || out_.organization.by == FoundBy::unknown)
      one.alignment = Alignment::unknown;
    else if (other.domain == out_.organization.domain)
      one.alignment = Alignment::same_organization;
  }

  io::Task<Outcome> judged() {
    bool passed = false, authenticated = false, unknown = false;
    for (const auto& one : out_.identifiers) {
      const bool may_align = one.alignment != Alignment::none && one.alignment != Alignment::not_evaluated;
      passed = passed || one.counts();
      authenticated = authenticated || one.identifier.verdict == Verdict::pass;
      unknown = unknown || (one.identifier.verdict == Verdict::temperror && may_align) ||
                (one.identifier.verdict == Verdict::pass && one.alignment == Alignment::unknown);
    }
    const bool policy_known = co_await non_existence();
    if (passed) co_return end(Result::pass, Reason::aligned);
    if (unknown) co_return end(Result::temperror, Reason::identifier_unknown);
    if (!policy_known) co_return end(Result::temperror, Reason::dns_failed);
    co_return end(Result::fail, authenticated ? Reason::not_aligned : Reason::not_authenticated);
  }

  dns::Resolver& resolver_;
  const PublicSuffixes& suffixes_;
  Deadline deadline_;
  bool old_;
  Outcome out_;
};

}  // namespace

io::Task<Outcome> check(dns::Resolver& resolver, const PublicSuffixes& suffixes, Question question, Deadline deadline) {
  Check check(resolver, suffixes, std::move(question), deadline);
  auto outcome = co_await check.run();
  co_return outcome;
}

}  // namespace smtpdx::dmarc
