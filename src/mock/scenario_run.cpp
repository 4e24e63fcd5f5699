// SPDX-License-Identifier: Apache-2.0
//
// The command of a scenario, read into a Case as the command line does it, so that a scenario runs in process and the
// same line works at a prompt. Only what a scenario needs: what replaces the world is the scenario itself.

#include <algorithm>

#include "base/text.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::mock::detail {
namespace {

std::unexpected<Error> wrong(std::string what, std::string hint = {}) {
  return fail(ErrorKind::malformed, std::move(what), std::move(hint));
}

/// Words as a shell would part them: blanks, '…' and "…" (backslash keeps the next octet within the latter).
Result<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && i + 1 < text.size()) {
        word += text[++i];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (is_space(c)) {
      if (open) words.push_back(std::exchange(word, {}));
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0) return wrong("a quotation mark is not closed");
  if (open) words.push_back(word);
  return words;
}

using Done = Result<void>;

Done set_server(RunSection& run, const std::string& value) {
  run.question.server = HostPort::parse(value);
  return run.question.server ? Done{} : wrong("--server " + value + ": not HOST[:PORT]");
}
Done set_client_tls(RunSection& run, const std::string& value) {
  run.question.client.tls = value == "none" ? diag::TlsMode::plain : diag::tls_mode_from(value);
  return run.question.client.tls ? Done{} : wrong("--client-tls " + value + ": none, starttls or implicit");
}
Done set_client_auth(RunSection& run, const std::string& value) {
  const auto state = diag::auth_state_from(value);
  if (!state) return wrong("--client-auth " + value + ": none, failed or ok");
  run.question.client.auth = *state;
  return {};
}
Done set_client_address(RunSection& run, const std::string& value) {
  run.question.client.address = IpAddress::parse(value);
  return run.question.client.address ? Done{} : wrong("--client-address " + value + ": not an address");
}
Done add_source(RunSection& run, const std::string& value) {
  const auto address = IpAddress::parse(value);
  if (!address) return wrong("--source " + value + ": not an address");
  run.question.sources.push_back(*address);
  return {};
}
Done add_control(RunSection& run, const std::string& value) {
  run.question.controls25.push_back({value, 25});
  run.question.controls587.push_back({value, 587});
  return {};
}
Done set_methods(RunSection& run, const std::string& value) {
  for (auto word : split(value, ',')) {
    std::string upper(trim(word));
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    run.question.mechanisms_of_client.push_back(std::move(upper));
  }
  return {};
}
Done set_auth_methods(RunSection& run, const std::string& value) {
  if (value != "one" && value != "all") return wrong("--auth-methods " + value + ": one or all");
  if (value == "all" && run.question.auth_budget == 1) run.question.auth_budget = 2;
  return {};
}
Done set_auth_budget(RunSection& run, const std::string& value) {
  const auto number = parse_number(value);
  if (!number || *number < 1 || *number > 4) return wrong("--auth-budget takes a number from 1 to 4");
  run.question.auth_budget = static_cast<unsigned>(*number);
  return {};
}
Done set_timeout(RunSection& run, const std::string& value) {
  const auto seconds = parse_number(value);
  if (!seconds || *seconds == 0 || *seconds > 300) return wrong("--timeout takes seconds, at most 300");
  run.timeout = std::chrono::seconds(*seconds);
  return {};
}

struct Option {
  std::string_view name;
  Done (*put)(RunSection&, const std::string&);
};

const Option options[] = {
    {"--text", [](RunSection& r, const std::string& v) { return r.text = v, Done{}; }},
    {"--from", [](RunSection& r, const std::string& v) { return r.question.from = v, Done{}; }},
    {"--to", [](RunSection& r, const std::string& v) { return r.question.to = v, Done{}; }},
    {"--server", set_server},
    {"--user", [](RunSection& r, const std::string& v) { return r.question.user = v, Done{}; }},
    {"--password", [](RunSection& r, const std::string& v) { return r.password = v, Done{}; }},
    {"--auth-mechanism",
     [](RunSection& r, const std::string& v) { return r.mechanism = r.question.auth_mechanism = v, Done{}; }},
    {"--auth-methods", set_auth_methods},
    {"--auth-budget", set_auth_budget},
    {"--helo", [](RunSection& r, const std::string& v) { return r.question.client.helo = v, Done{}; }},
    {"--client-tls", set_client_tls},
    {"--client-auth", set_client_auth},
    {"--client-address", set_client_address},
    {"--client-auth-methods", set_methods},
    {"--source", add_source},
    {"--control", add_control},
    {"--timeout", set_timeout},
};

}  // namespace

Result<RunSection> read_command(std::string_view command) {
  auto words = shell_words(command);
  if (!words) return std::unexpected(words.error());
  if (words->size() < 2 || (*words)[0] != "smtpdx" || (*words)[1] != "diagnose")
    return wrong("a scenario runs \"smtpdx diagnose …\"");
  RunSection run;
  run.command = fold_space(command);
  for (std::size_t i = 2; i < words->size(); ++i) {
    const auto& word = (*words)[i];
    if (word == "-") {
      run.reads_input = true;
      continue;
    }
    const auto* option = std::find_if(std::begin(options), std::end(options), [&](auto& o) { return o.name == word; });
    if (option == std::end(options)) {
      std::vector<std::string> names;
      for (const auto& o : options) names.emplace_back(o.name);
      return wrong("a scenario's command has no " + word, "options: " + join(names, " "));
    }
    if (i + 1 == words->size()) return wrong(word + " needs a value");
    auto done = option->put(run, (*words)[++i]);
    if (!done) return std::unexpected(done.error());
  }
  return run;
}

}  // namespace smtpdx::mock::detail
