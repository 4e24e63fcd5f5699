// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the tests of this directory: an Exim configuration directory written by the test itself.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "mta/exim/decide.hpp"

namespace smtpdx::mta::exim::testing {

/// Files by name, in a directory that lives as long as the object.
class Folder {
 public:
  explicit Folder(const std::map<std::string, std::string>& files) {
    static std::atomic<unsigned> count{0};
    path_ = std::filesystem::temp_directory_path() /
            ("smtpdx-exim-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((path_ / name).parent_path());
      std::ofstream(path_ / name) << text;
    }
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A server whose RCPT ACL is the text given; more of the main section before it.
inline std::string with_acl(const std::string& acl, const std::string& main = {}) {
  return "primary_hostname = mx.home.example\nqualify_domain = home.example\n"
         "domainlist local_domains = @ : home.example\nhostlist relay_from_hosts = 10.0.0.0/8\n" +
         main + "acl_smtp_rcpt = check\nbegin acl\ncheck:\n" + acl;
}

inline Decision ask(const Folder& folder, const std::string& client, const std::string& recipient,
                    const std::string& sender = "joe@far.example") {
  auto configuration = load(folder.path());
  EXPECT_TRUE(configuration) << (configuration ? "" : configuration.error().message);
  if (!configuration) return {};
  Session session;
  session.client = IpAddress::parse(client);
  session.helo = "client.far.example";
  session.sender = sender;
  session.recipient = recipient;
  return decide(*configuration, session);
}

inline Decision ask(const std::string& acl, const std::string& client, const std::string& recipient) {
  return ask(Folder({{"exim.conf", with_acl(acl)}}), client, recipient);
}

}  // namespace smtpdx::mta::exim::testing
