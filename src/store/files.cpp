// SPDX-License-Identifier: Apache-2.0
#include "store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/sql.hpp"

namespace smtpdx::store {
namespace {

[[noreturn]] void give_up(const std::string& what, int error) {
  const std::string message = what + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    throw Failure(Trouble::disk_full, message, "free some space; smtpdx goes on by itself");
  }
  if (error == EROFS) throw Failure(Trouble::read_only, message, "name a place that may be written");
  if (error == EACCES || error == EPERM) {
    throw Failure(Trouble::denied, message, "give the user that runs smtpdx the right to write there");
  }
  throw Failure(Trouble::gone, message, "see that the directory exists and may be written");
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

void make_directories(const std::string& directory) {
  struct stat s{};
  if (directory.empty() || directory == "/" || ::stat(directory.c_str(), &s) == 0) return;
  make_directories(directory_of(directory));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    give_up("cannot make the directory " + directory, errno);
  }
  sync_directory_of(directory);
}

void write_all(int fd, std::string_view octets, const std::string& path) {
  while (!octets.empty()) {
    const auto n = ::write(fd, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) give_up("cannot write " + path, errno);
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

void make_private_file(const std::string& path) {
  make_directories(directory_of(path));
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file && errno == EEXIST) return;
  if (!file) give_up("cannot make " + path, errno);
  sync_directory_of(path);
}

bool write_new_private_file(const std::string& path, std::string_view octets) {
  make_directories(directory_of(path));
  const std::string unnamed = path + "." + make_id("");
  try {
    const Descriptor file(::open(unnamed.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) give_up("cannot make " + unnamed, errno);
    write_all(file.get(), octets, unnamed);
    if (::fsync(file.get()) != 0) give_up("cannot write " + unnamed, errno);
  } catch (const Failure&) {
    ::unlink(unnamed.c_str());
    throw;
  }
  return name_new_file(unnamed, path);
}

bool name_new_file(const std::string& unnamed, const std::string& path) {
  const bool named = ::link(unnamed.c_str(), path.c_str()) == 0;
  const int error = errno;
  ::unlink(unnamed.c_str());
  if (!named && error == EEXIST) return false;
  if (!named) give_up("cannot make " + path, error);
  sync_directory_of(path);
  return true;
}

void remove_file(const std::string& path) noexcept { ::unlink(path.c_str()); }

void sync_directory_of(const std::string& path) {
  const std::string directory = directory_of(path);
  const Descriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) give_up("cannot open the directory " + directory, errno);
  // Some file systems cannot do it for directories, and then keep names in order by themselves.
  if (::fsync(handle.get()) != 0 && errno != EINVAL && errno != EROFS) give_up("cannot write " + directory, errno);
}

}  // namespace smtpdx::store
