// SPDX-License-Identifier: Apache-2.0
#pragma once

// The page and the API: one connection after the other is served here, one request after the other, by the table of
// routes in routes.cpp.

#include <memory>
#include <string>
#include <vector>

#include "http/connection.hpp"
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
    std::string owner;
  };
  io::Task<void> serve_events(http::Connection& connection, JobPtr job, const http::Request& request);
  io::Task<Answer> answer(const Visit& visit);
  io::Task<Answer> api(const Visit& visit);
  io::Task<Answer> open_session(const http::Request& request);
  Answer start_diagnosis(const Visit& visit);
  Answer start_relay_test(const Visit& visit);
  Answer start(const Visit& visit, NewJob job);
  io::Task<Answer> job_answer(const Visit& visit, JobKind kind);
  io::Task<Answer> stored_answer(const Visit& visit, JobKind kind);
  io::Task<Answer> keep(const Visit& visit, JobPtr job);
  Answer list_jobs(const Visit& visit, JobKind kind) const;
  io::Task<Answer> history(const Visit& visit);
  Answer health() const;
  Answer meta() const;
  Answer metrics() const;
  JobPtr listened_job(const http::Request& request, const Endpoint& peer) const;

  io::Runtime& runtime_;
  Guard guard_;
  Reader reader_;
  Jobs jobs_;
  Shelf* shelf_;
  /// Idempotency-Key → the job it started, with the body that went with it; the newest few hundred.
  struct Remembered {
    std::string key, body, id;
  };
  std::vector<Remembered> remembered_;
  std::uint64_t requests_ = 0, explained_ = 0;
};

}  // namespace smtpdx::web
