// SPDX-License-Identifier: Apache-2.0
#include "rules/findings.hpp"

#include <stdexcept>

#include "base/text.hpp"
#include "kb/checks.hpp"

namespace smtpdx::rules {

namespace {

const kb::Check& row_of(std::string_view id) {
  const auto* row = kb::find_check(id);
  if (!row) throw std::logic_error("no check " + std::string(id));
  return *row;
}

diag::Severity severity_of(const kb::Check& row) {
  if (row.severity == "fail") return diag::Severity::fail;
  return row.severity == "warn" ? diag::Severity::warn : diag::Severity::info;
}

}  // namespace

diag::Finding& Findings::add(std::string_view id, const About& about, std::string detail) {
  const auto& row = row_of(id);
  diag::Finding finding;
  finding.id = row.id;
  finding.area = row.area;
  finding.subject = about.subject;
  finding.title = row.fine;
  finding.detail = std::move(detail);
  finding.because = about.because;
  finding.rfc = row.rfc;
  return all_.emplace_back(std::move(finding));
}

void Findings::check(std::string_view id, const About& about, bool is_fault, std::string detail) {
  if (is_fault) return fault(id, about, std::move(detail));
  pass(id, about);
}

void Findings::fault(std::string_view id, const About& about, std::string detail) {
  const auto& row = row_of(id);
  auto& finding = add(id, about, std::move(detail));
  finding.severity = severity_of(row);
  finding.title = row.found;
  for (const auto& step : row.fix) finding.fix.push_back(replace_all(step, "DOMAIN", target_));
}

void Findings::pass(std::string_view id, const About& about, std::string detail) { add(id, about, std::move(detail)); }

void Findings::untested(std::string_view id, const About& about, std::string why, diag::Side side) {
  auto& finding = add(id, about, std::move(why));
  finding.severity = diag::Severity::untested;
  finding.title = "Not known: " + std::string(1, ascii_lower(finding.title[0])) + finding.title.substr(1);
  finding.side = side;
}

}  // namespace smtpdx::rules
