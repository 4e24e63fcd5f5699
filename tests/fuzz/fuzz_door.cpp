// SPDX-License-Identifier: Apache-2.0
// links: io base trace
// What a sealed process says to the doorkeeper, and what it hears: nothing is read but the exact form, and what is read
// is written again alike.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/door_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtpdx::io::door;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto request = decode_request(bytes)) {
    const auto written = encode(*request);
    if (written.size() != size || written.substr(0, 16) != bytes.substr(0, 16)) std::abort();
    const auto again = decode_request(written);
    if (!again || again->to != request->to || again->source != request->source || again->host != request->host)
      std::abort();
  }
  if (const auto reply = decode_reply(bytes)) {
    const auto again = decode_reply(encode(*reply));
    if (!again || again->id != reply->id || again->failure.has_value() != reply->failure.has_value()) std::abort();
  }
  return 0;
}
