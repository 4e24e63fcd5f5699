// SPDX-License-Identifier: Apache-2.0
#include "smtp/step.hpp"

namespace smtpdx::smtp {

const char* to_string(Trouble trouble) {
  switch (trouble) {
    case Trouble::none:
      return "none";
    case Trouble::io:
      return "io";
    case Trouble::framing:
      return "framing";
    case Trouble::spoke_too_early:
      return "spoke-too-early";
    case Trouble::poisoned:
      return "poisoned";
    case Trouble::not_offered:
      return "not-offered";
    case Trouble::not_sent:
      return "not-sent";
    case Trouble::challenge:
      return "challenge";
  }
  return "?";
}

}  // namespace smtpdx::smtp
