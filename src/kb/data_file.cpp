// SPDX-License-Identifier: Apache-2.0
#include "kb/data_file.hpp"

// Reads one file of data/ strictly. The people who write these files are mail administrators, so every complaint says
// the file, the line and what would be right; and nothing is passed over: an unknown key is nearly always a mistyped
// one, and a mistyped `says_nothing` would otherwise lose its text without a sound.
//
// A Table wraps a toml++ table and remembers which keys were asked for; finish() complains of the rest. Entries that
// have a defect are still returned, so that cross checks do not report them a second time as missing.
// Not done here: whatever needs a second file (duplicates, samples). That is catalogue.cpp's.

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "kb/permanent.hpp"
#include "kb/phrase_match.hpp"

namespace smtpdx::kb {

Error defect_at(std::string_view path, std::size_t line, std::string_view what) {
  std::string message(path);
  message += ':';
  message += std::to_string(line);
  message += ": ";
  message += what;
  return Error{ErrorKind::malformed, std::move(message), {}};
}

namespace {

enum class Need { required, optional };

std::string quoted(std::string_view word) { return "'" + std::string(word) + "'"; }

std::string known_words(const std::vector<std::string_view>& words) {
  std::string out;
  for (auto word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}
  void complain(std::size_t line, std::string_view what) { out.defects.push_back(defect_at(path_, line, what)); }
  const std::string& path() const { return path_; }
  DataFile out;

 private:
  std::string path_;
};

std::size_t line_of(const toml::node& node) { return static_cast<std::size_t>(node.source().begin.line); }

class Table {
 public:
  Table(Reader& reader, const toml::table& table, std::string_view what)
      : reader_(reader), table_(table), what_(what), line_(line_of(table) == 0 ? 1 : line_of(table)) {}
  std::size_t line() const { return line_; }
  std::size_t line_of_key(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node ? line_of(*node) : line_;
  }
  void complain(std::string_view key, std::string_view what) { reader_.complain(line_of_key(key), what); }

  std::string text(std::string_view key, Need need = Need::required) {
    const toml::node* node = take(key, need);
    if (!node) return {};
    if (const auto* s = node->as_string()) return checked(s->get(), line_of(*node), key);
    reader_.complain(line_of(*node), quoted(key) + " must be a string");
    return {};
  }

  /// A TOML date, or a string of that form; the day may be missing.
  std::string date(std::string_view key) {
    const toml::node* node = take(key, Need::required);
    if (!node) return {};
    std::string s;
    if (const auto* d = node->as_date()) {
      auto v = d->get();
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, "%04u-%02u-%02u", unsigned(v.year) % 10000u, unsigned(v.month) % 100u,
                    unsigned(v.day) % 100u);
      return buffer;
    }
    if (const auto* t = node->as_string()) s = t->get();
    // How exactly it is known when a wording was seen differs: a month is enough.
    bool fits = (s.size() == 7 || (s.size() == 10 && s[7] == '-' && parse_number(s.substr(8, 2)))) && s[4] == '-' &&
                parse_number(s.substr(0, 4)) && parse_number(s.substr(5, 2));
    if (!fits) reader_.complain(line_of(*node), quoted(key) + " must be a date, YYYY-MM-DD or YYYY-MM");
    return s;
  }

  bool flag(std::string_view key) {
    const toml::node* node = take(key, Need::optional);
    if (!node) return false;
    if (const auto* b = node->as_boolean()) return b->get();
    reader_.complain(line_of(*node), quoted(key) + " must be true or false");
    return false;
  }

  std::vector<std::string> texts(std::string_view key, Need need) {
    std::vector<std::string> list;
    const toml::node* node = take(key, need);
    if (!node) return list;
    const auto* array = node->as_array();
    if (!array) {
      reader_.complain(line_of(*node), quoted(key) + " must be a list of strings");
      return list;
    }
    for (const auto& element : *array) {
      const auto* s = element.as_string();
      if (!s)
        reader_.complain(line_of(element), quoted(key) + " must hold strings only");
      else
        list.push_back(checked(s->get(), line_of(element), key));
    }
    if (need == Need::required && list.empty()) reader_.complain(line_of(*node), quoted(key) + " must not be empty");
    return list;
  }

  template <class Enum>
  std::optional<Enum> word(std::string_view key, std::optional<Enum> (*from)(std::string_view), Need need) {
    std::string s = text(key, need);
    if (s.empty()) return std::nullopt;
    auto value = from(s);
    if (!value) complain(key, "unknown word " + quoted(s) + " for " + quoted(key));
    return value;
  }

