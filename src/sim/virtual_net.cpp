// SPDX-License-Identifier: Apache-2.0
//
// Time: a connection is open one round trip after it was asked for; what the client writes reaches the server half a
// round trip later, its answer the client another half later, plus what the server takes. A server answers in order:
// the delay of one answer holds up those behind it. A handshake takes two round trips. A change of policy
// (Service::Change) takes effect at its time as the server sees it, in the midst of a session, too.

#include "sim/virtual_net.hpp"

#include <algorithm>
#include <cassert>

#include "base/text.hpp"

namespace smtpdx::sim {

using io::Failure;
using io::IoFailure;

struct VirtualNet::Host {
  explicit Host(const Service& s) : service(s), server(s.policy) {}
  const Service& service;
  mock::Server server;
  Use use;
  bool changed = false;

  /// What the clock says goes before what the client says.
  void spoken_to(TimePoint at, bool asks) {
    if (service.change && !changed && at.since_start >= service.change->at) {
      server.change(service.change->policy);
      changed = true;
    }
    if (asks) ++(changed ? use.after_change : use.before_change);
  }
};

namespace {

bool name_fits(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  const auto dot = name.find('.');
  return dot != std::string_view::npos && name.substr(dot) == pattern.substr(1);
}

io::TlsFacts facts_of(const CertificateOf& certificate, const std::string& asked) {
  using Trust = CertificateOf::Trust;
  io::TlsFacts facts;
  facts.established = true;
  facts.version = io::TlsVersion::tls1_3;
  facts.cipher = "TLS_AES_256_GCM_SHA384";
  io::Certificate leaf;
  leaf.subject = "CN=" + (certificate.names.empty() ? std::string("localhost") : certificate.names.front());
  leaf.dns_names = certificate.names;
  leaf.self_signed = certificate.trust == Trust::self_signed;
  facts.chain.push_back(leaf);
  const auto name = canonical_name(asked);
  facts.name_matches = !name.empty() && std::any_of(certificate.names.begin(), certificate.names.end(),
                                                    [&](const auto& n) { return name_fits(n, name); });
  facts.chain_trusted = certificate.trust == Trust::trusted;
  if (certificate.trust == Trust::expired) facts.verify_error = "certificate has expired";
  if (certificate.trust == Trust::self_signed) facts.verify_error = "self-signed certificate";
  if (certificate.trust == Trust::private_authority) facts.verify_error = "unable to get local issuer certificate";
  return facts;
}

/// Only a question about a recipient or a login, or a MAIL that may be turned away, can show that a server has changed.
bool asks_something(std::string_view octets, const Service& service) {
  const bool mail_decides = !service.policy.auth_required.empty();
  return octets.find("RCPT TO:") != octets.npos || octets.starts_with("AUTH ") ||
         (mail_decides && octets.find("MAIL FROM:") != octets.npos);
}

io::TlsFacts no_tls(Failure why, std::string error) {
  io::TlsFacts facts;
  facts.failure = why;
  facts.error = std::move(error);
  return facts;
}

}  // namespace

class VirtualStream final : public io::Stream {
 public:
  VirtualStream(VirtualRuntime& runtime, VirtualNet::Host& host, Endpoint local, Endpoint peer)
      : runtime_(runtime), host_(host), local_(local), peer_(peer) {
    if (!host.service.policy.implicit_tls) greet();
  }

  io::Task<io::IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
    if (closed_) co_return std::unexpected(IoFailure{Failure::closed, "closed by us"});
    if (coming_.empty() || deadline.passed(coming_.front().at)) {
      co_await runtime_.until(deadline.at());
      co_return std::unexpected(IoFailure{Failure::timed_out, "no answer"});
    }
    co_await runtime_.until(coming_.front().at);
    if (coming_.front().end) {
      const auto end = *coming_.front().end;
      co_return std::unexpected(IoFailure{end, end == Failure::reset ? "connection reset by peer" : "end of stream"});
    }
    std::size_t count = 0;
    while (count < into.size() && !coming_.empty() && !coming_.front().end && coming_.front().at <= runtime_.now()) {
      auto& octets = coming_.front().octets;
      const auto take = std::min(octets.size(), into.size() - count);
      std::copy_n(octets.begin(), take, into.begin() + static_cast<std::ptrdiff_t>(count));
      count += take;
      octets.erase(0, take);
      if (octets.empty()) coming_.pop_front();
    }
    co_return count;
  }

  io::Task<io::IoResult<std::size_t>> write_all(std::string_view bytes, Deadline) override {
    if (closed_) co_return std::unexpected(IoFailure{Failure::closed, "closed by us"});
    if (!session_ || session_->over()) co_return bytes.size();  // nobody reads it
    const auto arrives = runtime_.now() + host_.service.round_trip / 2;
    host_.spoken_to(arrives, asks_something(bytes, host_.service));
    for (auto& turn : session_->feed(bytes)) take(turn, arrives);
    co_return bytes.size();
  }

