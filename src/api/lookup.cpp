// SPDX-License-Identifier: Apache-2.0
#include "api/lookup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "dns/lookup.hpp"
#include "dns/wire.hpp"
#include "probes/talk.hpp"

namespace smtpdx::api {

namespace {

using dns::Answer;
using dns::Type;

/// Kinds that are one query: what is asked, and below which name.
struct Plain {
  const char* kind;
  Type type;
  const char* below;   ///< put before the name
  const char* begins;  ///< only texts that begin so
};
constexpr Plain plain_kinds[] = {
    {"mx", Type::MX, "", ""},
    {"a", Type::A, "", ""},
    {"aaaa", Type::AAAA, "", ""},
    {"cname", Type::CNAME, "", ""},
    {"txt", Type::TXT, "", ""},
    {"spf", Type::TXT, "", "v=spf1"},
    {"dmarc", Type::TXT, "_dmarc.", ""},
    {"bimi", Type::TXT, "default._bimi.", ""},
    {"mta-sts", Type::TXT, "_mta-sts.", ""},
    {"tlsrpt", Type::TXT, "_smtp._tls.", ""},
    {"soa", Type::SOA, "", ""},
    {"ns", Type::NS, "", ""},
    {"srv", Type::SRV, "", ""},
    {"tlsa", Type::TLSA, "", ""},
    {"dnskey", Type::DNSKEY, "", ""},
    {"ds", Type::DS, "", ""},
};

constexpr const char* common_selectors[] = {"default", "selector1", "selector2", "mail", "s1",
                                            "s2",      "k1",        "google",    "dkim"};

const Plain* plain_kind(std::string_view kind) {
  for (const auto& p : plain_kinds)
    if (p.kind == kind) return &p;
  return nullptr;
}

class Asker {
 public:
  Asker(World& world, const LookupQuestion& question) : env_(world.env()), deadline_(world.deadline()), q_(question) {}

  io::Task<LookupResult> run() {
    const auto begun = env_.runtime.now();
    out_.question = q_;
    if (const auto* plain = plain_kind(q_.kind)) {
      co_await query(plain->below + q_.name, plain->type, plain->begins);
    } else if (q_.kind == "ptr") {
      co_await reverse();
    } else if (q_.kind == "dkim") {
      co_await keys();
    } else {
      co_await connection();
    }
    out_.elapsed = env_.runtime.now() - begun;
    co_return std::move(out_);
  }

 private:
  void take(const Answer& answer, std::string_view begins, const std::string& before = {}) {
    out_.validation = to_string(answer.validation);
    for (const auto& record : answer.records)
      if (istarts_with(record.text, begins) || begins.empty())
        out_.lines.push_back(before + printable(dns::wire::presentation(record)));
    if (!out_.lines.empty()) {
      out_.status = LookupStatus::found;
    } else if (settled(answer.status)) {
      out_.status = LookupStatus::absent;
      out_.why = answer.status == dns::Status::no_name ? "there is no such name (NXDOMAIN)" : "no such record";
    } else {
      out_.why = std::string(to_string(answer.status)) + (answer.why.empty() ? "" : ": " + printable(answer.why));
    }
  }

  io::Task<bool> query(std::string name, Type type, std::string_view begins) {
    const auto answer = co_await env_.resolver.query(std::move(name), type, deadline_);
    take(answer, begins);
    co_return true;
  }

  io::Task<bool> reverse() {
    const auto found = co_await dns::look_up_reverse(env_.resolver, *IpAddress::parse(q_.name), deadline_);
    take(found.ptr, "");
    if (found.names.empty()) co_return true;
    out_.lines.push_back(found.confirmed()  ? found.best_name() + " leads back to the address"
                         : found.complete() ? "no name leads back to the address"
                                            : "whether a name leads back could not be found out");
    co_return true;
  }

  /// All at once; what is found at any selector is found.
  io::Task<bool> keys() {
    std::vector<std::string> selectors{q_.selector};
    if (q_.selector.empty()) selectors.assign(std::begin(common_selectors), std::end(common_selectors));
    std::vector<io::Task<Answer>> tasks;
    for (const auto& selector : selectors)
      tasks.push_back(env_.resolver.query(selector + "._domainkey." + q_.name, Type::TXT, deadline_));
    const auto answers = co_await io::when_all(std::move(tasks));
    bool all_settled = true;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      all_settled = all_settled && settled(answers[i].status);
      take(answers[i], "", q_.selector.empty() ? selectors[i] + ": " : "");
    }
    if (out_.lines.empty() && !all_settled) out_.status = LookupStatus::unknown;
    if (out_.lines.empty() && q_.selector.empty() && all_settled)
      out_.why = "none at the common selectors (" + join(selectors, ", ") +
                 "); s= in a message's DKIM-Signature tells the right one: dkim:" + q_.name + ":SELECTOR";
    co_return true;
  }

  io::Task<bool> connection() {
    const auto target = *HostPort::parse(q_.name);
    const std::uint16_t port = target.port != 0 ? target.port : 25;
    const auto found = co_await dns::look_up_addresses(env_.resolver, target.host, deadline_);
    if (found.addresses.empty()) {
      out_.status = found.complete() ? LookupStatus::absent : LookupStatus::unknown;
      out_.why = "no address: " + std::string(to_string(found.status()));
      co_return true;
    }
    const Endpoint server{found.addresses.front(), port};
    if (q_.kind == "tcp") co_return co_await open(target.host, server);
    co_return co_await talk(target.host, server);
  }

