// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small readers of the words around a refusal, shared by all forms of input: where a reply begins and ends, which host
// and which step of the session the words name. They look at the words only and know no report format.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dsn/refusal.hpp"

namespace smtpdx::dsn {

/// Longest reply looked at. RFC 5321 §4.5.3.1.5 allows 512 octets a line; reports join many lines into one.
constexpr std::size_t reply_limit = 16 * 1024;

struct CodesAt {
  int code = 0;  ///< 0 where only an enhanced status stands there
  std::optional<smtp::EnhancedStatus> status;
  std::size_t length = 0;  ///< up to the first octet of the text
};
/// Reply codes that begin exactly at `at`: "554 5.7.1 …", "554-…", "554", "#5.7.1 …", "5.7.1 …". Only 4yz, 5yz and
/// classes 4 and 5: nothing else refuses.
std::optional<CodesAt> codes_at(std::string_view text, std::size_t at);

/// Codes that stand inside of words instead of before them: "no such mailbox (#5.1.1)", "ERROR_CODE :550",
/// "ResponseCode 421", "host: mx.y.example 5.2.2 <b@y> mailbox full". `length` is 0. For one statement, not for a page.
std::optional<CodesAt> codes_within(std::string_view text);

/// False where no code, no status and no bare words behind Exchange's arrow can stand: a quick look that spares most
/// paragraphs of a report the reader of replies.
bool may_quote_reply(std::string_view text);

/// A reply as quoted, codes taken off, a multi-line reply joined; codes 0/none where it has none. At most reply_limit
/// octets are read.
QuotedReply quoted_reply(std::string_view text);

/// The octets of `text` up to where the reporter's own remark begins: "(in reply to RCPT TO command)", "Giving up on",
/// a line of a stack trace, the fields of a log line.
std::string_view without_trailer(std::string_view text);

/// The step of the session that the words name; nullopt where they do not say it.
std::optional<smtp::Phase> phase_in(std::string_view words);

struct NamedHost {
  std::string host, address;  ///< canonical name; either may be empty
  bool empty() const { return host.empty() && address.empty(); }
};
/// The last "name[address]", "name [address]" or "[address]" in `words`, else the last name after "host", "server",
/// "talking to".
NamedHost host_in(std::string_view words);
/// True for a name with a dot, of letters, digits, '-', '_' and '.', that is no number.
bool looks_like_host(std::string_view word);

/// The refused client's address, where a refusal names it: "Mail relay denied [192.0.2.7]", "Client host [192.0.2.7]
/// blocked", "mail.x.example [192.0.2.7] is not permitted". Empty where there is none.
std::string client_address_in(std::string_view reply_text);

/// The recipient that the refuser's words name: "<bob@example.org>: Relay access denied", "Unable to relay for
/// bob@example.org". Empty where the address is said to be a sender's.
std::string recipient_in(std::string_view reply_text);

}  // namespace smtpdx::dsn
