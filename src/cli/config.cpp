// SPDX-License-Identifier: Apache-2.0
//
// `config decide KIND:PATH`: the relay policy of a configuration, replayed. Where restrictions ask DNS, the answers
// come from a zone file (--zone) or, where --resolver names a resolver, from there: decided once, what was missing is
// looked up, decided again, until nothing is missing.

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "api/world.hpp"
#include "base/text.hpp"
#include "cli/config_verbs.hpp"
#include "cli/verbs.hpp"
#include "dns/resolver.hpp"
#include "intake/session_cases.hpp"
#include "mta/exim/decide.hpp"
#include "mta/expectation.hpp"
#include "mta/postfix/change.hpp"
#include "mta/postfix/decide.hpp"
#include "mta/zone_file.hpp"
#include "render/decision.hpp"
#include "render/expectation.hpp"

namespace smtpdx::cli {
namespace {

namespace exim = mta::exim;
namespace postfix = mta::postfix;

/// A configuration of whatever product, ready to be asked.
using Replay = std::function<mta::Decision(const mta::Session&)>;
/// What would flip an answer; empty for products whose edits are not known.
using Advice = std::function<postfix::ChangeAdvice(const mta::Session&, const mta::Decision&)>;
struct Loaded {
  Replay replay;
  Advice advice;
};

using Options = ConfigOptions;

/// So many sessions get their change without being asked for it: each takes as long as a hundred answers.
constexpr std::size_t few_cases = 50;
constexpr std::chrono::seconds enough_time{5};

constexpr const char* examples =
    "Examples:\n"
    "  smtpdx config decide postfix:/etc/postfix --client 198.51.100.7 --sender a@example.org --rcpt b@example.net\n"
    "  smtpdx config decide postfix:/etc/postfix --port 587 --tls starttls --sasl-user alice --rcpt b@example.net\n"
    "  smtpdx config decide exim:/etc/exim4 --client 198.51.100.7 --sender a@example.org --rcpt b@example.net\n"
    "  smtpdx config decide postfix:./etc --cases sessions.jsonl --zone dns.json --server-address 192.0.2.25/24\n"
    "  smtpdx config expect postfix:./etc policy.expect --format junit > relay.xml\n"
    "  smtpdx config show postfix:/etc/postfix -v\n"
    "  smtpdx config lint postfix:/etc/postfix --fail-on warn\n"
    "  smtpdx config lint postfix:./etc --format sarif > lint.sarif\n"
    "  smtpdx config who-may-relay postfix:/etc/postfix\n"
    "  smtpdx config who-may-relay postfix:/etc/postfix --against postfix:./edited\n"
    "Nothing is written, and no command named in the configuration is run.\n"
    "Exit code of decide: 0 accepted (or all cases answered), 1 refused, 3 it depends on something the files do not\n"
    "say; of lint: 1 a finding as bad as --fail-on says (info, warn or fail, the default);\n"
    "of expect: 1 an expectation that does not hold; of who-may-relay: 1 an open relay, or with --against somebody "
    "more may relay.";

void define(Flags& flags, Options& o) {
  flags.positional("verb", o.verb, "decide, lint, show, expect, who-may-relay", Flags::Need::required);
  flags.positional("configuration", o.target, "postfix:DIRECTORY, exim:DIRECTORY or auto:DIRECTORY",
                   Flags::Need::required);
  flags.positional("file", o.file, "expect: lines such as \"to bob@far.example => reject 554\"; - for stdin");
  flags.text("--client", o.client, "the client's address");
  flags.port("--port", o.port, "the port it comes to (25)");
  flags.text("--helo", o.helo, "its EHLO name");
  flags.text("--tls", o.tls, "starttls or wrapper; nothing: no TLS");
  flags.text("--sasl-user", o.user, "logged in as");
  flags.text("--sender", o.sender, "envelope sender");
  flags.text("--rcpt", o.recipient, "envelope recipient");
  flags.text("--cases", o.cases, "many sessions, one JSON object a line; - for stdin");
  flags.text("--server-address", o.server_address, "the server's own addresses, A/PREFIX,…");
  flags.text("--zone", o.zone, "DNS from a file: {\"records\": {NAME: {TYPE: […]}}, \"servfail\": […]}");
  flags.toggle("--change", o.change, "the change that would flip each answer, for more than 50 --cases, too");
  flags.text("--against", o.against, "who-may-relay: another configuration; says who gains and who loses");
  add_world_options(flags, o.world);
  add_output_options(flags, o.output, {"text", "json", "sarif", "junit"});
}

template <class Configuration>
Result<Loaded> replay_of(Result<Configuration> read, const Options& o) {
  if (!read) return std::unexpected(read.error());
  auto own = intake::read_own_addresses(o.server_address);
  if (!own) return std::unexpected(own.error());
  auto configuration = std::make_shared<Configuration>(std::move(*read));
  configuration->own_addresses = std::move(*own);
  Loaded loaded;
  loaded.replay = [configuration](const mta::Session& session) -> mta::Decision {
    return decide(*configuration, session);
  };
  if constexpr (std::is_same_v<Configuration, postfix::Configuration>)
    loaded.advice = [configuration](const mta::Session& session, const mta::Decision&) {
      return change_for(*configuration, session, decide(*configuration, session));
    };
  return loaded;
}

/// Whose configuration lies there, by the files' names; empty where it is nobody's that we know.
std::string kind_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto there = [&](const char* name) { return std::filesystem::exists(path / name, error); };
  if (there("main.cf")) return "postfix";
  for (const char* name : {"exim.conf", "exim4.conf", "exim4.conf.template", "update-exim4.conf.conf", "configure"})
    if (there(name)) return "exim";
  return {};
}

Result<Loaded> load(const Options& o) {
  const auto colon = o.target.find(':');
  auto kind = o.target.substr(0, colon);
  const auto path = colon == std::string::npos ? std::string() : o.target.substr(colon + 1);
  if (colon != std::string::npos && kind == "auto") {
    kind = kind_of(path);
    if (kind.empty())
      return fail(ErrorKind::unreadable, printable(path, 80) + " holds no configuration that is known here",
                  "name the product: postfix:" + path + " or exim:" + path);
  }
  if (colon != std::string::npos && kind == "postfix") return replay_of(postfix::load(path), o);
  if (colon != std::string::npos && kind == "exim") return replay_of(exim::load(path), o);
  return fail(ErrorKind::usage, "\"" + printable(o.target, 80) + "\" is no KIND:DIRECTORY",
              "what is replayed so far: postfix:/etc/postfix, exim:/etc/exim4, auto:DIRECTORY");
}

Result<intake::SessionCase> typed_case(const Options& o) {
  if (o.recipient.empty())
    return fail(ErrorKind::usage, "no recipient", "say --rcpt ADDRESS, or --cases FILE for many sessions");
  intake::SessionCase one;
  auto& session = one.session;
  if (!o.client.empty()) {
    session.client = IpAddress::parse(o.client);
    if (!session.client) return fail(ErrorKind::usage, "--client " + o.client + ": not an address");
  }
  session.port = o.port;
  if (!o.helo.empty()) session.helo = o.helo;
  auto tls = intake::read_tls(o.tls);
  if (!tls) return fail(ErrorKind::usage, tls.error().message);
  session.tls = *tls;
  if (!o.user.empty()) session.login = mta::Login{o.user, true};
  session.sender = o.sender;
  session.recipient = o.recipient;
  return one;
}

Result<std::vector<intake::SessionCase>> cases_of(const Options& o) {
  if (o.cases.empty()) {
    auto one = typed_case(o);
    if (!one) return std::unexpected(one.error());
    return std::vector{std::move(*one)};
  }
  auto text = read_input(o.cases);
  if (!text) return std::unexpected(text.error());
  return intake::read_session_cases(*text);
}

/// DNS that is asked afterwards: what decide() misses is noted, and found out before the next try.
class LiveNames {
 public:
  static Result<std::unique_ptr<LiveNames>> make(const WorldOptions& options) {
    auto world = api::World::make(options);
    if (!world) return std::unexpected(world.error());
    return std::unique_ptr<LiveNames>(new LiveNames(std::move(*world)));
  }

