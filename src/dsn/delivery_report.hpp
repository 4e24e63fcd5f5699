// SPDX-License-Identifier: Apache-2.0
#pragma once

// The machine-readable part of a delivery report (message/delivery-status, RFC 3464 §2).

#include <string>
#include <string_view>
#include <vector>

#include "dsn/refusal.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

struct ReportField {
  std::string name;                  ///< lower case
  std::string value;                 ///< unfolded
  std::size_t from = 0, length = 0;  ///< of the value within the part's text, folds included
};

struct ReportGroup {
  std::vector<ReportField> fields;
  const ReportField* find(std::string_view name) const;
  std::string value(std::string_view name) const;
};

struct DeliveryReport {
  ReportGroup message;
  std::vector<ReportGroup> recipients;  ///< at most 1,000
  std::string reporter() const;         ///< Reporting-MTA, canonical
};

/// Tolerant: "Action : failed", fields in any order, a missing blank line before the first recipient, MIME fields of a
/// nested part in front (Gmail, 2026).
DeliveryReport parse_delivery_report(const mail::Text& text);

/// One refusal (or delivery) a recipient group.
std::vector<Refusal> refusals_of(const DeliveryReport& report, const mail::Text& text);

}  // namespace smtpdx::dsn
