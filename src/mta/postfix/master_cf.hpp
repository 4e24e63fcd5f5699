// SPDX-License-Identifier: Apache-2.0
#pragma once

// master.cf (master(5)): which service listens where, and what it overrides by -o.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/postfix/main_cf.hpp"

namespace smtpdx::mta::postfix {

struct Service {
  std::string name;     ///< "smtp", "587", "192.0.2.25:submission"
  std::string type;     ///< inet, unix, fifo, pass, unix-dgram
  std::string command;  ///< "smtpd"
  Where where;
  std::map<std::string, Setting, std::less<>> overrides;  ///< -o name=value, the last wins

  /// The host part of an inet service without brackets; empty where it listens on every address.
  std::string host() const;
  /// 0 for a service that is not inet, or whose name is none we know.
  std::uint16_t port() const;
};

class MasterCf {
 public:
  /// Error malformed, with file and line, where the master daemon itself would stop.
  static Result<MasterCf> parse(const Directory::File& file);
  /// What holds where no file is given: smtpd on port 25, as shipped.
  static MasterCf standard();

  const std::vector<Service>& services() const { return services_; }
  /// The inet services on this port, in file order.
  std::vector<const Service*> on_port(std::uint16_t port) const;
  const Service* find(std::string_view name, std::string_view type) const;

 private:
  std::vector<Service> services_;
};

}  // namespace smtpdx::mta::postfix
