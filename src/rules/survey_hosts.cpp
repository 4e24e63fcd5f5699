// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.hpp"
#include "rules/survey.hpp"

namespace smtpdx::rules {

using diag::AddressSurvey;
using diag::HostSurvey;
using diag::SessionFact;
using diag::Side;
using diag::Survey;

namespace {

constexpr auto renewal = std::chrono::hours(24 * 14);

std::string at(const HostSurvey& host, const AddressSurvey& a) {
  const auto address = a.address.to_string();
  return host.name == address ? address : host.name + " [" + address + "]";
}

/// Access providers write the customer's address into the name: three of an IPv4's four numbers, in either order.
bool looks_generic(std::string_view name, const IpAddress& address) {
  if (address.is_v6()) return false;
  std::size_t found = 0;
  const auto text = address.to_string();
  const auto octets = split(text, '.');
  std::string words(name);
  for (auto& c : words)
    if (!is_digit(c)) c = ' ';
  const auto numbers = split_words(words);
  for (const auto octet : octets)
    found += std::any_of(numbers.begin(), numbers.end(),
                         [&](std::string_view n) { return parse_number(n) == parse_number(octet); })
                 ? 1
                 : 0;
  return found >= 3;
}

void judge_reverse(const HostSurvey& host, const AddressSurvey& a, Findings& out) {
  const auto& reverse = a.reverse->what.reverse;
  const About it{at(host, a), {a.reverse->id}};
  if (!settled(reverse.ptr.status)) {
    out.fault("RDNS-03", it, to_string(reverse.ptr.status));
    out.untested("RDNS-01", it, "the look-up failed: " + std::string(to_string(reverse.ptr.status)));
    return;
  }
  out.pass("RDNS-03", it);
  out.check("RDNS-01", it, reverse.names.empty());
  if (reverse.names.empty()) return;
  const auto name = printable(reverse.best_name(), 255);
  if (!reverse.confirmed() && !reverse.complete()) {
    out.untested("RDNS-02", it, "the address of " + name + " could not be looked up");
  } else {
    out.check("RDNS-02", it, !reverse.confirmed(), name + " has other addresses, or none");
  }
  out.check("RDNS-04", it, looks_generic(name, a.address), name);
  out.check("RDNS-05", it, reverse.ptr.records.size() > 1, std::to_string(reverse.ptr.records.size()) + " names");
}

void judge_name(const HostSurvey& host, const AddressSurvey& a, Findings& out) {
  const auto* capabilities = a.session->what.capabilities();
  if (!a.reverse || a.reverse->what.reverse.names.empty() || !capabilities) return;
  const auto own = canonical_name(capabilities->greeting_name);
  const auto& names = a.reverse->what.reverse.names;
  const bool same = std::any_of(names.begin(), names.end(), [&](const auto& n) { return n.name == own; });
  out.check("RDNS-06", {at(host, a), {a.session->id, a.reverse->id}}, !same,
            printable(own, 255) + ", and its PTR says " + printable(names.front().name, 255));
}

/// Whether the session came so far that its EHLO says something. What was not answered is nobody's fault yet.
bool judge_reach(const HostSurvey& host, const AddressSurvey& a, Findings& out) {
  const auto& session = a.session->what;
  const About it{at(host, a), {a.session->id}};
  if (!session.connected) {
    const auto failure = session.connect_failure.value_or(io::IoFailure{});
    const auto words = std::string(to_string(failure.kind)) + (failure.text.empty() ? "" : ": " + failure.text);
    const bool here = failure.kind == io::Failure::local || failure.kind == io::Failure::not_permitted ||
                      failure.kind == io::Failure::proxy;
    if (failure.kind == io::Failure::refused) {
      out.fault("MX-19", it, words);
    } else {
      out.untested("MX-19", it, words, here ? Side::ours : Side::theirs);
    }
    return false;
  }
  out.pass("MX-19", it);
  if (!session.banner) {
    out.untested("MX-20", it, "no greeting came" + (session.broken ? ": " + trouble_words(*session.broken) : ""));
    return false;
  }
  const auto greeting = printable(session.banner->to_string());
  if (session.banner->code / 100 == 4) {
    out.untested("MX-20", it, "put off for now: " + greeting);
    return false;
  }
  out.check("MX-20", it, session.banner->code / 100 == 5, greeting);
  return session.banner->positive();
}

void judge_certificate(const SessionFact& session, const About& it, WallTime now, Findings& out) {
  const auto& tls = *session.tls;
  const bool old = tls.version == io::TlsVersion::tls1_0 || tls.version == io::TlsVersion::tls1_1;
  out.check("TLS-03", it, old, to_string(tls.version));
  out.check("TLS-13", it, !tls.chain_trusted, printable(tls.verify_error));
  if (tls.chain.empty()) return;
  const auto& leaf = tls.chain.front();
  out.check("TLS-14", it, !tls.name_matches, "it is for " + printable(join(leaf.dns_names, ", "), 300));
  const auto days = std::chrono::duration_cast<std::chrono::hours>(leaf.not_after - now).count() / 24;
  const bool expired = leaf.not_after <= now;
  out.check("TLS-16", it, expired || leaf.not_after - now < renewal,
            expired ? "it has expired" : "in " + std::to_string(days) + " days");
}

void judge_tls(const HostSurvey& host, const AddressSurvey& a, WallTime now, Findings& out) {
  const auto& session = a.session->what;
  const About it{at(host, a), {a.session->id}};
  if (!session.before_tls) {
    const auto why = session.broken ? trouble_words(*session.broken) : std::string("EHLO was not answered");
    out.untested("TLS-01", it, why);
    return;
  }
  out.check("TLS-01", it, !session.before_tls->starttls());
  if (!session.before_tls->starttls()) return;
  const bool began = session.tls.has_value();
  if (!began || (!session.tls->established && session.tls->failure == io::Failure::timed_out)) {
    const auto why = session.broken ? trouble_words(*session.broken) : std::string("it was not begun");
    out.untested("TLS-02", it, began ? "the handshake timed out" : "STARTTLS: " + why);
    return;
  }
  const auto words = session.tls->alert.empty() ? session.tls->error : "alert: " + session.tls->alert;
  out.check("TLS-02", it, !session.tls->established, printable(words));
  if (session.tls->established) judge_certificate(session, it, now, out);
}

}  // namespace

void judge_hosts(const Survey& s, Findings& out) {
  for (const auto& host : s.hosts) {
    for (const auto& a : host.addresses) {
      if (a.reverse) judge_reverse(host, a, out);
      if (!a.session || !judge_reach(host, a, out)) continue;
      judge_name(host, a, out);
      judge_tls(host, a, s.now, out);
    }
  }
}

}  // namespace smtpdx::rules
