// SPDX-License-Identifier: Apache-2.0
#pragma once

// HTTP/1.1 messages as values (RFC 9110, RFC 9112), as much of them as serving a page and an API takes.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtpdx::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  ///< as sent: "GET"
  std::string path;    ///< of the target, percent-decoded, without query; "*" for OPTIONS *
  std::string query;   ///< as sent, without "?"
  Fields fields;       ///< in the order sent
  std::string body;
  bool keep_alive = true;

  /// Value of the first field of that name (any case); empty where there is none.
  std::string_view field(std::string_view name) const;
  bool has(std::string_view name) const;
  /// How many fields have that name: two Hosts or two Origins are nothing to choose from.
  std::size_t count(std::string_view name) const;
  /// A parameter of the query, decoded.
  std::optional<std::string> parameter(std::string_view name) const;
  /// A cookie's value (RFC 6265 §4.2.1).
  std::optional<std::string> cookie(std::string_view name) const;
};

struct Response {
  int status = 200;
  Fields fields;
  std::string body;
};

/// "%2F" → "/"; nullopt where an escape is broken or stands for NUL.
std::optional<std::string> percent_decoded(std::string_view text);
/// "Not Found"; empty for codes without a usual phrase.
std::string_view reason_phrase(int status);

/// The response's head, with Content-Length. Fields hold no line ends: what would split the response is left out.
std::string head_of(const Response& response, std::size_t body_size, bool keep_alive);
/// The head of a response that ends with the connection: event streams.
std::string stream_head(int status, const Fields& fields);

}  // namespace smtpdx::http
