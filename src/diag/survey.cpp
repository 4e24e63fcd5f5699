// SPDX-License-Identifier: Apache-2.0
#include "diag/survey.hpp"

namespace smtpdx::diag {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::pass:
      return "pass";
    case Severity::info:
      return "info";
    case Severity::warn:
      return "warn";
    case Severity::fail:
      return "fail";
    case Severity::untested:
      return "untested";
  }
  return "untested";
}

}  // namespace smtpdx::diag
