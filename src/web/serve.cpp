// SPDX-License-Identifier: Apache-2.0
#include "web/serve.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "dns/make_resolver.hpp"
#include "io/connect_to.hpp"
#include "io/group.hpp"
#include "io/listener.hpp"
#include "io/real.hpp"
#include "web/site.hpp"
#include "web/target_policy.hpp"

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_connections = 4000;
constexpr Duration handshake_limit = 20s;

/// Becomes readable when the user or the system wants us to end.
io::OwnedFd end_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  return io::OwnedFd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
}

io::Task<void> serve_one(io::Runtime& runtime, Site& site, std::unique_ptr<io::ServerStream> stream,
                         io::ServerCertPtr certificate) {
  if (certificate) {
    io::TlsServerOptions tls{certificate, io::TlsVersion::tls1_2, io::TlsVersion::tls1_3};
    const auto facts = co_await stream->start_tls_server(tls, runtime.deadline_in(handshake_limit));
    if (!facts.established) co_return;
  }
  co_await site.serve(std::move(stream));
}

/// Shells give 1,024 descriptors; so many listeners at event streams would leave none for a child or the store.
void allow_many_files() {
  constexpr rlim_t wanted = most_connections + 1000;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(limit.rlim_max, wanted);
  [[maybe_unused]] const auto ok = ::setrlimit(RLIMIT_NOFILE, &limit);  // with fewer it works, too
}

/// Answers have some 60 kB. By default glibc gives memory of that size back to the system and asks for it again with
/// the next one, page by page; uploads of megabytes still go back at once.
void keep_memory_of_answers() {
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

io::Task<void> accept_all(io::Runtime& runtime, io::Listener& listener, Site& site, io::Group& group,
                          io::ServerCertPtr certificate) {
  for (;;) {
    auto stream = co_await listener.accept(runtime.deadline_in(1h));
    if (!stream && stream.error().kind == io::Failure::closed) co_return;
    if (!stream && stream.error().kind == io::Failure::local) co_await runtime.sleep_until(runtime.now() + 100ms);
    if (stream && group.running() < most_connections)
      group.spawn(serve_one(runtime, site, std::move(*stream), certificate));
  }
}

/// Tries a store in trouble again by itself, says when that changes, and erases what has had its time.
io::Task<void> look_after(io::Runtime& runtime, Shelf& shelf, store::Retention retention) {
  constexpr Duration look_every = 20s;
  constexpr unsigned looks_between_upkeep = 15;
  bool in_trouble = false;
  bool in_doubt = false;  // of the clock
  for (unsigned looks = 0;; ++looks) {
    if (shelf.trouble()) {
      auto probe = [](store::Store& s) { return s.probe(); };
      co_await shelf.ask(probe);
    }
    const auto trouble = shelf.trouble();
    if (trouble && !in_trouble) std::fprintf(stderr, "smtpdx: nothing can be kept now: %s\n", trouble->message.c_str());
    if (!trouble && in_trouble) std::fputs("smtpdx: the store works again\n", stderr);
    in_trouble = trouble.has_value();
    if (looks % looks_between_upkeep == 0 && !in_trouble) {
      auto upkeep = [retention](store::Store& s) { return s.retain(retention, store::ClockReading::now()); };
      const auto kept = co_await shelf.ask(upkeep);
      const bool doubt = !kept && kept.error().trouble == store::Trouble::clock;
      if (doubt && !in_doubt) std::fprintf(stderr, "smtpdx: %s\n", kept.error().message.c_str());
      in_doubt = doubt;
    }
    co_await runtime.sleep_until(runtime.now() + look_every);
  }
}

store::Retention retention_of(double days) {
  store::Retention retention;
  if (days > 0) retention.results = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(days * 86400));
  return retention;
}

io::Task<bool> until_readable(io::Runtime& runtime, io::Readiness& readiness) {
  bool ended = false;
  while (!ended) ended = co_await readiness.wait_readable(runtime.deadline_in(1h));
  co_return true;
}

/// Where it cannot be opened, the page works all the same and keeps nothing.
std::unique_ptr<Shelf> open_shelf(io::Runtime& runtime, std::string url) {
  auto path = url.empty() ? store::default_store_path() : store::Outcome<std::string>(url);
  auto opened = path ? store::open_store(*path, {.start = store::OpenOptions::Start::may_come_later})
                     : std::unexpected(path.error());
  if (opened) return std::make_unique<Shelf>(runtime, std::move(*opened));
  std::fprintf(stderr, "smtpdx: nothing can be kept: %s\n", opened.error().message.c_str());
  if (!opened.error().hint.empty()) std::fprintf(stderr, "        %s\n", opened.error().hint.c_str());
  return nullptr;
}

