// SPDX-License-Identifier: Apache-2.0
#include "render/expectation.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "render/decision.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::render {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The answer and what decided it, in a line.
std::string answer_of(const mta::Decision& decision) {
  auto out = first_line(decision_text(decision));
  if (!decision.unknown.empty()) return out + ": " + printable(decision.unknown.front(), 200);
  const auto permit = std::find_if(decision.trace.begin(), decision.trace.end(), [&](const mta::TraceEntry& entry) {
    return entry.result == "permit" && decision.verdict == mta::Verdict::accepted;
  });
  if (decision.by)
    out += " by " + (decision.by->restriction.empty() ? decision.by->parameter : decision.by->restriction) + " (" +
           decision.by->where.to_string() + ")";
  else if (permit != decision.trace.end())
    out += " by " + permit->restriction + " (" + permit->where.to_string() + ")";
  return out;
}

std::size_t failures(const ExpectationReport& report) {
  return static_cast<std::size_t>(
      std::count_if(report.results.begin(), report.results.end(), [](const auto& r) { return !r.holds(); }));
}

/// XML 1.0 text and attribute values; control octets have no place there.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\n' || static_cast<unsigned char>(c) >= ' ')
      out += c;
    else
      out += ' ';
  }
  return valid_utf8(out) ? out : printable(out, 10'000);
}

}  // namespace

std::string expectations_text(const ExpectationReport& report) {
  std::string out;
  for (const auto& result : report.results) {
    const bool good = result.holds();
    out += std::string(good ? "PASS" : "FAIL") + " line " + std::to_string(result.expectation.line) + ": " +
           printable(fold_space(result.expectation.text), 300) + "\n";
    if (!good) out += "     " + answer_of(result.decision) + "\n";
  }
  const auto bad = failures(report);
  return out + std::to_string(report.results.size() - bad) + " of " + std::to_string(report.results.size()) +
         " hold with " + report.target + "\n";
}

std::string expectations_json(const ExpectationReport& report) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.config-expect/1");
  json.key("target").text(report.target);
  json.key("results").open('[');
  for (const auto& result : report.results) {
    json.open('{');
    json.key("line").number(result.expectation.line);
    json.key("expectation").text(result.expectation.text);
    json.key("holds").boolean(result.holds());
    json.key("decision");
    auto decision = decision_json(std::to_string(result.expectation.line), result.decision);
    decision.pop_back();  // its line end
    out += decision;
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return out + "\n";
}

std::string expectations_junit(const ExpectationReport& report) {
  const auto counts = " tests=\"" + std::to_string(report.results.size()) + "\" failures=\"" +
                      std::to_string(failures(report)) + "\" errors=\"0\"";
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n<testsuite name=\"" +
                    xml(report.target) + "\"" + counts + ">\n";
  for (const auto& result : report.results) {
    out += "<testcase classname=\"" + xml(report.file) + "\" name=\"" + std::to_string(result.expectation.line) + ": " +
           xml(fold_space(result.expectation.text)) + "\"";
    if (result.holds()) {
      out += "/>\n";
      continue;
    }
    out += "><failure message=\"" + xml(answer_of(result.decision)) + "\">" + xml(decision_text(result.decision)) +
           "</failure></testcase>\n";
  }
  return out + "</testsuite>\n</testsuites>\n";
}

}  // namespace smtpdx::render
