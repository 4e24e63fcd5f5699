// SPDX-License-Identifier: Apache-2.0
//
// Reads the notation, section by section. A file is cut into sections first (so that a line is judged by the section it
// stands in and nothing else), then each section's lines are handed to its reader. Every complaint names file and line:
// scenarios are written by people who want to describe a case, not to debug a parser.

#include "mock/scenario.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "dns/wire.hpp"

namespace smtpdx::mock {
namespace {

using detail::Numbered;

struct Section {
  std::string kind;
  std::vector<std::string> words;  ///< of the header, after the kind
  std::string rest;                ///< what follows the header on its line ("-- run -- smtpdx …")
  std::size_t number = 0;
  std::vector<Numbered> lines;
};

std::unexpected<Error> wrong(std::string what, std::string hint = {}) {
  return fail(ErrorKind::malformed, std::move(what), std::move(hint));
}

/// "-- server 192.0.2.25:25 --" and what may follow on the line.
std::optional<Section> header(std::string_view line) {
  if (!line.starts_with("-- ")) return std::nullopt;
  const auto end = line.find(" --", 3);
  if (end == std::string_view::npos) return std::nullopt;
  const auto rest = line.substr(end + 3);
  if (!rest.empty() && rest.front() != ' ') return std::nullopt;
  const auto words = split_words(line.substr(3, end - 3));
  if (words.empty()) return std::nullopt;
  Section section;
  section.kind = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) section.words.emplace_back(words[i]);
  section.rest = trim(rest);
  return section;
}

/// Where a comment begins: '#' at the start of a line only, so that texts may hold one.
bool is_comment(std::string_view line) { return trim(line).starts_with('#'); }

std::string title_of(std::string_view text) {
  std::string title;
  for (auto line : split_lines(text)) {
    if (!is_comment(line)) break;
    auto words = trim(trim(line).substr(1));
    if (!title.empty()) title += ' ';
    title += words;
  }
  return title;
}

const std::vector<std::string> section_kinds{"dns", "server", "dialog", "run", "input", "findings", "output"};

Result<std::vector<Section>> cut(std::string_view name, std::string_view text) {
  std::vector<Section> sections;
  std::size_t number = 0;
  for (auto line : split_lines(text)) {
    ++number;
    if (auto found = header(line)) {
      const auto known = std::find(section_kinds.begin(), section_kinds.end(), found->kind);
      if (known == section_kinds.end())
        return wrong(
            std::string(name) + ":" + std::to_string(number) + ": no section is called \"" + found->kind + "\"",
            "sections: " + join(section_kinds, ", "));
      found->number = number;
      sections.push_back(std::move(*found));
      continue;
    }
    if (sections.empty()) {
      if (!trim(line).empty() && !is_comment(line))
        return wrong(std::string(name) + ":" + std::to_string(number) + ": this stands before the first section");
      continue;
    }
    auto& section = sections.back();
    if (section.kind == "input") {
      section.lines.push_back({number, std::string(line)});
    } else if (!trim(line).empty() && !is_comment(line)) {
      section.lines.push_back({number, std::string(section.kind == "run" ? line : trim(line))});
    }
  }
  return sections;
}

// ---- dns ----

std::optional<DnsLine::Failure> failure_from(std::string_view word) {
  if (iequals(word, "SERVFAIL")) return DnsLine::Failure::servfail;
  if (iequals(word, "REFUSED")) return DnsLine::Failure::refused;
  if (iequals(word, "NXDOMAIN")) return DnsLine::Failure::no_name;
  if (iequals(word, "TIMEOUT")) return DnsLine::Failure::timed_out;
  return std::nullopt;
}

Result<DnsLine> read_failure(DnsLine line, std::string_view before, std::string_view word) {
  const auto failure = failure_from(trim(word));
  if (!failure)
    return wrong("\"! " + std::string(trim(word)) + "\" is no failure", "SERVFAIL REFUSED NXDOMAIN TIMEOUT");
  line.failure = *failure;
  const auto words = split_words(before);
  if (words.empty() || words.size() > 2) return wrong("a failure is written \"NAME [TYPE] ! WORD\"");
  line.name = words[0] == "*" ? "*" : dns::wire::normal_name(words[0]).value_or("");
  if (line.name.empty()) return wrong("\"" + std::string(words[0]) + "\" is no name");
  if (words.size() < 2) return line;
  line.type = dns::type_from(words[1]);
  if (!line.type) return wrong("\"" + std::string(words[1]) + "\" is no record type known here");
  return line;
}

Result<DnsLine> read_dns(std::string_view text) {
  DnsLine line;
  if (text.starts_with('@')) {
    const auto space = text.find_first_of(" \t");
    line.view = IpAddress::parse(text.substr(1, space == std::string_view::npos ? space : space - 1));
    if (!line.view) return wrong("after @ stands the address of a name server");
    text = space == std::string_view::npos ? std::string_view() : trim(text.substr(space));
  }
  // A '!' that stands alone; TXT data may hold one within quotes.
  if (const auto mark = text.find(" ! "); mark != std::string_view::npos && text.find('"') == std::string_view::npos)
    return read_failure(std::move(line), text.substr(0, mark), text.substr(mark + 3));
  auto record = dns::wire::record_from_line(text);
  if (!record) return std::unexpected(record.error());
  line.name = record->owner;
  line.type = record->type;
  line.record = std::move(*record);
  return line;
}

// ---- dialog ----

Result<DialogLine> dialog_remark(std::string_view text) {
  DialogLine line;
  const auto space = text.find(' ');
  const auto word = text.substr(0, space);
  const auto rest = space == std::string_view::npos ? std::string_view() : trim(text.substr(space + 1));
  if (word == "close" || word == "reset" || word == "silence" || word == "tls") {
    line.kind = word == "close"   ? DialogLine::Kind::close
                : word == "reset" ? DialogLine::Kind::reset
                : word == "tls"   ? DialogLine::Kind::tls
                                  : DialogLine::Kind::silence;
    return line;
  }
  if (word == "delay" || word == "drip") {
    line.kind = word == "delay" ? DialogLine::Kind::delay : DialogLine::Kind::drip;
    auto time = detail::read_duration(rest);
    if (!time) return std::unexpected(time.error());
    line.time = *time;
    return line;
  }
  if (word == "raw" || word == "repeat") {
    line.kind = DialogLine::Kind::raw;
    auto octets = rest;
    if (word == "repeat") {
      const auto gap = rest.find(' ');
      const auto times = parse_number(rest.substr(0, gap));
      if (!times || *times > 1000000) return wrong("\"! repeat\" takes a number up to a million and octets");
      line.repeat = static_cast<std::size_t>(*times);
      octets = gap == std::string_view::npos ? std::string_view() : rest.substr(gap + 1);
    }
    line.text = detail::unescape(octets);
    return line;
  }
  return wrong("\"! " + std::string(word) + "\" is not known in a dialog",
               "close reset silence tls, delay TIME, drip TIME, raw OCTETS, repeat N OCTETS");
}

Result<DialogLine> read_dialog(std::string_view text) {
  DialogLine line;
  if (text.starts_with("S:") || text.starts_with("C:")) {
    line.kind = text.front() == 'S' ? DialogLine::Kind::server : DialogLine::Kind::client;
    line.text = trim(text.substr(2));
    return line;
  }
  if (text.starts_with('!')) return dialog_remark(trim(text.substr(1)));
  return wrong("a dialog has lines that begin with S: (server), C: (client) or ! (something else happens)");
}

// ---- findings ----

std::optional<diag::Conclusion> conclusion_from(std::string_view word) {
  for (auto c : {diag::Conclusion::problem, diag::Conclusion::no_problem, diag::Conclusion::inconclusive})
    if (diag::to_string(c) == word) return c;
  return std::nullopt;
}

Result<std::vector<Endpoint>> read_endpoints(const std::vector<std::string>& words);

Result<void> read_broken(FindingsSection& section, const std::vector<std::string_view>& words, std::size_t number) {
  FindingsSection::Broken broken;
  if (words.size() < 3) return wrong("written \"broken ADDR:PORT PHASE [TROUBLE]\"");
  auto at = read_endpoints({std::string(words[1])});
  if (!at) return std::unexpected(at.error());
  broken.at = at->front();
  broken.phase = words[2];
  if (!smtp::phase_from(words[2])) return wrong("\"" + broken.phase + "\" is no phase");
  for (std::size_t i = 3; i < words.size(); ++i) broken.trouble += (i > 3 ? " " : "") + std::string(words[i]);
  broken.line = number;
  section.broken.push_back(std::move(broken));
  return {};
}

Result<void> read_finding(FindingsSection& section, const Numbered& line) {
  auto words = split_words(line.text);
  if (words[0] == "verdict:" && words.size() == 2) {
    section.conclusion = conclusion_from(words[1]);
    if (!section.conclusion) return wrong("the verdict is problem, no-problem or inconclusive");
    return {};
  }
  if (words[0] == "broken") return read_broken(section, words, line.number);
  ExpectedFinding finding;
  finding.line = line.number;
  std::size_t at = 1;
  if (words[0] == "proved") {
    finding.verdict = diag::Verdict::proved;
  } else if (words[0] == "likely") {
    finding.verdict = diag::Verdict::likely;
  } else if (words[0] == "possible") {
    finding.verdict = diag::Verdict::possible;
    section.compares_possible = true;
    if (words.size() == 2 && words[1] == "none") return {};
  } else if (words[0] == "untested") {
    finding.verdict = diag::Verdict::untested;
  } else if (words.size() > 2 && words[0] == "ruled" && words[1] == "out") {
    finding.verdict = diag::Verdict::ruled_out;
    if (words[2] == "nothing" && words.size() == 4 && words[3] == "else") {
      section.all_ruled_out = true;
      return {};
    }
    at = 2;
  } else {
    return wrong("a finding begins with proved, likely, possible, untested, ruled out, broken or verdict:");
  }
  if (words.size() <= at) return wrong("which cause?");
  finding.code = words[at++];
  if (words.size() > at && words[at] != "needs") {
    for (auto proof : {diag::Proof::flip, diag::Proof::statement, diag::Proof::record})
      if (diag::to_string(proof) == words[at]) finding.proof = proof;
    if (!finding.proof) return wrong("\"" + std::string(words[at]) + "\" is no kind of proof", "flip statement record");
    ++at;
  }
  if (words.size() > at && words[at] == "needs") {
    for (++at; at < words.size(); ++at) finding.needs += (finding.needs.empty() ? "" : " ") + std::string(words[at]);
  } else if (words.size() > at) {
    return wrong("too many words");
  }
  section.findings.push_back(std::move(finding));
  return {};
}

// ---- headers ----

/// "192.0.2.25:25", "192.0.2.25:25,587", "[2001:db8::1]:25"; several words are several addresses.
Result<std::vector<Endpoint>> read_endpoints(const std::vector<std::string>& words) {
  std::vector<Endpoint> out;
  for (const auto& word : words) {
    const auto colon = word.rfind(':');
    const auto address = colon == std::string::npos ? std::nullopt : IpAddress::parse(word.substr(0, colon));
    if (!address) return wrong("\"" + word + "\" is not ADDR:PORT", "IPv6 addresses go in brackets");
    for (auto text : split(std::string_view(word).substr(colon + 1), ',')) {
      const auto port = parse_number(text);
      if (!port || *port == 0 || *port > 65535) return wrong("\"" + std::string(text) + "\" is no port");
      out.push_back({*address, static_cast<std::uint16_t>(*port)});
    }
  }
  if (out.empty()) return wrong("this section needs an address and port in its head");
  return out;
}

/// Reads sections into the scenario; the member where it stopped tells the line of a complaint.
class Reader {
 public:
  Reader(Scenario& scenario, std::string_view name) : scenario_(scenario), name_(name) {}

