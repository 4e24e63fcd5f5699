// SPDX-License-Identifier: Apache-2.0
#include "mail/mbox.hpp"

#include "base/text.hpp"
#include "mail/message.hpp"

namespace smtpdx::mail {
namespace {

/// "From sender Mon Jan  1 00:00:00 2026": the time of day is what prose does not have.
bool is_separator(std::string_view line) {
  if (!line.starts_with("From ") || line.size() > 1000) return false;
  for (std::size_t i = 5; i + 4 < line.size(); ++i)
    if (is_digit(line[i]) && is_digit(line[i + 1]) && line[i + 2] == ':' && is_digit(line[i + 3]) &&
        is_digit(line[i + 4]))
      return true;
  return false;
}

}  // namespace

bool is_mbox(std::string_view octets) {
  if (!octets.starts_with("From ")) return false;
  std::size_t end = find_either(octets.substr(0, 2000), '\r', '\n');
  return end != std::string_view::npos && is_separator(octets.substr(0, end));
}

std::vector<MboxMessage> split_mbox(std::string_view octets, std::size_t limit) {
  std::vector<MboxMessage> out;
  LineReader reader(octets, line_end_of(octets.substr(0, 64 * 1024)));
  std::string_view line;
  bool blank = true;
  std::size_t begin = 0;
  auto finish = [&](std::size_t end) { out.push_back({begin, octets.substr(begin, end - begin)}); };
  bool open = false;
  while (reader.next(line)) {
    if (blank && is_separator(line)) {
      if (open) finish(reader.line_offset());
      open = out.size() < limit;
      if (!open) return out;
      begin = reader.offset();
    }
    blank = line.empty();
  }
  if (open) finish(octets.size());
  return out;
}

MboxReader::MboxReader(std::string begun, Fill fill)
    : fill_(std::move(fill)),
      buffer_(std::move(begun)),
      line_end_(line_end_of(std::string_view(buffer_).substr(0, 64 * 1024))) {}

bool MboxReader::more() {
  constexpr std::size_t piece = 256 * 1024;
  if (ended_) return false;
  if (begin_ >= piece) drop(begin_);  // seldom: what is behind is moved away in large pieces
  const std::size_t size = buffer_.size();
  buffer_.resize_and_overwrite(size + piece, [&](char* to, std::size_t) { return size + fill_(to + size, piece); });
  ended_ = buffer_.size() == size;
  return !ended_;
}

void MboxReader::drop(std::size_t count) {
  buffer_.erase(0, count);
  base_ += count;
  searched_ -= std::min(searched_, count);
  begin_ -= std::min(begin_, count);
}

/// Where the next "From " line begins that follows a blank line, or the first octet; nullopt at the end of the source.
std::optional<std::size_t> MboxReader::next_separator() {
  const char end = line_end_ == LineEnd::lf ? '\n' : '\r';
  const std::string mark = std::string(1, end) + "From ";
  while (true) {
    std::string_view all = buffer_;
    bool first = searched_ == 0 && base_ == 0 && all.starts_with("From ");
    std::size_t hit = first ? 0 : find_exactly(all, mark, searched_ > 0 ? searched_ - 1 : 0);
    if (hit != std::string_view::npos) {
      std::size_t line = first ? 0 : hit + 1, stop = all.find(end, line);
      if (stop == std::string_view::npos && !ended_) {
        more();
        continue;
      }
      bool after_blank =
          first || hit == 0 || all[hit - 1] == end || (hit > 1 && all[hit - 1] == '\r' && all[hit - 2] == end);
      std::string_view words = all.substr(line, stop == std::string_view::npos ? stop : stop - line);
      if (words.ends_with('\r')) words.remove_suffix(1);
      searched_ = line + 1;
      if (after_blank && is_separator(words)) return line;
      continue;
    }
    searched_ = std::max(searched_, all.size() - std::min(all.size(), mark.size()));
    // What is too long for a message is let go, so that one line of a terabyte is bounded too.
    if (open_ && buffer_.size() - begin_ > 2 * message_limit) {
      base_ += buffer_.size() - begin_ - message_limit;
      buffer_.resize(begin_ + message_limit);
      searched_ = buffer_.size();
    }
    if (!more()) return std::nullopt;
  }
}

bool MboxReader::next(MboxMessage& message) {
  if (!open_) {
    auto first = next_separator();
    if (!first) return false;
    std::size_t stop = buffer_.find(line_end_ == LineEnd::lf ? '\n' : '\r', *first);
    begin_ = stop == std::string::npos ? buffer_.size() : stop + 1;
    open_ = true;
  }
  if (begin_ >= buffer_.size() && ended_) return false;
  std::size_t offset = base_ + begin_;
  auto separator = next_separator();
  std::size_t from = begin_;
  std::size_t end = separator.value_or(buffer_.size());
  message.offset = offset;
  message.octets = std::string_view(buffer_).substr(from, std::min(end - from, message_limit));
  if (separator) {
    std::size_t stop = buffer_.find(line_end_ == LineEnd::lf ? '\n' : '\r', *separator);
    begin_ = stop == std::string::npos ? buffer_.size() : stop + 1;
  } else {
    begin_ = buffer_.size();
    return !message.octets.empty();
  }
  return true;
}

}  // namespace smtpdx::mail
