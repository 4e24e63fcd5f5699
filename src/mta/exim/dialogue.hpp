// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of decide.cpp: one SMTP session, command by command, in one of the worlds that are possible.

#include <optional>
#include <string>

#include "mta/exim/acl_run.hpp"
#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

class Dialogue {
 public:
  explicit Dialogue(Context& c) : c_(c) {}
  Outcome run();

 private:
  using Step = std::optional<Outcome>;  ///< an outcome where the session ends with it
  Step connect();
  Step ehlo();
  Step starttls();
  Step auth();
  Step mail();
  Step rcpt();

  Step acl(std::string_view option, std::string_view where, Stage stage);
  Outcome refused(int code, std::string text, Stage stage, std::optional<DecidedBy> by = std::nullopt) const;
  Outcome by_acl(const AclResult& result, Stage stage) const;
  bool in_hosts(std::string_view option, std::string_view otherwise);
  bool advertised(const Driver& authenticator);
  Step login(const Driver& authenticator);
  void recipient_variables(const std::string& address);
  std::string qualified(const std::string& local_part, std::string_view option);

  Context& c_;
  std::string accepted_text_ = "Accepted";
  std::optional<DecidedBy> accepted_by_;
  bool discarded_ = false;
};

}  // namespace smtpdx::mta::exim
