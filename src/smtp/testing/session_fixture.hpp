// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "smtp/session.hpp"
#include "smtp/testing/dialogue.hpp"
#include "smtp/testing/virtual_runtime.hpp"
#include "trace/log.hpp"

namespace smtpdx::smtp::testing {

/// One session against one script. Every test ends by looking at the script's complaints.
class SessionTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (dialogue_) {
      EXPECT_EQ(dialogue_->complaints(), "") << transcript();
    }
  }
  Session& play(std::string_view script) {
    session_.reset();  // its stream refers to the dialogue
    dialogue_ = std::make_unique<Dialogue>(script);
    session_ = std::make_unique<Session>(runtime_, dialogue_->stream(runtime_), log_.open("smtp", "test"));
    return *session_;
  }
  template <class T>
  T run(io::Task<T> task) {
    return io::run(runtime_, std::move(task));
  }
  Deadline soon() { return runtime_.deadline_in(budget_); }
  Step greeting() { return run(session_->greeting(soon())); }
  Step ehlo() { return run(session_->ehlo("probe.test", Session::Fallback::none, soon())); }
  Step mail(std::string from) { return run(session_->mail(std::move(from), soon())); }
  Step rcpt(std::string to) { return run(session_->rcpt(std::move(to), soon())); }
  std::vector<TransactionSteps> transactions(std::vector<Envelope> envelopes,
                                             Session::After after = Session::After::stay) {
    return run(session_->transactions(std::move(envelopes), soon(), after));
  }
  /// The trace as text, "C: …" a line.
  std::string transcript() const {
    std::string out;
    for (const auto& line : session_->channel().lines()) {
      out += static_cast<char>(line.direction) + (": " + printable(line.text)) + '\n';
    }
    return out;
  }

  Duration budget_ = 24h;  ///< of each command
  trace::Log log_;
  VirtualRuntime runtime_;
  std::unique_ptr<Dialogue> dialogue_;
  std::unique_ptr<Session> session_;
};

inline constexpr auto hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250-mx.example.org
  S: 250 PIPELINING
)";
inline constexpr auto plain_hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250 mx.example.org
)";
inline constexpr auto tls_hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250-mx.example.org
  S: 250 STARTTLS
)";

}  // namespace smtpdx::smtp::testing
