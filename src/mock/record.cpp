// SPDX-License-Identifier: Apache-2.0
//
// Each part of a scenario from the part of a run that holds it: `-- dns --` from the answers as they came back,
// `-- dialog --` from the transcripts (one for each connection, in the order they were opened), `-- server --` for
// doors behind which nothing was said, `-- run --` from the question.
//
// What a replay cannot say again is written so that it fits anyway: from our EHLO name, from a secret// and from the
// recipient on that nobody has, a line becomes "*".

#include "mock/record.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "dns/wire.hpp"
#include "mock/run.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::mock {

io::Task<dns::Answer> RecordingResolver::query(std::string name, dns::Type type, Deadline deadline) {
  auto answer = co_await inner_.query(std::move(name), type, deadline);
  lookups_.push_back({std::nullopt, answer});
  co_return answer;
}

io::Task<dns::Answer> RecordingResolver::ask_server(Endpoint server, std::string name, dns::Type type,
                                                    Deadline deadline) {
  auto answer = co_await inner_.ask_server(server, std::move(name), type, deadline);
  lookups_.push_back({server, answer});
  co_return answer;
}

namespace {

constexpr Duration long_wait = std::chrono::seconds(1);  ///< shorter pauses are the network's
constexpr std::string_view secret_mark = "[secret]";

// ---- dns ----

std::string absolute(std::string_view name) { return name.empty() ? "." : std::string(name) + "."; }

/// "NAME TYPE DATA" for each record, or how the question failed; empty for what is denied: that goes without saying.
std::vector<std::string> lines_of(const dns::Answer& answer) {
  std::vector<std::string> lines;
  const auto question = absolute(answer.name) + " " + dns::to_string(answer.type);
  if (answer.status == dns::Status::servfail) return {question + " ! SERVFAIL"};
  if (answer.status == dns::Status::timed_out || answer.status == dns::Status::local) return {question + " ! TIMEOUT"};
  if (answer.status != dns::Status::found) return {};
  const auto& owner = answer.canonical_name.empty() ? answer.name : answer.canonical_name;
  if (owner != answer.name) lines.push_back(absolute(answer.name) + " CNAME " + absolute(owner));
  for (const auto& record : answer.records)
    lines.push_back(absolute(owner) + " " + dns::to_string(record.type) + " " + dns::wire::presentation(record));
  return lines;
}

/// Names that exist without the records asked for must not become NXDOMAIN in the replay.
bool shows_existence(const std::set<std::string>& lines, const std::string& name) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    const auto owner = line.substr(0, line.find(' '));
    return in_domain(canonical_name(owner), name);
  });
}

std::string dns_section(const std::vector<RecordingResolver::Lookup>& lookups) {
  std::string out = "-- dns --\n";
  std::set<std::string> common;
  for (const auto& lookup : lookups) {
    if (lookup.server) continue;
    for (const auto& line : lines_of(lookup.answer))
      if (common.insert(line).second) out += line + "\n";
  }
  for (const auto& lookup : lookups) {
    if (lookup.server || lookup.answer.status != dns::Status::no_data) continue;
    if (shows_existence(common, lookup.answer.name)) continue;
    const auto line = absolute(lookup.answer.name) + " TXT \"there are other records\"";
    if (common.insert(line).second) out += line + "\n";
  }
  std::set<std::string> own;
  for (const auto& lookup : lookups) {
    if (!lookup.server) continue;
    const auto lines = lines_of(lookup.answer);
    const bool as_all = std::all_of(lines.begin(), lines.end(), [&](auto& line) { return common.contains(line); });
    if (as_all) continue;
    for (const auto& line : lines) {
      auto view = "@" + lookup.server->address.to_string() + " " + line;
      if (own.insert(view).second) out += view + "\n";
    }
  }
  return out;
}

// ---- servers ----

/// "192.0.2.25:25", "[2001:db8::25]:25": as section heads have it.
std::string head(const Endpoint& at) { return at.to_string(); }

