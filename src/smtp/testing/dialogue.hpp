// SPDX-License-Identifier: Apache-2.0
#pragma once

// A server that says what a test has written down, and complains where the client does not.
//
//   S: 250 ok            a line of the server, CRLF is added; neighbouring lines arrive in one piece
//   C: EHLO probe.test   the next line the client must send; "*" at the end stands for anything, a lone "*" for itself
//                        (RFC 4954 cancels with it), "C:" alone for an empty line
//   = raw 220 \x00\xff   octets of the server as they stand: \r \n \t \\ \xNN
//   = repeat 500 220-x\r\n    the same octets many times
//   = delay 90s          nothing arrives for that long (ms, s, min)
//   = silence            nothing arrives any more
//   = close | = reset    the connection ends for the reader; a write still succeeds, as it does on a socket
//   = refuse-writes      writes fail with reset from here on; what was said before can still be read
//   = tls                the handshake succeeds here; "= tls fail WORDS" and "= tls silence" do not
//   = chop 1             from here on, at most so many octets a read
// Blank lines and lines that begin with '#' are left out; indentation too. At the end of the script the server closes.
//
// Order is enforced: a client that writes while the server has lines to say (no pipelining where the script has none),
// or waits while the script expects it to speak, is reported by complaints(). Complaints end the connection, so that a
// test never hangs. Limits: one connection, one reader and one writer, as io::Stream says.

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"

namespace smtpdx::smtp::testing {

class Dialogue {
 public:
  explicit Dialogue(std::string_view script) {
    for (auto line : split_lines(script)) {
      line = trim(line);
      if (!line.empty() && line[0] != '#') items_.push_back(parse(line));
    }
  }
  Dialogue(const Dialogue&) = delete;

  /// The client's end. The Dialogue and the runtime must outlive it.
  std::unique_ptr<io::Stream> stream(io::Runtime& runtime) { return std::make_unique<Wire>(*this, runtime); }

  /// What the client did otherwise than written; empty when all went by the script.
  const std::string& complaints() const { return complaints_; }
  /// True when all of the script was played.
  bool finished() const { return items_.empty() && incoming_.empty(); }
  /// One entry a write_all call.
  const std::vector<std::string>& writes() const { return writes_; }
  bool closed_by_client() const { return closed_; }
  /// Times read_some was called, to see that a poisoned session leaves the wire alone.
  int reads() const { return reads_; }
  const io::TlsOptions& tls_options() const { return tls_options_; }

 private:
  enum class Kind { server, client, delay, silence, close, reset, refuse_writes, tls, tls_fail, tls_silence, chop };
  struct Item {
    Kind kind;
    std::string text;
    Duration length{0};
    std::size_t number = 0;
  };

  static std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      char c = text[++i];
      if (c == 'x' && i + 2 < text.size()) {
        out += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
        i += 2;
      } else {
        out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
    }
    return out;
  }

  static Duration length(std::string_view text) {
    auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    auto number = static_cast<long long>(parse_number(digits).value_or(0));
    auto unit = text.substr(digits.size());
    if (unit == "ms") return std::chrono::milliseconds(number);
    if (unit == "min") return std::chrono::minutes(number);
    return std::chrono::seconds(number);
  }

  static Item parse(std::string_view line) {
    if (line.starts_with("S:")) return {Kind::server, std::string(trim(line.substr(2))) + "\r\n"};
    if (line.starts_with("C:")) return {Kind::client, std::string(trim(line.substr(2)))};
    auto words = split_words(line);
    assert(words.size() >= 2 && words[0] == "=" && "a line of a dialogue starts with S: C: or =");
    auto verb = words[1];
    auto rest = trim(trim(line.substr(1)).substr(verb.size()));
    if (verb == "raw") return {Kind::server, unescape(rest)};
    if (verb == "repeat") {
      auto times = parse_number(words.at(2)).value();
      auto piece = unescape(trim(rest.substr(words[2].size())));
      Item item{Kind::server, {}};
      for (std::uint64_t i = 0; i < times; ++i) item.text += piece;
      return item;
    }
    if (verb == "delay") return {Kind::delay, {}, length(rest)};
    if (verb == "silence") return {Kind::silence, {}};
    if (verb == "close") return {Kind::close, {}};
    if (verb == "reset") return {Kind::reset, {}};
    if (verb == "refuse-writes") return {Kind::refuse_writes, {}};
    if (verb == "chop") return {Kind::chop, {}, {}, static_cast<std::size_t>(parse_number(rest).value())};
    assert(verb == "tls" && "unknown line in a dialogue");
    if (rest.starts_with("fail")) return {Kind::tls_fail, std::string(trim(rest.substr(4)))};
    return {rest == "silence" ? Kind::tls_silence : Kind::tls, {}};
  }

  void complain(std::string what) {
    if (!complaints_.empty()) complaints_ += '\n';
    complaints_ += std::move(what);
    items_.clear();
    outgoing_.clear();
  }

  bool next_is(Kind kind) const { return !items_.empty() && items_.front().kind == kind; }
  void skip_settings() {
    for (; next_is(Kind::chop) || next_is(Kind::refuse_writes); items_.pop_front()) {
      if (items_.front().kind == Kind::chop) chop_ = items_.front().number;
      if (items_.front().kind == Kind::refuse_writes) refuse_writes_ = true;
    }
  }