  io::Task<io::TlsFacts> start_tls(io::TlsOptions options, Deadline deadline) override {
    const auto& service = host_.service;
    const bool expected = tls_due_ || (service.policy.implicit_tls && !session_);
    const auto done = runtime_.now() + service.round_trip * 2;
    if (service.handshake == Handshake::hangs || deadline.passed(done)) {
      co_await runtime_.until(deadline.at());
      co_return no_tls(Failure::timed_out, "handshake timed out");
    }
    co_await runtime_.until(done);
    if (!expected) co_return no_tls(Failure::tls, "wrong version number");
    if (service.handshake == Handshake::broken) co_return no_tls(Failure::closed, "unexpected eof while reading");
    tls_ = true;
    tls_due_ = false;
    if (session_) {
      session_->tls_established();
    } else {
      greet();
    }
    co_return facts_of(service.certificate, options.server_name);
  }

  bool is_tls() const override { return tls_; }
  Endpoint local() const override { return local_; }
  Endpoint peer() const override { return peer_; }
  void close() override { closed_ = true; }

 private:
  struct Coming {
    TimePoint at;
    std::string octets;
    std::optional<Failure> end;
  };

  void greet() {
    const auto at = runtime_.now() + host_.service.round_trip / 2;
    host_.spoken_to(at, false);
    session_.emplace(host_.server, local_.address);
    take(session_->connected(), at);
  }

  void take(const mock::Turn& turn, TimePoint at) {
    if (silent_) return;
    using Then = mock::Turn::Then;
    auto ready = std::max(at, busy_) + turn.delay;
    const auto half = host_.service.round_trip / 2;
    for (std::size_t i = 0; i < turn.repeat; ++i) {
      if (turn.per_octet <= Duration{0}) {
        if (!turn.octets.empty()) coming_.push_back({ready + half, turn.octets, {}});
        continue;
      }
      for (char c : turn.octets) {
        coming_.push_back({ready + half, std::string(1, c), {}});
        ready = ready + turn.per_octet;
      }
    }
    busy_ = ready;
    if (turn.then == Then::start_tls) tls_due_ = true;
    if (turn.then == Then::close) coming_.push_back({ready + half, {}, Failure::closed});
    if (turn.then == Then::reset) coming_.push_back({ready + half, {}, Failure::reset});
    silent_ = turn.then != Then::go_on && turn.then != Then::start_tls;
  }

  VirtualRuntime& runtime_;
  VirtualNet::Host& host_;
  Endpoint local_, peer_;
  std::optional<mock::ServerSession> session_;
  std::deque<Coming> coming_;
  TimePoint busy_;
  bool tls_ = false, tls_due_ = false, closed_ = false, silent_ = false;
};

VirtualNet::VirtualNet(VirtualRuntime& runtime, const Internet& network) : runtime_(runtime), network_(network) {
  for (const auto& service : network.services) hosts_.push_back(std::make_unique<Host>(service));
  if (network.interceptor) interceptor_ = std::make_unique<Host>(*network.interceptor);
}

VirtualNet::~VirtualNet() = default;

const Use& VirtualNet::use(std::size_t service) const { return hosts_.at(service)->use; }

VirtualNet::Host* VirtualNet::host_at(const io::ConnectRequest& request, const IpAddress& source) {
  if (interceptor_ && request.to.port == 25 && !network_.not_intercepted.contains(source)) return interceptor_.get();
  for (auto& host : hosts_)
    if (host->service.at == request.to) return host.get();
  return nullptr;
}

io::Task<io::IoResult<std::unique_ptr<io::Stream>>> VirtualNet::connect(io::ConnectRequest request, Deadline deadline) {
  const auto source = request.source.value_or(request.to.address.is_v6() ? network_.here6 : network_.here4);
  ++tried_[request.to.address];
  if (request.to.address.is_v6() && !network_.has_v6)
    co_return std::unexpected(IoFailure{Failure::unreachable, "network is unreachable"});
  auto* host = host_at(request, source);
  auto door = host ? host->service.door : Door::silent;
  if (!host)
    for (const auto& other : hosts_)
      if (other->service.at.address == request.to.address) door = Door::shut;
  if (network_.blocked.contains(request.to.port)) door = Door::silent;
  const auto open = runtime_.now() + (host ? host->service.round_trip : Duration{30'000'000});
  if (door == Door::silent || deadline.passed(open)) {
    co_await runtime_.until(deadline.at());
    co_return std::unexpected(IoFailure{Failure::timed_out, "connection timed out"});
  }
  co_await runtime_.until(open);
  if (door == Door::shut) co_return std::unexpected(IoFailure{Failure::refused, "connection refused"});
  if (door == Door::unreachable) co_return std::unexpected(IoFailure{Failure::unreachable, "no route to host"});
  ++host->use.connections;
  std::unique_ptr<io::Stream> stream =
      std::make_unique<VirtualStream>(runtime_, *host, Endpoint{source, 40000}, request.to);
  co_return stream;
}

}  // namespace smtpdx::sim
