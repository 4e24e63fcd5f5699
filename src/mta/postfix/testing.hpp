// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the tests of this directory: a configuration directory written by the test itself.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix::testing {

/// A directory that lives as long as the object; files by name.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::map<std::string, std::string>& files) {
    static std::atomic<unsigned> count{0};
    path_ = std::filesystem::temp_directory_path() /
            ("smtpdx-postfix-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((path_ / name).parent_path());
      std::ofstream(path_ / name) << text;
    }
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A server with two addresses, for sessions from anywhere.
class Server {
 public:
  explicit Server(const std::string& main, std::map<std::string, std::string> files = {})
      : directory_(std::make_shared<TemporaryDirectory>(with_main(main, std::move(files)))) {
    auto loaded = load(directory_->path());
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    if (!loaded) return;
    configuration_ = std::move(*loaded);
    configuration_->own_addresses = {{*IpAddress::parse("192.0.2.1"), 24, true},
                                     {*IpAddress::parse("2001:db8:1::1"), 64, true}};
  }

  Configuration& configuration() { return *configuration_; }
  Decision ask(const Session& session) const { return decide(*configuration_, session); }
  /// An anonymous session to port 25.
  Decision ask(const std::string& client, const std::string& recipient,
               const std::string& sender = "joe@far.example") const {
    return ask(session(client, recipient, sender));
  }
  static Session session(const std::string& client, const std::string& recipient,
                         const std::string& sender = "joe@far.example") {
    Session session;
    session.client = IpAddress::parse(client);
    session.client_name = "unknown";
    session.helo = "client.far.example";
    session.sender = sender;
    session.recipient = recipient;
    return session;
  }

 private:
  static std::map<std::string, std::string> with_main(const std::string& main,
                                                      std::map<std::string, std::string> files) {
    files["main.cf"] = main;
    return files;
  }
  std::shared_ptr<TemporaryDirectory> directory_;
  std::optional<Configuration> configuration_;
};

/// "refused 554 5.7.1", "accepted 250 2.1.5", "unknown: …".
inline std::string brief(const Decision& decision) {
  auto out = std::string(to_string(decision.verdict));
  if (decision.code != 0) out += " " + std::to_string(decision.code) + " " + decision.status;
  if (!decision.unknown.empty()) out += ": " + decision.unknown.front();
  return out;
}

inline std::string by(const Decision& decision) {
  return decision.by ? decision.by->restriction + " " + decision.by->where.to_string() : "nothing";
}

}  // namespace smtpdx::mta::postfix::testing
