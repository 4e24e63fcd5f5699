// SPDX-License-Identifier: Apache-2.0
//
// The API's routes. What they mean stands in openapi.json, which a test holds against this file.

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/diagnose.hpp"
#include "api/json_object.hpp"
#include "api/relay.hpp"
#include "base/text.hpp"
#include "kb/catalogue.hpp"
#include "kb/letters.hpp"
#include "mock/demo.hpp"
#include "mock/scenario.hpp"
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

/// Ids are ours (Jobs::start): what looks otherwise need not be looked for.
bool is_id(std::string_view text) {
  const auto of_ids = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7') || c == '_'; };
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), of_ids);
}

std::string self_link(const Job& job) { return "/v1/" + std::string(collection_of(job.kind)) + "/" + job.id; }

/// Of a body that may hold a password, and is therefore not kept itself (SHA-256).
std::string digest_of(std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned length = 0;
  if (EVP_Digest(body.data(), body.size(), octets.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("no SHA-256");
  return {octets.begin(), octets.begin() + length};
}

/// The body {"saved": true|false}.
Result<bool> read_saved(std::string_view text) {
  auto body = api::JsonObject::parse(text);
  if (!body) return std::unexpected(body.error());
  const bool said = body->has("saved"), saved = body->flag("saved");
  if (auto ok = body->done(); !ok) return std::unexpected(ok.error());
  if (!said) return fail(ErrorKind::usage, "neither keep nor drop", "the body is {\"saved\": true} or false");
  return saved;
}

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

const std::string& demo_bounce() {
  static const auto scenario = mock::parse_scenario("demo", mock::demo_scenario());
  static const std::string none;
  return scenario ? scenario->input : none;
}

std::string started_json(const Job& job) {
  ordered_json j;
  j["id"] = job.id;
  j["status"] = to_string(job.status);
  j["links"] = {{"self", self_link(job)}, {"events", self_link(job) + "/events"}};
  return j.dump() + "\n";
}

/// Everything about one job, of now or out of the store. The documents are put in as they stand.
struct JobView {
  std::string id, kind, status, title, request, input, sealed, result, problem;
  WallTime created;
  bool saved = false;
};

std::string_view kind_of(JobKind kind) { return kind == JobKind::diagnosis ? "diagnosis" : "relay-test"; }

std::string or_null(std::string_view document) {
  document = trim(document);
  return document.empty() ? "null" : std::string(document);
}

std::string job_json(const JobView& job) {
  std::string out = "{\"id\":" + json_text(job.id) + ",\"kind\":" + json_text(job.kind);
  out += ",\"status\":" + json_text(job.status) + ",\"created_at\":" + json_text(time_text(job.created));
  out += std::string(",\"saved\":") + (job.saved ? "true" : "false");
  out += ",\"title\":" + json_text(job.title) + ",\"request\":" + job.request;
  out += ",\"input\":" + (job.input.empty() ? "null" : json_text(job.input));
  out += ",\"sealed\":" + json_text(job.sealed);
  out += ",\"result\":" + or_null(job.result) + ",\"problem\":" + or_null(job.problem);
  return out + "}\n";
}

JobView view_of(const Job& job) {
  return {job.id,
          std::string(kind_of(job.kind)),
          std::string(to_string(job.status)),
          job.title,
          job.request,
          job.input,
          job.sealed,
          job.result,
          job.problem,
          job.created,
          job.saved};
}

JobView view_of(const store::StoredResult& kept) {
  const bool failed = kept.status == to_string(JobStatus::failed);
  return {kept.id,
          kept.kind,
          kept.status,
          kept.title,
          kept.request_json,
          kept.input,
          "",
          failed ? "" : kept.result_json,
          failed ? kept.result_json : "",
          kept.created,
          true};
}

store::StoredResult to_keep(const Job& job) {
  return {job.id,
          job.owner,
          std::string(kind_of(job.kind)),
          job.title,
          std::string(to_string(job.status)),
          job.created,
          std::nullopt,
          job.request,
          job.input,
          job.status == JobStatus::failed ? job.problem : job.result};
}

Answer store_problem(const store::StoreError& error) {
  return problem(error.trouble == store::Trouble::invalid ? 422 : 503, error.message, error.hint);
}

ordered_json listed(std::string_view id, std::string_view kind, const std::string& title, std::string_view status,
                    WallTime created) {
  ordered_json j;
  j["id"] = id;
  j["kind"] = kind;
  j["title"] = title;
  j["status"] = status;
  j["created_at"] = time_text(created);
  return j;
}

std::size_t limit_of(const http::Request& request) {
  const auto given = parse_number(request.parameter("limit").value_or("20"));
  return std::clamp<std::size_t>(given.value_or(20), 1, largest_page);
}

std::string dump(const ordered_json& j) {
  return j.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
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

Answer Site::meta() const {
  ordered_json j;
  j["version"] = SMTPDX_VERSION;
  j["languages"] = kb::letter_languages();
  j["rooms"] = {"explain", "diagnose", "relay", "causes", "demo"};
  if (shelf_) j["rooms"].push_back("history");
  j["consent"] = {{"max", "auth"}};
  j["history"] = shelf_ != nullptr;
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
  line("smtpdx_reader_restarts_total", "counter", "Times the sealed reader was replaced after a fault.",
       reader_.restarts());
  return answer;
}

Answer Site::start(const Visit& visit, NewJob wanted) {
  const std::string key(visit.request.field("idempotency-key"));
  wanted.owner = visit.owner();
  const auto full_key = visit.owner() + "\n" + key;
  for (const auto& r : remembered_) {
    if (key.empty() || r.key != full_key) continue;
    if (r.digest != digest_of(visit.request.body))
      return problem(422, "this Idempotency-Key went with another request", "choose a new key for a new request");
    if (const auto job = jobs_.find(r.id, visit.owner())) return json_answer(202, started_json(*job));
  }
  const auto job = jobs_.start(std::move(wanted));
  if (!job) {
    auto answer = problem(429, job.error().message, job.error().hint);
    answer.response.fields.emplace_back("Retry-After", "30");
    return answer;
  }
  if (!key.empty()) {
    if (remembered_.size() >= most_remembered) remembered_.erase(remembered_.begin());
    remembered_.push_back({full_key, digest_of(visit.request.body), (*job)->id});
  }
  auto answer = json_answer(202, started_json(**job));
  answer.response.fields.emplace_back("Location", self_link(**job));
  return answer;
}

/// The door refuses other ports, too, but for what the server's own administrator named: a resolver, say, is no target.
std::optional<Answer> Site::no_mail_port(const std::optional<HostPort>& server) const {
  const auto& ports = jobs_.options().mail_ports;
  if (!server || server->port == 0 || ports.empty()) return std::nullopt;
  if (std::find(ports.begin(), ports.end(), server->port) != ports.end()) return std::nullopt;
  return problem(422, "port " + std::to_string(server->port) + " is none of the ports of mail",
                 "25, 465, 587 or 2525, or leave it out");
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
  if (auto refusal = no_mail_port(HostPort::parse(request->words.server))) return std::move(*refusal);
  NewJob job;
  job.kind = JobKind::diagnosis;
  job.title = title_of(*request);
  job.request = without_secrets(body);
  job.input = request->demo ? demo_bounce() : request->text;
  job.in_demo = request->demo;
  job.body = std::move(body);
  return start(visit, std::move(job));
}

Answer Site::start_relay_test(const Visit& visit) {
  const auto request = api::read_relay_request(visit.request.body);
  if (!request) return problem(request.error());
  if (auto refusal = no_mail_port(request->host)) return std::move(*refusal);
  NewJob job;
  job.kind = JobKind::relay_test;
  job.title = request->host.host + ": " + request->to;
  job.request = without_secrets(visit.request.body);
  job.body = visit.request.body;
  return start(visit, std::move(job));
}

io::Task<Answer> Site::job_answer(const Visit& visit, JobKind kind) {
  const auto& method = visit.request.method;
  const bool below = visit.segments.size() == 4;
  const bool known = !below || visit.segments[3] == "saved" || visit.segments[3] == "events";
  if (visit.segments.size() > 4 || !known || !is_id(visit.segments[2])) co_return not_found();
  // Who asks for the events of something that is there never comes here.
  if (below && visit.segments[3] == "events") co_return method == "GET" ? not_found() : wrong_method("GET");
  if (below && method != "PUT") co_return wrong_method("PUT");
  if (!below && method != "GET" && method != "HEAD" && method != "DELETE") co_return wrong_method("GET, DELETE");
  const auto job = jobs_.find(visit.segments[2], visit.owner());
  if (!job || job->kind != kind) co_return co_await stored_answer(visit, kind);
  if (below) co_return co_await keep(visit, job);
  if (method != "DELETE") co_return json_answer(200, job_json(view_of(*job)));
  jobs_.forget(job->id, visit.owner());
  if ((job->saved || job->keeping) && shelf_) {
    auto erase = [id = job->id, owner = visit.owner()](store::Store& s) { return s.erase(id, owner); };
    const auto erased = co_await shelf_->ask(erase);
    if (!erased) co_return store_problem(erased.error());
  }
  co_return no_content();
}

/// One that this start of the program knows only from the store.
io::Task<Answer> Site::stored_answer(const Visit& visit, JobKind kind) {
  const auto& method = visit.request.method;
  if (!shelf_) co_return not_found();
  const auto id = visit.segments[2];
  auto get = [id, owner = visit.owner()](store::Store& s) { return s.get(id, owner); };
  auto kept = co_await shelf_->ask(get);
  if (!kept) co_return store_problem(kept.error());
  if (!*kept || (**kept).kind != kind_of(kind)) co_return not_found();
  if (method == "GET" || method == "HEAD") co_return json_answer(200, job_json(view_of(**kept)));
  if (method == "PUT") {
    const auto wanted = read_saved(visit.request.body);
    if (!wanted) co_return problem(wanted.error());
    if (*wanted) co_return no_content();
  }
  auto erase = [id, owner = visit.owner()](store::Store& s) { return s.erase(id, owner); };
  const auto erased = co_await shelf_->ask(erase);
  if (!erased) co_return store_problem(erased.error());
  co_return no_content();
}

/// PUT …/saved {"saved": true|false}: into the store, or out of it.
io::Task<Answer> Site::keep(const Visit& visit, JobPtr job) {
  if (!shelf_) co_return problem(503, "nothing can be kept: there is no store", "see what smtpdx said at its start");
  const auto wanted = read_saved(visit.request.body);
  if (!wanted) co_return problem(wanted.error());
  if (!is_over(job->status)) co_return problem(409, "it still runs", "keep it when it is done");
  if (*wanted) {
    auto put = [kept = to_keep(*job)](store::Store& s) { return s.put(kept); };
    job->keeping = true;  // whoever deletes it meanwhile deletes it there, too
    const auto done = co_await shelf_->ask(put);
    job->keeping = false;
    if (!done) co_return store_problem(done.error());
  } else {
    auto erase = [id = job->id, owner = visit.owner()](store::Store& s) { return s.erase(id, owner); };
    const auto done = co_await shelf_->ask(erase);
    if (!done) co_return store_problem(done.error());
  }
  job->saved = *wanted;
  co_return no_content();
}

Answer Site::list_jobs(const Visit& visit, JobKind kind) const {
  const auto limit = limit_of(visit.request);
  const auto cursor = visit.request.parameter("cursor");
  ordered_json j;
  j["items"] = ordered_json::array();
  j["next"] = nullptr;
  bool begun = !cursor;
  for (const auto& job : jobs_.list(visit.owner())) {
    if (job->kind != kind) continue;
    if (begun && j["items"].size() == limit) {
      j["next"] = j["items"].back()["id"];
      break;
    }
    if (begun) j["items"].push_back(listed(job->id, kind_of(kind), job->title, to_string(job->status), job->created));
    begun = begun || job->id == *cursor;
  }
  if (!begun) return problem(422, "this cursor is not known, or what it stood at is gone", "begin again without one");
  return json_answer(200, dump(j));
}

io::Task<Answer> Site::history(const Visit& visit) {
  if (!shelf_) co_return json_answer(200, "{\"items\":[],\"next\":null}\n");
  store::ResultQuery query;
  query.owner = visit.owner();
  query.limit = limit_of(visit.request);
  query.cursor = visit.request.parameter("cursor").value_or("");
  auto list = [query](store::Store& s) { return s.list(query); };
  const auto page = co_await shelf_->ask(list);
  if (!page) co_return store_problem(page.error());
  ordered_json j;
  j["items"] = ordered_json::array();
  for (const auto& item : page->items)
    j["items"].push_back(listed(item.id, item.kind, item.title, item.status, item.created));
  j["next"] = page->next ? ordered_json(*page->next) : ordered_json(nullptr);
  co_return json_answer(200, dump(j));
}

Answer Site::health() const {
  const auto trouble = shelf_ ? shelf_->trouble() : std::nullopt;
  ordered_json j;
  j["status"] = trouble ? "degraded" : "ok";
  if (trouble) j["store"] = {{"trouble", store::to_string(trouble->trouble)}, {"detail", trouble->message}};
  return json_answer(200, dump(j));
}

/// What an account or token may not do, or not so often.
std::optional<Answer> Site::not_allowed(const Visit& visit, std::string_view scope) {
  if (!visit.caller->may(scope))
    return problem(403, "this token has no scope \"" + std::string(scope) + "\"",
                   "smtpdx account token makes another one");
  if (!guard_.has_accounts() || visit.request.method != "POST") return std::nullopt;
  auto& limit = scope == "explain" ? explain_limit_ : job_limit_;
  if (limit.take(visit.owner(), runtime_.now())) return std::nullopt;
  auto answer = problem(429, "that was often enough for now", "try again in a while");
  answer.response.fields.emplace_back("Retry-After", scope == "explain" ? "5" : "60");
  return answer;
}

io::Task<Answer> Site::explain(const Visit& visit, Reading reading) {
  if (visit.request.method != "POST") co_return wrong_method("POST");
  if (auto refusal = not_allowed(visit, "explain")) co_return std::move(*refusal);
  ++explained_;
  auto question = reading == Reading::letters ? protocol::letters_json : protocol::explain_json;
  if (reading == Reading::refusals && is_type(visit.request, "message/rfc822")) question = protocol::explain_message;
  co_return co_await reader_.ask(question, visit.request.body);
}

io::Task<Answer> Site::job_routes(const Visit& visit, JobKind kind) {
  const bool one = visit.segments.size() > 2;
  const bool saved = visit.segments.size() == 4 && visit.segments[3] == "saved";
  const bool get = visit.request.method == "GET" || visit.request.method == "HEAD";
  const auto scope = saved ? "keep" : kind == JobKind::diagnosis ? "diagnose" : "relay";
  if (auto refusal = not_allowed(visit, scope)) co_return std::move(*refusal);
  if (one) co_return co_await job_answer(visit, kind);
  if (get) co_return list_jobs(visit, kind);
  if (visit.request.method != "POST") co_return wrong_method("GET, POST");
  auto answer = kind == JobKind::diagnosis ? start_diagnosis(visit) : start_relay_test(visit);
  callers_.note(visit.owner(), visit.segments[1], "", std::to_string(answer.response.status));
  co_return answer;
}

io::Task<Answer> Site::session_route(const Visit& visit) {
  const auto& method = visit.request.method;
  if (method == "POST") co_return co_await callers_.log_in(visit.request, visit.peer);
  if (method == "DELETE") co_return co_await callers_.log_out(visit.request);
  if (method != "GET" && method != "HEAD") co_return wrong_method("GET, POST, DELETE");
  if (!visit.caller) co_return nobody();
  ordered_json j;
  j["user"] = visit.owner();
  j["scopes"] = visit.caller->scopes;
  co_return json_answer(200, dump(j));
}

/// 401 with what to do about it: the page shows a form where there are accounts.
Answer Site::nobody() const {
  if (!guard_.has_accounts())
    return problem(401, "this page has no session with smtpdx", "open the address that smtpdx printed");
  auto answer = problem(401, "log in first", "POST /v1/session with user and password, or send an API token");
  auto& body = answer.response.body;
  body.insert(body.rfind('}'), ",\"login\":\"password\"");  // for the page: a form, not the printed address
  return answer;
}

io::Task<Answer> Site::api(const Visit& visit) {
  const auto& path = visit.segments;
  const bool get = visit.request.method == "GET" || visit.request.method == "HEAD";
  const std::string what = path.size() > 1 ? path[1] : "";
  if (what == "session" && path.size() == 2) co_return co_await session_route(visit);
  if (!visit.caller) {
    // Guessing tokens is hopeless; this makes it dull, too.
    if (visit.request.has("authorization")) co_await runtime_.sleep_until(runtime_.now() + 1s);
    co_return nobody();
  }
  if (what == "meta" && path.size() == 2) co_return get ? meta() : wrong_method("GET");
  if (what == "causes" && path.size() <= 3) co_return get ? causes(path) : wrong_method("GET");
  if (what == "explain" && path.size() == 2) co_return co_await explain(visit, Reading::refusals);
  if (what == "letters" && path.size() == 2) co_return co_await explain(visit, Reading::letters);
  if (what == "diagnoses") co_return co_await job_routes(visit, JobKind::diagnosis);
  if (what == "relay-tests") co_return co_await job_routes(visit, JobKind::relay_test);
  if (what == "history" && path.size() == 2) {
    if (!get) co_return wrong_method("GET");
    if (auto refusal = not_allowed(visit, "keep")) co_return std::move(*refusal);
    co_return co_await history(visit);
  }
  co_return not_found();
}

}  // namespace smtpdx::web
