// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/main_cf.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {

Result<Setting> parse_setting(const Cited& line) {
  const auto whole = line.trimmed();
  const auto at = whole.where().to_string();
  const auto equals = whole.text().find('=');
  if (equals == std::string::npos)
    return fail(ErrorKind::malformed, at + ": missing \"=\" after \"" + printable(whole.text(), 60) + "\"");
  const auto name = whole.slice(0, equals).trimmed();
  if (name.empty()) return fail(ErrorKind::malformed, at + ": no parameter name before \"=\"");
  if (std::any_of(name.text().begin(), name.text().end(), is_space))
    return fail(ErrorKind::malformed,
                at + ": missing \"=\" after \"" + printable(split_words(name.text()).front(), 60) + "\"");
  return Setting{name.text(), whole.slice(equals + 1).trimmed(), name.where()};
}

Result<MainCf> MainCf::parse(const Directory::File& file) {
  MainCf main;
  for (const auto& line : logical_lines(file)) {
    auto setting = parse_setting(line);
    if (!setting) return std::unexpected(setting.error());
    main.last_[setting->name] = main.settings_.size();
    main.settings_.push_back(std::move(*setting));
  }
  return main;
}

const Setting* MainCf::find(std::string_view name) const {
  const auto found = last_.find(name);
  return found == last_.end() ? nullptr : &settings_[found->second];
}

}  // namespace smtpdx::mta::postfix
