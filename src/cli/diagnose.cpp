// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include "api/question.hpp"
#include "api/read.hpp"
#include "api/world.hpp"
#include "base/text.hpp"
#include "cli/mail_input.hpp"
#include "cli/verbs.hpp"
#include "engine/diagnose.hpp"
#include "intake/config.hpp"
#include "intake/message_trace.hpp"
#include "mock/record.hpp"
#include "render/render.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  WorldOptions world;
  SecretOptions secret;
  std::string input, text, from, to, server, config, trace_csv, helo, client_tls, client_auth, client_address,
      mechanisms, record;
  std::string auth_methods = "one";
  std::string auth_budget;
  std::string language = "en";
  bool letter = false;
};

constexpr const char* examples =
    "Examples:\n"
    "  smtpdx diagnose bounce.eml\n"
    "  smtpdx diagnose --text '554 5.7.1 <bob@example.org>: Relay access denied' --to bob@example.org\n"
    "  smtpdx diagnose --text '554 5.7.1 Relay access denied' --server mail.example.com:587 --user alice \\\n"
    "      --password-file secret --from alice@example.com --to bob@example.org\n"
    "Nothing is ever sent: it stops after RCPT, and logs in only with --user: one refused login, unless "
    "--auth-methods\n"
    "all allows other mechanisms.\n"
    "Exit code: 1 a cause was found, 0 all is accepted, 3 it could not be decided, 2 usage.";

void define(Flags& flags, Options& o) {
  flags.positional("input", o.input, "a bounce or log file, a recipient's address, or - for stdin");
  flags.text("--text", o.text, "the words of the refusal");
  flags.text("--from", o.from, "envelope sender");
  flags.text("--to", o.to, "recipient");
  flags.text("--server", o.server, "your own outgoing server, HOST[:PORT]");
  flags.text("--config", o.config, "the server's configuration, postfix:PATH");
  flags.text("--trace-csv", o.trace_csv, "Exchange Online's message trace of the refused message (extended report)");
  flags.text("--helo", o.helo, "EHLO name of the refused client");
  flags.text("--client-tls", o.client_tls, "how the refused client was protected: none, starttls or implicit");
  flags.text("--client-auth", o.client_auth, "what the refused client did about logging in: none, failed or ok");
  flags.text("--client-address", o.client_address, "the refused client's address as the server saw it");
  flags.text("--client-auth-methods", o.mechanisms, "login mechanisms the client can do, PLAIN,LOGIN");
  flags.choice("--auth-methods", o.auth_methods, {"one", "all"},
               "all: after a refused login other mechanisms may be tried, as far as --auth-budget goes");
  flags.text("--auth-budget", o.auth_budget,
             "refused logins that this run may cause, with --auth-methods all (1 to 4)");
  flags.text("--record", o.record, "write what was seen to FILE, as a scenario that smtpdx mock plays again");
  flags.toggle("--letter", o.letter, "print the letter to the one who can fix it");
  flags.choice("--lang", o.language, {"en", "de", "es", "fr", "ja"}, "the letter's language: en, de, es, fr or ja");
  add_secret_options(flags, o.secret);
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
}

bool is_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

Result<diag::Case> question_of(const Options& o) {
  api::QuestionWords words;
  words.from = o.from;
  words.to = o.to;
  words.server = o.server;
  words.user = o.secret.user;
  words.helo = o.helo;
  words.client_tls = o.client_tls;
  words.client_auth = o.client_auth;
  words.client_address = o.client_address;
  words.client_mechanisms = o.mechanisms;
  words.auth_mechanism = o.secret.mechanism;
  words.auth_methods = o.auth_methods;
  words.auth_budget = o.auth_budget;
  auto c = api::question_of(words);
  if (c) c->has_config = !o.config.empty();
  return c;
}

/// What the user holds, as the first observations. `input` gets the file's octets.
Result<std::vector<diag::Fact>> given_of(const Options& o, diag::Case& c, std::string& input) {
  std::vector<diag::Fact> given;
  if (!o.input.empty() && o.input != "-" && !is_file(o.input) && o.input.find('@') != std::string::npos) {
    if (c.to.empty()) c.to = o.input;
  } else if (!o.input.empty()) {
    auto octets = read_input(o.input);
    if (!octets) return std::unexpected(octets.error());
    input = std::move(*octets);
    given = api::given_by(o.input, input);
  }
  if (o.text.empty()) return given;
  std::erase_if(given, [](const diag::Fact& f) { return std::holds_alternative<diag::RefusalFact>(f); });
  const auto typed = api::read_text("--text", o.text);
  if (const auto* refusal = api::first_refusal(typed)) given.push_back(*refusal);
  return given;
}

Result<void> add_config(const Options& o, const diag::Case& c, const dsn::Refusal* refusal,
                        std::vector<diag::Fact>& given) {
  if (o.config.empty()) return {};
  intake::ConfigQuestion q;
  if (c.client.address) {
    q.client = *c.client.address;
  } else if (auto named = refusal ? IpAddress::parse(refusal->client_address) : std::nullopt) {
    q.client = *named;
  } else if (!c.sources.empty()) {
    q.client = c.sources.front();
  }
  q.port = c.server && c.server->port != 0 ? c.server->port : 25;
  q.sender = diag::sender_of(c, refusal);
  q.recipient = diag::recipient_of(c, refusal);
  auto fact = intake::read_config(o.config, q);
  if (!fact) return std::unexpected(fact.error());
  given.push_back(std::move(*fact));
  return {};
}

