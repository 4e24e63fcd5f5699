// SPDX-License-Identifier: Apache-2.0
#pragma once

// A name server for the tests of this floor: one thread, UDP and TCP on one port of 127.0.0.1, a delay before each
// answer. Only for tests; the mock internet has its own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ip.hpp"
#include "dns/wire.hpp"

namespace smtpdx::dns {

class TestServer {
 public:
  enum class Transport { udp, tcp };
  /// Raw octets, so that a test may send garbage; empty sends nothing.
  using Handler = std::function<std::string(const wire::Message& query, Transport transport)>;

  explicit TestServer(Handler handler, std::chrono::milliseconds delay = {})
      : handler_(std::move(handler)), delay_(delay) {
    for (int attempt = 0; attempt < 20 && !bind_both(); ++attempt) {
    }
    if (udp_ < 0) std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  TestServer(const TestServer&) = delete;
  ~TestServer() {
    stop_ = true;
    thread_.join();
    close(udp_);
    close(tcp_);
  }

  Endpoint endpoint() const { return {*IpAddress::parse("127.0.0.1"), port_}; }

  /// "MX example.org" of every query so far, "tcp " before those by TCP.
  std::vector<std::string> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Due {
    sockaddr_in to;
    std::string packet;
  };

  bool bind_both() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(udp_, raw, size) == 0 && getsockname(udp_, raw, &size) == 0 && bind(tcp_, raw, size) == 0 &&
        listen(tcp_, 8) == 0) {
      port_ = ntohs(address.sin_port);
      return true;
    }
    close(udp_);
    close(tcp_);
    udp_ = tcp_ = -1;
    return false;
  }

  void serve() {
    std::multimap<Clock::time_point, Due> due;
    while (!stop_) {
      auto wait = std::chrono::milliseconds(20);
      if (!due.empty()) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(due.begin()->first - Clock::now());
        wait = std::clamp(left, std::chrono::milliseconds(0), wait);
      }
      pollfd fds[] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
      poll(fds, 2, static_cast<int>(wait.count()));
      if (fds[0].revents & POLLIN) receive(due);
      if (fds[1].revents & POLLIN) accept_one();
      while (!due.empty() && due.begin()->first <= Clock::now()) {
        const auto& [to, packet] = due.begin()->second;
        sendto(udp_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        due.erase(due.begin());
      }
    }
  }

  void receive(std::multimap<Clock::time_point, Due>& due) {
    char buffer[4096];
    Due answer{};
    socklen_t size = sizeof answer.to;
    auto n = recvfrom(udp_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&answer.to), &size);
    if (n <= 0) return;
    answer.packet = handle(std::string_view(buffer, static_cast<std::size_t>(n)), Transport::udp);
    if (!answer.packet.empty()) due.emplace(Clock::now() + delay_, std::move(answer));
  }

  void accept_one() {
    int fd = accept(tcp_, nullptr, nullptr);
    if (fd < 0) return;
    timeval limit{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    unsigned char length[2];
    char buffer[4096];
    if (recv(fd, length, 2, MSG_WAITALL) == 2) {
      auto want = std::min<std::size_t>(static_cast<std::size_t>(length[0] << 8 | length[1]), sizeof buffer);
      if (recv(fd, buffer, want, MSG_WAITALL) == static_cast<ssize_t>(want)) {
        auto packet = handle(std::string_view(buffer, want), Transport::tcp);
        std::string framed{static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size())};
        framed += packet;
        // In two parts, as a slow server might.
        (void)!write(fd, framed.data(), 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        (void)!write(fd, framed.data() + 1, framed.size() - 1);
      }
    }
    close(fd);
  }

  std::string handle(std::string_view packet, Transport transport) {
    auto query = wire::parse(packet);
    if (!query || !query->question) return {};
    {
      std::lock_guard lock(mutex_);
      asked_.push_back((transport == Transport::tcp ? "tcp " : "") + std::string(to_string(query->question->type)) +
                       " " + query->question->name);
    }
    return handler_(*query, transport);
  }

  Handler handler_;
  std::chrono::milliseconds delay_;
  int udp_ = -1;
  int tcp_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

/// Answers from zone-file lines; NXDOMAIN for names that have none, CNAMEs followed.
inline TestServer::Handler zone(std::vector<std::string> lines) {
  std::vector<Record> records;
  for (const auto& line : lines) records.push_back(wire::record_from_line(line).value());
  return [records](const wire::Message& query, TestServer::Transport) {
    auto reply = wire::reply_to(query);
    auto name = query.question->name;
    bool known = false;
    for (int hop = 0; hop < 8; ++hop) {
      std::string target = name;
      for (const auto& record : records) {
        if (record.owner != name) continue;
        known = true;
        const bool alias = record.type == Type::CNAME && query.question->type != Type::CNAME;
        if (alias) target = record.name;
        if (alias || record.type == query.question->type) reply.answer.push_back(record);
      }
      if (target == name) break;
      name = target;
      known = false;
    }
    if (!known) reply.rcode = static_cast<std::uint16_t>(wire::Rcode::nxdomain);
    if (reply.answer.empty() || !known || reply.answer.back().type != query.question->type) {
      reply.authority.push_back(wire::record_from_line("example. SOA ns.example. admin.example. 1 2 3 4 5").value());
    }
    return wire::encode(reply).value();
  };
}

}  // namespace smtpdx::dns
