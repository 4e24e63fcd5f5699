// SPDX-License-Identifier: Apache-2.0
#include "cli/common.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <system_error>

#include "base/text.hpp"

namespace smtpdx::cli {

namespace {
constexpr std::size_t input_limit = 64u << 20;

bool set(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}
}  // namespace

bool OutputOptions::use_color() const {
  if (color == "always") return true;
  if (color == "never" || set("NO_COLOR")) return false;
  if (set("CLICOLOR_FORCE")) return true;
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && term && std::string_view(term) != "dumb";
}

unsigned OutputOptions::width() const {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  return std::clamp<unsigned>(size.ws_col, 60, 120);
}

bool OutputOptions::progress() const { return !quiet && isatty(STDERR_FILENO) != 0; }

void add_output_options(Flags& flags, OutputOptions& o, std::vector<std::string> formats) {
  flags.toggle("--json", o.json, "print one JSON document");
  const auto words = join(formats, ", ");
  flags.choice("--format", o.format, std::move(formats), words);
  flags.choice("--color", o.color, {"auto", "always", "never"}, "auto, always or never");
  flags.toggle("-q,--quiet", o.quiet, "no progress");
  flags.toggle("-v,--verbose", o.verbose, "all steps, all sessions");
  // Contract §2 gives it to all verbs. Most know findings of one severity only, so it changes nothing there.
  flags.quiet_choice("--fail-on", o.fail_on, {"info", "warn", "fail"});
  flags.toggle("--no-input", o.no_input, "never ask for anything");
  flags.text("--product", o.product, "print the steps for this product first");
}

void add_world_options(Flags& flags, WorldOptions& o) {
  flags.list("--resolver", o.resolvers, "ask this DNS server, ADDR[:PORT]; repeatable");
  flags.list("--trust-anchor", o.trust_anchors, "DS or DNSKEY lines to validate DNSSEC from");
  flags.list("--ca", o.ca_files, "PEM file of certificate authorities, added to the system's");
  flags.port("--smtp-port", o.smtp_port, "port on which MX hosts listen");
  flags.list("--connect-to", o.connect_to, "HOST:PORT:ADDR:PORT, as in curl; repeatable");
  flags.list("--source", o.sources, "our own address; a second one is a further vantage");
  flags.list("--control", o.controls, "unrelated host that tells a blocked port 25 from a dead server; repeatable");
  flags.text("--via", o.via, "socks5://HOST:PORT or ssh://[USER@]HOST: connect from there");
  flags.text("--now", o.now, "RFC 3339 time at which certificates and signatures are judged");
  flags.seconds("--timeout", o.timeout, "seconds for the whole run");
  flags.toggle("-4", o.only_v4, "IPv4 only");
  flags.toggle("-6", o.only_v6, "IPv6 only");
  flags.toggle("--i-own-this-server", o.own_server, "no limits on connections and refused recipients");
}

std::vector<std::string> world_arguments(const WorldOptions& o) {
  std::vector<std::string> words;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  };
  const auto add_all = [&](const char* name, const std::vector<std::string>& values) {
    for (const auto& value : values) add(name, value);
  };
  add_all("--resolver", o.resolvers);
  add_all("--trust-anchor", o.trust_anchors);
  add_all("--ca", o.ca_files);
  add_all("--connect-to", o.connect_to);
  add_all("--source", o.sources);
  add_all("--control", o.controls);
  add("--via", o.via);
  add("--now", o.now);
  add("--smtp-port", std::to_string(o.smtp_port));
  add("--timeout", std::to_string(o.timeout));
  if (o.only_v4) words.emplace_back("-4");
  if (o.only_v6) words.emplace_back("-6");
  if (o.own_server) words.emplace_back("--i-own-this-server");
  return words;
}

