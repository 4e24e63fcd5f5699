// SPDX-License-Identifier: Apache-2.0
#pragma once

// A network of mock::Server values: latency, doors that are shut, TLS without cryptography (the handshake's outcome
// follows from the world's certificate). A server never speaks unasked but for its greeting, so that all it will say
// can be computed when the client writes; each octet carries the time at which it arrives.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/net.hpp"
#include "mock/server_model.hpp"
#include "sim/virtual_runtime.hpp"

namespace smtpdx::sim {

struct CertificateOf {
  std::vector<std::string> names;  ///< canonical; "*.example" matches one label
  enum class Trust { trusted, expired, self_signed, private_authority };
  Trust trust = Trust::trusted;
};

enum class Door { open, shut, silent, unreachable };
enum class Handshake { good, broken, hangs };

/// One listener.
struct Service {
  Endpoint at;
  mock::ServerPolicy policy;
  CertificateOf certificate;
  Door door = Door::open;
  Handshake handshake = Handshake::good;
  Duration round_trip{30'000'000};
  /// The server is set up anew at that time of the run.
  struct Change {
    Duration at{0};
    mock::ServerPolicy policy;
  };
  std::optional<Change> change;
};

/// Everything the world says about reaching services.
struct Internet {
  std::vector<Service> services;
  IpAddress here4, here6;           ///< our own addresses where no source is chosen
  bool has_v6 = true;               ///< else IPv6 is unreachable from here
  std::set<std::uint16_t> blocked;  ///< ports whose packets vanish on our own side
  /// Answers every connection to port 25 in place of the host meant; none = nobody does.
  std::optional<Service> interceptor;
  std::set<IpAddress> not_intercepted;  ///< sources that get through all the same
};

/// How often, and when, a service was spoken to: tells what a change in mid-run can have been seen by.
struct Use {
  unsigned connections = 0;
  unsigned before_change = 0, after_change = 0;  ///< times that an envelope or a login was asked about
};

class VirtualNet final : public io::Connector {
 public:
  VirtualNet(VirtualRuntime& runtime, const Internet& network);
  ~VirtualNet() override;
  io::Task<io::IoResult<std::unique_ptr<io::Stream>>> connect(io::ConnectRequest request, Deadline deadline) override;
  /// Connections that were tried, open or not, by address.
  const std::map<IpAddress, unsigned>& tried() const { return tried_; }
  /// Of service i of the world.
  const Use& use(std::size_t service) const;

 private:
  friend class VirtualStream;
  struct Host;
  Host* host_at(const io::ConnectRequest& request, const IpAddress& source);

  VirtualRuntime& runtime_;
  const Internet& network_;
  std::vector<std::unique_ptr<Host>> hosts_;  ///< as network_.services
  std::unique_ptr<Host> interceptor_;
  std::map<IpAddress, unsigned> tried_;
};

}  // namespace smtpdx::sim
