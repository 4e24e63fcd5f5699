// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of relay_set.cpp: one service of one configuration, and what each thing about a session is to it. Two values
// of a thing (two client addresses, two senders …) with the same signature cannot be told apart by any restriction that
// can be reached, so that the replay of one of them answers for all. Not for other floors.

#include <memory>
#include <string>
#include <string_view>

#include "mta/postfix/decide.hpp"
#include "mta/postfix/evaluation.hpp"
#include "mta/postfix/match_list.hpp"
#include "mta/postfix/service_tests.hpp"

namespace smtpdx::mta::postfix {

class Side {
 public:
  /// `configuration` and `service` outlive this object.
  Side(const Configuration& configuration, const Service& service);
  Side(const Side&) = delete;

  std::string of_address(const IpAddress& client) const;
  std::string of_name(std::string_view client_name) const;
  std::string of_helo(const std::string& helo) const;
  std::string of_sender(const std::string& path);
  /// "own" for mail that belongs here, "bad" for what is refused before any list.
  std::string of_recipient(const std::string& path);
  std::string of_login(const std::string& user) const;
  std::string of_certificate(const ClientCertificate& certificate) const;
  /// Of a test by pattern.
  std::string of_pattern(const AccessTest& test, const Session& session);
  /// "mine", "other", "nobody", "unknown": whose the sender is.
  std::string of_owner(const Session& session);

  bool names_matter() const;
  bool owners_matter() const { return tests.ask_about("login_mismatch"); }
  bool certificates_matter() const;
  bool loopback_only() const;
  bool can_reach(const IpAddress& client) const { return !loopback_only() || client.is_loopback(); }
  /// The outline of a list of patterns, such as mynetworks.
  Outline outline_of(const char* parameter);
  Decision decide(const Session& session) { return postfix::decide(configuration, session, service, tables); }

  const Configuration& configuration;
  const Service& service;
  mutable Tables tables;
  Parameters parameters;
  Classes classes;
  ServiceTests tests;
  MatchList mynetworks, exceptions;
  bool networks_set, mixed_networks, mixed_exceptions;

 private:
  std::string trust_of(const IpAddress& address) const;
  std::vector<Key> mail_keys(const Resolved& address) const;
  void add(std::string& out, std::string_view restriction, const std::vector<Key>& keys) const;
  std::optional<Resolved> resolved(const std::string& path) const;
  Parents access_parents_, network_parents_;
  std::string delimiters_;
};

/// The word for what a look-up found; "" for nothing.
std::string label_of(const Found& found);

}  // namespace smtpdx::mta::postfix
