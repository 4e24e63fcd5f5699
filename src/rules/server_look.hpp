// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/view.hpp"

namespace smtpdx::rules {

/// What the user's outgoing server showed, port by port and TLS mode by TLS mode.
class ServerLook {
 public:
  explicit ServerLook(const View& view);

  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }  ///< typed, else the first of 587, 465, 25, 2525 that greeted
  bool port_typed() const { return port_typed_; }

  /// How the refused client was protected: typed, logged, said by the refusal's words, or what the port implies.
  /// nullopt: none of these; the typed shape is then plain (contract: what was typed).
  std::optional<diag::TlsMode> client_tls() const { return client_tls_; }
  diag::TlsMode shape_tls() const;
  diag::AuthState client_auth() const;

  /// The last session of that port and mode that came as far as a greeting.
  Seen<diag::SessionFact> session(std::uint16_t port, diag::TlsMode tls) const;
  /// Does AUTH stand in that port's and mode's list? nullopt where no list was seen.
  std::optional<bool> offers_auth(std::uint16_t port, diag::TlsMode tls) const;
  /// nullopt: not seen in any mode; false: every mode seen lacks it.
  std::optional<bool> offers_auth(std::uint16_t port) const;
  /// The first other port that offers AUTH; 0 where none was seen.
  std::uint16_t other_port_with_auth() const;
  /// All four submission ports were looked at or refused the connection, and none offers AUTH.
  bool auth_nowhere() const;
  /// Every submission port that is open offers AUTH without further steps; false while one was not seen.
  bool every_port_offers_auth() const;
  /// Ids of the sessions that show auth_nowhere.
  std::vector<std::string> session_ids() const;

  /// Anonymous and logged-in attempts for the recipient in question, neutral source.
  Seen<diag::Attempt> anonymous(std::uint16_t port, diag::TlsMode tls) const;
  Seen<diag::Attempt> logged_in() const;
  Seen<diag::Attempt> local_accepted() const;
  /// All sessions in which AUTH was answered, in time.
  std::vector<Seen<diag::SessionFact>> logins() const;
  Seen<diag::SessionFact> auth_session() const;  ///< the one in which it was accepted, else the first
  /// The flip over AUTH, on this port.
  std::optional<Flip> auth_flip(std::uint16_t port) const;
  /// The observation that client_auth() rests on.
  const std::string& client_auth_id() const;
  const std::string& cpanel_id() const;
  /// The session at the port in question where it shows another identity than the same address shows at another port.
  Seen<diag::SessionFact> other_machine_at_port() const;
  /// The address that goes with the login; guessed from the sender's domain where the login has none. Empty: no login.
  std::string own_sender() const;
  /// The client's mechanisms are known, and the server offers none of them in the client's shape.
  bool no_common_mechanism() const;
  /// The server or the words are cPanel's Exim.
  bool cpanel() const;

 private:
  const View& view_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool port_typed_ = false;
  std::optional<diag::TlsMode> client_tls_;
};

inline constexpr std::uint16_t submission_ports[] = {587, 465, 25, 2525};

}  // namespace smtpdx::rules
