// SPDX-License-Identifier: Apache-2.0
#include "mta/directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.hpp"

namespace smtpdx::mta {
namespace {

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

/// Does the path, links resolved, still lie below the root?
bool leads_outside(const std::filesystem::path& root, const std::filesystem::path& path) {
  std::error_code error;
  const auto real_root = std::filesystem::canonical(root, error);
  if (error) return false;
  const auto real = std::filesystem::canonical(path, error);
  if (error) return false;  // open() says what is wrong
  const auto relative = real.lexically_relative(real_root).string();
  return relative.empty() || relative == ".." || relative.starts_with("../");
}

}  // namespace

std::optional<std::string> Directory::inside(std::string_view named) const {
  std::string own = root_.lexically_normal().string();
  while (own.size() > 1 && own.ends_with('/')) own.pop_back();
  std::string rest(named);
  auto prefixes = usual_;
  prefixes.push_back(own);
  for (const auto& prefix : prefixes) {
    if (rest.starts_with(prefix + "/")) {
      rest = rest.substr(prefix.size() + 1);
      break;
    }
  }
  const auto clean = std::filesystem::path(rest).lexically_normal().string();
  if (clean.empty() || clean.front() == '/' || clean == ".." || clean.starts_with("../")) return std::nullopt;
  return clean;
}

bool Directory::lacks(std::string_view named) const {
  const auto name = inside(named);
  if (!name) return false;
  std::error_code error;
  const auto status = std::filesystem::symlink_status(root_ / *name, error);
  return status.type() == std::filesystem::file_type::not_found;
}

void Directory::suppose(std::string_view named, std::string text) {
  if (auto name = inside(named)) supposed_[*name] = std::move(text);
}

Result<std::string> Directory::octets(std::string_view named) const {
  const auto name = inside(named);
  if (const auto at = name ? supposed_.find(*name) : supposed_.end(); at != supposed_.end()) return at->second;
  if (!name) return fail(ErrorKind::unreadable, printable(named, 200) + ": lies outside the configuration directory");
  if (leads_outside(root_, root_ / *name))
    return fail(ErrorKind::unreadable,
                printable(*name, 200) + ": a link that leads out of the configuration directory");
  return read_regular(root_ / *name, printable(*name, 200));
}

Result<Directory::File> Directory::read(std::string_view named) const {
  auto text = octets(named);
  if (!text) return std::unexpected(text.error());
  // \x01 and \x02 mark what cannot be known; NUL ends a line for the servers. None belongs into a text file.
  std::replace_if(text->begin(), text->end(), [](char c) { return c == '\0' || c == '\x01' || c == '\x02'; }, '?');
  return File{*inside(named), std::move(*text)};
}

}  // namespace smtpdx::mta
