// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include "api/relay.hpp"
#include "api/world.hpp"
#include "base/text.hpp"
#include "cli/verbs.hpp"
#include "engine/relay.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  WorldOptions world;
  SecretOptions secret;
  std::string host, from, to, helo;
  std::optional<std::string> watch;
};

std::string reply_of(const diag::Attempt& a) {
  if (!a.reply) return std::string(smtp::to_string(a.phase)) + ": " + a.trouble;
  return printable(a.reply->to_string(), 120);
}

std::string table(const engine::RelayMatrix& m, bool color) {
  std::string out;
  for (const auto& row : m.rows) {
    std::string line = row.flips ? "FLIP " : "     ";
    std::string what = row.factor + (row.value.empty() ? "" : ": " + row.value);
    what.resize(std::max<std::size_t>(what.size() + 2, 46), ' ');
    std::string outcome(to_string(row.attempt.outcome));
    outcome.resize(10, ' ');
    line += what + outcome + reply_of(row.attempt);
    out += (row.flips && color ? "\033[1m" + line + "\033[0m" : line) + "\n";
  }
  for (const auto& n : m.not_tried) out += "     not tried: " + n.factor + " (" + n.needs + ")\n";
  return out;
}

std::string verdict_line(const engine::RelayMatrix& m, const Options& o) {
  if (m.rows.empty()) return "OPEN " + m.problem + "\n";
  if (!m.problem.empty()) return "OPEN " + m.problem + "\n";
  const auto& base = m.rows.front();
  const std::string where = o.host + " (" + base.value + ")";
  if (base.attempt.outcome == diag::Outcome::deferred)
    return "OPEN " + where + " puts the mail for " + o.to + " off, which decides nothing: " + reply_of(base.attempt) +
           "\n";
  std::string out = m.permitted()
                        ? "PASS " + where + " takes mail for " + o.to + "\n"
                        : "FAIL " + where + " does not take mail for " + o.to + ": " + reply_of(base.attempt) + "\n";
  if (!m.steady)
    return out + "The same session was decided otherwise when asked again: no change can be told from chance.\n";
  for (const auto& row : m.rows) {
    if (!row.flips || row.factor == "recipient") continue;  // other recipients are controls, no advice
    const bool two = row.factor == "port+auth";
    out += (two ? "The two changes that flip it together: " : "The single change that flips it: ") + row.factor +
           " → " + row.value + "\n";
  }
  return out;
}

/// One run in a world of its own: nothing that DNS said before is remembered.
Result<engine::RelayMatrix> ask(const Options& o, const HostPort& host, const std::string& secret,
                                engine::RelayQuestion::Extent extent) {
  auto world = api::World::make(o.world);
  if (!world) return std::unexpected(world.error());
  (*world)->log_in_as({o.secret.user, secret, o.secret.mechanism});
  diag::Case question;
  (*world)->apply_to(question);
  engine::RelayQuestion q{host,
                          o.from,
                          o.to,
                          secret.empty() ? "" : o.secret.user,
                          question.sources,
                          question.use_v4,
                          question.use_v6,
                          question.random_local_part,
                          question.smtp_port,
                          extent};
  return io::run((*world)->runtime(), engine::relay_matrix((*world)->env(), std::move(q), (*world)->deadline()));
}

// A refusal every three minutes stays below the five in ten minutes at which fail2ban's stock filters ban.
constexpr double watch_default = 180, watch_least = 150, watch_least_own = 5;
constexpr auto watch_longest = std::chrono::hours(24);

Result<double> watch_interval(const Options& o) {
  if (o.watch->empty()) return watch_default;
  const auto seconds = parse_number(*o.watch);
  const auto least = o.world.own_server ? watch_least_own : watch_least;
  if (!seconds || static_cast<double>(*seconds) < least || *seconds > 86400)
    return fail(ErrorKind::usage,
                "--watch " + *o.watch + ": seconds between two tries, at least " + std::to_string(int(least)),
                o.world.own_server ? "" : "a server of your own may be asked more often: --i-own-this-server");
  return static_cast<double>(*seconds);
}

