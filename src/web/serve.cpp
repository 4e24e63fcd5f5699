// SPDX-License-Identifier: Apache-2.0
#include "web/serve.hpp"

#include <sys/signalfd.h>

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

/// Becomes readable when the user or the system wants us to end.
io::OwnedFd end_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  return io::OwnedFd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
}

io::Task<void> accept_all(io::Runtime& runtime, io::Listener& listener, Site& site, io::Group& group) {
  for (;;) {
    auto stream = co_await listener.accept(runtime.deadline_in(1h));
    if (!stream && stream.error().kind == io::Failure::closed) co_return;
    if (!stream && stream.error().kind == io::Failure::local) co_await runtime.sleep_until(runtime.now() + 100ms);
    if (stream && group.running() < most_connections) group.spawn(site.serve(std::move(*stream)));
  }
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

Result<void> serve(const ServeOptions& options, const std::function<void(const std::string&)>& ready) {
  if (!options.listen.address.is_loopback())
    return fail(ErrorKind::usage,
                "--listen " + options.listen.to_string() + ": only this machine's own 127.0.0.0/8 or [::1] for now",
                "from elsewhere: ssh -L 8025:127.0.0.1:8025 HOST, and open it there");
  auto policy = policy_of(options);
  if (!policy) return std::unexpected(policy.error());
  auto runtime = io::make_runtime();
  const auto signals = end_signals();
  const auto readiness = io::make_readiness(*runtime, signals.get());
  auto listener = io::listen_tcp(*runtime, options.listen);
  if (!listener) return std::unexpected(listener.error());
  RunnerOptions runner;
  runner.world = options.world_arguments;
  runner.scenario = options.scenario;
  runner.timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.world.timeout));
  runner.policy = [&](const io::DoorVisit& visit) { return policy->refuses(visit, runtime->now()); };
  const auto shelf = open_shelf(*runtime, options.store);
  Site site(*runtime, Guard((*listener)->local()), std::move(runner), shelf.get());
  io::Group group;
  group.spawn(accept_all(*runtime, **listener, site, group));
  ready(site.guard().address());
  if (auto ok = site.reader().start(); !ok) return ok;
  io::run(*runtime, until_readable(*runtime, *readiness));
  return {};
}

}  // namespace smtpdx::web
