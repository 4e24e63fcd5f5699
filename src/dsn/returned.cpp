// SPDX-License-Identifier: Apache-2.0
#include "dsn/returned.hpp"

// Header lines are believed by position: each hop writes its own above what it received, so the topmost result of the
// reporting organisation is its own measurement, while anything below may be forged by the sender. Exchange Online is
// the case that matters: its Authentication-Results has no authserv-id (RFC 8601 §2.2 requires one), which is how it is
// told from a filter's in front of it.
//
// Every conclusion leaves one line in `why` that names its header. What no header says stays unset: absence of a result
// is never "none". ARC is not read: it repeats older claims under a seal that cannot be checked offline.

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t octet_limit = std::size_t{1} << 20;
constexpr std::size_t line_limit = 50'000;

struct Named {
  std::string name;  ///< lower case
  std::string value;
};

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > 100) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || c == '-' || c == '_' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  });
}

/// The fields that something is concluded from; the rest of a header is only passed over.
bool tells(std::string_view name) {
  static constexpr std::string_view names[] = {
      "from",           "to",           "return-path",    "authentication-results",
      "received-spf",   "received",     "x-forwarded-to", "x-forwarded-for",
      "auto-submitted", "delivered-to", "x-delivered-to", "x-original-to"};
  return istarts_with(name, "x-ms-exchange-") || istarts_with(name, "resent-") ||
         std::any_of(std::begin(names), std::end(names), [&](auto one) { return iequals(one, name); });
}

struct Fields {
  bool any = false;  ///< the text begins with fields, telling or not
  std::vector<Named> telling;
};

/// More forgiving than mail::parse_header: reports print headers whose continuation lines have lost their indent, so a
/// line that is no field belongs to the one before. A blank line ends.
Fields read_fields(std::string_view text) {
  text = text.substr(0, octet_limit);
  Fields fields;
  bool last_tells = false;
  mail::LineReader reader(text, mail::line_end_of(text));
  std::string_view line;
  for (std::size_t lines = 0; lines < line_limit && reader.next(line); ++lines) {
    if (trim(line).empty()) {
      if (!fields.any) continue;
      break;
    }
    std::size_t colon = line.find(':');
    std::string_view name = colon == std::string_view::npos ? std::string_view() : trim(line.substr(0, colon));
    if (is_plain_name(name) && !is_space(line[0])) {
      fields.any = true;
      last_tells = tells(name);
      if (last_tells) fields.telling.push_back({to_lower(name), std::string(trim(line.substr(colon + 1)))});
    } else if (last_tells && fields.telling.back().value.size() < 16 * 1024) {
      fields.telling.back().value += ' ';
      fields.telling.back().value += trim(line);
    }
  }
  for (auto& field : fields.telling) field.value = fold_space(field.value);
  return fields;
}

bool is_microsoft(std::string_view host) {
  static constexpr std::string_view domains[] = {"outlook.com",   "office365.com", "exchangelabs.com",
                                                 "microsoft.com", "office.com",    "outlook.de"};
  return std::any_of(std::begin(domains), std::end(domains), [&](auto domain) { return in_domain(host, domain); });
}

/// Last two labels: near enough to tell whether two hosts belong together in one report.
std::string organisation(std::string_view host) {
  std::size_t dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::string(host);
  std::size_t before = host.rfind('.', dot - 1);
  return std::string(before == std::string_view::npos ? host : host.substr(before + 1));
}

bool same_organisation(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return false;
  if (is_microsoft(a) || is_microsoft(b)) return is_microsoft(a) && is_microsoft(b);
  return organisation(a) == organisation(b);
}

std::string without_comments(std::string_view value) {
  std::string out;
  int depth = 0;
  for (char c : value) {
    if (c == '(') ++depth;
    if (depth == 0) out += c;
    if (c == ')' && depth > 0) --depth;
  }
  return out;
}

struct AuthResults {
  std::string authserv;
  std::optional<std::string> spf, dkim;
  std::string mail_from;
};

