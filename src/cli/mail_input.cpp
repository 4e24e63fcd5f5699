// SPDX-License-Identifier: Apache-2.0
#include "cli/mail_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "dsn/reader.hpp"
#include "mail/mbox.hpp"

namespace smtpdx::cli {

namespace {

constexpr std::size_t whole_limit = std::size_t{64} << 20;
constexpr std::size_t piece = 256 * 1024;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t read(char* to, std::size_t room) const {
    while (true) {
      auto n = ::read(fd_, to, room);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return 0;
    }
  }
  bool may_wait() const {
    struct stat info{};
    return ::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode);
  }

 private:
  int fd_;
};

Result<int> open_input(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return fail(ErrorKind::unreadable, path + ": no such file", "or give the words themselves with --text");
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(ErrorKind::unreadable, path + ": cannot be read");
  return fd;
}

std::vector<diag::RefusalFact> understood(dsn::ReadResult read, const std::string& name, std::size_t& index) {
  std::vector<diag::RefusalFact> facts;
  facts.reserve(read.refusals.size());
  for (auto& refusal : read.refusals) {
    refusal.source_name = name;
    refusal.source_index = index++;
    auto reading = dsn::understand(refusal, kb::Catalogue::builtin());
    facts.push_back({std::move(refusal), std::move(reading)});
  }
  return facts;
}

}  // namespace

Result<void> read_mail_input(const std::string& path, const MailInput& input) {
  auto opened = open_input(path);
  if (!opened) return std::unexpected(opened.error());
  File file(*opened);
  bool waits = file.may_wait();
  auto fill = [&](char* to, std::size_t room) {
    if (waits && input.before_waiting) input.before_waiting();
    return file.read(to, room);
  };
  std::string begun;
  auto more = [&](std::size_t room) {
    std::size_t size = begun.size();
    begun.resize(size + room);
    std::size_t got = fill(begun.data() + size, room);
    begun.resize(size + got);
    return got > 0;
  };
  // A mailbox is known by its first line.
  while (begun.size() < 2000 && begun.find('\n') == std::string::npos && more(piece)) {
  }
  std::size_t index = 0;
  if (mail::is_mbox(begun)) {
    mail::MboxReader mailbox(std::move(begun), fill);
    mail::MboxMessage message;
    while (mailbox.next(message))
      input.each(understood(dsn::read_mail(message.octets, message.offset), path, index), message.octets);
    return {};
  }
  while (begun.size() < whole_limit && more(std::min(piece, whole_limit - begun.size()))) {
  }
  input.each(understood(dsn::read({path, begun}), path, index), begun);
  return {};
}

}  // namespace smtpdx::cli
