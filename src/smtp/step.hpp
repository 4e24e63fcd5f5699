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
  not_sent,   ///< held back: MAIL of the same transaction had been refused, or we could not make the command (detail
              ///< says why)
  challenge,  ///< a SASL challenge we cannot answer; cancelled by "*" (RFC 4954 §4), `reply` is the word on that
};
const char* to_string(Trouble trouble);

/// The outcome of one command: a reply, or the trouble instead of it. Both are observations, not errors. RSET and QUIT
/// have no phase word of their own: their Steps carry the phase the session had reached.
struct Step {
  Phase phase = Phase::connect;
  std::optional<Reply> reply;
  Trouble trouble = Trouble::none;
  std::optional<io::IoFailure> io;
  std::string detail;        ///< words for trouble: the partial line, the parser's complaint; after AUTH by OAuth the
                             ///< server's error document (RFC 7628 §3.2.2), with or without trouble
  trace::Evidence evidence;  ///< the reply, or the remark about the trouble
  Duration took{0};

  bool ok() const { return trouble == Trouble::none && reply && reply->positive(); }
};

/// Why the step went wrong, in a word or two: "closed", "timed out", "framing"; the reply's code where there was one.
std::string trouble_words(const Step& step);

}  // namespace smtpdx::smtp