std::string clock_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  char text[16] = {};
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

/// Asks the envelope alone, again and again, until it is accepted; a line for each try.
Exit watch(const Options& o, const HostPort& host, const std::string& secret) {
  const auto interval = watch_interval(o);
  if (!interval) return complain(interval.error());
  const auto started = std::chrono::steady_clock::now();
  for (unsigned tries = 1;; ++tries) {
    auto matrix = ask(o, host, secret, engine::RelayQuestion::Extent::baseline);
    if (!matrix) return complain(matrix.error());
    const bool permitted = matrix->permitted() || matrix->permitted_by_login();
    if (o.output.json || o.output.format == "json") {
      print(api::relay_document(*matrix, o.host));
    } else {
      const auto* last = matrix->rows.empty() ? nullptr : &matrix->rows.front().attempt;
      for (const auto& row : matrix->rows)
        if (row.factor == "auth") last = &row.attempt;
      print(clock_now() + " " +
            (last ? std::string(to_string(last->outcome)) + " " + reply_of(*last) : matrix->problem) + "\n");
    }
    const auto passed = std::chrono::steady_clock::now() - started;
    if (permitted) {
      if (!o.output.json)
        print(tries == 1
                  ? "PASS it is accepted already\n"
                  : "PASS it is accepted now, " + std::to_string(to_ms(passed) / 1000) + " s after the first try\n");
      return Exit::fine;
    }
    if (passed > watch_longest) return Exit::findings;
    std::this_thread::sleep_for(std::chrono::duration<double>(*interval));
  }
}

}  // namespace

Exit relay(const std::vector<std::string>& args) {
  Options o;
  Flags flags(
      "smtpdx relay",
      "The permission matrix of a server: what it answers to this envelope, and the single change that flips it.",
      "Examples:\n  smtpdx relay mx.example.org --from a@example.com --to b@example.org\n"
      "  smtpdx relay smtp.example.com:587 --from a@example.com --to b@example.net --user alice --password-file "
      "secret\n"
      "Never past RCPT. A closed server refuses up to ten recipients for it; stock fail2ban bans at five in ten "
      "minutes.\n"
      "--watch asks the envelope alone every three minutes (or so many seconds) until it is accepted, for a day at "
      "most.\n"
      "Exit code: 0 permitted, 1 refused, 3 could not be tested.");
  flags.positional("host", o.host, "HOST[:PORT]; without a port 25, 465, 587 and 2525 are looked at",
                   Flags::Need::required);
  flags.text("--from", o.from, "envelope sender");
  flags.text("--to", o.to, "recipient");
  flags.text("--helo", o.helo, "EHLO name");
  flags.optional_text("--watch", o.watch, "ask again and again until it is accepted; seconds between two tries");
  add_secret_options(flags, o.secret);
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  if (o.to.empty())
    return complain({ErrorKind::usage, "no recipient", "say --to ADDRESS: the matrix is about one envelope"});
  auto host = HostPort::parse(o.host);
  if (!host) return complain({ErrorKind::usage, o.host + ": not HOST[:PORT]", ""});
  o.world.helo = o.helo;
  auto secret = read_secret(o.secret, o.output);
  if (!secret) return complain(secret.error());
  if (o.watch) return watch(o, *host, *secret);
  auto asked = ask(o, *host, *secret, engine::RelayQuestion::Extent::matrix);
  if (!asked) return complain(asked.error());
  const auto& matrix = *asked;
  if (o.output.json || o.output.format == "json") {
    print(api::relay_document(matrix, o.host));
  } else {
    print(verdict_line(matrix, o) + table(matrix, o.output.use_color()));
  }
  if (matrix.rows.empty() || matrix.rows.front().attempt.outcome == diag::Outcome::failed ||
      matrix.rows.front().attempt.outcome == diag::Outcome::deferred)
    return Exit::inconclusive;
  return matrix.permitted() ? Exit::fine : Exit::findings;
}

}  // namespace smtpdx::cli
