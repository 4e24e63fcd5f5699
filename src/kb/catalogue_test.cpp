// SPDX-License-Identifier: Apache-2.0
#include "kb/catalogue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "base/text.hpp"
#include "kb/data_file.hpp"
#include "kb/embedded.hpp"
#include "kb/permanent.hpp"
#include "kb/plain_phrases.hpp"

namespace smtpdx::kb {
namespace {

using Sources = std::vector<Catalogue::Source>;

const std::string cause_path = "causes/submit.auth_not_attempted.toml";

std::string cause_text() {
  return R"(code = "submit.auth_not_attempted"
id = "S13"
tier = "A"
party = "sender"
who = "you"
title = "Nobody logged in."
explanation = "The client sent no AUTH."
necessary = ["AUTH was offered"]
reason = "relay-denied"
[[proof]]
kind = "flip"
text = "With login accepted, without refused."
[[rival]]
code = "submit.wrong_port_25"
apart = "AUTH on another port only."
[[test]]
consent = "L3"
text = "RCPT without login."
[[fix]]
product = "any"
steps = ["Log in."]
takes_effect = "at once"
[confirm]
command = "smtpdx relay {server} --from {from} --to {to}"
shows = "accepted"
)";
}

std::string phrase_text(std::string_view id = "test.relay", std::string_view pattern = "Relay access denied",
                        std::string_view sample = "554 5.7.1 <a@b.example>: Relay access denied") {
  return "[[phrase]]\nid = \"" + std::string(id) + "\"\npattern = \"" + std::string(pattern) +
         "\"\nreason = \"relay-denied\"\nsample = \"" + std::string(sample) +
         "\"\nsource = \"own\"\nseen = 2026-11-24\n";
}

/// The one defect of a cause in which `from` was replaced by `to`.
std::string cause_defect(std::string_view from, std::string_view to) {
  auto defects = Catalogue::defects({{cause_path, replace_all(cause_text(), from, to)}});
  if (defects.size() != 1) {
    std::string all = std::to_string(defects.size()) + " defects";
    for (const auto& d : defects) all += "\n" + d.message;
    return all;
  }
  return defects[0].message;
}

TEST(Catalogue, ReadsACause) {
  auto loaded = Catalogue::load({{cause_path, cause_text()}});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const Cause* cause = loaded->cause("submit.auth_not_attempted");
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause, loaded->cause("S13"));
  EXPECT_EQ(cause, loaded->cause("s13"));
  EXPECT_EQ(cause->party, Party::sender);
  EXPECT_EQ(cause->reason, Reason::relay_denied);
  EXPECT_EQ(cause->rivals.at(0).code, "submit.wrong_port_25");
  EXPECT_EQ(cause->tests.at(0).consent, Consent::envelope);
  EXPECT_FALSE(cause->letter.has_value());
  EXPECT_EQ(loaded->cause("submit.nothing"), nullptr);
}

TEST(Catalogue, SaysPathLineAndWhatIsWrong) {
  EXPECT_EQ(cause_defect("tier = \"A\"", "tier = \"D\""),
            cause_path + ":3: unknown word 'D' for 'tier'; known: A, B, C");
  EXPECT_EQ(cause_defect("who =", "whom = \"x\"\nwho ="), cause_path + ":5: unknown key 'whom' in a cause");
  EXPECT_EQ(cause_defect("who = \"you\"\n", ""), cause_path + ":1: missing key 'who' in a cause");
  EXPECT_EQ(cause_defect("\"sender\"", "\"the sender\""), cause_path + ":4: unknown word 'the sender' for 'party'");
  EXPECT_EQ(cause_defect("\"L3\"", "\"L9\""), cause_path + ":17: unknown word 'L9' for 'consent'");
  EXPECT_EQ(cause_defect("submit.wrong_port_25", "submit.no_such"),
            cause_path + ":14: there is no cause 'submit.no_such'");
  EXPECT_EQ(cause_defect("submit.wrong_port_25", "submit.auth_not_attempted"),
            cause_path + ":14: a cause is not its own rival");
  EXPECT_EQ(cause_defect("[\"Log in.\"]", "\"Log in.\""), cause_path + ":21: 'steps' must be a list of strings");
  EXPECT_EQ(cause_defect("\"any\"", "\"postfix\""), cause_path + ":19: one [[fix]] must be for product 'any'");
  EXPECT_EQ(cause_defect("{server}", "{host}"), cause_path + ":24: unknown placeholder '{host}' in 'command'");
  EXPECT_EQ(cause_defect("\"S13\"", "\"S14\""),
            cause_path + ":1: no cause has the code 'submit.auth_not_attempted' with the id 'S14'");
  EXPECT_EQ(cause_defect("logged in.", "logged in"), cause_path + ":6: 'title' is one sentence and ends with a period");
}

TEST(Catalogue, ACauseNeedsAProofOrTheReasonWhyThereIsNone) {
  std::string proof = "[[proof]]\nkind = \"flip\"\ntext = \"With login accepted, without refused.\"\n";
  EXPECT_EQ(cause_defect(proof, ""),
            cause_path + ":1: a cause needs a [[proof]], or `unprovable` with the reason why there is none");
  EXPECT_EQ(cause_defect(proof, "unprovable = \"nothing shows it\"\n"), "0 defects");
}

