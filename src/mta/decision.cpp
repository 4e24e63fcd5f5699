// SPDX-License-Identifier: Apache-2.0
#include "mta/decision.hpp"

#include <array>

namespace smtpdx::mta {

std::string Where::to_string() const { return built_in() ? "built-in default" : file + ":" + std::to_string(line); }

std::string_view to_string(Verdict verdict) {
  static constexpr std::array<std::string_view, 6> words = {"accepted",    "refused",      "no_auth",
                                                            "no_starttls", "server_fatal", "unknown"};
  return words[static_cast<std::size_t>(verdict)];
}

std::string_view to_string(Stage stage) {
  static constexpr std::array<std::string_view, 6> words = {"connect", "ehlo", "starttls", "auth", "mail", "rcpt"};
  return words[static_cast<std::size_t>(stage)];
}

}  // namespace smtpdx::mta
