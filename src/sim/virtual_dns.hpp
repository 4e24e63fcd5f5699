// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dns/resolver.hpp"
#include "sim/virtual_runtime.hpp"
#include "trace/log.hpp"

namespace smtpdx::sim {

/// What the name servers of a world hold. Names are canonical.
struct ZoneData {
  using Key = std::pair<std::string, dns::Type>;
  enum class Fault { servfail, silence };

  std::map<Key, std::vector<dns::Record>> records;
  std::map<Key, Fault> faults;  ///< of the recursive resolver, for this question
  /// Name servers whose answer to one question differs from `records`.
  std::map<std::pair<IpAddress, Key>, std::vector<dns::Record>> views;
  std::map<IpAddress, Fault> lame;  ///< name servers that never give an answer

  void address(const std::string& name, const IpAddress& ip);
  void mx(const std::string& domain, std::uint16_t preference, const std::string& host);
  void ns(const std::string& domain, const std::string& host);
  void ptr(const IpAddress& ip, const std::string& name);
  /// A name that exists without records of the type asked.
  void exists(const std::string& name) { records[{name, dns::Type::SOA}]; }
};

/// The resolver of a world: the zone data after a latency; caches nothing, because nothing in it changes.
class VirtualResolver final : public dns::Resolver {
 public:
  VirtualResolver(VirtualRuntime& runtime, const ZoneData& zones, trace::Log& log, Duration latency)
      : runtime_(runtime), zones_(zones), channel_(log.open("dns", "resolver")), latency_(latency) {}
  io::Task<dns::Answer> query(std::string name, dns::Type type, Deadline deadline) override;
  io::Task<dns::Answer> ask_server(Endpoint server, std::string name, dns::Type type, Deadline deadline) override;
  unsigned questions() const { return questions_; }

 private:
  void fill(dns::Answer& answer, const std::vector<dns::Record>* records) const;
  void note(dns::Answer& answer);
  VirtualRuntime& runtime_;
  const ZoneData& zones_;
  trace::Channel& channel_;
  Duration latency_;
  unsigned questions_ = 0;
};

}  // namespace smtpdx::sim
