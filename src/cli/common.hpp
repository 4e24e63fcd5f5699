// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/world.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"
#include "cli/flags.hpp"
#include "diag/case.hpp"
#include "smtp/sasl.hpp"

namespace smtpdx::cli {

/// Options that every verb has.
struct OutputOptions {
  bool json = false;
  std::string format = "text";
  std::string color = "auto";
  bool quiet = false;
  bool verbose = false;
  std::string fail_on = "fail";
  bool no_input = false;
  std::string product;
  bool use_color() const;  ///< --color, NO_COLOR, TERM=dumb, CLICOLOR_FORCE and whether stdout is a terminal
  unsigned width() const;  ///< columns of the terminal, at most 120; 0 where stdout is none: piped lines are not cut
  bool progress() const;   ///< stderr is a terminal and not -q
};

using api::WorldOptions;

struct SecretOptions {
  std::string user, password, file, env, command, mechanism;
};

void add_output_options(Flags& flags, OutputOptions& o, std::vector<std::string> formats = {"text", "json"});
void add_world_options(Flags& flags, WorldOptions& o);
/// The options as a command line that says the same, for a process that we start.
std::vector<std::string> world_arguments(const WorldOptions& o);
void add_secret_options(Flags& flags, SecretOptions& o);

/// Reads the secret from where the options say, or asks for it on a terminal. Empty where no user was given.
Result<std::string> read_secret(const SecretOptions& options, const OutputOptions& output);

/// Whole input: a path, or "-" for stdin. At most 64 MiB; a directory is ErrorKind::unreadable.
Result<std::string> read_input(const std::string& path);

/// Prints "smtpdx: message" and the hint to stderr, and gives the exit code that goes with the kind.
Exit complain(const Error& error);

/// Writes a file whole, in place of one that was there; ErrorKind::system where that cannot be.
Result<void> write_file(const std::string& path, const std::string& content);

/// Writes to stdout and flushes. What fails is remembered for output_result().
void print(const std::string& text);
/// The exit code of a run that would end with `result`: Exit::internal, with a word on stderr, where something printed
/// could not be written (a full disk). A reader that closed its pipe is no failure.
Exit output_result(Exit result);

}  // namespace smtpdx::cli
