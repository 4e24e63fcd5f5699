// SPDX-License-Identifier: Apache-2.0
#include "render/decision.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::render {
namespace {

using Json = nlohmann::ordered_json;

/// "main.cf:14"; built-in defaults stand in no file.
Json file_of(const mta::Where& where) { return where.built_in() ? Json(nullptr) : Json(where.file); }
Json line_of(const mta::Where& where) { return where.built_in() ? Json(nullptr) : Json(where.line); }

Json by_json(const mta::Decision& decision) {
  if (!decision.by) return nullptr;
  const auto& by = *decision.by;
  return {{"restriction", by.restriction},
          {"parameter", by.parameter},
          {"file", file_of(by.where)},
          {"line", line_of(by.where)}};
}

/// Most strings of a trace need no escaping; a document built up for each would cost more than the decision.
void add_string(std::string& out, std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (plain)
    out.append("\"").append(text).append("\"");
  else
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_entry(std::string& out, const mta::TraceEntry& entry) {
  out += "{\"restriction\":";
  add_string(out, entry.restriction);
  out += ",\"result\":";
  add_string(out, entry.result);
  out += ",\"why\":";
  add_string(out, entry.why);
  out += ",\"parameter\":";
  add_string(out, entry.parameter);
  if (entry.where.built_in()) {
    out += ",\"file\":null,\"line\":null}";
    return;
  }
  out += ",\"file\":";
  add_string(out, entry.where.file);
  out += ",\"line\":" + std::to_string(entry.where.line) + "}";
}

using mta::postfix::Change;
using mta::postfix::ChangeAdvice;

/// The first that edits something; the first of all where none does.
std::size_t best_of(const ChangeAdvice& advice) {
  for (std::size_t i = 0; i < advice.changes.size(); ++i)
    if (!advice.changes[i].lines.empty()) return i;
  return 0;
}

std::string json_of(const Change& change) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("edit").text(change.edit);
  json.key("keeps_closed").boolean(true);  // what does not is never offered
  json.key("gives").text(change.gives);
  json.key("lines").open('[');
  for (const auto& line : change.lines) {
    json.open('{');
    json.key("file").text(line.file);
    json.key("line");
    if (line.line == 0)
      json.null();
    else
      json.number(line.line);
    json.key("before");
    line.before ? json.text(*line.before) : json.null();
    json.key("after");
    line.after ? json.text(*line.after) : json.null();
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return out;
}

void add_advice(std::string& out, const ChangeAdvice& advice) {
  if (advice.changes.empty()) {
    out += ",\"change\":null,\"no_change\":";
    add_string(out, advice.none);
    return;
  }
  out += ",\"change\":";
  const auto best = best_of(advice);
  out += json_of(advice.changes[best]);
  if (advice.changes.size() == 1) return;
  out += ",\"alternatives\":[";
  for (std::size_t i = 0, written = 0; i < advice.changes.size(); ++i) {
    if (i == best) continue;
    out += (written++ == 0 ? "" : ",") + json_of(advice.changes[i]);
  }
  out += ']';
}

std::string upper(std::string_view word) {
  std::string out;
  for (char c : word) out += c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

}  // namespace

std::string decision_json(const std::string& id, const mta::Decision& decision, const ChangeAdvice* advice) {
  Json j;
  j["id"] = id;
  j["verdict"] = to_string(decision.verdict);
  const bool replied = decision.code != 0;
  j["code"] = replied ? Json(decision.code) : Json(nullptr);
  j["status"] = decision.status.empty() ? Json(nullptr) : Json(decision.status);
  j["text"] = decision.text;
  j["stage"] = to_string(decision.stage);
  j["by"] = by_json(decision);
  auto out = j.dump(-1, ' ', false, Json::error_handler_t::replace);
  out.pop_back();
  out += ",\"trace\":[";
  for (const auto& entry : decision.trace) {
    if (&entry != &decision.trace.front()) out += ',';
    add_entry(out, entry);
  }
  out += ']';
  if (decision.verdict == mta::Verdict::unknown)
    out += ",\"needs\":" + Json(decision.unknown).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (advice) add_advice(out, *advice);
  return out + "}\n";
}

std::string change_text(const ChangeAdvice& advice) {
  if (advice.changes.empty()) return "Change   none that is safe: " + advice.none + "\n";
  std::string out;
  for (const auto& change : advice.changes) {
    out += (out.empty() ? "Change   " : "or       ") + printable(change.edit, 300) + "\n";
    for (const auto& line : change.lines) {
      out += "         " + line.file + (line.line == 0 ? ", at its end" : ":" + std::to_string(line.line)) + "\n";
      if (line.before) out += "         - " + printable(*line.before, 400) + "\n";
      if (line.after) out += "         + " + printable(*line.after, 400) + "\n";
    }
    out += "         gives " + printable(change.gives, 300) + "\n";
  }
  return out;
}

std::string decision_text(const mta::Decision& decision) {
  std::string out = upper(to_string(decision.verdict));
  if (decision.code != 0) out += " " + std::to_string(decision.code);
  if (!decision.status.empty()) out += " " + decision.status;
  if (!decision.text.empty()) out += " " + printable(fold_space(decision.text), 300);
  out += "\n";
  if (decision.verdict == mta::Verdict::unknown) {
    for (const auto& what : decision.unknown) out += "Unknown  " + what + "\n";
    if (decision.if_silent)
      out += "If that says nothing: " + std::string(to_string(decision.if_silent->verdict)) +
             (decision.if_silent->code != 0 ? " " + std::to_string(decision.if_silent->code) : "") + "\n";
  } else if (decision.by) {
    const auto& by = *decision.by;
    out += "Decided  " + (by.restriction.empty() ? by.parameter : by.restriction) +
           (by.restriction.empty() || by.parameter.empty() ? "" : " in " + by.parameter) + " (" + by.where.to_string() +
           "), at " + std::string(to_string(decision.stage)) + "\n";
  } else if (decision.verdict == mta::Verdict::accepted) {
    out += "Decided  no restriction refuses: every list ran to its end\n";
  }
  std::string label = "Asked    ";
  for (const auto& entry : decision.trace) {
    out += label + entry.parameter + ": " + entry.restriction + ": " + entry.result +
           (entry.why.empty() ? "" : " (" + printable(entry.why, 200) + ")") + "\n";
    label = "         ";
  }
  return out;
}

}  // namespace smtpdx::render