  Result<void> read(const Section& section) {
    at_ = section.number;
    auto done = dispatch(section);
    if (!done)
      return fail(done.error().kind, std::string(name_) + ":" + std::to_string(at_) + ": " + done.error().message,
                  done.error().hint);
    return {};
  }

 private:
  Result<void> dispatch(const Section& section) {
    if (section.kind == "dns") return dns(section);
    if (section.kind == "server") return server(section);
    if (section.kind == "dialog") return dialog(section);
    if (section.kind == "run") return run(section);
    if (section.kind == "input") return input(section);
    if (section.kind == "findings") return findings(section);
    for (const auto& line : section.lines) scenario_.output.push_back(line.text);
    return {};
  }

  Result<void> dns(const Section& section) {
    for (const auto& line : section.lines) {
      at_ = line.number;
      auto read = read_dns(line.text);
      if (!read) return std::unexpected(read.error());
      scenario_.dns.push_back(std::move(*read));
    }
    return {};
  }

  Result<void> server(const Section& section) {
    auto at = read_endpoints(section.words);
    if (!at) return std::unexpected(at.error());
    ServerSection server;
    for (const auto& line : section.lines) {
      at_ = line.number;
      if (line.text.starts_with("like:")) {
        auto done = like(server, trim(std::string_view(line.text).substr(5)));
        if (!done) return done;
        continue;
      }
      auto done = detail::read_policy_line(server, line.text);
      if (!done) return done;
    }
    server.at = std::move(*at);
    server.line = section.number;
    scenario_.servers.push_back(std::move(server));
    return {};
  }

