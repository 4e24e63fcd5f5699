// SPDX-License-Identifier: Apache-2.0
#include "web/reader.hpp"

#include <cstdio>

#include "io/pipe.hpp"
#include "web/protocol.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {
constexpr Duration patience = 30s;  ///< for one answer
/// A reader that was taken over sees what passes through it from then on: each serves for a while only.
constexpr std::size_t most_questions = 20'000;
constexpr Duration longest_service = 10min;

Answer broke_at(const std::string& words) {
  return problem(500, "this input could not be read: the process that reads it " + words,
                 "the rest works on; please report the input if you can share it");
}

Answer cannot_begin(const std::string& words) {
  return problem(503, "mails cannot be read here: the process for it " + words,
                 "whoever runs this server finds more in its log");
}

}  // namespace

/// One request under way. Lives in the coroutine that asks.
struct Reader::Waiting {
  explicit Waiting(io::Runtime& runtime) : changed(runtime) {}
  io::Signal changed;
  std::optional<Answer> answer;
  bool again = false;  ///< the child broke at an earlier request: ask the next one
};

struct Reader::Process {
  Process(io::Runtime& runtime, std::unique_ptr<seal::Child> c, io::OwnedFd fd)
      : child(std::move(c)), frames(runtime, std::move(fd), protocol::frame_limit) {}
  std::unique_ptr<seal::Child> child;
  seal::Frames frames;
  std::deque<Waiting*> waiting;  ///< in the order asked; null where nobody waits any more
  bool begun = false;            ///< it closed itself up, and reads
  bool broken = false;
  bool retired = false;  ///< asked no more; ends when all are answered
  std::size_t asked = 0;
  TimePoint since;
};

Reader::Reader(io::Runtime& runtime) : runtime_(runtime) {}
Reader::~Reader() = default;

Result<void> Reader::start() {
  if (process_ && !process_->broken && !is_worn(*process_)) return {};
  auto pair = io::socket_pair(io::PipeKind::stream);
  if (!pair) return std::unexpected(pair.error());
  seal::ChildOptions options;
  options.arguments = {"sealed-reader"};
  options.descriptors.push_back(std::move(pair->theirs));
  auto child = seal::Child::spawn(runtime_, std::move(options));
  if (!child) return std::unexpected(child.error());
  if (process_ && process_->broken) ++restarts_;
  if (process_ && !process_->broken) retire(*process_);
  process_ = std::make_shared<Process>(runtime_, std::move(*child), std::move(pair->ours));
  process_->since = runtime_.now();
  group_.spawn(listen(process_));
  return {};
}

bool Reader::is_worn(const Process& process) const {
  return process.asked >= most_questions || (process.asked > 0 && runtime_.now() - process.since > longest_service);
}

void Reader::retire(Process& process) {
  process.retired = true;
  if (process.waiting.empty()) process.child->kill();
}

/// Takes the answers as they come until the child ends; then tells those who still wait.
io::Task<void> Reader::listen(std::shared_ptr<Process> process) {
  auto& p = *process;
  std::string words = "it stopped answering";
  while (!p.broken && !(p.retired && p.waiting.empty())) {
    auto frame = co_await p.frames.receive(runtime_.deadline_in(1h));
    if (!frame && frame.error().kind == io::Failure::timed_out) continue;
    if (!frame) break;
    if (frame->type == protocol::sealed) {
      p.begun = true;
      continue;
    }
    if (p.waiting.empty()) break;  // an answer that nobody asked for
    auto* waiting = p.waiting.front();
    p.waiting.pop_front();
    if (!waiting) continue;
    if (frame->type == protocol::result) {
      waiting->answer = json_answer(200, std::move(frame->bytes));
    } else {
      waiting->answer = json_answer(422, std::move(frame->bytes));
      waiting->answer->response.fields.front().second = "application/problem+json";
    }
    waiting->changed.notify();
  }
  p.broken = true;
  p.frames.close();
  p.child->kill();
  const auto exit = co_await p.child->wait(runtime_.deadline_in(5s));
  if (exit) words = exit->to_string();
  fail_first(p, words);
}

/// The first who waits had the request at which the child broke, unless it never came so far as to read one.
void Reader::fail_first(Process& p, std::string words) {
  const bool served_its_time = p.retired && p.waiting.empty();
  if (!p.begun && !served_its_time) {
    std::fprintf(stderr, "smtpdx: mails cannot be read here: the process for it %s\n", words.c_str());
  } else if (!p.waiting.empty()) {
    std::fprintf(stderr, "smtpdx: the sealed reader %s; a new one takes over\n", words.c_str());
  }
  bool first = true;
  for (auto* waiting : p.waiting) {
    if (waiting && first) waiting->answer = p.begun ? broke_at(words) : cannot_begin(words);
    if (waiting && !first) waiting->again = true;
    if (waiting) waiting->changed.notify();
    first = false;
  }
  p.waiting.clear();
}

io::Task<Answer> Reader::ask(std::uint8_t question, std::string_view octets) {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    if (auto ok = start(); !ok) co_return problem(ok.error());
    const auto process = process_;
    Waiting waiting(runtime_);
    process->waiting.push_back(&waiting);
    ++process->asked;
    /// Whoever is abandoned must not be written to.
    struct Leave {
      Process& process;
      Waiting* self;
      ~Leave() {
        for (auto& w : process.waiting)
          if (w == self) w = nullptr;
      }
    } leave{*process, &waiting};
    const auto deadline = runtime_.deadline_in(patience);
    const auto sent = co_await process->frames.send(question, octets, deadline);
    while (sent && !waiting.answer && !waiting.again) {
      const bool told = co_await waiting.changed.wait(deadline);
      if (!told) break;
    }
    if (waiting.answer) co_return std::move(*waiting.answer);
    if (!waiting.again && sent) {  // silence: it may be stuck in a loop
      process->child->kill();
      co_return problem(504, "reading this took longer than half a minute", "give the part that speaks of the refusal");
    }
  }
  co_return problem(503, "the process that reads mails cannot be kept running", "see the server's log");
}

}  // namespace smtpdx::web
