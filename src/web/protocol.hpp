// SPDX-License-Identifier: Apache-2.0
#pragma once

// What server and sealed children say to each other in frames (seal/frames.hpp). Both are the same program, but a child
// may be in a stranger's hands: the server hands its documents on without looking into them.

#include <cstddef>
#include <cstdint>

namespace smtpdx::web::protocol {

inline constexpr std::size_t frame_limit = 40u * 1024 * 1024;
inline constexpr int frames_fd = 3;  ///< in the child
inline constexpr int door_fd = 4;    ///< in a runner

// Server to reader. Answers come in the order of the questions.
inline constexpr std::uint8_t explain_json = 'e';     ///< a body of POST /v1/explain
inline constexpr std::uint8_t explain_message = 'm';  ///< a message's octets
inline constexpr std::uint8_t letters_json = 'l';     ///< a body of POST /v1/letters

// Server to runner, once.
inline constexpr std::uint8_t diagnosis = 'd';  ///< a body of POST /v1/diagnoses
inline constexpr std::uint8_t relay_test = 'r';

// Child to server.
inline constexpr std::uint8_t sealed = 's';   ///< first of all; words for people: what holds it
inline constexpr std::uint8_t result = 'R';   ///< the document
inline constexpr std::uint8_t problem = 'P';  ///< a problem document (RFC 9457) in its place
inline constexpr std::uint8_t event = 'E';    ///< name, LF, one line of JSON

}  // namespace smtpdx::web::protocol
