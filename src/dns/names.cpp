// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "base/text.hpp"
#include "dns/answer.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::array<std::pair<Type, const char*>, 13> type_names{{{Type::A, "A"},
                                                                   {Type::NS, "NS"},
                                                                   {Type::CNAME, "CNAME"},
                                                                   {Type::SOA, "SOA"},
                                                                   {Type::PTR, "PTR"},
                                                                   {Type::MX, "MX"},
                                                                   {Type::TXT, "TXT"},
                                                                   {Type::AAAA, "AAAA"},
                                                                   {Type::SRV, "SRV"},
                                                                   {Type::DS, "DS"},
                                                                   {Type::DNSKEY, "DNSKEY"},
                                                                   {Type::TLSA, "TLSA"},
                                                                   {Type::CAA, "CAA"}}};

}  // namespace

const char* to_string(Type type) {
  for (const auto& [value, name] : type_names) {
    if (value == type) return name;
  }
  return "TYPE?";
}

std::optional<Type> type_from(std::string_view name) {
  for (const auto& [value, text] : type_names) {
    if (iequals(name, text)) return value;
  }
  return std::nullopt;
}

const char* to_string(Status status) {
  switch (status) {
    case Status::found:
      return "found";
    case Status::no_data:
      return "no-data";
    case Status::no_name:
      return "no-name";
    case Status::servfail:
      return "servfail";
    case Status::timed_out:
      return "timed-out";
    case Status::local:
      return "local";
  }
  return "?";
}

const char* to_string(Validation validation) {
  switch (validation) {
    case Validation::unchecked:
      return "unchecked";
    case Validation::secure:
      return "secure";
    case Validation::insecure:
      return "insecure";
    case Validation::bogus:
      return "bogus";
  }
  return "?";
}

}  // namespace smtpdx::dns
