// SPDX-License-Identifier: Apache-2.0
#include "api/headers.hpp"

#include <algorithm>

#include "api/headers_dmarc.hpp"
#include "api/headers_session.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/verify.hpp"
#include "dmarc/words.hpp"
#include "mail/address.hpp"
#include "mail/encoded_word.hpp"
#include "spf/check.hpp"
#include "spf/words.hpp"

namespace smtpdx::api {

const char* to_string(Hop::Clock clock) {
  switch (clock) {
    case Hop::Clock::fine:
      return "fine";
    case Hop::Clock::unknown:
      return "unknown";
    case Hop::Clock::backwards:
      return "backwards";
    case Hop::Clock::future:
      return "future";
  }
  return "";
}

const char* to_string(Handling::Kind kind) {
  return kind == Handling::Kind::list ? "list" : kind == Handling::Kind::forward ? "forward" : "gateway";
}

const char* to_string(HeadersReport::Verdict verdict) {
  switch (verdict) {
    case HeadersReport::Verdict::pass:
      return "pass";
    case HeadersReport::Verdict::warn:
      return "warn";
    case HeadersReport::Verdict::fail:
      return "fail";
    case HeadersReport::Verdict::untested:
      return "untested";
    case HeadersReport::Verdict::nothing:
      return "nothing";
  }
  return "";
}

namespace {

constexpr std::size_t most_hops = 200, most_found = 100;
constexpr Duration clock_slack = 2s, long_delay = 1h;

std::string value_of(const dkim::Message& message, std::string_view name) {
  const auto& all = message.all(name);
  return all.empty() ? "" : fold_space(message.fields()[all.front()].value());
}

std::vector<Hop> read_hops(const dkim::Message& message, WallTime now) {
  std::vector<Hop> hops;
  std::vector<std::string> above;
  for (const auto& field : message.fields()) {
    if (!iequals(field.name, "Received")) {
      if (above.size() < most_hops) above.push_back(printable(field.name, 80));
      continue;
    }
    if (hops.size() == most_hops) break;
    Hop hop;
    hop.received = mail::parse_received(field.value());
    hop.offset = field.offset;
    hop.added = std::exchange(above, {});
    hops.push_back(std::move(hop));
  }
  std::ranges::reverse(hops);
  const mail::Received* before = nullptr;
  for (auto& hop : hops) {
    const auto& date = hop.received.date;
    if (!date)
      hop.clock = Hop::Clock::unknown;
    else if (*date > now + 5min)
      hop.clock = Hop::Clock::future;
    if (date && before) hop.delay = std::chrono::duration_cast<Duration>(*date - *before->date);
    if (hop.delay && *hop.delay < -clock_slack && hop.clock == Hop::Clock::fine) hop.clock = Hop::Clock::backwards;
    if (date) before = &hop.received;
  }
  return hops;
}

void say_hops(HeadersReport& r) {
  for (std::size_t i = 0; i < r.hops.size(); ++i) {
    const auto& hop = r.hops[i];
    const auto by = hop.received.by.empty() ? "hop " + std::to_string(i + 1) : printable(hop.received.by, 80);
    if (hop.clock == Hop::Clock::backwards)
      r.warnings.push_back("the clock of " + by + " or of the server before it is wrong: it received the mail " +
                           std::to_string(-to_ms(*hop.delay) / 1000) + " s before it was sent on");
    if (hop.clock == Hop::Clock::future) r.warnings.push_back("the clock of " + by + " is ahead of ours");
    if (hop.delay && *hop.delay > long_delay)
      r.warnings.push_back("the mail lay " + std::to_string(to_ms(*hop.delay) / 60000) + " minutes before " + by +
                           " took it");
  }
}

std::vector<Handling> read_handling(const dkim::Message& message) {
  std::vector<Handling> out;
  auto see = [&](Handling::Kind kind, std::string_view field) {
    const auto value = value_of(message, field);
    if (!value.empty()) out.push_back({kind, printable(value, 120), std::string(field)});
    return !value.empty();
  };
  if (!see(Handling::Kind::list, "List-Id") && !see(Handling::Kind::list, "Mailing-List"))
    see(Handling::Kind::list, "List-Post");
  for (const auto* field : {"X-Forwarded-To", "X-Forwarded-For", "Resent-From", "X-MS-Exchange-ForwardingLoop"})
    see(Handling::Kind::forward, field);
  const auto path = value_of(message, "Return-Path");
  if (icontains(path, "srs0=") || icontains(path, "srs1=") || icontains(path, "srs0+"))
    out.push_back({Handling::Kind::forward, printable(path, 120), "Return-Path"});
  see(Handling::Kind::gateway, "X-Virus-Scanned");
  return out;
}

const dkim::Verdict* same_signature(const HeadersReport& r, const mail::AuthenticationResult& said) {
  const auto start = said.property("header.b");
  auto domain = said.property("header.d");
  if (domain.empty()) domain = domain_of(said.property("header.i"));
  const dkim::Verdict* found = nullptr;
  for (const auto& v : r.dkim) {
    if (canonical_name(domain) != v.signature.domain) continue;
    if (const auto s = said.property("header.s"); !s.empty() && canonical_name(s) != v.signature.selector) continue;
    if (!start.empty() && !base64_encode(v.signature.signature).starts_with(start)) continue;
    if (found) return nullptr;  // two that fit: it cannot be told which was meant
    found = &v;
  }
  return found;
}

/// A word about another sender, or another session of the same mail, is no contradiction.
bool same_sender(const spf::Outcome& now, const mail::AuthenticationResult& said) {
  auto sender = said.property("smtp.mailfrom");
  if (sender.empty()) sender = said.property("smtp.mfrom");
  if (sender.empty()) sender = said.property("smtp.helo");
  const auto domain = sender.find('@') == std::string::npos ? canonical_name(sender) : domain_of(sender);
  return !domain.empty() && domain == canonical_name(now.domain);
}

void compare(HeadersReport& r, FoundResults& found) {
  const auto who = found.said.server.empty() ? "a server" : found.said.server;
  auto differ = [&](const std::string& what, const std::string& then, const std::string& now) {
    if (then != now) found.differs.push_back(who + " found " + what + "=" + then + ", now it is " + now);
  };
  for (const auto& said : found.said.results) {
    if (said.method == "dkim") {
      const auto* v = same_signature(r, said);
      if (v && said.result != dkim::to_string(v->result) && said.result != "none")
        differ("dkim of " + v->signature.domain, said.result, dkim::to_string(v->result));
    } else if (said.method == "spf" && r.spf && same_sender(*r.spf, said)) {
      differ("spf of " + r.spf->domain, said.result, spf::to_string(r.spf->result));
    } else if (said.method == "dmarc" && r.dmarc && canonical_name(said.property("header.from")) == r.from_domain) {
      differ("dmarc of " + r.from_domain, said.result, dmarc::to_string(r.dmarc->result));
    } else if (said.method == "arc" && r.arc.sets.size() > 0) {
      differ("arc", said.result, arc::to_string(r.arc.result));
    }
  }
}

void read_found(const dkim::Message& message, HeadersReport& r) {
  for (auto index : message.all("Authentication-Results")) {
    if (r.found.size() == most_found) break;
    const auto& field = message.fields()[index];
    FoundResults found{mail::parse_authentication_results(field.value()), field.offset, {}};
    compare(r, found);
    r.found.push_back(std::move(found));
  }
}

/// RFC 6376 §3.5: x= is held against the time at which the mail was received, where that is known.
void say_when_received(HeadersReport& r) {
  const auto* last = r.hops.empty() || !r.hops.back().received.date ? nullptr : &r.hops.back().received;
  for (auto& v : r.dkim) {
    if (v.reason != dkim::Reason::expired || !last) continue;
    const auto then = std::chrono::duration_cast<std::chrono::seconds>(last->date->time_since_epoch()).count();
    if (then >= 0 && static_cast<std::uint64_t>(then) <= *v.signature.expires)
      v.remarks.push_back("it had not expired when " + printable(last->by, 80) + " received the mail");
  }
}

std::string signer(const dkim::Verdict& v) { return v.signature.domain.empty() ? "a signer" : v.signature.domain; }

/// The signature that is worth most: one that holds, aligned with From before others.
const dkim::Verdict* best(const HeadersReport& r) {
  const dkim::Verdict* found = nullptr;
  for (const auto& v : r.dkim) {
    if (v.result != dkim::Result::pass) continue;
    if (alignment_of(r, v.signature.domain) != Alignment::none) return &v;
    if (!found) found = &v;
  }
  return found;
}

bool was_passed_on(const HeadersReport& r) {
  return !r.arc.sets.empty() ||
         std::ranges::any_of(r.handling, [](const auto& h) { return h.kind != Handling::Kind::gateway; });
}

/// Who is likely to have changed it: the change is proved by the digest, the author only by what he left in the header.
void say_changes(HeadersReport& r) {
  const auto list = std::ranges::find(r.handling, Handling::Kind::list, &Handling::kind);
  for (const auto& v : r.dkim)
    for (const auto& e : v.explanations)
      r.warnings.push_back(
          "what broke the signature of " + signer(v) + ": " + e.text +
          (list == r.handling.end() || e.change == dkim::Change::other_key ? "" : "; likely by the list " + list->who));
}

void say_signatures(HeadersReport& r, const dkim::Verdict* holds) {
  for (const auto& v : r.dkim)
    if (holds && v.result != dkim::Result::pass)
      r.warnings.push_back("the signature of " + signer(v) + " does not hold: " + v.detail);
  say_changes(r);
  if (r.arc.result == arc::Result::fail)
    r.warnings.push_back((r.arc.temporary ? "the ARC chain cannot be verified now: " : "the ARC chain is broken: ") +
                         r.arc.detail);
  if (r.spf && r.spf->result != spf::Result::pass && was_passed_on(r))
    r.warnings.push_back(
        "SPF looked at the server that passed the mail on, not at the author's: for a forwarded mail its " +
        std::string(spf::to_string(r.spf->result)) + " says little");
}

bool spf_holds(const HeadersReport& r) { return r.spf && r.spf->result == spf::Result::pass; }

std::string spf_words(const HeadersReport& r) {
  if (!r.spf) return "SPF could not be looked at (" + r.spf_reason + ")";
  return "SPF: " + spf::headline(*r.spf);
}

/// Nothing signed: SPF alone has the word.
void judge_unsigned(HeadersReport& r) {
  using V = HeadersReport::Verdict;
  r.summary = "the mail carries no DKIM signature; " + spf_words(r);
  const auto spf = r.spf ? r.spf->result : spf::Result::none;
  if (spf == spf::Result::fail || spf == spf::Result::permerror)
    r.verdict = V::fail;
  else if (spf == spf::Result::temperror)
    r.verdict = V::untested;
  else
    r.verdict = spf == spf::Result::softfail || !r.warnings.empty() ? V::warn : spf_holds(r) ? V::pass : V::nothing;
}

void judge_signed(HeadersReport& r, const dkim::Verdict* holds);

/// DMARC has the last word where the domain of From has a policy: it is what receivers go by.
void judge_dmarc(HeadersReport& r) {
  using V = HeadersReport::Verdict;
  for (const auto& difference : r.dmarc_differences)
    r.warnings.push_back("DMARC's two standards differ: " + difference);
  if (!r.dmarc) return;
  const auto result = r.dmarc->result;
  if (result == dmarc::Result::pass) {
    // What passes by SPF is well, whatever became of its signatures.
    if (r.verdict != V::pass && r.verdict != V::warn)
      r.summary = "DMARC " + dmarc::headline(*r.dmarc) + "; " + r.summary;
    r.verdict = r.warnings.empty() && (r.verdict == V::pass || r.verdict == V::nothing) ? V::pass : V::warn;
  } else if (result == dmarc::Result::fail) {
    r.summary = "DMARC " + dmarc::headline(*r.dmarc) + "; " + r.summary;
    r.verdict = V::fail;
  } else if (result == dmarc::Result::temperror && r.verdict != V::fail) {
    r.summary = "DMARC " + dmarc::headline(*r.dmarc) + "; " + r.summary;
    r.verdict = V::untested;
  }
}

void judge(HeadersReport& r) {
  say_hops(r);
  say_when_received(r);
  const auto* holds = best(r);
  say_signatures(r, holds);
  r.dkim.empty() ? judge_unsigned(r) : judge_signed(r, holds);
  judge_dmarc(r);
}

void judge_signed(HeadersReport& r, const dkim::Verdict* holds) {
  using V = HeadersReport::Verdict;
  if (holds) {
    r.summary = "the DKIM signature of " + signer(*holds) + " holds" +
                (alignment_of(r, holds->signature.domain) != Alignment::none
                     ? ""
                     : ", but the mail says it is from " + r.from_domain);
    r.verdict = r.warnings.empty() ? V::pass : V::warn;
    return;
  }
  const auto temporary = std::ranges::all_of(r.dkim, [](const auto& v) { return v.result == dkim::Result::temperror; });
  const auto& first = r.dkim.front();
  r.summary = temporary ? "the DKIM signature cannot be looked at: " + first.detail
                        : (r.dkim.size() == 1 ? "the DKIM signature of " + signer(first) + " does not hold: "
                                              : "no DKIM signature holds; that of " + signer(first) + ": ") +
                              first.detail;
  r.verdict = temporary ? V::untested : V::fail;
}

const char* to_string(dkim::LineEnds ends) {
  return ends == dkim::LineEnds::crlf ? "crlf" : ends == dkim::LineEnds::lf ? "lf" : "mixed";
}

}  // namespace

namespace {

struct Look {
  const dkim::Message& message;
  probes::Env& env;
  dkim::Options options;
  Deadline deadline;
  dkim::KeyCache cache;
  HeadersReport report;
};

// What needs DNS, each a task of its own so that all wait at the same time. They share the look, on one thread.
io::Task<int> look_at_signatures(Look& look) {
  look.report.dkim = co_await dkim::verify(look.message, look.env.resolver, look.cache, look.options, look.deadline);
  co_return 0;
}
io::Task<int> look_at_chain(Look& look) {
  look.report.arc = co_await arc::validate(look.message, look.env.resolver, look.cache, look.options, look.deadline);
  co_return 0;
}
io::Task<int> look_at_sender(Look& look) {
  auto& r = look.report;
  const auto& s = r.session;
  if (!s.client)
    r.spf_reason = "no Received field tells a public client address; --client-address gives one";
  else if (!s.mail_from)
    r.spf_reason = "no Return-Path tells the envelope sender; --mail-from gives it";
  else if (s.mail_from->empty() && s.helo.empty())
    r.spf_reason = "the sender is empty and the HELO name is not known; --helo gives it";
  if (!r.spf_reason.empty()) co_return 0;
  spf::Question question;
  question.client = *s.client;
  question.sender = *s.mail_from;
  question.helo = s.helo;
  question.now = look.env.runtime.wall();
  r.spf = co_await spf::check(look.env.resolver, std::move(question), look.deadline);
  co_return 0;
}

}  // namespace

io::Task<Result<HeadersReport>> look_at_headers(const HeadersRequest& request, probes::Env& env, Deadline deadline) {
  const auto started = env.runtime.now();
  if (!request.client_address.empty() && !IpAddress::parse(request.client_address))
    co_return fail(ErrorKind::usage, request.client_address + ": not an IP address");
  const dkim::Message message(request.octets);
  if (message.fields().empty())
    co_return fail(ErrorKind::malformed, "the input holds no header field", "give a whole message as it was received");
  Look look{message, env, {env.runtime.wall()}, deadline, {}, {}};
  auto& r = look.report;
  r.from = printable(mail::decode_encoded_words(value_of(message, "From")), 300);
  r.from_domain = domain_of(mail::first_address(value_of(message, "From")));
  r.mail_from = mail::first_address(value_of(message, "Return-Path"));
  r.subject = printable(mail::decode_encoded_words(value_of(message, "Subject")), 300);
  r.hops = read_hops(message, env.runtime.wall());
  r.session = session_of(request, message, r.hops);
  std::vector<io::Task<int>> tasks;
  tasks.push_back(look_at_signatures(look));
  tasks.push_back(look_at_chain(look));
  tasks.push_back(look_at_sender(look));
  co_await io::when_all(std::move(tasks));
  const dmarc::PublicSuffixes suffixes;
  align(suffixes, r);
  co_await look_at_dmarc(message, suffixes, env, deadline, r);
  r.line_ends = to_string(message.line_ends());
  if (r.hops.size() > 1 && r.hops.front().received.date && r.hops.back().received.date)
    r.total = std::chrono::duration_cast<Duration>(*r.hops.back().received.date - *r.hops.front().received.date);
  r.handling = read_handling(message);
  read_found(message, r);
  judge(r);
  r.elapsed = env.runtime.now() - started;
  co_return std::move(r);
}

}  // namespace smtpdx::api
