// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/networks.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/expand.hpp"

namespace smtpdx::mta::postfix {
namespace {

Network block(const IpAddress& address, unsigned prefix) {
  auto network = Network::parse(address.to_string() + "/" + std::to_string(prefix));
  network->has_host_bits = false;
  return *network;
}

const std::vector<OwnAddress>& loopback() {
  static const std::vector<OwnAddress> both = {{*IpAddress::parse("127.0.0.1"), 8, true},
                                               {*IpAddress::parse("::1"), 128, true}};
  return both;
}

struct Interfaces {
  std::vector<OwnAddress> addresses;
  bool complete = true;
};

/// inet_interfaces and, where asked for, proxy_interfaces, as addresses.
Interfaces interfaces(const Parameters& parameters, const std::vector<OwnAddress>& given) {
  Interfaces found;
  const auto add = [&](const std::vector<OwnAddress>& more) {
    found.addresses.insert(found.addresses.end(), more.begin(), more.end());
  };
  for (const auto& word : split_outside_braces(parameters.get("inet_interfaces").text, ",")) {
    const auto& text = word.text();
    if (iequals(text, "all")) {
      add(loopback());
      add(given);
      if (given.empty()) found.complete = false;
    } else if (iequals(text, "loopback-only") || iequals(text, "localhost")) {
      add(loopback());
    } else if (const auto address = IpAddress::parse(text)) {
      OwnAddress own{*address, address->is_v6() ? 128u : 32u, true};
      for (const auto& known : given)
        if (known.address == *address) own = known;
      if (address->is_loopback() && !address->is_v6()) own.prefix = 8;
      found.addresses.push_back(own);
    } else {
      found.complete = false;  // a name, or unknowable
      add(given);
    }
  }
  const auto protocols = to_lower(parameters.get("inet_protocols").text.text());
  const bool v4 = protocols.find("ipv4") != std::string::npos, v6 = protocols.find("ipv6") != std::string::npos;
  if (v4 != v6) std::erase_if(found.addresses, [&](const OwnAddress& own) { return own.address.is_v6() != v6; });
  return found;
}

/// The network that mynetworks_style makes of one own address; nullopt where its prefix is not known.
std::optional<Network> network_of(const OwnAddress& own, std::string_view style) {
  const unsigned width = own.address.is_v6() ? 128 : 32;
  if (style == "host") return block(own.address, width);
  const bool loop = own.address.is_loopback();
  if (style == "class" && !own.address.is_v6()) {
    const auto first = static_cast<unsigned char>(own.address.bytes()[0]);
    return block(own.address, first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32);
  }
  if (!own.prefix_known() && !loop) return std::nullopt;
  return block(own.address, own.prefix);
}

Trust by_style(const Parameters& parameters, const std::vector<OwnAddress>& own, const IpAddress& client) {
  const auto setting = parameters.get("mynetworks_style");
  const auto style = to_lower(setting.text.text());
  const std::string told = "mynetworks_style = " + style + " (" + setting.where.to_string() + ")";
  if (style != "host" && style != "subnet" && style != "class")
    return Trust{Answer::unknown, "what " + told + " means", setting.where};
  const auto all = interfaces(parameters, own);
  std::string networks;
  bool open = !all.complete;
  for (const auto& address : all.addresses) {
    if (style == "host" && !address.exact) {
      if (block(address.address, address.prefix).contains(client))
        return Trust{Answer::unknown, "whether " + client.to_string() + " is the server's own address", setting.where};
      continue;
    }
    const auto network = network_of(address, style);
    if (!network) {
      open = true;
      continue;
    }
    if (network->contains(client))
      return Trust{Answer::yes, client.to_string() + " is in " + network->to_string() + ", by " + told, setting.where};
    networks += (networks.empty() ? "" : ", ") + network->to_string();
  }
  const auto none = client.to_string() + " is in none of " + networks + ", by " + told;
  // In style "host" an address that was not told is the server itself: not a client that comes from elsewhere.
  if (open && style != "host")
    return Trust{Answer::unknown, "the server's own addresses and their networks, by which it trusts (" + told + ")",
                 setting.where};
  return Trust{Answer::no, none + (open ? " and the server's own addresses" : ""), setting.where};
}

IpAddress unmapped(const IpAddress& address) {
  static constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return address.bytes().starts_with(mapped) ? IpAddress::from_bytes(address.bytes().substr(12)) : address;
}

}  // namespace

Trust trusted(const Parameters& parameters, Tables& tables, const std::vector<OwnAddress>& own, const Client& client) {
  const auto address = unmapped(client.address);
  if (!parameters.is_set("mynetworks")) return by_style(parameters, own, address);
  const auto setting = parameters.get("mynetworks");
  const auto list = MatchList::parse(setting.text, tables);
  const auto match = list.match_client(address, client.name, parents_of(parameters, "mynetworks"));
  const auto at = " (" + (match.pattern.empty() ? setting.where : match.where).to_string() + " mynetworks)";
  if (match.answer == Answer::unknown) return Trust{Answer::unknown, match.why + at, match.where, match.broken};
  if (match.answer == Answer::yes)
    return Trust{Answer::yes, address.to_string() + " is in " + match.pattern + at, match.where};
  if (!match.pattern.empty())
    return Trust{Answer::no, address.to_string() + " is taken out by " + match.pattern + at, match.where};
  if (list.empty()) return Trust{Answer::no, "mynetworks is empty (" + setting.where.to_string() + ")", setting.where};
  return Trust{Answer::no, address.to_string() + " is in none of " + list.shown() + at, setting.where};
}

Answer is_own(const Parameters& parameters, const std::vector<OwnAddress>& own, const IpAddress& address) {
  const auto all = interfaces(parameters, own);
  bool complete = all.complete;
  for (const auto& mine : all.addresses) {
    if (mine.exact && mine.address == address) return Answer::yes;
    if (!mine.exact && block(mine.address, mine.prefix).contains(address)) complete = false;
  }
  for (const auto& word : split_outside_braces(parameters.get("proxy_interfaces").text, ",")) {
    const auto proxy = IpAddress::parse(word.text());
    if (!proxy) complete = false;
    if (proxy == address) return Answer::yes;
  }
  return complete ? Answer::no : Answer::unknown;
}

}  // namespace smtpdx::mta::postfix
