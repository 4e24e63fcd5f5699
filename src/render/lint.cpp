// SPDX-License-Identifier: Apache-2.0
#include "render/lint.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::render {
namespace {

using mta::postfix::LintFinding;
using mta::postfix::LintSeverity;
using Findings = std::vector<LintFinding>;

std::string_view head(LintSeverity severity) {
  return severity == LintSeverity::fail ? "FAIL" : severity == LintSeverity::warn ? "WARN" : "INFO";
}

std::string_view sarif_level(LintSeverity severity) {
  return severity == LintSeverity::fail ? "error" : severity == LintSeverity::warn ? "warning" : "note";
}

void one_json(JsonWriter& json, const LintFinding& finding) {
  json.open('{');
  json.key("id").text(finding.id);
  json.key("area").text("config");
  json.key("severity").text(to_string(finding.severity));
  json.key("subject").text(finding.subject);
  json.key("title").text(finding.title);
  json.key("detail").text(finding.why);
  json.key("fix").open('[');
  json.open('{');
  json.key("product").text("postfix");
  json.key("steps").open('[');
  json.text(finding.fix);
  json.close(']');
  json.close('}');
  json.close(']');
  json.key("file").text_or_null(finding.where.file);
  json.key("line");
  if (finding.where.built_in())
    json.null();
  else
    json.number(finding.where.line);
  json.close('}');
}

void message(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key).open('{');
  json.key("text").text(text);
  json.close('}');
}

void sarif_rules(JsonWriter& json) {
  json.key("rules").open('[');
  for (const auto& rule : mta::postfix::lint_rules()) {
    json.open('{');
    json.key("id").text(rule.id);
    message(json, "shortDescription", rule.title);
    json.key("defaultConfiguration").open('{');
    json.key("level").text(sarif_level(rule.severity));
    json.close('}');
    json.close('}');
  }
  json.close(']');
}

/// A relative reference as RFC 3986 wants it.
std::string uri_of(const std::string& file) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(static_cast<char>(c)) != std::string_view::npos;
    if (plain)
      out += static_cast<char>(c);
    else
      out += {'%', digits[c >> 4], digits[c & 15]};
  }
  return out;
}

void sarif_result(JsonWriter& json, const LintFinding& finding) {
  const auto& rules = mta::postfix::lint_rules();
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return r.id == finding.id; });
  json.open('{');
  json.key("ruleId").text(finding.id);
  json.key("ruleIndex").number(rule - rules.begin());
  json.key("level").text(sarif_level(finding.severity));
  message(json, "message", finding.title + " (" + finding.subject + "). " + finding.why + " Do this: " + finding.fix);
  json.key("locations").open('[');
  json.open('{');
  json.key("physicalLocation").open('{');
  json.key("artifactLocation").open('{');
  json.key("uri").text(uri_of(finding.where.built_in() ? "main.cf" : finding.where.file));
  json.key("uriBaseId").text("CONFIGURATION");
  json.close('}');
  json.key("region").open('{');
  json.key("startLine").number(finding.where.built_in() ? 1u : finding.where.line);
  json.close('}');
  json.close('}');
  json.close('}');
  json.close(']');
  json.close('}');
}

}  // namespace

std::string lint_text(const Findings& findings) {
  std::string out;
  std::size_t count[3] = {0, 0, 0};
  for (const auto& finding : findings) {
    ++count[static_cast<std::size_t>(finding.severity)];
    out += std::string(head(finding.severity)) + " " + std::string(finding.id) + " " + finding.title + ": " +
           printable(finding.subject, 80) + " (" + finding.where.to_string() + ")\n";
    out += "     " + printable(fold_space(finding.why), 1000) + "\n";
    out += "     Do this: " + printable(fold_space(finding.fix), 500) + "\n";
  }
  if (findings.empty()) return "Nothing found.\n";
  return out + std::to_string(count[2]) + " fail, " + std::to_string(count[1]) + " warn, " + std::to_string(count[0]) +
         " info\n";
}

std::string lint_json(const Findings& findings) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.config-lint/1");
  json.key("findings").open('[');
  for (const auto& finding : findings) one_json(json, finding);
  json.close(']');
  json.close('}');
  return out + "\n";
}

std::string lint_sarif(const Findings& findings, const std::string& version) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("$schema").text(
      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
  json.key("version").text("2.1.0");
  json.key("runs").open('[');
  json.open('{');
  json.key("tool").open('{');
  json.key("driver").open('{');
  json.key("name").text("smtpdx");
  json.key("version").text(version);
  sarif_rules(json);
  json.close('}');
  json.close('}');
  json.key("columnKind").text("utf16CodeUnits");
  json.key("results").open('[');
  for (const auto& finding : findings) sarif_result(json, finding);
  json.close(']');
  json.close('}');
  json.close(']');
  json.close('}');
  return out + "\n";
}

}  // namespace smtpdx::render
