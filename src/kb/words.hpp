// SPDX-License-Identifier: Apache-2.0
#pragma once

// The permanent words of the outside (contract §2, §4): parties, reasons, consent levels. Never renamed, never reused.

#include <optional>
#include <string_view>

namespace smtpdx::kb {

/// Whose job the fix is, seen from the refused hop.
enum class Party {
  sender,
  sender_admin,
  recipient,
  recipient_admin,
  provider,
  network,
  device_owner,
  wait,
  nobody,
  unknown
};
std::string_view to_string(Party party);
std::optional<Party> party_from(std::string_view word);

/// The 40 reasons of a refusal.
enum class Reason {
  recipient_unknown,
  recipient_disabled,
  recipient_moved,
  mailbox_full,
  recipient_restricted,
  recipient_blocked,
  recipient_rate,
  domain_not_found,
  domain_no_mail,
  routing_loop,
  routing_error,
  relay_denied,
  connection,
  expired,
  tls,
  auth_required,
  auth_failed,
  send_as_denied,
  sender_rejected,
  sender_auth,
  rdns_invalid,
  dnsbl_listed,
  ip_blocked,
  reputation,
  sender_suspended,
  rate_limited,
  greylisted,
  sending_quota,
  too_many_recipients,
  spam_content,
  malware,
  content_policy,
  message_too_big,
  malformed_message,
  encoding_unsupported,
  system_error,
  local_delivery,
  protocol_error,
  policy_other,
  unknown,
};
std::string_view to_string(Reason reason);
std::optional<Reason> reason_from(std::string_view word);

/// What a test does to the world: L0 nothing, L1 DNS, L2 connect/EHLO/TLS, L3 MAIL/RCPT then RSET, L4 AUTH, L5 sends.
enum class Consent { local, dns, connect, envelope, auth, send };
std::string_view to_string(Consent consent);  ///< "L0" … "L5"
std::optional<Consent> consent_from(std::string_view word);

}  // namespace smtpdx::kb