  std::string one_of(std::string_view key, const std::vector<std::string_view>& words) {
    std::string s = text(key);
    if (!s.empty() && std::find(words.begin(), words.end(), s) == words.end())
      complain(key, "unknown word " + quoted(s) + " for " + quoted(key) + "; known: " + known_words(words));
    return s;
  }

  const toml::table* table(std::string_view key, Need need) {
    const toml::node* node = take(key, need);
    if (!node) return nullptr;
    if (const auto* t = node->as_table()) return t;
    reader_.complain(line_of(*node), quoted(key) + " must be a table: [" + std::string(key) + "]");
    return nullptr;
  }

  std::vector<const toml::table*> tables(std::string_view key, Need need) {
    std::vector<const toml::table*> list;
    const toml::node* node = take(key, need);
    if (!node) return list;
    const auto* array = node->as_array();
    if (!array) {
      reader_.complain(line_of(*node), quoted(key) + " must be written as [[" + std::string(key) + "]]");
      return list;
    }
    for (const auto& element : *array) {
      if (const auto* t = element.as_table())
        list.push_back(t);
      else
        reader_.complain(line_of(element), quoted(key) + " must hold tables only");
    }
    return list;
  }

  void finish() {
    for (auto&& [key, node] : table_) {
      std::string_view name = key.str();
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
        reader_.complain(line_of(node), "unknown key " + quoted(name) + " in " + std::string(what_));
    }
  }

 private:
  const toml::node* take(std::string_view key, Need need) {
    asked_.push_back(key);
    const toml::node* node = table_.get(key);
    if (!node && need == Need::required)
      reader_.complain(line_, "missing key " + quoted(key) + " in " + std::string(what_));
    return node;
  }

  std::string checked(std::string s, std::size_t line, std::string_view key) {
    if (trim(s).empty()) reader_.complain(line, quoted(key) + " must not be empty");
    return s;
  }

  Reader& reader_;
  const toml::table& table_;
  std::string_view what_;
  std::size_t line_;
  std::vector<std::string_view> asked_;
};

void check_cause_code(Table& in, std::string_view key, const std::string& code) {
  if (!code.empty() && !is_permanent_cause(code)) in.complain(key, "there is no cause " + quoted(code));
}

void read_identity(Reader& reader, Table& in, Cause& cause) {
  cause.code = in.text("code");
  cause.id = in.text("id");
  cause.number = permanent_number(cause.code);
  std::string name = reader.path().substr(reader.path().rfind('/') + 1);
  if (!cause.code.empty() && name != cause.code + ".toml")
    in.complain("code", "the file must be named after its code, " + quoted(cause.code + ".toml"));
  bool known = false;
  for (const auto& permanent : permanent_causes())
    known = known || (permanent.code == cause.code && permanent.id == cause.id);
  if (!known && !cause.code.empty() && !cause.id.empty())
    in.complain("code", "no cause has the code " + quoted(cause.code) + " with the id " + quoted(cause.id));
  cause.tier = in.one_of("tier", {"A", "B", "C"});
  cause.party = in.word("party", party_from, Need::required).value_or(Party::unknown);
  cause.reason = in.word("reason", reason_from, Need::required).value_or(Reason::unknown);
}

void read_proofs(Reader& reader, Table& in, Cause& cause) {
  cause.unprovable = in.text("unprovable", Need::optional);
  for (const auto* t : in.tables("proof", Need::optional)) {
    Table proof(reader, *t, "[[proof]]");
    cause.proofs.push_back({proof.one_of("kind", {"flip", "statement", "record"}), proof.text("text")});
    proof.finish();
  }
  if (cause.proofs.empty() && cause.unprovable.empty())
    in.complain("proof", "a cause needs a [[proof]], or `unprovable` with the reason why there is none");
}

void read_rivals_and_tests(Reader& reader, Table& in, Cause& cause) {
  for (const auto* t : in.tables("rival", Need::optional)) {
    Table rival(reader, *t, "[[rival]]");
    Rival r{rival.text("code"), rival.text("apart")};
    check_cause_code(rival, "code", r.code);
    if (r.code == cause.code) rival.complain("code", "a cause is not its own rival");
    for (const auto& other : cause.rivals)
      if (other.code == r.code) rival.complain("code", "rival " + quoted(r.code) + " stands here twice");
    cause.rivals.push_back(std::move(r));
    rival.finish();
  }
  for (const auto* t : in.tables("test", Need::required)) {
    Table test(reader, *t, "[[test]]");
    auto consent = test.word("consent", consent_from, Need::required);
    cause.tests.push_back({consent.value_or(Consent::local), test.text("text")});
    test.finish();
  }
}

void read_fixes(Reader& reader, Table& in, Cause& cause) {
  for (const auto* t : in.tables("fix", Need::required)) {
    Table fix(reader, *t, "[[fix]]");
    Fix f;
    f.product = fix.text("product");
    f.steps = fix.texts("steps", Need::required);
    f.takes_effect = fix.text("takes_effect");
    for (const auto& other : cause.fixes)
      if (other.product == f.product) fix.complain("product", "product " + quoted(f.product) + " stands here twice");
    cause.fixes.push_back(std::move(f));
    fix.finish();
  }
  bool has_any = std::any_of(cause.fixes.begin(), cause.fixes.end(), [](const Fix& f) { return f.product == "any"; });
  if (!has_any) in.complain("fix", "one [[fix]] must be for product 'any'");
}

/// Placeholders outside the known set would reach the user as they stand.
void check_placeholders(Table& in, std::string_view key, std::string_view text,
                        const std::vector<std::string_view>& known) {
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) break;
    std::string_view name = text.substr(at + 1, end - at - 1);
    bool word = !name.empty() &&
                std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (word && std::find(known.begin(), known.end(), name) == known.end())
      in.complain(key, "unknown placeholder '{" + std::string(name) + "}' in " + quoted(key));
  }
}

