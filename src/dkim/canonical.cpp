// SPDX-License-Identifier: Apache-2.0
#include "dkim/canonical.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

namespace smtpdx::dkim {

const char* to_string(Canonicalization c) { return c == Canonicalization::simple ? "simple" : "relaxed"; }

namespace {

bool wsp(char c) { return c == ' ' || c == '\t'; }

/// RFC 6376 §3.4.2 on a value: unfolded, runs of white space made one space, those at the end dropped. `out` ends with
/// what was before it; a leading run is dropped, too ("before and after the colon").
class RelaxedValue {
 public:
  explicit RelaxedValue(std::string& out) : out_(out), start_(out.size()) {}
  void add(std::string_view s) {
    for (std::size_t i = 0; i < s.size(); ++i) {
      const char c = s[i];
      if (c == '\r' && i + 1 < s.size() && s[i + 1] == '\n') {
        ++i;  // a fold: the CRLF goes, its white space stays
      } else if (wsp(c)) {
        space_ = true;
      } else {
        if (space_ && out_.size() > start_) out_ += ' ';
        space_ = false;
        out_ += c;
      }
    }
  }

 private:
  std::string& out_;
  std::size_t start_;
  bool space_ = false;
};

}  // namespace

void canonical_field(Canonicalization c, std::string_view before, std::string_view after, std::string& out) {
  if (c == Canonicalization::simple) {
    out.append(before);
    out.append(after);
    return;
  }
  const auto colon = before.find(':');
  auto name = before.substr(0, colon);
  while (!name.empty() && wsp(name.back())) name.remove_suffix(1);
  for (char ch : name) out += ascii_lower(ch);
  out += ':';
  RelaxedValue value(out);
  value.add(before.substr(std::min(colon, before.size() - 1) + 1));
  value.add(after);
}

void canonical_field(Canonicalization c, std::string_view field, std::string& out) {
  if (field.empty()) return;
  canonical_field(c, field, {}, out);
}

void BodyCanonicalizer::flush() {
  if (!out_.empty()) sink_(out_);
  out_.clear();
}

void BodyCanonicalizer::add(std::string_view chunk) {
  if (chunk.empty()) return;
  any_ = true;
  kind_ == Canonicalization::simple ? add_simple(chunk) : add_relaxed(chunk);
}

/// Octets that belong to a line and are no line end: what was held back before them counts now.
void BodyCanonicalizer::content(std::string_view octets) {
  for (; pending_lines_ > 0; --pending_lines_) {
    out_ += "\r\n";
    if (out_.size() > 4096) flush();
  }
  line_open_ = true;
  if (space_) out_ += ' ';
  space_ = false;
  if (octets.size() < 512) {
    out_.append(octets);
    if (out_.size() > 4096) flush();
    return;
  }
  flush();
  sink_(octets);
}

void BodyCanonicalizer::add_simple(std::string_view s) {
  if (cr_ && s.front() != '\n') content("\r");
  if (cr_ && s.front() == '\n') {
    ++pending_lines_;
    s.remove_prefix(1);
  }
  cr_ = !s.empty() && s.back() == '\r';
  if (cr_) s.remove_suffix(1);
  // All up to the last octet that is no line end is passed on as it stands: simple changes only the end of the body.
  std::size_t end = s.size();
  while (end >= 2 && s[end - 1] == '\n' && s[end - 2] == '\r') end -= 2;
  if (end > 0) content(s.substr(0, end));
  pending_lines_ += (s.size() - end) / 2;
}

namespace {
/// Octets at which a relaxed line needs a second look.
const auto special = [] {
  std::array<bool, 256> table{};
  for (char c : {' ', '\t', '\r'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
}  // namespace

void BodyCanonicalizer::add_relaxed(std::string_view s) {
  std::size_t at = 0;
  if (cr_) {
    cr_ = false;
    if (s.front() == '\n') {
      space_ = false;
      ++pending_lines_;
      at = 1;
    } else {
      content("\r");
    }
  }
  while (at < s.size()) {
    const auto from = at;
    // A single space between two words is what relaxed would make of it anyway: it stays within the run.
    while (at < s.size() &&
           (!special[static_cast<unsigned char>(s[at])] ||
            (s[at] == ' ' && at > from && at + 1 < s.size() && !special[static_cast<unsigned char>(s[at + 1])])))
      ++at;
    if (at > from) content(s.substr(from, at - from));
    if (at == s.size()) return;
    if (s[at] != '\r') {
      space_ = true;
    } else if (at + 1 == s.size()) {
      cr_ = true;
    } else if (s[at + 1] == '\n') {
      space_ = false;
      ++pending_lines_;
      ++at;
    } else {
      content("\r");
    }
    ++at;
  }
}

void BodyCanonicalizer::finish() {
  if (cr_) content("\r");
  cr_ = false;
  // RFC 6376 §3.4.3: a body without content is one CRLF; §3.4.4: relaxed, it is nothing.
  if (line_open_ || kind_ == Canonicalization::simple) out_ += "\r\n";
  flush();
}

std::string canonical_body(Canonicalization c, std::string_view body) {
  std::string out;
  BodyCanonicalizer canonicalizer(c, [&](std::string_view s) { out.append(s); });
  canonicalizer.add(body);
  canonicalizer.finish();
  return out;
}

const BodyHash& BodyHashes::of(Hash hash, Canonicalization c, std::optional<std::uint64_t> limit) {
  for (const auto& e : entries_)
    if (e->hash == hash && e->c == c && e->limit == limit) return e->result;
  Digest digest(hash);
  BodyHash result;
  result.limit = limit;
  BodyCanonicalizer canonicalizer(c, [&](std::string_view s) {
    const auto left = limit ? *limit - std::min(*limit, result.octets) : s.size();
    digest.add(s.substr(0, std::min<std::uint64_t>(left, s.size())));
    result.octets += s.size();
  });
  canonicalizer.add(body_);
  canonicalizer.finish();
  result.digest = digest.finish();
  entries_.push_back(std::make_unique<Entry>(Entry{hash, c, limit, std::move(result)}));
  return entries_.back()->result;
}

}  // namespace smtpdx::dkim
