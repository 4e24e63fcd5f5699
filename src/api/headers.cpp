// SPDX-License-Identifier: Apache-2.0
#include "api/headers.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dkim/verify.hpp"
#include "mail/address.hpp"
#include "mail/encoded_word.hpp"

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
    hop.offset = message.offset_of(field);
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
    } else if (said.method == "arc" && r.arc.sets.size() > 0) {
      differ("arc", said.result, arc::to_string(r.arc.result));
    }
  }
}

void read_found(const dkim::Message& message, HeadersReport& r) {
  for (auto index : message.all("Authentication-Results")) {
    if (r.found.size() == most_found) break;
    const auto& field = message.fields()[index];
    FoundResults found{mail::parse_authentication_results(field.value()), message.offset_of(field), {}};
    compare(r, found);
    r.found.push_back(std::move(found));
  }
}

std::string signer(const dkim::Verdict& v) { return v.signature.domain.empty() ? "a signer" : v.signature.domain; }

/// The first of them that is worth most words: one that holds, aligned before others.
const dkim::Verdict* best(const HeadersReport& r) {
  const dkim::Verdict* found = nullptr;
  for (const auto& v : r.dkim) {
    if (v.result != dkim::Result::pass) continue;
    if (v.signature.domain == r.from_domain) return &v;
    if (!found) found = &v;
  }
  return found;
}

void judge(HeadersReport& r) {
  using V = HeadersReport::Verdict;
  say_hops(r);
  const auto* holds = best(r);
  for (const auto& v : r.dkim)
    if (holds && v.result != dkim::Result::pass)
      r.warnings.push_back("the signature of " + signer(v) + " does not hold: " + v.detail);
  if (r.arc.result == arc::Result::fail)
    r.warnings.push_back((r.arc.temporary ? "the ARC chain cannot be verified now: " : "the ARC chain is broken: ") +
                         r.arc.detail);
  if (r.dkim.empty()) {
    r.summary = "the mail carries no DKIM signature";
    r.verdict = r.warnings.empty() ? V::nothing : V::warn;
    return;
  }
  if (holds) {
    r.summary = "the DKIM signature of " + signer(*holds) + " holds" +
                (holds->signature.domain == r.from_domain ? "" : ", the mail says it is from " + r.from_domain);
    r.verdict = r.warnings.empty() ? V::pass : V::warn;
    return;
  }
  const auto temporary = std::ranges::all_of(r.dkim, [](const auto& v) { return v.result == dkim::Result::temperror; });
  const auto& first = r.dkim.front();
  r.verdict = temporary ? V::untested : V::fail;
  r.summary = (r.dkim.size() == 1 ? "the DKIM signature of " + signer(first) + " does not hold: "
                                  : "no DKIM signature holds; that of " + signer(first) + ": ") +
              first.detail;
  if (temporary) r.summary = "the DKIM signature cannot be looked at: " + first.detail;
}

const char* to_string(dkim::LineEnds ends) {
  return ends == dkim::LineEnds::crlf ? "crlf" : ends == dkim::LineEnds::lf ? "lf" : "mixed";
}

}  // namespace

io::Task<Result<HeadersReport>> look_at_headers(const HeadersRequest& request, probes::Env& env, Deadline deadline) {
  const auto started = env.runtime.now();
  const dkim::Message message(request.octets);
  if (message.fields().empty())
    co_return fail(ErrorKind::malformed, "the input holds no header field", "give a whole message as it was received");
  HeadersReport r;
  dkim::Options options{env.runtime.wall()};
  dkim::KeyCache cache;
  r.dkim = co_await dkim::verify(message, env.resolver, cache, options, deadline);
  r.arc = co_await arc::validate(message, env.resolver, cache, options, deadline);
  r.from = printable(mail::decode_encoded_words(value_of(message, "From")), 300);
  r.from_domain = domain_of(mail::first_address(value_of(message, "From")));
  r.mail_from = mail::first_address(value_of(message, "Return-Path"));
  r.subject = printable(mail::decode_encoded_words(value_of(message, "Subject")), 300);
  r.line_ends = to_string(message.line_ends());
  r.hops = read_hops(message, env.runtime.wall());
  if (r.hops.size() > 1 && r.hops.front().received.date && r.hops.back().received.date)
    r.total = std::chrono::duration_cast<Duration>(*r.hops.back().received.date - *r.hops.front().received.date);
  r.handling = read_handling(message);
  read_found(message, r);
  judge(r);
  r.elapsed = env.runtime.now() - started;
  co_return r;
}

}  // namespace smtpdx::api
