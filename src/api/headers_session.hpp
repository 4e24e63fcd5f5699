// SPDX-License-Identifier: Apache-2.0
#pragma once

// For api/headers.cpp: which session brought the mail in.

#include "api/headers.hpp"
#include "dkim/message.hpp"

namespace smtpdx::api {

/// By what was given, else by the topmost Received-SPF, else by the newest hop whose client is a public address of
/// another house than the server that took it: mail that moves within a provider is passed over. `hops` as travelled.
Session session_of(const HeadersRequest& request, const dkim::Message& message, const std::vector<Hop>& hops);

}  // namespace smtpdx::api