TEST(Catalogue, BrokenTomlIsADefectWithItsLine) {
  auto loaded = Catalogue::load({{cause_path, cause_text() + "\n[[letter\n"}});
  ASSERT_FALSE(loaded.has_value());
  EXPECT_TRUE(loaded.error().message.starts_with(cause_path + ":2")) << loaded.error().message;
}

TEST(Catalogue, DuplicatesNameTheFirstPlace) {
  auto defects = Catalogue::defects({{"phrases/a.toml", phrase_text()}, {"phrases/b.toml", phrase_text()}});
  ASSERT_FALSE(defects.empty());
  EXPECT_EQ(defects[0].message, "phrases/b.toml:2: duplicate phrase id 'test.relay', first at phrases/a.toml:2");
  auto causes = Catalogue::defects({{cause_path, cause_text()}, {"data/" + cause_path, cause_text()}});
  ASSERT_EQ(causes.size(), 2u);
  EXPECT_NE(causes[0].message.find("duplicate cause code"), std::string::npos);
  EXPECT_NE(causes[1].message.find("duplicate cause id"), std::string::npos);
}

TEST(Catalogue, AFileMustBeNamedAfterItsCode) {
  auto defects = Catalogue::defects({{"causes/submit.something.toml", cause_text()}});
  ASSERT_EQ(defects.size(), 1u);
  EXPECT_NE(defects[0].message.find("must be named after its code"), std::string::npos);
}

TEST(Catalogue, ASampleMustSelectItsOwnPhraseFirst) {
  auto none = Catalogue::defects({{"phrases/a.toml", phrase_text("a", "relay access denied", "550 Relaying denied")}});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(none[0].message, "phrases/a.toml:2: the sample of 'a' matches no phrase, not even its own pattern");
  auto other = Catalogue::defects(
      {{"phrases/a.toml", phrase_text("short", "access denied") + phrase_text("long", "relay access denied")}});
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(other[0].message, "phrases/a.toml:2: the sample of 'short' selects 'long' before its own phrase");
  EXPECT_FALSE(Catalogue::load({{"phrases/a.toml", phrase_text("a", "relay access denied", "550 x")}}).has_value());
}

TEST(Catalogue, PhraseFieldsAreChecked) {
  auto defect = [](std::string_view extra) {
    auto defects = Catalogue::defects({{"phrases/a.toml", phrase_text() + std::string(extra)}});
    return defects.size() == 1 ? defects[0].message : std::to_string(defects.size()) + " defects";
  };
  EXPECT_EQ(defect("codes = [\"554 5.7.1\", \"5.7\"]\n"),
            "phrases/a.toml:8: code '5.7' is none of the forms '554', '5.7.1', '554 5.7.1'");
  EXPECT_EQ(defect("causes = [\"no.such\"]\n"), "phrases/a.toml:8: there is no cause 'no.such'");
  EXPECT_EQ(defect("states = \"no.such\"\n"), "phrases/a.toml:8: there is no cause 'no.such'");
  EXPECT_EQ(defect("party = \"admin\"\n"), "phrases/a.toml:8: unknown word 'admin' for 'party'");
  EXPECT_EQ(defect("wrapper = \"yes\"\n"), "phrases/a.toml:8: 'wrapper' must be true or false");
  EXPECT_EQ(defect("[[other]]\n"), "phrases/a.toml:8: unknown key 'other' in the file");
  EXPECT_EQ(defect("wrapper = true\ncauses = [\"rcpt.one_mx_stale\"]\ncodes = [\"554 5.7.1\", \"454\"]\n"),
            "0 defects");
}

std::string phrase(std::string_view id, std::string_view pattern, std::string_view extra) {
  return "[[phrase]]\nid = \"" + std::string(id) + "\"\npattern = \"" + std::string(pattern) +
         "\"\nreason = \"relay-denied\"\nsource = \"own\"\nseen = \"2026-11-24\"\n" + std::string(extra) + "\n";
}

TEST(Catalogue, MatchesBestFirst) {
  auto loaded = Catalogue::load(
      {{"phrases/a.toml", phrase("plain", "access denied", "sample = \"550 x access denied\"") +
                              phrase("longer", "relay access denied", "sample = \"relay access denied\"") +
                              phrase("coded", "denied", "codes = [\"5.7.64\"]\nsample = \"550 5.7.64 denied\"") +
                              phrase("other", "relay access denied now",
                                     "codes = [\"5.4.1\"]\nsample = \"550 5.4.1 relay access denied now\"") +
                              phrase("wrap", "remote server returned relay access denied",
                                     "wrapper = true\ncodes = [\"5.7.367\"]\n"
                                     "sample = \"550 5.7.367 remote server returned relay access denied\"")}});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  auto ids = [&](int code, const char* status, const char* text) {
    std::string out;
    for (const auto& m : loaded->match({code, status, text})) out += (out.empty() ? "" : " ") + m.phrase->id;
    return out;
  };
  EXPECT_EQ(ids(550, "5.7.64", "Relay Access Denied"), "coded longer plain");
  EXPECT_EQ(ids(550, "5.7.1", "Relay Access Denied now"), "longer plain");
  EXPECT_EQ(ids(0, "", "remote server returned relay access denied now"), "other longer plain coded wrap");
  EXPECT_EQ(ids(550, "5.7.367", "remote server returned relay access denied"), "wrap longer plain");
  EXPECT_EQ(ids(550, "5.7.1", "nothing of the kind"), "");
  auto best = loaded->match({554, "5.7.1", "<a@b>: Relay  access denied"}).at(0);
  EXPECT_EQ(best.from, 7u);
  EXPECT_EQ(best.to, 27u);
  EXPECT_FALSE(best.code_agrees);
}

