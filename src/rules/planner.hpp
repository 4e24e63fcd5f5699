// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of plan.cpp and plan_submission.cpp: what the plans of both branches share.

#include <optional>
#include <string>
#include <vector>

#include "rules/rules.hpp"

namespace smtpdx::rules {

class Planner {
 public:
  explicit Planner(const View& view) : view_(view), case_(view.question()) {}

 protected:
  using Transaction = std::vector<diag::WantTalk::Ask>;

  void add(diag::Want want) { wants_.push_back(std::move(want)); }

  /// Our own address towards `server`: the first --source of its family; none where there is none of it.
  std::optional<IpAddress> source(const IpAddress& server) const;
  /// The next --source of that family: a further vantage.
  std::optional<IpAddress> other_source(const IpAddress& server) const;
  std::optional<IpAddress> any_source() const;

  /// A mail exchanger, as any other host would speak to it.
  diag::WantTalk mx_talk(const std::string& host, const IpAddress& address) const;
  diag::WantTalk talk_to(const std::string& host, Endpoint server, diag::TlsWish tls) const;
  /// S46: "user%far.example@here.example" with the route taken off.
  std::string plain_form() const;
  void controls();
  /// Flips over what the client itself brings, another source address (S50) or greeting (S54): once with the variable
  /// changed, then the refused shape again. What was refused before TLS could start has its counterpart in plain text,
  /// too: else two variables would differ.
  void flips_at(const std::string& host, Endpoint server, diag::TlsWish tls, const std::string& from);

  const View& view_;
  const diag::Case& case_;
  std::vector<diag::Want> wants_;

 private:
  bool refused_here(const std::string& host) const;
  bool accepted_from(const std::string& host, const IpAddress& address) const;
  bool accepted_with_other_helo(const std::string& host, bool in_plain_text) const;
  bool refused_before_tls(const std::string& host) const;
  bool refused_with_typed_helo(const std::string& host) const;
};

/// The tests at the user's own outgoing server.
std::vector<diag::Want> plan_submission(const View& view);

}  // namespace smtpdx::rules
