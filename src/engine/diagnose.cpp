// SPDX-License-Identifier: Apache-2.0
#include "engine/diagnose.hpp"

#include <algorithm>
#include <set>

#include "rules/rules.hpp"

namespace smtpdx::engine {

using diag::CauseVerdict;
using diag::Observation;
using diag::Verdict;
using diag::Want;

namespace {

constexpr unsigned max_rounds = 10;
constexpr Duration want_limit = 25s;  ///< one connection or look-up
constexpr Duration least_limit = 2s;

/// Silence must leave time for what is asked after it: no question takes more than half of what is left.
Deadline limit_of(Deadline deadline, TimePoint now) {
  return deadline.within(now, std::min(want_limit, std::max(least_limit, deadline.left(now) / 2)));
}

class Run {
 public:
  Run(const kb::Catalogue& catalogue, Job& job) : catalogue_(catalogue), job_(job) {
    observe({diag::question_fact(job.question), {}, Duration{0}});
    for (std::size_t i = 0; i < job.given.size(); ++i) {
      trace::Evidence evidence = i < job.given_evidence.size() ? job.given_evidence[i] : trace::Evidence{};
      observe({std::move(job.given[i]), std::move(evidence), Duration{0}});
    }
  }

  void observe(probes::Sighting sighting) {
    Observation o;
    o.id = "o" + std::to_string(observations_.size() + 1);
    o.fact = std::move(sighting.fact);
    o.evidence = std::move(sighting.evidence);
    o.took = sighting.took;
    observations_.push_back(std::move(o));
    if (job_.watcher.on_observation) job_.watcher.on_observation(observations_.back());
  }

  void judge() { judgement_ = rules::judge(job_.question, observations_, catalogue_); }

  /// What is new, allowed and worth asking now; what consent forbids is remembered.
  std::vector<Want> next_wants() {
    std::vector<Want> fresh;
    for (auto& want : judgement_.wants) {
      if (diag::consent_of(want) > job_.question.consent) {
        denied_ = std::max(denied_, diag::consent_of(want));
        continue;
      }
      if (asked_.insert(diag::key_of(want)).second) fresh.push_back(std::move(want));
    }
    return fresh;
  }

  diag::Report report(Duration elapsed);

 private:
  void conclude(diag::Report& report) const;
  bool everything_accepted() const;

  const kb::Catalogue& catalogue_;
  Job& job_;
  std::vector<Observation> observations_;
  diag::Judgement judgement_;
  std::set<std::string> asked_;
  kb::Consent denied_ = kb::Consent::local;
};

bool Run::everything_accepted() const {
  bool any = false;
  for (const auto& o : observations_) {
    const auto* a = std::get_if<diag::Attempt>(&o.fact);
    if (!a || a->role != diag::Role::recipient) continue;
    if (a->outcome == diag::Outcome::accepted) {
      any = true;
    } else if (a->shape.user.empty() && job_.question.server) {
      continue;  // without a refusal in the input the anonymous refusal is only the control of a login that works
    } else {
      return false;
    }
  }
  return any;
}

void Run::conclude(diag::Report& report) const {
  using diag::Conclusion;
  const auto* top = report.causes.empty() ? nullptr : &report.causes.front();
  if (top && (top->verdict == Verdict::proved || top->verdict == Verdict::likely)) {
    report.conclusion = Conclusion::problem;
    const auto* cause = catalogue_.cause(top->code);
    report.summary = cause ? cause->title : top->code;
    report.next = top->needs;
    return;
  }
  const bool accepted = everything_accepted();
  if (!report.refusal && accepted) {
    report.conclusion = Conclusion::no_problem;
    report.summary = "Everything that was asked is accepted now.";
    return;
  }
  report.conclusion = Conclusion::inconclusive;
  if (report.refusal && accepted) {
    report.summary =
        "No longer reproducible: what was refused is accepted now, so one of these has changed since, or it depends on "
        "the client that was refused.";
    return;
  }
  report.summary = "This alone does not decide it.";
}

diag::Report Run::report(Duration elapsed) {
  diag::Report report;
  report.elapsed = elapsed;
  report.question = job_.question;
  for (const auto& o : observations_)
    if (const auto* r = std::get_if<diag::RefusalFact>(&o.fact); r && !report.refusal) report.refusal = *r;
  for (auto& v : judgement_.causes) {
    switch (v.verdict) {
      case Verdict::proved:
      case Verdict::likely:
      case Verdict::possible:
        report.causes.push_back(std::move(v));
        break;
      case Verdict::ruled_out:
        report.ruled_out.push_back(std::move(v));
        break;
      case Verdict::untested:
        report.untested.push_back(std::move(v));
        break;
      case Verdict::silent:
        break;
    }
  }
  conclude(report);
  report.observations = std::move(observations_);
  return report;
}

}  // namespace

io::Task<diag::Report> diagnose(probes::Env& env, const kb::Catalogue& catalogue, Job job, Deadline deadline) {
  const auto started = env.runtime.now();
  if (job.question.random_local_part.empty()) job.question.random_local_part = "no-such-user-probe";
  if (job.watcher.on_line) env.log.watch(job.watcher.on_line);
  Run run(catalogue, job);
  for (unsigned round = 1; round <= max_rounds; ++round) {
    run.judge();
    auto wants = run.next_wants();
    if (wants.empty() || deadline.passed(env.runtime.now())) break;
    if (job.watcher.on_round) job.watcher.on_round(round, wants);
    env.round = round;
    env.sequence = 0;
    const auto limit = limit_of(deadline, env.runtime.now());
    std::vector<io::Task<probes::Sightings>> tasks;
    for (auto& want : wants) tasks.push_back(probes::run(env, std::move(want), limit));
    auto seen = co_await io::when_all(std::move(tasks));
    for (auto& sightings : seen)
      for (auto& s : sightings) run.observe(std::move(s));
  }
  run.judge();
  co_return run.report(env.runtime.now() - started);
}

diag::Report judge_offline(const kb::Catalogue& catalogue, Job job) {
  Run run(catalogue, job);
  run.judge();
  return run.report(Duration{0});
}

namespace {
struct Describe {
  std::string operator()(const diag::WantMx& w) const { return "looking up the MX of " + w.domain; }
  std::string operator()(const diag::WantAddresses& w) const { return "looking up the addresses of " + w.host; }
  std::string operator()(const diag::WantPtr& w) const { return "looking up the PTR of " + w.address.to_string(); }
  std::string operator()(const diag::WantAuthority& w) const {
    return "asking the name servers of " + w.host + " themselves";
  }
  std::string operator()(const diag::WantNear& w) const { return "comparing " + w.domain + " with known names"; }
  std::string operator()(const diag::WantList& w) const {
    return "asking " + w.zone + " about " + w.address.to_string();
  }
  std::string operator()(const diag::WantControls&) const { return "trying unrelated hosts on port 25 and 587"; }
  std::string operator()(const diag::WantTalk& w) const {
    return std::string(w.log_in ? "logging in at " : "asking ") + w.host + " (" + w.server.to_string() + ")";
  }
};
}  // namespace

std::string describe(const Want& want) { return std::visit(Describe{}, want); }

}  // namespace smtpdx::engine
