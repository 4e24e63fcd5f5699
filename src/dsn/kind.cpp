// SPDX-License-Identifier: Apache-2.0
#include "dsn/refusal.hpp"

namespace smtpdx::dsn {

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::failed:
      return "failed";
    case Kind::delayed:
      return "delayed";
    case Kind::delivered:
      return "delivered";
    case Kind::relayed:
      return "relayed";
    case Kind::expanded:
      return "expanded";
    case Kind::complaint:
      return "complaint";
    case Kind::auto_reply:
      return "auto-reply";
    case Kind::challenge:
      return "challenge";
    case Kind::not_a_bounce:
      return "not-a-bounce";
  }
  return "?";
}

}  // namespace smtpdx::dsn
