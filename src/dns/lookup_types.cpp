// SPDX-License-Identifier: Apache-2.0
#include "dns/lookup_types.hpp"

#include <algorithm>

namespace smtpdx::dns {
namespace {

/// How little is known: a failure outweighs an absence, "no such name" outweighs "no such record".
int weight(Status status) {
  switch (status) {
    case Status::found:
      return 0;
    case Status::no_data:
      return 1;
    case Status::no_name:
      return 2;
    case Status::local:
      return 3;
    case Status::servfail:
      return 4;
    case Status::timed_out:
      return 5;
  }
  return 5;
}

}  // namespace

bool settled(Status status) {
  return status == Status::found || status == Status::no_data || status == Status::no_name;
}

std::vector<Answer> HostAddresses::answers() const {
  std::vector<Answer> all;
  if (a) all.push_back(*a);
  if (aaaa) all.push_back(*aaaa);
  return all;
}

bool HostAddresses::complete() const { return (!a || settled(a->status)) && (!aaaa || settled(aaaa->status)); }

bool HostAddresses::alias() const {
  auto led_away = [](const std::optional<Answer>& answer) { return answer && answer->canonical_name != answer->name; };
  return led_away(a) || led_away(aaaa);
}

Status HostAddresses::status() const {
  if (!addresses.empty()) return Status::found;
  if (!a && !aaaa) return Status::local;
  if (!a) return aaaa->status;
  if (!aaaa) return a->status;
  return weight(a->status) >= weight(aaaa->status) ? a->status : aaaa->status;
}

const char* to_string(MxKind kind) {
  switch (kind) {
    case MxKind::listed:
      return "listed";
    case MxKind::implicit:
      return "implicit";
    case MxKind::null_mx:
      return "null-mx";
    case MxKind::none:
      return "none";
    case MxKind::no_name:
      return "no-name";
    case MxKind::unknown:
      return "unknown";
  }
  return "?";
}

bool ReverseLookup::confirmed() const {
  return std::ranges::any_of(names, [](const ReverseName& n) { return n.confirmed; });
}

std::string ReverseLookup::best_name() const {
  auto it = std::ranges::find_if(names, [](const ReverseName& n) { return n.confirmed; });
  if (it != names.end()) return it->name;
  return names.empty() ? std::string() : names.front().name;
}

bool ReverseLookup::complete() const {
  return settled(ptr.status) &&
         std::ranges::all_of(names, [](const ReverseName& n) { return settled(n.forward.status); });
}

}  // namespace smtpdx::dns
