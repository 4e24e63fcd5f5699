// SPDX-License-Identifier: Apache-2.0
#include "io/ssh.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

namespace smtpdx::io {
namespace {

/// A shell script in ssh's place: what it says on stderr is OpenSSH 9.2's wording.
class SshTest : public testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = make_runtime();
  std::string base_ = testing::TempDir() + "smtpdx_ssh_" + std::to_string(::getpid());
  std::string program_ = base_ + ".sh";
  std::string notes_ = base_ + ".notes";

  void TearDown() override {
    std::remove(program_.c_str());
    std::remove(notes_.c_str());
  }
  void script(std::string body) {
    std::ofstream out(program_);
    out << "#!/bin/sh\necho \"$$ $*\" > " << notes_ << "\necho 'OpenSSH_9.2p1 Debian, OpenSSL 3.0' >&2\n" << body;
    out.close();
    ::chmod(program_.c_str(), 0755);
  }
  IoResult<std::unique_ptr<Stream>> connect(Duration limit = 5s) {
    SshVantage vantage{{"jump.example", 2222}, "alice", program_};
    auto connector = make_ssh_connector(*runtime_, *make_tls_client({}), vantage);
    ConnectRequest request{{*IpAddress::parse("2001:db8::25"), 25}, "", {}};
    return run(*runtime_, connector->connect(request, runtime_->deadline_in(limit)));
  }
  IoResult<std::string> read(Stream& stream) {
    std::array<char, 256> buffer;
    auto n = run(*runtime_, stream.read_some(buffer, runtime_->deadline_in(5s)));
    if (!n) return std::unexpected(n.error());
    return std::string(buffer.data(), *n);
  }
  std::string notes() const {
    std::ifstream in(notes_);
    std::string line;
    std::getline(in, line);
    return line;
  }
};

TEST_F(SshTest, SpeaksThroughTheFarChannel) {
  script(
      "echo 'debug2: channel 0: open confirm rwindow 2097152 rmax 32768' >&2\n"
      "printf '220 far\\r\\n'\nread line\nprintf '250 %s\\r\\n' \"$line\"\nread line\n");
  auto stream = connect();
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ(read(**stream).value(), "220 far\r\n");
  ASSERT_TRUE(run(*runtime_, (*stream)->write_all("EHLO\n", runtime_->deadline_in(5s))));
  EXPECT_EQ(read(**stream).value(), "250 EHLO\r\n");
  EXPECT_EQ((*stream)->peer().to_string(), "[2001:db8::25]:25");
  EXPECT_NE(notes().find("-W [2001:db8::25]:25"), std::string::npos) << notes();
  EXPECT_NE(notes().find("-p 2222 -l alice -- jump.example"), std::string::npos) << notes();
  const auto pid = std::stoi(notes());
  EXPECT_EQ(::kill(pid, 0), 0);
  stream->reset();
  EXPECT_EQ(::kill(pid, 0), -1);  // ended and reaped
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(SshTest, WhatTheFarHostRefusedIsHearsay) {
  script(
      "echo 'debug1: Authenticated' >&2\necho 'channel 0: open failed: connect failed: Connection refused' >&2\n"
      "echo 'stdio forwarding failed' >&2\nexit 255\n");
  auto stream = connect();
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::proxy);
  EXPECT_EQ(stream.error().text, "ssh jump.example: channel 0: open failed: connect failed: Connection refused");
}

TEST_F(SshTest, SshsOwnTroubleIsTold) {
  script("echo 'alice@jump.example: Permission denied (publickey).' >&2\nexit 255\n");
  auto stream = connect();
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::proxy);
  EXPECT_NE(stream.error().text.find("Permission denied (publickey)."), std::string::npos);
}

TEST_F(SshTest, SilenceEndsWithTheDeadlineAndTheProcess) {
  script("exec sleep 60\n");
  auto stream = connect(200ms);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::timed_out);
  EXPECT_EQ(::kill(std::stoi(notes()), 0), -1);
}

TEST_F(SshTest, NoSshIsOurFailure) {
  program_ = "/nonexistent/ssh";
  auto stream = connect();
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::local);
  EXPECT_NE(stream.error().text.find("no such file"), std::string::npos);
}

}  // namespace
}  // namespace smtpdx::io