/// RFC 8601 §2.2, and Exchange Online's variety without authserv-id.
AuthResults parse_auth_results(std::string_view value) {
  AuthResults out;
  std::string plain = without_comments(value);
  bool first = true;
  for (auto part : split(plain, ';')) {
    part = trim(part);
    auto words = split_words(part);
    if (words.empty()) continue;
    std::string_view head = words[0];
    std::size_t equals = head.find('=');
    if (equals == std::string_view::npos) {
      if (first) out.authserv = canonical_name(head);
      first = false;
      continue;
    }
    first = false;
    std::string method = to_lower(head.substr(0, equals)), result = to_lower(head.substr(equals + 1));
    if (method == "spf" && !out.spf) out.spf = result;
    // One passing signature is enough (RFC 6376 §6.1).
    if (method == "dkim" && (!out.dkim || result == "pass")) out.dkim = result;
    for (auto word : words)
      if (istarts_with(word, "smtp.mailfrom=")) out.mail_from = std::string(word.substr(14));
  }
  return out;
}

class Reader {
 public:
  Reader(Fields fields, const ReturnedContext& context)
      : any_(fields.any), fields_(std::move(fields.telling)), context_(context) {}

  ReturnedHeaders read() {
    out_.present = any_;
    out_.from = mail::first_address(value("from"));
    out_.to = mail::first_address(value("to"));
    out_.mail_from = mail::report_address(value("return-path"));
    read_results();
    read_received();
    read_arrival();
    read_forwarding();
    return std::move(out_);
  }

 private:
  std::string value(std::string_view name) const {
    for (const auto& field : fields_)
      if (field.name == name) return field.value;
    return {};
  }

  void because(std::string line) {
    if (out_.why.size() < 30) out_.why.push_back(printable(line, 300));
  }

  /// True where a result written by `authserv` is the reporting organisation's own.
  bool is_own(const AuthResults& results) const {
    if (is_microsoft(context_.reporter)) return results.authserv.empty() || is_microsoft(results.authserv);
    return same_organisation(results.authserv, context_.reporter);
  }

  void read_results() {
    for (const auto& field : fields_) {
      if (field.name != "authentication-results") continue;
      AuthResults results = parse_auth_results(field.value);
      if (!is_own(results)) continue;
      // Exchange Online writes one without SPF for mail that its own tenant submitted; the hop where the message came
      // in has SPF and stands below.
      bool have_dkim = out_.dkim.has_value();
      if (results.dkim && (!have_dkim || (results.spf && !out_.spf))) out_.dkim = results.dkim;
      if (results.spf && !out_.spf) {
        out_.spf = results.spf;
        out_.authserv = results.authserv.empty() ? "protection.outlook.com" : results.authserv;
        if (out_.mail_from.empty()) out_.mail_from = mail::report_address(results.mail_from);
        break;
      }
    }
    if (out_.spf) because("Authentication-Results: spf=" + *out_.spf + " (" + out_.authserv + ")");
    if (!out_.spf) read_received_spf();
    if (out_.dkim) because("Authentication-Results: dkim=" + *out_.dkim);
  }

  /// RFC 7208 §9.1.
  void read_received_spf() {
    for (const auto& field : fields_) {
      if (field.name != "received-spf") continue;
      std::string_view who = field.value;
      std::size_t open = who.find('(');
      who = open == std::string_view::npos ? std::string_view() : who.substr(open + 1);
      std::string host = canonical_name(who.substr(0, find_any(who, ": ")));
      if (!same_organisation(host, context_.reporter)) continue;
      out_.spf = to_lower(field.value.substr(0, find_any(field.value, " (")));
      out_.authserv = host;
      because("Received-SPF: " + *out_.spf + " (" + host + ")");
      return;
    }
  }

  static std::string word_after(std::string_view text, std::string_view cue) {
    std::size_t at = istarts_with(text, cue.substr(1)) ? 0 : ifind(text, cue);
    if (at == std::string_view::npos) return {};
    at += at == 0 ? cue.size() - 1 : cue.size();
    std::string_view rest = text.substr(at);
    return canonical_name(rest.substr(0, find_any(rest, " ;()")));
  }

