// SPDX-License-Identifier: Apache-2.0
#include "mock/run.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dsn/reader.hpp"
#include "intake/session_log.hpp"
#include "mock/scenario_world.hpp"

namespace smtpdx::mock {
namespace {

void add_first_refusal(std::vector<diag::Fact>& given, std::vector<dsn::Refusal> refusals,
                       const kb::Catalogue& catalogue) {
  for (auto& refusal : refusals) {
    if (!refusal.is_refusal()) continue;
    auto reading = dsn::understand(refusal, catalogue);
    given.push_back(diag::RefusalFact{std::move(refusal), std::move(reading)});
    return;
  }
}

/// How late a run may end after its deadline (a busy machine).
constexpr Duration grace = std::chrono::seconds(3);

/// What the user holds, read as `diagnose` reads it.
std::vector<diag::Fact> given_of(const Scenario& scenario, const kb::Catalogue& catalogue) {
  std::vector<diag::Fact> given;
  const auto& run = *scenario.run;
  if (!run.text.empty()) add_first_refusal(given, {dsn::read_reply_text(run.text)}, catalogue);
  if (run.reads_input) {
    for (auto& session : intake::read_session_log(scenario.input)) given.push_back(std::move(session));
    if (run.text.empty()) add_first_refusal(given, dsn::read({"-", scenario.input}).refusals, catalogue);
  }
  return given;
}

engine::Job job_of(const Scenario& scenario, const kb::Catalogue& catalogue) {
  const auto& run = *scenario.run;
  engine::Job job;
  job.question = run.question;
  job.question.helo = run.question.client.helo;
  job.question.random_local_part = nobody_local_part;
  job.question.have_secret = !run.password.empty();
  if (job.question.have_secret) job.question.consent = kb::Consent::auth;
  job.given = given_of(scenario, catalogue);
  return job;
}

std::optional<smtp::Credentials> credentials_of(const RunSection& run) {
  if (run.password.empty()) return std::nullopt;
  smtp::Credentials credentials;
  credentials.user = run.question.user;
  credentials.secret = run.password;
  if (!run.mechanism.empty()) credentials.mechanism = run.mechanism;
  return credentials;
}

std::string at_line(const Scenario& scenario, std::size_t line) {
  return scenario.name + ":" + std::to_string(line) + ": ";
}

std::string written(const diag::CauseVerdict& v) {
  std::string text = v.verdict == diag::Verdict::ruled_out ? "ruled out" : std::string(diag::to_string(v.verdict));
  text += " " + v.code;
  if (v.verdict == diag::Verdict::proved) text += " " + std::string(diag::to_string(v.proof));
  return text;
}

std::vector<const diag::CauseVerdict*> all_of(const diag::Report& report) {
  std::vector<const diag::CauseVerdict*> all;
  for (const auto* list : {&report.causes, &report.untested, &report.ruled_out})
    for (const auto& v : *list) all.push_back(&v);
  return all;
}

void compare_findings(const Scenario& scenario, const ScenarioRun& run, std::vector<std::string>& out) {
  const auto& expected = *scenario.findings;
  const auto found = all_of(run.report);
  for (const auto& e : expected.findings) {
    const auto it = std::find_if(found.begin(), found.end(), [&](const auto* v) { return v->code == e.code; });
    if (it == found.end()) {
      out.push_back(at_line(scenario, e.line) + e.code + " was not judged at all");
      continue;
    }
    const auto& v = **it;
    const bool same = v.verdict == e.verdict && (!e.proof || *e.proof == v.proof);
    if (!same) out.push_back(at_line(scenario, e.line) + "found instead: " + written(v));
    if (!icontains(v.needs, e.needs)) out.push_back(at_line(scenario, e.line) + "needs is \"" + v.needs + "\"");
  }
  for (const auto* v : found) {
    if (v->verdict == diag::Verdict::possible && !expected.compares_possible) continue;
    if (v->verdict == diag::Verdict::ruled_out && !expected.all_ruled_out) continue;
    const bool listed = std::any_of(expected.findings.begin(), expected.findings.end(),
                                    [&](const ExpectedFinding& e) { return e.code == v->code; });
    if (!listed) out.push_back(scenario.name + ": not expected: " + written(*v));
  }
}

void compare_broken(const Scenario& scenario, const ScenarioRun& run, std::vector<std::string>& out) {
  for (const auto& e : scenario.findings->broken) {
    std::string seen;
    bool fits = false;
    for (const auto& o : run.report.observations) {
      const auto* attempt = std::get_if<diag::Attempt>(&o.fact);
      const auto* session = std::get_if<diag::SessionFact>(&o.fact);
      std::string words;
      if (session && session->shape.server == e.at && session->broken)
        words = std::string(smtp::to_string(session->broken->phase)) + " " + smtp::trouble_words(*session->broken);
      if (session && session->shape.server == e.at && session->auth && !session->auth->reply)
        words = std::string(smtp::to_string(session->auth->phase)) + " " + smtp::trouble_words(*session->auth);
      if (attempt && attempt->shape.server == e.at && !attempt->reply)
        words = std::string(smtp::to_string(attempt->phase)) + " " + attempt->trouble;
      if (words.empty()) continue;
      seen += (seen.empty() ? "" : "; ") + words;
      fits = fits || words.starts_with(e.phase + " " + e.trouble);
    }
    if (!fits) out.push_back(at_line(scenario, e.line) + "seen there: " + (seen.empty() ? "nothing broken" : seen));
  }
}

}  // namespace

io::Task<Result<ScenarioRun>> run_scenario(io::Runtime& runtime, const Scenario& scenario,
                                           const kb::Catalogue& catalogue, engine::Watcher watcher) {
  if (!scenario.run) co_return fail(ErrorKind::malformed, scenario.name + " asks nothing: it has no -- run --");
  auto world = ScenarioWorld::open(runtime, scenario, credentials_of(*scenario.run));
  if (!world) co_return std::unexpected(world.error());
  auto job = job_of(scenario, catalogue);
  job.watcher = std::move(watcher);
  const auto deadline = runtime.deadline_in(scenario.run->timeout);
  ScenarioRun result;
  result.report = co_await engine::diagnose((*world)->env(), catalogue, std::move(job), deadline);
  result.complaints = (*world)->internet().complaints();
  result.lookups = (*world)->lookups().lookups();
  result.log = (*world)->take_log();
  co_return result;
}

std::vector<std::string> differences(const Scenario& scenario, const ScenarioRun& run) {
  std::vector<std::string> out = run.complaints;
  if (!scenario.findings) return out;
  const auto& expected = *scenario.findings;
  if (expected.conclusion && *expected.conclusion != run.report.conclusion)
    out.push_back(scenario.name + ": the verdict is " + std::string(diag::to_string(run.report.conclusion)));
  if (scenario.run && run.report.elapsed > scenario.run->timeout + grace)
    out.push_back(scenario.name + ": took " + std::to_string(to_ms(run.report.elapsed)) + " ms, its --timeout is over");
  compare_findings(scenario, run, out);
  compare_broken(scenario, run, out);
  return out;
}

std::string findings_text(const diag::Report& report) {
  std::string text = "verdict: " + std::string(diag::to_string(report.conclusion)) + "\n";
  for (const auto* v : all_of(report)) text += written(*v) + "\n";
  return text;
}

}  // namespace smtpdx::mock
