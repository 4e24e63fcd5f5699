// SPDX-License-Identifier: Apache-2.0
#pragma once

// smtpdx for C++ programs: what `smtpdx explain` and `smtpdx diagnose` do, without a process. Only the standard library
// shows in this header. C: api/smtpdx.h. Examples: examples/.
//
// Documents are those of the command line (`--json`), UTF-8. Nothing here throws, but for exhausted memory.
// Threads: any number may call at once; each call works on the calling thread until it is done.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx {

/// What came of a call: the document, or why there is none.
struct Answer {
  bool ok = false;
  std::string document;  ///< JSON, one line with its end; empty unless ok
  std::string error;     ///< one sentence, and the next step where there is one; empty if ok
};

/// Reads a bounce, a reply, a log line, an error: {"results":[…]}, one smtpdx.explain/1 object for each refusal. Asks
/// nobody, opens no file.
Answer explain(std::string_view text);

/// The world to ask in, as the command line's options say it; empty is the real one.
struct DiagnoseOptions {
  std::vector<std::string> resolvers;   ///< "192.0.2.53:53"
  std::vector<std::string> connect_to;  ///< "HOST:PORT:ADDR:PORT"
  std::vector<std::string> ca_files;    ///< PEM
  unsigned short smtp_port = 25;        ///< where MX hosts listen
  double timeout_seconds = 60;          ///< for all of it
  /// Told what happens while it goes on: "plan", "observation", "line", with one JSON object. On the calling thread.
  std::function<void(std::string_view event, std::string_view json)> on_event;
};

/// `request` is the body of POST /v1/diagnoses: {"text": "the bounce", "to": …, "server": …, "user": …, "password": …}.
/// The answer is one smtpdx.diagnosis/1 document. Connects to DNS and mail servers as the consent in the request allows
/// (by default up to RCPT); never sends a message.
Answer diagnose(std::string_view request, const DiagnoseOptions& options = {});

}  // namespace smtpdx
