// SPDX-License-Identifier: Apache-2.0
//
// The API's routes. What they mean stands in openapi.json, which a test holds against this file.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/diagnose.hpp"
#include "api/relay.hpp"
#include "base/text.hpp"
#include "kb/catalogue.hpp"
#include "kb/letters.hpp"
#include "render/render.hpp"
#include "web/protocol.hpp"
#include "web/site.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t most_remembered = 500;
constexpr std::size_t largest_page = 200;

Answer not_found() { return problem(404, "there is no such thing", "GET /openapi.json lists what there is"); }

Answer wrong_method(std::string_view allowed) {
  auto answer = problem(405, "this method is not understood here");
  answer.response.fields.emplace_back("Allow", std::string(allowed));
  return answer;
}

bool is_type(const http::Request& request, std::string_view type) {
  const auto given = request.field("content-type");
  return iequals(trim(given.substr(0, given.find(';'))), type);
}

std::string time_text(WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string_view collection_of(JobKind kind) { return kind == JobKind::diagnosis ? "diagnoses" : "relay-tests"; }

std::string self_link(const Job& job) { return "/v1/" + std::string(collection_of(job.kind)) + "/" + job.id; }

/// The request without what must not be kept.
std::string without_secrets(const std::string& body) {
  auto json = ordered_json::parse(body, nullptr, false);
  if (!json.is_object()) return "{}";
  json.erase("password");
  json.erase("text");
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string title_of(const api::DiagnosisRequest& request) {
  if (request.demo) return "The example";
  auto first = trim(request.text);
  if (const auto status = first.find("Diagnostic-Code:"); status != first.npos) first = trim(first.substr(status + 16));
  first = first.substr(0, first.find_first_of("\r\n"));
  const auto title = printable(first, 100);
  if (!title.empty()) return title;
  return request.words.to.empty() ? request.words.server : request.words.to;
}

std::string started_json(const Job& job) {
  ordered_json j;
  j["id"] = job.id;
  j["status"] = to_string(job.status);
  j["links"] = {{"self", self_link(job)}, {"events", self_link(job) + "/events"}};
  return j.dump() + "\n";
}

std::string job_json(const Job& job) {
  std::string out = "{\"id\":" + json_text(job.id) +
                    ",\"kind\":" + (job.kind == JobKind::diagnosis ? "\"diagnosis\"" : "\"relay-test\"");
  out += ",\"status\":" + json_text(to_string(job.status));
  out += ",\"created_at\":" + json_text(time_text(job.created)) + ",\"saved\":false";
  out += ",\"title\":" + json_text(job.title) + ",\"request\":" + job.request;
  out += ",\"input\":" + (job.input.empty() ? "null" : json_text(job.input));
  out += ",\"sealed\":" + json_text(job.sealed);
  out += ",\"result\":" + (job.result.empty() ? "null" : std::string(trim(job.result)));
  out += ",\"problem\":" + (job.problem.empty() ? "null" : std::string(trim(job.problem)));
  return out + "}\n";
}

Answer causes(const std::vector<std::string>& segments) {
  const auto& catalogue = kb::Catalogue::builtin();
  std::vector<const kb::Cause*> chosen;
  if (segments.size() == 2) {
    for (const auto& cause : catalogue.causes()) chosen.push_back(&cause);
    return json_answer(200, render::causes_json(chosen));
  }
  const auto* cause = catalogue.cause(segments[2]);
  if (!cause) return not_found();
  const auto list = ordered_json::parse(render::causes_json({cause}));
  return json_answer(200, list["causes"][0].dump() + "\n");
}

}  // namespace

io::Task<Answer> Site::open_session(const http::Request& request) {
  if (request.method == "DELETE") {
    guard_.close_session(request);
    co_return no_content();
  }
  const auto body = ordered_json::parse(request.body, nullptr, false);
  const auto token = body.is_object() ? body.value("token", ordered_json()) : ordered_json();
  if (!token.is_string()) co_return problem(422, "no token", "the body is {\"token\": \"…\"}");
  auto cookie = guard_.open_session(token.get<std::string>());
  if (!cookie) {
    co_await runtime_.sleep_until(runtime_.now() + 1s);  // guessing is hopeless; this makes it dull, too
    co_return problem(401, "that token is not of this start of smtpdx", "open the address that smtpdx printed");
  }
  auto answer = no_content();
  answer.response.fields.emplace_back("Set-Cookie", std::move(*cookie));
  co_return answer;
}

Answer Site::meta() const {
  ordered_json j;
  j["version"] = SMTPDX_VERSION;
  j["languages"] = kb::letter_languages();
  j["rooms"] = {"explain", "diagnose", "relay", "causes", "demo"};
  j["consent"] = {{"max", "auth"}};
  j["history"] = false;
  j["demo"] = true;
  return json_answer(200, j.dump() + "\n");
}

Answer Site::metrics() const {
  Answer answer;
  answer.response.fields = {{"Content-Type", "text/plain; version=0.0.4"}, {"Cache-Control", "no-store"}};
  const auto line = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
    answer.response.body += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name +
                            " " + std::to_string(value) + "\n";
  };
  line("smtpdx_http_requests_total", "counter", "Requests answered.", requests_);
  line("smtpdx_explained_total", "counter", "Requests to explain.", explained_);
  line("smtpdx_jobs_started_total", "counter", "Diagnoses and relay tests started.", jobs_.started());
  line("smtpdx_jobs_running", "gauge", "Diagnoses and relay tests that run now.", jobs_.running());
  line("smtpdx_reader_restarts_total", "counter", "Times the sealed reader was replaced.", reader_.restarts());
  return answer;
}

