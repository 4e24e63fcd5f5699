// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report for people and for programs. Decides nothing: what is proved, in which order, is in the report.

#include <string>
#include <string_view>

#include "diag/report.hpp"
#include "kb/catalogue.hpp"
#include "kb/letters.hpp"
#include "trace/log.hpp"

namespace smtpdx::render {

struct TextOptions {
  bool color = false;
  bool verbose = false;  ///< all products' steps, all observations, transcripts
  unsigned width = 100;  ///< columns to fold at; 0 = never fold
  std::string product;   ///< --product: whose steps to print first; empty = the general ones
  std::string audience;  ///< --for: sender, admin, helpdesk; empty = everything
};

/// Everything a renderer needs besides its options. `log` may be null where nothing was asked of the world.
struct Subject {
  const diag::Report& report;
  const kb::Catalogue& catalogue;
  const trace::Log* log = nullptr;
  /// Who answers for the recipient's zone, by its SOA record: an address at another domain may arrive where the refused
  /// one does not. Empty: not looked up, or none.
  std::string zone_contact = {};
};

/// Order (contract §3): verdict · whose job · because · do this · prove it · ruled out · details.
std::string text(const Subject& subject, const TextOptions& options);
/// Contract §5, one document, compact, with a final newline.
std::string diagnosis_json(const Subject& subject);
/// One element of its `observations`, without line end.
std::string observation_json(const diag::Observation& observation);
/// Contract §4, one object of one line with a final newline.
std::string explain_json(const Subject& subject);
/// Appends that object, without its line end, as the next element where a list of them has begun.
void append_explanation(const Subject& subject, std::string& list);
/// The letter of the first proved or likely cause that has one, in the book's language, placeholders filled; an inquiry
/// to the refuser where nothing is settled; empty where nothing was refused.
std::string letter(const Subject& subject, const kb::LetterBook& book);
/// --for sender and helpdesk (audience.cpp): the same report, in as much as the reader can use. Other words: text().
std::string for_sender(const Subject& subject, const TextOptions& options);
std::string for_helpdesk(const Subject& subject, const TextOptions& options);
/// One cause of the catalogue, or all of them, as text and as JSON.
std::string cause_text(const kb::Cause& cause, const TextOptions& options);
std::string causes_json(const std::vector<const kb::Cause*>& causes);
std::string causes_table(const kb::Catalogue& catalogue);

/// `{server}`, `{to}`, … in a command or letter; a placeholder without a value stays as an upper-case word ("SERVER").
std::string fill(std::string_view pattern, const Subject& subject);
/// The same for a command that somebody pastes into a shell: values from strangers are quoted where they have to be.
std::string fill_command(std::string_view pattern, const Subject& subject);

}  // namespace smtpdx::render
