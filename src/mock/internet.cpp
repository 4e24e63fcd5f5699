// SPDX-License-Identifier: Apache-2.0
//
// Three sets of sockets (mail servers, dialogs, name servers) and two doors that lead to them.
//
// Addresses: a scenario speaks of 192.0.2.25:25 and 2001:db8::25; all of that is 127.0.0.1 with a free port here, found
// again by a table. The client's address matters too (block lists, allow lists): 127.0.0.0/8 belongs to this machine as
// a whole, so that each --source gets an address of its own in it, which the server turns back into the scenario's.
//
// Life: every listener and session is a task of one Group, which ends them when the Internet dies. Nothing detached.

#include "mock/internet.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <deque>
#include <map>

#include "base/text.hpp"
#include "io/group.hpp"
#include "io/listener.hpp"
#include "io/real.hpp"
#include "mock/dns_world.hpp"
#include "mock/serve.hpp"

namespace smtpdx::mock {
namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t closed_port = 1;  // tcpmux, RFC 1078: nobody listens there
constexpr Duration forever = std::chrono::hours(24);

const IpAddress loopback = IpAddress::v4(0x7F000001);

/// A name server's sockets: UDP and TCP on the same port.
struct NameServer {
  std::optional<IpAddress> view;
  std::unique_ptr<io::UdpListener> udp;
  std::unique_ptr<io::Listener> tcp;
};

struct MailServer {
  std::vector<Endpoint> at;
  std::vector<const DialogSection*> dialogs;  ///< in place of a policy
  std::optional<Server> server;
  Host host;
  std::size_t played = 0;
};

struct Door {
  Reach reach = Reach::open;
  Endpoint real;
  std::string name;
};

Result<NameServer> open_name_server(io::Runtime& runtime, std::optional<IpAddress> view) {
  Error last{ErrorKind::system, "no port is free for a name server", ""};
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto udp = io::listen_udp(runtime, {loopback, 0});
    if (!udp) return std::unexpected(udp.error());
    auto tcp = io::listen_tcp(runtime, {loopback, (*udp)->local().port});
    if (tcp) return NameServer{view, std::move(*udp), std::move(*tcp)};
    last = tcp.error();
  }
  return std::unexpected(last);
}

/// The authority's certificate as a file for the moment in which it is read.
Result<std::shared_ptr<io::TlsClient>> client_trusting(const std::string& pem) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder ? folder : "/tmp") + "/smtpdx-mock-XXXXXX";
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return fail(ErrorKind::system, "cannot write a temporary file beside " + path);
  const auto written = ::write(fd, pem.data(), pem.size());
  ::close(fd);
  auto client = written == static_cast<ssize_t>(pem.size())
                    ? io::make_tls_client({{path}, std::nullopt})
                    : Result<std::shared_ptr<io::TlsClient>>(fail(ErrorKind::system, "cannot write " + path));
  ::unlink(path.c_str());
  return client;
}

io::CertSpec cert_spec(std::vector<std::string> names, WallTime now) {
  io::CertSpec spec;
  spec.common_name = names.front();
  spec.dns_names = std::move(names);
  spec.not_before = now - std::chrono::hours(24 * 365);
  spec.not_after = now + std::chrono::hours(24 * 365);
  return spec;
}

/// Two authorities: one that the run trusts, one that nobody knows.
class Authorities {
 public:
  static Result<Authorities> make(WallTime now) {
    Authorities a;
    a.now_ = now;
    for (auto* one : {&a.known_, &a.unknown_}) {
      auto spec = cert_spec({"authority.example"}, now);
      spec.use = io::CertUse::authority;
      spec.dns_names.clear();
      auto made = io::make_server_cert(spec);
      if (!made) return std::unexpected(made.error());
      *one = *made;
    }
    return a;
  }
  Result<io::ServerCertPtr> certificate(const CertificateLine& line, const std::string& own_name) const {
    auto spec = cert_spec(line.names.empty() ? std::vector{own_name} : line.names, now_);
    spec.issuer = line.fault == CertificateLine::Fault::unknown_authority ? unknown_ : known_;
    if (line.fault == CertificateLine::Fault::expired) spec.not_after = now_ - std::chrono::hours(24 * 30);
    return io::make_server_cert(spec);
  }
  std::string pem() const { return io::certificate_pem(*known_); }

 private:
  io::ServerCertPtr known_, unknown_;
  WallTime now_{};
};

}  // namespace

