// SPDX-License-Identifier: Apache-2.0
#include "web/site.hpp"

#include <cstdio>

#include "base/text.hpp"
#include "web/assets.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {

constexpr Duration idle_limit = 60s;   ///< between two requests, and for one to come whole
constexpr Duration write_limit = 60s;  ///< a client that reads nothing for so long is gone
constexpr Duration heartbeat = 15s;    ///< in a silent event stream

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  for (auto part : split(path, '/'))
    if (!part.empty()) segments.emplace_back(part);
  return segments;
}

std::string_view why_not(int status) {
  if (status == 408) return "the request did not come whole within a minute";
  if (status == 413) return "the body is larger than 32 MiB";
  if (status == 431) return "the head is larger than 32 KiB";
  return "this is no HTTP request that can be answered";
}

/// By the path as it is written: the guard, too, tells the API from the page by these octets.
bool is_api(const http::Request& request) { return request.path.starts_with("/v1/"); }

bool accepts_gzip(const http::Request& request) {
  for (auto coding : split(request.field("accept-encoding"), ',')) {
    const auto name = trim(coding.substr(0, coding.find(';')));
    if (iequals(name, "gzip") && coding.find("q=0") == coding.npos) return true;
  }
  return false;
}

/// Files lie at the top and have a known ending; /causes/rcpt.one_mx_stale is a room.
bool names_a_file(std::string_view path) {
  return path.rfind('/') == 0 && (path.ends_with(".ico") || media_type(path) != "application/octet-stream");
}

/// Everything that is neither the API nor a file is the page, which finds its room by the path.
Answer asset_answer(const http::Request& request) {
  const auto* found = asset(request.path);
  if (!found && !names_a_file(request.path)) found = asset("/index.html");
  if (!found) return problem(404, "there is nothing at " + request.path);
  Answer answer;
  const bool packed = accepts_gzip(request) && found->gzip.size() < found->octets.size();
  answer.elsewhere = packed ? found->gzip : found->octets;
  answer.response.fields = {{"Content-Type", std::string(media_type(found->path))},
                            {"Cache-Control", "no-cache"},
                            {"Vary", "Accept-Encoding"}};
  if (packed) answer.response.fields.emplace_back("Content-Encoding", "gzip");
  return answer;
}

}  // namespace

Site::Site(io::Runtime& runtime, Guard guard, RunnerOptions runner, Shelf* shelf)
    : runtime_(runtime),
      guard_(std::move(guard)),
      callers_(runtime, guard_, shelf),
      reader_(runtime),
      jobs_(runtime, std::move(runner)),
      shelf_(shelf) {}

io::Task<void> Site::serve(std::unique_ptr<io::Stream> stream) {
  http::Connection connection(std::move(stream));
  for (;;) {
    auto request = co_await connection.read(runtime_.deadline_in(idle_limit));
    if (!request && !request.error().status) co_return;
    ++requests_;
    if (!request) {
      auto refusal = problem(*request.error().status, why_not(*request.error().status));
      add_security_fields(refusal.response);
      co_await connection.respond(refusal.response, true, false, runtime_.deadline_in(write_limit));
      if (refusal.response.status == 413) co_await connection.let_finish(runtime_, runtime_.deadline_in(10s));
      co_return;
    }
    Visit visit{*request, guard_.client(*request, connection.peer()), segments_of(request->path), std::nullopt};
    if (!guard_.refuses(*request)) visit.caller = co_await callers_.identify(*request, visit.peer);
    if (auto job = co_await listened_job(visit); job) {
      co_await serve_events(connection, job, *request);
      co_return;
    }
    auto given = co_await answer(visit);
    add_security_fields(given.response);
    const auto body = given.response.body.empty() ? given.elsewhere : std::string_view(given.response.body);
    const bool sent = co_await connection.respond(given.response, body, request->method != "HEAD", request->keep_alive,
                                                  runtime_.deadline_in(write_limit));
    if (!sent || !request->keep_alive) co_return;
  }
}

