// SPDX-License-Identifier: Apache-2.0
#pragma once

// The page and the API: one connection after the other is served here, one request after the other, by the table of
// routes in routes.cpp.

#include <memory>
#include <string>
#include <vector>

#include "http/connection.hpp"
#include "web/callers.hpp"
#include "web/guard.hpp"
#include "web/jobs.hpp"
#include "web/reader.hpp"
#include "web/shelf.hpp"

namespace smtpdx::web {

class Site {
 public:
  /// `shelf` may be null: then nothing is kept. It outlives the site.
  Site(io::Runtime& runtime, Guard guard, RunnerOptions runner, Shelf* shelf);

  const Guard& guard() const { return guard_; }
  Reader& reader() { return reader_; }

  /// Until the client has gone.
  io::Task<void> serve(std::unique_ptr<io::Stream> stream);

 private:
  struct Visit {
    const http::Request& request;
    Endpoint peer;
    std::vector<std::string> segments;  ///< of the path
    std::optional<Caller> caller;       ///< nobody where the request shows no session or token
    const std::string& owner() const { return caller->name; }
  };
  io::Task<void> serve_events(http::Connection& connection, JobPtr job, const http::Request& request);
  io::Task<Answer> answer(const Visit& visit);
  io::Task<Answer> api(const Visit& visit);
  std::optional<Answer> not_allowed(const Visit& visit, std::string_view scope);
  enum class Reading { refusals, letters };
  io::Task<Answer> explain(const Visit& visit, Reading reading);
  io::Task<Answer> job_routes(const Visit& visit, JobKind kind);
  io::Task<Answer> session_route(const Visit& visit);
  Answer nobody() const;
  Answer start_diagnosis(const Visit& visit);
  Answer start_relay_test(const Visit& visit);
  std::optional<Answer> no_mail_port(const std::optional<HostPort>& server) const;
  Answer start(const Visit& visit, NewJob job);
  io::Task<Answer> job_answer(const Visit& visit, JobKind kind);
  io::Task<Answer> stored_answer(const Visit& visit, JobKind kind);
  io::Task<Answer> keep(const Visit& visit, JobPtr job);
  Answer list_jobs(const Visit& visit, JobKind kind) const;
  io::Task<Answer> history(const Visit& visit);
  Answer health() const;
  Answer meta() const;
  Answer metrics() const;
  /// The job whose events are asked for, by somebody who may; null otherwise.
  io::Task<JobPtr> listened_job(const Visit& visit);
  io::Task<JobPtr> stored_job(std::string id, std::string owner);

  io::Runtime& runtime_;
  Guard guard_;
  Callers callers_;
  RateLimit explain_limit_{200, 20}, job_limit_{20, 1.0 / 30};  ///< of an account
  Reader reader_;
  Jobs jobs_;
  Shelf* shelf_;
  /// Idempotency-Key → the job it started, with a digest of the body that went with it; the newest few hundred.
  struct Remembered {
    std::string key, digest, id;
  };
  std::vector<Remembered> remembered_;
  std::uint64_t requests_ = 0, explained_ = 0;
};

}  // namespace smtpdx::web