struct Internet::Parts {
  io::Runtime& runtime;
  Scenario scenario;
  DnsWorld dns;
  Authorities authorities;
  std::string ca_pem;
  std::shared_ptr<io::TlsClient> tls;
  std::unique_ptr<io::Connector> tcp;
  std::unique_ptr<io::Datagrams> udp;
  std::deque<NameServer> name_servers;  // the first is the resolver
  std::deque<MailServer> mail_servers;
  std::deque<std::unique_ptr<io::Listener>> listeners;
  std::map<Endpoint, Door> doors;
  std::map<Endpoint, Endpoint> dns_doors;
  std::map<IpAddress, IpAddress> sources;  // scenario → loopback
  std::map<IpAddress, IpAddress> clients;  // loopback → scenario
  std::vector<std::string> complaints;
  std::size_t connections = 0;
  std::unique_ptr<io::Connector> connector;
  std::unique_ptr<io::Datagrams> datagrams;
  io::Group tasks;  // last: ends first

  Result<void> open_dns();
  Result<void> open_mail();
  Result<void> open_dialogs();
  Result<void> listen(MailServer& server);
  Result<void> add_door(const Endpoint& at, Door door, std::size_t line);

  io::Task<void> accept(io::Listener* listener, MailServer* server);
  io::Task<void> accept_dns(NameServer* server);
  io::Task<void> answer_tcp(NameServer* server, std::unique_ptr<io::ServerStream> stream);
  io::Task<void> answer_udp(NameServer* server);
  io::Task<void> session(MailServer* server, std::unique_ptr<io::ServerStream> stream);

  IpAddress client_of(const IpAddress& real) const {
    auto it = clients.find(real);
    return it == clients.end() ? *IpAddress::parse(default_client) : it->second;
  }
  IpAddress source_of(const IpAddress& address) {
    if (auto it = sources.find(address); it != sources.end()) return it->second;
    const auto own = IpAddress::v4(0x7F010001 + static_cast<std::uint32_t>(sources.size()));
    sources[address] = own;
    clients[own] = address;
    return own;
  }
  bool known_address(const IpAddress& address) const {
    auto it = doors.lower_bound({address, 0});
    return it != doors.end() && it->first.address == address;
  }
};

namespace {

using io::Failure;
using io::IoFailure;
using io::IoResult;

/// Leads a connection to the loopback, or says why there is none.
class MappedConnector final : public io::Connector {
 public:
  explicit MappedConnector(Internet::Parts& parts) : parts_(parts) {}

  io::Task<IoResult<std::unique_ptr<io::Stream>>> connect(io::ConnectRequest request, Deadline deadline) override {
    if (auto dns = parts_.dns_doors.find(request.to); dns != parts_.dns_doors.end()) {
      request.to = dns->second;
      request.source.reset();
      co_return co_await parts_.tcp->connect(std::move(request), deadline);
    }
    const auto door = parts_.doors.find(request.to);
    if (door == parts_.doors.end()) {
      if (parts_.known_address(request.to.address)) co_return failed(Failure::refused, "connection refused");
      co_return failed(Failure::unreachable, "this scenario has no host at " + request.to.address.to_string());
    }
    switch (door->second.reach) {
      case Reach::silent:
        co_await parts_.runtime.sleep_until(deadline.at());
        co_return failed(Failure::timed_out, "no answer in time");
      case Reach::refused:
        co_return failed(Failure::refused, "connection refused");
      case Reach::unreachable:
        co_return failed(Failure::unreachable, "network is unreachable");
      case Reach::open:
        break;
    }
    request.to = door->second.real;
    if (request.source) request.source = parts_.source_of(*request.source);
    co_return co_await parts_.tcp->connect(std::move(request), deadline);
  }

 private:
  static std::unexpected<IoFailure> failed(Failure kind, std::string words) {
    return std::unexpected(IoFailure{kind, std::move(words)});
  }
  Internet::Parts& parts_;
};

class MappedDatagrams final : public io::Datagrams {
 public:
  explicit MappedDatagrams(Internet::Parts& parts) : parts_(parts) {}
  io::Task<IoResult<std::string>> exchange(io::DatagramRequest request, Deadline deadline) override {
    const auto door = parts_.dns_doors.find(request.to);
    if (door == parts_.dns_doors.end())
      co_return std::unexpected(IoFailure{Failure::refused, "this scenario has no name server there"});
    request.to = door->second;
    request.source.reset();
    co_return co_await parts_.udp->exchange(std::move(request), deadline);
  }

