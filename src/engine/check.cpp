// SPDX-License-Identifier: Apache-2.0
//
// Two rounds: the domain's own records all at once, then every address of every MX host all at once. Nothing waits for
// what it does not need; the connections are the longest of it.

#include "engine/check.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dmarc/check.hpp"
#include "rules/survey.hpp"
#include "spf/check.hpp"

namespace smtpdx::engine {

using diag::Survey;

namespace {

constexpr Duration dns_limit = 10s;       ///< a slow name server must leave time for the sessions
constexpr Duration talk_limit = 30s;      ///< greeting, EHLO, STARTTLS, EHLO
constexpr unsigned counted_lookups = 40;  ///< beyond the ten, so that it shows by how much they are exceeded
constexpr std::size_t most_hosts = 20, most_addresses = 8;
/// An address that no policy is likely to name (RFC 1112 §4, class E): so every term of one is looked at.
const IpAddress nobody = IpAddress::v4(0xF0000001);

class Surveyor {
 public:
  Surveyor(probes::Env& env, CheckQuestion q, Deadline deadline) : env_(env), q_(std::move(q)), deadline_(deadline) {}

  io::Task<diag::CheckReport> run() {
    const auto started = env_.runtime.now();
    survey_.target = canonical_name(q_.target);
    survey_.now = env_.runtime.wall();
    survey_.connects = q_.consent >= kb::Consent::connect;
    if (const auto address = IpAddress::parse(q_.target)) {
      add_address_target(*address);
    } else {
      co_await look_at_domain();
      co_await look_at_hosts();
    }
    co_await look_at_addresses();
    report_.target = survey_.target;
    for (auto& finding : rules::judge(survey_))
      if (wants(finding.area)) report_.findings.push_back(std::move(finding));
    report_.elapsed = env_.runtime.now() - started;
    co_return std::move(report_);
  }

 private:
  bool wants(const std::string& area) const { return q_.areas.empty() || q_.areas.contains(area); }
  bool wants_any(std::initializer_list<const char*> areas) const {
    return std::any_of(areas.begin(), areas.end(), [&](const char* a) { return wants(a); });
  }
  Deadline dns_deadline() const { return deadline_.within(env_.runtime.now(), dns_limit); }

  template <class T>
  std::string note(const T& seen, trace::Evidence evidence, Duration took) {
    auto id = "o" + std::to_string(report_.observations.size() + 1);
    report_.observations.push_back({id, seen, std::move(evidence), took});
    return id;
  }

  /// The first fact of kind T among what a probe saw.
  template <class T>
  std::optional<diag::Seen<T>> first(const probes::Sightings& sightings) {
    for (const auto& s : sightings)
      if (const auto* fact = std::get_if<T>(&s.fact)) return diag::Seen<T>{*fact, note(s.fact, s.evidence, s.took)};
    return std::nullopt;
  }

  // Coroutines that fill in the survey give a bool because when_all() wants a value.
  io::Task<bool> text_of(std::optional<diag::Seen<dns::Answer>>& into, std::string name) {
    auto answer = co_await env_.resolver.query(std::move(name), dns::Type::TXT, dns_deadline());
    auto id = note(answer, answer.evidence, answer.took);
    into = diag::Seen<dns::Answer>{std::move(answer), std::move(id)};
    co_return true;
  }

  io::Task<bool> policy() {
    spf::Question question;
    question.client = nobody;
    question.sender = "postmaster@" + survey_.target;
    question.helo = survey_.target;
    question.now = env_.runtime.wall();
    question.limits.lookups = counted_lookups;
    question.limits.voids = counted_lookups;
    const auto begun = env_.runtime.now();
    auto outcome = co_await spf::check(env_.resolver, std::move(question), dns_deadline());
    auto id = note(outcome, {}, env_.runtime.now() - begun);
    survey_.spf = diag::Seen<spf::Outcome>{std::move(outcome), std::move(id)};
    co_return true;
  }

  io::Task<bool> author_policy() {
    dmarc::Question question;
    question.from_domain = survey_.target;
    const auto begun = env_.runtime.now();
    auto outcome = co_await dmarc::check(env_.resolver, suffixes_, std::move(question), dns_deadline());
    auto id = note(outcome, {}, env_.runtime.now() - begun);
    survey_.dmarc = diag::Seen<dmarc::Outcome>{std::move(outcome), std::move(id)};
    co_return true;
  }