TEST(Catalogue, CodesFallBackToTheRowWithoutClass) {
  std::string text =
      "[[code]]\ncode = \"X.7.1\"\nclasses = \"4,5\"\nreference = \"RFC 3463\"\nmeaning = \"not authorised\"\n"
      "[[code]]\ncode = \"5.7.367\"\nclasses = \"5\"\nreference = \"Microsoft\"\nmeaning = \"wrapper\"\n"
      "reason = \"relay-denied\"\n";
  auto loaded = Catalogue::load({{"codes/a.toml", text}});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  ASSERT_NE(loaded->code("5.7.1"), nullptr);
  EXPECT_EQ(loaded->code("5.7.1")->meaning, "not authorised");
  EXPECT_EQ(loaded->code("5.7.367")->reason, Reason::relay_denied);
  EXPECT_EQ(loaded->code("5.7.2"), nullptr);
  EXPECT_EQ(loaded->code(""), nullptr);
}

TEST(Catalogue, NearestForgivesSpelling) {
  auto loaded = Catalogue::load({{cause_path, cause_text()}});
  ASSERT_TRUE(loaded.has_value());
  ASSERT_NE(loaded->nearest("submit.auth_not_atempted"), nullptr);
  ASSERT_NE(loaded->nearest("auth_not_attempted"), nullptr);
  EXPECT_EQ(loaded->nearest("something else entirely"), nullptr);
  EXPECT_EQ(loaded->nearest(std::string(100000, 'x')), nullptr);
}

TEST(Catalogue, PermanentCausesAreSeventyInOrder) {
  std::set<std::string_view> codes;
  int number = 1;
  for (const auto& cause : permanent_causes()) {
    EXPECT_EQ(cause.id, (number < 10 ? "S0" : "S") + std::to_string(number));
    EXPECT_TRUE(codes.insert(cause.code).second) << cause.code;
    ++number;
  }
  EXPECT_EQ(codes.size(), 70u);
  EXPECT_TRUE(is_permanent_cause("submit.allowlist_not_on_submission"));
  EXPECT_FALSE(is_permanent_cause("S70"));
}

Sources builtin_sources() {
  Sources files;
  for (const auto& file : embedded_files()) files.push_back({"data/" + std::string(file.path), std::string(file.text)});
  return files;
}

// The build's check of data/: every defect is listed with its place, so that one run shows them all.
TEST(Data, IsValid) {
  auto files = builtin_sources();
  ASSERT_FALSE(files.empty()) << "nothing was embedded";
  for (const auto& defect : Catalogue::defects(files)) ADD_FAILURE() << defect.message;
}

TEST(Data, HoldsAllCauses) {
  std::set<std::string> present;
  for (const auto& file : builtin_sources()) present.insert(file.path);
  for (const auto& cause : permanent_causes())
    EXPECT_TRUE(present.contains("data/causes/" + std::string(cause.code) + ".toml"))
        << cause.id << " " << cause.code << " has no file in data/causes";
}

TEST(Data, ThePlainWayIntoThePhrasesReadsWhatTheStrictOneReads) {
  for (const auto& file : embedded_files()) {
    if (!file.path.starts_with("phrases/")) continue;
    auto plain = read_plain_phrases(file.text);
    ASSERT_TRUE(plain) << file.path;
    auto strict = read_data_file({std::string(file.path), std::string(file.text)}).phrases;
    ASSERT_EQ(plain->size(), strict.size()) << file.path;
    for (std::size_t i = 0; i < strict.size(); ++i) {
      const Phrase &a = (*plain)[i], &b = strict[i].value;
      EXPECT_EQ(std::tie(a.id, a.pattern, a.states, a.sample, a.source, a.seen, a.codes, a.causes),
                std::tie(b.id, b.pattern, b.states, b.sample, b.source, b.seen, b.codes, b.causes));
      EXPECT_EQ(std::tie(a.reason, a.party, a.wrapper, a.vague), std::tie(b.reason, b.party, b.wrapper, b.vague))
          << b.id;
    }
  }
  EXPECT_FALSE(read_plain_phrases("[[phrase]]\nid = 'x'\n"));
  EXPECT_FALSE(read_plain_phrases("[[phrase]]\nid = \"x\\n\"\n"));
}

}  // namespace
}  // namespace smtpdx::kb
