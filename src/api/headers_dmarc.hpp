// SPDX-License-Identifier: Apache-2.0
#pragma once

// For api/headers.cpp: what the identities found come to for the domain of From.

#include "api/headers.hpp"
#include "dkim/message.hpp"
#include "dmarc/public_suffix.hpp"

namespace smtpdx::api {

/// Fills report.identities from what DKIM and SPF found.
void align(const dmarc::PublicSuffixes& suffixes, HeadersReport& report);

/// Fills the DMARC part of the report; DKIM and SPF are in it already. All must outlive the task.
io::Task<void> look_at_dmarc(const dkim::Message& message, const dmarc::PublicSuffixes& suffixes, probes::Env& env,
                             Deadline deadline, HeadersReport& report);

}  // namespace smtpdx::api
