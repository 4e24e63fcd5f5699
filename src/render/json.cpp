// SPDX-License-Identifier: Apache-2.0
//
// The documents of contract §5. Key order follows the contract, so that a reader finds what the page shows. Text
// from outside is made valid UTF-8 by printable(): JSON allows nothing else.

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "render/explain.hpp"
#include "render/render.hpp"
#include "render/transcript.hpp"

namespace smtpdx::render {

using json = nlohmann::ordered_json;

namespace {

json text_or_null(const std::string& s) { return s.empty() ? json(nullptr) : json(printable(s)); }

json reply_json(const dsn::QuotedReply& r) {
  json j;
  j["code"] = r.code == 0 ? json(nullptr) : json(r.code);
  j["status"] = r.status ? json(r.status->to_string()) : json(nullptr);
  j["text"] = printable(r.text);
  return j;
}

json reply_json(const smtp::Reply& r) {
  json j;
  j["code"] = r.code;
  j["status"] = r.status ? json(r.status->to_string()) : json(nullptr);
  j["text"] = printable(r.text());
  return j;
}

json answer_json(const dns::Answer& a) {
  json j;
  j["status"] = dns::to_string(a.status);
  j["validation"] = dns::to_string(a.validation);
  if (!a.why.empty()) j["why"] = printable(a.why);
  return j;
}

json shape_json(const diag::Shape& s) {
  json j;
  j["host"] = s.host;
  j["address"] = s.server.address.to_string();
  j["port"] = s.server.port;
  j["tls"] = to_string(s.tls);
  j["helo"] = s.helo;
  j["source"] = text_or_null(s.source);
  j["user"] = text_or_null(s.user);
  j["mail_from"] = s.mail_from;
  j["rcpt_to"] = s.rcpt_to;
  return j;
}

json addresses_json(const std::vector<IpAddress>& list) {
  json j = json::array();
  for (const auto& a : list) j.push_back(a.to_string());
  return j;
}

json certificate_json(const io::Certificate& c) {
  json j;
  j["subject"] = printable(c.subject);
  j["issuer"] = printable(c.issuer);
  j["names"] = c.dns_names;
  j["not_after"] = std::chrono::duration_cast<std::chrono::seconds>(c.not_after.time_since_epoch()).count();
  j["self_signed"] = c.self_signed;
  j["key"] = c.key_type + " " + std::to_string(c.key_bits);
  j["sha256"] = c.sha256;
  return j;
}

json tls_json(const io::TlsFacts& t) {
  json j;
  j["established"] = t.established;
  j["version"] = io::to_string(t.version);
  j["cipher"] = t.cipher;
  j["chain_trusted"] = t.chain_trusted;
  j["name_matches"] = t.name_matches;
  j["verify_error"] = text_or_null(t.verify_error);
  j["error"] = text_or_null(t.error);
  j["alert"] = text_or_null(t.alert);
  j["chain"] = json::array();
  for (const auto& c : t.chain) j["chain"].push_back(certificate_json(c));
  return j;
}

json capabilities_json(const std::optional<smtp::Capabilities>& c) {
  if (!c) return nullptr;
  json j;
  j["name"] = printable(c->greeting_name);
  j["keywords"] = json::array();
  for (const auto& k : c->keywords) j["keywords"].push_back(printable(k));
  return j;
}

struct Value {
  json operator()(const diag::QuestionFact& f) const {
    json j;
    j["from"] = text_or_null(f.from);
    j["to"] = text_or_null(f.to);
    j["server"] = text_or_null(f.server);
    j["user"] = text_or_null(f.user);
    j["client_helo"] = text_or_null(f.client_helo);
    j["client_address"] = text_or_null(f.client_address);
    j["client_tls"] = f.client_tls ? json(to_string(*f.client_tls)) : json(nullptr);
    j["client_auth"] = to_string(f.client_auth);
    j["client_mechanisms"] = f.client_mechanisms;
    return j;
  }
  json operator()(const diag::RefusalFact& f) const {
    json j;
    j["reply"] = reply_json(f.refusal.reply);
    j["decider"] = text_or_null(f.refusal.decider);
    j["reason"] = kb::to_string(f.reading.reason);
    return j;
  }
  json operator()(const diag::LoggedSessionFact& f) const {
    json j;
    j["auth"] = to_string(f.auth);
    j["client"] = text_or_null(f.client);
    j["auth_reply"] = text_or_null(f.auth_reply);
    j["relay_reply"] = text_or_null(f.relay_reply);
    return j;
  }
  json operator()(const diag::MessageTraceFact& f) const {
    json j;
    j["path"] = printable(f.path);
    j["rows"] = f.rows;
    j["message_id"] = text_or_null(f.message_id);
    j["same_message"] = f.same_message;
    j["pools"] = json::array();
    for (const auto& pool : f.pools) j["pools"].push_back(printable(pool));
    j["line"] = f.line == 0 ? json(nullptr) : json(f.line);
    return j;
  }
  json operator()(const diag::TokenFact& f) const {
    json j;
    j["readable"] = f.readable;
    j["audience"] = f.audience;
    j["rights"] = f.rights;
    j["user"] = text_or_null(f.user);
    j["expired"] = f.expired ? json(*f.expired) : json(nullptr);
    return j;
  }
  json operator()(const diag::ConfigFact& f) const {
    json j;
    j["product"] = f.product;
    j["server_name"] = f.server_name;
    j["recipient_class"] = f.recipient_class;
    j["class_where"] = f.class_where;
    j["client_trusted"] = f.client_trusted ? json(*f.client_trusted) : json(nullptr);
    j["client_why"] = f.client_why;
    j["deciding"] = f.deciding;
    j["deciding_authenticated"] = f.deciding_authenticated;
    j["relay_where"] = f.relay_where;
    j["reply_code"] = f.reply_code;
    j["also_in"] = f.also_in;
    j["known_there"] = f.known_there ? json(*f.known_there) : json(nullptr);
    j["goes_to_mx"] = f.goes_to_mx ? json(*f.goes_to_mx) : json(nullptr);
    j["route"] = text_or_null(f.route);
    j["route_where"] = text_or_null(f.route_where);
    j["stale"] = text_or_null(f.stale);
    j["broken"] = text_or_null(f.broken);
    j["reply_code_built"] = f.reply_code_built == 0 ? json(nullptr) : json(f.reply_code_built);
    j["unknown"] = f.unknown;
    return j;
  }
  json operator()(const diag::MxFact& f) const {
    json j = answer_json(f.mx.mx);
    j["kind"] = dns::to_string(f.mx.kind);
    j["hosts"] = json::array();
    for (const auto& h : f.mx.hosts) {
      json host;
      host["preference"] = h.preference;
      host["name"] = printable(h.name);
      j["hosts"].push_back(std::move(host));
    }
    return j;
  }
  json operator()(const diag::AddressFact& f) const {
    json j;
    j["status"] = dns::to_string(f.lookup.status());
    j["addresses"] = addresses_json(f.lookup.addresses);
    return j;
  }
  json operator()(const diag::PtrFact& f) const {
    json j = answer_json(f.reverse.ptr);
    j["names"] = json::array();
    for (const auto& n : f.reverse.names) j["names"].push_back(printable(n.name));
    j["confirmed"] = f.reverse.confirmed();
    return j;
  }
  json operator()(const diag::AuthorityFact& f) const {
    json j;
    j["zone"] = f.zone;
    j["complete"] = f.complete;
    j["servers"] = json::array();
    for (const auto& v : f.views) {
      json s;
      s["name"] = v.name_server;
      s["address"] = v.server.to_string();
      s["status"] = dns::to_string(v.status);
      s["addresses"] = addresses_json(v.addresses);
      j["servers"].push_back(std::move(s));
    }
    return j;
  }
  json operator()(const diag::NearNameFact& f) const {
    json j = json::array();
    for (const auto& n : f.names) {
      json near;
      near["name"] = n.name;
      near["mx"] = n.mx;
      j.push_back(std::move(near));
    }
    return j;
  }
  json operator()(const diag::ListFact& f) const {
    json j = answer_json(f.answer);
    j["address"] = f.address.to_string();
    j["codes"] = json::array();
    for (const auto& r : f.answer.records) j["codes"].push_back(r.address.to_string());
    return j;
  }
  json operator()(const diag::ControlFact& f) const {
    auto tries = [](const std::vector<diag::ControlFact::Try>& list) {
      json j = json::array();
      for (const auto& t : list) {
        json one;
        one["host"] = t.host;
        one["address"] = t.server.to_string();
        one["connected"] = t.connected;
        one["failure"] = t.failure ? json(io::to_string(t.failure->kind)) : json(nullptr);
        j.push_back(std::move(one));
      }
      return j;
    };
    json j;
    j["port25"] = tries(f.port25);
    j["submission"] = tries(f.submission);
    return j;
  }
  json operator()(const diag::SessionFact& f) const {
    json j = shape_json(f.shape);
    j.erase("mail_from");
    j.erase("rcpt_to");
    j["connected"] = f.connected;
    j["failure"] = f.connect_failure ? json(io::to_string(f.connect_failure->kind)) : json(nullptr);
    j["banner"] = f.banner ? reply_json(*f.banner) : json(nullptr);
    j["ehlo"] = capabilities_json(f.before_tls);
    j["ehlo_tls"] = capabilities_json(f.after_tls);
    j["tls_facts"] = f.tls ? tls_json(*f.tls) : json(nullptr);
    j["auth_mechanism"] = text_or_null(f.auth_mechanism);
    j["auth"] = f.auth && f.auth->reply ? reply_json(*f.auth->reply) : json(nullptr);
    j["broken_at"] = f.broken ? json(smtp::to_string(f.broken->phase)) : json(nullptr);
    j["broken_by"] = f.broken ? json(smtp::trouble_words(*f.broken)) : json(nullptr);
    return j;
  }
  json operator()(const diag::Attempt& f) const {
    json j = shape_json(f.shape);
    j["role"] = to_string(f.role);
    j["outcome"] = to_string(f.outcome);
    j["phase"] = smtp::to_string(f.phase);
    j["reply"] = f.reply ? reply_json(*f.reply) : json(nullptr);
    j["trouble"] = text_or_null(f.trouble);
    return j;
  }
};

json observation_object(const diag::Observation& o) {
  json j;
  j["id"] = o.id;
  j["kind"] = std::string(kind_of(o.fact));
  j["subject"] = printable(subject_of(o.fact));
  j["value"] = std::visit(Value{}, o.fact);
  if (o.evidence.channel.empty()) {
    j["evidence"] = nullptr;
  } else {
    j["evidence"] = {{"channel", o.evidence.channel}, {"from", o.evidence.from}, {"to", o.evidence.to}};
  }
  j["ms"] = to_ms(o.took);
  return j;
}

json fixes_json(const kb::Cause& cause, const Subject& subject) {
  json list = json::array();
  for (const auto& f : cause.fixes) {
    json fix;
    fix["product"] = f.product;
    fix["steps"] = json::array();
    for (const auto& step : f.steps) fix["steps"].push_back(fill(step, subject));
    if (!f.takes_effect.empty()) fix["takes_effect"] = f.takes_effect;
    list.push_back(std::move(fix));
  }
  return list;
}

json reasons_json(const diag::CauseVerdict& v) {
  json list = json::array();
  for (const auto& r : v.reasons) list.push_back(printable(r.text));
  return list;
}

json cause_json(const diag::CauseVerdict& v, const Subject& subject) {
  const auto* cause = subject.catalogue.cause(v.code);
  json j;
  j["code"] = v.code;
  j["verdict"] = to_string(v.verdict);
  if (v.proof != diag::Proof::none) j["proof"] = to_string(v.proof);
  j["party"] = cause ? kb::to_string(cause->party) : "unknown";
  j["title"] = cause ? cause->title : "";
  j["because"] = v.because;
  j["reasons"] = reasons_json(v);
  if (!v.rivals.empty()) j["rivals"] = v.rivals;
  if (!v.needs.empty()) j["needs"] = v.needs;
  j["fix"] = cause ? fixes_json(*cause, subject) : json::array();
  j["confirm"] = cause ? fill_command(cause->confirm.command, subject) : "";
  return j;
}

json transcripts_array(const trace::Log& log) {
  json list = json::array();
  for (const auto& channel : log.channels()) {
    json c;
    c["channel"] = channel.id();
    c["peer"] = channel.peer();
    c["lines"] = json::array();
    for (const auto& line : channel.lines()) {
      json l;
      l["ms"] = to_ms(line.at.since_start);
      l["dir"] = std::string(1, static_cast<char>(line.direction));
      l["text"] = printable(line.text);
      c["lines"].push_back(std::move(l));
    }
    list.push_back(std::move(c));
  }
  return list;
}

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string diagnosis_json(const Subject& subject) {
  const auto& report = subject.report;
  json j;
  j["schema"] = "smtpdx.diagnosis/1";
  j["verdict"] = to_string(report.conclusion);
  j["summary"] = report.summary;
  j["refusal"] = report.refusal ? json::parse(refusal_json(subject)) : json(nullptr);
  j["causes"] = json::array();
  for (const auto& v : report.causes) j["causes"].push_back(cause_json(v, subject));
  j["ruled_out"] = json::array();
  for (const auto& v : report.ruled_out)
    j["ruled_out"].push_back({{"code", v.code}, {"because", v.because}, {"reasons", reasons_json(v)}});
  j["untested"] = json::array();
  for (const auto& v : report.untested)
    j["untested"].push_back({{"code", v.code}, {"needs", v.needs}, {"side", to_string(v.side)}});
  j["next"] = text_or_null(report.next);
  j["observations"] = json::array();
  for (const auto& o : report.observations) j["observations"].push_back(observation_object(o));
  j["transcripts"] = subject.log ? transcripts_array(*subject.log) : json::array();
  j["elapsed_ms"] = to_ms(report.elapsed);
  return dump(j);
}

std::string transcripts_json(const trace::Log& log) {
  auto text = dump(transcripts_array(log));
  text.pop_back();
  return text;
}

std::string observation_json(const diag::Observation& observation) {
  auto text = dump(observation_object(observation));
  text.pop_back();
  return text;
}

std::string causes_json(const std::vector<const kb::Cause*>& causes) {
  json list = json::array();
  for (const auto* c : causes) {
    json j;
    j["code"] = c->code;
    j["id"] = c->id;
    j["title"] = c->title;
    j["party"] = kb::to_string(c->party);
    j["who"] = c->who;
    j["explanation"] = c->explanation;
    j["reason"] = kb::to_string(c->reason);
    j["tier"] = c->tier;
    j["necessary"] = c->necessary;
    j["says_nothing"] = c->says_nothing;
    j["proofs"] = json::array();
    for (const auto& p : c->proofs) j["proofs"].push_back({{"kind", p.kind}, {"text", p.text}});
    j["unprovable"] = text_or_null(c->unprovable);
    j["tests"] = json::array();
    for (const auto& t : c->tests) j["tests"].push_back({{"consent", kb::to_string(t.consent)}, {"text", t.text}});
    j["rivals"] = json::array();
    for (const auto& r : c->rivals) j["rivals"].push_back({{"code", r.code}, {"apart", r.apart}});
    j["fix"] = json::array();
    for (const auto& f : c->fixes)
      j["fix"].push_back({{"product", f.product}, {"steps", f.steps}, {"takes_effect", f.takes_effect}});
    j["confirm"] = c->confirm.command;
    j["confirm_shows"] = c->confirm.shows;
    j["letter"] = c->letter ? json(c->letter->body) : json(nullptr);
    j["letter_to"] = c->letter ? json(c->letter->to) : json(nullptr);
    j["letter_subject"] = c->letter ? json(c->letter->subject) : json(nullptr);
    list.push_back(std::move(j));
  }
  json document;
  document["schema"] = "smtpdx.causes/1";
  document["causes"] = std::move(list);
  return dump(document);
}

}  // namespace smtpdx::render
