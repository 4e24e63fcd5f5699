// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/redact.hpp"

namespace smtpdx::smtp {

/// Replaces by "[secret]" what a server repeats of an authentication: the secret itself (trace::Redactor) and the
/// base64 lines we sent, whole, cut off or in other letter case. Many servers quote a command they do not know.
class EchoGuard {
 public:
  void add_secret(std::string_view secret) { redactor_.add(secret); }
  /// A base64 line that went out. Those under 8 characters are ignored.
  void sent(std::string_view line);
  std::string clean(std::string_view text) const;

 private:
  trace::Redactor redactor_;
  std::vector<std::string> lines_;
};

}  // namespace smtpdx::smtp