Result<TargetPolicy> policy_of(const ServeOptions& options) {
  auto policy = TargetPolicy::make(options.allowed_targets, options.world.smtp_port);
  if (!policy) return policy;
  if (options.world.resolvers.empty())
    for (const auto& server : dns::read_resolv_conf("/etc/resolv.conf")) policy->trust(server);
  for (const auto& text : options.world.resolvers) {
    const auto host = HostPort::parse(text);
    const auto address = host ? IpAddress::parse(host->host) : std::nullopt;
    if (address) policy->trust({*address, host->port == 0 ? std::uint16_t{53} : host->port});
  }
  for (const auto& text : options.world.connect_to) {
    const auto rule = io::ConnectToRule::parse(text);
    if (rule && rule->to_address) policy->trust({*rule->to_address, rule->to_port.value_or(0)});
  }
  return policy;
}

}  // namespace

namespace {

bool for_others(const ServeOptions& options) {
  const auto& open = options.open;
  return !options.listen.address.is_loopback() || open.behind_proxy || !open.certificate.empty() || !open.hosts.empty();
}

Result<io::ServerCertPtr> certificate_of(const PublicOptions& open) {
  if (open.certificate.empty()) return nullptr;
  return io::read_server_cert(open.certificate, open.key.empty() ? open.certificate : open.key);
}

/// Who listens for others must have accounts, and keep passwords off the open line.
Result<void> may_listen(const ServeOptions& options, Shelf* shelf) {
  if (!for_others(options)) return {};
  if (options.open.certificate.empty() && !options.open.behind_proxy)
    return fail(ErrorKind::usage, "--listen " + options.listen.to_string() + ": from elsewhere only by TLS",
                "give --tls-cert and --tls-key, or say --behind-proxy where one does TLS for us; for yourself alone: "
                "ssh -L 8025:127.0.0.1:8025 HOST");
  if (!shelf) return fail(ErrorKind::usage, "accounts need a store", "see the line above, or name one with --store");
  return {};
}

io::Task<store::Outcome<std::vector<store::User>>> all_users(Shelf& shelf) {
  auto list = [](store::Store& s) { return s.users(); };
  co_return co_await shelf.ask(list);
}

Result<void> has_an_account(io::Runtime& runtime, Shelf& shelf) {
  const auto users = io::run(runtime, all_users(shelf));
  if (!users) return std::unexpected(users.error().as_error());
  if (!users->empty()) return {};
  return fail(ErrorKind::usage, "there is no account yet", "make one: smtpdx account add NAME");
}

}  // namespace

Result<void> serve(const ServeOptions& options, const std::function<void(const std::string&)>& ready) {
  auto policy = policy_of(options);
  if (!policy) return std::unexpected(policy.error());
  auto certificate = certificate_of(options.open);
  if (!certificate) return std::unexpected(certificate.error());
  allow_many_files();
  keep_memory_of_answers();
  auto runtime = io::make_runtime();
  const auto signals = end_signals();
  const auto readiness = io::make_readiness(*runtime, signals.get());
  const auto shelf = open_shelf(*runtime, options.store);
  if (auto ok = may_listen(options, shelf.get()); !ok) return ok;
  if (for_others(options))
    if (auto ok = has_an_account(*runtime, *shelf); !ok) return ok;
  auto listener = io::listen_tcp(*runtime, options.listen);
  if (!listener) return std::unexpected(listener.error());
  RunnerOptions runner;
  runner.world = options.world_arguments;
  runner.scenario = options.scenario;
  runner.timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.world.timeout));
  if (options.scenario.empty()) runner.mail_ports = policy->ports();
  runner.policy = [&](const io::DoorVisit& visit) { return policy->refuses(visit, runtime->now()); };
  const bool https = *certificate || options.open.behind_proxy;
  Guard guard({(*listener)->local(), options.open.hosts, https, options.open.behind_proxy, for_others(options)});
  Site site(*runtime, std::move(guard), std::move(runner), shelf.get());
  io::Group group;
  group.spawn(accept_all(*runtime, **listener, site, group, *certificate));
  if (shelf) group.spawn(look_after(*runtime, *shelf, retention_of(options.keep_days)));
  ready(site.guard().address());
  if (auto ok = site.reader().start(); !ok) return ok;
  io::run(*runtime, until_readable(*runtime, *readiness));
  return {};
}

}  // namespace smtpdx::web
