// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of expand.cpp: one walk over one string. Branches that are not taken are walked, too, without being evaluated.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

class Expansion {
 public:
  Expansion(Context& c, std::string_view text) : c_(c), s_(text) {}
  Text whole();

 private:
  enum class Mode { evaluate, skip };
  enum class Dollar { expand, literal };
  using Part = std::optional<Text>;  ///< nullopt: it ends here, see stop_

  // the walk, expand.cpp
  Part run(bool inner, Mode mode, Dollar dollar = Dollar::expand);
  bool escape(std::string& out);
  Part after_dollar(Mode mode);
  Part braced(Mode mode);
  Part header(std::string_view start);
  std::string name();
  void spaces();
  bool eat(char c);
  bool at_end() const { return at_ >= s_.size(); }
  Part stop(Text::Kind kind, std::string why);
  Part wrong(std::string why) { return stop(Text::failed, std::move(why)); }
  std::optional<Text> argument(Mode mode, Dollar dollar = Dollar::expand);
  std::optional<std::vector<Text>> arguments(std::size_t least, std::size_t most, Mode mode);
  Part close(Text text);

  // items, expand_items.cpp
  Part item(const std::string& name, Mode mode);
  Part if_item(Mode mode);
  Part lookup_item(Mode mode);
  Part extract_item(Mode mode);
  Part list_extract_item(Mode mode);
  Part choose(bool yes, const Text& value, Text otherwise, Mode mode);
  Part each_item(const std::string& name, Mode mode);
  Part plain_item(const std::string& name, Mode mode);
  Part acl_item(Mode mode);
  Part unknowable_item(const std::string& name, Mode mode);
  Text substitute(const Text& subject, const Text& pattern, const Text& replacement);

  // conditions, expand_conditions.cpp
  std::optional<bool> condition(Mode mode);
  std::optional<bool> combined(bool all, Mode mode);
  std::optional<bool> compare(const std::string& name, Mode mode);
  std::optional<bool> matches(const std::string& name, Mode mode);
  std::optional<bool> about_one(const std::string& name, Mode mode);
  std::optional<bool> for_each(const std::string& name, Mode mode);
  std::optional<bool> acl_condition(Mode mode);
  std::optional<bool> in_list(const std::string& name, Mode mode);
  std::optional<bool> asked_elsewhere(const std::string& name, Mode mode);

  Context& c_;
  std::string_view s_;
  std::size_t at_ = 0;
  Text stop_;
};

}  // namespace smtpdx::mta::exim
