// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "api/headers.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dmarc/words.hpp"
#include "mail/date.hpp"
#include "render/spf.hpp"

namespace smtpdx::api {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); }
template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json key_json(const dkim::KeyLookup& l) {
  Json j;
  j["name"] = l.name;
  j["status"] = dns::to_string(l.status);
  j["validation"] = dns::to_string(l.validation);
  j["cname"] = text_or_null(l.canonical_name);
  j["why"] = text_or_null(printable(l.why));
  j["records"] = Json::array();
  for (const auto& text : l.texts) j["records"].push_back(printable(text));
  j["ttl"] = l.texts.empty() ? Json(nullptr) : Json(l.ttl);
  return j;
}

Json explanation_json(const dkim::Explanation& e) {
  Json j{{"change", dkim::to_string(e.change)}, {"proved", e.proved}, {"text", e.text}};
  if (!e.field.empty()) j["field"] = e.field;
  if (e.length > 0) j["body_range"] = {{"from", e.from}, {"length", e.length}};
  return j;
}

void add_signature(Json& j, const dkim::Signature& s) {
  j["domain"] = text_or_null(s.domain);
  j["selector"] = text_or_null(s.selector);
  j["identity"] = text_or_null(s.identity);
  j["algorithm"] = text_or_null(s.algorithm);
  j["canonicalization"] = std::string(dkim::to_string(s.header)) + "/" + dkim::to_string(s.body);
  j["signed_fields"] = Json::array();
  for (const auto& name : s.signed_fields) j["signed_fields"].push_back(printable(name, 200));
  j["body_length"] = or_null(s.body_length);
  j["signed_at"] = or_null(s.signed_at);
  j["expires"] = or_null(s.expires);
}

Json verdict_json(const dkim::Verdict& v) {
  Json j;
  j["result"] = dkim::to_string(v.result);
  j["reason"] = dkim::to_string(v.reason);
  j["rfc"] = text_or_null(dkim::section(v.reason));
  j["detail"] = text_or_null(v.detail);
  j["offset"] = v.offset;
  add_signature(j, v.signature);
  j["key_bits"] = v.key_bits == 0 ? Json(nullptr) : Json(v.key_bits);
  j["testing"] = v.key_record ? Json(v.key_record->testing()) : Json(nullptr);
  j["key"] = v.key_lookup ? key_json(*v.key_lookup) : Json(nullptr);
  j["body_hash"] = {{"signed", text_or_null(base64_encode(v.signature.body_hash))},
                    {"found", text_or_null(base64_encode(v.body_hash_found))}};
  j["body_octets"] = v.body_octets;
  j["unsigned_octets"] = v.unsigned_octets;
  j["body_intact"] = or_null(v.body_intact);
  j["header_intact"] = or_null(v.header_intact);
  j["mathematics"] = or_null(v.mathematics);
  j["over_signed"] = v.over_signed;
  j["can_be_added"] = v.can_be_added;
  j["explanations"] = Json::array();
  for (const auto& e : v.explanations) j["explanations"].push_back(explanation_json(e));
  j["remarks"] = v.remarks;
  return j;
}

Json chain_json(const arc::Chain& chain) {
  Json j;
  j["result"] = arc::to_string(chain.result);
  j["reason"] = arc::to_string(chain.reason);
  j["rfc"] = arc::section(chain.reason);
  j["detail"] = chain.detail;
  j["instance"] = chain.broken_at == 0 ? Json(nullptr) : Json(chain.broken_at);
  j["temporary"] = chain.temporary;
  j["oldest_pass"] = or_null(chain.oldest_pass);
  j["sets"] = Json::array();
  for (const auto& set : chain.sets)
    j["sets"].push_back({{"instance", set.instance},
                         {"cv", text_or_null(set.seal.signature.chain)},
                         {"results", set.results},
                         {"seal", verdict_json(set.seal)},
                         {"message_signature", verdict_json(set.message_signature)}});
  return j;
}

Json hop_json(const Hop& hop) {
  const auto& r = hop.received;
  Json j;
  j["from"] = text_or_null(printable(r.from, 253));
  j["name"] = text_or_null(printable(r.name, 253));
  j["address"] = r.address ? Json(r.address->to_string()) : Json(nullptr);
  j["by"] = text_or_null(printable(r.by, 253));
  j["with"] = text_or_null(printable(r.with, 80));
  j["tls"] = text_or_null(r.tls);
  j["authenticated"] = r.authenticated;
  j["id"] = text_or_null(printable(r.id, 200));
  j["for"] = text_or_null(printable(r.recipient, 320));
  j["date"] = r.date ? Json(mail::rfc3339(*r.date)) : Json(nullptr);
  j["delay_s"] = hop.delay ? Json(to_ms(*hop.delay) / 1000) : Json(nullptr);
  j["clock"] = to_string(hop.clock);
  j["added"] = hop.added;
  j["offset"] = hop.offset;
  return j;
}

