// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "render/check.hpp"
#include "render/json_writer.hpp"
#include "render/spf.hpp"
#include "render/transcript.hpp"

namespace smtpdx::render {

namespace {

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.open('[');
  for (const auto& text : texts) json.text(text);
  json.close(']');
}

void write_finding(JsonWriter& json, const diag::Finding& f) {
  json.open('{');
  json.key("id").text(f.id);
  json.key("area").text(f.area);
  json.key("severity").text(to_string(f.severity));
  json.key("subject").text(printable(f.subject));
  json.key("title").text(f.title);
  json.key("detail").text(f.detail);
  write_texts(json.key("because"), f.because);
  json.key("fix").open('[');
  if (!f.fix.empty()) {
    json.open('{');
    json.key("product").text("any");
    write_texts(json.key("steps"), f.fix);
    json.close('}');
  }
  json.close(']');
  json.key("rfc").text_or_null(f.rfc);
  if (f.severity == diag::Severity::untested) json.key("side").text(to_string(f.side));
  json.close('}');
}

void begin_observation(JsonWriter& json, const std::string& id, std::string_view kind, const std::string& subject) {
  json.open('{');
  json.key("id").text(id);
  json.key("kind").text(kind);
  json.key("subject").text(printable(subject));
}

void end_observation(JsonWriter& json, const diag::SurveyObservation& o) {
  json.key("evidence");
  if (o.evidence.channel.empty()) {
    json.null();
  } else {
    json.open('{');
    json.key("channel").text(o.evidence.channel);
    json.key("from").number(o.evidence.from);
    json.key("to").number(o.evidence.to);
    json.close('}');
  }
  json.key("ms").number(to_ms(o.took));
  json.close('}');
}

void write_answer(JsonWriter& json, const diag::SurveyObservation& o, const dns::Answer& answer) {
  begin_observation(json, o.id, "dns.txt", answer.name);
  json.key("value").open('{');
  json.key("status").text(to_string(answer.status));
  json.key("validation").text(to_string(answer.validation));
  json.key("texts").open('[');
  for (const auto& record : answer.records) json.text(printable(record.text));
  json.close(']');
  json.close('}');
  end_observation(json, o);
}

void write_policy(JsonWriter& json, const diag::SurveyObservation& o, const spf::Outcome& outcome) {
  begin_observation(json, o.id, "spf.policy", outcome.domain);
  json.key("value").open('{');
  json.key("result").text(to_string(outcome.result));
  json.key("record").text_or_null(outcome.policies.empty() ? std::string() : printable(outcome.policies.front().text));
  json.key("lookups").number(outcome.lookups);
  json.key("void_lookups").number(outcome.void_lookups);
  json.close('}');
  end_observation(json, o);
}

void write_author_policy(JsonWriter& json, const diag::SurveyObservation& o, const dmarc::Outcome& outcome) {
  begin_observation(json, o.id, "dmarc.policy", outcome.from_domain);
  json.key("value").open('{');
  json.key("policy_domain").text_or_null(outcome.policy_domain);
  json.key("record").text_or_null(printable(outcome.text));
  json.key("reason").text(to_string(outcome.reason));
  json.key("requested").text_or_null(outcome.record ? to_string(outcome.requested) : "");
  json.close('}');
  end_observation(json, o);
}

std::string observation(const diag::SurveyObservation& o) {
  if (const auto* fact = std::get_if<diag::Fact>(&o.seen)) return observation_json({o.id, *fact, o.evidence, o.took});
  std::string out;
  JsonWriter json(out);
  if (const auto* answer = std::get_if<dns::Answer>(&o.seen)) write_answer(json, o, *answer);
  if (const auto* outcome = std::get_if<spf::Outcome>(&o.seen)) write_policy(json, o, *outcome);
  if (const auto* outcome = std::get_if<dmarc::Outcome>(&o.seen)) write_author_policy(json, o, *outcome);
  return out;
}

}  // namespace

std::string check_json(const diag::CheckReport& report, const trace::Log* log) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.check/1");
  json.key("target").text(report.target);
  json.key("findings").open('[');
  for (const auto& finding : report.findings) write_finding(json, finding);
  json.close(']');
  out += ",\"observations\":[";  // documents that are whole already
  for (std::size_t i = 0; i < report.observations.size(); ++i)
    out += (i == 0 ? "" : ",") + observation(report.observations[i]);
  out += "],\"transcripts\":" + (log ? transcripts_json(*log) : std::string("[]"));
  out += ",\"elapsed_ms\":" + std::to_string(to_ms(report.elapsed)) + "}\n";
  return out;
}

}  // namespace smtpdx::render
