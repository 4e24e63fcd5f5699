// SPDX-License-Identifier: Apache-2.0
#include "intake/message_trace.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace smtpdx::intake {

namespace {

constexpr std::size_t max_octets = 64u << 20, max_rows = 200'000, max_cells = 200;
constexpr std::string_view pool_word = "OutboundIpPoolName";

using Row = std::vector<std::string>;

void append_utf8(std::string& out, std::uint32_t c) {
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    tail(0);
  } else {
    out += static_cast<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  }
}

/// UTF-16 becomes UTF-8. What is looked for is ASCII: halves of surrogate pairs may become nonsense.
std::string as_utf8(std::string_view octets) {
  if (octets.starts_with("\xef\xbb\xbf")) return std::string(octets.substr(3));
  const bool little = octets.starts_with("\xff\xfe"), big = octets.starts_with("\xfe\xff");
  if (!little && !big) return std::string(octets);
  std::string out;
  for (std::size_t i = 2; i + 1 < octets.size(); i += 2) {
    const auto first = static_cast<unsigned char>(octets[i]), second = static_cast<unsigned char>(octets[i + 1]);
    append_utf8(out, little ? static_cast<std::uint32_t>(second << 8 | first)
                            : static_cast<std::uint32_t>(first << 8 | second));
  }
  return out;
}

/// Reads one record after another; quoted cells may hold line ends.
class Csv {
 public:
  Csv(std::string_view text, char comma) : text_(text), comma_(comma) {}

  std::size_t line() const { return line_; }  ///< of the record last read, from 1

  std::optional<Row> next() {
    if (at_ >= text_.size()) return std::nullopt;
    line_ = next_line_;
    Row row(1);
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++next_line_;
      if (quoted) {
        if (c != '"') {
          row.back() += c;
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          row.back() += text_[++at_];
        } else {
          quoted = false;
        }
      } else if (c == '"') {
        quoted = true;
      } else if (c == comma_ && row.size() < max_cells) {
        row.emplace_back();
      } else if (c == '\n') {
        ++at_;
        break;
      } else if (c != '\r') {
        row.back() += c;
      }
    }
    return row;
  }

 private:
  std::string_view text_;
  char comma_;
  std::size_t at_ = 0, line_ = 0, next_line_ = 1;
};

char comma_of(std::string_view head) {
  head = head.substr(0, head.find('\n'));
  for (char c : {'\t', ';'})
    if (std::count(head.begin(), head.end(), c) > std::count(head.begin(), head.end(), ',')) return c;
  return ',';
}

/// "recipient_address", "RecipientAddress" and "Recipient Address" are one name.
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != '_' && c != '-' && !is_space(c)) out += ascii_lower(c);
  return out;
}

std::optional<std::size_t> column(const Row& head, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    for (std::size_t i = 0; i < head.size(); ++i)
      if (plain(head[i]) == name) return i;
  return std::nullopt;
}

/// Several recipients stand in one cell, parted by ";" or followed by "##" and what became of them.
bool names_recipient(std::string_view cell, std::string_view recipient) {
  for (std::size_t at = ifind(cell, recipient); at != std::string::npos; at = ifind(cell, recipient, at + 1)) {
    auto apart = [&](std::size_t i) {
      return i >= cell.size() || is_space(cell[i]) || std::string_view(";,#<>'\"").contains(cell[i]);
    };
    if ((at == 0 || apart(at - 1)) && apart(at + recipient.size())) return true;
  }
  return false;
}

/// "…;S:OutboundIpPoolName=RegularRelayOutboundPool;…", also with ":" or blanks.
std::string pool_in(std::string_view cell) {
  auto at = ifind(cell, pool_word);
  if (at == std::string::npos) return {};
  at = cell.find_first_not_of(" =:\"'", at + pool_word.size());
  if (at == std::string::npos) return {};
  std::size_t end = at;
  while (end < cell.size() &&
         (std::isalnum(static_cast<unsigned char>(cell[end])) || cell[end] == '_' || cell[end] == '-'))
    ++end;
  return std::string(cell.substr(at, end - at));
}

struct Event {
  std::string message_id, pool;
  std::size_t line = 0;
};

class Reader {
 public:
  Reader(std::string_view text, const TraceQuestion& question) : csv_(text, comma_of(text)), question_(question) {}

  /// False where the head has no such columns.
  bool read() {
    const auto head = csv_.next();
    if (!head) return false;
    recipient_ = column(*head, {"recipientaddress", "recipients", "recipientstatus", "recipient"});
    id_ = column(*head, {"messageid"});
    pool_ = column(*head, {"outboundippoolname"});
    if (!recipient_ || !id_) return false;
    for (std::size_t rows = 0; rows < max_rows; ++rows) {
      auto row = csv_.next();
      if (!row) break;
      take(*row);
    }
    return true;
  }

  std::vector<Event> events;

 private:
  void take(const Row& row) {
    if (row.size() <= std::max(*recipient_, *id_) || !names_recipient(row[*recipient_], question_.recipient)) return;
    Event event{std::string(trim(row[*id_])), {}, csv_.line()};
    if (pool_ && *pool_ < row.size()) event.pool = trim(row[*pool_]);
    for (const auto& cell : row)
      if (event.pool.empty()) event.pool = pool_in(cell);
    events.push_back(std::move(event));
  }

  Csv csv_;
  const TraceQuestion& question_;
  std::optional<std::size_t> recipient_, id_, pool_;
};

bool in_bounce(const Event& event, std::string_view bounce) {
  return event.message_id.size() > 5 && bounce.find(event.message_id) != std::string_view::npos;
}

}  // namespace

Result<diag::MessageTraceFact> read_message_trace(const std::string& path, std::string_view octets,
                                                  const TraceQuestion& question) {
  const auto text = as_utf8(octets.substr(0, max_octets));
  diag::MessageTraceFact fact;
  fact.path = path;
  fact.recipient = question.recipient;
  Reader reader(text, question);
  if (!reader.read())
    return fail(ErrorKind::malformed, path + ": no message trace: its first line names no recipient and message id",
                "export the extended report of Exchange Online's message trace as CSV");
  if (question.recipient.empty()) return fact;
  auto& events = reader.events;
  fact.same_message =
      std::any_of(events.begin(), events.end(), [&](const Event& e) { return in_bounce(e, question.bounce); });
  if (fact.same_message) std::erase_if(events, [&](const Event& e) { return !in_bounce(e, question.bounce); });
  fact.rows = events.size();
  for (const auto& event : events) {
    if (fact.message_id.empty()) fact.message_id = event.message_id;
    if (event.pool.empty()) continue;
    if (fact.line == 0) fact.line = event.line;
    if (std::find(fact.pools.begin(), fact.pools.end(), event.pool) == fact.pools.end())
      fact.pools.push_back(event.pool);
  }
  return fact;
}

}  // namespace smtpdx::intake
