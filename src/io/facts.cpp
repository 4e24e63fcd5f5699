// SPDX-License-Identifier: Apache-2.0
#include "io/facts.hpp"

namespace smtpdx::io {

const char* to_string(Failure failure) {
  switch (failure) {
    case Failure::refused:
      return "refused";
    case Failure::timed_out:
      return "timed out";
    case Failure::unreachable:
      return "unreachable";
    case Failure::reset:
      return "reset";
    case Failure::closed:
      return "closed";
    case Failure::local:
      return "local";
    case Failure::proxy:
      return "proxy";
    case Failure::not_permitted:
      return "not permitted";
    case Failure::tls:
      return "tls";
  }
  return "?";
}

const char* to_string(TlsVersion version) {
  switch (version) {
    case TlsVersion::unknown:
      return "unknown";
    case TlsVersion::tls1_0:
      return "TLSv1";
    case TlsVersion::tls1_1:
      return "TLSv1.1";
    case TlsVersion::tls1_2:
      return "TLSv1.2";
    case TlsVersion::tls1_3:
      return "TLSv1.3";
  }
  return "?";
}

}  // namespace smtpdx::io
