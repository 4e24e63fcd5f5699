// SPDX-License-Identifier: Apache-2.0
// Measures the reader against real bounces where a corpus lies beside the repository (../shared/corpus/bounces). Its
// labels are another program's opinion; what is demanded here is that nothing breaks and that the relay-denied family,
// which the product is about, is read as such.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "dsn/reader.hpp"

namespace smtpdx::dsn {
namespace {

const std::filesystem::path& corpus() {
  static const std::filesystem::path path = std::filesystem::path(SMTPDX_SOURCE_DIR) / "../shared/corpus/bounces";
  return path;
}

std::string load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::vector<std::string>> table(const char* name) {
  std::vector<std::vector<std::string>> rows;
  std::string text = load(corpus() / name);
  for (auto line : split_lines(text)) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> row;
    for (auto cell : split(line, '\t')) row.emplace_back(cell);
    rows.push_back(std::move(row));
  }
  return rows;
}

#define REQUIRE_CORPUS() \
  if (!std::filesystem::exists(corpus())) GTEST_SKIP() << "no corpus at " << corpus().lexically_normal()

TEST(Corpus, RelayLinesAreRelayDenied) {
  REQUIRE_CORPUS();
  std::string text = load(corpus() / "relay-lines.txt");
  int lines = 0, right = 0;
  for (auto line : split_lines(text)) {
    if (trim(line).empty()) continue;
    ++lines;
    auto reason = understand(read_reply_text(line), kb::Catalogue::builtin()).reason;
    if (reason == kb::Reason::relay_denied)
      ++right;
    else
      std::cout << "  " << kb::to_string(reason) << ": " << line << "\n";
  }
  std::cout << "relay lines: " << right << " of " << lines << " relay-denied\n";
  EXPECT_GE(right * 100, lines * 90);
}

struct Score {
  int rows = 0, found = 0, reason = 0, status = 0, status_rows = 0, code = 0, code_rows = 0, recipient = 0;
};

const Refusal* choose(const std::vector<Refusal>& refusals, const std::string& recipient, std::size_t index) {
  for (const auto& refusal : refusals)
    if (iequals(refusal.recipient, recipient) || iequals(refusal.original_recipient, recipient)) return &refusal;
  return index < refusals.size() ? &refusals[index] : nullptr;
}

TEST(Corpus, LabelledBounces) {
  REQUIRE_CORPUS();
  std::map<std::string, std::set<std::string>> granted;
  for (const auto& row : table("reason-map.tsv"))
    if (row.size() > 1)
      for (auto word : split(row[1], ',')) granted[row[0]].emplace(word);
  bool verbose = std::getenv("SMTPDX_CORPUS_VERBOSE") != nullptr;
  Score all, relay;
  for (const auto& row : table("labels.tsv")) {
    if (row.size() < 13 || row[3] == "undefined" || row[3] == "onhold") continue;
    std::string octets = load(corpus() / "mail" / row[0]);
    if (octets.empty()) continue;
    auto result = read({row[0], octets});
    ASSERT_FALSE(result.refusals.empty()) << row[0];
    const Refusal* refusal = choose(result.refusals, row[2], static_cast<std::size_t>(std::atoi(row[1].c_str()) - 1));
    if (refusal == nullptr) refusal = &result.refusals.front();
    std::string reason, kind = to_string(refusal->kind);
    if (refusal->is_refusal()) reason = kb::to_string(understand(*refusal, kb::Catalogue::builtin()).reason);
    bool agrees = granted[reason].contains(row[3]) || (!row[11].empty() && granted[reason].contains(row[11]));
    if (row[3] == "feedback") agrees = refusal->kind == Kind::complaint;
    if (row[3] == "delivered") agrees = refusal->kind == Kind::delivered || refusal->kind == Kind::relayed;
    if (row[3] == "vacation") agrees = refusal->kind == Kind::auto_reply;
    Score* scores[] = {&all, row[3] == "norelaying" ? &relay : nullptr};
    const QuotedReply& own = refusal->decided();
    std::string status = own.status              ? own.status->to_string()
                         : refusal->reply.status ? refusal->reply.status->to_string()
                                                 : std::string();
    bool status_in_mail = !row[4].empty() && octets.find(row[4]) != std::string::npos;
    int code = own.code != 0 ? own.code : refusal->reply.code;
    for (Score* score : scores) {
      if (score == nullptr) continue;
      ++score->rows;
      score->found += refusal->kind != Kind::not_a_bounce ? 1 : 0;
      score->reason += agrees ? 1 : 0;
      score->recipient += iequals(refusal->recipient, row[2]) ? 1 : 0;
      if (status_in_mail) ++score->status_rows, score->status += status == row[4] ? 1 : 0;
      if (!row[5].empty()) ++score->code_rows, score->code += std::to_string(code) == row[5] ? 1 : 0;
    }
    if (verbose && !agrees)
      std::cout << row[0] << " label=" << row[3] << " got=" << (reason.empty() ? kind : reason) << " status=" << row[4]
                << "/" << status << " code=" << row[5] << "/" << code << " | " << own.text.substr(0, 160) << "\n";
  }
  ASSERT_GT(all.rows, 0);
  auto print = [](const char* name, const Score& s) {
    std::cout << name << ": " << s.rows << " rows, found " << s.found << ", reason " << s.reason << ", status "
              << s.status << "/" << s.status_rows << ", code " << s.code << "/" << s.code_rows << ", recipient "
              << s.recipient << "\n";
  };
  print("all", all);
  print("norelaying", relay);
  EXPECT_GE(relay.found, relay.rows);
  EXPECT_GE(all.found * 100, all.rows * 90);
}

TEST(Corpus, EveryMailInEveryFormIsLivedWith) {
  REQUIRE_CORPUS();
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus() / "mail")) {
    if (!entry.is_regular_file()) continue;
    std::string octets = load(entry.path());
    for (const auto& text : {octets, octets.substr(0, octets.size() * 7 / 10), octets.substr(octets.size() / 3)}) {
      auto result = read({entry.path().filename().string(), text});
      ASSERT_FALSE(result.refusals.empty());
      for (const auto& refusal : result.refusals)
        for (const auto& span : refusal.evidence)
          ASSERT_LE(span.offset + span.length, text.size()) << entry.path() << " " << span.what;
    }
    ++files;
  }
  EXPECT_GT(files, 100);
}

}  // namespace
}  // namespace smtpdx::dsn