  io::Task<bool> exchangers() {
    diag::WantMx want{survey_.target};
    const auto sightings = co_await probes::run(env_, std::move(want), dns_deadline());
    survey_.mx = first<diag::MxFact>(sightings);
    co_return true;
  }

  io::Task<bool> look_at_domain() {
    std::vector<io::Task<bool>> tasks;
    const auto& domain = survey_.target;
    if (wants_any({"mx", "dnssec", "ptr", "starttls", "tls"})) tasks.push_back(exchangers());
    if (wants("spf")) tasks.push_back(policy());
    if (wants("dmarc")) tasks.push_back(author_policy());
    if (wants("dmarc")) tasks.push_back(text_of(survey_.txt, domain));
    if (wants("mta-sts")) tasks.push_back(text_of(survey_.mta_sts, "_mta-sts." + domain));
    if (wants("tlsrpt")) tasks.push_back(text_of(survey_.tls_rpt, "_smtp._tls." + domain));
    co_await io::when_all(std::move(tasks));
    co_return true;
  }

  io::Task<bool> look_at_hosts() {
    if (!survey_.mx) co_return true;
    std::vector<io::Task<probes::Sightings>> tasks;
    std::vector<std::string> names;
    for (const auto& host : survey_.mx->what.mx.hosts) {
      if (std::find(names.begin(), names.end(), host.name) != names.end() || names.size() == most_hosts) continue;
      names.push_back(host.name);
      diag::WantAddresses want{host.name};
      tasks.push_back(probes::run(env_, std::move(want), dns_deadline()));
    }
    const auto seen = co_await io::when_all(std::move(tasks));
    for (std::size_t i = 0; i < seen.size(); ++i) {
      auto lookup = first<diag::AddressFact>(seen[i]);
      if (!lookup) continue;
      diag::HostSurvey host{names[i], std::move(*lookup), {}};
      for (const auto& address : host.lookup.what.lookup.addresses)
        if ((address.is_v6() ? q_.use_v6 : q_.use_v4) && host.addresses.size() < most_addresses)
          host.addresses.push_back({address, std::nullopt, std::nullopt});
      survey_.hosts.push_back(std::move(host));
    }
    co_return true;
  }

  void add_address_target(const IpAddress& address) {
    diag::HostSurvey host;
    host.name = address.to_string();
    host.addresses.push_back({address, std::nullopt, std::nullopt});
    survey_.hosts.push_back(std::move(host));
  }

  io::Task<bool> reverse(diag::AddressSurvey& into) {
    diag::WantPtr want{into.address};
    const auto sightings = co_await probes::run(env_, std::move(want), dns_deadline());
    into.reverse = first<diag::PtrFact>(sightings);
    co_return true;
  }

  io::Task<bool> talk(std::string host, diag::AddressSurvey& into) {
    diag::WantTalk want;
    want.host = std::move(host);
    want.server = {into.address, q_.smtp_port};
    for (const auto& source : q_.sources)
      if (!want.source && source.is_v6() == into.address.is_v6()) want.source = source;
    const auto limit = deadline_.within(env_.runtime.now(), talk_limit);
    const auto sightings = co_await probes::run(env_, std::move(want), limit);
    into.session = first<diag::SessionFact>(sightings);
    co_return true;
  }

  io::Task<bool> look_at_addresses() {
    std::vector<io::Task<bool>> tasks;
    for (auto& host : survey_.hosts) {
      for (auto& address : host.addresses) {
        if (wants("ptr")) tasks.push_back(reverse(address));
        if (survey_.connects && wants_any({"mx", "ptr", "starttls", "tls"})) tasks.push_back(talk(host.name, address));
      }
    }
    co_await io::when_all(std::move(tasks));
    co_return true;
  }

  probes::Env& env_;
  CheckQuestion q_;
  Deadline deadline_;
  dmarc::PublicSuffixes suffixes_;
  Survey survey_;
  diag::CheckReport report_;
};

}  // namespace

io::Task<diag::CheckReport> check(probes::Env& env, CheckQuestion question, Deadline deadline) {
  Surveyor surveyor(env, std::move(question), deadline);
  co_return co_await surveyor.run();
}

}  // namespace smtpdx::engine
