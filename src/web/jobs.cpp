// SPDX-License-Identifier: Apache-2.0
#include "web/jobs.hpp"

#include <algorithm>

#include "io/pipe.hpp"
#include "seal/frames.hpp"
#include "web/guard.hpp"
#include "web/protocol.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {
constexpr Duration grace = 15s;  ///< beyond a run's own deadline, for start and report
}

std::string_view to_string(JobStatus status) {
  switch (status) {
    case JobStatus::queued:
      return "queued";
    case JobStatus::running:
      return "running";
    case JobStatus::done:
      return "done";
    case JobStatus::failed:
      return "failed";
    case JobStatus::cancelled:
      return "cancelled";
  }
  return "failed";
}

JobStatus status_from(std::string_view word) {
  for (const auto status : {JobStatus::queued, JobStatus::running, JobStatus::done, JobStatus::cancelled})
    if (to_string(status) == word) return status;
  return JobStatus::failed;
}

struct Jobs::Process {
  Process(io::Runtime& runtime, std::unique_ptr<seal::Child> c, io::OwnedFd frames_fd, io::OwnedFd door_fd,
          io::DoorPolicy policy)
      : child(std::move(c)),
        frames(runtime, std::move(frames_fd), protocol::frame_limit),
        doorkeeper(runtime, std::move(door_fd), std::move(policy)) {}
  std::unique_ptr<seal::Child> child;
  seal::Frames frames;
  io::Doorkeeper doorkeeper;
  io::Group group;
};

Jobs::Jobs(io::Runtime& runtime, RunnerOptions options, JobLimits limits)
    : runtime_(runtime), options_(std::move(options)), limits_(limits), slot_free_(runtime) {}

Jobs::~Jobs() = default;

Result<JobPtr> Jobs::start(NewJob wanted) {
  std::size_t waiting = 0;
  for (const auto& [id, job] : jobs_) waiting += job->status == JobStatus::queued ? 1 : 0;
  if (waiting >= limits_.waiting)
    return fail(ErrorKind::limit, "too many diagnoses wait already", "try again in a minute");
  auto job = std::make_shared<Job>(runtime_);
  job->id = (wanted.kind == JobKind::diagnosis ? "d_" : "r_") + random_word();
  job->kind = wanted.kind;
  job->owner = std::move(wanted.owner);
  job->title = std::move(wanted.title);
  job->request = std::move(wanted.request);
  job->input = std::move(wanted.input);
  job->created = runtime_.wall();
  jobs_[job->id] = job;
  order_.push_back(job->id);
  ++started_;
  drop_old();
  group_.spawn(run(job, std::move(wanted.body), wanted.in_demo));
  return job;
}

JobPtr Jobs::find(std::string_view id, std::string_view owner) const {
  const auto it = jobs_.find(id);
  return it != jobs_.end() && it->second->owner == owner ? it->second : nullptr;
}

bool Jobs::forget(std::string_view id, std::string_view owner) {
  const auto job = find(id, owner);
  if (!job) return false;
  if (!is_over(job->status)) end(*job, JobStatus::cancelled);
  if (job->cancel) job->cancel();
  jobs_.erase(job->id);
  std::erase(order_, job->id);
  return true;
}

std::vector<JobPtr> Jobs::list(std::string_view owner) const {
  std::vector<JobPtr> found;
  for (auto id = order_.rbegin(); id != order_.rend(); ++id)
    if (auto job = find(*id, owner)) found.push_back(std::move(job));
  return found;
}

void Jobs::drop_old() {
  for (auto id = order_.begin(); id != order_.end() && order_.size() > limits_.kept;) {
    const auto it = jobs_.find(*id);
    if (it != jobs_.end() && !is_over(it->second->status)) {
      ++id;
      continue;
    }
    if (it != jobs_.end()) jobs_.erase(it);
    id = order_.erase(id);
  }
}

void Jobs::add_event(Job& job, std::string_view frame) {
  const auto line_end = frame.find('\n');
  if (line_end == frame.npos || job.events.size() >= limits_.events) return;
  if (job.event_octets + frame.size() > limits_.event_octets) return;
  job.event_octets += frame.size();
  job.events.push_back({std::string(frame.substr(0, line_end)), std::string(frame.substr(line_end + 1))});
  job.changed.notify();
}

