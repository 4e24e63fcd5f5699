// SPDX-License-Identifier: Apache-2.0
#include "render/relay_set.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::render {
namespace {

using mta::postfix::Relay;
using mta::postfix::RelayRegion;

constexpr std::size_t members_shown = 8;

std::string listed(const std::vector<std::string>& members) {
  std::string out;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i == members_shown) return out + " and " + std::to_string(members.size() - i) + " more (--json has all)";
    out += (i == 0 ? "" : ", ") + printable(members[i], 120);
  }
  return out;
}

std::string word_of(const std::string& axis) {
  if (axis == "client-name") return "clients whose verified name is";
  if (axis == "client") return "clients from";
  if (axis == "tls") return "TLS";
  if (axis == "certificate") return "client certificate";
  if (axis == "login") return "login";
  if (axis == "sender") return "senders";
  if (axis == "owner") return "the sender is";
  if (axis == "recipient") return "recipients";
  if (axis == "helo") return "EHLO names";
  return printable(axis, 100);
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789@.-_:/+=,") == std::string::npos;
  return plain ? word : "'" + replace_all(printable(word, 300), "'", "'\\''") + "'";
}

std::string_view tls_word(const mta::Session& session) {
  if (!session.tls || *session.tls == mta::Tls::none) return "";
  return *session.tls == mta::Tls::starttls ? "starttls" : "wrapper";
}

std::string command_of(const mta::Session& session, const std::string& target) {
  std::string out = "smtpdx config decide " + quoted(target) + " --port " + std::to_string(session.port);
  if (session.client) out += " --client " + session.client->to_string();
  if (session.helo) out += " --helo " + quoted(*session.helo);
  if (!tls_word(session).empty()) out += " --tls " + std::string(tls_word(session));
  if (session.login) out += " --sasl-user " + quoted(session.login->user.value_or(""));
  return out + " --sender " + quoted(session.sender.empty() ? "<>" : session.sender) + " --rcpt " +
         quoted(session.recipient);
}

std::string head_of(const RelayRegion& region) {
  if (region.everybody && region.relay == Relay::perhaps) return "PERHAPS EVERYBODY";
  if (region.everybody) return "OPEN RELAY";
  return region.relay == Relay::perhaps ? "PERHAPS" : "MAY RELAY";
}

std::string opened_by(const RelayRegion& region) {
  if (region.restriction.empty()) return "no restriction refuses";
  auto out = region.restriction + " in " + region.parameter + " (" + region.where.to_string() + ")";
  return region.why.empty() ? out : out + ": " + printable(region.why, 200);
}

void limit_json(JsonWriter& json, const RelayRegion::Limit& limit) {
  json.open('{');
  json.key("axis").text(limit.axis);
  json.key("except").boolean(limit.except);
  json.key("members").open('[');
  for (const auto& member : limit.members) json.text(member);
  json.close(']');
  json.close('}');
}

void where_json(JsonWriter& json, const mta::Where& where) {
  json.key("file").text_or_null(where.file);
  json.key("line");
  if (where.built_in())
    json.null();
  else
    json.number(where.line);
}

/// In the form of a case of `config decide --cases` (contract §7).
void session_json(JsonWriter& json, const mta::Session& session) {
  json.open('{');
  json.key("client").text(session.client ? session.client->to_string() : "");
  json.key("client_name").text(session.client_name.value_or(""));
  json.key("port").number(session.port);
  json.key("helo").text(session.helo.value_or(""));
  json.key("tls").text(tls_word(session));
  json.key("sasl");
  if (session.login) {
    json.open('{');
    json.key("user").text(session.login->user.value_or(""));
    json.key("valid").boolean(true);
    json.close('}');
  } else {
    json.null();
  }
  json.key("cert");
  if (session.certificate) {
    json.open('{');
    json.key("trusted").boolean(session.certificate->trusted);
    json.key("fingerprints").open('{');
    for (const auto& [digest, value] : session.certificate->fingerprints) json.key(digest).text(value);
    json.close('}');
    json.close('}');
  } else {
    json.null();
  }
  json.key("sender").text(session.sender);
  json.key("rcpt").text(session.recipient);
  json.close('}');
}

