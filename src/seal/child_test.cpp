// SPDX-License-Identifier: Apache-2.0
#include "seal/child.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "io/real.hpp"
#include "seal/frames.hpp"
#include "seal/seal.hpp"
#include "seal/test_roles.hpp"

extern char** environ;

namespace smtpdx::seal {
namespace {

/// Sends every frame back until the other side closes.
int echo(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    if (auto sealed = seal_this_process(arguments[0] == "runner" ? Seal::runner : Seal::reader); !sealed) return 3;
  }
  auto runtime = io::make_runtime();
  Frames frames(*runtime, io::OwnedFd(3), 1 << 20);
  auto talk = [&]() -> io::Task<int> {
    for (;;) {
      auto frame = co_await frames.receive(runtime->deadline_in(60s));
      if (!frame) co_return frame.error().kind == io::Failure::closed ? 0 : 4;
      auto sent = co_await frames.send(frame->type, frame->bytes, runtime->deadline_in(60s));
      if (!sent) co_return 5;
    }
  };
  return io::run(*runtime, talk());
}

int tell(const std::vector<std::string>&) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const auto target = std::filesystem::read_symlink(entry.path()).string();
    if (target.find("/proc/") != 0) all += entry.path().filename().string() + "=" + target.substr(0, 7) + " ";
  }
  int death = 0;
  ::prctl(PR_GET_PDEATHSIG, &death);
  all += "death=" + std::to_string(death) + " ";
  for (char** e = environ; *e; ++e) all += std::string(*e) + " ";
  std::fputs(all.c_str(), stderr);
  return 7;
}

/// As in a service whose list of system calls leaves capset out. With "dropped" it has no capability to begin with.
int seal_without_capset(const std::vector<std::string>& arguments) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (!arguments.empty()) ::syscall(SYS_capset, &header, none);
  const auto filter = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0);
  const int loaded = seccomp_load(filter);
  seccomp_release(filter);
  if (loaded != 0 || ::syscall(SYS_capset, &header, none) == 0) return 4;
  return seal_this_process(Seal::reader) ? 0 : 3;
}

const RegisteredRole roles_here[] = {
    {"echo", echo},
    {"seal_without_capset", seal_without_capset},
    {"tell", tell},
    {"sleep", [](auto&) { return static_cast<int>(::sleep(60)); }},
    {"flood",
     [](auto&) {
       for (int i = 0; i < 100'000; ++i) std::fputs("words ", stderr);
       std::fputs("last", stderr);
       return 0;
     }},
    {"grandparent",
     [](auto&) {
       auto runtime = io::make_runtime();
       ChildOptions options;
       options.arguments = {"--role", "sleep"};
       auto child = Child::spawn(*runtime, std::move(options));
       std::fprintf(stderr, "%d", (*child)->pid());
       ::_exit(0);
       return 0;
     }},
};

class ChildTest : public testing::Test {
 protected:
  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime();

  std::unique_ptr<Child> spawn(std::vector<std::string> role, ChildOptions options = {}) {
    options.arguments = {"--role"};
    options.arguments.insert(options.arguments.end(), role.begin(), role.end());
    auto child = Child::spawn(*runtime_, std::move(options));
    EXPECT_TRUE(child) << child.error().message;
    return child ? std::move(*child) : nullptr;
  }
  std::optional<Exit> wait(Child& child, Duration limit = 20s) {
    return io::run(*runtime_, child.wait(runtime_->deadline_in(limit)));
  }
};

TEST_F(ChildTest, StartsWithWhatItIsHandedAndNothingElse) {
  ::setenv("SECRET_TOKEN", "t0ps3cret", 1);
  ::setenv("LC_MESSAGES", "C", 1);
  io::OwnedFd inheritable(::dup(2));
  auto pair = *io::socket_pair(io::PipeKind::stream);
  ChildOptions options;
  options.descriptors.push_back(std::move(pair.theirs));
  options.environment = {"SMTPDX_TEST=1"};
  auto child = spawn({"tell"}, std::move(options));
  auto exit = wait(*child);
  ::unsetenv("SECRET_TOKEN");
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 7);
  EXPECT_NE(exit->words.find("3=socket:"), std::string::npos) << exit->words;
  EXPECT_EQ(exit->words.find("4="), std::string::npos) << exit->words;
  EXPECT_NE(exit->words.find("0=/dev/nu"), std::string::npos) << exit->words;
  EXPECT_NE(exit->words.find("death=9"), std::string::npos) << exit->words;
  EXPECT_NE(exit->words.find("SMTPDX_TEST=1"), std::string::npos) << exit->words;
  EXPECT_NE(exit->words.find("LC_MESSAGES=C"), std::string::npos) << exit->words;
  EXPECT_EQ(exit->words.find("t0ps3cret"), std::string::npos) << exit->words;
  EXPECT_TRUE(exit->to_string().starts_with("ended with code 7: ")) << exit->to_string();
}

