// SPDX-License-Identifier: Apache-2.0
#pragma once

// DNS out of a file, for replaying what a server answered in another world: `config decide --zone FILE`.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "dns/answer.hpp"

namespace smtpdx::mta {

/// {"records": {"example.org": {"MX": [[10, "mx.example.org"]], "A": ["192.0.2.1"]}}, "servfail": ["broken.example"]}.
/// Types A, AAAA, MX, NS, PTR, CNAME, TXT. A name that is not there is NXDOMAIN, a type that is not there no data;
/// "servfail" names fail with all that lies below them. Immutable; threads may share it.
class ZoneFile {
 public:
  /// Error malformed with what is wrong and where.
  static Result<ZoneFile> parse(std::string_view json);

  /// CNAMEs are followed, at most eight.
  dns::Answer find(const std::string& name, dns::Type type) const;

 private:
  std::map<std::pair<std::string, dns::Type>, std::vector<dns::Record>> records_;
  std::set<std::string> names_;  ///< with all names above them
  std::vector<std::string> failing_;
};

}  // namespace smtpdx::mta