  mta::Decision decide(const Replay& replay, mta::Session session) {
    session.names = [this](const std::string& name, dns::Type type) { return find(name, type); };
    for (int round = 0;; ++round) {
      auto decision = replay(session);
      if (missing_.empty() || round == max_rounds) return decision;
      look_up();
    }
  }

 private:
  static constexpr int max_rounds = 12;  ///< a name leads to another a few times at most
  explicit LiveNames(std::unique_ptr<api::World> world) : world_(std::move(world)) {}

  std::optional<dns::Answer> find(const std::string& name, dns::Type type) {
    const auto it = known_.find({name, type});
    if (it != known_.end()) return it->second;
    missing_.emplace(name, type);
    return std::nullopt;
  }

  void look_up() {
    auto& env = world_->env();
    for (const auto& [name, type] : missing_)
      known_[{name, type}] = io::run(world_->runtime(), env.resolver.query(name, type, world_->deadline()));
    missing_.clear();
  }

  std::unique_ptr<api::World> world_;
  std::map<std::pair<std::string, dns::Type>, dns::Answer> known_;
  std::set<std::pair<std::string, dns::Type>> missing_;
};

/// Where the sessions' DNS comes from.
struct Ground {
  std::optional<mta::ZoneFile> zone;
  std::unique_ptr<LiveNames> live;

