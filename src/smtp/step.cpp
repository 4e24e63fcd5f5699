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

std::string trouble_words(const Step& step) {
  if (step.io) return io::to_string(step.io->kind);
  if (step.trouble != Trouble::none) return to_string(step.trouble);
  return step.reply ? std::to_string(step.reply->code) : "";
}

}  // namespace smtpdx::smtp
