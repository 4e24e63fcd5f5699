// SPDX-License-Identifier: Apache-2.0
#pragma once

// Domain, host, address, local part and string lists (specification, chapter 10).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

/// Does a list hold it, with the words for the trace.
struct Match {
  Answer answer = Answer::no;
  std::string why;           ///< the item that decided, or what went wrong
  std::optional<Text> data;  ///< of a look-up, or the item itself: $domain_data and its kin
};

enum class Letters { ignored, kept };
/// Whether the list itself is a string to expand.
enum class Expanding { yes, no };

Match match_domain(Context& c, const std::string& domain, std::string_view list, Expanding expanding = Expanding::yes);
Match match_local_part(Context& c, const std::string& local_part, std::string_view list, Letters letters,
                       Expanding expanding = Expanding::yes);
Match match_address(Context& c, const std::string& address, std::string_view list,
                    Expanding expanding = Expanding::yes);
/// A string in a list of patterns, without the domains' special items.
Match match_string(Context& c, const std::string& text, std::string_view list, Expanding expanding = Expanding::yes);
/// The client, or another address, in a host list. An empty address matches only empty items.
Match match_client(Context& c, std::string_view list);
Match match_ip(Context& c, const std::string& address, std::string_view list, Expanding expanding);

/// The items of a list: separators changed by "<x", doubled ones taken literally, spaces around items dropped.
std::vector<std::string> list_items(std::string_view list);
/// The separator in force, and what follows its declaration.
char list_separator(std::string_view& list);

/// A named list as it is written; nullopt where there is none.
const Setting* named_list(const Context& c, std::string_view name, ListKind kind);

/// What is known of the client's host name, looked up when it is needed first.
const HostName& host_name(Context& c);
/// Is it an address the server listens on; asks where nobody told.
bool is_own_address(Context& c, const std::string& address);
/// $primary_hostname; nullopt where the files do not say it.
std::optional<std::string> primary_hostname(const Context& c);

}  // namespace smtpdx::mta::exim
