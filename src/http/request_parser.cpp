// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.hpp"

namespace smtpdx::http {

namespace beast = boost::beast::http;

namespace {

int status_of(const boost::system::error_code& error) {
  if (error == beast::error::body_limit) return 413;
  if (error == beast::error::header_limit || error == beast::error::buffer_overflow) return 431;
  if (error == beast::error::bad_version) return 505;
  return 400;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// What an absolute-form names counts, not what Host says beside it (RFC 9112 §3.2.2).
void set_host(std::string_view authority, Request& request) {
  for (auto& [name, value] : request.fields)
    if (iequals(name, "host")) value = authority;
}

/// The path of the origin-form, absolute-form or asterisk-form (RFC 9112 §3.2); nullopt for what is none of them.
bool split_target(std::string_view target, Request& request) {
  if (const auto scheme = target.find("://"); scheme != target.npos && scheme < 8) {
    const auto slash = target.find_first_of("/?", scheme + 3);
    set_host(target.substr(0, slash).substr(scheme + 3), request);
    target = slash == target.npos ? std::string_view("/") : target.substr(slash);
  }
  const auto question = target.find('?');
  if (question != target.npos) request.query = target.substr(question + 1);
  const auto path = percent_decoded(target.substr(0, question));
  if (!path || path->empty() || (path->front() != '/' && *path != "*")) return false;
  request.path = *path;
  return true;
}

}  // namespace

struct RequestParser::State {
  explicit State(RequestLimits l) : limits(l) { begin(); }
  void begin();
  void parse();
  bool must_wait(std::size_t left) const;

  RequestLimits limits;
  std::optional<beast::request_parser<beast::string_body>> parser;
  std::optional<int> failure;
  std::string pending;  ///< not parsed yet: part of a head (Beast wants it in one piece), or of the next request
  bool continued = false;
};

void RequestParser::State::begin() {
  parser.emplace();
  parser->header_limit(static_cast<std::uint32_t>(limits.head));
  parser->body_limit(limits.body);
  parser->eager(true);
  continued = false;
}

/// No chunked body ends in fewer octets than these: "0", two line ends. Beast 1.81 asserts that it is not asked to look
/// again at a last chunk shorter than that.
bool RequestParser::State::must_wait(std::size_t left) const {
  constexpr std::size_t shortest_end = 5;
  return parser->is_header_done() && parser->chunked() && left < shortest_end;
}

void RequestParser::State::parse() {
  std::size_t used = 0;
  while (used < pending.size() && !parser->is_done() && !must_wait(pending.size() - used)) {
    boost::system::error_code error;
    const auto n = parser->put(boost::asio::buffer(pending.data() + used, pending.size() - used), error);
    used += n;
    if (error && error != beast::error::need_more) failure = status_of(error);
    if (failure || n == 0) break;
  }
  pending.erase(0, used);
}

RequestParser::RequestParser(RequestLimits limits) : state_(std::make_unique<State>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

void RequestParser::feed(std::string_view octets) {
  auto& s = *state_;
  if (s.failure || octets.empty()) return;
  s.pending += octets;
  s.parse();
}

bool RequestParser::done() const { return !state_->failure && state_->parser->is_done(); }

std::optional<int> RequestParser::failed() const { return state_->failure; }

bool RequestParser::idle() const { return state_->pending.empty() && !state_->parser->got_some(); }

bool RequestParser::wants_continue() {
  auto& s = *state_;
  if (s.continued || s.failure || !s.parser->is_header_done() || s.parser->is_done()) return false;
  s.continued = true;
  return iequals(view(s.parser->get()[beast::field::expect]), "100-continue");
}

std::optional<Request> RequestParser::take() {
  auto message = state_->parser->release();
  Request request;
  request.method = view(message.method_string());
  request.keep_alive = message.keep_alive();
  for (const auto& field : message) request.fields.emplace_back(view(field.name_string()), view(field.value()));
  request.body = std::move(message.body());
  if (!split_target(view(message.target()), request)) {
    state_->failure = 400;
    return std::nullopt;
  }
  state_->begin();
  state_->parse();
  return request;
}

}  // namespace smtpdx::http
