// SPDX-License-Identifier: Apache-2.0
#include "dsn/read_stream.hpp"

#include <algorithm>

#include "mail/mbox.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t whole_limit = std::size_t{64} << 20;
constexpr std::size_t piece = 256 * 1024;

bool append(std::string& to, const Fill& fill, std::size_t room) {
  std::size_t size = to.size();
  to.resize(size + room);
  std::size_t got = fill(to.data() + size, room);
  to.resize(size + got);
  return got > 0;
}

ReadResult counted(ReadResult result, const std::string& name, std::size_t& index) {
  for (auto& refusal : result.refusals) {
    refusal.source_name = name;
    refusal.source_index = index++;
  }
  return result;
}

}  // namespace

void read_stream(const std::string& name, const Fill& fill, const Each& each) {
  std::string begun;
  // A mailbox is known by its first line.
  while (begun.size() < 2000 && begun.find('\n') == std::string::npos && append(begun, fill, piece)) {
  }
  std::size_t index = 0;
  if (mail::is_mbox(begun)) {
    mail::MboxReader mailbox(std::move(begun), fill);
    mail::MboxMessage message;
    while (mailbox.next(message)) {
      auto result = counted(read_mail(message.octets, message.offset), name, index);
      each(std::move(result), message.octets);
    }
    return;
  }
  while (begun.size() < whole_limit && append(begun, fill, std::min(piece, whole_limit - begun.size()))) {
  }
  auto result = counted(read({name, begun}), name, index);
  char next = 0;
  if (begun.size() >= whole_limit && fill(&next, 1) > 0) result.notes.emplace_back(note_cut);
  each(std::move(result), begun);
}

}  // namespace smtpdx::dsn
