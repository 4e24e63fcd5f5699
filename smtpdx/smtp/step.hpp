// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "io/facts.hpp"
#include "smtp/reply.hpp"
#include "trace/log.hpp"

namespace smtpdx::smtp {

/// Why a command brought no reply.
enum class Trouble {
  none,
  io,               ///< see io
  framing,          ///< what came is no SMTP reply (binary, endless line, code changed)
  spoke_too_early,  ///< octets arrived before TLS or out of turn
  poisoned,         ///< an earlier command of this session had already failed
  not_offered,      ///< the server does not offer what was asked (STARTTLS, a mechanism): nothing was sent
};
const char* to_string(Trouble trouble);

/// The outcome of one command: a reply, or the trouble instead of it. Both are observations, not errors.
struct Step {
  Phase phase = Phase::connect;
  std::optional<Reply> reply;
  Trouble trouble = Trouble::none;
  std::optional<io::IoFailure> io;
  std::string detail;        ///< words for trouble: the partial line, the parser's complaint
  trace::Evidence evidence;  ///< the reply, or the remark about the trouble
  Duration took{0};

  bool ok() const { return reply && reply->positive(); }
};

}  // namespace smtpdx::smtp