const std::vector<std::string_view>& command_placeholders() {
  static const std::vector<std::string_view> names = {"server", "port", "from", "to",   "to_domain", "from_domain",
                                                      "user",   "mx",   "ip",   "helo", "config"};
  return names;
}

const std::vector<std::string_view>& letter_addressees() {
  static const std::vector<std::string_view> words = {"postmaster", "soa-rname", "rdap-abuse",
                                                      "own-admin",  "own-host",  "isp"};
  return words;
}

void read_confirm_and_letter(Reader& reader, Table& in, Cause& cause) {
  if (const auto* t = in.table("confirm", Need::required)) {
    Table confirm(reader, *t, "[confirm]");
    cause.confirm = {confirm.text("command"), confirm.text("shows")};
    check_placeholders(confirm, "command", cause.confirm.command, command_placeholders());
    check_placeholders(confirm, "shows", cause.confirm.shows, command_placeholders());
    confirm.finish();
  }
  if (const auto* t = in.table("letter", Need::optional)) {
    Table letter(reader, *t, "[letter]");
    Letter l;
    l.to = letter.one_of("to", letter_addressees());
    l.subject = letter.text("subject");
    l.body = letter.text("body");
    auto known = command_placeholders();
    known.push_back("transcript");
    check_placeholders(letter, "subject", l.subject, known);
    check_placeholders(letter, "body", l.body, known);
    cause.letter = std::move(l);
    letter.finish();
  }
}

void read_cause(Reader& reader, const toml::table& root) {
  Table in(reader, root, "a cause");
  Cause cause;
  read_identity(reader, in, cause);
  cause.who = in.text("who");
  cause.title = in.text("title");
  if (!cause.title.empty() && cause.title.back() != '.')
    in.complain("title", "'title' is one sentence and ends with a period");
  if (cause.title.find('\n') != std::string::npos) in.complain("title", "'title' is one line");
  cause.explanation = in.text("explanation");
  cause.necessary = in.texts("necessary", Need::required);
  cause.says_nothing = in.texts("says_nothing", Need::optional);
  read_proofs(reader, in, cause);
  read_rivals_and_tests(reader, in, cause);
  read_fixes(reader, in, cause);
  read_confirm_and_letter(reader, in, cause);
  in.finish();
  reader.out.causes.push_back({std::move(cause), reader.path(), in.line_of_key("code")});
}

void read_phrase(Reader& reader, const toml::table& table) {
  Table in(reader, table, "[[phrase]]");
  Phrase phrase;
  phrase.id = in.text("id");
  phrase.pattern = in.text("pattern");
  if (!phrase.pattern.empty() && Pattern(phrase.pattern).weight() < 4)
    in.complain("pattern", "'pattern' has fewer than 4 octets of its own and would fit nearly everything");
  phrase.codes = in.texts("codes", Need::optional);
  for (const auto& code : phrase.codes)
    if (!is_code_word(code))
      in.complain("codes", "code " + quoted(code) + " is none of the forms '554', '5.7.1', '554 5.7.1'");
  phrase.reason = in.word("reason", reason_from, Need::required).value_or(Reason::unknown);
  phrase.party = in.word("party", party_from, Need::optional);
  phrase.causes = in.texts("causes", Need::optional);
  for (const auto& code : phrase.causes) check_cause_code(in, "causes", code);
  phrase.states = in.text("states", Need::optional);
  check_cause_code(in, "states", phrase.states);
  phrase.sample = in.text("sample");
  phrase.source = in.text("source");
  phrase.seen = in.date("seen");
  phrase.wrapper = in.flag("wrapper");
  phrase.vague = in.flag("vague");
  in.finish();
  reader.out.phrases.push_back({std::move(phrase), reader.path(), in.line_of_key("id")});
}

