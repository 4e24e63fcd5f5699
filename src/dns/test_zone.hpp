// SPDX-License-Identifier: Apache-2.0
#pragma once

// A resolver that answers from a literal, for tests and measurements: no sockets, no waiting, no log.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "dns/resolver.hpp"
#include "dns/wire.hpp"

namespace smtpdx::dns {

class TestZone : public Resolver {
 public:
  /// "NAME TYPE VALUE" each: A, AAAA, MX ("10 host"), PTR, CNAME, TXT (the rest of the line as it stands), FAIL and
  /// SILENT for a name whose look-ups of any other type get no answer.
  explicit TestZone(const std::vector<std::string_view>& lines) {
    for (auto line : lines) {
      const auto name_end = line.find(' '), type_end = line.find(' ', name_end + 1);
      const auto word =
          line.substr(name_end + 1, type_end == std::string_view::npos ? type_end : type_end - name_end - 1);
      add(line.substr(0, name_end), word, type_end == std::string_view::npos ? "" : line.substr(type_end + 1));
    }
  }
  TestZone() = default;

  void add(std::string_view name, std::string_view word, std::string_view value) {
    auto& here = names_[canonical_name(name)];
    if (word == "FAIL" || word == "SILENT") {
      here.otherwise = word == "FAIL" ? Status::servfail : Status::timed_out;
      return;
    }
    Record record;
    record.owner = canonical_name(name);
    record.type = type_from(word).value_or(Type::TXT);
    record.ttl = 300;
    if (record.type == Type::A || record.type == Type::AAAA) {
      record.address = IpAddress::parse(value).value_or(IpAddress());
    } else if (record.type == Type::MX) {
      const auto space = value.find(' ');
      record.preference = static_cast<std::uint16_t>(parse_number(value.substr(0, space)).value_or(0));
      record.name = canonical_name(value.substr(space + 1));
    } else if (record.type == Type::TXT) {
      record.text = value;
    } else {
      record.name = canonical_name(value);
    }
    here.records[record.type].push_back(std::move(record));
  }

  io::Task<Answer> query(std::string name, Type type, Deadline) override {
    asked_.emplace_back(name + " " + to_string(type));
    Answer answer;
    answer.type = type;
    const auto normal = wire::normal_name(name);
    if (normal) {
      answer.name = answer.canonical_name = *normal;
      fill(answer);
    }
    co_return answer;
  }
  io::Task<Answer> ask_server(Endpoint, std::string name, Type type, Deadline deadline) override {
    return query(std::move(name), type, deadline);
  }

  /// "NAME TYPE" in the order asked.
  const std::vector<std::string>& asked() const { return asked_; }
  void forget() { asked_.clear(); }

 private:
  struct Name {
    std::map<Type, std::vector<Record>> records;
    Status otherwise = Status::no_data;
  };

  void fill(Answer& answer) const {
    for (int hops = 0; hops < 8; ++hops) {
      const auto here = names_.find(answer.canonical_name);
      if (here == names_.end()) {
        answer.status = Status::no_name;
        return;
      }
      if (const auto found = here->second.records.find(answer.type); found != here->second.records.end()) {
        answer.status = Status::found;
        answer.records = found->second;
        return;
      }
      const auto alias = here->second.records.find(Type::CNAME);
      if (alias == here->second.records.end()) {
        answer.status = here->second.otherwise;
        if (answer.status == Status::servfail) answer.why = "SERVFAIL";
        return;
      }
      answer.canonical_name = alias->second.front().name;
    }
    answer.status = Status::servfail;
    answer.why = "the CNAME records run in a circle";
  }

  std::map<std::string, Name, std::less<>> names_;
  std::vector<std::string> asked_;
};

}  // namespace smtpdx::dns
