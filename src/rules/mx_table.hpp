// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "rules/view.hpp"

namespace smtpdx::rules {

/// What one address of one MX host answers a neutral client about the recipient.
enum class MxState {
  untouched,      ///< not asked (yet)
  unreachable,    ///< no connection, or the session broke before an envelope
  accepted,       ///< the recipient is accepted
  relay_refused,  ///< refused as a relay: View::denies_domain
  refused,        ///< refused for another reason
  deferred,       ///< 4xx: says nothing for good
};

struct MxRow {
  std::string host;
  IpAddress address;
  MxState state = MxState::untouched;
  Seen<diag::SessionFact> session;
  std::vector<Seen<diag::Attempt>> recipient, postmaster, random;
  std::string where() const { return host + " [" + address.to_string() + "]"; }
  std::vector<std::string> ids() const;
};

/// One row for each address of each live MX host (or of the host a domain without MX falls back to), and for addresses
/// that only some authoritative server gives.
class MxTable {
 public:
  explicit MxTable(const View& view);
  const std::vector<MxRow>& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  bool all(MxState state) const;
  bool any(MxState state) const;
  const MxRow* first(MxState state) const;
  /// Every row of this host is in `state`.
  bool host_all(const std::string& host, MxState state) const;
  /// Everything that was asked about was asked of every address.
  bool complete() const { return !any(MxState::untouched) && !any(MxState::unreachable); }
  std::vector<std::string> ids() const;

 private:
  std::vector<MxRow> rows_;
};

/// What keeps "nobody here takes mail for this domain" from being proved although everything asked was refused: S02,
/// S05 and S12 rest on it.
struct Doubt {
  std::string why;
  std::string rival;
};
std::optional<Doubt> doubt_of_refusing_domain(const View& view, const MxTable& table);

/// Why the recipient's exchangers gave no definite answer to us, on whose side that lies, and what would help: nobody
/// there, a 421 or another temporary word, a look-up that failed, our own way out. nullopt where all of them did, or
/// were not asked yet.
struct Obstacle {
  diag::Side side = diag::Side::theirs;
  std::string needs;
  std::string what;
  std::vector<std::string> ids;
};
std::optional<Obstacle> obstacle(const View& view, const MxTable& table);

MxRow make_row(const View& view, const std::string& host, const IpAddress& address);

}  // namespace smtpdx::rules