  void read_received() {
    for (const auto& field : fields_) {
      if (field.name != "received" || out_.received_by.size() >= 200) continue;
      std::string by = word_after(field.value, " by ");
      if (!by.empty()) out_.received_by.push_back(by);
    }
  }

  bool authenticated(std::string_view received) const {
    for (auto word : {"esmtpsa", "esmtpa", "asmtp", "(authenticated", "authenticated sender", "with mapi", "with http"})
      if (icontains(received, word)) return true;
    return false;
  }

  void read_arrival() {
    for (auto name : {"x-ms-exchange-organization-authas", "x-ms-exchange-crosstenant-authas"}) {
      std::string as = value(name);
      if (as.empty()) continue;
      out_.arrived_from_outside = istarts_with(as, "anonymous");
      because(std::string(name) + ": " + as +
              (out_.arrived_from_outside ? ": came from outside" : ": sent from inside"));
      return;
    }
    for (const auto& field : fields_) {
      if (field.name != "received") continue;
      std::string by = word_after(field.value, " by "), from = word_after(field.value, " from ");
      if (!same_organisation(by, context_.reporter) || from.empty() || same_organisation(from, by)) continue;
      if (authenticated(field.value)) {
        because("Received by " + by + " from " + from + ": logged in, so sent from inside");
        return;
      }
      out_.arrived_from_outside = true;
      because("Received by " + by + " from " + from + ": came from outside");
      return;
    }
  }

  void forwarded(const std::string& why) {
    out_.forwarded = true;
    because(why);
  }

  static bool is_srs(std::string_view address) {
    return istarts_with(address, "srs0=") || istarts_with(address, "srs1=") || istarts_with(address, "srs0+") ||
           istarts_with(address, "srs1+") || istarts_with(address, "srs0-") || icontains(address, "+srs=");
  }

  void read_forwarding() {
    bool resent = false;
    for (const auto& field : fields_) {
      std::string_view name = field.name;
      bool exchange = name.starts_with("x-ms-exchange-");
      if (exchange && (name.find("autoforward") != name.npos || name.find("forwardingloop") != name.npos ||
                       name.find("inbox-rules-loop") != name.npos)) {
        if (!iequals(field.value, "false")) forwarded(std::string(name) + ": " + field.value);
      } else if (name == "x-ms-exchange-generated-message-source" && icontains(field.value, "rules agent")) {
        forwarded(std::string(name) + ": " + field.value);
      } else if (name.starts_with("resent-") && !resent) {
        resent = true;
        forwarded(std::string(name) + ": " + field.value);
      } else if ((name == "x-forwarded-to" || name == "x-forwarded-for") &&
                 field.value.find('@') != std::string::npos) {
        // Without "@" it is a web server's header that a mail form copied: addresses of HTTP clients.
        forwarded(std::string(name) + ": " + field.value);
      } else if (name == "auto-submitted" && icontains(field.value, "auto-forwarded")) {
        forwarded(std::string(name) + ": " + field.value);
      }
    }
    if (is_srs(out_.mail_from)) forwarded("return-path: rewritten sender (SRS) " + out_.mail_from);
    for (auto name : {"delivered-to", "x-delivered-to", "x-original-to"}) {
      std::string address = mail::report_address(value(name));
      if (address.find('@') == std::string::npos || context_.recipient.empty()) continue;
      if (!iequals(address, context_.recipient)) {
        forwarded(std::string(name) + ": " + address + " is not the refused recipient");
        return;
      }
    }
  }

  bool any_;
  std::vector<Named> fields_;
  const ReturnedContext& context_;
  ReturnedHeaders out_;
};

}  // namespace

ReturnedHeaders read_returned(std::string_view text, const ReturnedContext& context) {
  return Reader(read_fields(text), context).read();
}

}  // namespace smtpdx::dsn
