// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace smtpdx::mta::exim {

/// Is it an option of Exim's main section, of 4.96 or around it?
bool known_main_option(std::string_view name);

}  // namespace smtpdx::mta::exim
