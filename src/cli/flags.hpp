// SPDX-License-Identifier: Apache-2.0
#pragma once

// One definition a flag. CLI11 stands behind it in one translation unit: it is dear to compile.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace smtpdx::cli {

/// Exit codes of contract §3; permanent.
enum class Exit { fine = 0, findings = 1, usage = 2, inconclusive = 3, internal = 4 };

/// The command line of one verb. Targets must outlive parse(); they keep their value where the flag is absent.
class Flags {
 public:
  /// `verb` as in "smtpdx explain"; `does` is its first sentence; `examples` come at the end of the help.
  Flags(std::string verb, std::string does, std::string examples);
  ~Flags();
  Flags(const Flags&) = delete;

  enum class Need { optional, required };
  void positional(const std::string& name, std::string& target, const std::string& help, Need need = Need::optional);
  void positionals(const std::string& name, std::vector<std::string>& target, const std::string& help);
  void text(const std::string& names, std::string& target, const std::string& help);
  /// May stand without a value: then the target becomes "".
  void optional_text(const std::string& names, std::optional<std::string>& target, const std::string& help);
  void list(const std::string& names, std::vector<std::string>& target, const std::string& help);
  void choice(const std::string& names, std::string& target, std::vector<std::string> words, const std::string& help);
  /// The same, left out of the help.
  void quiet_choice(const std::string& names, std::string& target, std::vector<std::string> words);
  void toggle(const std::string& names, bool& target, const std::string& help);
  void port(const std::string& names, std::uint16_t& target, const std::string& help);
  void seconds(const std::string& names, double& target, const std::string& help);

  /// Help and mistakes are answered here, and the program should end with the value; nullopt: go on.
  std::optional<Exit> parse(const std::vector<std::string>& args);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace smtpdx::cli
