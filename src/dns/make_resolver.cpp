// SPDX-License-Identifier: Apache-2.0
#include "dns/make_resolver.hpp"

#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "dns/caching_resolver.hpp"
#include "dns/stub.hpp"
#include "dns/unbound_upstream.hpp"
#include "dns/validating.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::size_t max_name_servers = 3;  // MAXNS of resolv.conf(5)
constexpr std::uint16_t dns_port = 53;

struct Anchors {
  std::vector<std::string> records;
  AnchorSource source = AnchorSource::given;
};

Result<Anchors> given_anchors(const std::vector<std::string>& files) {
  Anchors anchors;
  for (const auto& file : files) {
    auto records = read_trust_anchors(file);
    if (!records) return std::unexpected(records.error());
    anchors.records.insert(anchors.records.end(), records->begin(), records->end());
  }
  return anchors;
}

/// The first usable file; a broken one among the system's files is not the user's business.
Anchors system_anchors(const std::vector<std::string>& files) {
  for (const auto& file : files) {
    if (auto records = read_trust_anchors(file)) return {std::move(*records), AnchorSource::built_in};
  }
  return {{}, AnchorSource::built_in};
}

Result<std::unique_ptr<Upstream>> make_upstream(Doors doors, const std::vector<Endpoint>& servers, Anchors anchors,
                                                std::optional<WallTime> validation_time) {
  std::unique_ptr<Stub> plain;
  if (!servers.empty()) plain = std::make_unique<Stub>(doors, servers);
  if (plain && anchors.records.empty()) return plain;
  UnboundSettings settings{servers, std::move(anchors.records), validation_time};
  auto validator = make_unbound_upstream(doors.runtime, settings);
  if (!validator || !plain) return validator;
  return std::make_unique<Validating>(doors.runtime, std::move(*validator), std::move(plain), anchors.source);
}

}  // namespace

std::vector<Endpoint> read_resolv_conf(const std::string& path) {
  std::vector<Endpoint> servers;
  std::ifstream file(path);
  std::string line;
  while (servers.size() < max_name_servers && std::getline(file, line)) {
    auto words = split_words(line);
    if (words.size() < 2 || words[0] != "nameserver") continue;
    if (auto address = IpAddress::parse(words[1])) servers.push_back({*address, dns_port});
  }
  return servers;
}

Result<std::unique_ptr<Resolver>> make_resolver(ResolverGround ground, ResolverOptions options) {
  auto anchors = given_anchors(options.trust_anchor_files);
  if (!anchors) return std::unexpected(anchors.error());
  auto servers = options.forwarders;
  if (servers.empty()) {
    servers = read_resolv_conf(options.resolv_conf);
    if (anchors->records.empty()) *anchors = system_anchors(options.root_anchor_files);
  }
  for (auto& server : servers) {
    if (server.port == 0) server.port = dns_port;
  }
  Doors doors{ground.runtime, ground.datagrams, ground.connector, options.source};
  auto upstream = make_upstream(doors, servers, std::move(*anchors), options.validation_time);
  if (!upstream) return std::unexpected(upstream.error());
  return std::make_unique<CachingResolver>(doors, std::move(*upstream), ground.log);
}

}  // namespace smtpdx::dns
