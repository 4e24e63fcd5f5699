// SPDX-License-Identifier: Apache-2.0
#pragma once

// `diagnose` as a library: a request in JSON, events while it goes on, the document of contract §5 at the end.

#include <functional>
#include <string>
#include <string_view>

#include "api/question.hpp"
#include "api/world.hpp"
#include "base/result.hpp"
#include "kb/words.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::api {

struct DiagnosisRequest {
  QuestionWords words;
  std::string text;  ///< the bounce, or the words of the refusal; may be empty
  Login login;
  kb::Consent consent = kb::Consent::envelope;  ///< never above auth: nothing is sent
  bool demo = false;                            ///< the built-in internet and its bounce; all else is ignored
};

/// {"text", "to", "from", "server", "user", "password", "auth_mechanism", "helo", "client": {"tls", "auth", "address",
/// "auth_methods": […]}, "consent": "local"|"dns"|"connect"|"envelope"|"auth", "demo": true}; all optional. Errors:
/// malformed (no JSON object, a value of the wrong kind, an unknown key), usage (nothing to diagnose; contradictions).
Result<DiagnosisRequest> read_diagnosis_request(std::string_view json);

/// Told as it happens: "plan", "observation", "line", each with one JSON object in one line. On the run's thread.
using Emit = std::function<void(std::string_view event, const std::string& json)>;

/// "line" events, for trace::Log::watch. `emit` must outlive the log's use.
trace::Channel::Watcher line_watcher(const Emit& emit);

/// Asks the world. Errors: usage. What went wrong out there is in the document. It has one key more than the command
/// line's: "letters", the letter to the one who can fix it by language.
Result<std::string> diagnose(const DiagnosisRequest& request, World& world, const Emit& emit);

/// The same question put to a scenario's internet on this machine's loopback. `demo` asks the scenario's own question.
Result<std::string> diagnose(const DiagnosisRequest& request, const mock::Scenario& scenario, const Emit& emit);

}  // namespace smtpdx::api
