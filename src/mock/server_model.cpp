// SPDX-License-Identifier: Apache-2.0
//
// The conversation itself. A command goes through three hands: command() finds the Moment and lets the policy's
// Behaviour speak first; answer_to() asks the policy for its own words; turn() joins both and says what happens next.
// The words that refuse (client_word, helo_word …) return an empty string where there is nothing to say against it.
//
// The order of refusals is Postfix's with smtpd_delay_reject: client and greeting are only judged at RCPT, unless the
// policy says at once. RFC 5321 §4.3.2 allows either; diagnoses must cope with both.

#include "mock/server_model.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace smtpdx::mock {
namespace {

constexpr std::size_t line_limit = 64 * 1024;
constexpr std::string_view moments[] = {"connect", "ehlo",        "starttls", "auth", "mail", "rcpt",
                                        "data",    "end-of-data", "rset",     "quit", "other"};

Moment moment_of(std::string_view verb) {
  if (verb == "EHLO" || verb == "HELO") return Moment::ehlo;
  if (verb == "STARTTLS") return Moment::starttls;
  if (verb == "AUTH") return Moment::auth;
  if (verb == "MAIL") return Moment::mail;
  if (verb == "RCPT") return Moment::rcpt;
  if (verb == "DATA") return Moment::data;
  if (verb == "RSET") return Moment::rset;
  if (verb == "QUIT") return Moment::quit;
  return Moment::other;
}

/// "TO:<bob@example.org> NOTIFY=NEVER" → "bob@example.org"; nullopt where the form is wrong.
std::optional<std::string> path_in(std::string_view argument, std::string_view prefix) {
  if (!istarts_with(argument, prefix)) return std::nullopt;
  auto rest = trim(argument.substr(prefix.size()));
  if (!rest.empty() && rest.front() == '<') {
    const auto end = rest.rfind('>');
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(rest.substr(1, end - 1));
  }
  return std::string(rest.substr(0, rest.find(' ')));
}

/// The template for an address: its own, else its domain's.
const std::string* word_for(const std::map<std::string, std::string>& words, std::string_view address) {
  auto it = words.find(address.empty() ? "<>" : to_lower(address));
  if (it == words.end()) it = words.find("@" + domain_of(address));
  return it == words.end() ? nullptr : &it->second;
}

std::string hmac_md5_hex(std::string_view key, std::string_view text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  if (!HMAC(EVP_md5(), key.data(), static_cast<int>(key.size()), octets, text.size(), mac, &size)) return {};
  return hex_encode({reinterpret_cast<const char*>(mac), size});
}

/// Always the same: the model has no clock and no chance (RFC 2195 §2 wants neither repeated; this guards nothing).
std::string challenge_of(const ServerPolicy& policy) { return "<1896.697170952@" + policy.name + ">"; }

std::string with_line_ends(std::string_view reply) {
  std::string out;
  for (auto line : split(reply, '\n')) out.append(line).append("\r\n");
  return out;
}

}  // namespace

const char* to_string(Moment moment) { return moments[static_cast<std::size_t>(moment)].data(); }

std::optional<Moment> moment_from(std::string_view word) {
  for (std::size_t i = 0; i < std::size(moments); ++i)
    if (moments[i] == word) return static_cast<Moment>(i);
  return std::nullopt;
}

ServerSession::ServerSession(Server& server, IpAddress client)
    : server_(server), client_(client), number_(++server.connections_), tls_(server.policy_.implicit_tls) {}

Turn ServerSession::connected() {
  const auto& p = policy();
  if (p.max_connections != 0 && number_ > p.max_connections) {
    auto closing = turn(Moment::connect, fill(p.slow_down));
    closing.then = Turn::Then::close;
    over_ = true;
    return closing;
  }
  std::string greeting = p.greeting.empty() ? "220 %n ESMTP" : p.greeting;
  if (p.reject == ServerPolicy::DelayReject::at_once)
    if (auto word = client_word(); !word.empty()) greeting = word;
  return turn(Moment::connect, fill(greeting));
}

void ServerSession::tls_established() {
  tls_ = true;
  starting_tls_ = false;
  helo_.clear();
  user_.clear();
  pending_.clear();
  forget_envelope();
}

