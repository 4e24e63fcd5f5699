// SPDX-License-Identifier: Apache-2.0
#include "io/server_cert.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/ip.hpp"
#include "io/server_cert_impl.hpp"
#include "io/tls.hpp"

namespace smtpdx::io {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

EVP_PKEY* new_key(CertKey kind) {
  switch (kind) {
    case CertKey::ec_p256:
      return EVP_EC_gen("P-256");
    case CertKey::rsa_2048:
      return EVP_RSA_gen(2048);
    case CertKey::rsa_1024:
      return EVP_RSA_gen(1024);
  }
  return nullptr;
}

void set_time(ASN1_TIME* to, WallTime at) { ASN1_TIME_set(to, std::chrono::system_clock::to_time_t(at)); }

void set_serial(X509* certificate) {
  unsigned char bytes[16];
  RAND_bytes(bytes, sizeof bytes);
  bytes[0] &= 0x7f;
  std::unique_ptr<BIGNUM, Freer<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// OpenSSL's "DNS:a,IP:b" syntax has no quoting: a comma in a name would smuggle in another one.
Result<std::string> alternative_names(const CertSpec& spec) {
  std::string value;
  for (const auto& name : spec.dns_names) {
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      return fail(ErrorKind::usage, "\"" + name + "\" cannot be a name in a certificate");
    }
    value += (value.empty() ? "DNS:" : ",DNS:") + name;
  }
  for (const auto& name : spec.ip_names) {
    const auto address = IpAddress::parse(name);
    if (!address) return fail(ErrorKind::usage, "\"" + name + "\" is no address");
    value += (value.empty() ? "IP:" : ",IP:") + address->to_string();
  }
  return value;
}

bool add_extensions(X509* certificate, X509* issuer, const CertSpec& spec, const std::string& names) {
  const bool authority = spec.use == CertUse::authority;
  bool ok =
      add_extension(certificate, issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  ok = ok && add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (authority) {
    ok = ok && add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    ok = ok && add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
  }
  if (issuer != certificate) ok = ok && add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!names.empty()) ok = ok && add_extension(certificate, issuer, NID_subject_alt_name, names);
  return ok;
}

std::string bio_text(BIO* bio) {
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string pem_of(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return bio_text(out.get());
}

}  // namespace

Result<ServerCertPtr> make_server_cert(const CertSpec& spec) {
  const auto names = alternative_names(spec);
  if (!names) return std::unexpected(names.error());
  auto made = std::make_shared<ServerCert>();
  made->key = std::shared_ptr<EVP_PKEY>(new_key(spec.key), EVP_PKEY_free);
  made->certificate = X509Shared(X509_new(), X509_free);
  if (!made->key || !made->certificate) return fail(ErrorKind::system, openssl_words());
  X509* certificate = made->certificate.get();
  X509* issuer = spec.issuer ? spec.issuer->certificate.get() : certificate;
  EVP_PKEY* signer = spec.issuer ? spec.issuer->key.get() : made->key.get();

  X509_set_version(certificate, X509_VERSION_3);
  set_serial(certificate);
  set_time(X509_getm_notBefore(certificate), spec.not_before);
  set_time(X509_getm_notAfter(certificate), spec.not_after);
  const bool named = X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                                reinterpret_cast<const unsigned char*>(spec.common_name.data()),
                                                static_cast<int>(spec.common_name.size()), -1, 0) == 1;
  if (!named) return fail(ErrorKind::usage, "\"" + spec.common_name + "\" cannot be a common name: " + openssl_words());
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, made->key.get());
  if (!add_extensions(certificate, issuer, spec, *names) || X509_sign(certificate, signer, EVP_sha256()) == 0) {
    return fail(ErrorKind::usage, "the certificate cannot be made: " + openssl_words());
  }
  if (spec.issuer && X509_self_signed(issuer, 0) != 1) {
    made->sent_after.push_back(spec.issuer->certificate);
    made->sent_after.insert(made->sent_after.end(), spec.issuer->sent_after.begin(), spec.issuer->sent_after.end());
  }
  return made;
}

std::string certificate_pem(const ServerCert& cert) { return pem_of(cert.certificate.get()); }

std::string private_key_pem(const ServerCert& cert) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), cert.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return bio_text(out.get());
}

std::string chain_pem(const ServerCert& cert) {
  auto text = certificate_pem(cert);
  for (const auto& above : cert.sent_after) text += pem_of(above.get());
  return text;
}

Result<ServerCertPtr> read_server_cert(const std::string& chain_file, const std::string& key_file) {
  BioPtr chain(BIO_new_file(chain_file.c_str(), "r")), key(BIO_new_file(key_file.c_str(), "r"));
  if (!chain) return fail(ErrorKind::unreadable, chain_file + ": cannot be read: " + openssl_words());
  if (!key) return fail(ErrorKind::unreadable, key_file + ": cannot be read: " + openssl_words());
  auto read = std::make_shared<ServerCert>();
  while (X509* certificate = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    X509Shared shared(certificate, X509_free);
    if (read->certificate) read->sent_after.push_back(std::move(shared));
    if (!read->certificate) read->certificate = std::move(shared);
  }
  read->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  openssl_words();  // the end of a PEM file is an error to OpenSSL
  if (!read->certificate) return fail(ErrorKind::unreadable, chain_file + ": holds no certificate in PEM form");
  if (!read->key) return fail(ErrorKind::unreadable, key_file + ": holds no private key in PEM form");
  if (X509_check_private_key(read->certificate.get(), read->key.get()) != 1)
    return fail(ErrorKind::usage, key_file + " is not the key of " + chain_file);
  return ServerCertPtr(std::move(read));
}

}  // namespace smtpdx::io
