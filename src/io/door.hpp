// SPDX-License-Identifier: Apache-2.0
#pragma once

// The door of a process that may not open sockets (seal/seal.hpp): it asks for each one over an inherited socket, and
// the doorkeeper at the other end (io/doorkeeper.hpp), in the process that may, decides about the very address,
// connects and hands the connected descriptor over. Name look-ups and TLS stay here; what crosses is addresses one way
// and descriptors the other. Why: docs/decisions/008-sealed-children.md.

#include <memory>

#include "io/datagram.hpp"
#include "io/net.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"

namespace smtpdx::io {

/// Both share the socket and close it when the last of them is gone. Any number of requests at once; requests may be
/// abandoned. One Runtime, one thread.
struct Door {
  /// Failures are those of a connector of one's own (io/real.hpp); what the doorkeeper's policy refuses is
  /// Failure::not_permitted with its words; a doorkeeper that is gone is Failure::local.
  std::unique_ptr<Connector> connector;
  std::unique_ptr<Datagrams> datagrams;
};

/// `fd` is a SOCK_SEQPACKET socket (io/pipe.hpp) and is taken over. `tls` may be null where no TLS is needed.
Door make_door(Runtime& runtime, int fd, std::shared_ptr<TlsClient> tls);

}  // namespace smtpdx::io
