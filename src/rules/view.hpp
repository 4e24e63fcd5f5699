// SPDX-License-Identifier: Apache-2.0
#pragma once

// The observations of a run, arranged for asking: the rules read only this. Pure: no clock, socket or resolver behind
// it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/report.hpp"
#include "kb/catalogue.hpp"

namespace smtpdx::rules {

/// A fact and the id of the observation that holds it. Both live as long as the observations handed to View.
template <class F>
struct Seen {
  const std::string* id = nullptr;
  const F* fact = nullptr;
  const F* operator->() const { return fact; }
  const F& operator*() const { return *fact; }
  explicit operator bool() const { return fact != nullptr; }
};

/// Refused, accepted after exactly one change, refused again afterwards: a proof of the first kind.
struct Flip {
  Seen<diag::Attempt> refused, accepted, again;
  std::vector<std::string> ids() const { return {*refused.id, *accepted.id, *again.id}; }
};

/// Which side the refuser stands on (field order: who refused?).
enum class Branch {
  unknown,     ///< too little is known to ask anybody
  submission,  ///< our own outgoing server
  recipient,   ///< the recipient's mail exchangers, or whoever stands in for them
};

class View {
 public:
  View(const diag::Case& question, const std::vector<diag::Observation>& observations, const kb::Catalogue& catalogue);

  const diag::Case& question() const { return case_; }
  const kb::Catalogue& catalogue() const { return catalogue_; }
  Branch branch() const { return branch_; }
  const std::string& recipient() const { return recipient_; }
  const std::string& sender() const { return sender_; }
  const std::string& domain() const { return domain_; }

  /// What was typed; always there.
  const std::string& question_id() const { return question_id_; }
  /// The refusal in the input; none where the user gave no words.
  Seen<diag::RefusalFact> refusal() const { return refusal_; }
  /// Reason of the refusal in question; relay_denied where the input held none: that is the question then.
  kb::Reason asked_reason() const;
  bool has_candidate(std::string_view cause) const;  ///< the words' phrase lists it
  /// The cause's place in that list, likeliest 0; nullopt where it does not stand there.
  std::optional<int> place_of(const kb::Cause& cause) const {
    const int place = places_.empty() ? -1 : places_[cause.number];
    return place < 0 ? std::nullopt : std::optional(place);
  }

  Seen<diag::MxFact> mx(std::string_view domain) const;
  Seen<diag::AddressFact> addresses(std::string_view host) const;
  Seen<diag::AuthorityFact> authority(std::string_view host) const;
  Seen<diag::PtrFact> ptr(const IpAddress& address) const;
  Seen<diag::ControlFact> controls() const { return controls_; }
  Seen<diag::ConfigFact> config() const { return config_; }
  Seen<diag::NearNameFact> near(std::string_view domain) const;
  const std::vector<Seen<diag::ListFact>>& lists() const { return lists_; }
  const std::vector<Seen<diag::LoggedSessionFact>>& logged() const { return logged_; }
  Seen<diag::MessageTraceFact> message_trace() const { return message_trace_; }
  Seen<diag::TokenFact> token() const { return token_; }
  const std::vector<Seen<diag::Attempt>>& attempts() const { return attempts_; }
  const std::vector<Seen<diag::SessionFact>>& sessions() const { return sessions_; }

  /// Reason of a live reply, judged as the words of a bounce are.
  kb::Reason reason(const diag::Attempt& attempt) const;
  kb::Reason reason(const smtp::Reply& reply) const;
  /// The server spoken to is the provider's own, by name or greeting, in whose terms the cause `code` is put.
  bool owner_speaks(std::string_view code, const diag::Shape& shape) const;
  /// The cause a live reply states beyond doubt, or "".
  std::string_view stated(const smtp::Reply& reply) const;
  /// The first of the causes a live reply can have, or "".
  std::string_view likeliest(const smtp::Reply& reply) const;
  /// The words are among those the cause is known to be put in.
  bool can_mean(const smtp::Reply& reply, std::string_view cause) const;
  /// Refused for good, or put off with the very words of a relay refusal (Postfix' default 454).
  bool refused(const diag::Attempt& attempt) const;
  bool relay_refused(const diag::Attempt& attempt) const;
  /// Refused at RCPT in words that can mean "not a domain of ours". Words of an access list ("Recipient address
  /// rejected: Access denied"), a demand for a login or TLS, and whatever is said before RCPT are about the client.
  bool denies_domain(const diag::Attempt& attempt) const;
  /// Refused for the reason in question.
  bool refused_as_asked(const diag::Attempt& attempt) const;

  /// The refusal `before` met again, word for word the same question, after `later`.
  Seen<diag::Attempt> refused_again(const diag::Attempt& before, const diag::Attempt& later) const;
  /// The first flip over `axis`; where `refused_host` is given, only with the refused side there; where `accepted_role`
  /// is, only with such a recipient accepted.
  std::optional<Flip> flip(diag::Axis axis, std::string_view refused_host = {},
                           std::optional<diag::Role> accepted_role = std::nullopt) const;

  /// Addresses of all MX hosts found, with the host's name.
  struct MxAddress {
    std::string host;
    IpAddress address;
  };
  std::vector<MxAddress> mx_addresses() const;
  bool mx_known() const;  ///< the MX question was answered (also by "none")
  /// Is the name or the address one of the live MX set? nullopt while that is not known.
  std::optional<bool> in_mx(std::string_view host, std::string_view address) const;
  /// The refuser's name and address as the input gives them (may be empty).
  std::string refuser() const;
  std::string refuser_address() const;

  /// Does something besides the address say that we spoke with `host` itself (greeting, certificate, PTR)?
  bool identity_shown(const diag::SessionFact& session) const;
  /// Ids of the MX question and of the refusal, as far as there are any: what in_mx rests on.
  std::vector<std::string> mx_ids() const;

 private:
  void index(const diag::Observation& observation);
  void place_candidates();
  Branch find_branch() const;

  const diag::Case& case_;
  const kb::Catalogue& catalogue_;
  std::string question_id_;
  Seen<diag::RefusalFact> refusal_;
  Seen<diag::ControlFact> controls_;
  Seen<diag::ConfigFact> config_;
  std::vector<Seen<diag::MxFact>> mx_;
  std::vector<Seen<diag::AddressFact>> addresses_;
  std::vector<Seen<diag::AuthorityFact>> authorities_;
  std::vector<Seen<diag::PtrFact>> ptrs_;
  std::vector<Seen<diag::NearNameFact>> near_;
  std::vector<Seen<diag::ListFact>> lists_;
  std::vector<Seen<diag::LoggedSessionFact>> logged_;
  Seen<diag::MessageTraceFact> message_trace_;
  Seen<diag::TokenFact> token_;
  std::vector<Seen<diag::Attempt>> attempts_;
  std::vector<Seen<diag::SessionFact>> sessions_;
  std::vector<int> places_;  ///< of the words' candidates, by Cause::number; -1 for the others; empty without words
  std::string recipient_, sender_, domain_;
  Branch branch_ = Branch::unknown;
};

/// Reasons that one and the same missing right may be worded as.
bool same_family(kb::Reason a, kb::Reason b);
/// The part of a host name that one organisation owns, guessed without the public suffix list: "mx1.a.example" →
/// "a.example", "mx.b.co.uk" → "b.co.uk". Good for corroboration, never for a verdict of its own.
std::string organisation(std::string_view host);

}  // namespace smtpdx::rules
