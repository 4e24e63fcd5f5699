// SPDX-License-Identifier: Apache-2.0
#pragma once

// SMTP addresses as Exim reads them, and the words it refuses the others with.

#include <string>
#include <string_view>

namespace smtpdx::mta::exim {

struct PathRules {
  bool literals = false;      ///< allow_domain_literals
  bool unqualified = false;   ///< a local part alone is an address
  bool strip_dot = false;     ///< strip_trailing_dot
  bool strip_angles = false;  ///< strip_excess_angle_brackets
};

struct Path {
  std::string local_part;  ///< quotes undone
  std::string domain;      ///< as written; empty where there is none
  std::string written;     ///< local part as written, "@", domain
  std::string problem;     ///< why it is no address; empty where it is one
  bool empty = false;      ///< <>
  bool good() const { return problem.empty(); }
  std::string full() const { return written; }
};

/// "a@b", with or without angle brackets.
Path parse_path(std::string_view text, const PathRules& rules);

/// In quotes where the octets need them.
std::string quote_local_part(const std::string& local_part);

/// The domain behind the last "@"; empty where there is none.
std::string domain_part(std::string_view address);
/// What stands before it.
std::string local_part_part(std::string_view address);

}  // namespace smtpdx::mta::exim