  /// Everything as at a server further up; only the lines after it differ.
  Result<void> like(ServerSection& server, std::string_view where) {
    auto at = read_endpoints({std::string(where)});
    if (!at) return std::unexpected(at.error());
    for (const auto& other : scenario_.servers) {
      if (std::find(other.at.begin(), other.at.end(), at->front()) == other.at.end()) continue;
      server = other;
      return {};
    }
    return wrong("no server at " + at->front().to_string() + " stands above");
  }

  Result<void> dialog(const Section& section) {
    auto at = read_endpoints(section.words);
    if (!at) return std::unexpected(at.error());
    DialogSection dialog;
    dialog.at = at->front();
    dialog.line = section.number;
    for (const auto& line : section.lines) {
      at_ = line.number;
      if (line.text.starts_with("certificate:")) {
        auto certificate = detail::read_certificate(trim(std::string_view(line.text).substr(12)));
        if (!certificate) return std::unexpected(certificate.error());
        dialog.certificate = std::move(*certificate);
        continue;
      }
      auto read = read_dialog(line.text);
      if (!read) return std::unexpected(read.error());
      read->line = line.number;
      dialog.lines.push_back(std::move(*read));
    }
    scenario_.dialogs.push_back(std::move(dialog));
    return {};
  }

  Result<void> run(const Section& section) {
    if (scenario_.run) return wrong("a scenario asks one question: there is a second -- run --");
    std::string command = section.rest;
    for (const auto& line : section.lines) command += " " + std::string(trim(line.text));
    auto read = detail::read_command(command);
    if (!read) return std::unexpected(read.error());
    scenario_.run = std::move(*read);
    return {};
  }

