// SPDX-License-Identifier: Apache-2.0
#pragma once

// What takes time: diagnoses and relay tests. Each runs in a process of its own (web/children.hpp); here stand what was
// asked, what happened so far, and who listens.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/doorkeeper.hpp"
#include "io/group.hpp"
#include "io/runtime.hpp"
#include "io/signal.hpp"
#include "seal/child.hpp"
#include "web/answer.hpp"

namespace smtpdx::web {

enum class JobKind { diagnosis, relay_test };
enum class JobStatus { queued, running, done, failed, cancelled };
std::string_view to_string(JobStatus status);
/// `failed` for words that are none.
JobStatus status_from(std::string_view word);
inline bool is_over(JobStatus status) { return status != JobStatus::queued && status != JobStatus::running; }

struct JobEvent {
  std::string name;
  std::string data;  ///< JSON in one line
};

/// Belongs to the server's thread. Kept alive by whoever listens.
struct Job {
  explicit Job(io::Runtime& runtime) : changed(runtime) {}
  std::string id;
  JobKind kind = JobKind::diagnosis;
  std::string owner;
  JobStatus status = JobStatus::queued;
  WallTime created;
  bool saved = false;    ///< it is in the store, too
  bool keeping = false;  ///< it is on its way there
  std::string title;
  std::string request;  ///< JSON as asked, without the password
  std::string input;    ///< the text that was given
  std::string sealed;   ///< what holds its process, for people
  std::vector<JobEvent> events;
  std::size_t event_octets = 0;
  std::string result;            ///< the document; empty until done
  std::string problem;           ///< a problem document; empty unless failed
  io::Signal changed;            ///< an event more, or another status
  std::function<void()> cancel;  ///< while it runs
};
using JobPtr = std::shared_ptr<Job>;

struct NewJob {
  JobKind kind = JobKind::diagnosis;
  std::string owner, title, request, input;
  std::string body;      ///< what the runner gets, the password included; not kept
  bool in_demo = false;  ///< in the built-in internet
};

struct JobLimits {
  std::size_t at_once = 4;
  std::size_t waiting = 100;
  std::size_t kept = 200;                       ///< the oldest that are over go first
  std::size_t events = 20'000;                  ///< of one job; further ones are left out, the result never
  std::size_t event_octets = 8u * 1024 * 1024;  ///< of one job
};

struct RunnerOptions {
  std::vector<std::string> world;  ///< the command line's options that replace the world
  std::string scenario;            ///< --world: every run takes place there; empty: in the real world
  Duration timeout{0};             ///< of a run; its process gets a little more
  io::DoorPolicy policy;
  std::vector<std::uint16_t> mail_ports;  ///< a server may be named with; empty: any
};

class Jobs {
 public:
  Jobs(io::Runtime& runtime, RunnerOptions options, JobLimits limits = {});
  ~Jobs();

  /// Error limit where too many wait already.
  Result<JobPtr> start(NewJob job);
  /// Null where there is none, or it is somebody else's.
  JobPtr find(std::string_view id, std::string_view owner) const;
  /// Cancels it if it runs, and forgets it. False where there is none.
  bool forget(std::string_view id, std::string_view owner);
  /// The owner's, newest first.
  std::vector<JobPtr> list(std::string_view owner) const;

  const RunnerOptions& options() const { return options_; }
  std::size_t running() const { return running_; }
  std::size_t started() const { return started_; }

  /// Called when a job is over.
  std::function<void(const Job&)> on_over;

 private:
  struct Process;
  io::Task<void> run(JobPtr job, std::string body, bool in_demo);
  io::Task<void> talk(JobPtr job, Process& process, std::string body, Deadline deadline);
  Result<std::unique_ptr<Process>> spawn(bool in_demo);
  void add_event(Job& job, std::string_view frame);
  void end(Job& job, JobStatus status);
  void drop_old();

  io::Runtime& runtime_;
  RunnerOptions options_;
  JobLimits limits_;
  std::map<std::string, JobPtr, std::less<>> jobs_;
  std::vector<std::string> order_;  ///< ids, oldest first
  std::size_t running_ = 0, started_ = 0;
  io::Signal slot_free_;
  io::Group group_;
};

}  // namespace smtpdx::web