Answer Site::start(const Visit& visit, NewJob wanted) {
  const std::string key(visit.request.field("idempotency-key"));
  wanted.owner = visit.owner;
  const auto full_key = visit.owner + "\n" + key;
  for (const auto& r : remembered_) {
    if (key.empty() || r.key != full_key) continue;
    if (r.body != visit.request.body)
      return problem(422, "this Idempotency-Key went with another request", "choose a new key for a new request");
    if (const auto job = jobs_.find(r.id, visit.owner)) return json_answer(202, started_json(*job));
  }
  const auto job = jobs_.start(std::move(wanted));
  if (!job) {
    auto answer = problem(429, job.error().message, job.error().hint);
    answer.response.fields.emplace_back("Retry-After", "30");
    return answer;
  }
  if (!key.empty()) {
    if (remembered_.size() >= most_remembered) remembered_.erase(remembered_.begin());
    remembered_.push_back({full_key, visit.request.body, (*job)->id});
  }
  auto answer = json_answer(202, started_json(**job));
  answer.response.fields.emplace_back("Location", self_link(**job));
  return answer;
}

Answer Site::start_diagnosis(const Visit& visit) {
  std::string body = visit.request.body;
  if (is_type(visit.request, "message/rfc822")) {
    ordered_json j;
    j["text"] = body;
    body = j.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  const auto request = api::read_diagnosis_request(body);
  if (!request) return problem(request.error());
  NewJob job;
  job.kind = JobKind::diagnosis;
  job.title = title_of(*request);
  job.request = without_secrets(body);
  job.input = request->text;
  job.in_demo = request->demo;
  job.body = std::move(body);
  return start(visit, std::move(job));
}

Answer Site::start_relay_test(const Visit& visit) {
  const auto request = api::read_relay_request(visit.request.body);
  if (!request) return problem(request.error());
  NewJob job;
  job.kind = JobKind::relay_test;
  job.title = request->host.host + ": " + request->to;
  job.request = without_secrets(visit.request.body);
  job.body = visit.request.body;
  return start(visit, std::move(job));
}

Answer Site::job_answer(const Visit& visit, JobKind kind) {
  const auto& method = visit.request.method;
  const auto job = jobs_.find(visit.segments[2], visit.owner);
  if (!job || job->kind != kind) return not_found();
  if (visit.segments.size() == 3 && method == "GET") return json_answer(200, job_json(*job));
  if (visit.segments.size() == 3 && method == "DELETE") {
    jobs_.forget(job->id, visit.owner);
    return no_content();
  }
  return visit.segments.size() == 3 ? wrong_method("GET, DELETE") : not_found();
}

Answer Site::history(const Visit& visit) {
  const auto limit =
      std::min<std::size_t>(parse_number(visit.request.parameter("limit").value_or("20")).value_or(20), largest_page);
  const auto cursor = visit.request.parameter("cursor");
  ordered_json j;
  j["items"] = ordered_json::array();
  j["next"] = nullptr;
  bool begun = !cursor;
  for (const auto& job : jobs_.list(visit.owner)) {
    if (begun && j["items"].size() == limit) {
      j["next"] = j["items"].back()["id"];
      break;
    }
    if (begun)
      j["items"].push_back({{"id", job->id},
                            {"kind", job->kind == JobKind::diagnosis ? "diagnosis" : "relay-test"},
                            {"title", job->title},
                            {"status", to_string(job->status)},
                            {"created_at", time_text(job->created)}});
    begun = begun || job->id == *cursor;
  }
  return json_answer(200, j.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

io::Task<Answer> Site::api(const Visit& visit) {
  const auto& request = visit.request;
  const auto& path = visit.segments;
  const auto& method = request.method;
  const std::string what = path.size() > 1 ? path[1] : "";
  const bool post = method == "POST", get = method == "GET" || method == "HEAD";
  if (what == "session" && path.size() == 2 && (post || method == "DELETE")) co_return co_await open_session(request);
  if (!guard_.knows(request, visit.peer))
    co_return problem(401, "this page has no session with smtpdx", "open the address that smtpdx printed");
  if (what == "session" && path.size() == 2 && get)
    co_return json_answer(200, "{\"user\":\"local\",\"scopes\":[\"all\"]}\n");
  if (what == "meta" && path.size() == 2) co_return get ? meta() : wrong_method("GET");
  if (what == "causes" && path.size() <= 3) co_return get ? causes(path) : wrong_method("GET");
  if (what == "explain" && path.size() == 2) {
    if (!post) co_return wrong_method("POST");
    ++explained_;
    const bool message = is_type(request, "message/rfc822");
    co_return co_await reader_.ask(message ? protocol::explain_message : protocol::explain_json, request.body);
  }
  if (what == "letters" && path.size() == 2) {
    if (!post) co_return wrong_method("POST");
    co_return co_await reader_.ask(protocol::letters_json, request.body);
  }
  if (what == "diagnoses" || what == "relay-tests") {
    const auto kind = what == "diagnoses" ? JobKind::diagnosis : JobKind::relay_test;
    if (path.size() > 2) co_return job_answer(visit, kind);
    if (get) co_return history(visit);
    if (!post) co_return wrong_method("GET, POST");
    co_return kind == JobKind::diagnosis ? start_diagnosis(visit) : start_relay_test(visit);
  }
  if (what == "history" && path.size() == 2) co_return get ? history(visit) : wrong_method("GET");
  co_return not_found();
}

}  // namespace smtpdx::web