 private:
  Internet::Parts& parts_;
};

}  // namespace

// ---- name servers ----

Result<void> Internet::Parts::open_dns() {
  std::vector<std::optional<IpAddress>> views{std::nullopt};
  for (const auto& address : dns.name_servers()) views.emplace_back(address);
  for (const auto& view : views) {
    auto opened = open_name_server(runtime, view);
    if (!opened) return std::unexpected(opened.error());
    name_servers.push_back(std::move(*opened));
    auto& server = name_servers.back();
    const auto real = server.udp->local();
    dns_doors[view ? Endpoint{*view, dns_port} : real] = real;
    tasks.spawn(answer_udp(&server));
    tasks.spawn(accept_dns(&server));
  }
  return {};
}

io::Task<void> Internet::Parts::answer_udp(NameServer* server) {
  for (;;) {
    auto packet = co_await server->udp->receive(runtime.deadline_in(forever));
    if (!packet) {
      if (packet.error().kind == Failure::timed_out) continue;
      co_return;
    }
    auto query = dns::wire::parse(packet->bytes);
    if (!query) continue;
    auto reply = dns.answer(*query, server->view);
    if (reply) server->udp->send(packet->from, for_udp(*query, std::move(*reply)));
  }
}

io::Task<void> Internet::Parts::accept_dns(NameServer* server) {
  for (;;) {
    auto accepted = co_await server->tcp->accept(runtime.deadline_in(forever));
    if (accepted) {
      tasks.spawn(answer_tcp(server, std::move(*accepted)));
    } else if (accepted.error().kind != Failure::timed_out) {
      co_return;
    }
  }
}

/// RFC 1035 §4.2.2: each message with its length in two octets before it.
io::Task<void> Internet::Parts::answer_tcp(NameServer* server, std::unique_ptr<io::ServerStream> stream) {
  std::string pending;
  char buffer[4096];
  for (;;) {
    auto got = co_await stream->read_some(buffer, runtime.deadline_in(std::chrono::seconds(30)));
    if (!got) co_return;
    pending.append(buffer, *got);
    while (pending.size() >= 2) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(pending[0])) << 8 |
                        static_cast<unsigned char>(pending[1]);
      if (pending.size() < size + 2) break;
      auto query = dns::wire::parse(std::string_view(pending).substr(2, size));
      pending.erase(0, size + 2);
      if (!query) co_return;
      auto reply = dns.answer(*query, server->view);
      if (!reply) continue;
      auto octets = dns::wire::encode(*reply);
      if (!octets) co_return;
      std::string framed{static_cast<char>(octets->size() >> 8), static_cast<char>(octets->size())};
      framed += *octets;
      auto sent = co_await stream->write_all(framed, runtime.deadline_in(std::chrono::seconds(30)));
      if (!sent) co_return;
    }
  }
}

// ---- mail servers ----

Result<void> Internet::Parts::add_door(const Endpoint& at, Door door, std::size_t line) {
  if (doors.contains(at))
    return fail(ErrorKind::malformed,
                scenario.name + ":" + std::to_string(line) + ": " + at.to_string() + " is described twice");
  doors[at] = std::move(door);
  return {};
}

Result<void> Internet::Parts::listen(MailServer& server) {
  for (const auto& at : server.at) {
    if (doors[at].reach != Reach::open) continue;
    auto listener = io::listen_tcp(runtime, {loopback, 0});
    if (!listener) return std::unexpected(listener.error());
    doors[at].real = (*listener)->local();
    listeners.push_back(std::move(*listener));
    tasks.spawn(accept(listeners.back().get(), &server));
  }
  return {};
}

Result<void> Internet::Parts::open_mail() {
  for (const auto& section : scenario.servers) {
    for (const auto& at : section.at) {
      auto added = add_door(at, {section.reach, {}, section.policy.name}, section.line);
      if (!added) return added;
    }
    auto certificate = authorities.certificate(section.certificate, section.policy.name);
    if (!certificate) return std::unexpected(certificate.error());
    mail_servers.push_back({section.at, {}, Server(section.policy), Host{runtime, {.certificate = *certificate}}, 0});
    auto listening = listen(mail_servers.back());
    if (!listening) return listening;
  }
  return {};
}

/// One door, one certificate: that of the first dialog that says which.
const CertificateLine& first_certificate(const std::vector<const DialogSection*>& dialogs) {
  for (const auto* dialog : dialogs)
    if (!dialog->certificate.names.empty() || dialog->certificate.fault != CertificateLine::Fault::none)
      return dialog->certificate;
  return dialogs.front()->certificate;
}

