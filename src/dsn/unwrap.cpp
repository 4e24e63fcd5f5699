// SPDX-License-Identifier: Apache-2.0
#include "dsn/reader.hpp"

// Peels reports off a reply until the words of the host that decided are left.
//
// A wrapper is recognised by what stands directly before an inner reply: a colon ("said: 550 …", "reason: 554 …"), an
// arrow ("-> 554 …"), "smtp;", "LED=", a quote or an opening bracket. That is one rule for Exchange, Postfix, Exim,
// qmail, Barracuda, Python, Node, Java and .NET, instead of one regular expression each; what differs is only where the
// inner reply ends, and for that the closing of whatever was opened counts.
//
// Not peeled: a reply that quotes a third server's words as its reason (sender verification by call-out): there the
// outer server decided. And not the further lines of a multi-line reply, which repeat its code.

#include <algorithm>

#include "base/ip.hpp"
#include "base/needles.hpp"
#include "base/text.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {
namespace {

constexpr int most_layers = 6;
constexpr std::size_t context = 400;  ///< octets before an inner reply that may name its host

struct Inner {
  std::size_t begin = 0, end = 0;
  std::optional<QuotedReply> reply;  ///< set where it cannot be read off [begin, end) alone
};

bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

enum class Lead { none, weak, strong };

/// What introduces the reply at `at`. Strong: words that announce a reply, so that a bare status is enough after them.
Lead lead_before(std::string_view text, std::size_t at, char& opener) {
  std::size_t i = at;
  opener = 0;
  auto skip_space = [&] {
    while (i > 0 && is_space(text[i - 1])) --i;
  };
  skip_space();
  if (i > 0 && text[i - 1] == '#') --i;
  while (i > 0 && std::string_view("'\"`").find(text[i - 1]) != std::string_view::npos) {
    opener = text[--i];
    if (i > 0 && (text[i - 1] == 'b' || text[i - 1] == 'u') && (i == 1 || !is_letter(text[i - 2]))) --i;
  }
  skip_space();
  std::string_view before = text.substr(0, i);
  if (before.ends_with("->") || before.ends_with("=>") || before.ends_with("-&gt;") || before.ends_with("<<<") ||
      before.ends_with("<**"))
    return Lead::strong;
  if (iends_with(before, "smtp;") || iends_with(before, "led=") || iends_with(before, "{led=")) return Lead::strong;
  if (before.ends_with(':')) {
    static constexpr std::string_view cues[] = {
        "said:",   "was:",      "responded:", "response:",  "replied:", "returned:", "error:", "message:", "reply:",
        "reason:", "rejected:", "failed:",    "exception:", "detail:",  "follows:",  "with:",  "me:"};
    for (auto cue : cues)
      if (iends_with(before, cue)) return Lead::strong;
    return Lead::weak;
  }
  if (opener != 0) return Lead::weak;
  if (before.ends_with('(') || before.ends_with('<') || before.ends_with('{') || before.ends_with('[')) {
    opener = before.back();
    return Lead::weak;
  }
  return before.ends_with(';') || before.ends_with('=') ? Lead::weak : Lead::none;
}

/// "(554, b'5.7.1 …')" as Python's smtplib prints a reply.
std::optional<Inner> python_pair(std::string_view text, std::size_t at) {
  std::size_t i = at + 3;
  if (i >= text.size() || text[i] != ',') return std::nullopt;
  ++i;
  while (i < text.size() && is_space(text[i])) ++i;
  if (i < text.size() && (text[i] == 'b' || text[i] == 'u')) ++i;
  if (i >= text.size() || (text[i] != '\'' && text[i] != '"')) return std::nullopt;
  char quote = text[i];
  std::size_t begin = ++i;
  while (i < text.size() && text[i] != quote) i += text[i] == '\\' ? 2 : 1;
  i = std::min(i, text.size());
  std::string words = replace_all(std::string(text.substr(begin, std::min(i - begin, reply_limit))), "\\n", "\n");
  words = replace_all(std::move(words), "\\r", "");
  Inner inner{at, i, std::nullopt};
  // Each line of the reply has its own status, and the code stands once in front.
  std::string joined;
  std::string code(text.substr(at, 3));
  for (auto line : split_lines(words)) joined += code + "-" + std::string(line) + "\n";
  if (joined.empty()) return std::nullopt;
  joined[joined.rfind(code + "-") + 3] = ' ';
  inner.reply = quoted_reply(joined);
  return inner;
}

/// Where a reply that begins at `begin` and was opened by `opener` ends.
std::size_t end_of_reply(std::string_view text, std::size_t begin, char opener) {
  std::string_view rest = text.substr(begin, reply_limit);
  std::size_t end = rest.size();
  if (opener == '\'' || opener == '"' || opener == '`') {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '\\') {
        ++i;
        continue;
      }
      // An apostrophe within a word ("isn't") closes nothing.
      if (rest[i] == opener && (i + 1 == rest.size() || !is_letter(rest[i + 1]) || opener != '\'')) {
        end = i;
        break;
      }
    }
  } else if (opener == '<') {
    if (std::size_t close = rest.rfind('>'); close != std::string_view::npos) end = close;
  }
  rest = rest.substr(0, end);
  // A bracket that closes what was opened outside of the reply ends it.
  int round = 0, curly = 0, angle = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    char c = rest[i];
    round += c == '(' ? 1 : 0;
    curly += c == '{' ? 1 : 0;
    angle += c == '<' ? 1 : 0;
    bool arrow = i > 0 && (rest[i - 1] == '-' || rest[i - 1] == '=');
    if ((c == ')' && --round < 0) || (c == '}' && --curly < 0) || (c == '>' && !arrow && --angle < 0)) {
      rest = rest.substr(0, i);
      break;
    }
  }
  return begin + without_trailer(rest).size();
}

