// SPDX-License-Identifier: Apache-2.0
#include "trace/log.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::trace {
namespace {

constexpr std::size_t most_lines = 10'000;
constexpr std::size_t most_text = 1024 * 1024;
constexpr std::uint64_t line_end = 2;  // CRLF, counted also where the other side sent a lone LF

}  // namespace

Evidence Channel::add(TimePoint at, Direction direction, std::string_view text) {
  // Offsets count the text as kept: a range then names the same words for every reader, and the length of a secret
  // does not show in them.
  auto kept = redactor_ ? redactor_->redact(text) : std::string(text);
  Evidence where{id_, size_, size_ + kept.size() + line_end};
  size_ = where.to;
  auto room = most_text - text_size_;
  if (lines_.size() >= most_lines || room == 0) {
    truncated_ = true;
    return where;
  }
  if (kept.size() > room) {
    truncated_ = true;
    kept.resize(room);
  }
  text_size_ += kept.size();
  if (lines_.size() == lines_.capacity()) lines_.reserve(lines_.empty() ? 4 : 4 * lines_.size());
  lines_.push_back({at, direction, std::move(kept), where.from, where.to});
  if (watcher_) (*watcher_)(*this, lines_.back());
  return where;
}

Channel& Log::open(std::string_view kind, std::string peer) {
  auto known = opened_.find(kind);
  if (known == opened_.end()) known = opened_.emplace(kind, Places{}).first;
  auto& places = known->second;
  places.push_back(channels_.size());
  std::string id(kind);
  id += '#';
  id += std::to_string(places.size());
  auto& channel = channels_.emplace_back(std::move(id), redact(peer));
  channel.redactor_ = redactor_;
  channel.watcher_ = watcher_;
  return channel;
}

void Log::add_secret(std::string_view secret) { redactor_->add(secret); }

void Log::watch(Channel::Watcher watcher) {
  watcher_ = watcher ? std::make_shared<const Channel::Watcher>(std::move(watcher)) : nullptr;
}

std::string Log::redact(std::string_view text) const { return redactor_->redact(text); }

const Channel* Log::find(std::string_view id) const {
  auto mark = id.rfind('#');
  if (mark == std::string_view::npos) return nullptr;
  auto kind = opened_.find(id.substr(0, mark));
  auto number = parse_number(id.substr(mark + 1));
  if (kind == opened_.end() || !number || *number == 0 || *number > kind->second.size()) return nullptr;
  const auto& channel = channels_[kind->second[*number - 1]];
  return channel.id() == id ? &channel : nullptr;
}

std::string Log::words(const Evidence& evidence) const {
  const Channel* channel = evidence.channel.empty() ? nullptr : find(evidence.channel);
  if (channel == nullptr) return {};
  const auto& lines = channel->lines();
  auto line = std::partition_point(lines.begin(), lines.end(), [&](const Line& l) { return l.to <= evidence.from; });
  std::string out;
  bool first = true;
  for (; line != lines.end() && line->from < evidence.to; ++line) {
    auto from = std::max(evidence.from, line->from) - line->from;
    auto to = std::min<std::uint64_t>(evidence.to - line->from, line->text.size());
    if (!first) out += '\n';
    first = false;
    if (from < to) out.append(line->text, from, to - from);
  }
  return out;
}

}  // namespace smtpdx::trace
