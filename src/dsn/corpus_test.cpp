// SPDX-License-Identifier: Apache-2.0
// Reads real bounces where a corpus lies beside the repository (../shared/corpus/bounces). Here nothing may break, and
// the relay-denied family has to be read as such; how well the rest is read is measured with the whole program by
// tests/corpus/bounces_test.py.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
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
