// SPDX-License-Identifier: Apache-2.0
#include "cli/mail_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "api/read.hpp"
#include "base/text.hpp"
#include "cli/common.hpp"
#include "dsn/read_stream.hpp"
#include "intake/message_trace.hpp"

namespace smtpdx::cli {

namespace {

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

void warn_cut(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  std::fprintf(stderr, "smtpdx: %s: %s\n", printable(name).c_str(), std::string(dsn::note_cut).c_str());
  std::fputs("        cut out the part that speaks of your mail\n", stderr);
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
  dsn::read_stream(path, fill, [&](dsn::ReadResult result, std::string_view octets) {
    if (std::find(result.notes.begin(), result.notes.end(), dsn::note_cut) != result.notes.end()) warn_cut(path);
    input.each(api::understood(std::move(result.refusals)), octets);
  });
  return {};
}

Result<diag::MessageTraceFact> read_trace(const std::string& path, const std::string& recipient,
                                          std::string_view bounce) {
  auto octets = read_input(path);
  if (!octets) return std::unexpected(octets.error());
  return intake::read_message_trace(path, *octets, {recipient, bounce});
}

}  // namespace smtpdx::cli