/// Before anything is asked: a run that cannot be kept would have to be done again.
Result<void> can_record(const Options& o) { return o.record.empty() ? Result<void>{} : write_file(o.record, ""); }

Result<void> record(const Options& o, const std::string& input, const diag::Report& report, api::World& world) {
  if (o.record.empty()) return {};
  mock::Recording recording{report, world.log(), world.lookups(), o.text, input, o.secret.mechanism, {}, {}};
  recording.title = "Recorded by smtpdx " SMTPDX_VERSION;
  return write_file(o.record, mock::record_scenario(recording));
}

/// RFC 1035 §3.3.13, §8: the first label of RNAME is the local part, with its dots escaped.
std::string mailbox_of(std::string_view rname) {
  std::string local;
  for (std::size_t i = 0; i < rname.size(); ++i) {
    if (rname[i] == '\\' && i + 1 < rname.size()) {
      local += rname[++i];
    } else if (rname[i] == '.') {
      const auto domain = rname.substr(i + 1);
      return local.empty() || domain.find('.') == std::string_view::npos ? "" : local + "@" + canonical_name(domain);
    } else {
      local += rname[i];
    }
  }
  return {};
}

/// For a letter: the contact of the recipient's zone, the nearest SOA upwards.
std::string zone_contact(api::World& world, std::string_view domain) {
  constexpr int deepest = 5;
  for (int i = 0; i < deepest && domain.find('.') != std::string_view::npos; ++i) {
    const auto soa = io::run(world.runtime(), world.env().resolver.query(std::string(domain), dns::Type::SOA,
                                                                         world.runtime().deadline_in(3s)));
    if (soa.status == dns::Status::found && !soa.records.empty()) return mailbox_of(soa.records.front().text);
    domain.remove_prefix(domain.find('.') + 1);
  }
  return {};
}

engine::Watcher progress_of(const OutputOptions& output) {
  engine::Watcher watcher;
  if (!output.progress()) return watcher;
  watcher.on_round = [](unsigned, const std::vector<diag::Want>& wants) {
    for (const auto& w : wants) std::fprintf(stderr, "  … %s\n", engine::describe(w).c_str());
  };
  return watcher;
}

}  // namespace

Exit exit_of(const diag::Report& report) {
  switch (report.conclusion) {
    case diag::Conclusion::problem:
      return Exit::findings;
    case diag::Conclusion::no_problem:
      return Exit::fine;
    case diag::Conclusion::inconclusive:
      return Exit::inconclusive;
  }
  return Exit::internal;
}

Exit diagnose(const std::vector<std::string>& args) {
  Options o;
  Flags flags("smtpdx diagnose",
              "Finds the cause of a refusal by proving it: reads what you have, asks DNS and the servers, rules the "
              "others out.",
              examples);
  define(flags, o);
  if (auto done = flags.parse(args)) return *done;
  o.output.json = o.output.json || o.output.format == "json";
  auto question = question_of(o);
  if (!question) return complain(question.error());
  std::string input;
  auto given = given_of(o, *question, input);
  if (!given) return complain(given.error());
  const dsn::Refusal* refusal = nullptr;
  for (const auto& f : *given)
    if (const auto* r = std::get_if<diag::RefusalFact>(&f)) refusal = &r->refusal;
  if (!refusal && question->to.empty() && !question->server && given->empty())
    return complain({ErrorKind::usage, "nothing to diagnose: no refusal, no recipient, no server",
                     "give the bounce as a file, or --text with --to, or --server with --to"});
  // The facts move when others join them.
  std::optional<dsn::Refusal> refused;
  if (refusal) refused = *refusal;
  if (!o.trace_csv.empty()) {
    auto trace = read_trace(o.trace_csv, diag::recipient_of(*question, refused ? &*refused : nullptr), input);
    if (!trace) return complain(trace.error());
    given->push_back(std::move(*trace));
  }
  o.world.record = !o.record.empty();
  if (auto ok = can_record(o); !ok) return complain(ok.error());
  auto world = api::World::make(o.world);
  if (!world) return complain(world.error());
  (*world)->apply_to(*question);
  auto config = add_config(o, *question, refused ? &*refused : nullptr, *given);
  if (!config) return complain(config.error());
  auto secret = read_secret(o.secret, o.output);
  if (!secret) return complain(secret.error());
  (*world)->log_in_as({o.secret.user, *secret, o.secret.mechanism});
  if (auto token = api::token_of(o.secret.mechanism, *secret, (*world)->runtime().wall()))
    given->push_back(std::move(*token));
  if (!secret->empty()) {
    question->have_secret = true;
    question->consent = kb::Consent::auth;
  }
  engine::Job job;
  job.question = std::move(*question);
  job.given = std::move(*given);
  job.watcher = progress_of(o.output);
  const auto& catalogue = kb::Catalogue::builtin();
  auto report =
      io::run((*world)->runtime(), engine::diagnose((*world)->env(), catalogue, std::move(job), (*world)->deadline()));
  if (auto ok = record(o, input, report, **world); !ok) return complain(ok.error());
  render::Subject subject{report, catalogue, &(*world)->log()};
  if (o.letter) {
    const auto* refused_now = report.refusal ? &report.refusal->refusal : nullptr;
    subject.zone_contact = zone_contact(**world, domain_of(diag::recipient_of(report.question, refused_now)));
    print(render::letter(subject, *kb::letter_book(o.language)));
  } else if (o.output.json) {
    print(render::diagnosis_json(subject));
  } else {
    print(render::text(subject, {o.output.use_color(), o.output.verbose, o.output.width(), o.output.product, ""}));
  }
  return exit_of(report);
}

}  // namespace smtpdx::cli
