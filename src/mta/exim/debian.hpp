// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which files make up a configuration directory's configuration, Debian's generated one included.

#include <vector>

#include "base/result.hpp"
#include "mta/directory.hpp"
#include "mta/exim/source.hpp"

namespace smtpdx::mta::exim {

/// exim.conf, exim4.conf or configure as it stands; else what update-exim4.conf(8) would generate: its macros, then
/// exim4.conf.template or the files of conf.d in order. Error unreadable where there is nothing of that.
Result<std::vector<Source::Part>> main_files(const Directory& directory);

}  // namespace smtpdx::mta::exim
