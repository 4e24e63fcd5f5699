// SPDX-License-Identifier: Apache-2.0
#include "kb/letters.hpp"

#include "base/text.hpp"
#include "kb/data_file.hpp"
#include "kb/embedded.hpp"

namespace smtpdx::kb {

const std::vector<std::string_view>& letter_languages() {
  static const std::vector<std::string_view> languages = {"en", "de", "es", "fr", "ja"};
  return languages;
}

Result<LetterBook> letter_book(std::string_view language) {
  const auto path = "letters/" + std::string(language) + ".toml";
  for (const auto& file : embedded_files()) {
    if (file.path != path) continue;
    auto read = read_data_file({std::string(file.path), std::string(file.text)});
    if (!read.defects.empty()) return std::unexpected(read.defects.front());
    return std::move(read.letters.front().value);
  }
  return fail(ErrorKind::usage, "there are no letters in '" + std::string(language) + "'",
              "known: " + join(std::vector<std::string>(letter_languages().begin(), letter_languages().end()), ", "));
}

std::vector<Error> letter_defects(const Catalogue::Source& file) {
  auto read = read_data_file(file);
  for (const auto& book : read.letters) {
    if (file.path.find("/" + book.value.language + ".toml") == std::string::npos)
      read.defects.push_back(defect_at(book.path, book.line, "the file must be named after its language"));
    if (book.value.language != "en" && (book.value.check.empty() || book.value.general.body.empty()))
      read.defects.push_back(defect_at(book.path, book.line, "'check' and [general] are needed"));
  }
  return std::move(read.defects);
}

Letter compose_inquiry(const LetterBook& book) {
  return {"postmaster", book.inquiry.subject,
          book.opening + "\n\n" + std::string(trim(book.inquiry.body)) + "\n\n" + book.closing};
}

Letter compose(const LetterBook& book, const Cause& cause) {
  Letter out = *cause.letter;
  if (auto who = book.to.find(out.to); who != book.to.end()) out.to = who->second;
  if (book.general.body.empty()) return out;  // English: the cause's own letter is whole
  auto own = book.letters.find(cause.code);
  const Letter& text = own == book.letters.end() ? book.general : own->second;
  out.subject = text.subject;
  out.body = book.opening + "\n\n" + std::string(trim(text.body)) + "\n\n" + book.check + "\n\n" + book.closing;
  for (auto* part : {&out.subject, &out.body}) {
    *part = replace_all(*part, "{code}", cause.code);
    *part = replace_all(*part, "{title}", cause.title);
  }
  return out;
}

}  // namespace smtpdx::kb
