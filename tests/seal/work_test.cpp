// SPDX-License-Identifier: Apache-2.0

// What must still work inside a seal (seal/seal.hpp; that nothing gets out of it: src/seal/escape_test.cpp): bounces in
// every character set are explained as outside, and a diagnosis asks DNS and speaks SMTP and TLS over sockets that a
// doorkeeper hands over, with the same result as one that opens its own.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "api/diagnose.hpp"
#include "api/explain.hpp"
#include "api/world.hpp"
#include "base/address_policy.hpp"
#include "base/text.hpp"
#include "io/door.hpp"
#include "io/doorkeeper.hpp"
#include "io/group.hpp"
#include "io/listener.hpp"
#include "io/pipe.hpp"
#include "io/real.hpp"
#include "io/server_cert.hpp"
#include "kb/catalogue.hpp"
#include "mail/charset.hpp"
#include "mock/demo.hpp"
#include "mock/internet.hpp"
#include "mock/scenario.hpp"
#include "seal/child.hpp"
#include "seal/frames.hpp"
#include "seal/seal.hpp"
#include "seal/test_roles.hpp"

namespace smtpdx {
namespace {

constexpr int channel = 3;
constexpr int door = 4;
constexpr std::size_t limit = 16 << 20;
enum Type : std::uint8_t { convert = 1, explain = 2, diagnose = 3, line = 4, done = 5 };

// ---- the children

int could_not(const std::string& why) {
  std::fputs(why.c_str(), stderr);
  return 3;
}

std::string answer_to(const seal::Frame& frame) {
  if (frame.type == explain) return api::explain_document("mail", frame.bytes, {});
  const auto cut = frame.bytes.find('\0');
  return mail::to_utf8(std::string_view(frame.bytes).substr(cut + 1), frame.bytes.substr(0, cut));
}

/// Answers until the other side closes.
int read_for_others(const std::vector<std::string>&) {
  mail::load_charsets();
  kb::Catalogue::builtin();
  auto runtime = io::make_runtime();
  seal::Frames frames(*runtime, io::OwnedFd(channel), limit);
  if (auto sealed = seal::seal_this_process(seal::Seal::reader); !sealed) return could_not(sealed.error().message);
  auto talk = [&]() -> io::Task<int> {
    for (;;) {
      auto frame = co_await frames.receive(runtime->deadline_in(60s));
      if (!frame) co_return frame.error().kind == io::Failure::closed ? 0 : 4;
      const auto answer = answer_to(*frame);
      auto sent = co_await frames.send(frame->type, answer, runtime->deadline_in(60s));
      if (!sent) co_return 5;
    }
  };
  return io::run(*runtime, talk());
}

api::Doors doors_of(io::Runtime& runtime, std::shared_ptr<io::TlsClient> tls) {
  auto made = io::make_door(runtime, door, std::move(tls));
  return {std::move(made.connector), std::move(made.datagrams)};
}

/// Options as the command line has them: the few that matter here.
api::WorldOptions options_of(const std::vector<std::string>& arguments) {
  api::WorldOptions options;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--resolver") options.resolvers.push_back(arguments[i + 1]);
    if (arguments[i] == "--connect-to") options.connect_to.push_back(arguments[i + 1]);
    if (arguments[i] == "--ca") options.ca_files.push_back(arguments[i + 1]);
    if (arguments[i] == "--now") options.now = arguments[i + 1];
  }
  options.helo = "probe.example.net";
  return options;
}

/// One diagnosis, its events and its end.
int run_one(const std::vector<std::string>& arguments) {
  mail::load_charsets();
  kb::Catalogue::builtin();
  auto world = api::World::make(options_of(arguments), doors_of);
  if (!world) return could_not(world.error().message);
  auto& runtime = (*world)->runtime();
  seal::Frames frames(runtime, io::OwnedFd(channel), limit);
  if (auto sealed = seal::seal_this_process(seal::Seal::runner); !sealed) return could_not(sealed.error().message);
  auto asked = io::run(runtime, frames.receive(runtime.deadline_in(60s)));
  if (!asked) return could_not(asked.error().text);
  auto request = api::read_diagnosis_request(asked->bytes);
  if (!request) return could_not(request.error().message);
  auto document = api::diagnose(*request, **world, {});
  if (!document) return could_not(document.error().message);
  auto sent = io::run(runtime, frames.send(done, *document, runtime.deadline_in(60s)));
  return sent ? 0 : 5;
}

/// A handshake, told as words.
int shake_hands(const std::vector<std::string>& arguments) {
  auto runtime = io::make_runtime();
  io::TlsTrust trust;
  trust.read_now = true;
  auto tls = io::make_tls_client(trust);
  if (!tls) return could_not(tls.error().message);
  auto made = io::make_door(*runtime, door, *tls);
  if (auto sealed = seal::seal_this_process(seal::Seal::runner); !sealed) return could_not(sealed.error().message);
  std::random_device entropy;
  const auto some = entropy();
  auto talk = [&]() -> io::Task<std::string> {
    io::ConnectRequest request;
    request.to = {*IpAddress::parse("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(arguments.at(0)))};
    auto stream = co_await made.connector->connect(request, runtime->deadline_in(10s));
    if (!stream) co_return stream.error().text;
    io::TlsOptions options;
    options.server_name = "mx.example.org";
    auto facts = co_await (*stream)->start_tls(options, runtime->deadline_in(10s));
    std::array<char, 100> buffer{};
    auto n = co_await (*stream)->read_some(buffer, runtime->deadline_in(10s));
    co_return std::string(facts.established ? "established " : facts.error + " ") + io::to_string(facts.version) +
        (facts.chain_trusted ? " trusted" : " " + facts.verify_error) + (facts.name_matches ? " named " : " ") +
        (n ? std::string(buffer.data(), *n) : n.error().text) + (some == entropy() ? " twice" : "");
  };
  std::fputs(io::run(*runtime, talk()).c_str(), stderr);
  return 0;
}

const seal::RegisteredRole roles_here[] = {{"reader", read_for_others}, {"runner", run_one}, {"tls", shake_hands}};

// ---- the tests

class SealedWork : public testing::Test {
 protected:
  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime();
  io::Group group_;
  std::unique_ptr<io::Doorkeeper> keeper_;
  std::vector<std::string> visits_;
  std::unique_ptr<seal::Child> child_;
  std::unique_ptr<seal::Frames> frames_;

  Deadline soon() { return runtime_->deadline_in(60s); }

  void spawn(const std::string& role, std::vector<std::string> arguments = {}) {
    auto pipe = std::move(*io::socket_pair(io::PipeKind::stream));
    auto messages = std::move(*io::socket_pair(io::PipeKind::messages));
    seal::ChildOptions options;
    options.arguments = {"--role", role};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.descriptors.push_back(std::move(pipe.theirs));
    options.descriptors.push_back(std::move(messages.theirs));
    auto child = seal::Child::spawn(*runtime_, std::move(options));
    ASSERT_TRUE(child) << child.error().message;
    child_ = std::move(*child);
    frames_ = std::make_unique<seal::Frames>(*runtime_, std::move(pipe.ours), limit);
    auto policy = [this, law = *AddressPolicy::allowing({"127.0.0.0/8"})](const io::DoorVisit& visit) {
      visits_.push_back(visit.to.to_string());
      auto words = law.objection(visit.to.address);
      // No octet leaves this machine, whatever the law says.
      if (!words && !visit.to.address.is_loopback()) words = "not on this machine";
      return words;
    };
    keeper_ = std::make_unique<io::Doorkeeper>(*runtime_, std::move(messages.ours), policy);
    group_.spawn(keep());
  }
  io::Task<void> keep() { co_await keeper_->serve(soon()); }

  std::string ask(Type type, std::string_view bytes) {
    auto talk = [&]() -> io::Task<std::string> {
      auto sent = co_await frames_->send(type, bytes, soon());
      if (!sent) co_return "cannot send: " + sent.error().text;
      auto got = co_await frames_->receive(soon());
      if (!got) co_return "cannot receive: " + got.error().text;
      co_return got->bytes;
    };
    return io::run(*runtime_, talk());
  }
  std::string end() {
    frames_->close();
    auto exit = io::run(*runtime_, child_->wait(soon()));
    return exit ? exit->to_string() : "hangs";
  }
};

std::string octets_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(SealedWork, CharacterSetsAreReadAsOutside) {
  spawn("reader");
  std::string octets = "plain ";
  for (int c = 0x80; c <= 0xFF; ++c) octets += static_cast<char>(c);
  const std::string japanese = "\x1b$B%a!<%k\x1b(B";
  int converted = 0;
  for (const auto* name : {"iso-8859-1",   "iso-8859-2",     "iso-8859-5",     "iso-8859-7",       "iso-8859-9",
                           "iso-8859-15",  "windows-1250",   "windows-1251",   "windows-1252",     "windows-1253",
                           "windows-1254", "windows-1255",   "windows-1256",   "windows-1257",     "windows-1258",
                           "koi8-r",       "koi8-u",         "shift_jis",      "euc-jp",           "iso-2022-jp",
                           "euc-kr",       "ks_c_5601-1987", "iso-2022-kr",    "gb2312",           "gbk",
                           "gb18030",      "big5",           "big5-hkscs",     "euc-tw",           "tis-620",
                           "windows-874",  "utf-7",          "utf-16",         "utf-16le",         "utf-32be",
                           "ibm850",       "cp437",          "cp866",          "macintosh",        "unicode-1-1-utf-7",
                           "x-sjis",       "viscii",         "x-nobody-knows", "../../etc/passwd", ""}) {
    for (const auto& text : {octets, japanese, "Gr+APwA3w-e " + octets.substr(6, 40)}) {
      const auto outside = mail::to_utf8(text, name);
      EXPECT_EQ(ask(convert, std::string(name) + '\0' + text), outside) << name;
      converted += outside != text;
    }
  }
  EXPECT_GT(converted, 60);
  EXPECT_EQ(end(), "ended with code 0");
}

TEST_F(SealedWork, BouncesAreExplainedAsOutside) {
  spawn("reader");
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SMTPDX_SOURCE_DIR "/tests/data/bounces")) {
    const auto octets = octets_of(entry.path());
    EXPECT_EQ(ask(explain, octets), api::explain_document("mail", octets, {})) << entry.path();
    ++seen;
  }
  EXPECT_GT(seen, 10);
  EXPECT_EQ(end(), "ended with code 0");
}

/// All of the document but what differs from one run to the next.
std::string verdicts(const std::string& document) {
  const auto json = nlohmann::json::parse(document);
  std::string out;
  for (const auto& cause : json.at("causes")) {
    out += cause.at("code").get<std::string>() + " " + cause.at("verdict").get<std::string>() + "\n";
  }
  return out;
}

/// The built-in world without its NS records: a name server that is asked directly stands at an address of the
/// scenario's, not of this machine's loopback (mock::Internet::options).
std::string world_on_loopback() {
  std::string out;
  for (const auto line : split_lines(mock::demo_scenario())) {
    if (line.find(" NS ") == std::string_view::npos) out += std::string(line) + "\n";
  }
  return out;
}

TEST_F(SealedWork, DiagnosisOverHandedOverSocketsIsTheSame) {
  auto scenario = mock::parse_scenario("demo", world_on_loopback());
  ASSERT_TRUE(scenario);
  const auto bounce = scenario->input;
  auto internet = mock::Internet::start(*runtime_, std::move(*scenario));
  ASSERT_TRUE(internet);
  const auto ca = testing::TempDir() + "smtpdx_sealed_" + std::to_string(::getpid()) + ".pem";
  std::ofstream(ca) << (*internet)->ca_pem();
  auto arguments = (*internet)->options();
  arguments.insert(arguments.end(), {"--ca", ca, "--now", "2026-11-23T12:00:00Z"});
  const auto request = nlohmann::json{{"text", bounce}}.dump();

  // The same internet serves both: first the sealed one, then, in a process without a seal, one with its own sockets.
  spawn("runner", arguments);
  const auto sealed = ask(diagnose, request);
  EXPECT_EQ(end(), "ended with code 0");
  ASSERT_TRUE(sealed.starts_with("{")) << sealed;
  EXPECT_GT(visits_.size(), 8u);
  EXPECT_EQ(keeper_->handed_over() + keeper_->refused(), visits_.size());
  spawn("open runner", arguments);
  const auto open = ask(diagnose, request);
  EXPECT_EQ(end(), "ended with code 0");
  ASSERT_TRUE(open.starts_with("{")) << open;
  EXPECT_EQ(verdicts(sealed), verdicts(open));
  EXPECT_NE(verdicts(sealed).find("rcpt.mx_not_configured_for_domain proved"), std::string::npos) << verdicts(sealed);
  std::filesystem::remove(ca);
}

/// The same with sockets of its own, for comparison.
const seal::RegisteredRole open_runner{
    "open runner", [](const std::vector<std::string>& arguments) {
      auto world = api::World::make(options_of(arguments));
      if (!world) return could_not(world.error().message);
      auto& runtime = (*world)->runtime();
      seal::Frames frames(runtime, io::OwnedFd(channel), limit);
      auto asked = io::run(runtime, frames.receive(runtime.deadline_in(60s)));
      auto request = api::read_diagnosis_request(asked ? asked->bytes : "");
      if (!request) return could_not(request.error().message);
      auto document = api::diagnose(*request, **world, {});
      if (!document) return could_not(document.error().message);
      return io::run(runtime, frames.send(done, *document, runtime.deadline_in(60s))) ? 0 : 5;
    }};

TEST_F(SealedWork, TlsOverAHandedOverSocket) {
  const auto now = runtime_->wall();
  io::CertSpec root_spec;
  root_spec.common_name = "Test Root";
  root_spec.use = io::CertUse::authority;
  root_spec.not_before = now - 24h;
  root_spec.not_after = now + 24h;
  auto root = *io::make_server_cert(root_spec);
  io::CertSpec leaf_spec = root_spec;
  leaf_spec.use = io::CertUse::server;
  leaf_spec.dns_names = {"mx.example.org"};
  leaf_spec.issuer = root;
  io::TlsServerOptions options;
  options.certificate = *io::make_server_cert(leaf_spec);
  // As the only root that this system trusts.
  const auto roots = testing::TempDir() + "smtpdx_roots_" + std::to_string(::getpid()) + ".pem";
  std::ofstream(roots) << io::certificate_pem(*root);
  ::setenv("SSL_CERT_FILE", roots.c_str(), 1);
  auto listener = *io::listen_tcp(*runtime_, {*IpAddress::parse("127.0.0.1"), 0});
  auto serve = [&]() -> io::Task<void> {
    auto stream = co_await listener->accept(soon());
    if (!stream) co_return;
    co_await (*stream)->start_tls_server(options, soon());
    co_await (*stream)->write_all("220 ready", soon());
    co_await runtime_->sleep_until(runtime_->now() + 200ms);
  };
  group_.spawn(serve());
  spawn("tls", {std::to_string(listener->local().port)});
  EXPECT_EQ(end(), "ended with code 0: established TLSv1.3 trusted named 220 ready");
  ::unsetenv("SSL_CERT_FILE");
  std::filesystem::remove(roots);
}

TEST_F(SealedWork, WhereItIsNotAllowedToGoIsInTheDocument) {
  spawn("runner", {"--resolver", "10.0.0.53"});
  const auto document = ask(diagnose, R"({"to": "nobody@example.org"})");
  EXPECT_NE(document.find("10.0.0.53 is a private address (RFC 1918)"), std::string::npos) << document;
  EXPECT_EQ(keeper_->handed_over(), 0u);
  EXPECT_EQ(end(), "ended with code 0");
}

}  // namespace
}  // namespace smtpdx
