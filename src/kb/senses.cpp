// SPDX-License-Identifier: Apache-2.0
#include "kb/senses.hpp"

// A refusal in nobody's known words still speaks of somebody (the recipient, the sender, the connecting host, the
// message) and says something of him. The file names such groups of words and lists which groups in one sentence mean
// what, the more telling before the less. Asked only where no phrase fits, or only one of many meanings.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "kb/embedded.hpp"

namespace smtpdx::kb {
namespace {

bool is_inner(char c) {
  char lower = ascii_lower(c);
  return is_digit(c) || (lower >= 'a' && lower <= 'z') || static_cast<unsigned char>(c) >= 0x80 || c == '#' || c == '%';
}

void add_labels(std::string_view host, std::string& out) {
  for (auto label : split(host, '.'))
    if (label.size() > 2) out += "dom:" + to_lower(label) + " ";
}

bool is_host(std::string_view word) {
  if (word.find('.') == std::string_view::npos) return false;
  bool letter = false;
  for (char c : word) {
    if (static_cast<unsigned char>(c) >= 0x80 || (!is_inner(c) && c != '.' && c != '-' && c != '_')) return false;
    letter = letter || !(is_digit(c) || c == '.');
  }
  return letter && word.front() != '.' && word.front() != '-';
}

/// One word between white space, as it counts.
void add_word(std::string_view word, std::string& out) {
  static constexpr std::string_view edges = "()[]{}<>\"'`,:;.!?*";
  while (!word.empty() && edges.find(word.front()) != std::string_view::npos) word.remove_prefix(1);
  while (!word.empty() && edges.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
  if (word.empty()) return;
  std::size_t scheme = word.find("://");
  if (scheme != std::string_view::npos) {
    std::string_view host = word.substr(scheme + 3);
    host = host.substr(0, find_any(host, "/:?"));
    return add_labels(host, out);
  }
  if (word.find('@') != std::string_view::npos) {
    out += "user@ ";
    return;
  }
  std::string_view bare = word.substr(0, find_any(word, "]>)"));
  if (IpAddress::parse(bare)) {
    out += "ip# ";
    return;
  }
  if (is_host(word)) {
    out += "host# ";
    return add_labels(word, out);
  }
  for (char c : word) {
    if (is_inner(c))
      out += ascii_lower(c);
    else if (out.back() != ' ')
      out += ' ';
  }
  if (out.back() != ' ') out += ' ';
}

bool ends_sentence(std::string_view word) {
  return word.ends_with('.') || word.ends_with('!') || word.ends_with('?') || word.ends_with(';') ||
         word.ends_with("\u3002");
}

}  // namespace

std::vector<std::string> plain_sentences(std::string_view text) {
  std::vector<std::string> out;
  std::string sentence = " ";
  for (auto word : split_words(text.substr(0, Senses::limit))) {
    add_word(word, sentence);
    if (!ends_sentence(word) || sentence.size() < 2) continue;
    out.push_back(std::move(sentence));
    sentence = " ";
  }
  if (sentence.size() > 1) out.push_back(std::move(sentence));
  return out;
}

/// The few lines that the file consists of: `[words]`, `[[sense]]`, `key = "text"`, `key = ["text", …]` (over several
/// lines, too) and comments.
class SensesReader {
 public:
  SensesReader(std::string_view path, std::string_view text) : path_(path), rest_(text) {}

  Result<Senses> read() {
    while (!rest_.empty() && !error_) take_line(trim(next_line()));
    if (!error_)
      for (const auto& sense : out_.senses_)
        if (sense.id.empty() || sense.when.empty() || sense.samples.empty() || sense.reason == Reason::unknown)
          complain("a sense needs id, reason, when and samples: '" + sense.id + "'");
    if (error_) return std::unexpected(*error_);
    out_.index();
    return std::move(out_);
  }

 private:
  std::string_view next_line() {
    std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    ++line_;
    return line;
  }

  void complain(std::string_view what) {
    if (error_) return;
    std::string message(path_);
    message += ":" + std::to_string(line_) + ": ";
    error_ = Error{ErrorKind::malformed, message += what, {}};
  }

  void take_line(std::string_view line) {
    if (line.empty() || line[0] == '#') return;
    if (line == "[words]") {
      in_words_ = true;
      return;
    }
    if (line == "[[sense]]") {
      in_words_ = false;
      out_.senses_.emplace_back();
      return;
    }
    std::size_t equals = line.find(" = ");
    if (equals == std::string_view::npos) return complain("neither a section nor 'key = value'");
    std::string key(line.substr(0, equals));
    take(key, values(trim(line.substr(equals + 3))));
  }

  /// All quoted texts of a value; the lines of a list are read on to its end.
  std::vector<std::string> values(std::string_view line) {
    std::vector<std::string> found;
    bool list = line.starts_with('[');
    while (true) {
      bool open = false;
      std::string text;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') {
          if (open) found.push_back(std::exchange(text, {}));
          open = !open;
        } else if (open) {
          if (line[i] == '\\' && i + 1 < line.size()) ++i;
          text += line[i];
        }
      }
      if (open) complain("a text that is not closed");
      if (!list || line.ends_with(']') || rest_.empty()) return found;
      line = trim(next_line());
    }
  }

