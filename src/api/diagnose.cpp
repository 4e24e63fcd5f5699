// SPDX-License-Identifier: Apache-2.0
#include "api/diagnose.hpp"

#include <array>

#include "api/json_object.hpp"
#include "base/text.hpp"
#include "engine/diagnose.hpp"
#include "io/real.hpp"
#include "kb/letters.hpp"
#include "mock/run.hpp"
#include "render/render.hpp"

namespace smtpdx::api {

namespace {

using nlohmann::json;

/// The words of contract §2's levels.
Result<kb::Consent> consent_of(const std::string& word) {
  constexpr std::array words{"local", "dns", "connect", "envelope", "auth"};
  if (word.empty()) return kb::Consent::envelope;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (word == words[i]) return static_cast<kb::Consent>(i);
  return fail(ErrorKind::usage, "consent \"" + word + "\": local, dns, connect, envelope or auth");
}

std::string one_line(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

/// The same zero as the lines of the log have.
json ms_now(const io::Runtime& runtime) { return to_ms(runtime.now().since_start); }

/// Events for somebody who looks on. `runtime` and `emit` must outlive the run.
engine::Watcher watcher_for(const io::Runtime& runtime, const Emit& emit) {
  engine::Watcher watcher;
  if (!emit) return watcher;
  watcher.on_round = [&runtime, &emit](unsigned round, const std::vector<diag::Want>& wants) {
    json j{{"round", round}, {"ms", ms_now(runtime)}, {"questions", json::array()}};
    for (const auto& w : wants) j["questions"].push_back(printable(engine::describe(w)));
    emit("plan", one_line(j));
  };
  watcher.on_observation = [&runtime, &emit](const diag::Observation& o) {
    auto text = render::observation_json(o);
    emit("observation", "{\"at\":" + one_line(ms_now(runtime)) + "," + text.substr(1));
  };
  watcher.on_line = line_watcher(emit);
  return watcher;
}

Result<void> check(const DiagnosisRequest& r) {
  if (r.demo) return {};
  if (r.text.empty() && r.words.to.empty() && r.words.server.empty())
    return fail(ErrorKind::usage, "nothing to diagnose: no refusal, no recipient, no server",
                "give the bounce or its words as \"text\", or a recipient as \"to\"");
  if (!r.login.secret.empty() && r.login.user.empty())
    return fail(ErrorKind::usage, "a password without a user", "add \"user\"");
  if (auto question = question_of(r.words); !question) return std::unexpected(question.error());
  return {};
}

engine::Job job_of(const DiagnosisRequest& request, diag::Case question) {
  engine::Job job;
  job.question = std::move(question);
  job.question.consent = request.consent;
  job.question.have_secret = !request.login.secret.empty();
  if (job.question.have_secret && request.consent == kb::Consent::envelope) job.question.consent = kb::Consent::auth;
  if (!request.text.empty()) job.given = given_by("text", request.text);
  return job;
}

/// Contract §5's document, and in it the letter for what was found, in every language that there is.
std::string document(const diag::Report& report, const trace::Log& log) {
  const render::Subject subject{report, kb::Catalogue::builtin(), &log, {}};
  auto text = render::diagnosis_json(subject);
  json letters = json::object();
  for (const auto& language : kb::letter_languages()) {
    const auto book = kb::letter_book(language);
    const auto letter = book ? render::letter(subject, *book) : std::string();
    if (!letter.empty()) letters[language] = letter;
  }
  text.erase(text.rfind('}'));
  return text + ",\"letters\":" + one_line(letters) + "}\n";
}

}  // namespace

trace::Channel::Watcher line_watcher(const Emit& emit) {
  return [&emit](const trace::Channel& channel, const trace::Line& line) {
    emit("line", one_line({{"channel", channel.id()},
                           {"peer", printable(channel.peer())},
                           {"ms", to_ms(line.at.since_start)},
                           {"dir", std::string(1, static_cast<char>(line.direction))},
                           {"text", printable(line.text)}}));
  };
}

Result<DiagnosisRequest> read_diagnosis_request(std::string_view text) {
  auto body = JsonObject::parse(text);
  if (!body) return std::unexpected(body.error());
  DiagnosisRequest r;
  r.text = body->text("text");
  r.words.to = body->text("to");
  r.words.from = body->text("from");
  r.words.server = body->text("server");
  r.words.user = r.login.user = body->text("user");
  r.login.secret = body->text("password");
  r.login.mechanism = r.words.auth_mechanism = body->text("auth_mechanism");
  r.words.helo = body->text("helo");
  r.demo = body->flag("demo");
  auto client = body->object("client");
  r.words.client_tls = client.text("tls");
  r.words.client_auth = client.text("auth");
  r.words.client_address = client.text("address");
  r.words.client_mechanisms = client.texts("auth_methods");
  const auto consent = consent_of(body->text("consent"));
  if (auto ok = client.done(); !ok) return std::unexpected(ok.error());
  if (auto ok = body->done(); !ok) return std::unexpected(ok.error());
  if (!consent) return std::unexpected(consent.error());
  r.consent = *consent;
  if (auto ok = check(r); !ok) return std::unexpected(ok.error());
  return r;
}

Result<std::string> diagnose(const DiagnosisRequest& request, World& world, const Emit& emit) {
  auto question = question_of(request.words);
  if (!question) return std::unexpected(question.error());
  auto job = job_of(request, std::move(*question));
  world.apply_to(job.question);
  world.log_in_as(request.login);
  if (auto token = token_of(request.login.mechanism, request.login.secret, world.runtime().wall()))
    job.given.push_back(std::move(*token));
  job.watcher = watcher_for(world.runtime(), emit);
  const auto report = io::run(
      world.runtime(), engine::diagnose(world.env(), kb::Catalogue::builtin(), std::move(job), world.deadline()));
  return document(report, world.log());
}

Result<std::string> diagnose(const DiagnosisRequest& request, const mock::Scenario& scenario, const Emit& emit) {
  auto played = scenario;
  if (!request.demo) {
    auto question = question_of(request.words);
    if (!question) return std::unexpected(question.error());
    mock::RunSection run;
    run.question = std::move(*question);
    run.question.consent = request.consent;
    run.reads_input = !request.text.empty();
    run.password = request.login.secret;
    run.mechanism = request.login.mechanism;
    played.input = request.text;
    played.run = std::move(run);
  }
  auto runtime = io::make_runtime();
  auto run =
      io::run(*runtime, mock::run_scenario(*runtime, played, kb::Catalogue::builtin(), watcher_for(*runtime, emit)));
  if (!run) return std::unexpected(run.error());
  return document(run->report, *run->log);
}

}  // namespace smtpdx::api
