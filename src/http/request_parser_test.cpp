// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace smtpdx::http {
namespace {

constexpr std::string_view simple =
    "GET /v1/causes?limit=3&q=a%20b HTTP/1.1\r\nHost: localhost:8025\r\nCookie: a=1; b=2\r\n\r\n";

TEST(RequestParser, ReadsARequestHoweverItIsCut) {
  for (std::size_t piece = 1; piece <= simple.size(); ++piece) {
    RequestParser parser;
    for (std::size_t at = 0; at < simple.size(); at += piece) {
      EXPECT_FALSE(parser.done());
      parser.feed(simple.substr(at, piece));
    }
    ASSERT_TRUE(parser.done()) << piece;
    const auto request = parser.take();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->path, "/v1/causes");
    EXPECT_EQ(request->parameter("q"), "a b");
    EXPECT_EQ(request->parameter("limit"), "3");
    EXPECT_FALSE(request->parameter("li"));
    EXPECT_EQ(request->field("HOST"), "localhost:8025");
    EXPECT_EQ(request->cookie("b"), "2");
    EXPECT_TRUE(request->keep_alive);
    EXPECT_TRUE(parser.idle());
  }
}

TEST(RequestParser, KeepsWhatBelongsToTheNextRequest) {
  RequestParser parser;
  parser.feed("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c");
  ASSERT_TRUE(parser.done());
  const auto first = parser.take();
  ASSERT_TRUE(first && parser.done());
  EXPECT_EQ(first->body, "abc");
  const auto second = parser.take();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->path, "/b");
  EXPECT_FALSE(parser.done());
  EXPECT_FALSE(parser.idle());
}

TEST(RequestParser, ChunksAreOneBody) {
  RequestParser parser;
  parser.feed("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.take()->body, "abcde");
}

TEST(RequestParser, SaysOnceThatABodyIsWaitedFor) {
  RequestParser parser;
  parser.feed("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_TRUE(parser.wants_continue());
  EXPECT_FALSE(parser.wants_continue());
  parser.feed("abc");
  EXPECT_TRUE(parser.done());
}

struct Wrong {
  const char* what;
  std::string octets;
  int status;
};

TEST(RequestParser, ChunksMayComeOctetByOctet) {
  constexpr std::string_view octets =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
  RequestParser parser;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    EXPECT_FALSE(parser.done());
    parser.feed(octets.substr(i, 1));
    EXPECT_FALSE(parser.failed());
  }
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.take()->body, "abc");
}

TEST(RequestParser, AnAbsoluteTargetNamesTheHost) {
  RequestParser parser;
  parser.feed("GET http://evil.example/v1/meta?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto request = parser.take();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->field("host"), "evil.example");
  EXPECT_EQ(request->path, "/v1/meta");
  EXPECT_EQ(request->query, "a=b");
}

TEST(RequestParser, RefusesWhatIsNoRequest) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  const Wrong all[] = {
      {"no HTTP", "EHLO client.example\r\n\r\n", 400},
      {"two lengths", head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"a length beside chunks", head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a body above the limit", head + "Content-Length: 99999999999\r\n\r\n", 413},
      {"a length that is none", head + "Content-Length: -1\r\n\r\n", 400},
      {"a target without a slash", "GET v1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"an escaped NUL", "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a broken escape", "GET /a%2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"an endless head", head + "X: " + std::string(70'000, 'a'), 431},
      {"another version", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505},
      {"chunks that are none", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
  };
  for (const auto& wrong : all) {
    RequestParser parser;
    parser.feed(wrong.octets);
    if (parser.done()) {
      EXPECT_FALSE(parser.take()) << wrong.what;
    }
    EXPECT_EQ(parser.failed(), wrong.status) << wrong.what;
  }
}

TEST(Response, CannotBeSplitByAField) {
  Response response;
  response.fields = {{"Location", "/a\r\nSet-Cookie: x=1"}, {"X-Good", "yes"}};
  const auto head = head_of(response, 0, true);
  EXPECT_EQ(head, "HTTP/1.1 200 OK\r\nX-Good: yes\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace smtpdx::http
