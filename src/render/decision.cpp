// SPDX-License-Identifier: Apache-2.0
#include "render/decision.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

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

std::string upper(std::string_view word) {
  std::string out;
  for (char c : word) out += c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

}  // namespace

std::string decision_json(const std::string& id, const mta::Decision& decision) {
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
  return out + "}\n";
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
