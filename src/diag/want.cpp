// SPDX-License-Identifier: Apache-2.0
#include "diag/want.hpp"

#include "base/text.hpp"

namespace smtpdx::diag {

namespace {

std::string talk_key(const WantTalk& w) {
  std::string key = "talk|" + w.host + "|" + w.server.to_string() + "|" + std::to_string(static_cast<int>(w.tls)) +
                    "|" + w.helo + "|" + (w.source ? w.source->to_string() : "") + "|" + (w.log_in ? "auth" : "") +
                    w.mechanism + "|" + std::to_string(w.round) +
                    (w.patience == WantTalk::Patience::brief ? "|brief" : "");
  for (const auto& transaction : w.transactions) {
    key += "|;";
    for (const auto& ask : transaction) key += "|" + ask.mail_from + ">" + ask.rcpt_to;
  }
  return key;
}

std::string controls_key(const WantControls& w) {
  std::string key = "controls";
  for (const auto& c : w.port25) key += "|" + c.host;
  return key;
}

struct Key {
  std::string operator()(const WantMx& w) const { return "mx|" + w.domain; }
  std::string operator()(const WantAddresses& w) const { return "addresses|" + w.host; }
  std::string operator()(const WantPtr& w) const { return "ptr|" + w.address.to_string(); }
  std::string operator()(const WantAuthority& w) const { return "authority|" + w.host; }
  std::string operator()(const WantNear& w) const { return "near|" + w.domain; }
  std::string operator()(const WantList& w) const { return "list|" + w.zone + "|" + w.address.to_string(); }
  std::string operator()(const WantControls& w) const { return controls_key(w); }
  std::string operator()(const WantTalk& w) const { return talk_key(w); }
};

struct Needed {
  kb::Consent operator()(const WantTalk& w) const {
    if (w.log_in) return kb::Consent::auth;
    return w.transactions.empty() ? kb::Consent::connect : kb::Consent::envelope;
  }
  kb::Consent operator()(const WantControls&) const { return kb::Consent::connect; }
  template <class Dns>
  kb::Consent operator()(const Dns&) const {
    return kb::Consent::dns;
  }
};

}  // namespace

std::string key_of(const Want& want) { return std::visit(Key{}, want); }
kb::Consent consent_of(const Want& want) { return std::visit(Needed{}, want); }

}  // namespace smtpdx::diag