  Result<void> input(const Section& section) {
    for (const auto& line : section.lines) scenario_.input += line.text + "\n";
    return {};
  }

  Result<void> findings(const Section& section) {
    if (!scenario_.findings) scenario_.findings.emplace();
    for (const auto& line : section.lines) {
      at_ = line.number;
      auto done = read_finding(*scenario_.findings, line);
      if (!done) return done;
    }
    return {};
  }

  Scenario& scenario_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace

namespace detail {

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

Result<Duration> read_duration(std::string_view text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  const auto number = parse_number(digits);
  const auto unit = text.substr(digits.size());
  if (number && *number <= 100000) {
    const auto n = static_cast<long long>(*number);
    if (unit == "ms") return std::chrono::milliseconds(n);
    if (unit == "s") return std::chrono::seconds(n);
    if (unit == "min") return std::chrono::minutes(n);
  }
  return fail(ErrorKind::malformed, "\"" + std::string(text) + "\" is no time", "250ms, 3s, 2min");
}

Result<CertificateLine> read_certificate(std::string_view text) {
  CertificateLine line;
  for (auto word : split_words(text)) {
    if (word == "expired") {
      line.fault = CertificateLine::Fault::expired;
    } else if (word == "unknown-authority") {
      line.fault = CertificateLine::Fault::unknown_authority;
    } else if (word.find('.') != std::string_view::npos) {
      line.names.emplace_back(word);
    } else {
      return fail(ErrorKind::malformed, "\"" + std::string(word) + "\" is neither a name nor a fault of a certificate",
                  "names, expired, unknown-authority");
    }
  }
  return line;
}

}  // namespace detail

Result<Scenario> parse_scenario(std::string_view name, std::string_view text) {
  Scenario scenario;
  scenario.name = name;
  scenario.title = title_of(text);
  auto sections = cut(name, text);
  if (!sections) return std::unexpected(sections.error());
  Reader reader(scenario, name);
  for (const auto& section : *sections) {
    auto done = reader.read(section);
    if (!done) return std::unexpected(done.error());
  }
  return scenario;
}

}  // namespace smtpdx::mock
