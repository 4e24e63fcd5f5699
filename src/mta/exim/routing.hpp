// SPDX-License-Identifier: Apache-2.0
#pragma once

// Would this server know what to do with an address: "verify = recipient" and "verify = sender", by the routers of the
// configuration (specification, chapters 15 to 22). Nothing is delivered and nobody is called.

#include <string>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

struct VerifyOptions {
  bool sender = false;
  bool callout = false;
  bool success_on_redirect = false;
};

struct Verification {
  Answer answer = Answer::yes;
  std::string message;        ///< what the client may be told
  bool pass_message = false;  ///< also of a deferral
  std::string why;            ///< the router that decided, for the trace
};
/// Sets $local_part and $domain, percent_hack_domains applied.
void split_address(Context& c, const std::string& address);

Verification verify_address(Context& c, const std::string& address, const VerifyOptions& options);

}  // namespace smtpdx::mta::exim
