// SPDX-License-Identifier: Apache-2.0
#include "api/smtpdx.hpp"

#include <cstdlib>
#include <cstring>

#include "api/diagnose.hpp"
#include "api/explain.hpp"
#include "api/smtpdx.h"

namespace smtpdx {

namespace {

Answer answer_of(Result<std::string> result) {
  Answer answer;
  answer.ok = result.has_value();
  if (result) {
    answer.document = std::move(*result);
  } else {
    answer.error = result.error().message;
    if (!result.error().hint.empty()) answer.error += "; " + result.error().hint;
  }
  return answer;
}

Result<std::string> diagnosed(std::string_view text, const DiagnoseOptions& options) {
  const auto request = api::read_diagnosis_request(text);
  if (!request) return std::unexpected(request.error());
  if (request->demo)
    return fail(ErrorKind::usage, "the built-in example is served by smtpdx itself", "smtpdx demo --json");
  api::WorldOptions world;
  world.resolvers = options.resolvers;
  world.connect_to = options.connect_to;
  world.ca_files = options.ca_files;
  world.smtp_port = options.smtp_port;
  world.timeout = options.timeout_seconds;
  auto made = api::World::make(world);
  if (!made) return std::unexpected(made.error());
  api::Emit emit;
  if (options.on_event) emit = [&](std::string_view event, const std::string& json) { options.on_event(event, json); };
  return api::diagnose(*request, **made, emit);
}

}  // namespace

Answer explain(std::string_view text) { return answer_of(api::explain_document("text", text, {})); }

Answer diagnose(std::string_view request, const DiagnoseOptions& options) {
  return answer_of(diagnosed(request, options));
}

}  // namespace smtpdx

namespace {

smtpdx_answer to_c(const smtpdx::Answer& answer) {
  const auto& text = answer.ok ? answer.document : answer.error;
  smtpdx_answer c{answer.ok ? 1 : 0, static_cast<char*>(std::malloc(text.size() + 1)), text.size()};
  if (c.text) std::memcpy(c.text, text.c_str(), text.size() + 1);
  if (!c.text) c = {0, nullptr, 0};
  return c;
}

/// No exception crosses into C.
template <class Work>
smtpdx_answer guarded(Work work) {
  try {
    return to_c(work());
  } catch (...) {
    return {0, nullptr, 0};
  }
}

}  // namespace

extern "C" {

smtpdx_answer smtpdx_explain(const char* text, size_t length) {
  return guarded([&] { return smtpdx::explain({text, length}); });
}

smtpdx_answer smtpdx_diagnose(const char* request, const char* resolver, double timeout_seconds,
                              smtpdx_on_event on_event, void* context) {
  return guarded([&] {
    smtpdx::DiagnoseOptions options;
    if (resolver) options.resolvers = {resolver};
    if (timeout_seconds > 0) options.timeout_seconds = timeout_seconds;
    if (on_event)
      options.on_event = [&](std::string_view event, std::string_view json) {
        on_event(context, std::string(event).c_str(), std::string(json).c_str());
      };
    return smtpdx::diagnose(request, options);
  });
}

void smtpdx_free(smtpdx_answer* answer) {
  if (!answer) return;
  std::free(answer->text);
  *answer = {0, nullptr, 0};
}

const char* smtpdx_version(void) { return SMTPDX_VERSION; }

}  // extern "C"
