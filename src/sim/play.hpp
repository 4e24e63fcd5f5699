// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "diag/report.hpp"
#include "kb/catalogue.hpp"
#include "sim/world.hpp"

namespace smtpdx::sim {

/// What came of one world.
struct Outcome {
  std::vector<std::string> wrong;     ///< causes proved that are not so
  std::string expected;               ///< the provable cause; empty = none (a change in mid-run can take it away)
  bool proved = false;                ///< … and it was
  std::string meant;                  ///< the cause this kind of world is about; empty = a look-alike
  bool meant_proved = false;          ///< … was proved, whether or not that was expected
  std::vector<unsigned> connections;  ///< per address that was tried
  Duration elapsed{0};                ///< virtual
  /// With Detail::transcript: the world, every conversation and the verdicts, for people.
  std::string transcript;
};

enum class Detail { verdict, transcript };

/// Runs the engine in the world, in virtual time. Thread-safe apart from the catalogue's own promises.
Outcome play(const World& world, const kb::Catalogue& catalogue, Detail detail);

}  // namespace smtpdx::sim
