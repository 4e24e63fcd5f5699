// SPDX-License-Identifier: Apache-2.0
#include "mock/serve.hpp"

#include "base/text.hpp"

namespace smtpdx::mock {
namespace {

/// A mock is never waited for longer than this by a client that has gone silent.
constexpr Duration patience = std::chrono::minutes(10);
constexpr Duration handshake_limit = std::chrono::seconds(30);
constexpr std::size_t piece = 64 * 1024;

/// Sends `octets` so often, in pieces of moderate size or one octet at a time. False where the client is gone.
struct Sending {
  std::string octets;
  std::size_t repeat = 1;
  Duration per_octet{0};
};
io::Task<bool> send(Host& host, io::ServerStream& stream, Sending sending) {
  const auto deadline = host.runtime.deadline_in(patience);
  if (sending.octets.empty()) co_return true;
  if (sending.per_octet > Duration{0}) {
    for (std::size_t round = 0; round < sending.repeat; ++round) {
      for (char c : sending.octets) {
        auto sent = co_await stream.write_all(std::string_view(&c, 1), deadline);
        if (!sent) co_return false;
        co_await host.runtime.sleep_until(host.runtime.now() + sending.per_octet);
      }
    }
    co_return true;
  }
  std::string batch;
  for (std::size_t round = 0; round < sending.repeat; ++round) {
    batch += sending.octets;
    if (batch.size() < piece && round + 1 < sending.repeat) continue;
    auto sent = co_await stream.write_all(batch, deadline);
    if (!sent) co_return false;
    batch.clear();
  }
  co_return true;
}

/// Reads and forgets until the client goes.
io::Task<void> drain(Host& host, io::ServerStream& stream) {
  char buffer[4096];
  const auto deadline = host.runtime.deadline_in(patience);
  for (;;) {
    auto got = co_await stream.read_some(buffer, deadline);
    if (!got) co_return;
  }
}

io::Task<bool> handshake(Host& host, io::ServerStream& stream) {
  const auto deadline = host.runtime.deadline_in(handshake_limit);
  auto facts = co_await stream.start_tls_server(host.tls, deadline);
  co_return facts.established;
}

/// True where the session goes on.
io::Task<bool> perform(Host& host, io::ServerStream& stream, ServerSession& session, Turn turn) {
  if (turn.delay > Duration{0}) co_await host.runtime.sleep_until(host.runtime.now() + turn.delay);
  const auto then = turn.then;
  Sending sending{std::move(turn.octets), turn.repeat, turn.per_octet};
  const bool sent = co_await send(host, stream, std::move(sending));
  if (!sent) co_return false;
  switch (then) {
    case Turn::Then::go_on:
      co_return true;
    case Turn::Then::start_tls: {
      const bool established = co_await handshake(host, stream);
      if (established) session.tls_established();
      co_return established;
    }
    case Turn::Then::close:
      stream.close();
      co_return false;
    case Turn::Then::reset:
      stream.reset();
      co_return false;
    case Turn::Then::hang:
      co_await drain(host, stream);
      co_return false;
  }
  co_return false;
}

}  // namespace

io::Task<void> serve_policy(Host& host, Server& server, IpAddress client, std::unique_ptr<io::ServerStream> stream) {
  ServerSession session(server, client);
  if (server.policy().implicit_tls) {
    const bool established = co_await handshake(host, *stream);
    if (!established) co_return;
  }
  auto greeting = session.connected();
  bool going = co_await perform(host, *stream, session, std::move(greeting));
  std::string buffer(4096, '\0');
  while (going) {
    auto got = co_await stream->read_some(buffer, host.runtime.deadline_in(patience));
    if (!got) co_return;
    auto turns = session.feed(std::string_view(buffer).substr(0, *got));
    for (auto& turn : turns) {
      going = co_await perform(host, *stream, session, std::move(turn));
      if (!going) break;
    }
  }
}

namespace {

/// Plays one dialog.
struct Player {
  Host& host;
  io::ServerStream& stream;
  std::string pending;
  Duration per_octet{0};

  /// The client's next line; nullopt where it is gone.
  io::Task<std::optional<std::string>> next_line() {
    char buffer[4096];
    for (;;) {
      if (const auto end = pending.find('\n'); end != std::string::npos) {
        auto line = pending.substr(0, end);
        pending.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        co_return line;
      }
      auto got = co_await stream.read_some(buffer, host.runtime.deadline_in(patience));
      if (!got) co_return std::nullopt;
      pending.append(buffer, *got);
    }
  }

  io::Task<bool> say(std::string octets, std::size_t repeat) {
    Sending sending{std::move(octets), repeat, per_octet};
    co_return co_await send(host, stream, std::move(sending));
  }
};

bool as_written(std::string_view expected, std::string_view line) {
  if (expected == "*") return line == "*";
  if (expected == "**") return true;
  if (expected.ends_with('*')) return istarts_with(line, expected.substr(0, expected.size() - 1));
  return iequals(expected, line);
}

}  // namespace

io::Task<void> serve_dialog(Host& host, const DialogSection& dialog, std::unique_ptr<io::ServerStream> stream,
                            std::vector<std::string>& complaints) {
  Player player{host, *stream, {}, Duration{0}};
  const auto where = dialog.at.to_string();
  for (std::size_t i = 0; i < dialog.lines.size(); ++i) {
    const auto& line = dialog.lines[i];
    bool going = true;
    switch (line.kind) {
      case DialogLine::Kind::server: {
        std::string octets = line.text + "\r\n";
        while (i + 1 < dialog.lines.size() && dialog.lines[i + 1].kind == DialogLine::Kind::server)
          octets += dialog.lines[++i].text + "\r\n";
        going = co_await player.say(std::move(octets), 1);
        break;
      }
      case DialogLine::Kind::raw:
        going = co_await player.say(line.text, line.repeat);
        break;
      case DialogLine::Kind::client: {
        auto said = co_await player.next_line();
        if (!said) co_return;
        if (as_written(line.text, *said)) break;
        complaints.push_back(where + " line " + std::to_string(line.line) + ": expected \"" + line.text +
                             "\", the client said \"" + printable(*said, 200) + "\"");
        stream->close();
        co_return;
      }
      case DialogLine::Kind::delay:
        co_await host.runtime.sleep_until(host.runtime.now() + line.time);
        break;
      case DialogLine::Kind::drip:
        player.per_octet = line.time;
        break;
      case DialogLine::Kind::tls:
        going = co_await handshake(host, *stream);
        break;
      case DialogLine::Kind::close:
        stream->close();
        co_return;
      case DialogLine::Kind::reset:
        stream->reset();
        co_return;
      case DialogLine::Kind::silence:
        co_await drain(host, *stream);
        co_return;
    }
    if (!going) co_return;
  }
  auto last = co_await player.next_line();
  if (last && !iequals(*last, "QUIT"))
    complaints.push_back(where + ": after the end of the dialog the client said \"" + printable(*last, 200) + "\"");
  stream->close();
}

}  // namespace smtpdx::mock
