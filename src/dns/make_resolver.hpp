// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dns/resolver.hpp"
#include "io/datagram.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"
#include "trace/log.hpp"

namespace smtpdx::dns {

struct ResolverOptions {
  std::vector<Endpoint> forwarders;              ///< --resolver; port 0 means 53
  std::vector<std::string> trust_anchor_files;   ///< --trust-anchor: DS or DNSKEY lines
  std::optional<WallTime> validation_time;       ///< --now
  std::optional<IpAddress> source;               ///< for plain questions to servers of its family
  std::string resolv_conf = "/etc/resolv.conf";  ///< read where no forwarder is given
  /// Looked for, in this order, where neither forwarders nor trust anchors are given.
  std::vector<std::string> root_anchor_files = {"/usr/share/dns/root.key", "/var/lib/unbound/root.key"};
};

/// What the resolver stands on; all of it outlives the resolver, which belongs to the runtime's thread.
struct ResolverGround {
  io::Runtime& runtime;
  io::Datagrams& datagrams;
  io::Connector& connector;  ///< for TCP; plain, without --connect-to or a proxy
  trace::Log& log;
};

/// Whom it asks:
/// - forwarders given: those; validated where a trust anchor is given, else unchecked;
/// - none given: the name servers of resolv.conf, validated where a trust anchor is given or the system has the root's;
/// - none there either: full recursion from the root servers.
///
/// Fails where a trust anchor file cannot be read or the resolver library takes no such settings.
Result<std::unique_ptr<Resolver>> make_resolver(ResolverGround ground, ResolverOptions options);

/// The `nameserver` lines of a resolv.conf(5), at most three. Scoped link-local addresses are left out: an Endpoint
/// cannot hold them.
std::vector<Endpoint> read_resolv_conf(const std::string& path);

}  // namespace smtpdx::dns
