// SPDX-License-Identifier: Apache-2.0
#include "kb/words.hpp"

#include <array>
#include <cstddef>

namespace smtpdx::kb {
namespace {

// Each table stands in the order of its enum, so that the index is the value; words_test.cpp checks both directions.
constexpr std::array<std::string_view, 10> party_words = {
    "sender",  "sender-admin", "recipient", "recipient-admin", "provider",
    "network", "device-owner", "wait",      "nobody",          "unknown",
};

constexpr std::array<std::string_view, 40> reason_words = {
    "recipient-unknown",
    "recipient-disabled",
    "recipient-moved",
    "mailbox-full",
    "recipient-restricted",
    "recipient-blocked",
    "recipient-rate",
    "domain-not-found",
    "domain-no-mail",
    "routing-loop",
    "routing-error",
    "relay-denied",
    "connection",
    "expired",
    "tls",
    "auth-required",
    "auth-failed",
    "send-as-denied",
    "sender-rejected",
    "sender-auth",
    "rdns-invalid",
    "dnsbl-listed",
    "ip-blocked",
    "reputation",
    "sender-suspended",
    "rate-limited",
    "greylisted",
    "sending-quota",
    "too-many-recipients",
    "spam-content",
    "malware",
    "content-policy",
    "message-too-big",
    "malformed-message",
    "encoding-unsupported",
    "system-error",
    "local-delivery",
    "protocol-error",
    "policy-other",
    "unknown",
};

constexpr std::array<std::string_view, 6> consent_words = {"L0", "L1", "L2", "L3", "L4", "L5"};

static_assert(party_words.size() == static_cast<std::size_t>(Party::unknown) + 1);
static_assert(reason_words.size() == static_cast<std::size_t>(Reason::unknown) + 1);
static_assert(consent_words.size() == static_cast<std::size_t>(Consent::send) + 1);

template <class Enum, std::size_t N>
std::optional<Enum> find_word(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Party party) { return party_words.at(static_cast<std::size_t>(party)); }
std::optional<Party> party_from(std::string_view word) { return find_word<Party>(party_words, word); }

std::string_view to_string(Reason reason) { return reason_words.at(static_cast<std::size_t>(reason)); }
std::optional<Reason> reason_from(std::string_view word) { return find_word<Reason>(reason_words, word); }

std::string_view to_string(Consent consent) { return consent_words.at(static_cast<std::size_t>(consent)); }
std::optional<Consent> consent_from(std::string_view word) { return find_word<Consent>(consent_words, word); }

}  // namespace smtpdx::kb
