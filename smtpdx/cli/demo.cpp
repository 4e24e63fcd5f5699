// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace smtpdx::cli {

Exit demo(const std::vector<std::string>&) { return complain({ErrorKind::internal, "demo is not linked in", ""}); }
Exit mock(const std::vector<std::string>&) { return complain({ErrorKind::internal, "mock is not linked in", ""}); }

}  // namespace smtpdx::cli
