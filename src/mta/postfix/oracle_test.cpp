// SPDX-License-Identifier: Apache-2.0
//
// Against the answers of real Postfix servers, kept beside the checkout (../shared/corpus/relay/postfix): how many
// sessions are answered right, how many are left open, and that none is answered wrong. The corpus is no part of this
// repository; without it the test is skipped.
//
// What the servers knew and the files do not say is told to the session: the zone they ran with and their hosts file.
// Replies are compared by verdict, code and enhanced code, the text as far as it does not end in a footer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "mta/postfix/decide.hpp"
#include "mta/zone_file.hpp"

namespace smtpdx::mta::postfix {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// SMTPDX_POSTFIX_CORPUS names another directory of the same form.
fs::path corpus() {
  if (const char* other = std::getenv("SMTPDX_POSTFIX_CORPUS")) return other;
  return fs::path(SMTPDX_SOURCE_DIR) / ".." / "shared" / "corpus" / "relay" / "postfix";
}

std::vector<json> lines(const fs::path& path) {
  std::vector<json> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) out.push_back(json::parse(line));
  return out;
}

/// The servers' own hosts file, which is asked before DNS.
const IpAddress own_address = *IpAddress::parse("192.0.2.25");

Session session_of(const json& asked, const ZoneFile& zone) {
  Session session;
  session.client = IpAddress::parse(asked["client"].get<std::string>());
  session.names = [&zone](const std::string& name, dns::Type type) { return zone.find(name, type); };
  if (session.client == own_address) session.client_name = "mail.corp.example";
  session.port = asked["port"].get<std::uint16_t>();
  session.helo = asked["helo"].get<std::string>();
  const auto tls = asked["tls"].get<std::string>();
  session.tls = tls == "starttls" ? Tls::starttls : tls == "wrapper" ? Tls::wrapper : Tls::none;
  if (!asked["sasl"].is_null())
    session.login = Login{asked["sasl"]["user"].get<std::string>(), asked["sasl"]["valid"].get<bool>()};
  if (!asked["cert"].is_null()) {
    ClientCertificate certificate;
    certificate.trusted = asked["cert"].value("trusted", false);
    for (const auto& [name, value] : asked["cert"]["fingerprints"].items())
      certificate.fingerprints[name] = value.get<std::string>();
    session.certificate = certificate;
  }
  session.sender = asked["sender"].get<std::string>();
  session.recipient = asked["rcpt"].get<std::string>();
  return session;
}

/// Empty where our answer is the server's.
std::string difference(const Decision& ours, const json& theirs) {
  const auto verdict = theirs["verdict"].get<std::string>();
  if (to_string(ours.verdict) != verdict) return "verdict " + std::string(to_string(ours.verdict));
  if (verdict != "refused") return {};
  if (ours.code != theirs["code"].get<int>()) return "code " + std::to_string(ours.code);
  if (ours.status != theirs["status"].get<std::string>()) return "status " + ours.status;
  if (to_string(ours.stage) != theirs["stage"].get<std::string>()) return "stage " + std::string(to_string(ours.stage));
  const auto text = theirs["text"].get<std::string>();
  if (!text.starts_with(ours.status + " " + ours.text)) return "text " + ours.text;
  std::string decider;
  for (const auto& list : theirs.value("lists", json::array()))
    if (!list["by"].is_null() && list["by"][1] != 1) decider = list["by"][0].get<std::string>();
  if (!decider.empty() && ours.by && ours.by->restriction != decider &&
      ours.by->restriction.find("unlisted") == std::string::npos)
    return "by " + ours.by->restriction;
  return {};
}

TEST(PostfixOracle, NoAnswerIsWrong) {
  if (!fs::is_directory(corpus())) GTEST_SKIP() << "SKIP: no corpus of real servers' answers in " << corpus();
  std::ifstream file(corpus() / "dns.json");
  const auto zone = ZoneFile::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(zone) << zone.error().message;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(corpus()))
    if (entry.is_directory()) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  unsigned right = 0, open = 0, wrong = 0, silent_right = 0;
  for (const auto& path : cases) {
    auto configuration = load(path / "etc");
    if (!configuration) {
      ADD_FAILURE() << path << ": " << configuration.error().message;
      continue;
    }
    configuration->own_addresses = {{*IpAddress::parse("192.0.2.25"), 24, true},
                                    {*IpAddress::parse("2001:db8:25::25"), 64, true}};
    const auto asked = lines(path / "sessions.jsonl"), answered = lines(path / "expected.jsonl");
    ASSERT_EQ(asked.size(), answered.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (answered[i]["verdict"] == "io_error") continue;  // the harness lost the connection: no answer
      auto decision = decide(*configuration, session_of(asked[i], *zone));
      const auto id = path.filename().string() + " " + asked[i]["id"].get<std::string>();
      if (decision.verdict == Verdict::unknown) {
        ++open;
        Decision silent;
        if (decision.if_silent) static_cast<Outcome&>(silent) = *decision.if_silent;
        if (difference(silent, answered[i]).empty()) ++silent_right;
        std::cout << "open  " << id << ": " << (decision.unknown.empty() ? "?" : decision.unknown.front()) << "\n";
        continue;
      }
      const auto what = difference(decision, answered[i]);
      if (what.empty()) {
        ++right;
        continue;
      }
      ++wrong;
      ADD_FAILURE() << id << ": " << what << " where the server said " << answered[i].dump();
    }
  }
  std::cout << "postfix oracle: " << cases.size() << " configurations, " << right + open + wrong
            << " sessions: " << right << " right, " << open << " open (" << silent_right
            << " of them right if what is open says nothing), " << wrong << " wrong\n";
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(right, (right + open) * 9 / 10);
}

}  // namespace
}  // namespace smtpdx::mta::postfix