Json session_json(const Session& s) {
  return {{"client", s.client ? Json(s.client->to_string()) : Json(nullptr)},
          {"helo", text_or_null(printable(s.helo, 253))},
          {"mail_from", s.mail_from ? Json(printable(*s.mail_from, 320)) : Json(nullptr)},
          {"source", text_or_null(s.source)}};
}

Json alignment_json(const HeadersReport& r) {
  Json j = Json::array();
  for (const auto& i : r.identities)
    j.push_back({{"method", i.method}, {"domain", i.domain}, {"pass", i.pass}, {"alignment", to_string(i.alignment)}});
  return j;
}

Json dmarc_json(const dmarc::Outcome& o) {
  Json j;
  j["standard"] = o.profile == dmarc::Profile::rfc9989 ? "RFC 9989" : "RFC 7489";
  j["result"] = dmarc::to_string(o.result);
  j["reason"] = dmarc::to_string(o.reason);
  j["rfc"] = dmarc::section_of(o.reason, o.profile);
  j["why"] = dmarc::why(o);
  j["policy"] = o.record ? Json(dmarc::to_string(o.requested)) : Json(nullptr);
  j["policy_domain"] = text_or_null(o.policy_domain);
  j["record"] = text_or_null(printable(o.text));
  j["organizational_domain"] = text_or_null(o.organization.domain);
  j["identifiers"] = Json::array();
  for (const auto& i : o.identifiers)
    j["identifiers"].push_back({{"method", dmarc::to_string(i.identifier.mechanism)},
                                {"domain", i.identifier.domain},
                                {"note", text_or_null(i.identifier.note)},
                                {"alignment", dmarc::to_string(i.alignment)},
                                {"counts", i.counts()},
                                {"why", dmarc::why(o, i)}});
  j["trace"] = dmarc::trace(o);
  return j;
}

Json found_json(const FoundResults& f) {
  Json j{{"server", text_or_null(f.said.server)},
         {"offset", f.offset},
         {"results", Json::array()},
         {"differs", f.differs}};
  for (const auto& r : f.said.results) {
    Json one{
        {"method", printable(r.method, 80)}, {"result", printable(r.result, 80)}, {"reason", text_or_null(r.reason)}};
    one["properties"] = Json::object();
    for (const auto& [name, value] : r.properties) one["properties"][name] = value;
    j["results"].push_back(std::move(one));
  }
  return j;
}

}  // namespace

std::string headers_document(const HeadersReport& r) {
  Json j;
  j["schema"] = "smtpdx.headers/1";
  j["verdict"] = to_string(r.verdict);
  j["summary"] = r.summary;
  j["warnings"] = r.warnings;
  j["from"] = text_or_null(r.from);
  j["from_domain"] = text_or_null(r.from_domain);
  j["mail_from"] = text_or_null(r.mail_from);
  j["subject"] = text_or_null(r.subject);
  j["line_ends"] = r.line_ends;
  j["session"] = session_json(r.session);
  j["spf"] = r.spf ? Json::parse(render::spf_json(*r.spf), nullptr, false) : Json(nullptr);
  j["spf_reason"] = text_or_null(r.spf_reason);
  j["dkim"] = Json::array();
  for (const auto& v : r.dkim) j["dkim"].push_back(verdict_json(v));
  j["arc"] = chain_json(r.arc);
  j["dmarc"] = r.dmarc ? dmarc_json(*r.dmarc) : Json(nullptr);
  if (r.dmarc_7489) j["dmarc"]["rfc7489"] = dmarc_json(*r.dmarc_7489);
  if (r.dmarc) j["dmarc"]["differences"] = r.dmarc_differences;
  j["dmarc_reason"] = text_or_null(r.dmarc_reason);
  j["alignment"] = alignment_json(r);
  j["hops"] = Json::array();
  for (const auto& hop : r.hops) j["hops"].push_back(hop_json(hop));
  j["total_s"] = r.total ? Json(to_ms(*r.total) / 1000) : Json(nullptr);
  j["authentication_results"] = Json::array();
  for (const auto& f : r.found) j["authentication_results"].push_back(found_json(f));
  j["handling"] = Json::array();
  for (const auto& h : r.handling)
    j["handling"].push_back({{"kind", to_string(h.kind)}, {"who", h.who}, {"because", h.because}});
  j["elapsed_ms"] = to_ms(r.elapsed);
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace smtpdx::api
