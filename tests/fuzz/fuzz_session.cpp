// SPDX-License-Identifier: Apache-2.0
// links: smtp
//
// A whole client session against a server whose every octet, pause and end comes from the fuzzer. Looked for besides
// crashes: it ends, within its time limits; a poisoned session neither
// reads nor writes; the secret is never in the trace; evidence names words that are there.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "smtp/session.hpp"
#include "smtp/testing/virtual_runtime.hpp"
#include "trace/log.hpp"

namespace {

using namespace smtpdx;

const std::string secret = "Xq7-secret-9Zk";

void require(bool condition) {
  if (!condition) std::abort();
}

/// Input: pieces of one length octet and so many octets; length 0 takes the next octet for what happens instead: an
/// end, a pause, or all that the client has said last, repeated back.
class FuzzedStream final : public io::Stream {
 public:
  FuzzedStream(io::Runtime& runtime, std::string_view input) : runtime_(runtime), input_(input) {}

  io::Task<io::IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
    ++touched;
    require(!into.empty());
    co_await runtime_.sleep_until(runtime_.now());
    while (pending_.empty()) {
      auto length = next();
      if (length != 0) {
        pending_ = input_.substr(0, length);
        input_.remove_prefix(pending_.size());
        if (pending_.empty()) co_return std::unexpected(io::IoFailure{io::Failure::closed, "end"});
        continue;
      }
      switch (next() % 5) {
        case 0:
          co_return std::unexpected(io::IoFailure{io::Failure::closed, "end"});
        case 1:
          co_return std::unexpected(io::IoFailure{io::Failure::reset, "reset"});
        case 2:
          co_await runtime_.sleep_until(std::min(runtime_.now() + 100s, deadline.at()));
          break;
        case 3:
          pending_ = echo_ = "500 " + said_;
          break;
        default:
          co_await runtime_.sleep_until(deadline.at());
      }
      if (deadline.passed(runtime_.now())) co_return std::unexpected(io::IoFailure{io::Failure::timed_out, "late"});
    }
    auto size = std::min(into.size(), pending_.size());
    std::copy_n(pending_.begin(), size, into.begin());
    pending_.remove_prefix(size);
    co_return size;
  }
  io::Task<io::IoResult<std::size_t>> write_all(std::string_view bytes, Deadline) override {
    ++touched;
    require(!bytes.empty() && bytes.ends_with("\r\n"));
    said_ = bytes;
    if (++writes_ == 9 && next() % 2 == 1) co_return std::unexpected(io::IoFailure{io::Failure::reset, "broken pipe"});
    co_return bytes.size();
  }
  io::Task<io::TlsFacts> start_tls(io::TlsOptions, Deadline) override {
    ++touched;
    io::TlsFacts facts;
    pending_ = {};  // a piece the client has not read belongs to the handshake
    facts.established = tls_ = next() % 4 != 0;
    if (!facts.established) facts.failure = io::Failure::tls;
    co_return facts;
  }
  bool is_tls() const override { return tls_; }
  Endpoint local() const override { return {}; }
  Endpoint peer() const override { return {}; }
  void close() override {}

  int touched = 0;

 private:
  unsigned next() {
    if (input_.empty()) return 0;
    auto octet = static_cast<unsigned char>(input_[0]);
    input_.remove_prefix(1);
    return octet;
  }
  io::Runtime& runtime_;
  std::string_view input_, pending_;
  std::string said_, echo_;
  int writes_ = 0;
  bool tls_ = false;
};

class Visit {
 public:
  explicit Visit(std::string_view input)
      : knows_secret_(icontains(input, secret.substr(0, 4)) || icontains(input, base64_encode(secret).substr(0, 6))) {
    auto stream = std::make_unique<FuzzedStream>(runtime_, input);
    stream_ = stream.get();
    session_ = std::make_unique<smtp::Session>(runtime_, std::move(stream), log_.open("smtp", "fuzz"));
  }

  void run(unsigned char choice) {
    smtp::Credentials credentials;
    credentials.user = "alice@example.org";
    credentials.secret = secret;
    static const char* mechanisms[] = {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "SCRAM-SHA-256"};
    if (choice % 8 < 6) credentials.mechanism = mechanisms[choice % 8];
    look(session_->greeting(limit()));
    hello();
    if (choice & 0x10) {
      look(session_->starttls({}, limit()));
      hello();
    }
    if (choice & 0x20) look(session_->auth(credentials, limit()));
    if (choice & 0x40) look(session_->mail("a@example.org", limit()));
    auto after = choice & 0x08 ? smtp::Session::After::leave : smtp::Session::After::stay;
    for (const auto& steps : ask(session_->transactions({{"a@x", {"b@y", "c@z"}}, {"", {"b@y"}}}, limit(), after))) {
      check(steps.mail);
      require(!steps.rcpts.empty());
      for (const auto& step : steps.rcpts) check(step);
    }
    require(session_->poisoned() || after == smtp::Session::After::stay);
    if (choice & 0x80) look(session_->data("hi\n.\n", limit()));
    look(session_->quit(limit()));
    require(session_->poisoned());
    for (const auto& line : session_->channel().lines()) {
      if (knows_secret_) break;  // the fuzzer reads it out of our comparisons; a server that knows it may say it
      require(!icontains(line.text, secret) && !icontains(line.text, base64_encode(secret).substr(0, 14)));
    }
  }

 private:
  Deadline limit() const { return runtime_.deadline_in(1h); }
  void hello() { look(session_->ehlo("probe.test", smtp::Session::Fallback::helo, limit())); }
  template <class T>
  T ask(io::Task<T> task) {
    bool dead = session_->poisoned();
    auto touched = stream_->touched;
    auto begun = runtime_.now();
    auto result = io::run(runtime_, std::move(task));
    require(runtime_.now() - begun <= 65min);
    require(!dead || stream_->touched == touched);
    return result;
  }
  void look(io::Task<smtp::Step> task) { check(ask(std::move(task))); }
  void check(const smtp::Step& step) {
    require(step.reply.has_value() || step.trouble != smtp::Trouble::none);
    require(step.trouble == smtp::Trouble::none || !step.ok());
    bool ended = step.trouble == smtp::Trouble::io || step.trouble == smtp::Trouble::framing ||
                 step.trouble == smtp::Trouble::spoke_too_early || (step.reply && step.reply->code == 421);
    require(!ended || session_->poisoned());
    bool sent = step.trouble != smtp::Trouble::not_sent && step.trouble != smtp::Trouble::not_offered;
    require(!sent || (step.evidence.from < step.evidence.to && step.evidence.to <= session_->channel().size()));
  }

  smtp::testing::VirtualRuntime runtime_;
  trace::Log log_;
  std::unique_ptr<smtp::Session> session_;
  FuzzedStream* stream_ = nullptr;
  bool knows_secret_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Visit(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1)).run(data[0]);
  return 0;
}
