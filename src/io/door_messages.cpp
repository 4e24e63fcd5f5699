// SPDX-License-Identifier: Apache-2.0
#include "io/door_messages.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::io::door {
namespace {

constexpr std::size_t max_host = 255;  // RFC 1035 §2.3.4
constexpr std::size_t max_text = 500;
constexpr std::size_t address_size = 16;

class Writer {
 public:
  template <class T>
  void number(T value) {
    for (unsigned shift = 8 * sizeof(T); shift > 0;) {
      shift -= 8;
      out_ += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFF);
    }
  }
  void address(const std::optional<IpAddress>& address) {
    const auto before = out_.size();
    if (address) out_ += address->bytes();
    out_.resize(before + address_size, '\0');
  }
  void text(std::string_view words) { out_ += words; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Never reads beyond the end: `ok()` turns false and zeros come out.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T number() {
    T value = 0;
    for (char c : take(sizeof(T))) value = static_cast<T>(value << 8 | static_cast<unsigned char>(c));
    return value;
  }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// `family` is 4, 6, or 0 for none.
  std::optional<IpAddress> address(std::uint8_t family) {
    const auto bytes = take(address_size);
    if (!ok_ || family == 0) return std::nullopt;
    if (family != 4 && family != 6) ok_ = false;
    return IpAddress::from_bytes(bytes.substr(0, family == 6 ? 16 : 4));
  }
  bool ok() const { return ok_; }
  bool all_read() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::uint8_t family_of(const std::optional<IpAddress>& address) {
  if (!address) return 0;
  return address->is_v6() ? 6 : 4;
}

}  // namespace

std::string encode(const Request& request) {
  const auto host = std::string_view(request.host).substr(0, max_host);
  Writer out;
  out.number(request.id);
  out.number(static_cast<std::uint8_t>(request.transport));
  out.number(family_of(request.to.address));
  out.number(family_of(request.source));
  out.number(std::uint8_t{0});
  out.number(request.to.port);
  out.number(static_cast<std::uint16_t>(host.size()));
  out.number(static_cast<std::uint32_t>(std::clamp<long long>(to_ms(request.patience), 0, UINT32_MAX)));
  out.address(request.to.address);
  out.address(request.source);
  out.text(host);
  return out.take();
}

std::string encode(const Reply& reply) {
  const auto text = reply.failure ? std::string_view(reply.failure->text).substr(0, max_text) : std::string_view();
  Writer out;
  out.number(reply.id);
  out.number(static_cast<std::uint8_t>(reply.failure ? static_cast<int>(reply.failure->kind) + 1 : 0));
  out.number(std::uint8_t{0});
  out.number(static_cast<std::uint16_t>(text.size()));
  out.text(text);
  return out.take();
}

std::optional<Request> decode_request(std::string_view bytes) {
  Reader in(bytes);
  Request request;
  request.id = in.number<std::uint32_t>();
  const auto transport = in.number<std::uint8_t>();
  const auto family = in.number<std::uint8_t>();
  const auto source_family = in.number<std::uint8_t>();
  const auto zero = in.number<std::uint8_t>();
  request.to.port = in.number<std::uint16_t>();
  const std::size_t host_size = in.number<std::uint16_t>();
  request.patience = std::chrono::milliseconds(in.number<std::uint32_t>());
  const auto address = in.address(family);
  request.source = in.address(source_family);
  request.host = std::string(in.take(host_size));
  const bool known =
      transport == static_cast<std::uint8_t>(Transport::tcp) || transport == static_cast<std::uint8_t>(Transport::udp);
  if (!in.all_read() || !address || !known || zero != 0 || host_size > max_host) return std::nullopt;
  request.transport = static_cast<Transport>(transport);
  request.to.address = *address;
  return request;
}

std::optional<Reply> decode_reply(std::string_view bytes) {
  Reader in(bytes);
  Reply reply;
  reply.id = in.number<std::uint32_t>();
  const int outcome = in.number<std::uint8_t>();
  const auto zero = in.number<std::uint8_t>();
  const std::size_t text_size = in.number<std::uint16_t>();
  const auto text = in.take(text_size);
  constexpr int last = static_cast<int>(Failure::tls) + 1;
  if (!in.all_read() || zero != 0 || text_size > max_text || outcome > last) return std::nullopt;
  if (outcome != 0) reply.failure = IoFailure{static_cast<Failure>(outcome - 1), printable(text, max_text)};
  return reply;
}

}  // namespace smtpdx::io::door
