// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an Exim server would answer to one session, from its files alone, and which ACL statement says so. Nothing is
// run, written or looked up; a question that the files cannot answer makes the verdict `unknown` where the answer would
// change it.

#include "mta/decision.hpp"
#include "mta/exim/configuration.hpp"
#include "mta/session.hpp"

namespace smtpdx::mta::exim {

/// Reads the tables below the configuration's directory, once each. Not for several threads with one configuration.
Decision decide(const Configuration& configuration, const Session& session);

}  // namespace smtpdx::mta::exim
