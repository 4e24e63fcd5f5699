// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/encoding.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "io/tls.hpp"

namespace smtpdx::io {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

std::string name_text(const X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  // RFC 2253, but UTF-8 as it is instead of \xx.
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

/// X.509 dates reach the year 9999; the clock's type ends in 2262.
WallTime wall_time(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return {};
  const auto seconds = std::chrono::seconds(::timegm(&tm));
  const auto last = std::chrono::floor<std::chrono::seconds>(WallTime::max().time_since_epoch());
  const auto first = std::chrono::ceil<std::chrono::seconds>(WallTime::min().time_since_epoch());
  return WallTime(seconds > last ? last : seconds < first ? first : seconds);
}

std::string octets(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

void add_alternative_names(X509* certificate, Certificate& out) {
  GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      out.dns_names.push_back(canonical_name(octets(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const auto bytes = octets(name->d.iPAddress);
      if (bytes.size() == 4 || bytes.size() == 16) out.ip_names.push_back(IpAddress::from_bytes(bytes).to_string());
    }
  }
  if (!out.dns_names.empty()) return;
  // RFC 6125 §6.4.4: the CN counts only where there is no subjectAltName of a relevant kind; X509_check_host agrees.
  const auto* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  out.dns_names.push_back(canonical_name(octets(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return hex_encode({reinterpret_cast<const char*>(digest), size});
}

std::string certificate_der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  std::string der(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  if (size > 0) i2d_X509(certificate, &at);
  return der;
}

std::string pubkey_der(X509* certificate) {
  const auto* key = X509_get_X509_PUBKEY(certificate);
  const int size = i2d_X509_PUBKEY(key, nullptr);
  std::string der(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  if (size > 0) i2d_X509_PUBKEY(key, &at);
  return der;
}

std::string key_type(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return "RSA";
    case EVP_PKEY_RSA_PSS:
      return "RSA-PSS";
    case EVP_PKEY_EC:
      return "EC";
    case EVP_PKEY_ED25519:
      return "ED25519";
    case EVP_PKEY_ED448:
      return "ED448";
    case EVP_PKEY_DSA:
      return "DSA";
    default:
      return EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "";
  }
}

}  // namespace

Certificate describe(X509* certificate) {
  Certificate out;
  out.subject = name_text(X509_get_subject_name(certificate));
  out.issuer = name_text(X509_get_issuer_name(certificate));
  add_alternative_names(certificate, out);
  out.not_before = wall_time(X509_get0_notBefore(certificate));
  out.not_after = wall_time(X509_get0_notAfter(certificate));
  out.self_signed = X509_self_signed(certificate, 1) == 1;
  if (const auto* key = X509_get0_pubkey(certificate)) {
    out.key_type = key_type(key);
    out.key_bits = EVP_PKEY_get_bits(key);
  }
  out.der = certificate_der(certificate);
  out.sha256 = sha256_hex(out.der);
  out.pubkey_sha256 = sha256_hex(pubkey_der(certificate));
  ERR_clear_error();  // unknown key types and broken extensions leave entries
  return out;
}

bool certificate_has_name(X509* certificate, const std::string& name) {
  const auto address = IpAddress::parse(name);
  const int match =
      address ? X509_check_ip(certificate, reinterpret_cast<const unsigned char*>(address->bytes().data()),
                              address->bytes().size(), 0)
              : X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr);
  ERR_clear_error();
  return match == 1;
}

}  // namespace smtpdx::io
