// SPDX-License-Identifier: Apache-2.0
#include "api/world.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "base/text.hpp"
#include "dns/make_resolver.hpp"
#include "io/connect_to.hpp"
#include "io/real.hpp"
#include "io/socks5.hpp"
#include "io/ssh.hpp"
#include "io/via.hpp"

namespace smtpdx::api {

struct World::Parts {
  WorldOptions options;
  std::unique_ptr<io::Runtime> runtime;
  std::shared_ptr<io::TlsClient> tls;
  std::unique_ptr<io::Connector> tcp, via;
  std::unique_ptr<io::ConnectTo> connect_to;
  std::unique_ptr<io::Manners> manners;
  std::unique_ptr<io::Datagrams> datagrams;
  trace::Log log;
  std::unique_ptr<dns::Resolver> resolver;
  std::unique_ptr<mock::RecordingResolver> recorder;
  std::vector<IpAddress> sources;
  std::vector<io::ConnectToRule> typed;
  std::unique_ptr<probes::Env> env;
};

namespace {

/// RFC 3339 §5.6, UTC or with an offset.
std::optional<WallTime> parse_time(const std::string& text) {
  std::tm tm{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (!rest) return std::nullopt;
  auto seconds = timegm(&tm);
  if (*rest == 'Z' || *rest == 'z') return std::chrono::system_clock::from_time_t(seconds);
  int hours = 0, minutes = 0;
  if ((*rest != '+' && *rest != '-') || std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return std::nullopt;
  const auto offset = (hours * 60 + minutes) * 60;
  return std::chrono::system_clock::from_time_t(*rest == '+' ? seconds - offset : seconds + offset);
}

/// An honest EHLO name: this machine's own, where it is a full one (RFC 5321 §4.1.4); else the address literal.
std::string own_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return {};
  const std::string host = canonical_name(name);
  return host.find('.') != std::string::npos ? host : std::string();
}

Result<void> parse_addresses(const WorldOptions& o, std::vector<IpAddress>& sources, dns::ResolverOptions& dns) {
  for (const auto& text : o.sources) {
    auto address = IpAddress::parse(text);
    if (!address) return fail(ErrorKind::usage, "--source " + text + ": not an address");
    sources.push_back(*address);
  }
  for (const auto& text : o.resolvers) {
    auto host = HostPort::parse(text);
    auto address = host ? IpAddress::parse(host->host) : std::nullopt;
    if (!address) return fail(ErrorKind::usage, "--resolver " + text + ": not ADDR[:PORT]");
    dns.forwarders.push_back({*address, host->port == 0 ? std::uint16_t{53} : host->port});
  }
  return {};
}

}  // namespace

namespace {

/// The proxy's own name is looked up by the system: the vantage is part of our surroundings, not of what is examined.
std::optional<IpAddress> system_address(const std::string& host) {
  if (auto literal = IpAddress::parse(host)) return literal;
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || !found) return std::nullopt;
  char text[64] = {};
  getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  return IpAddress::parse(text);
}

Result<std::unique_ptr<io::Connector>> make_vantage(std::shared_ptr<io::TlsClient> tls, io::Runtime& runtime,
                                                    io::Connector& tcp, trace::Log& log, const std::string& text) {
  auto via = io::parse_via(text);
  if (!via) return std::unexpected(via.error());
  if (via->kind == io::Via::Kind::ssh) return io::make_ssh_connector(runtime, std::move(tls), {via->at, via->user});
  auto address = system_address(via->at.host);
  if (!address) return fail(ErrorKind::usage, "--via: the proxy's name " + via->at.host + " is not known");
  log.add_secret(via->password);
  return std::make_unique<io::Socks5Connector>(tcp,
                                               io::Socks5Proxy{{*address, via->at.port}, via->user, via->password});
}

}  // namespace

World::World() : parts_(std::make_unique<Parts>()) {}
World::~World() = default;
io::Runtime& World::runtime() { return *parts_->runtime; }
trace::Log& World::log() { return parts_->log; }
probes::Env& World::env() { return *parts_->env; }
const std::vector<mock::RecordingResolver::Lookup>& World::lookups() const { return parts_->recorder->lookups(); }
void World::log_in_as(const Login& login) {
  if (login.secret.empty()) return;
  parts_->log.add_secret(login.secret);
  smtp::Credentials credentials;
  credentials.user = login.user;
  credentials.secret = login.secret;
  if (!login.mechanism.empty()) credentials.mechanism = login.mechanism;
  parts_->env->credentials = std::move(credentials);
}
Deadline World::deadline() const {
  return parts_->runtime->deadline_in(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(parts_->options.timeout)));
}

