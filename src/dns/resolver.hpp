// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "dns/answer.hpp"
#include "io/task.hpp"

namespace smtpdx::dns {

/// One door for look-ups. Never fails: what went wrong is in the Answer. Implementations cache within a run.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Recursive, validated where a trust anchor is known.
  virtual io::Task<Answer> query(std::string name, Type type, Deadline deadline) = 0;
  /// One question straight to one server (RD clear), UDP then TCP on truncation; never cached, never validated.
  virtual io::Task<Answer> ask_server(Endpoint server, std::string name, Type type, Deadline deadline) = 0;
};

}  // namespace smtpdx::dns
