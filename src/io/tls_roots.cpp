// SPDX-License-Identifier: Apache-2.0

// Roots come from the system's hashed directory, one look-up when needed: reading the whole bundle (what OpenSSL's
// defaults do first) costs 50 to 100 ms, more than a round trip across an ocean. The bundle is for systems without
// hashes.

#include "io/tls_roots.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/text.hpp"
#include "io/tls.hpp"

namespace smtpdx::io {
namespace {

using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;

constexpr std::size_t most_files = 4096;
constexpr std::size_t largest_file = 64 * 1024;

/// Debian's bundle of all roots, besides OpenSSL's own default file, which Debian does not have.
constexpr const char* bundle = "/etc/ssl/certs/ca-certificates.crt";

/// The subject's hash in a name as c_rehash makes them ("3513523f.0"); nullopt for any other.
std::optional<unsigned long> hash_in(const std::string& name) {
  if (name.size() < 10 || name[8] != '.' || !parse_number(name.substr(9))) return std::nullopt;
  unsigned long hash = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 8, hash, 16);
  if (error != std::errc() || end != name.data() + 8) return std::nullopt;
  return hash;
}

template <class Visit>
void for_each_hashed(const std::string& directory, Visit visit) {
  std::error_code ignored;
  std::size_t looked_at = 0;
  for (std::filesystem::directory_iterator it(directory, ignored), end; it != end && !ignored; it.increment(ignored)) {
    const auto hash = hash_in(it->path().filename().string());
    if (hash && !visit(*hash, it->path())) return;
    if (++looked_at == most_files) return;
  }
}

bool has_hashed_directory() {
  bool found = false;
  for_each_hashed(X509_get_default_cert_dir(), [&](unsigned long, const std::filesystem::path&) {
    found = true;
    return false;
  });
  return found;
}

/// SSL_CERT_FILE and SSL_CERT_DIR choose other roots, but images that set them to the system's own choose nothing.
bool names_another(const char* environment_variable, const char* usual) {
  const char* value = std::getenv(environment_variable);
  std::error_code ignored;
  return value && !std::filesystem::equivalent(value, usual, ignored);
}

bool roots_chosen_by_user() {
  return names_another(X509_get_default_cert_file_env(), X509_get_default_cert_file()) ||
         names_another(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
}

/// What stood in the hashed files, as it was read.
using Roots = std::map<unsigned long, std::vector<std::string>>;

Roots read_hashed_directories() {
  const char* chosen = std::getenv(X509_get_default_cert_dir_env());
  const std::string directories = chosen ? chosen : X509_get_default_cert_dir();
  Roots roots;
  for (const auto directory : split(directories, ':')) {
    for_each_hashed(std::string(directory), [&](unsigned long hash, const std::filesystem::path& path) {
      std::ifstream file(path, std::ios::binary);
      std::string text{std::istreambuf_iterator<char>(file), {}};
      if (!text.empty() && text.size() <= largest_file) roots[hash].push_back(std::move(text));
      return true;
    });
  }
  return roots;
}

Roots& roots_of(X509_LOOKUP* lookup) { return *static_cast<Roots*>(X509_LOOKUP_get_method_data(lookup)); }

/// The store keeps the certificate, and `found` refers to it without keeping it, as OpenSSL's own look-ups have it.
bool put_into_store(X509_LOOKUP* lookup, X509* certificate, const X509_NAME* wanted, X509_OBJECT* found) {
  if (X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate) != 1) return false;
  if (X509_NAME_cmp(X509_get_subject_name(certificate), wanted) != 0) return false;
  if (X509_OBJECT_set1_X509(found, certificate) != 1) return false;
  X509_free(certificate);
  return true;
}

/// OpenSSL's question, asked where the store itself does not hold the name yet.
int find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* found) {
  if (type != X509_LU_X509) return 0;
  int known = 0;
  const auto hash = X509_NAME_hash_ex(name, nullptr, nullptr, &known);
  auto& roots = roots_of(lookup);
  const auto it = known == 1 ? roots.find(hash) : roots.end();
  if (it == roots.end()) return 0;
  bool done = false;
  for (const auto& text : it->second) {
    std::unique_ptr<BIO, Freer<BIO_free>> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    X509Ptr certificate(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) continue;
    if (!done) {
      done = put_into_store(lookup, certificate.get(), name, found);
    } else {
      X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate.get());
    }
  }
  roots.erase(it);  // all in the store now
  ERR_clear_error();
  return done ? 1 : 0;
}

void forget_roots(X509_LOOKUP* lookup) { delete static_cast<Roots*>(X509_LOOKUP_get_method_data(lookup)); }

X509_LOOKUP_METHOD* roots_in_memory() {
  static X509_LOOKUP_METHOD* const method = [] {
    auto* made = X509_LOOKUP_meth_new("roots in memory");
    X509_LOOKUP_meth_set_get_by_subject(made, find_by_subject);
    X509_LOOKUP_meth_set_free(made, forget_roots);
    return made;
  }();
  return method;
}

}  // namespace

void add_system_roots(SSL_CTX* context) {
  SSL_CTX_set_default_verify_dir(context);
  if (roots_chosen_by_user() || !has_hashed_directory()) SSL_CTX_set_default_verify_file(context);
  ERR_clear_error();  // a system without any root is no error; chains are then untrusted
}

void read_system_roots(SSL_CTX* context) {
  auto roots = read_hashed_directories();
  const bool chosen = roots_chosen_by_user();
  if (chosen || roots.empty()) SSL_CTX_set_default_verify_file(context);
  if (!chosen && roots.empty()) SSL_CTX_load_verify_file(context, bundle);
  auto* lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(context), roots_in_memory());
  if (lookup) X509_LOOKUP_set_method_data(lookup, new Roots(std::move(roots)));
  ERR_clear_error();
}

}  // namespace smtpdx::io