void region_json(JsonWriter& json, const RelayRegion& region) {
  json.open('{');
  json.key("relay").text(to_string(region.relay));
  json.key("everybody").boolean(region.everybody);
  json.key("service").text(region.service);
  json.key("port").number(region.port);
  where_json(json, region.service_at);
  json.key("limits").open('[');
  for (const auto& limit : region.limits) limit_json(json, limit);
  json.close(']');
  json.key("by").open('{');
  json.key("restriction").text_or_null(region.restriction);
  json.key("parameter").text_or_null(region.parameter);
  json.key("why").text(region.why);
  where_json(json, region.where);
  json.close('}');
  json.key("witness");
  session_json(json, region.witness);
  json.key("witnessed").boolean(region.witnessed);
  json.key("needs").open('[');
  for (const auto& need : region.needs) json.text(need);
  json.close(']');
  json.close('}');
}

void regions_json(JsonWriter& json, const char* key, const std::vector<RelayRegion>& regions) {
  json.key(key).open('[');
  for (const auto& region : regions) region_json(json, region);
  json.close(']');
}

void words_json(JsonWriter& json, const char* key, const std::vector<std::string>& words) {
  json.key(key).open('[');
  for (const auto& word : words) json.text(word);
  json.close(']');
}

std::string notes_text(const std::vector<std::string>& notes) {
  std::string out;
  for (const auto& note : notes) out += "Not bounded: " + printable(note, 200) + "\n";
  return out;
}

}  // namespace

std::string region_text(const RelayRegion& region, const std::string& target, std::size_t number) {
  std::string out = std::to_string(number) + ". " + head_of(region) + " on port " + std::to_string(region.port) + " (" +
                    printable(region.service, 60) + ", " + region.service_at.to_string() + ")\n";
  bool first = true;
  for (const auto& limit : region.limits) {
    out += (first ? "   who      " : "            ") + word_of(limit.axis) + (limit.except ? ": any but " : ": ") +
           listed(limit.members) + "\n";
    first = false;
  }
  if (first) out += "   who      anybody, from anywhere, to anywhere\n";
  out += "   opened   by " + opened_by(region) + "\n";
  for (const auto& need : region.needs)
    out += (region.relay == Relay::unless ? "   unless   " : "   if       ") + printable(need, 200) + "\n";
  if (region.witnessed)
    out += "   witness  " + command_of(region.witness, target) + "\n";
  else
    out += "   witness  none was made up: it takes a session that the table matches\n";
  return out;
}

std::string relay_set_text(const RelaySetReport& report) {
  std::string out;
  for (std::size_t i = 0; i < report.regions.size(); ++i) out += region_text(report.regions[i], report.target, i + 1);
  const bool bounded = report.not_bounded.empty();
  if (report.regions.empty()) out += bounded ? "Nobody may relay outward.\n" : "Nobody is sure to relay outward.\n";
  out += notes_text(report.not_bounded);
  if (!report.regions.empty()) out += bounded ? "Nobody else. " : "Nobody else, but for what could not be bounded. ";
  return out + "Replayed: " + std::to_string(report.combinations) +
         " kinds of sessions, which is all that this policy tells apart.\n";
}

std::string relay_set_json(const RelaySetReport& report) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.relay-set/1");
  regions_json(json, "regions", report.regions);
  words_json(json, "not_bounded", report.not_bounded);
  json.key("combinations").number(report.combinations);
  json.close('}');
  return out + "\n";
}

std::string relay_difference_text(const RelayDifferenceReport& report) {
  std::string out;
  const auto &gained = report.difference.gained, &lost = report.difference.lost;
  const auto& notes = report.difference.not_bounded;
  if (!gained.empty()) out += "May relay with " + report.after + " and not with " + report.before + ":\n";
  for (std::size_t i = 0; i < gained.size(); ++i) out += region_text(gained[i], report.after, i + 1);
  if (!lost.empty()) out += "May relay with " + report.before + " and not with " + report.after + ":\n";
  for (std::size_t i = 0; i < lost.size(); ++i) out += region_text(lost[i], report.before, i + 1);
  if (gained.empty() && lost.empty()) out += "The same sessions may relay with both.\n";
  return out + notes_text(notes);
}

std::string relay_difference_json(const RelayDifferenceReport& report) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.relay-difference/1");
  json.key("before").text(report.before);
  json.key("after").text(report.after);
  regions_json(json, "gained", report.difference.gained);
  regions_json(json, "lost", report.difference.lost);
  words_json(json, "not_bounded", report.difference.not_bounded);
  json.close('}');
  return out + "\n";
}

}  // namespace smtpdx::render