/// Where a reply begins to tell of a call-out: a server that asks a third one about the sender decides itself, whatever
/// that one said.
std::size_t call_out_begin(std::string_view text) {
  static const Needles cues{"callback setup failed", "sender verify", "verification failed", "callout", "called:"};
  return std::min(text.size(), cues.first_place(text));
}

/// `line_code` is the code that further lines of the reply around would repeat, 0 where there are none.
std::optional<Inner> inner_at(std::string_view text, std::size_t at, int line_code) {
  char opener = 0;
  Lead lead = lead_before(text, at, opener);
  if (lead == Lead::none) return std::nullopt;
  auto codes = codes_at(text, at);
  if (!codes) return std::nullopt;
  if (codes->code != 0) {
    if (auto pair = python_pair(text, at)) return pair;
    char next = at + 3 < text.size() ? text[at + 3] : ' ';
    if (next != ' ' && next != '-' && next != '\n' && next != '\r' && next != '\t' && next != '\'' && next != '"')
      return std::nullopt;
    if (lead == Lead::weak) {
      // "port: 587", "(550)" and the like: after weak words a reply has a text of its own.
      char first = at + codes->length < text.size() ? text[at + codes->length] : ' ';
      if (!is_letter(first) && first != '<' && first != '[' && first != '\'' && !codes->status) return std::nullopt;
      if (codes->code == line_code && opener == 0) return std::nullopt;  // the next line of a multi-line reply
    }
  } else {
    if (lead == Lead::weak && opener != '\'' && opener != '"') return std::nullopt;
    if (at + codes->length >= text.size()) return std::nullopt;
  }
  return Inner{at, end_of_reply(text, at, opener), std::nullopt};
}

int code_of_more_lines(std::string_view text, std::size_t at) {
  auto codes = codes_at(text, at);
  return codes && codes->code != 0 && text.substr(at + 3, 1) == "-" ? codes->code : 0;
}

