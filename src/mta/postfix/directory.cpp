// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

/// The part of a named file below the configuration directory; nullopt where it lies elsewhere.
std::optional<std::string> inside(const std::filesystem::path& root, std::string_view named) {
  std::string own = root.lexically_normal().string();
  while (own.size() > 1 && own.ends_with('/')) own.pop_back();
  std::string rest(named);
  for (const std::string& prefix : {std::string("/etc/postfix"), own}) {
    if (rest.starts_with(prefix + "/")) {
      rest = rest.substr(prefix.size() + 1);
      break;
    }
  }
  const auto clean = std::filesystem::path(rest).lexically_normal().string();
  if (clean.empty() || clean.front() == '/' || clean == ".." || clean.starts_with("../")) return std::nullopt;
  return clean;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<std::string> read_regular(const std::filesystem::path& path, const std::string& name) {
  // O_NONBLOCK: a FIFO of that name must not hang us.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return fail(ErrorKind::unreadable, name + ": " + std::strerror(errno));
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return fail(ErrorKind::system, name + ": " + std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) return fail(ErrorKind::unreadable, name + ": not a regular file");
  std::string text;
  char buffer[65536];
  while (true) {
    const auto got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorKind::system, name + ": " + std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > max_file_size) return fail(ErrorKind::limit, name + ": larger than 4 MiB");
  }
}

}  // namespace

Result<std::string> Directory::octets(std::string_view named) const {
  const auto name = inside(root_, named);
  if (!name) return fail(ErrorKind::unreadable, printable(named, 200) + ": lies outside the configuration directory");
  return read_regular(root_ / *name, printable(*name, 200));
}

bool Directory::lacks(std::string_view named) const {
  const auto name = inside(root_, named);
  if (!name) return false;
  std::error_code error;
  const auto status = std::filesystem::symlink_status(root_ / *name, error);
  return status.type() == std::filesystem::file_type::not_found;
}

Result<Directory::File> Directory::read(std::string_view named) const {
  auto text = octets(named);
  if (!text) return std::unexpected(text.error());
  const auto name = inside(root_, named);
  // \x01 and \x02 mark what cannot be known (expand.hpp); NUL ends a line for Postfix. None belongs into a text file.
  std::replace_if(text->begin(), text->end(), [](char c) { return c == '\0' || c == '\x01' || c == '\x02'; }, '?');
  return File{*name, std::move(*text)};
}

std::vector<Cited> logical_lines(const Directory::File& file) {
  std::vector<Cited> lines;
  std::string_view rest = file.text;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto visible = trim(line);
    if (visible.empty() || visible.front() == '#') continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_space(line.front()))
      lines.emplace_back(line, Where{file.name, number});
    else if (!lines.empty())
      lines.back().append(line, Where{file.name, number});
    // else: a continuation of nothing. Postfix warns and goes on without it.
  }
  return lines;
}

}  // namespace smtpdx::mta::postfix