  void failed(const io::IoFailure& failure) {
    out_.status = failure.kind == io::Failure::refused ? LookupStatus::absent : LookupStatus::unknown;
    out_.why = std::string(to_string(failure.kind)) + (failure.text.empty() ? "" : ": " + failure.text);
  }

  io::Task<bool> open(std::string host, Endpoint server) {
    const auto begun = env_.runtime.now();
    io::ConnectRequest request{server, std::move(host), std::nullopt};
    const auto stream = co_await env_.connector.connect(std::move(request), deadline_);
    if (!stream) {
      failed(stream.error());
      co_return true;
    }
    out_.status = LookupStatus::found;
    out_.lines.push_back(server.to_string() + " answers after " + std::to_string(to_ms(env_.runtime.now() - begun)) +
                         " ms");
    co_return true;
  }

  io::Task<bool> talk(std::string host, Endpoint server) {
    diag::WantTalk want;
    want.host = std::move(host);
    want.server = server;
    want.tls = server.port == 465 ? diag::TlsWish::implicit : diag::TlsWish::opportunistic;
    const auto sightings = co_await probes::talk(env_, std::move(want), deadline_);
    for (const auto& s : sightings)
      if (const auto* session = std::get_if<diag::SessionFact>(&s.fact)) tell(*session);
    co_return true;
  }

  void tell(const diag::SessionFact& s) {
    if (s.connect_failure) return failed(*s.connect_failure);
    out_.status = s.banner ? LookupStatus::found : LookupStatus::unknown;
    if (s.banner) out_.lines.push_back("greeting: " + printable(s.banner->to_string()));
    if (const auto* c = s.capabilities()) {
      out_.lines.push_back("name: " + printable(c->greeting_name));
      out_.lines.push_back("offers: " + printable(join(c->keywords, ", ")));
    }
    if (s.tls && s.tls->established) {
      out_.lines.push_back(std::string("TLS: ") + to_string(s.tls->version) + " " + s.tls->cipher);
      out_.lines.push_back(std::string("certificate: ") + (s.tls->name_matches ? "for this name" : "for another name") +
                           (s.tls->chain_trusted ? ", trusted" : ", not trusted: " + printable(s.tls->verify_error)));
    } else {
      out_.lines.push_back("TLS: " + (s.tls ? printable(s.tls->error) : std::string("not offered")));
    }
    if (s.broken) out_.why = trouble_words(*s.broken);
  }

  probes::Env& env_;
  Deadline deadline_;
  const LookupQuestion& q_;
  LookupResult out_;
};

}  // namespace

const std::vector<std::string>& lookup_kinds() {
  static const auto kinds = [] {
    std::vector<std::string> all;
    for (const auto& p : plain_kinds) all.emplace_back(p.kind);
    for (const auto* other : {"dkim", "ptr", "smtp", "tcp"}) all.emplace_back(other);
    return all;
  }();
  return kinds;
}

Result<LookupQuestion> read_lookup(const std::string& words) {
  const auto colon = words.find(':');
  const auto known = "kinds: " + join(lookup_kinds(), ", ");
  if (colon == words.npos || colon + 1 == words.size())
    return fail(ErrorKind::usage, printable(words, 100) + ": not KIND:NAME", "as in mx:example.org; " + known);
  LookupQuestion q{to_lower(words.substr(0, colon)), words.substr(colon + 1), ""};
  const auto& kinds = lookup_kinds();
  if (std::find(kinds.begin(), kinds.end(), q.kind) == kinds.end())
    return fail(ErrorKind::usage, "there is no look-up \"" + printable(q.kind, 50) + "\"", known);
  if (q.kind == "dkim") {
    const auto second = q.name.find(':');
    if (second != q.name.npos) q.selector = q.name.substr(second + 1);
    q.name.resize(std::min(second, q.name.size()));
  }
  if (q.kind == "ptr" && !IpAddress::parse(q.name))
    return fail(ErrorKind::usage, printable(q.name, 100) + ": not an address", "as in ptr:192.0.2.25");
  if ((q.kind == "smtp" || q.kind == "tcp") && !HostPort::parse(q.name))
    return fail(ErrorKind::usage, printable(q.name, 100) + ": not HOST[:PORT]", "as in smtp:mx.example.org:25");
  return q;
}

const char* to_string(LookupStatus status) {
  switch (status) {
    case LookupStatus::found:
      return "found";
    case LookupStatus::absent:
      return "absent";
    case LookupStatus::unknown:
      return "unknown";
  }
  return "unknown";
}

LookupResult lookup(World& world, const LookupQuestion& question) {
  Asker asker(world, question);
  return io::run(world.runtime(), asker.run());
}

std::string lookup_document(const LookupResult& r) {
  nlohmann::ordered_json j;
  j["schema"] = "smtpdx.lookup/1";
  j["kind"] = r.question.kind;
  j["name"] = printable(r.question.name);
  if (r.question.kind == "dkim") j["selector"] = printable(r.question.selector);
  j["status"] = to_string(r.status);
  j["why"] = r.why;
  j["validation"] = r.validation.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(r.validation);
  j["lines"] = r.lines;
  j["elapsed_ms"] = to_ms(r.elapsed);
  return j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace smtpdx::api
