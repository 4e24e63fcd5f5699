// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace smtpdx::render {
namespace {

TEST(JsonWriter, CommasStandBetweenValuesOnly) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("a").number(-1);
  json.key("b").open('[');
  json.null();
  json.boolean(true);
  json.open('[');
  json.close(']');
  json.open('{');
  json.close('}');
  json.close(']');
  json.key("c").text_or_null("");
  json.key("d").text_or_null("[");
  json.key("e").boolean(false);
  json.close('}');
  EXPECT_EQ(out, R"({"a":-1,"b":[null,true,[],{}],"c":null,"d":"[","e":false})");
}

TEST(JsonWriter, EveryOctetIsWrittenAsTheLibraryWritesIt) {
  for (int octet = 0; octet < 256; ++octet) {
    const std::string text = std::string("a") + static_cast<char>(octet) + "b";
    std::string out;
    JsonWriter(out).text(text);
    EXPECT_EQ(out, nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) << octet;
  }
}

TEST(JsonWriter, Utf8StaysAndWhatIsBrokenIsReplaced) {
  std::string out;
  JsonWriter json(out);
  json.open('[');
  json.text("Müller 配信 \"x\"\n");
  json.text("\xC3 and \xF0\x9F\x98\x80");
  json.close(']');
  EXPECT_EQ(out, "[\"Müller 配信 \\\"x\\\"\\n\",\"\xEF\xBF\xBD and \xF0\x9F\x98\x80\"]");
}

TEST(JsonWriter, FractionsStayFractions) {
  for (const double value : {0.0, 0.4, 0.85, 0.9 - 0.1, 1.0, 0.75 + 0.05, 1e300}) {
    std::string out;
    JsonWriter(out).number(value);
    EXPECT_EQ(out, nlohmann::json(value).dump());
  }
}

}  // namespace
}  // namespace smtpdx::render
