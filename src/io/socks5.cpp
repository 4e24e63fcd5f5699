// SPDX-License-Identifier: Apache-2.0
#include "io/socks5.hpp"

#include "base/text.hpp"
#include "io/wrapped_stream.hpp"

namespace smtpdx::io {
namespace {

using Octets = IoResult<std::string>;

class Tunnel final : public WrappedStream {
 public:
  Tunnel(std::unique_ptr<Stream> inner, Endpoint peer) : WrappedStream(std::move(inner)), peer_(peer) {}
  Endpoint peer() const override { return peer_; }

 private:
  Endpoint peer_;
};

IoFailure proxy_failure(const Socks5Proxy& proxy, std::string_view words) {
  return {Failure::proxy, "socks proxy " + proxy.at.to_string() + ": " + std::string(words)};
}

/// RFC 1928 §6.
std::string reply_words(unsigned char code) {
  switch (code) {
    case 1:
      return "general failure";
    case 2:
      return "not allowed by its rules";
    case 3:
      return "network unreachable";
    case 4:
      return "host unreachable";
    case 5:
      return "connection refused";
    case 6:
      return "ttl expired";
    case 7:
      return "command not supported";
    case 8:
      return "address type not supported";
    default:
      return "reply " + std::to_string(code);
  }
}

std::string big_endian(std::uint16_t n) { return {static_cast<char>(n >> 8), static_cast<char>(n & 0xff)}; }

/// RFC 1928 §4: CONNECT, with the address type that fits.
std::string connect_command(const ConnectRequest& request) {
  std::string out{5, 1, 0};
  const auto& address = request.to.address;
  const bool unspecified = address.bytes().find_first_not_of('\0') == std::string_view::npos;
  if (unspecified && !request.host.empty()) {
    const auto name = canonical_name(request.host).substr(0, 255);
    out += '\x03';
    out += static_cast<char>(name.size());
    out += name;
  } else {
    out += address.is_v6() ? '\x04' : '\x01';
    out += address.bytes();
  }
  return out + big_endian(request.to.port);
}

/// Exactly `size` octets: one too many would be the far host's greeting.
Task<Octets> read_exactly(Stream& stream, std::size_t size, Deadline deadline) {
  std::string out(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto n = co_await stream.read_some({out.data() + done, size - done}, deadline);
    if (!n) co_return std::unexpected(n.error());
    done += *n;
  }
  co_return out;
}

Task<Octets> exchange(Stream& stream, std::string say, std::size_t hear, Deadline deadline) {
  const auto sent = co_await stream.write_all(say, deadline);
  if (!sent) co_return std::unexpected(sent.error());
  co_return co_await read_exactly(stream, hear, deadline);
}

/// RFC 1928 §3 and RFC 1929. Nothing on success, else the failure.
Task<std::optional<IoFailure>> authenticate(Stream& stream, const Socks5Proxy& proxy, Deadline deadline) {
  const bool with_user = !proxy.user.empty();
  const std::string greeting = with_user ? std::string{5, 2, 0, 2} : std::string{5, 1, 0};
  const auto chosen = co_await exchange(stream, greeting, 2, deadline);
  if (!chosen) co_return chosen.error();
  if ((*chosen)[0] != 5) co_return proxy_failure(proxy, "does not speak version 5");
  if ((*chosen)[1] == 0) co_return std::nullopt;
  if ((*chosen)[1] != 2 || !with_user) {
    co_return proxy_failure(proxy,
                            with_user ? "takes neither no authentication nor a password" : "wants authentication");
  }
  std::string login{1};
  login += static_cast<char>(proxy.user.size());
  login += proxy.user;
  login += static_cast<char>(proxy.password.size());
  login += proxy.password;
  const auto verdict = co_await exchange(stream, login, 2, deadline);
  if (!verdict) co_return verdict.error();
  if ((*verdict)[1] != 0) co_return proxy_failure(proxy, "refused user and password");
  co_return std::nullopt;
}

/// RFC 1928 §6: the reply and its bound address, which nobody needs.
Task<std::optional<IoFailure>> ask_for(Stream& stream, const Socks5Proxy& proxy, std::string command,
                                       Deadline deadline) {
  const auto head = co_await exchange(stream, command, 4, deadline);
  if (!head) co_return head.error();
  const auto code = static_cast<unsigned char>((*head)[1]);
  if (code != 0) co_return proxy_failure(proxy, reply_words(code));
  std::size_t rest = 0;
  switch ((*head)[3]) {
    case 1:
      rest = 4 + 2;
      break;
    case 4:
      rest = 16 + 2;
      break;
    case 3: {
      const auto length = co_await read_exactly(stream, 1, deadline);
      if (!length) co_return length.error();
      rest = static_cast<unsigned char>((*length)[0]) + 2u;
      break;
    }
    default:
      co_return proxy_failure(proxy, "answered with an unknown address type");
  }
  const auto bound = co_await read_exactly(stream, rest, deadline);
  if (!bound) co_return bound.error();
  co_return std::nullopt;
}

}  // namespace

Task<IoResult<std::unique_ptr<Stream>>> Socks5Connector::connect(ConnectRequest request, Deadline deadline) {
  ConnectRequest to_proxy{proxy_.at, {}, request.source};
  auto stream = co_await inner_.connect(to_proxy, deadline);
  if (!stream) {
    if (stream.error().kind == Failure::local || stream.error().kind == Failure::not_permitted) co_return stream;
    co_return std::unexpected(proxy_failure(proxy_, stream.error().text));
  }
  auto failure = co_await authenticate(**stream, proxy_, deadline);
  if (!failure) failure = co_await ask_for(**stream, proxy_, connect_command(request), deadline);
  if (!failure) co_return std::make_unique<Tunnel>(std::move(*stream), request.to);
  if (failure->kind != Failure::proxy) failure = proxy_failure(proxy_, failure->text);
  co_return std::unexpected(std::move(*failure));
}

}  // namespace smtpdx::io
