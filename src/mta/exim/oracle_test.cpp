// SPDX-License-Identifier: Apache-2.0
//
// Against the answers of a real Exim, kept beside the checkout (../shared/corpus/relay/exim): verdict, code, stage and
// the deciding statement of every session. The corpus is no part of this repository; without it the test is skipped.
// Many more answers: script/lab exim-oracle.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "mta/exim/decide.hpp"
#include "mta/zone_file.hpp"

namespace smtpdx::mta::exim {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// SMTPDX_EXIM_CORPUS names another directory of the same form.
fs::path corpus() {
  if (const char* other = std::getenv("SMTPDX_EXIM_CORPUS")) return other;
  return fs::path(SMTPDX_SOURCE_DIR) / ".." / "shared" / "corpus" / "relay" / "exim";
}

std::vector<json> lines(const fs::path& path) {
  std::vector<json> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) out.push_back(json::parse(line));
  return out;
}

Session session_of(const json& asked, const ZoneFile& zone) {
  Session session;
  session.client = IpAddress::parse(asked["client"].get<std::string>());
  session.names = [&zone](const std::string& name, dns::Type type) { return zone.find(name, type); };
  session.port = asked["port"].get<std::uint16_t>();
  session.helo = asked["helo"].get<std::string>();
  const auto tls = asked["tls"].get<std::string>();
  session.tls = tls == "starttls" ? Tls::starttls : tls == "wrapper" ? Tls::wrapper : Tls::none;
  if (!asked["sasl"].is_null())
    session.login = Login{asked["sasl"]["user"].get<std::string>(), asked["sasl"]["valid"].get<bool>()};
  session.sender = asked["sender"].get<std::string>();
  session.recipient = asked["rcpt"].get<std::string>();
  return session;
}

/// "require 19": the last statement that the server's trace names.
std::string decider(const json& theirs) {
  std::string last;
  for (const auto& entry : theirs.value("trace", json::array())) {
    const auto text = entry.get<std::string>();
    if (text.find(" /etc/exim4/") == std::string::npos) continue;
    last = text.substr(0, text.find(' ')) + text.substr(text.rfind(' '));
  }
  return last;
}

/// Empty where our answer is the server's.
std::string difference(const Decision& ours, const json& theirs) {
  const auto verdict = theirs["verdict"].get<std::string>();
  if (to_string(ours.verdict) != verdict) return "verdict " + std::string(to_string(ours.verdict));
  if (ours.code != theirs["code"].get<int>()) return "code " + std::to_string(ours.code);
  if (to_string(ours.stage) != theirs["stage"].get<std::string>()) return "stage " + std::string(to_string(ours.stage));
  const auto by = decider(theirs);
  if (ours.stage == Stage::rcpt && ours.code != 501 && !by.empty() &&
      (!ours.by || ours.by->restriction + " " + std::to_string(ours.by->where.line) != by))
    return "by " + (ours.by ? ours.by->restriction + " " + ours.by->where.to_string() : std::string("nobody"));
  return {};
}

TEST(EximOracle, NoAnswerIsWrong) {
  if (!fs::is_directory(corpus())) GTEST_SKIP() << "SKIP: no corpus of real servers' answers in " << corpus();
  std::ifstream file(corpus() / "dns.json");
  const auto zone = ZoneFile::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(zone) << zone.error().message;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(corpus()))
    if (entry.is_directory()) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  unsigned right = 0, open = 0, wrong = 0;
  for (const auto& path : cases) {
    auto configuration = load(path / "etc");
    ASSERT_TRUE(configuration) << path << ": " << configuration.error().message;
    configuration->own_addresses = {{*IpAddress::parse("192.0.2.25"), 24, true},
                                    {*IpAddress::parse("2001:db8:25::25"), 64, true}};
    const auto asked = lines(path / "sessions.jsonl"), answered = lines(path / "expected.jsonl");
    ASSERT_EQ(asked.size(), answered.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto decision = decide(*configuration, session_of(asked[i], *zone));
      const auto id = path.filename().string() + " " + asked[i]["id"].get<std::string>();
      if (decision.verdict == Verdict::unknown) {
        ++open;
        std::cout << "open  " << id << ": " << (decision.unknown.empty() ? "?" : decision.unknown.front()) << "\n";
        continue;
      }
      const auto what = difference(decision, answered[i]);
      what.empty() ? ++right : ++wrong;
      if (!what.empty()) ADD_FAILURE() << id << ": " << what << " where the server said " << answered[i].dump();
    }
  }
  std::cout << "exim oracle: " << cases.size() << " configurations, " << right + open + wrong << " sessions: " << right
            << " right, " << open << " open, " << wrong << " wrong\n";
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(open, 0u);
}

}  // namespace
}  // namespace smtpdx::mta::exim
