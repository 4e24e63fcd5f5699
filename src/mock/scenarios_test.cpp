// SPDX-License-Identifier: Apache-2.0
//
// Every file of tests/scenarios, run in process over real sockets by the real engine. Each file is one test; all of
// them share one runtime and are run side by side, a dozen at a time, because most of their time is waiting (silent
// hosts, slow banners). What a file's `-- findings --` does not list must not be found.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/text.hpp"
#include "io/real.hpp"
#include "kb/catalogue.hpp"
#include "mock/run.hpp"

namespace smtpdx::mock {
namespace {

constexpr std::size_t at_once = 12;

std::vector<std::string> files() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SMTPDX_SOURCE_DIR "/tests/scenarios"))
    if (entry.path().extension() == ".scenario") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string short_name(const std::string& path) {
  return std::filesystem::relative(path, SMTPDX_SOURCE_DIR "/tests/scenarios").string();
}

struct Outcome {
  std::string trouble;  ///< where it could not be run
  std::vector<std::string> differences;
  std::vector<std::string> of_replay;  ///< the run written down and played again
  std::string recording;
  std::string found, transcript;
};

std::string transcript_of(const trace::Log& log) {
  std::string text;
  for (const auto& channel : log.channels()) {
    text += channel.id() + " " + channel.peer() + "\n";
    std::size_t shown = 0;
    for (const auto& line : channel.lines()) {
      if (++shown > 60) break;
      text += "  " + std::string(1, static_cast<char>(line.direction)) + " " + printable(line.text, 160) + "\n";
    }
  }
  return text;
}

/// All files' outcomes, found out once.
class Everything {
 public:
  static const Everything& get() {
    static const Everything all;
    return all;
  }
  const Outcome& of(const std::string& path) const { return outcomes_.at(path); }

 private:
  Everything() {
    auto runtime = io::make_runtime();
    queue_ = files();
    // A name on the command line ("--gtest_filter=*S02*") is no reason to run the others.
    std::reverse(queue_.begin(), queue_.end());
    std::erase_if(queue_, [](const std::string& path) { return !selected(path); });
    io::run(*runtime, work_all(*runtime));
  }

  static bool selected(const std::string& path);

  io::Task<bool> work_all(io::Runtime& runtime) {
    std::vector<io::Task<bool>> workers;
    for (std::size_t i = 0; i < at_once; ++i) workers.push_back(work(runtime));
    co_await io::when_all(std::move(workers));
    co_return true;
  }

  io::Task<bool> work(io::Runtime& runtime) {
    while (!queue_.empty()) {
      const auto path = queue_.back();
      queue_.pop_back();
      auto outcome = co_await one(runtime, path);
      outcomes_[path] = std::move(outcome);
    }
    co_return true;
  }

  static io::Task<Outcome> one(io::Runtime& runtime, std::string path) {
    Outcome outcome;
    const auto text = contents(path);
    auto scenario = parse_scenario(short_name(path), text);
    if (!scenario) {
      outcome.trouble = scenario.error().message + "\n" + scenario.error().hint;
      co_return outcome;
    }
    auto run = co_await run_scenario(runtime, *scenario, kb::Catalogue::builtin(), {});
    if (!run) {
      outcome.trouble = run.error().message;
      co_return outcome;
    }
    if (!scenario->findings) outcome.trouble = "the file has no -- findings --: it tests nothing";
    outcome.differences = differences(*scenario, *run);
    outcome.found = findings_text(run->report);
    outcome.transcript = transcript_of(*run->log);
    outcome.recording = recording_of(*scenario, *run);
    outcome.of_replay = co_await replay(runtime, outcome.recording);
    co_return outcome;
  }

  static std::string recording_of(const Scenario& scenario, const ScenarioRun& run) {
    Recording recording{run.report, *run.log, run.lookups, "", "", "", "", Duration{0}};
    recording.text = scenario.run->text;
    recording.input = scenario.run->reads_input ? scenario.input : "";
    recording.mechanism = scenario.run->mechanism;
    recording.title = scenario.title;
    recording.timeout = scenario.run->timeout;
    return record_scenario(recording);
  }

  static io::Task<std::vector<std::string>> replay(io::Runtime& runtime, const std::string& text) {
    const auto scenario = parse_scenario("recording", text);
    if (!scenario) co_return std::vector{scenario.error().message};
    auto run = co_await run_scenario(runtime, *scenario, kb::Catalogue::builtin(), {});
    if (!run) co_return std::vector{run.error().message};
    co_return differences(*scenario, *run);
  }

  std::vector<std::string> queue_;
  std::map<std::string, Outcome> outcomes_;
};

std::string test_name(const std::string& path) {
  auto name = short_name(path);
  name = name.substr(0, name.rfind('.'));
  std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

class Scenarios : public testing::TestWithParam<std::string> {};

bool Everything::selected(const std::string& path) {
  const auto* unit = testing::UnitTest::GetInstance();
  for (int s = 0; s < unit->total_test_suite_count(); ++s) {
    const auto* suite = unit->GetTestSuite(s);
    for (int t = 0; t < suite->total_test_count(); ++t) {
      const auto* test = suite->GetTestInfo(t);
      if (test->should_run() && std::string(test->name()).ends_with("/" + test_name(path))) return true;
    }
  }
  return false;
}

TEST_P(Scenarios, Finds) {
  const auto& outcome = Everything::get().of(GetParam());
  ASSERT_EQ(outcome.trouble, "");
  std::string all;
  for (const auto& difference : outcome.differences) all += difference + "\n";
  const bool verbose = std::getenv("SMTPDX_TRANSCRIPT") != nullptr;
  EXPECT_EQ(all, "") << "found:\n"
                     << outcome.found << "\n"
                     << (verbose ? outcome.transcript : "(SMTPDX_TRANSCRIPT=1 shows the sessions)");
}

/// `--record`: what was seen, written down and played again, leads to the same findings. Servers that break the
/// protocol may be written down less than word for word; they only have to be readable.
TEST_P(Scenarios, ReplaysFromItsRecording) {
  const auto& outcome = Everything::get().of(GetParam());
  ASSERT_EQ(outcome.trouble, "");
  ASSERT_TRUE(parse_scenario("recording", outcome.recording)) << outcome.recording;
  if (short_name(GetParam()).starts_with("hostile/")) return;
  EXPECT_EQ(outcome.of_replay, std::vector<std::string>()) << outcome.recording;
}

INSTANTIATE_TEST_SUITE_P(Files, Scenarios, testing::ValuesIn(files()),
                         [](const auto& info) { return test_name(info.param); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Scenarios);

}  // namespace
}  // namespace smtpdx::mock
