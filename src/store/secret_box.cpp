// SPDX-License-Identifier: Apache-2.0
#include "store/secret_box.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "store/files.hpp"
#include "store/sql.hpp"

namespace smtpdx::store {
namespace {

constexpr std::string_view file_mark = "smtpdx-key-1 ";
constexpr char seal_mark = 1;
constexpr std::size_t id_size = 4;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t head_size = 1 + id_size + nonce_size;

const unsigned char* octets(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* octets(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

/// The file's text; absent where there is no file. Throws Failure.
std::optional<std::string> read_key_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) {
    throw Failure(Trouble::denied, "cannot read the key file " + path + ": " + std::strerror(errno),
                  "let the user that runs smtpdx own it; it must be a file, no link");
  }
  struct stat s{};
  char buffer[256];
  const bool known = ::fstat(fd, &s) == 0;
  const auto n = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  if (!known || n < 0) throw Failure(Trouble::failed, "cannot read the key file " + path + ": " + std::strerror(errno));
  if (s.st_mode & 077) {
    sodium_memzero(buffer, sizeof buffer);
    throw Failure(Trouble::denied, "others may read the key file " + path, "chmod 600 " + path);
  }
  std::string text(buffer, static_cast<std::size_t>(n));
  sodium_memzero(buffer, sizeof buffer);
  return text;
}

std::string new_key_file() {
  unsigned char key[32];
  randombytes_buf(key, sizeof key);
  std::string text(file_mark);
  text += base64_encode({reinterpret_cast<const char*>(key), sizeof key}) + "\n";
  sodium_memzero(key, sizeof key);
  return text;
}

}  // namespace

SecretBox::SecretBox(SecretBox&& other) noexcept : key_(other.key_), key_id_(std::move(other.key_id_)) {
  sodium_memzero(other.key_.data(), other.key_.size());
}

SecretBox::~SecretBox() { sodium_memzero(key_.data(), key_.size()); }

Outcome<SecretBox> SecretBox::open_or_make(const std::string& key_path) try {
  if (sodium_init() < 0) return troubled(Trouble::failed, "libsodium does not start: no source of randomness");
  auto text = read_key_file(key_path);
  if (!text) {
    write_new_private_file(key_path, new_key_file());
    text = read_key_file(key_path);  // ours, or that of another program that was quicker
  }
  auto key = text && text->starts_with(file_mark) ? base64_decode(text->substr(file_mark.size())) : std::nullopt;
  if (text) sodium_memzero(text->data(), text->size());
  if (!key || key->size() != sizeof(key_)) {
    return troubled(Trouble::foreign, key_path + " is no key file of smtpdx",
                    "restore the key file from where you keep it; without it sealed secrets must be entered again");
  }
  SecretBox box;
  std::copy(key->begin(), key->end(), box.key_.begin());
  sodium_memzero(key->data(), key->size());
  unsigned char id[16];
  constexpr std::string_view purpose = "smtpdx key id";
  crypto_generichash(id, sizeof id, octets(purpose), purpose.size(), box.key_.data(), box.key_.size());
  box.key_id_.assign(reinterpret_cast<const char*>(id), id_size);
  return box;
} catch (const Failure& failure) {
  return std::unexpected(failure.error());
}

std::string SecretBox::seal(std::string_view secret, std::string_view purpose) const {
  std::string sealed(head_size + secret.size() + tag_size, '\0');
  sealed[0] = seal_mark;
  std::copy(key_id_.begin(), key_id_.end(), sealed.begin() + 1);
  auto* nonce = octets(sealed) + 1 + id_size;
  randombytes_buf(nonce, nonce_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(octets(sealed) + head_size, nullptr, octets(secret), secret.size(),
                                             octets(purpose), purpose.size(), nullptr, nonce, key_.data());
  return sealed;
}

Outcome<std::string> SecretBox::unseal(std::string_view sealed, std::string_view purpose) const {
  if (sealed.size() < head_size + tag_size || sealed[0] != seal_mark) {
    return troubled(Trouble::corrupt, "this is no sealed secret", "enter the secret again");
  }
  if (sealed.substr(1, id_size) != key_id_) {
    return troubled(Trouble::denied, "the secret was sealed with another key",
                    "restore the key file that was in use then, or enter the secret again");
  }
  std::string secret(sealed.size() - head_size - tag_size, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(octets(secret), nullptr, nullptr, octets(sealed) + head_size,
                                                 sealed.size() - head_size, octets(purpose), purpose.size(),
                                                 octets(sealed) + 1 + id_size, key_.data()) != 0) {
    return troubled(Trouble::corrupt, "the sealed secret was changed, or belongs to something else",
                    "enter the secret again");
  }
  return secret;
}

Outcome<std::string> default_key_path() {
  auto path = default_store_path();
  if (path) path->replace(path->rfind('/') + 1, std::string::npos, "secret.key");
  return path;
}

}  // namespace smtpdx::store