void add_secret_options(Flags& flags, SecretOptions& o) {
  flags.text("--user", o.user, "log in as; allows one AUTH (consent level L4)");
  flags.text("--password-file", o.file, "first line of this file is the secret");
  flags.text("--password-env", o.env, "environment variable that holds the secret");
  flags.text("--password-command", o.command, "command whose first line of output is the secret");
  flags.text("--password", o.password, "the secret itself (visible to other users of this machine)");
  flags.text("--auth-mechanism", o.mechanism, "PLAIN, LOGIN, SCRAM-SHA-256, XOAUTH2 …");
}

namespace {

std::string first_line(std::string text) {
  auto end = text.find_first_of("\r\n");
  if (end != std::string::npos) text.resize(end);
  return text;
}

Result<std::string> from_command(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return fail(ErrorKind::system, "cannot run the password command");
  std::string out;
  char buffer[512];
  while (out.size() < 65536 && std::fgets(buffer, sizeof buffer, pipe)) out += buffer;
  if (pclose(pipe) != 0) return fail(ErrorKind::unreadable, "the password command failed", "run it by hand to see why");
  return first_line(out);
}

Result<std::string> prompt(const std::string& user) {
  std::fprintf(stderr, "Password for %s: ", user.c_str());
  termios old{}, quiet{};
  const bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
  quiet = old;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  std::string secret;
  std::getline(std::cin, secret);
  if (terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
  std::fputc('\n', stderr);
  return secret;
}

}  // namespace

Result<std::string> read_secret(const SecretOptions& o, const OutputOptions& output) {
  if (o.user.empty()) return std::string();
  if (!o.password.empty()) {
    std::fputs(
        "smtpdx: warning: a secret in the command line is visible to other users of this machine; use "
        "--password-file\n",
        stderr);
    return o.password;
  }
  if (!o.env.empty()) {
    const char* value = std::getenv(o.env.c_str());
    if (!value || !*value) return fail(ErrorKind::usage, "the environment variable " + o.env + " is empty or not set");
    return std::string(value);
  }
  if (!o.file.empty()) {
    auto text = read_input(o.file);
    if (!text) return std::unexpected(text.error());
    return first_line(std::move(*text));
  }
  if (!o.command.empty()) return from_command(o.command);
  if (!output.no_input && isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0) return prompt(o.user);
  return std::string();
}

namespace {

/// What is left out is said: the refusal may stand in it.
std::string within_limit(std::string text, const std::string& name) {
  if (text.size() <= input_limit) return text;
  text.resize(input_limit);
  std::fprintf(stderr, "smtpdx: %s: only the first 64 MiB were read\n", printable(name).c_str());
  std::fputs("        cut out the part that speaks of your mail\n", stderr);
  return text;
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
  if (path == "-") {
    std::string text;
    char buffer[65536];
    while (text.size() <= input_limit) {
      auto n = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return within_limit(std::move(text), "standard input");
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return fail(ErrorKind::unreadable, path + ": no such file", "or give the words themselves with --text");
  if (S_ISDIR(info.st_mode))
    return fail(ErrorKind::unreadable, path + ": is a directory", "give the files in it one by one");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::unreadable, path + ": cannot be read");
  std::string text;
  char buffer[65536];
  while (text.size() <= input_limit && (file.read(buffer, sizeof buffer), file.gcount() > 0))
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
  return within_limit(std::move(text), path);
}

Result<void> write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) return fail(ErrorKind::system, path + ": cannot be written", "is there such a folder, and room in it?");
  return {};
}

Exit complain(const Error& error) {
  std::fprintf(stderr, "smtpdx: %s\n", printable(error.message).c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "        %s\n", printable(error.hint).c_str());
  return error.kind == ErrorKind::internal ? Exit::internal : Exit::usage;
}

namespace {
int output_error = 0;  // errno of the first write to stdout that failed
}

void print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && output_error == 0) output_error = errno;
}

Exit output_result(Exit result) {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  if (output_error == 0 || output_error == EPIPE) return result;
  std::fprintf(stderr, "smtpdx: the output cannot be written: %s\n",
               std::generic_category().message(output_error).c_str());
  return Exit::internal;
}

}  // namespace smtpdx::cli
