// SPDX-License-Identifier: Apache-2.0
#pragma once

// What goes over the socket between door and doorkeeper: one message a packet, fixed fields in network order. Both
// sides read what the other one wrote as bytes from a stranger. For this floor's .cpp files.
//
//   request: id u32 · kind u8 · family of `to` u8 (4, 6) · family of source u8 (0, 4, 6) · 0 u8 · port u16 · host
//   length u16
//            · patience u32 in ms · address 16 · source 16 · host (at most 255)
//   reply:   id u32 · outcome u8 (0: the descriptor comes along; else Failure + 1) · 0 u8 · text length u16 · text (at
//   most 500)

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "io/facts.hpp"

namespace smtpdx::io::door {

enum class Transport : std::uint8_t { tcp = 1, udp = 2 };

struct Request {
  std::uint32_t id = 0;
  Transport transport = Transport::tcp;
  Endpoint to = {};
  std::optional<IpAddress> source = {};
  std::string host = {};  ///< for words and policy only; cut at 255 octets when written
  Duration patience{0};   ///< whole milliseconds
};

struct Reply {
  std::uint32_t id = 0;
  std::optional<IoFailure> failure = {};  ///< none: a descriptor comes along
};

/// Larger than any valid message, so that one that is too long shows.
using Buffer = std::array<char, 1024>;

std::string encode(const Request& request);
std::string encode(const Reply& reply);
/// nullopt for anything not exactly of the form.
std::optional<Request> decode_request(std::string_view bytes);
/// The text is made printable: it ends up before people.
std::optional<Reply> decode_reply(std::string_view bytes);

}  // namespace smtpdx::io::door
