// SPDX-License-Identifier: Apache-2.0
// What was done to a body: see dkim/changes.hpp.
#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "dkim/canonical.hpp"
#include "dkim/changes.hpp"
#include "dkim/changes_parts.hpp"
#include "mail/text.hpp"

namespace smtpdx::dkim {

namespace {

constexpr std::size_t most_octets = 4u << 20;   // of a body that is looked at at all
constexpr std::size_t most_lines = 20'000;      // tried as the end of the original
constexpr std::size_t most_small = 128u << 10;  // where the rest is hashed again for each try
constexpr std::size_t most_top = 60, most_inserted = 40, most_marks = 10;

std::vector<std::string_view> lines_of(std::string_view s) {
  std::vector<std::string_view> lines;
  while (!s.empty()) {
    const auto end = s.find("\r\n");
    const auto size = end == std::string_view::npos ? s.size() : end + 2;
    lines.push_back(s.substr(0, size));
    s.remove_prefix(size);
  }
  return lines;
}

class BodySearch {
 public:
  BodySearch(const Message& message, const Signature& s)
      : message_(message), s_(s), canonical_(canonical_body(s.body, message.body())) {
    lines_ = lines_of(canonical_);
    body_lines_ = lines_of(message.body());
  }

  std::optional<Explanation> run() {
    using Step = std::optional<Explanation> (BodySearch::*)();
    for (Step step : {&BodySearch::footer, &BodySearch::rewritten, &BodySearch::banner, &BodySearch::inserted,
                      &BodySearch::re_encoded})
      if (auto found = (this->*step)()) return found;
    return std::nullopt;
  }

 private:
  bool is_signed(const std::string& digest) const { return digest == s_.body_hash; }

  /// A whole body that was changed back.
  bool is_signed_body(const std::string& body) const {
    auto octets = canonical_body(s_.body, body);
    if (s_.body_length) {
      if (*s_.body_length > octets.size()) return false;
      octets.resize(*s_.body_length);
    }
    Digest digest(s_.hash);
    digest.add(octets);
    return is_signed(digest.finish());
  }

  std::uint64_t offset_of_line(std::size_t line) const {
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < line && i < body_lines_.size(); ++i) at += body_lines_[i].size();
    return at;
  }

  Explanation put_in(Change change, std::size_t from, std::size_t to, std::string text) const {
    Explanation e{change, true, "", std::move(text), offset_of_line(from), 0};
    e.length = offset_of_line(to) - e.from;
    return e;
  }

  std::optional<Explanation> footer() {
    if (s_.body_length) return std::nullopt;  // l= is there so that footers do not matter
    Digest digest(s_.hash);
    if (is_signed(Digest(digest).finish()) && s_.body == Canonicalization::relaxed) return appended(0);
    for (std::size_t i = 0; i < std::min(lines_.size(), most_lines); ++i) {
      digest.add(lines_[i]);
      // An empty line is never the last of a canonical body, but for the simple form of an empty one.
      if (lines_[i] == "\r\n" && !(i == 0 && s_.body == Canonicalization::simple)) continue;
      if (is_signed(digest.finish_copy())) return appended(i + 1);
    }
    return std::nullopt;
  }

  Explanation appended(std::size_t line) const {
    const auto count = body_lines_.size() - std::min(line, body_lines_.size());
    return put_in(Change::footer, line, body_lines_.size(),
                  "the first " + std::to_string(line) + " lines are what was signed: " + std::to_string(count) +
                      " lines were added below them, as mailing lists and virus scanners do");
  }

  std::optional<Explanation> banner() {
    if (s_.body_length || canonical_.size() > most_small) return std::nullopt;
    std::size_t at = 0;
    for (std::size_t i = 0; i < std::min(lines_.size(), most_top); ++i) {
      at += lines_[i].size();
      Digest digest(s_.hash);
      digest.add(std::string_view(canonical_).substr(at));
      if (is_signed(digest.finish()))
        return put_in(Change::banner, 0, i + 1,
                      "without its first " + std::to_string(i + 1) +
                          " lines the body is what was signed: a banner was put on top");
    }
    return std::nullopt;
  }