/// The first inner reply at or after `from`.
std::optional<Inner> find_inner(std::string_view text, std::size_t from, int line_code) {
  for (std::size_t i = std::max<std::size_t>(from, 1); i < text.size(); ++i) {
    if (text[i] != '4' && text[i] != '5') continue;
    if (is_digit(text[i - 1]) || text[i - 1] == '.' || is_letter(text[i - 1])) continue;
    auto inner = inner_at(text, i, line_code);
    if (!inner || inner->end <= inner->begin) continue;
    return i < call_out_begin(text) ? inner : std::nullopt;
  }
  return std::nullopt;
}

/// In words that neither begin with a reply nor announce one: a line that begins with one.
std::optional<Inner> line_inner(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    std::size_t i = at + 1;
    while (i < text.size() && (text[i] == ' ' || text[i] == '-' || text[i] == '>')) ++i;
    auto codes = codes_at(text, i);
    if (!codes || i + codes->length >= text.size()) continue;
    char first = text[i + codes->length];
    if (codes->status || is_letter(first) || first == '<' || first == '#')
      return Inner{i, end_of_reply(text, i, 0), std::nullopt};
  }
  return std::nullopt;
}

/// "-> Relaying denied" without a code: only Exchange Online's own arrow is trusted to introduce bare words.
std::optional<Inner> bare_inner(std::string_view text) {
  if (!icontains(text, "remote server returned")) return std::nullopt;
  std::size_t at = text.find("->");
  if (at == std::string_view::npos) return std::nullopt;
  at += 2;
  while (at < text.size() && is_space(text[at])) ++at;
  std::size_t end = end_of_reply(text, at, 0);
  return end > at ? std::optional(Inner{at, end, std::nullopt}) : std::nullopt;
}

std::string braces_value(std::string_view text, std::string_view key) {
  std::size_t at = ifind(text, key);
  if (at == std::string_view::npos) return {};
  at += key.size();
  std::size_t end = text.find('}', at);
  return std::string(trim(text.substr(at, end == std::string_view::npos ? end : end - at)));
}

void name_host(std::string_view text, std::size_t before_from, std::size_t before_to, Unwrapped& out) {
  std::size_t begin = std::max(before_from, before_to > context ? before_to - context : 0);
  NamedHost host = host_in(text.substr(begin, before_to - begin));
  if (!host.host.empty()) out.host = host.host;
  if (!host.address.empty()) out.address = host.address;
}

}  // namespace

Unwrapped unwrap(std::string_view text) {
  text = text.substr(0, 4 * reply_limit);
  Unwrapped out;
  auto head = codes_at(text, 0);
  std::size_t from = head ? head->length : 0, layer_begin = 0;
  int line_code = code_of_more_lines(text, 0);
  std::optional<QuotedReply> read;
  for (int layer = 0; layer < most_layers; ++layer) {
    std::size_t limit = out.length > 0 ? out.offset + out.length : text.size();
    auto inner = find_inner(text.substr(0, limit), from, line_code);
    if (!inner && out.length == 0) inner = bare_inner(text);
    if (!inner && out.length == 0 && !head) inner = line_inner(text);
    if (!inner) break;
    name_host(text, layer_begin, inner->begin, out);
    out.offset = inner->begin;
    out.length = inner->end - inner->begin;
    read = inner->reply;
    auto codes = codes_at(text, inner->begin);
    layer_begin = inner->begin;
    from = inner->begin + (codes ? codes->length : 0);
    line_code = code_of_more_lines(text, inner->begin);
    if (read) break;
  }
  if (out.length == 0) {
    if (!head) name_host(text, 0, std::min(text.size(), context), out);
    return out;
  }
  out.inner = read ? *read : quoted_reply(text.substr(out.offset, out.length));
  // Exchange's expired messages name the next hop after the last error: {LED=…};{MSG=};{FQDN=…};{IP=…}.
  if (std::string fqdn = braces_value(text, "{fqdn="); looks_like_host(fqdn)) out.host = canonical_name(fqdn);
  if (auto address = IpAddress::parse(braces_value(text, "{ip="))) out.address = address->to_string();
  return out;
}

}  // namespace smtpdx::dsn
