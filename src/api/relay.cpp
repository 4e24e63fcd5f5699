// SPDX-License-Identifier: Apache-2.0
#include "api/relay.hpp"

#include "api/json_object.hpp"
#include "base/text.hpp"
#include "engine/relay.hpp"
#include "mock/scenario_world.hpp"

namespace smtpdx::api {

Result<RelayRequest> read_relay_request(std::string_view text) {
  auto body = JsonObject::parse(text);
  if (!body) return std::unexpected(body.error());
  RelayRequest r;
  const auto host = body->text("host");
  r.from = body->text("from");
  r.to = body->text("to");
  r.helo = body->text("helo");
  r.login = {body->text("user"), body->text("password"), body->text("auth_mechanism")};
  if (auto ok = body->done(); !ok) return std::unexpected(ok.error());
  const auto parsed = HostPort::parse(host);
  if (!parsed) return fail(ErrorKind::usage, "host \"" + host + "\": not HOST[:PORT]");
  r.host = *parsed;
  if (r.to.empty()) return fail(ErrorKind::usage, "no recipient", "add \"to\": the matrix is about one envelope");
  if (!r.login.secret.empty() && r.login.user.empty())
    return fail(ErrorKind::usage, "a password without a user", "add \"user\"");
  return r;
}

namespace {

engine::RelayQuestion question_of(const RelayRequest& request) {
  engine::RelayQuestion q;
  q.server = request.host;
  q.from = request.from;
  q.to = request.to;
  q.user = request.login.secret.empty() ? "" : request.login.user;
  return q;
}

Result<std::string> ask(const RelayRequest& request, probes::Env& env, engine::RelayQuestion question,
                        Deadline deadline) {
  const auto matrix = io::run(env.runtime, engine::relay_matrix(env, std::move(question), deadline));
  const auto port = request.host.port == 0 ? "" : ":" + std::to_string(request.host.port);
  return relay_document(matrix, request.host.host + port);
}

}  // namespace

Result<std::string> relay(const RelayRequest& request, World& world, const Emit& emit) {
  world.log_in_as(request.login);
  if (emit) world.log().watch(line_watcher(emit));
  diag::Case question;
  world.apply_to(question);
  auto q = question_of(request);
  q.sources = question.sources;
  q.use_v4 = question.use_v4;
  q.use_v6 = question.use_v6;
  q.random_local_part = question.random_local_part;
  q.smtp_port = question.smtp_port;
  return ask(request, world.env(), std::move(q), world.deadline());
}

Result<std::string> relay(const RelayRequest& request, const mock::Scenario& scenario, const Emit& emit) {
  auto runtime = io::make_runtime();
  std::optional<smtp::Credentials> credentials;
  if (!request.login.secret.empty()) {
    credentials.emplace();
    credentials->user = request.login.user;
    credentials->secret = request.login.secret;
    if (!request.login.mechanism.empty()) credentials->mechanism = request.login.mechanism;
  }
  auto world = mock::ScenarioWorld::open(*runtime, scenario, std::move(credentials));
  if (!world) return std::unexpected(world.error());
  if (emit) (*world)->log().watch(line_watcher(emit));
  auto q = question_of(request);
  q.random_local_part = mock::nobody_local_part;
  return ask(request, (*world)->env(), std::move(q), runtime->deadline_in(mock::RunSection{}.timeout));
}

std::string relay_document(const engine::RelayMatrix& m, const std::string& host) {
  nlohmann::ordered_json j;
  j["schema"] = "smtpdx.relay/1";
  j["host"] = host;
  j["permitted"] = m.rows.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(m.permitted());
  if (!m.problem.empty()) j["problem"] = printable(m.problem);
  j["steady"] = m.steady;
  j["rows"] = nlohmann::ordered_json::array();
  for (const auto& row : m.rows) {
    nlohmann::ordered_json r;
    r["factor"] = row.factor;
    r["value"] = row.value;
    r["server"] = row.attempt.shape.server.to_string();
    r["tls"] = to_string(row.attempt.shape.tls);
    r["mail_from"] = row.attempt.shape.mail_from;
    r["rcpt_to"] = row.attempt.shape.rcpt_to;
    r["source"] = row.attempt.shape.source.empty() ? nlohmann::ordered_json(nullptr)
                                                   : nlohmann::ordered_json(row.attempt.shape.source);
    r["helo"] = row.attempt.shape.helo;
    r["user"] = row.attempt.shape.user.empty() ? nlohmann::ordered_json(nullptr)
                                               : nlohmann::ordered_json(row.attempt.shape.user);
    r["outcome"] = to_string(row.attempt.outcome);
    r["phase"] = smtp::to_string(row.attempt.phase);
    r["reply"] = row.attempt.reply ? nlohmann::ordered_json(printable(row.attempt.reply->to_string()))
                                   : nlohmann::ordered_json(nullptr);
    r["flips"] = row.flips;
    j["rows"].push_back(std::move(r));
  }
  j["not_tried"] = nlohmann::ordered_json::array();
  for (const auto& n : m.not_tried) j["not_tried"].push_back({{"factor", n.factor}, {"needs", n.needs}});
  j["elapsed_ms"] = to_ms(m.elapsed);
  return j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace smtpdx::api