  mta::Decision decide(const Replay& replay, mta::Session session) const {
    if (live) return live->decide(replay, std::move(session));
    return replay(with_names(std::move(session)));
  }
  mta::Session with_names(mta::Session session) const {
    if (zone) session.names = [this](const std::string& name, dns::Type type) { return zone->find(name, type); };
    return session;
  }
};

Result<Ground> ground_of(const Options& o) {
  Ground ground;
  if (!o.zone.empty()) {
    auto text = read_input(o.zone);
    if (!text) return std::unexpected(text.error());
    auto zone = mta::ZoneFile::parse(*text);
    if (!zone) return std::unexpected(zone.error());
    ground.zone = std::move(*zone);
  } else if (!o.world.resolvers.empty()) {
    auto live = LiveNames::make(o.world);
    if (!live) return std::unexpected(live.error());
    ground.live = std::move(*live);
  }
  return ground;
}

Exit exit_of(const mta::Decision& decision) {
  if (decision.verdict == mta::Verdict::unknown) return Exit::inconclusive;
  return decision.verdict == mta::Verdict::accepted ? Exit::fine : Exit::findings;
}

Exit expect(const Options& o, const Replay& replay) {
  if (o.file.empty())
    return complain({ErrorKind::usage, "expect needs a file", "smtpdx config expect " + o.target + " policy.expect"});
  auto text = read_input(o.file);
  if (!text) return complain(text.error());
  auto expectations = mta::read_expectations(*text);
  if (!expectations)
    return complain(
        {expectations.error().kind, o.file + ": " + expectations.error().message, expectations.error().hint});
  auto ground = ground_of(o);
  if (!ground) return complain(ground.error());
  render::ExpectationReport report{o.target, o.file, {}};
  bool all = true;
  for (auto& one : *expectations) {
    auto decision = ground->decide(replay, one.session);
    all = all && mta::holds(one, decision);
    report.results.push_back({std::move(one), std::move(decision)});
  }
  const bool json = o.output.json || o.output.format == "json";
  print(o.output.format == "junit" ? render::expectations_junit(report)
        : json                     ? render::expectations_json(report)
                                   : render::expectations_text(report));
  return all ? Exit::fine : Exit::findings;
}

}  // namespace

Exit config(const std::vector<std::string>& args) {
  Options o;
  Flags flags("smtpdx config", "Replays a server's relay policy: what it answers to a session, and which line decides.",
              examples);
  define(flags, o);
  if (auto done = flags.parse(args)) return *done;
  if (o.output.format == "sarif" && o.verb != "lint")
    return complain({ErrorKind::usage, "--format sarif belongs to config lint", {}});
  if (o.output.format == "junit" && o.verb != "expect")
    return complain({ErrorKind::usage, "--format junit belongs to config expect", {}});
  if (o.verb == "show") return config_show(o);
  if (o.verb == "lint") return config_lint(o);
  if (o.verb == "who-may-relay") return config_who_may_relay(o);
  if (o.verb != "decide" && o.verb != "expect")
    return complain(
        {ErrorKind::usage, "config has no " + printable(o.verb, 40),
         "smtpdx config decide postfix:PATH or exim:PATH, smtpdx config lint|show|expect|who-may-relay postfix:PATH"});
  auto loaded = load(o);
  if (!loaded) return complain(loaded.error());
  if (o.verb == "expect") return expect(o, loaded->replay);
  auto cases = cases_of(o);
  if (!cases) return complain(cases.error());
  auto ground = ground_of(o);
  if (!ground) return complain(ground.error());
  const bool json = o.output.json || o.output.format == "json" || !o.cases.empty();
  const bool advise = loaded->advice && (o.change || cases->size() <= few_cases);
  auto exit = Exit::fine;
  std::chrono::steady_clock::duration spent{};  // on changes; a large configuration takes seconds for each
  for (const auto& one : *cases) {
    const auto decision = ground->decide(loaded->replay, one.session);
    std::optional<postfix::ChangeAdvice> advice;
    if (advise && decision.verdict != mta::Verdict::unknown && (o.change || spent < enough_time)) {
      const auto began = std::chrono::steady_clock::now();
      advice = loaded->advice(ground->with_names(one.session), decision);
      spent += std::chrono::steady_clock::now() - began;
    }
    print(json ? render::decision_json(one.id, decision, advice ? &*advice : nullptr)
               : render::decision_text(decision) + (advice ? render::change_text(*advice) : std::string()));
    if (o.cases.empty()) exit = exit_of(decision);
  }
  return exit;
}

}  // namespace smtpdx::cli