namespace {

Result<std::optional<WallTime>> judged_at(const WorldOptions& options) {
  if (options.now.empty()) return std::nullopt;
  if (auto now = parse_time(options.now)) return now;
  return fail(ErrorKind::usage, "--now " + options.now + ": not an RFC 3339 time", "for example 2026-11-24T12:00:00Z");
}

Result<std::vector<io::ConnectToRule>> connect_to_rules(const WorldOptions& options) {
  std::vector<io::ConnectToRule> rules;
  for (const auto& text : options.connect_to) {
    auto rule = io::ConnectToRule::parse(text);
    if (!rule) return std::unexpected(rule.error());
    rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace

/// The way out, innermost first.
Result<void> World::make_connectors(const MakeDoors& doors, std::shared_ptr<io::TlsClient> tls) {
  auto& p = *parts_;
  auto made = doors(*p.runtime, tls);
  p.tcp = std::move(made.connector);
  p.datagrams = std::move(made.datagrams);
  io::Connector* inner = p.tcp.get();
  if (!p.options.via.empty()) {
    auto via = make_vantage(tls, *p.runtime, *p.tcp, p.log, p.options.via);
    if (!via) return std::unexpected(via.error());
    p.via = std::move(*via);
    inner = p.via.get();
  }
  auto rules = connect_to_rules(p.options);
  if (!rules) return std::unexpected(rules.error());
  p.typed = *rules;
  p.connect_to = std::make_unique<io::ConnectTo>(*inner, std::move(*rules));
  p.manners = std::make_unique<io::Manners>(*p.runtime, *p.connect_to,
                                            p.options.own_server ? io::Ownership::own : io::Ownership::foreign);
  return {};
}

void World::make_env() {
  auto& p = *parts_;
  p.recorder = std::make_unique<mock::RecordingResolver>(*p.resolver);
  dns::Resolver& door = p.options.record ? static_cast<dns::Resolver&>(*p.recorder) : *p.resolver;
  p.env = std::make_unique<probes::Env>(probes::Env{*p.runtime, *p.manners, door, p.log,
                                                    p.options.helo.empty() ? own_name() : p.options.helo, std::nullopt,
                                                    0, 0, 53, p.manners.get()});
  for (const auto& rule : p.typed)
    if (!rule.host.empty() && rule.to_address && !IpAddress::parse(rule.host))
      p.env->fixed_addresses[rule.host] = *rule.to_address;
}

Result<std::unique_ptr<World>> World::make(const WorldOptions& options) { return make(options, Ground::ours, {}); }

Result<std::unique_ptr<World>> World::make(const WorldOptions& options, const MakeDoors& doors) {
  return make(options, Ground::sealed, doors);
}

Result<std::unique_ptr<World>> World::make(const WorldOptions& options, Ground ground, const MakeDoors& doors) {
  const bool sealed = ground == Ground::sealed;
  if (sealed && !options.via.empty()) return fail(ErrorKind::usage, "--via does not work in a sealed process");
  std::unique_ptr<World> world(new World());
  auto& p = *world->parts_;
  p.options = options;
  auto now = judged_at(options);
  if (!now) return std::unexpected(now.error());
  dns::ResolverOptions dns;
  dns.trust_anchor_files = sealed ? std::vector<std::string>{} : options.trust_anchors;
  dns.validation_time = *now;
  if (sealed) dns.root_anchor_files.clear();
  if (auto ok = parse_addresses(options, p.sources, dns); !ok) return std::unexpected(ok.error());
  p.runtime = io::make_runtime(*now);
  auto tls = io::make_tls_client({options.ca_files, *now, sealed});
  if (!tls) return std::unexpected(tls.error());
  p.tls = *tls;
  auto open = [](io::Runtime& runtime, std::shared_ptr<io::TlsClient> client) {
    return Doors{io::make_tcp_connector(runtime, std::move(client)), io::make_datagrams(runtime)};
  };
  if (auto ok = world->make_connectors(sealed ? doors : MakeDoors(open), *tls); !ok) return std::unexpected(ok.error());
  auto resolver = dns::make_resolver({*p.runtime, *p.datagrams, *p.tcp, p.log}, dns);
  if (!resolver) return std::unexpected(resolver.error());
  p.resolver = std::move(*resolver);
  world->make_env();
  return world;
}

void World::apply_to(diag::Case& question) const {
  const auto& o = parts_->options;
  question.sources = parts_->sources;
  question.smtp_port = o.smtp_port;
  question.use_v4 = !o.only_v6;
  question.use_v6 = !o.only_v4;
  std::random_device device;
  question.random_local_part = Random(device()).word(14);
  if (!o.controls.empty()) {
    for (const auto& c : o.controls) {
      question.controls25.push_back({c, o.smtp_port});
      question.controls587.push_back({c, 587});
    }
    return;
  }
  question.controls25 = {{"gmail-smtp-in.l.google.com", 25},
                         {"outlook-com.olc.protection.outlook.com", 25},
                         {"mta5.am0.yahoodns.net", 25}};
  question.controls587 = {{"smtp.gmail.com", 587}, {"smtp.office365.com", 587}, {"smtp.mail.yahoo.com", 587}};
}

}  // namespace smtpdx::api
