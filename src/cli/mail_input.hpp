// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "diag/facts.hpp"

namespace smtpdx::cli {

struct MailInput {
  /// Called for the refusals of each message (of the whole input where it is no mailbox) and its octets, as soon as
  /// they are read.
  std::function<void(std::vector<diag::RefusalFact>, std::string_view octets)> each;
  /// Called before a read that may have to wait: what was said until then should be seen.
  std::function<void()> before_waiting;
};

/// Reads a file, or stdin for "-": a mailbox in mbox form message by message, whatever its size; all else whole, at
/// most 64 MiB. ErrorKind::unreadable where it cannot be opened.
Result<void> read_mail_input(const std::string& path, const MailInput& input);

/// --trace-csv FILE, read for the refused message; `bounce` holds the report's octets, where there is one.
Result<diag::MessageTraceFact> read_trace(const std::string& path, const std::string& recipient,
                                          std::string_view bounce);

}  // namespace smtpdx::cli