void Jobs::end(Job& job, JobStatus status) {
  if (is_over(job.status)) return;
  job.status = status;
  if (on_over) on_over(job);
  job.changed.notify();
}

Result<std::unique_ptr<Jobs::Process>> Jobs::spawn(bool in_demo) {
  auto frames = io::socket_pair(io::PipeKind::stream);
  if (!frames) return std::unexpected(frames.error());
  auto door = io::socket_pair(io::PipeKind::messages);
  if (!door) return std::unexpected(door.error());
  seal::ChildOptions child;
  child.arguments = {"sealed-runner"};
  const auto scenario = in_demo ? std::string("demo") : options_.scenario;
  if (scenario.empty()) {
    child.arguments.insert(child.arguments.end(), options_.world.begin(), options_.world.end());
  } else {
    child.arguments.insert(child.arguments.end(), {"--scenario", scenario});
  }
  child.descriptors.push_back(std::move(frames->theirs));
  child.descriptors.push_back(std::move(door->theirs));
  auto started = seal::Child::spawn(runtime_, std::move(child));
  if (!started) return std::unexpected(started.error());
  return std::make_unique<Process>(runtime_, std::move(*started), std::move(frames->ours), std::move(door->ours),
                                   options_.policy);
}

namespace {

io::Task<void> keep_door(io::Doorkeeper& doorkeeper, Deadline deadline) {
  const auto end = co_await doorkeeper.serve(deadline);
  (void)end;  // whatever it was, the child's own frames tell what came of it
}

}  // namespace

io::Task<void> Jobs::run(JobPtr job, std::string body, bool in_demo) {
  while (running_ >= limits_.at_once && !is_over(job->status)) co_await slot_free_.wait(runtime_.deadline_in(1h));
  if (is_over(job->status)) co_return;
  /// The place among those at once, given back however this ends.
  struct Slot {
    Jobs& jobs;
    explicit Slot(Jobs& j) : jobs(j) { ++jobs.running_; }
    ~Slot() {
      --jobs.running_;
      jobs.slot_free_.notify();
    }
  } slot(*this);
  auto process = spawn(in_demo);
  if (!process) {
    job->problem = problem_json(503, process.error().message, process.error().hint);
    end(*job, JobStatus::failed);
    co_return;
  }
  job->status = JobStatus::running;
  job->cancel = [child = (*process)->child.get()] { child->kill(); };
  job->changed.notify();
  const auto deadline = runtime_.deadline_in(options_.timeout + grace);
  (*process)->group.spawn(keep_door((*process)->doorkeeper, deadline));
  co_await talk(job, **process, std::move(body), deadline);
  job->cancel = nullptr;
}

/// Hands the job over and takes what comes until there is a result or an end.
io::Task<void> Jobs::talk(JobPtr job, Process& process, std::string body, Deadline deadline) {
  const auto question = job->kind == JobKind::diagnosis ? protocol::diagnosis : protocol::relay_test;
  const auto sent = co_await process.frames.send(question, body, deadline);
  while (sent && !is_over(job->status)) {
    auto frame = co_await process.frames.receive(deadline);
    if (!frame) break;
    if (frame->type == protocol::event) add_event(*job, frame->bytes);
    if (frame->type == protocol::sealed) job->sealed = std::move(frame->bytes);
    if (frame->type == protocol::problem) {
      job->problem = std::move(frame->bytes);
      end(*job, JobStatus::failed);
    }
    if (frame->type == protocol::result) {
      job->result = std::move(frame->bytes);
      end(*job, JobStatus::done);
    }
  }
  if (is_over(job->status)) co_return;
  const bool late = deadline.passed(runtime_.now());
  process.child->kill();
  const auto exit = co_await process.child->wait(runtime_.deadline_in(5s));
  job->problem = problem_json(500,
                              late ? "the diagnosis did not end in time"
                                   : "the process of this diagnosis " + (exit ? exit->to_string() : "is gone"),
                              "try again; if it happens again, please report it");
  end(*job, JobStatus::failed);
}

}  // namespace smtpdx::web
