// SPDX-License-Identifier: Apache-2.0
#include "web/serve.hpp"

#include "base/text.hpp"
#include "cli/verbs.hpp"
#include "web/children.hpp"

namespace smtpdx::cli {

namespace {

/// `--listen`: ADDR:PORT, an address, or a port; "localhost" is 127.0.0.1.
Result<Endpoint> listening_at(const std::string& text) {
  Endpoint at{IpAddress::v4(0x7f000001), 8025};
  if (text.empty()) return at;
  auto host = text, port = std::string();
  if (const auto alone = parse_number(text); alone) {
    host = "127.0.0.1";
    port = text;
  } else if (!IpAddress::parse(text) && text.find(':') != std::string::npos) {
    host = text.substr(0, text.rfind(':'));
    port = text.substr(text.rfind(':') + 1);
  }
  const auto address = IpAddress::parse(host == "localhost" ? "127.0.0.1" : host);
  const auto number = port.empty() ? std::optional<std::uint64_t>(at.port) : parse_number(port);
  if (!address || !number || *number > 65535) return fail(ErrorKind::usage, "--listen " + text + ": not ADDR:PORT");
  return Endpoint{*address, static_cast<std::uint16_t>(*number)};
}

}  // namespace

Exit serve(const std::vector<std::string>& args) {
  OutputOptions output;
  WorldOptions world;
  web::ServeOptions options;
  std::string listen;
  Flags flags(
      "smtpdx serve",
      "The page and the API on this machine: paste a bounce, see who refused it, prove it. Prints the address to "
      "open.",
      "Examples:\n  smtpdx serve\n  smtpdx serve --listen 127.0.0.1:9000 --allow-target 192.168.1.0/24\n"
      "  curl -d '{\"text\":\"554 5.7.1 Relay access denied\"}' http://127.0.0.1:8025/v1/explain\n"
      "Only public addresses are asked, unless --allow-target names their network. Ends with Ctrl-C.");
  flags.text("--listen", listen, "ADDR:PORT, default 127.0.0.1:8025; port 0 takes a free one");
  flags.text("--store", options.store,
             "where to keep what you want kept: a file, or postgres://…; default: a file below ~/.local/state");
  flags.seconds("--keep-days", options.keep_days, "erase what was kept after so many days; default: never");
  flags.list("--allow-target", options.allowed_targets,
             "NETWORK that may be asked although it is not public; repeatable");
  flags.text("--tls-cert", options.open.certificate, "PEM file: be reached from elsewhere, by TLS; asks for accounts");
  flags.text("--tls-key", options.open.key, "PEM file of its key");
  flags.toggle("--behind-proxy", options.open.behind_proxy, "a proxy before us does TLS; asks for accounts");
  flags.list("--host", options.open.hosts, "a name this server is known by, HOST or HOST:PORT; repeatable");
  flags.text("--world", options.scenario, "play everything in a scenario's world: demo, or a file; for trying it out");
  add_world_options(flags, world);
  add_output_options(flags, output);
  if (auto done = flags.parse(args)) return *done;
  auto at = listening_at(listen);
  if (!at) return complain(at.error());
  options.listen = *at;
  options.world = world;
  options.world_arguments = world_arguments(world);
  auto ended = web::serve(options, [&](const std::string& address) {
    print(address + "\n");
    if (output.progress()) std::fputs("Open this address in your browser. Ctrl-C ends it.\n", stderr);
  });
  return ended ? Exit::fine : complain(ended.error());
}

Exit sealed_reader(const std::vector<std::string>&) { return static_cast<Exit>(web::reader_main()); }

Exit sealed_runner(const std::vector<std::string>& args) {
  WorldOptions world;
  std::string scenario;
  Flags flags("smtpdx sealed-runner", "A part of smtpdx serve, which starts it.", "");
  flags.text("--scenario", scenario, "play it in this scenario's world");
  add_world_options(flags, world);
  if (auto done = flags.parse(args)) return *done;
  return static_cast<Exit>(scenario.empty() ? web::runner_main(world) : web::scenario_main(scenario));
}

}  // namespace smtpdx::cli