std::vector<Turn> ServerSession::feed(std::string_view octets) {
  std::vector<Turn> turns;
  pending_.append(octets);
  while (!over_ && !starting_tls_) {
    const auto end = pending_.find('\n');
    if (end == std::string::npos) break;
    auto text = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    if (!text.empty() && text.back() == '\r') text.pop_back();
    auto next = line(text);
    if (!next.octets.empty() || next.then != Turn::Then::go_on) turns.push_back(std::move(next));
  }
  if (over_ || starting_tls_) pending_.clear();
  if (pending_.size() > line_limit) {
    over_ = true;
    turns.push_back({with_line_ends("500 5.5.2 line too long"), 1, {}, {}, Turn::Then::close});
  }
  return turns;
}

Turn ServerSession::line(std::string_view text) {
  if (in_data_) {
    if (text != ".") return {};
    in_data_ = false;
    forget_envelope();
    return turn(Moment::end_of_data, "250 2.0.0 Ok: queued as MOCK");
  }
  if (auth_) return turn(Moment::auth, auth_answer(text));
  return command(text);
}

Turn ServerSession::command(std::string_view text) {
  const auto space = text.find(' ');
  auto verb = std::string(text.substr(0, space));
  std::transform(verb.begin(), verb.end(), verb.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  const auto argument = space == std::string_view::npos ? std::string_view() : trim(text.substr(space + 1));
  const auto moment = moment_of(verb);
  ++commands_;
  auto next = turn(moment, answer_to(moment, verb, argument));
  note_limits(next, moment);
  return next;
}

void ServerSession::note_limits(Turn& turn, Moment moment) {
  const auto& p = policy();
  if (moment == Moment::rcpt && !turn.octets.empty() && turn.octets.front() == '5') ++refused_;
  const bool enough =
      (p.max_commands != 0 && commands_ > p.max_commands) || (p.max_refused != 0 && refused_ > p.max_refused);
  if (!enough || moment == Moment::quit) return;
  turn = {with_line_ends(fill(p.slow_down)), 1, turn.delay, turn.per_octet, Turn::Then::close};
  over_ = true;
}

Turn ServerSession::turn(Moment moment, std::string reply) {
  Turn next;
  const auto found = policy().behaviour.find(moment);
  const Behaviour plain;
  const auto& b = found == policy().behaviour.end() ? plain : found->second;
  next.delay = b.delay;
  next.per_octet = b.per_octet;
  if (b.raw) {
    next.octets = *b.raw;
    next.repeat = b.repeat;
  } else if (b.reply) {
    next.octets = with_line_ends(fill(*b.reply));
  } else if (b.end == Behaviour::End::none || b.after_reply) {
    next.octets = with_line_ends(reply);
  }
  switch (b.end) {
    case Behaviour::End::none:
      break;
    case Behaviour::End::close:
      next.then = Turn::Then::close;
      break;
    case Behaviour::End::reset:
      next.then = Turn::Then::reset;
      break;
    case Behaviour::End::hang:
      next.then = Turn::Then::hang;
      break;
  }
  if (next.then == Turn::Then::go_on) {
    if (moment == Moment::quit) next.then = Turn::Then::close;
    if (moment == Moment::starttls && next.octets.starts_with("220")) next.then = Turn::Then::start_tls;
    if (next.octets.starts_with("421")) next.then = Turn::Then::close;
  }
  starting_tls_ = next.then == Turn::Then::start_tls;
  over_ = over_ || (next.then != Turn::Then::go_on && !starting_tls_);
  return next;
}

std::string ServerSession::answer_to(Moment moment, std::string_view verb, std::string_view argument) {
  const auto& p = policy();
  const bool allowed_plain = moment == Moment::ehlo || moment == Moment::starttls || moment == Moment::rset ||
                             moment == Moment::quit || verb == "NOOP";
  if (!tls_ && !p.tls_required.empty() && !allowed_plain) return fill(p.tls_required);
  switch (moment) {
    case Moment::ehlo:
      return ehlo(argument, verb == "EHLO");
    case Moment::starttls:
      return starttls();
    case Moment::auth:
      return auth(argument);
    case Moment::mail:
      return mail(argument);
    case Moment::rcpt:
      return rcpt(argument);
    case Moment::data:
      return data();
    case Moment::rset:
      return forget_envelope();
    case Moment::quit:
      return "221 2.0.0 Bye";
    default:
      return verb == "NOOP"   ? "250 2.0.0 Ok"
             : verb == "VRFY" ? "252 2.0.0 cannot say"
                              : "502 5.5.2 Error: command not recognized";
  }
}

std::string ServerSession::ehlo(std::string_view name, bool extended) {
  const auto& p = policy();
  if (extended && !p.esmtp) return "502 5.5.2 Error: command not recognized";
  if (name.empty()) return "501 Syntax: EHLO hostname";
  helo_ = name;
  forget_envelope();
  if (p.reject == ServerPolicy::DelayReject::at_once)
    if (auto word = helo_word(); !word.empty()) return fill(word);
  const auto own = p.ehlo_name.empty() ? p.name : p.ehlo_name;
  if (!extended) return "250 " + own;
  std::vector<std::string> lines{own};
  lines.insert(lines.end(), p.keywords.begin(), p.keywords.end());
  if (p.starttls && !tls_) lines.push_back("STARTTLS");
  const auto& mechanisms = tls_ ? p.auth_tls : p.auth_plain;
  if (!mechanisms.empty()) lines.push_back("AUTH " + join(mechanisms, " "));
  std::string reply;
  for (std::size_t i = 0; i < lines.size(); ++i)
    reply += (i == 0 ? "250" : "\n250") + std::string(i + 1 < lines.size() ? "-" : " ") + lines[i];
  return reply;
}

std::string ServerSession::starttls() {
  if (tls_) return "554 5.5.1 Error: TLS already active";
  if (!policy().starttls) return "502 5.5.1 Error: command not implemented";
  return "220 2.0.0 Ready to start TLS";
}

// ---- logging in (RFC 4954) ----

std::string ServerSession::auth(std::string_view argument) {
  const auto& p = policy();
  const auto& offered = tls_ ? p.auth_tls : p.auth_plain;
  if (offered.empty()) return "503 5.5.1 Error: authentication not enabled";
  if (!user_.empty()) return "503 5.5.1 Error: already authenticated";
  const auto words = split_words(argument);
  if (words.empty()) return "501 5.5.4 Syntax: AUTH mechanism";
  const auto known = std::find_if(offered.begin(), offered.end(), [&](const auto& m) { return iequals(m, words[0]); });
  if (known == offered.end()) return "504 5.5.4 Error: authentication mechanism not offered";
  auth_ = AuthUnderWay{*known, "", 0};
  if (iequals(*known, "CRAM-MD5")) return "334 " + base64_encode(challenge_of(p));
  if (words.size() > 1) return auth_answer(words[1]);
  return iequals(*known, "LOGIN") ? "334 " + base64_encode("Username:") : "334 ";
}

std::string ServerSession::auth_answer(std::string_view text) {
  const auto& p = policy();
  auto under_way = *auth_;
  auth_.reset();
  if (text == "*") return "501 5.7.0 Authentication aborted";
  const auto decoded = base64_decode(text == "=" ? "" : text);
  if (!decoded) return "501 5.5.2 Error: cannot decode response";
  const auto known = [&](const std::string& user) {
    auto it = p.users.find(user);
    return it == p.users.end() || p.broken_mechanisms.contains(under_way.mechanism) ? nullptr : &it->second;
  };
  if (iequals(under_way.mechanism, "PLAIN")) {
    const auto parts = split(*decoded, '\0');
    if (parts.size() != 3) return "501 5.5.2 Error: bad response";
    const std::string user(parts[1]);
    const auto* password = known(user);
    return log_in(user, password && *password == parts[2]);
  }
  if (iequals(under_way.mechanism, "LOGIN")) {
    if (under_way.step == 0) {
      auth_ = AuthUnderWay{under_way.mechanism, *decoded, 1};
      return "334 " + base64_encode("Password:");
    }
    const auto* password = known(under_way.user);
    return log_in(under_way.user, password && *password == *decoded);
  }
  if (iequals(under_way.mechanism, "CRAM-MD5")) {
    const auto space = decoded->rfind(' ');
    const auto user = decoded->substr(0, space);
    const auto* password = known(user);
    const auto digest = space == std::string::npos ? std::string() : decoded->substr(space + 1);
    return log_in(user, password && hmac_md5_hex(*password, challenge_of(p)) == digest);
  }
  return fill(p.auth_refused);  // offered, but nothing behind it
}

std::string ServerSession::log_in(const std::string& user, bool right) {
  const auto& p = policy();
  if (auto it = p.login_replies.find(user); it != p.login_replies.end()) return fill(it->second);
  if (!right) return fill(p.auth_refused);
  user_ = user;
  return fill(p.auth_accepted);
}

// ---- envelopes ----

std::string ServerSession::mail(std::string_view argument) {
  const auto& p = policy();
  if (helo_.empty()) return "503 5.5.1 Error: send HELO/EHLO first";
  if (sender_) return "503 5.5.1 Error: nested MAIL command";
  auto path = path_in(argument, "FROM:");
  if (!path) return "501 5.5.4 Syntax: MAIL FROM:<address>";
  if (!p.auth_required.empty() && user_.empty()) return fill(p.auth_required);
  sender_ = *path;
  return "250 2.1.0 Ok";
}

std::string ServerSession::rcpt(std::string_view argument) {
  if (!sender_) return "503 5.5.1 Error: need MAIL command";
  auto path = path_in(argument, "TO:");
  if (!path || path->empty()) return "501 5.5.4 Syntax: RCPT TO:<address>";
  recipient_ = *path;
  for (const auto& word : {client_word(), helo_word(), sender_word(), recipient_word()})
    if (!word.empty()) return fill(word);
  ++accepted_;
  return "250 2.1.5 Ok";
}

std::string ServerSession::data() {
  if (!sender_) return "503 5.5.1 Error: need MAIL command";
  if (accepted_ == 0) return "554 5.5.1 Error: no valid recipients";
  in_data_ = true;
  return "354 End data with <CR><LF>.<CR><LF>";
}

std::string ServerSession::forget_envelope() {
  sender_.reset();
  recipient_.clear();
  accepted_ = 0;
  return "250 2.0.0 Ok";
}

std::string ServerSession::client_word() const {
  if (!user_.empty()) return {};
  for (const auto& [network, word] : policy().clients)
    if (network.contains(client_)) return word;
  return {};
}

std::string ServerSession::helo_word() const {
  const auto& p = policy();
  if (!user_.empty()) return {};
  if (auto it = p.helos.find(to_lower(helo_)); it != p.helos.end()) return it->second;
  const bool full = helo_.find('.') != std::string::npos || helo_.starts_with('[');
  return full ? std::string() : p.helo_not_full;
}

std::string ServerSession::sender_word() const {
  const auto& p = policy();
  const auto sender = to_lower(*sender_);
  if (!user_.empty()) {
    auto own = p.owners.find(user_);
    if (own != p.owners.end() && !own->second.contains(sender)) return p.not_owner;
  } else if (!p.not_logged_in.empty()) {
    for (const auto& [user, senders] : p.owners)
      if (senders.contains(sender)) return p.not_logged_in;
  }
  const auto* word = word_for(p.senders, *sender_);
  return word ? *word : std::string();
}

std::string ServerSession::recipient_word() {
  const auto& p = policy();
  if (const auto* word = word_for(p.recipients, recipient_)) return *word;
  const auto domain = domain_of(recipient_);
  if (domain.empty()) return iequals(recipient_, "postmaster") ? std::string() : p.unknown_user;
  const bool routed = local_part_of(recipient_).find_first_of("%!@") != std::string::npos;
  if (routed && !p.routed_forms.empty() && !may_relay()) return p.routed_forms;
  const auto* own = local_domain(domain);
  if (own) return local_word(*own);
  return may_relay() ? std::string() : p.relay_refusal;
}

std::string ServerSession::local_word(const LocalDomain& domain) {
  const auto local = to_lower(local_part_of(recipient_));
  const bool listed = domain.local_parts.empty() || domain.local_parts.contains(local);
  if (!listed && !(domain.postmaster && local == "postmaster")) return policy().unknown_user;
  return user_.empty() ? greylist_word() : std::string();
}

/// Put off in the first so many connections that bring the triplet; each connection counts once.
std::string ServerSession::greylist_word() {
  const auto& p = policy();
  if (p.greylisted.empty()) return {};
  auto& seen = server_.put_off_[client_.to_string() + "\n" + to_lower(*sender_) + "\n" + to_lower(recipient_)];
  if (seen.contains(number_)) return p.greylisted;
  if (seen.size() >= p.greylist_sessions) return {};
  seen.insert(number_);
  return p.greylisted;
}

bool ServerSession::may_relay() const {
  const auto& p = policy();
  if (!user_.empty() && p.login_relays) return true;
  return std::any_of(p.relays_for.begin(), p.relays_for.end(), [&](const Network& n) { return n.contains(client_); });
}

const LocalDomain* ServerSession::local_domain(std::string_view domain) const {
  for (const auto& d : policy().domains)
    if (d.name == domain) return &d;
  return nullptr;
}

std::string ServerSession::fill(std::string_view text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'r':
        out += recipient_;
        break;
      case 's':
        out += sender_.value_or("");
        break;
      case 'c':
        out += client_.to_string();
        break;
      case 'h':
        out += helo_;
        break;
      case 'u':
        out += user_;
        break;
      case 'n':
        out += policy().name;
        break;
      case '%':
        out += '%';
        break;
      default:
        out.append("%").append(1, text[i]);
    }
  }
  return out;
}

}  // namespace smtpdx::mock
