// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.hpp"

#include <CLI/CLI.hpp>

#include "cli/common.hpp"

namespace smtpdx::cli {

struct Flags::Parser {
  CLI::App app;
  struct Optional {
    CLI::Option* option;
    std::string value;
    std::optional<std::string>* target;
  };
  std::vector<std::unique_ptr<Optional>> optionals;
};

Flags::Flags(std::string verb, std::string does, std::string examples) : parser_(std::make_unique<Parser>()) {
  parser_->app.name(std::move(verb));
  parser_->app.description(std::move(does));
  parser_->app.footer(std::move(examples));
  parser_->app.set_help_flag("-h,--help", "this text");
}
Flags::~Flags() = default;

void Flags::positional(const std::string& name, std::string& target, const std::string& help, Need need) {
  parser_->app.add_option(name, target, help)->required(need == Need::required);
}
void Flags::positionals(const std::string& name, std::vector<std::string>& target, const std::string& help) {
  parser_->app.add_option(name, target, help);
}
void Flags::text(const std::string& names, std::string& target, const std::string& help) {
  parser_->app.add_option(names, target, help);
}
void Flags::optional_text(const std::string& names, std::optional<std::string>& target, const std::string& help) {
  auto entry = std::make_unique<Parser::Optional>();
  entry->target = &target;
  entry->option = parser_->app.add_option(names, entry->value, help)->expected(0, 1);
  parser_->optionals.push_back(std::move(entry));
}
void Flags::list(const std::string& names, std::vector<std::string>& target, const std::string& help) {
  parser_->app.add_option(names, target, help)->allow_extra_args(false);
}
void Flags::choice(const std::string& names, std::string& target, std::vector<std::string> words,
                   const std::string& help) {
  parser_->app.add_option(names, target, help)->check(CLI::IsMember(std::move(words)));
}
void Flags::quiet_choice(const std::string& names, std::string& target, std::vector<std::string> words) {
  parser_->app.add_option(names, target)->check(CLI::IsMember(std::move(words)))->group("");
}
void Flags::toggle(const std::string& names, bool& target, const std::string& help) {
  parser_->app.add_flag(names, target, help);
}
void Flags::port(const std::string& names, std::uint16_t& target, const std::string& help) {
  parser_->app.add_option(names, target, help)->check(CLI::Range(1, 65535));
}
void Flags::seconds(const std::string& names, double& target, const std::string& help) {
  parser_->app.add_option(names, target, help)->check(CLI::Range(0.1, 86400.0));
}

std::optional<Exit> Flags::parse(const std::vector<std::string>& args) {
  std::vector<std::string> reversed(args.rbegin(), args.rend());
  try {
    parser_->app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    print(parser_->app.help());
    return Exit::fine;
  } catch (const CLI::ParseError& e) {
    return complain({ErrorKind::usage, e.what(), parser_->app.get_name() + " --help shows the options"});
  }
  for (auto& o : parser_->optionals)
    if (o->option->count() > 0) *o->target = o->value;
  return std::nullopt;
}

}  // namespace smtpdx::cli
