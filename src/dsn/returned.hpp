// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the headers of the returned message tell about its way: where it came from, how it was judged on arrival at the
// organisation that reports, and whether it was forwarded there. Offline evidence for m365.relay_pool_forward and its
// rivals (design: diagnosis.md, "The seed's code").

#include <string>
#include <string_view>

#include "dsn/refusal.hpp"

namespace smtpdx::dsn {

struct ReturnedContext {
  std::string reporter;   ///< host that wrote the report; its organisation's hop is the one asked about
  std::string recipient;  ///< final recipient, to tell Delivered-To of another address
};

/// `text` begins with the returned message's header; at most 50,000 lines and 1 MiB of it are read.
ReturnedHeaders read_returned(std::string_view text, const ReturnedContext& context);

}  // namespace smtpdx::dsn
