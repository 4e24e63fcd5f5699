// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bounces that a sending service tells as JSON, by mail or by a call: Amazon SES through SNS ("notificationType" or
// "eventType"; docs.aws.amazon.com/ses, "Amazon SNS notification contents"), also within an escaped "Message" string.

#include <vector>

#include "dsn/refusal.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

/// One for each recipient named, at most 1,000; empty where the words are no such notification. Evidence in octets of
/// the input.
std::vector<Refusal> read_notification(const mail::Text& text);

}  // namespace smtpdx::dsn
