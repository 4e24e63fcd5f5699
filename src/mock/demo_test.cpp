// SPDX-License-Identifier: Apache-2.0
#include "mock/demo.hpp"

#include <gtest/gtest.h>

#include "io/real.hpp"
#include "mock/run.hpp"

namespace smtpdx::mock {
namespace {

TEST(Demo, ProvesTheCauseOfItsBounceLive) {
  auto result = run_demo(kb::Catalogue::builtin());
  ASSERT_TRUE(result.has_value()) << result.error().message;
  const auto& report = result->report;
  EXPECT_EQ(report.conclusion, diag::Conclusion::problem);
  ASSERT_FALSE(report.causes.empty());
  EXPECT_EQ(report.causes.front().code, "rcpt.mx_not_configured_for_domain");
  EXPECT_EQ(report.causes.front().verdict, diag::Verdict::proved);
  ASSERT_TRUE(report.refusal.has_value());
  EXPECT_EQ(report.refusal->refusal.decided().text, "Relaying denied");
  EXPECT_NE(result->bounce.find("5.7.367"), std::string::npos);
  EXPECT_NE(result->log->find("smtp#1"), nullptr);
  EXPECT_LT(report.elapsed, std::chrono::seconds(10));
}

TEST(Demo, FindsAllThatItsScenarioLists) {
  auto scenario = parse_scenario("demo", demo_scenario());
  ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
  auto runtime = io::make_runtime();
  auto run = io::run(*runtime, run_scenario(*runtime, *scenario, kb::Catalogue::builtin(), {}));
  ASSERT_TRUE(run.has_value()) << run.error().message;
  std::string all;
  for (const auto& difference : differences(*scenario, *run)) all += difference + "\n";
  EXPECT_EQ(all, "") << findings_text(run->report);
}

}  // namespace
}  // namespace smtpdx::mock
