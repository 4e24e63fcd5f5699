// SPDX-License-Identifier: Apache-2.0
#include "web/children.hpp"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "api/diagnose.hpp"
#include "api/explain.hpp"
#include "api/json_object.hpp"
#include "api/prepare.hpp"
#include "api/relay.hpp"
#include "io/door.hpp"
#include "io/group.hpp"
#include "kb/catalogue.hpp"
#include "mock/demo.hpp"
#include "seal/frames.hpp"
#include "seal/seal.hpp"
#include "web/answer.hpp"
#include "web/protocol.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {

constexpr Duration idle_limit = 24h * 365;  ///< the server ends us, not the clock
constexpr Duration send_limit = 60s;
constexpr int could_not_seal = 3;

std::string problem_of(const Error& error) {
  const auto answer = problem(error);
  return answer.response.body;
}

Result<std::string> explain_request(std::string_view body) {
  auto json = api::JsonObject::parse(body);
  if (!json) return std::unexpected(json.error());
  const auto text = json->text("text");
  const api::Aside aside{json->text("to"), json->text("from"), {}};
  if (auto ok = json->done(); !ok) return std::unexpected(ok.error());
  if (text.empty()) return fail(ErrorKind::usage, "nothing to explain", "give the bounce or its words as \"text\"");
  return api::explain_document("text", text, aside);
}

Result<std::string> letters_request(std::string_view body) {
  auto json = api::JsonObject::parse(body);
  if (!json) return std::unexpected(json.error());
  const auto text = json->text("text"), language = json->text("lang");
  const api::Aside aside{json->text("to"), json->text("from"), {}};
  if (auto ok = json->done(); !ok) return std::unexpected(ok.error());
  if (text.empty()) return fail(ErrorKind::usage, "nothing to write about", "give the bounce as \"text\"");
  return api::letters_document("text", text, aside, language.empty() ? "en" : language);
}

Result<std::string> read_question(const seal::Frame& frame) {
  switch (frame.type) {
    case protocol::explain_json:
      return explain_request(frame.bytes);
    case protocol::explain_message:
      return api::explain_document("message", frame.bytes, {}, api::Given::file);
    case protocol::letters_json:
      return letters_request(frame.bytes);
    default:
      return fail(ErrorKind::internal, "an unknown question");
  }
}

io::Task<int> answer_questions(io::Runtime& runtime, seal::Frames& frames) {
  for (;;) {
    const auto frame = co_await frames.receive(runtime.deadline_in(idle_limit));
    if (!frame) co_return 0;
    auto answer = read_question(*frame);
    const auto type = answer ? protocol::result : protocol::problem;
    const std::string document = answer ? std::move(*answer) : problem_of(answer.error());
    const auto sent = co_await frames.send(type, document, runtime.deadline_in(send_limit));
    if (!sent) co_return 0;
  }
}

bool started_by_server() {
  if (::fcntl(protocol::frames_fd, F_GETFD) >= 0) return true;
  std::fputs("smtpdx: this is a part of smtpdx serve, which starts it\n", stderr);
  return false;
}

bool sealed(seal::Seal kind, seal::Limits limits, std::string& words) {
  const auto report = seal::seal_this_process(kind, limits);
  words = report ? report->words() : report.error().message;
  if (!report) std::fprintf(stderr, "smtpdx: cannot be sealed: %s\n", words.c_str());
  return report.has_value();
}

/// Sends without waiting: frames go out in order, and the run goes on meanwhile.
class Outbox {
 public:
  Outbox(io::Runtime& runtime, seal::Frames& frames) : runtime_(runtime), frames_(frames) {}
  void put(std::uint8_t type, std::string bytes) { group_.spawn(send(type, std::move(bytes))); }
  void flush() { io::run(runtime_, wait()); }

 private:
  io::Task<void> send(std::uint8_t type, std::string bytes) {
    const auto sent = co_await frames_.send(type, bytes, runtime_.deadline_in(send_limit));
    (void)sent;  // a server that has gone ends us anyway
  }
  io::Task<bool> wait() {
    co_await group_.join();
    co_return true;
  }
  io::Runtime& runtime_;
  seal::Frames& frames_;
  io::Group group_;
};

using Work = std::function<Result<std::string>(const seal::Frame& job, const api::Emit& emit)>;

/// Receives the one job, does it, sends events and the result.
int run_one(io::Runtime& runtime, seal::Frames& frames, const std::string& held_by, const Work& work) {
  Outbox outbox(runtime, frames);
  outbox.put(protocol::sealed, held_by);
  const auto job = io::run(runtime, frames.receive(runtime.deadline_in(60s)));
  if (!job) return 0;
  const auto result = work(*job, [&](std::string_view event, const std::string& json) {
    outbox.put(protocol::event, std::string(event) + "\n" + json);
  });
  outbox.put(result ? protocol::result : protocol::problem, result ? *result : problem_of(result.error()));
  outbox.flush();
  return 0;
}

/// `World`: the real one, or a scenario.
template <class World>
Result<std::string> ask_in(World& world, const seal::Frame& job, const api::Emit& emit) {
  if (job.type == protocol::relay_test) {
    const auto request = api::read_relay_request(job.bytes);
    return request ? api::relay(*request, world, emit) : std::unexpected(request.error());
  }
  const auto request = api::read_diagnosis_request(job.bytes);
  return request ? api::diagnose(*request, world, emit) : std::unexpected(request.error());
}

}  // namespace

int reader_main() {
  if (!started_by_server()) return 2;
  auto runtime = io::make_runtime();
  seal::Frames frames(*runtime, io::OwnedFd(protocol::frames_fd), protocol::frame_limit);
  api::prepare_for_sealing();
  std::string words;
  if (!sealed(seal::Seal::reader, {}, words)) return could_not_seal;
  const auto told = io::run(*runtime, frames.send(protocol::sealed, words, runtime->deadline_in(send_limit)));
  if (!told) return 0;
  return io::run(*runtime, answer_questions(*runtime, frames));
}

int runner_main(const api::WorldOptions& options) {
  if (!started_by_server()) return 2;
  auto world = api::World::make(options, [](io::Runtime& runtime, std::shared_ptr<io::TlsClient> tls) {
    auto door = io::make_door(runtime, protocol::door_fd, std::move(tls));
    return api::Doors{std::move(door.connector), std::move(door.datagrams)};
  });
  if (!world) {
    std::fprintf(stderr, "smtpdx: %s\n", world.error().message.c_str());
    return 2;
  }
  auto& runtime = (*world)->runtime();
  seal::Frames frames(runtime, io::OwnedFd(protocol::frames_fd), protocol::frame_limit);
  api::prepare_for_sealing();
  std::string words;
  if (!sealed(seal::Seal::runner, {}, words)) return could_not_seal;
  return run_one(runtime, frames, words,
                 [&](const seal::Frame& job, const api::Emit& emit) { return ask_in(**world, job, emit); });
}

int scenario_main(const std::string& name) {
  if (!started_by_server()) return 2;
  std::string text(mock::demo_scenario());
  if (name != "demo") {
    std::ifstream file(name, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    text = content.str();
  }
  auto scenario = mock::parse_scenario(name, text);
  auto runtime = io::make_runtime();
  seal::Frames frames(*runtime, io::OwnedFd(protocol::frames_fd), protocol::frame_limit);
  return run_one(*runtime, frames, "not sealed: a scenario's servers run in this process",
                 [&](const seal::Frame& job, const api::Emit& emit) -> Result<std::string> {
                   if (!scenario) return std::unexpected(scenario.error());
                   return ask_in(*scenario, job, emit);
                 });
}

}  // namespace smtpdx::web
