// SPDX-License-Identifier: Apache-2.0
//
// The line of contract §4, keys in its order. It is written without a document in between (JsonWriter): a mailbox has
// thousands of them, and most of a line are the fixes of the catalogue. Text from outside is made valid UTF-8 by
// printable().

#include "render/explain.hpp"

#include "base/text.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::render {

namespace {

void write_outside(JsonWriter& json, const std::string& text) { json.text_or_null(printable(text)); }

void write_code(JsonWriter& json, int code) { code == 0 ? json.null() : json.number(code); }

void write_status(JsonWriter& json, const std::optional<smtp::EnhancedStatus>& status) {
  status ? json.text(status->to_string()) : json.null();
}

void write_reply(JsonWriter& json, const dsn::QuotedReply& reply) {
  json.open('{');
  write_code(json.key("code"), reply.code);
  write_status(json.key("status"), reply.status);
  json.key("text").text(printable(reply.text));
  json.close('}');
}

void write_evidence(JsonWriter& json, const std::vector<dsn::Span>& evidence) {
  json.open('[');
  for (const auto& span : evidence) {
    json.open('{');
    json.key("what").text(span.what);
    json.key("offset").number(span.offset);
    json.key("length").number(span.length);
    json.key("text").text(printable(span.text));
    json.close('}');
  }
  json.close(']');
}

/// `permanent` of the code that decided, else of its status.
void write_permanent(JsonWriter& json, int code, const std::optional<smtp::EnhancedStatus>& status) {
  if (code != 0) return json.boolean(code >= 500);
  status ? json.boolean(status->klass == 5) : json.null();
}

void write_reading(JsonWriter& json, const Subject& subject, const diag::RefusalFact& fact) {
  const auto& causes = subject.report.causes;
  const kb::Cause* first = causes.empty() ? nullptr : subject.catalogue.cause(causes.front().code);
  const auto party = first ? first->party : fact.reading.party.value_or(kb::Party::unknown);
  const bool refusal = fact.refusal.is_refusal();
  json.key("reason").text_or_null(refusal ? kb::to_string(fact.reading.reason) : std::string_view());
  json.key("party").text_or_null(refusal ? kb::to_string(party) : std::string_view());
  json.key("confidence").number(fact.reading.confidence);
  write_outside(json.key("rule"), fact.reading.rule);
}

/// All but the last brace and the causes.
void write_refusal(JsonWriter& json, const Subject& subject) {
  static const diag::RefusalFact none;
  const auto& fact = subject.report.refusal ? *subject.report.refusal : none;
  const auto& r = fact.refusal;
  json.open('{');
  json.key("schema").text("smtpdx.explain/1");
  json.key("source").open('{');
  json.key("name").text(printable(r.source_name));
  json.key("index").number(r.source_index);
  json.close('}');
  json.key("kind").text(dsn::to_string(r.kind));
  write_outside(json.key("recipient"), r.recipient);
  write_outside(json.key("original_recipient"), r.original_recipient);
  json.key("reply");
  r.is_refusal() ? write_reply(json, r.reply) : json.null();
  json.key("inner");
  r.inner ? write_reply(json, *r.inner) : json.null();
  const int code = r.decided().code != 0 ? r.decided().code : r.reply.code;
  const auto& status = r.decided().status ? r.decided().status : r.reply.status;
  write_code(json.key("code"), code);
  write_status(json.key("status"), status);
  write_outside(json.key("reporter"), r.reporter);
  write_outside(json.key("decider"), r.decider);
  json.key("phase").text_or_null(r.phase ? smtp::to_string(*r.phase) : std::string_view());
  write_permanent(json.key("permanent"), code, status);
  write_reading(json, subject, fact);
  write_evidence(json.key("evidence"), r.evidence);
}

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.open('[');
  for (const auto& text : texts) json.text(text);
  json.close(']');
}

void write_fixes(JsonWriter& json, const kb::Cause& cause, const Subject& subject) {
  json.open('[');
  for (const auto& fix : cause.fixes) {
    json.open('{');
    json.key("product").text(fix.product);
    json.key("steps").open('[');
    for (const auto& step : fix.steps)
      step.find('{') == std::string::npos ? json.text(step) : json.text(fill(step, subject));
    json.close(']');
    if (!fix.takes_effect.empty()) json.key("takes_effect").text(fix.takes_effect);
    json.close('}');
  }
  json.close(']');
}

void write_cause(JsonWriter& json, const diag::CauseVerdict& v, const Subject& subject) {
  const auto* cause = subject.catalogue.cause(v.code);
  if (!cause) return;
  json.open('{');
  json.key("code").text(v.code);
  json.key("verdict").text(to_string(v.verdict));
  if (v.proof != diag::Proof::none) json.key("proof").text(to_string(v.proof));
  json.key("party").text(kb::to_string(cause->party));
  json.key("title").text(cause->title);
  json.key("because").open('[');
  for (const auto& reason : v.reasons) json.text(printable(reason.text));
  json.close(']');
  if (!v.rivals.empty()) write_texts(json.key("rivals"), v.rivals);
  json.key("needs").open('[');
  if (!v.needs.empty()) json.text(v.needs);
  json.close(']');
  write_fixes(json.key("fix"), *cause, subject);
  json.close('}');
}

}  // namespace

std::string refusal_json(const Subject& subject) {
  std::string out;
  JsonWriter json(out);
  write_refusal(json, subject);
  json.close('}');
  return out;
}

std::string explain_json(const Subject& subject) {
  std::string out;
  out.reserve(4096);
  append_explanation(subject, out);
  out += '\n';
  return out;
}

void append_explanation(const Subject& subject, std::string& list) {
  JsonWriter json(list);
  write_refusal(json, subject);
  json.key("causes").open('[');
  for (const auto& verdict : subject.report.causes) write_cause(json, verdict, subject);
  json.close(']');
  json.close('}');
}

}  // namespace smtpdx::render
