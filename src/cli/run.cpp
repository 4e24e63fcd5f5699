// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "base/text.hpp"
#include "cli/verbs.hpp"
#include "smtp/reply.hpp"

namespace smtpdx::cli {

namespace {

struct Verb {
  std::string_view name;
  Exit (*run)(const std::vector<std::string>&);
  std::string_view does;
};

constexpr std::array verbs{
    Verb{"explain", explain, "read a bounce or a reply line: who refused, why, whose job (offline)"},
    Verb{"diagnose", diagnose, "the same, then prove the cause with live and static tests"},
    Verb{"relay", relay, "what a server permits, and the single change that flips it"},
    Verb{"check", check, "everything about a domain, host or address: MX, PTR, SPF, DMARC, TLS, DNSSEC"},
    Verb{"lookup", lookup, "one quick question: mx:example.org, ptr:192.0.2.25, dkim:example.org:s1, smtp:HOST"},
    Verb{"spf", spf, "may this address send for this sender? every step of the policy"},
    Verb{"headers", headers, "a message's way, its DKIM, ARC, SPF and DMARC looked at again, and what broke them"},
    Verb{"config", config, "what a configuration would answer to a session, and which line decides"},
    Verb{"causes", causes, "the catalogue of causes, with proof and fix"},
    Verb{"mock", mock, "play a small internet (DNS and SMTP) from a scenario file"},
    Verb{"demo", demo, "the built-in small internet, diagnosed live"},
    Verb{"serve", serve, "the page and the API on this machine; what smtpdx without words does"},
    Verb{"account", account, "accounts and API tokens of a server that others use"},
    Verb{"store", store, "back up, export, import, check what serve keeps"},
};

/// Parts of `serve` that run as processes of their own.
constexpr std::array hidden_verbs{Verb{"sealed-reader", sealed_reader, ""}, Verb{"sealed-runner", sealed_runner, ""}};

const Verb* find_verb(std::string_view name) {
  for (const auto& v : verbs)
    if (v.name == name) return &v;
  for (const auto& v : hidden_verbs)
    if (v.name == name) return &v;
  return nullptr;
}

std::string help() {
  std::string text =
      "smtpdx - why is this mail not getting through, and what do I do about it?\n\nUsage: smtpdx VERB [options]      "
      "smtpdx 'the words of the refusal'\n\n";
  for (const auto& v : verbs) {
    std::string name(v.name);
    name.resize(11, ' ');
    text += "  " + name + std::string(v.does) + "\n";
  }
  return text +
         "  version    the version\n\n"
         "Start with   smtpdx demo\n"
         "then         smtpdx diagnose bounce.eml\n"
         "Options of a verb: smtpdx VERB --help\n";
}

/// A first word that is no verb is guessed only if it can be nothing else (contract §1).
std::vector<std::string> guess(const std::vector<std::string>& args) {
  const auto& first = args.front();
  struct stat info{};
  std::vector<std::string> words;
  if (smtp::parse_reply_line(first)) {
    words = {"explain", "--text"};
  } else if (::stat(first.c_str(), &info) == 0) {
    words = {"explain"};
  } else if (first.find('@') != std::string::npos) {
    words = {"diagnose"};
  } else {
    return {};
  }
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

std::string_view nearest_verb(std::string_view word) {
  std::string_view best;
  std::size_t distance = 4;
  for (const auto& v : verbs)
    if (auto d = edit_distance(word, v.name); d < distance) {
      distance = d;
      best = v.name;
    }
  return best;
}

Exit dispatch(std::vector<std::string> args) {
  if (args.empty()) return serve({});
  if (args.front() == "help" || args.front() == "--help" || args.front() == "-h") {
    if (args.size() > 1) return dispatch({args[1], "--help"});
    print(help());
    return Exit::fine;
  }
  if (args.front() == "version" || args.front() == "--version") {
    print("smtpdx " SMTPDX_VERSION "\n");
    return Exit::fine;
  }
  if (const auto* verb = find_verb(args.front())) {
    args.erase(args.begin());
    return verb->run(args);
  }
  if (!args.front().starts_with("-"))
    if (auto words = guess(args); !words.empty()) return dispatch(std::move(words));
  const auto near = nearest_verb(args.front());
  return complain({ErrorKind::usage, "no verb is called " + args.front(),
                   near.empty() ? "smtpdx help lists them" : "did you mean " + std::string(near) + "?"});
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return static_cast<int>(output_result(dispatch(std::vector<std::string>(argv + 1, argv + argc))));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "smtpdx: internal error: %s\n", e.what());
    return static_cast<int>(Exit::internal);
  }
}

}  // namespace smtpdx::cli