  /// Matches whole lines of what came in against the script.
  void take_lines() {
    for (auto end = incoming_.find("\r\n"); end != std::string::npos; end = incoming_.find("\r\n")) {
      auto line = incoming_.substr(0, end);
      incoming_.erase(0, end + 2);
      skip_settings();
      if (!next_is(Kind::client)) {
        if (!next_is(Kind::close) && !next_is(Kind::reset)) complain("spoke out of turn: " + printable(line));
        return;
      }
      auto expected = items_.front().text;
      bool same = expected.size() > 1 && expected.ends_with('*')
                      ? line.starts_with(std::string_view(expected).substr(0, expected.size() - 1))
                      : line == expected;
      if (!same) return complain("said '" + printable(line) + "' instead of '" + expected + "'");
      items_.pop_front();
    }
    if (incoming_.find('\n') != std::string::npos) complain("sent a bare LF: " + printable(incoming_));
  }

  class Wire final : public io::Stream {
   public:
    Wire(Dialogue& script, io::Runtime& runtime) : d_(script), runtime_(runtime) {}
    ~Wire() override { d_.closed_ = true; }

    io::Task<io::IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
      ++d_.reads_;
      while (true) {
        if (d_.closed_) co_return std::unexpected(io::IoFailure{io::Failure::closed, "closed here"});
        co_await runtime_.sleep_until(runtime_.now());  // as a socket would: others may run
        if (deadline.passed(runtime_.now())) co_return late();
        d_.skip_settings();
        while (d_.next_is(Kind::server)) {
          d_.outgoing_ += d_.items_.front().text;
          d_.items_.pop_front();
        }
        if (!d_.outgoing_.empty()) co_return deliver(into);
        if (d_.items_.empty() || d_.next_is(Kind::close)) {
          co_return std::unexpected(io::IoFailure{io::Failure::closed, "end of file"});
        }
        if (d_.next_is(Kind::reset)) {
          co_return std::unexpected(io::IoFailure{io::Failure::reset, "connection reset by peer"});
        }
        co_await wait(deadline);
      }
    }

    io::Task<io::IoResult<std::size_t>> write_all(std::string_view bytes, Deadline deadline) override {
      if (d_.closed_) co_return std::unexpected(io::IoFailure{io::Failure::closed, "closed here"});
      if (deadline.passed(runtime_.now())) co_return late();
      d_.skip_settings();
      if (d_.refuse_writes_) {
        co_return std::unexpected(io::IoFailure{io::Failure::reset, "broken pipe"});
      }
      d_.writes_.emplace_back(bytes);
      d_.incoming_ += bytes;
      d_.take_lines();
      co_return bytes.size();
    }

    io::Task<io::TlsFacts> start_tls(io::TlsOptions options, Deadline deadline) override {
      io::TlsFacts facts;
      d_.tls_options_ = options;
      d_.skip_settings();
      if (d_.next_is(Kind::tls)) {
        facts.established = tls_ = true;
        facts.version = io::TlsVersion::tls1_3;
        facts.cipher = "TLS_AES_256_GCM_SHA384";
        facts.name_matches = facts.chain_trusted = true;
      } else if (d_.next_is(Kind::tls_fail)) {
        facts.error = facts.alert = d_.items_.front().text;
        facts.failure = io::Failure::tls;
      } else if (d_.next_is(Kind::tls_silence)) {
        co_await runtime_.sleep_until(deadline.at());
        facts.error = "no answer";
        facts.failure = io::Failure::timed_out;
      } else {
        d_.complain("started TLS out of turn");
        facts.failure = io::Failure::closed;
      }
      if (!d_.items_.empty()) d_.items_.pop_front();
      co_return facts;
    }

    bool is_tls() const override { return tls_; }
    Endpoint local() const override { return {IpAddress::v4(0x7F000001), 40000}; }
    Endpoint peer() const override { return {IpAddress::v4(0xC0000219), 25}; }
    void close() override { d_.closed_ = true; }

   private:
    static std::unexpected<io::IoFailure> late() {
      return std::unexpected(io::IoFailure{io::Failure::timed_out, "no answer in time"});
    }
    std::size_t deliver(std::span<char> into) {
      auto size = std::min({into.size(), d_.outgoing_.size(), d_.chop_});
      std::copy_n(d_.outgoing_.begin(), size, into.begin());
      d_.outgoing_.erase(0, size);
      return size;
    }
    io::Task<void> wait(Deadline deadline) {
      if (d_.next_is(Kind::delay)) {
        auto until = runtime_.now() + d_.items_.front().length;
        d_.items_.front().length = until - std::min(until, deadline.at());
        if (until <= deadline.at()) d_.items_.pop_front();
        co_await runtime_.sleep_until(std::min(until, deadline.at()));
        co_return;
      }
      if (d_.next_is(Kind::client)) {
        d_.complain("waits although it should say '" + d_.items_.front().text + "'");
      } else if (!d_.next_is(Kind::silence)) {
        d_.complain("reads where a handshake is due");
      }
      co_await runtime_.sleep_until(deadline.at());
    }

    Dialogue& d_;
    io::Runtime& runtime_;
    bool tls_ = false;
  };

  std::deque<Item> items_;
  std::string incoming_, outgoing_, complaints_;
  std::vector<std::string> writes_;
  io::TlsOptions tls_options_;
  std::size_t chop_ = std::string::npos;
  int reads_ = 0;
  bool closed_ = false, refuse_writes_ = false;
};

}  // namespace smtpdx::smtp::testing
