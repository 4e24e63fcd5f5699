// SPDX-License-Identifier: Apache-2.0
#include "mta/zone_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace smtpdx::mta {
namespace {

using nlohmann::json;

constexpr int max_aliases = 8;

std::unexpected<Error> wrong(std::string what) {
  return fail(ErrorKind::malformed, "the zone file: " + std::move(what),
              R"({"records": {"example.org": {"MX": [[10, "mx.example.org"]]}}, "servfail": []})");
}

Result<dns::Record> record_of(const std::string& owner, dns::Type type, const json& value) {
  dns::Record record;
  record.owner = owner;
  record.type = type;
  record.ttl = 300;
  if (type == dns::Type::MX) {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() || !value[1].is_string())
      return wrong("an MX of " + owner + " is no pair of number and name");
    record.preference = value[0].get<std::uint16_t>();
    record.name = canonical_name(value[1].get<std::string>());
    return record;
  }
  if (!value.is_string()) return wrong("a record of " + owner + " is no string");
  const auto text = value.get<std::string>();
  if (type == dns::Type::TXT) {
    record.text = text;
  } else if (type == dns::Type::A || type == dns::Type::AAAA) {
    const auto address = IpAddress::parse(text);
    if (!address || address->is_v6() != (type == dns::Type::AAAA)) return wrong("\"" + text + "\" is no address");
    record.address = *address;
  } else {
    record.name = canonical_name(text);
  }
  return record;
}

}  // namespace

Result<ZoneFile> ZoneFile::parse(std::string_view text) {
  const auto all = json::parse(text, nullptr, false);
  if (!all.is_object() || !all.contains("records") || !all["records"].is_object())
    return wrong("it has no object \"records\"");
  ZoneFile zone;
  for (const auto& [written, types] : all["records"].items()) {
    const auto name = canonical_name(written);
    if (!types.is_object()) return wrong(name + " holds no object of types");
    for (std::string_view rest = name; !rest.empty();) {
      zone.names_.emplace(rest);
      const auto dot = rest.find('.');
      rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    }
    for (const auto& [word, values] : types.items()) {
      const auto type = dns::type_from(word);
      if (!type || !values.is_array()) return wrong(name + " has " + word + ", which is no list of a known type");
      for (const auto& value : values) {
        auto record = record_of(name, *type, value);
        if (!record) return std::unexpected(record.error());
        zone.records_[{name, *type}].push_back(std::move(*record));
      }
    }
  }
  if (all.contains("servfail")) {
    if (!all["servfail"].is_array()) return wrong("\"servfail\" is no list");
    for (const auto& name : all["servfail"])
      if (name.is_string()) zone.failing_.push_back(canonical_name(name.get<std::string>()));
  }
  return zone;
}

dns::Answer ZoneFile::find(const std::string& asked, dns::Type type) const {
  dns::Answer answer;
  answer.name = canonical_name(asked);
  answer.type = type;
  auto name = answer.name;
  for (int alias = 0; alias <= max_aliases; ++alias) {
    answer.canonical_name = name;
    const bool fails = std::any_of(failing_.begin(), failing_.end(), [&](auto& f) { return in_domain(name, f); });
    if (fails) {
      answer.status = dns::Status::servfail;
      return answer;
    }
    if (const auto it = records_.find({name, type}); it != records_.end()) {
      answer.status = dns::Status::found;
      answer.records = it->second;
      return answer;
    }
    const auto other = records_.find({name, dns::Type::CNAME});
    if (other == records_.end()) break;
    name = other->second.front().name;
  }
  answer.status = names_.contains(name) ? dns::Status::no_data : dns::Status::no_name;
  return answer;
}

}  // namespace smtpdx::mta
