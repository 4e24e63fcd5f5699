// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "trace/redact.hpp"

namespace smtpdx::trace {

/// Where a fact comes from: octets [from, to) of one channel of the log. An empty channel means "no evidence".
struct Evidence {
  std::string channel;  ///< "smtp#2", "dns#1", "input", "config"
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool operator==(const Evidence&) const = default;
};

/// Who spoke: C us, S the other side, '=' a remark of ours (connected, TLS started, timed out).
enum class Direction : char { client = 'C', server = 'S', note = '=' };

struct Line {
  TimePoint at;
  Direction direction = Direction::note;
  std::string text;        ///< without line end; raw octets, escape with printable() to show
  std::uint64_t from = 0;  ///< octets of the channel, line end included
  std::uint64_t to = 0;
};

/// One conversation. Octets are counted over both directions in the order seen, so that a range names words exactly.
class Channel {
 public:
  Channel(std::string id, std::string peer) : id_(std::move(id)), peer_(std::move(peer)) {}
  const std::string& id() const { return id_; }
  const std::string& peer() const { return peer_; }
  const std::vector<Line>& lines() const { return lines_; }
  std::uint64_t size() const { return size_; }
  /// True where lines were left out because the channel reached its limit (a hostile server); the count stays exact.
  bool truncated() const { return truncated_; }
  void set_peer(std::string peer) { peer_ = std::move(peer); }

  /// Appends one line and returns where it lies. Secrets registered in the Log are replaced before anything is kept.
  Evidence add(TimePoint at, Direction direction, std::string_view text);

  /// Told of each line that is kept, as it is added, secrets replaced. For events while a run goes on.
  using Watcher = std::function<void(const Channel& channel, const Line& line)>;

 private:
  friend class Log;
  std::string id_;
  std::string peer_;
  std::vector<Line> lines_;
  std::uint64_t size_ = 0;
  std::size_t text_size_ = 0;
  bool truncated_ = false;
  std::shared_ptr<const Redactor> redactor_;
  std::shared_ptr<const Watcher> watcher_;
};

/// Append-only record of everything said to and heard from the world. Not thread-safe: one Log a run.
/// References to channels stay valid as long as the Log. Kept per channel: at most 10,000 lines and 1 MiB of text.
class Log {
 public:
  /// Opens "KIND#N" with N counted per kind from 1.
  Channel& open(std::string_view kind, std::string peer);
  /// From now on `secret` (and its base64 forms) is written as "[secret]" wherever it occurs in any channel.
  /// Strings under 3 octets are ignored: replacing them would blank the log and hide nothing.
  void add_secret(std::string_view secret);
  /// For the channels opened from now on. Called on the run's thread, while the line is added: it must not use the log.
  void watch(Channel::Watcher watcher);
  /// The text with all registered secrets replaced; for error messages that quote outside words.
  std::string redact(std::string_view text) const;

  const std::deque<Channel>& channels() const { return channels_; }
  /// Null where no channel has that id. Takes no longer where there are many.
  const Channel* find(std::string_view id) const;
  /// The words an Evidence points at, lines joined by LF; empty where it points nowhere.
  std::string words(const Evidence& evidence) const;

 private:
  std::deque<Channel> channels_;
  using Places = std::vector<std::size_t>;                             // in channels_, by number
  std::map<std::string, Places, std::less<>> opened_;                  // per kind
  std::shared_ptr<Redactor> redactor_ = std::make_shared<Redactor>();  // shared with the channels; copies of a Log too
  std::shared_ptr<const Channel::Watcher> watcher_;
};

}  // namespace smtpdx::trace