  /// Lines before a boundary, or whole parts between two of them.
  std::optional<Explanation> inserted() {
    if (s_.body_length || canonical_.size() > most_small) return std::nullopt;
    std::vector<std::size_t> marks;
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (lines_[i].starts_with("--")) marks.push_back(i);
    if (marks.size() > most_marks) marks.erase(marks.begin(), marks.end() - most_marks);
    for (std::size_t m = 0; m < marks.size(); ++m) {
      for (std::size_t k = m + 1; k < marks.size(); ++k)
        if (without(marks[m], marks[k])) return inserted_lines(marks[m], marks[k]);
      for (std::size_t j = 1; j <= std::min(marks[m], most_inserted); ++j)
        if (without(marks[m] - j, marks[m])) return inserted_lines(marks[m] - j, marks[m]);
    }
    return std::nullopt;
  }

  bool without(std::size_t from, std::size_t to) const {
    const auto begin = static_cast<std::size_t>(lines_[from].data() - canonical_.data());
    const auto end = static_cast<std::size_t>(lines_[to].data() - canonical_.data());
    Digest digest(s_.hash);
    digest.add(std::string_view(canonical_).substr(0, begin));
    digest.add(std::string_view(canonical_).substr(end));
    return is_signed(digest.finish());
  }

  Explanation inserted_lines(std::size_t from, std::size_t to) const {
    return put_in(Change::inserted, from, to,
                  "without " + std::to_string(to - from) + " lines from line " + std::to_string(from + 1) +
                      " of the body on it is what was signed: they were put in before the end of a part");
  }

  template <class Rewrite>
  std::string each_line(Rewrite rewrite) const {
    std::string out;
    out.reserve(message_.body().size() + 64);
    for (auto line : body_lines_) rewrite(line, out);
    return out;
  }

  std::optional<Explanation> rewritten() {
    auto prefix = [](std::string_view from, std::string_view to) {
      return [from, to](std::string_view line, std::string& out) {
        if (line.starts_with(from)) {
          out += to;
          line.remove_prefix(from.size());
        }
        out += line;
      };
    };
    if (is_signed_body(each_line(prefix(">From ", "From "))))
      return Explanation{
          Change::from_escaped, true, "", "a line that began with \"From \" got a \">\", as mailbox files do it", 0, 0};
    if (is_signed_body(each_line(prefix("..", "."))) || is_signed_body(each_line(prefix(".", ".."))))
      return Explanation{Change::dots_stuffed,
                         true,
                         "",
                         "a line that begins with a dot has one too many or too few: SMTP's transparency was handled "
                         "wrongly on the way",
                         0,
                         0};
    if (is_signed_body(each_line([](std::string_view line, std::string& out) {
          out += line == "--\r\n" ? std::string_view("-- \r\n") : line;
        })))
      return Explanation{Change::white_space, true, "", "the blank after \"--\" was cut off", 0, 0};
    return bare_line_ends();
  }

  std::optional<Explanation> bare_line_ends() const {
    const auto lf = replace_all(std::string(message_.body()), "\r\n", "\n");
    for (const auto* end : {"", "\r\n"}) {
      Digest digest(s_.hash);
      digest.add(lf);
      digest.add(end);
      if (is_signed(digest.finish()))
        return Explanation{
            Change::line_ends, true, "", "the body was signed with bare LF line ends; mail travels with CRLF", 0, 0};
    }
    return std::nullopt;
  }

  std::optional<Explanation> re_encoded() {
    const auto& all = message_.all("content-transfer-encoding");
    if (all.empty()) return std::nullopt;
    const auto encoding = to_lower(trim(message_.fields()[all.back()].value()));
    if (encoding != "base64" && encoding != "quoted-printable") return std::nullopt;
    const auto text = "\r\n" + mail::decode(message_.body(), encoding, 0, most_octets).octets();
    const Message again(text);  // its line ends as CRLF
    if (!is_signed_body(std::string(again.body()))) return std::nullopt;
    return Explanation{Change::re_encoded,
                       true,
                       "",
                       "the body was signed before it was turned into " + encoding + " on the way",
                       0,
                       0};
  }

  const Message& message_;
  const Signature& s_;
  std::string canonical_;
  std::vector<std::string_view> lines_, body_lines_;
};

}  // namespace

std::optional<Explanation> explain_body(const Message& message, const Signature& signature) {
  if (message.body().size() > most_octets) return std::nullopt;
  return BodySearch(message, signature).run();
}

}  // namespace smtpdx::dkim