std::string reach_of(const io::IoFailure& failure) {
  if (failure.kind == io::Failure::refused) return "refused";
  return failure.kind == io::Failure::timed_out ? "silent" : "unreachable";
}

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; }) &&
         trim(text) == text;
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text) {
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      out += static_cast<char>(c);
    } else {
      out += "\\x";
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

std::string server_line(std::string_view text) {
  if (is_plain_text(text)) return "S: " + std::string(text);
  return "! raw " + escaped(text) + "\\r\\n";
}

/// Lines of a login differ from run to run (secrets, nonces, digests): of those only the mechanism is kept.
std::string client_line(std::string_view text, std::string_view nobody, bool logging_in) {
  if (logging_in) return "C: **";
  if (istarts_with(text, "EHLO ") || istarts_with(text, "HELO ")) return "C: " + std::string(text.substr(0, 5)) + "*";
  if (istarts_with(text, "AUTH ")) return "C: " + std::string(text.substr(0, text.find(' ', 5))) + "*";
  for (const auto changing : {secret_mark, nobody})
    if (const auto at = text.find(changing); !changing.empty() && at != std::string_view::npos)
      return "C: " + std::string(text.substr(0, at)) + "*";
  return "C: " + printable(text, text.size() * 4);
}

std::string certificate_line(const diag::SessionFact& session) {
  if (!session.tls || session.tls->chain.empty()) return {};
  const auto& leaf = session.tls->chain.front();
  std::string out = "certificate:";
  for (const auto& name : leaf.dns_names)
    if (name.find('.') != std::string::npos) out += " " + name;
  if (!session.tls->chain_trusted)
    out += icontains(session.tls->verify_error, "expired") ? " expired" : " unknown-authority";
  return out + "\n";
}

/// How the connection ended, where the server ended it.
std::string ending(const diag::SessionFact& session) {
  const auto* step = session.broken ? &*session.broken : nullptr;
  if (!step && session.auth && !session.auth->reply) step = &*session.auth;
  if (!step || !step->io) return {};
  if (step->io->kind == io::Failure::timed_out) return "! silence\n";
  return step->io->kind == io::Failure::reset ? "! reset\n" : "! close\n";
}

std::string dialog(const diag::SessionFact& session, const trace::Channel& channel, std::string_view nobody) {
  std::string out = "-- dialog " + head(session.shape.server) + " --\n" + certificate_line(session);
  auto last = channel.lines().empty() ? TimePoint{} : channel.lines().front().at;
  bool logging_in = false;
  for (const auto& line : channel.lines()) {
    if (line.direction == trace::Direction::note) {
      if (line.text.starts_with("TLS: ")) out += "! tls\n";
    } else if (line.direction == trace::Direction::client) {
      out += client_line(line.text, nobody, logging_in) + "\n";
      logging_in = logging_in || istarts_with(line.text, "AUTH ");
    } else {
      logging_in = logging_in && line.text.starts_with("334");
      const auto waited = line.at - last;
      if (waited >= long_wait) out += "! delay " + std::to_string(to_ms(waited)) + "ms\n";
      out += server_line(line.text) + "\n";
    }
    last = line.at;
  }
  return out + ending(session);
}

std::string bare_server(const Endpoint& at, const std::string& reach) {
  return "-- server " + head(at) + " --\nreach: " + reach + "\n";
}

/// Doors that were only tried: where nothing was ever said, and the controls.
std::string silent_doors(const diag::Report& report, const std::set<Endpoint>& spoken) {
  std::map<Endpoint, std::string> doors;
  for (const auto& o : report.observations) {
    if (const auto* session = std::get_if<diag::SessionFact>(&o.fact); session && session->connect_failure)
      doors.emplace(session->shape.server, reach_of(*session->connect_failure));
    const auto* controls = std::get_if<diag::ControlFact>(&o.fact);
    if (!controls) continue;
    for (const auto* list : {&controls->port25, &controls->submission})
      for (const auto& t : *list)
        if (t.connected || t.failure) doors.emplace(t.server, t.connected ? "open" : reach_of(*t.failure));
  }
  std::string out;
  for (const auto& [at, reach] : doors)
    if (!spoken.contains(at)) out += bare_server(at, reach);
  return out;
}

std::string server_sections(const Recording& r) {
  std::map<std::string, const diag::SessionFact*> sessions;
  for (const auto& o : r.report.observations)
    if (const auto* session = std::get_if<diag::SessionFact>(&o.fact)) sessions.emplace(session->channel, session);
  std::string dialogs;
  std::set<Endpoint> spoken;
  for (const auto& channel : r.log.channels()) {
    const auto it = sessions.find(channel.id());
    if (it == sessions.end() || !it->second->connected) continue;
    spoken.insert(it->second->shape.server);
    dialogs += dialog(*it->second, channel, r.report.question.random_local_part);
  }
  return silent_doors(r.report, spoken) + dialogs;
}

// ---- run ----

std::string quoted_word(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@.:-_+,[]=/").find(c) != std::string_view::npos;
  });
  if (plain) return word;
  return "\"" + replace_all(replace_all(word, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::string written(const HostPort& server) {
  const auto host = server.host.find(':') == std::string::npos ? server.host : "[" + server.host + "]";
  return server.port == 0 ? host : host + ":" + std::to_string(server.port);
}

std::string run_section(const Recording& r) {
  const auto& q = r.report.question;
  std::string out = "-- run --\nsmtpdx diagnose";
  auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) out += "\n  " + std::string(option) + " " + quoted_word(fold_space(value));
  };
  if (!r.input.empty()) out += " -";
  add("--text", r.text);
  add("--from", q.from);
  add("--to", q.to);
  if (q.server) add("--server", written(*q.server));
  add("--user", q.user);
  if (q.have_secret) add("--password", "secret");
  add("--auth-mechanism", r.mechanism);
  add("--helo", q.client.helo);
  if (q.client.tls)
    add("--client-tls", *q.client.tls == diag::TlsMode::plain ? "none" : std::string(diag::to_string(*q.client.tls)));
  if (q.client.auth != diag::AuthState::unknown) add("--client-auth", std::string(diag::to_string(q.client.auth)));
  if (q.client.address) add("--client-address", q.client.address->to_string());
  if (r.timeout > Duration{0}) add("--timeout", std::to_string(to_ms(r.timeout) / 1000));
  add("--client-auth-methods", join(q.mechanisms_of_client, ","));
  if (q.auth_budget > 1) {
    add("--auth-methods", "all");
    add("--auth-budget", std::to_string(q.auth_budget));
  }
  for (const auto& source : q.sources) add("--source", source.to_string());
  std::set<std::string> controls;
  for (const auto& o : r.report.observations)
    if (const auto* asked = std::get_if<diag::ControlFact>(&o.fact))
      for (const auto* list : {&asked->port25, &asked->submission})
        for (const auto& t : *list) controls.insert(t.host);
  for (const auto& host : controls) add("--control", host);
  return out + "\n";
}

/// The input as its section holds it; a line that looks like the head of a section gets a blank before it.
std::string input_section(const std::string& input) {
  if (input.empty()) return {};
  std::string out = "-- input --\n";
  for (auto line : split_lines(input)) out += (line.starts_with("-- ") ? " " : "") + std::string(line) + "\n";
  return out;
}

}  // namespace

std::string record_scenario(const Recording& r) {
  std::string out = "# " + fold_space(printable(r.title, 1000)) + "\n";
  if (r.report.question.has_config) out += "# A configuration was read as well; it is not part of this file.\n";
  out += dns_section(r.lookups) + server_sections(r) + run_section(r) + input_section(r.input);
  out += "-- findings --\n" + findings_text(r.report);
  const auto& nobody = r.report.question.random_local_part;
  return nobody.empty() ? out : replace_all(out, nobody, nobody_local_part);
}

}  // namespace smtpdx::mock