Result<void> Internet::Parts::open_dialogs() {
  std::map<Endpoint, std::vector<const DialogSection*>> by_place;
  for (const auto& dialog : scenario.dialogs) by_place[dialog.at].push_back(&dialog);
  for (auto& [at, dialogs] : by_place) {
    auto added = add_door(at, {Reach::open, {}, "dialog"}, dialogs.front()->line);
    if (!added) return added;
    auto certificate = authorities.certificate(first_certificate(dialogs), "mx.example.org");
    if (!certificate) return std::unexpected(certificate.error());
    mail_servers.push_back({{at}, dialogs, std::nullopt, Host{runtime, {.certificate = *certificate}}, 0});
    auto listening = listen(mail_servers.back());
    if (!listening) return listening;
  }
  return {};
}

io::Task<void> Internet::Parts::accept(io::Listener* listener, MailServer* server) {
  for (;;) {
    auto accepted = co_await listener->accept(runtime.deadline_in(forever));
    if (accepted) {
      ++connections;
      tasks.spawn(session(server, std::move(*accepted)));
    } else if (accepted.error().kind != Failure::timed_out) {
      co_return;
    }
  }
}

io::Task<void> Internet::Parts::session(MailServer* server, std::unique_ptr<io::ServerStream> stream) {
  if (server->server) {
    const auto client = client_of(stream->peer().address);
    co_await serve_policy(server->host, *server->server, client, std::move(stream));
    co_return;
  }
  const auto turn = std::min(server->played++, server->dialogs.size() - 1);
  co_await serve_dialog(server->host, *server->dialogs[turn], std::move(stream), complaints);
}

// ---- the whole ----

Internet::Internet(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Internet::~Internet() = default;

Result<std::unique_ptr<Internet>> Internet::start(io::Runtime& runtime, Scenario scenario) {
  auto authorities = Authorities::make(runtime.wall());
  if (!authorities) return std::unexpected(authorities.error());
  auto pem = authorities->pem();
  auto tls = client_trusting(pem);
  if (!tls) return std::unexpected(tls.error());
  DnsWorld dns(scenario.dns);
  auto tcp = io::make_tcp_connector(runtime, *tls);
  std::unique_ptr<Parts> parts(new Parts{runtime,
                                         std::move(scenario),
                                         std::move(dns),
                                         std::move(*authorities),
                                         std::move(pem),
                                         std::move(*tls),
                                         std::move(tcp),
                                         io::make_datagrams(runtime),
                                         {},
                                         {},
                                         {},
                                         {},
                                         {},
                                         {},
                                         {},
                                         {},
                                         0,
                                         nullptr,
                                         nullptr,
                                         {}});
  parts->connector = std::make_unique<MappedConnector>(*parts);
  parts->datagrams = std::make_unique<MappedDatagrams>(*parts);
  auto opened = parts->open_dns();
  if (opened) opened = parts->open_mail();
  if (opened) opened = parts->open_dialogs();
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Internet>(new Internet(std::move(parts)));
}

io::Connector& Internet::connector() { return *parts_->connector; }
io::Datagrams& Internet::datagrams() { return *parts_->datagrams; }
Endpoint Internet::resolver() const { return parts_->name_servers.front().udp->local(); }
const std::string& Internet::ca_pem() const { return parts_->ca_pem; }
std::vector<std::string> Internet::complaints() const { return parts_->complaints; }
std::size_t Internet::connections() const { return parts_->connections; }

std::vector<std::string> Internet::options() const {
  std::vector<std::string> words{"--resolver", resolver().to_string()};
  for (const auto& [at, door] : parts_->doors) {
    if (door.reach != Reach::open) continue;
    words.push_back("--connect-to");
    words.push_back(at.to_string() + ":" + door.real.to_string());
  }
  words.push_back("--connect-to");
  words.push_back("::" + Endpoint{loopback, closed_port}.to_string());
  return words;
}

std::vector<std::string> Internet::directory() const {
  std::vector<std::string> lines{"DNS " + resolver().to_string() + " (UDP and TCP)"};
  for (const auto& [at, door] : parts_->doors) {
    const auto where = door.reach == Reach::open ? door.real.to_string() : std::string("not reachable");
    lines.push_back(at.to_string() + " " + door.name + " is " + where);
  }
  return lines;
}

}  // namespace smtpdx::mock
