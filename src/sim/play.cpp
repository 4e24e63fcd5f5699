// SPDX-License-Identifier: Apache-2.0
#include "sim/play.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/text.hpp"
#include "dsn/reader.hpp"
#include "engine/diagnose.hpp"

namespace smtpdx::sim {

namespace {

constexpr Duration limit = 180s;

engine::Job job_of(const World& world, const kb::Catalogue& catalogue) {
  engine::Job job;
  job.question = world.question;
  if (world.refusal) job.given.push_back(diag::RefusalFact{*world.refusal, dsn::understand(*world.refusal, catalogue)});
  if (world.log) job.given.push_back(*world.log);
  if (world.config) job.given.push_back(*world.config);
  return job;
}

/// What was so throughout, as far as the run could see: a change before the first word or after the last one is none.
std::set<std::string> true_throughout(const World& world, const VirtualNet& net, bool& disturbed) {
  const auto& truth = world.truth;
  if (!truth.changing) return truth.may;
  const auto& use = net.use(*truth.changing);
  if (use.after_change == 0) return truth.may;
  disturbed = true;
  if (use.before_change == 0) return truth.may_afterwards;
  std::set<std::string> both;
  for (const auto& cause : truth.may)
    if (truth.may_afterwards.contains(cause)) both.insert(cause);
  return both;
}

void list(std::string& out, const char* title, const std::vector<diag::CauseVerdict>& verdicts) {
  for (const auto& v : verdicts) {
    out += std::string(title) + " " + v.code + ": " + std::string(diag::to_string(v.verdict)) + " " +
           std::string(diag::to_string(v.proof)) + "\n";
    for (const auto& reason : v.reasons) out += "    " + reason.text + " (" + join(reason.ids, " ") + ")\n";
    for (const auto& rival : v.rivals) out += "    rival " + rival + "\n";
    if (!v.needs.empty()) out += "    needs " + v.needs + "\n";
  }
}

std::string describe(const World& world) {
  const auto& q = world.question;
  std::string out = "kind " + world.kind + "\n";
  for (const auto& line : world.story) out += "  " + line + "\n";
  out += "case: from <" + q.from + "> to <" + q.to + ">";
  if (q.server) out += " server " + q.server->host + ":" + std::to_string(q.server->port);
  if (!q.user.empty()) out += " user " + q.user;
  if (q.client.tls) out += " client-tls " + std::string(diag::to_string(*q.client.tls));
  if (!q.client.helo.empty()) out += " client-helo " + q.client.helo;
  out += "\n";
  for (const auto& s : world.internet.services) out += "  server " + s.at.to_string() + " " + s.policy.name + "\n";
  std::string may;
  for (const auto& cause : world.truth.may) may += " " + cause;
  return out + "truth:" + may + "; provable: " + (world.truth.proof.empty() ? "nothing" : world.truth.proof) + "\n";
}

std::string transcript_of(const World& world, const diag::Report& report, const trace::Log& log) {
  std::string out = describe(world);
  for (const auto& channel : log.channels()) {
    out += "-- " + channel.id() + " " + channel.peer() + "\n";
    for (const auto& line : channel.lines())
      out += "  " + std::to_string(to_ms(line.at.since_start)) + " " + static_cast<char>(line.direction) + " " +
             printable(line.text, 200) + "\n";
  }
  if (report.refusal)
    out += "reading: " + std::string(kb::to_string(report.refusal->reading.reason)) + " by " +
           report.refusal->reading.rule + ", decider " + report.refusal->refusal.decider + "\n";
  list(out, "cause", report.causes);
  list(out, "ruled out", report.ruled_out);
  list(out, "untested", report.untested);
  return out + "conclusion " + std::string(diag::to_string(report.conclusion)) + ": " + report.summary + "\n";
}

}  // namespace

Outcome play(const World& world, const kb::Catalogue& catalogue, Detail detail) {
  VirtualRuntime runtime;
  trace::Log log;
  VirtualNet net(runtime, world.internet);
  VirtualResolver resolver(runtime, world.zones, log, world.dns_latency);
  probes::Env env{runtime, net, resolver, log, world.helo, world.credentials};
  auto job = job_of(world, catalogue);
  const auto report = io::run(runtime, engine::diagnose(env, catalogue, std::move(job), runtime.deadline_in(limit)));

  Outcome outcome;
  bool disturbed = false;
  const auto may = true_throughout(world, net, disturbed);
  outcome.expected = disturbed ? "" : world.truth.proof;
  outcome.meant = world.truth.meant;
  for (const auto& verdict : report.causes) {
    if (verdict.verdict != diag::Verdict::proved) continue;
    if (!may.contains(verdict.code)) outcome.wrong.push_back(verdict.code);
    outcome.proved = outcome.proved || verdict.code == outcome.expected;
    outcome.meant_proved = outcome.meant_proved || verdict.code == outcome.meant;
  }
  for (const auto& [address, count] : net.tried()) outcome.connections.push_back(count);
  outcome.elapsed = report.elapsed;
  if (detail == Detail::transcript) outcome.transcript = transcript_of(world, report, log);
  return outcome;
}

}  // namespace smtpdx::sim