  void take(const std::string& key, std::vector<std::string> found) {
    if (found.empty()) return complain("'" + key + "' says nothing");
    if (in_words_) return add_group(key, found);
    if (out_.senses_.empty()) return complain("'" + key + "' stands before the first [[sense]]");
    Sense& sense = out_.senses_.back();
    if (key == "id") {
      sense.id = found[0];
    } else if (key == "reason") {
      sense.reason = reason_from(found[0]).value_or(Reason::unknown);
    } else if (key == "class") {
      sense.reply_class = found[0] == "4" ? 4 : 5;
    } else if (key == "weak") {
      sense.weak = found[0] == "true";
    } else if (key == "samples") {
      sense.samples = std::move(found);
    } else if (key == "when") {
      for (const auto& condition : found) sense.when.push_back(condition_of(condition));
    } else {
      complain("unknown key '" + key + "'");
    }
  }

  void add_group(const std::string& name, const std::vector<std::string>& words) {
    if (out_.group_names_.size() == 128) return complain("more than 128 groups of words");
    out_.group_names_.push_back(name);
    for (const auto& word : words) {
      std::string text = word;
      text = text.starts_with('*') ? text.substr(1) : " " + text;
      text = text.ends_with('*') ? text.substr(0, text.size() - 1) : text + " ";
      if (trim(text).size() < 2 || text.size() < 3) complain("'" + word + "' is too short to mean anything");
      out_.words_.push_back({std::move(text), out_.group_names_.size() - 1});
    }
  }

  Sense::Condition condition_of(std::string_view text) {
    Sense::Condition out;
    for (auto word : split_words(text)) {
      bool none = word.starts_with('-'), anywhere = word.starts_with('~');
      if (none || anywhere) word.remove_prefix(1);
      auto at = std::find(out_.group_names_.begin(), out_.group_names_.end(), word);
      if (at == out_.group_names_.end()) {
        complain("no group of words is called '" + std::string(word) + "'");
        continue;
      }
      (none       ? out.none
       : anywhere ? out.anywhere
                  : out.all)
          .set(static_cast<std::size_t>(at - out_.group_names_.begin()));
    }
    if (out.all.none()) complain("a condition that nothing has to fulfil");
    return out;
  }

  std::string_view path_, rest_;
  std::size_t line_ = 0;
  bool in_words_ = false;
  std::optional<Error> error_;
  Senses out_;
};

Result<Senses> Senses::load(std::string_view path, std::string_view text) { return SensesReader(path, text).read(); }

const Senses& Senses::builtin() {
  static const Senses senses = [] {
    for (const auto& file : embedded_files()) {
      if (file.path != "senses/senses.toml") continue;
      auto loaded = load(file.path, file.text);
      if (loaded) return std::move(*loaded);
      std::fprintf(stderr, "smtpdx: compiled-in data is broken: %s\n", loaded.error().message.c_str());
    }
    std::abort();
  }();
  return senses;
}

std::size_t Senses::slot(const char* three) {
  auto octet = [&](int i) { return static_cast<std::size_t>(static_cast<unsigned char>(three[i])); };
  return (octet(0) * 961 + octet(1) * 31 + octet(2)) % 4096;
}

void Senses::index() {
  by_start_.assign(4096, {});
  for (std::size_t i = 0; i < words_.size(); ++i)
    by_start_[slot(words_[i].text.data())].push_back(static_cast<std::uint16_t>(i));
}

std::bitset<128> Senses::groups_in(std::string_view sentence) const {
  std::bitset<128> out;
  for (std::size_t at = 0; at + 3 <= sentence.size(); ++at)
    for (std::uint16_t i : by_start_[slot(sentence.data() + at)])
      if (sentence.substr(at).starts_with(words_[i].text)) out.set(words_[i].group);
  return out;
}

const Sense* Senses::read(std::string_view text, int reply_class, Strength strength) const {
  std::vector<std::bitset<128>> said;
  std::bitset<128> anywhere;
  for (const auto& sentence : plain_sentences(text)) {
    said.push_back(groups_in(sentence));
    anywhere |= said.back();
  }
  auto holds = [&](const Sense::Condition& condition) {
    if ((anywhere & condition.anywhere) != condition.anywhere) return false;
    return std::any_of(said.begin(), said.end(), [&](const auto& groups) {
      return (groups & condition.all) == condition.all && (groups & condition.none).none();
    });
  };
  for (const auto& sense : senses_) {
    if (sense.weak != (strength == Strength::weak)) continue;
    if (sense.reply_class != 0 && reply_class != 0 && sense.reply_class != reply_class) continue;
    if (std::any_of(sense.when.begin(), sense.when.end(), holds)) return &sense;
  }
  return nullptr;
}

}  // namespace smtpdx::kb
