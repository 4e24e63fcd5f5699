// SPDX-License-Identifier: Apache-2.0

// A store by hand, for the tests beside it.
//
//   smtpdx-store-shell URL talk          answers commands on stdin, a line each: put ID SIZE, get ID, erase ID, probe,
//                                        check, backup PATH, where
//   smtpdx-store-shell URL work SEED N   a row of changes made from SEED; N of them were acknowledged in earlier runs.
//                                        Checks that the store holds exactly these, or these and the one that was under
//                                        way; says "open K"; goes on with change K+1, saying "done K+1" after each
//   … work SEED N stubborn               the same, repeating a change whose surroundings failed until it works
//   smtpdx-store-shell URL empty         forgets everything (PostgreSQL)
//
// Trouble is said as "WORD MESSAGE", the word as in store/error.hpp. What does not hold is said as "WRONG …", exit
// code 1.

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include "base/random.hpp"
#include "base/text.hpp"
#include "store/sql.hpp"
#include "store/store.hpp"

namespace {

using namespace smtpdx;
using namespace smtpdx::store;

/// Those who talk want to see trouble soon; those who work, none because the machine is slow.
OpenOptions options(bool talks) { return {.patience = talks ? 1s : 10s, .start = OpenOptions::Start::may_come_later}; }
constexpr unsigned ids = 40;

/// In one write(): whoever reads it sees a whole line or none, also when we are killed.
void say(const std::string& line) {
  const std::string whole = line + "\n";
  if (::write(STDOUT_FILENO, whole.data(), whole.size()) < 0) _exit(3);
}

std::string words_of(const StoreError& error) { return std::string(to_string(error.trouble)) + " " + error.message; }

[[noreturn]] void wrong(const std::string& what) {
  say("WRONG " + what);
  std::exit(1);
}

/// The number-th change; the same for ever.
struct Change {
  enum class Kind { put, erase, audit } kind;
  std::string id;
  std::uint64_t number;
  std::size_t size;

  static Change of(std::uint64_t seed, std::uint64_t number) {
    Random random(seed * 1'000'003 + number);
    const auto dice = random.below(10);
    return {dice < 7   ? Kind::put
            : dice < 9 ? Kind::erase
                       : Kind::audit,
            "d_" + std::to_string(random.below(ids)), number,
            random.chance(20) ? random.below(200'000) : random.below(3000)};
  }

  StoredResult result() const {
    const WallTime now(std::chrono::seconds(1'700'000'000 + number));
    return {.id = id,
            .owner = "alice",
            .kind = "diagnosis",
            .title = std::to_string(number),
            .status = "done",
            .created = now,
            .finished = now,
            .request_json = "{}",
            .input = std::string(size, static_cast<char>(number)),
            .result_json = "{\"n\":" + std::to_string(number) + "}"};
  }

  Outcome<> make(Store& store) const {
    if (kind == Kind::put) return store.put(result());
    if (kind == Kind::audit) return store.audit({WallTime{}, "alice", "test", std::to_string(number), "ok"});
    const auto erased = store.erase(id, "alice");
    if (!erased) return std::unexpected(erased.error());
    return {};
  }
};

/// What the store must hold after so many changes.
struct Model {
  std::map<std::string, Change> results;
  std::uint64_t audit = 0;

  void add(const Change& change) {
    if (change.kind == Change::Kind::put) results.insert_or_assign(change.id, change);
    if (change.kind == Change::Kind::erase) results.erase(change.id);
    if (change.kind == Change::Kind::audit) ++audit;
  }

  std::string difference(Store& store, bool audit_may_repeat) const {
    for (unsigned i = 0; i < ids; ++i) {
      const auto id = "d_" + std::to_string(i);
      const auto found = store.get(id, "alice");
      if (!found) return words_of(found.error());
      const auto wanted = results.find(id);
      if (found->has_value() != (wanted != results.end())) return id + (*found ? " is there" : " is missing");
      if (!*found) continue;
      const auto result = wanted->second.result();
      if ((*found)->title != result.title) return id + " is of change " + (*found)->title + ", not " + result.title;
      if ((*found)->input != result.input || (*found)->result_json != result.result_json) return id + " is torn";
    }
    const auto counts = store.counts();
    if (!counts) return words_of(counts.error());
    if (counts->audit == audit || (audit_may_repeat && counts->audit > audit)) return "";
    return "audit log has " + std::to_string(counts->audit) + " entries, not " + std::to_string(audit);
  }
};

/// The server may still be at the last statement of a client that was killed.
void wait_for_the_dead(const std::string& url) {
  if (!url.starts_with("postgres")) return;
  const auto sql = make_postgres(url, 5s);
  sql->ready();
  constexpr auto others =
      "SELECT 1::int8 FROM pg_stat_activity WHERE application_name = 'smtpdx' AND pid <> pg_backend_pid()";
  while (!sql->run(others).rows.empty()) std::this_thread::sleep_for(5ms);
}

int empty(const std::string& url) {
  const auto sql = make_postgres(url, 5s);
  sql->ready();
  sql->run("DROP SCHEMA smtpdx CASCADE");
  return 0;
}

int work(Store& store, std::uint64_t seed, std::uint64_t done, bool stubborn) {
  Model model;
  for (std::uint64_t i = 1; i <= done; ++i) model.add(Change::of(seed, i));
  if (const auto before = model.difference(store, stubborn); !before.empty()) {
    model.add(Change::of(seed, ++done));
    if (const auto after = model.difference(store, stubborn); !after.empty()) {
      wrong("after " + std::to_string(done - 1) + ": " + before + "; one more: " + after);
    }
  }
  say("open " + std::to_string(done));
  for (;;) {
    const auto change = Change::of(seed, done + 1);
    const auto made = change.make(store);
    if (made) {
      say("done " + std::to_string(++done));
    } else {
      say(words_of(made.error()));
      if (!stubborn) return 1;
      std::this_thread::sleep_for(20ms);
    }
  }
}

std::string answer(Store& store, const std::vector<std::string_view>& words) {
  const auto of = [](const auto& outcome) { return outcome ? std::string("ok") : words_of(outcome.error()); };
  const std::string verb(words[0]);
  const std::string what(words.size() > 1 ? words[1] : "");
  if (verb == "put") {
    Change change{Change::Kind::put, what, 1, parse_number(words.size() > 2 ? words[2] : "1").value_or(1)};
    return of(store.put(change.result()));
  }
  if (verb == "get") {
    const auto found = store.get(what, "alice");
    return found && !*found ? "absent" : of(found);
  }
  if (verb == "erase") return of(store.erase(what, "alice"));
  if (verb == "probe") return of(store.probe());
  if (verb == "check") return of(store.check());
  if (verb == "backup") return of(store.backup_to(what));
  if (verb == "where") return store.where();
  return "no such command";
}

int talk(Store& store) {
  say(store.trouble() ? words_of(*store.trouble()) : "ok");
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = split_words(line);
    if (!words.empty()) say(answer(store, words));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return 2;
  if (words[1] == "empty") return empty(words[0]);
  if (words[1] == "work") wait_for_the_dead(words[0]);
  auto store = open_store(words[0], options(words[1] == "talk"));
  if (!store) {
    say(words_of(store.error()));
    return 1;
  }
  if (words[1] == "talk") return talk(**store);
  if (words.size() < 4) return 2;
  const bool stubborn = words.size() > 4 && words[4] == "stubborn";
  return work(**store, parse_number(words[2]).value_or(0), parse_number(words[3]).value_or(0), stubborn);
} catch (const Failure& failure) {
  say(words_of(failure.error()));
  return 1;
}