TEST_F(ChildTest, KilledOnDemandAndReaped) {
  auto child = spawn({"sleep"});
  EXPECT_FALSE(wait(*child, 20ms)) << "still runs";
  child->kill();
  auto exit = wait(*child);
  EXPECT_EQ(exit->signal, SIGKILL);
  EXPECT_EQ(exit->to_string(), "was killed by signal 9 (killed)");
  EXPECT_EQ(wait(*child)->signal, SIGKILL) << "says the same again";
  EXPECT_EQ(::kill(child->pid(), 0), -1) << "no zombie";
}

TEST_F(ChildTest, DiesWithItsObject) {
  auto child = spawn({"sleep"});
  const auto pid = child->pid();
  child.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ChildTest, DiesWithItsParent) {
  auto parent = spawn({"grandparent"});
  auto exit = wait(*parent);
  ASSERT_EQ(exit->code, 0) << exit->to_string();
  const auto orphan = static_cast<pid_t>(std::stol(exit->words));
  for (int i = 0; i < 500; ++i) {
    std::error_code gone;
    const auto exe = std::filesystem::read_symlink("/proc/" + std::to_string(orphan) + "/exe", gone);
    if (gone) return;  // no such process, or a zombie that whoever adopted it has not reaped yet
    ::usleep(10'000);
  }
  ADD_FAILURE() << "still there after five seconds";
}

TEST_F(ChildTest, WhereNothingIsHeldNothingNeedsDropping) {
  auto held_none = spawn({"seal_without_capset", "dropped"});
  const auto exit = wait(*held_none);
  EXPECT_EQ(exit->code, 0) << exit->to_string();
  if (::geteuid() != 0) return;  // only root has some to lose
  auto held_all = spawn({"seal_without_capset"});
  EXPECT_EQ(wait(*held_all)->code, 3);
}

TEST_F(ChildTest, ManyWordsDoNotHoldItUp) {
  auto child = spawn({"flood"});
  auto exit = wait(*child);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0);
  EXPECT_LE(exit->words.size(), 2100u);
}

TEST_F(ChildTest, WhatCannotBeStartedIsAnError) {
  ChildOptions options;
  options.program = "/nonexistent/program";
  auto child = Child::spawn(*runtime_, std::move(options));
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().message, "cannot start /nonexistent/program: execve: no such file or directory");
}

TEST_F(ChildTest, TalksThroughItsSeal) {
  for (const auto* seal : {"reader", "runner"}) {
    auto pair = *io::socket_pair(io::PipeKind::stream);
    ChildOptions options;
    options.descriptors.push_back(std::move(pair.theirs));
    auto child = spawn({"echo", seal}, std::move(options));
    Frames frames(*runtime_, std::move(pair.ours), 1 << 20);
    auto talk = [&]() -> io::Task<int> {
      int right = 0;
      for (int i = 0; i < 2000; ++i) {
        const auto text = "question " + std::to_string(i);
        co_await frames.send(1, text, runtime_->deadline_in(10s));
        auto answer = co_await frames.receive(runtime_->deadline_in(10s));
        right += answer && answer->bytes == text;
      }
      co_return right;
    };
    EXPECT_EQ(io::run(*runtime_, talk()), 2000);
    frames.close();
    auto exit = wait(*child);
    EXPECT_EQ(exit->code, 0) << exit->to_string();
  }
}

}  // namespace
}  // namespace smtpdx::seal