io::Task<JobPtr> Site::listened_job(const Visit& visit) {
  const auto& path = visit.segments;
  const bool events = is_api(visit.request) && path.size() == 4 && path[3] == "events" &&
                      (path[1] == "diagnoses" || path[1] == "relay-tests");
  if (!events || visit.request.method != "GET" || !visit.caller) co_return nullptr;
  const auto kind = path[1] == "diagnoses" ? JobKind::diagnosis : JobKind::relay_test;
  if (!visit.caller->may(kind == JobKind::diagnosis ? "diagnose" : "relay")) co_return nullptr;
  auto job = jobs_.find(path[2], visit.owner());
  if (!job) job = co_await stored_job(path[2], visit.owner());
  co_return job && job->kind == kind ? job : nullptr;
}

/// One of an earlier start: its end is all that is left of its events.
io::Task<JobPtr> Site::stored_job(std::string id, std::string owner) {
  if (!shelf_) co_return nullptr;
  auto get = [id, owner](store::Store& s) { return s.get(id, owner); };
  const auto kept = co_await shelf_->ask(get);
  if (!kept || !*kept) co_return nullptr;
  auto job = std::make_shared<Job>(runtime_);
  job->id = (**kept).id;
  job->kind = (**kept).kind == "diagnosis" ? JobKind::diagnosis : JobKind::relay_test;
  job->status = status_from((**kept).status);
  job->result = trim((**kept).result_json);
  job->saved = true;
  co_return job;
}

namespace {

/// Server-sent events (WHATWG HTML §9.2): data in one line, so that nothing in it can begin another event.
std::string framed(std::size_t id, std::string_view name, std::string_view data) {
  std::string out = "id: " + std::to_string(id) + "\nevent: " + std::string(name) + "\ndata: ";
  for (char c : data) out += c == '\n' || c == '\r' ? ' ' : c;
  return out + "\n\n";
}

std::string end_of(const Job& job) {
  return "{\"status\":\"" + std::string(to_string(job.status)) +
         "\",\"problem\":" + (job.problem.empty() ? "null" : job.problem) + "}";
}

bool is_word(std::string_view name) {
  for (char c : name)
    if (c < 'a' || c > 'z') return false;
  return !name.empty();
}

}  // namespace

io::Task<void> Site::serve_events(http::Connection& connection, JobPtr job, const http::Request& request) {
  http::Response head;
  head.fields = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  add_security_fields(head);
  bool there = co_await connection.begin_stream(head.fields, runtime_.deadline_in(write_limit));
  std::size_t next = 0;
  // A stored one has no events any more: whoever missed its end gets it, whatever he saw of them.
  const auto last = parse_number(request.field("last-event-id"));
  if (last && !(job->events.empty() && is_over(job->status))) next = static_cast<std::size_t>(*last) + 1;
  while (there) {
    std::string out;
    for (; next < job->events.size() && out.size() < 256 * 1024; ++next) {
      const auto& event = job->events[next];
      if (is_word(event.name)) out += framed(next, event.name, event.data);
    }
    const bool all = next >= job->events.size();
    const bool over = is_over(job->status);
    if (all && over && next == job->events.size() && !job->result.empty()) out += framed(next, "verdict", job->result);
    if (all && over) out += framed(job->events.size() + 1, "end", end_of(*job));
    if (!out.empty()) there = co_await connection.write(out, runtime_.deadline_in(write_limit));
    if (all && over) co_return;
    if (!there || !all || next < job->events.size() || is_over(job->status)) continue;
    const bool changed = co_await job->changed.wait(runtime_.deadline_in(heartbeat));
    if (!changed) there = co_await connection.write(": still here\n\n", runtime_.deadline_in(write_limit));
  }
}

io::Task<Answer> Site::answer(const Visit& visit) {
  const auto& request = visit.request;
  if (auto refusal = guard_.refuses(request)) co_return std::move(*refusal);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (is_api(request)) co_return co_await api(visit);
  if (!reads) {
    auto refusal = problem(405, "only GET is understood here");
    refusal.response.fields.emplace_back("Allow", "GET, HEAD");
    co_return refusal;
  }
  if (request.path == "/healthz") co_return health();
  if (request.path == "/metrics") {
    if (guard_.has_accounts() && !visit.caller) co_return problem(401, "counters are for those who have a token");
    co_return metrics();
  }
  if (request.path == "/favicon.ico") co_return asset_answer(request);
  co_return asset_answer(request);
}

}  // namespace smtpdx::web