void read_check(Reader& reader, const toml::table& table) {
  Table in(reader, table, "[[check]]");
  Check check;
  check.id = in.text("id");
  check.area = in.text("area");
  check.severity = in.one_of("severity", {"info", "warn", "fail"});
  check.rfc = in.text("rfc", Need::optional);
  check.found = in.text("found");
  check.fine = in.text("fine");
  check.fix = in.texts("fix", Need::optional);
  in.finish();
  reader.out.checks.push_back({std::move(check), reader.path(), in.line_of_key("id")});
}

void read_code(Reader& reader, const toml::table& table) {
  Table in(reader, table, "[[code]]");
  CodeMeaning code;
  code.code = in.text("code");
  code.classes = in.text("classes");
  code.reference = in.text("reference");
  code.meaning = in.text("meaning");
  code.reason = in.word("reason", reason_from, Need::optional);
  in.finish();
  reader.out.codes.push_back({std::move(code), reader.path(), in.line_of_key("code")});
}

std::vector<std::string_view> letter_placeholders() {
  auto known = command_placeholders();
  for (auto name : {"transcript", "code", "title", "command"}) known.push_back(name);
  return known;
}

/// `code` is null for the general letter, which belongs to no cause.
Letter read_letter(Reader& reader, const toml::table& table, std::string* code) {
  Table in(reader, table, code ? "[[letter]]" : "[general] or [inquiry]");
  if (code) {
    *code = in.text("code");
    check_cause_code(in, "code", *code);
  }
  Letter letter{"", in.text("subject"), in.text("body")};
  check_placeholders(in, "subject", letter.subject, letter_placeholders());
  check_placeholders(in, "body", letter.body, letter_placeholders());
  in.finish();
  return letter;
}

void read_letters(Reader& reader, const toml::table& root) {
  Table in(reader, root, "a letter book");
  LetterBook book;
  book.language = in.text("language");
  book.opening = in.text("opening");
  book.check = in.text("check", Need::optional);
  book.closing = in.text("closing");
  check_placeholders(in, "check", book.check, letter_placeholders());
  if (const auto* t = in.table("to", Need::required)) {
    Table to(reader, *t, "[to]");
    for (auto who : letter_addressees())
      if (who != "postmaster") book.to[std::string(who)] = to.text(who);
    to.finish();
  }
  if (const auto* t = in.table("inquiry", Need::required)) book.inquiry = read_letter(reader, *t, nullptr);
  if (const auto* t = in.table("general", Need::optional)) book.general = read_letter(reader, *t, nullptr);
  for (const auto* t : in.tables("letter", Need::optional)) {
    std::string code;
    Letter letter = read_letter(reader, *t, &code);
    if (!book.letters.emplace(code, std::move(letter)).second)
      reader.complain(line_of(*t), "a second letter for " + quoted(code));
  }
  in.finish();
  reader.out.letters.push_back({std::move(book), reader.path(), in.line_of_key("language")});
}

void read_list(Reader& reader, const toml::table& root, std::string_view key,
               void (*read)(Reader&, const toml::table&)) {
  Table in(reader, root, "the file");
  for (const auto* t : in.tables(key, Need::required)) read(reader, *t);
  in.finish();
}

bool lies_in(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) || path.find("/" + std::string(directory)) != std::string_view::npos;
}

}  // namespace

DataFile read_data_file(const Catalogue::Source& source) {
  Reader reader(source.path);
  bool causes = lies_in(source.path, "causes/"), phrases = lies_in(source.path, "phrases/");
  bool codes = lies_in(source.path, "codes/") || source.path == "codes.toml" || source.path.ends_with("/codes.toml");
  bool letters = lies_in(source.path, "letters/"), checks = lies_in(source.path, "checks/");
  if (!causes && !phrases && !codes && !letters && !checks) return std::move(reader.out);
  auto parsed = toml::parse(std::string_view(source.text), std::string_view(source.path));
  if (parsed.failed()) {
    reader.complain(static_cast<std::size_t>(parsed.error().source().begin.line), parsed.error().description());
    return std::move(reader.out);
  }
  const toml::table& root = parsed.table();
  if (causes)
    read_cause(reader, root);
  else if (letters)
    read_letters(reader, root);
  else if (phrases)
    read_list(reader, root, "phrase", read_phrase);
  else if (checks)
    read_list(reader, root, "check", read_check);
  else
    read_list(reader, root, "code", read_code);
  return std::move(reader.out);
}

}  // namespace smtpdx::kb
