// SPDX-License-Identifier: Apache-2.0
//
// Accounts and tokens of a server that others use (`serve --tls-cert`, `--behind-proxy`), and the store that holds
// them.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/text.hpp"
#include "cli/verbs.hpp"
#include "store/password.hpp"
#include "store/store.hpp"
#include "web/callers.hpp"

namespace smtpdx::cli {

namespace {

struct Options {
  OutputOptions output;
  SecretOptions secret;
  std::string what, first, second, store;
  std::vector<std::string> scopes;
  double days = 365;
};

WallTime now() { return std::chrono::system_clock::now(); }

Exit complain(const store::StoreError& error) { return cli::complain(error.as_error()); }

std::string day_of(WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[16] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

Result<std::unique_ptr<store::Store>> open(const std::string& url) {
  const auto path = url.empty() ? store::default_store_path() : store::Outcome<std::string>(url);
  if (!path) return std::unexpected(path.error().as_error());
  auto opened = store::open_store(*path);
  if (!opened) return std::unexpected(opened.error().as_error());
  return std::move(*opened);
}

/// Of --password-file, --password-env …, else asked for.
Result<std::string> new_hash(Options& o) {
  o.secret.user = o.first;
  auto password = read_secret(o.secret, o.output);
  if (!password) return std::unexpected(password.error());
  if (password->empty())
    return fail(ErrorKind::usage, "no password", "--password-file FILE, or a terminal to type it at");
  return store::hash_password(*password);
}

Exit done(const std::string& words) {
  print(words + "\n");
  return Exit::fine;
}

Exit nobody(const std::string& name) {
  return cli::complain({ErrorKind::usage, "there is no account " + name, "smtpdx account list"});
}

Exit add(store::Store& store, Options& o) {
  auto hash = new_hash(o);
  if (!hash) return cli::complain(hash.error());
  if (auto ok = store.add_user({o.first, *hash, "user", now()}); !ok) return complain(ok.error());
  return done("account " + o.first + " made");
}

Exit password(store::Store& store, Options& o) {
  auto hash = new_hash(o);
  if (!hash) return cli::complain(hash.error());
  const auto set = store.set_password(o.first, *hash);
  if (!set) return complain(set.error());
  return *set ? done("account " + o.first + " has a new password; its sessions are over") : nobody(o.first);
}

Exit remove(store::Store& store, Options& o) {
  const auto erased = store.erase_user(o.first);
  if (!erased) return complain(erased.error());
  return *erased ? done("account " + o.first + " is gone, with all that was kept for it") : nobody(o.first);
}

Exit list(store::Store& store, Options&) {
  const auto users = store.users();
  if (!users) return complain(users.error());
  for (const auto& user : *users) print(user.name + "  since " + day_of(user.created) + "\n");
  return Exit::fine;
}

/// The token itself is shown once and kept nowhere.
Exit token(store::Store& store, Options& o) {
  const auto user = store.find_user(o.first);
  if (!user) return complain(user.error());
  if (!*user) return nobody(o.first);
  if (o.scopes.empty()) o.scopes = {"explain"};
  for (const auto& scope : o.scopes)
    if (std::find(web::known_scopes().begin(), web::known_scopes().end(), scope) == web::known_scopes().end())
      return cli::complain({ErrorKind::usage, "--scope " + scope, "explain, diagnose, relay, keep or all"});
  const auto secret = web::random_word();
  const auto life = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::duration<double>(o.days * 86400));
  const store::ApiToken made{store::make_id("t_"),
                             o.first,
                             o.second.empty() ? "token" : o.second,
                             store::token_hash(secret),
                             o.scopes,
                             now(),
                             now() + life,
                             std::nullopt};
  if (auto ok = store.add_token(made); !ok) return complain(ok.error());
  std::fputs("Shown this once; send it as \"Authorization: Bearer …\":\n", stderr);
  return done(secret);
}

Exit tokens(store::Store& store, Options& o) {
  const auto all = store.tokens(o.first);
  if (!all) return complain(all.error());
  for (const auto& t : *all)
    print(t.id + "  " + t.name + "  " + join(t.scopes, ",") + "  until " + (t.expires ? day_of(*t.expires) : "ever") +
          (t.revoked ? "  revoked\n" : "\n"));
  return Exit::fine;
}

Exit revoke(store::Store& store, Options& o) {
  const auto revoked = store.revoke_token(o.second, o.first, now());
  if (!revoked) return complain(revoked.error());
  if (*revoked) return done("token " + o.second + " is revoked");
  return cli::complain({ErrorKind::usage, o.first + " has no token " + o.second, "smtpdx account tokens " + o.first});
}

Exit log(store::Store& store, Options&) {
  std::string cursor;
  do {
    const auto page = store.audit_log(200, cursor);
    if (!page) return complain(page.error());
    for (const auto& e : page->items)
      print(day_of(e.time) + "  " + e.who + "  " + e.what + "  " + e.target + "  " + e.outcome + "\n");
    cursor = page->next.value_or("");
  } while (!cursor.empty());
  return Exit::fine;
}

struct Word {
  std::string_view name;
  int names;  ///< how many words it wants
  Exit (*run)(store::Store&, Options&);
};
constexpr Word words[] = {{"add", 1, add},     {"password", 1, password}, {"remove", 1, remove}, {"list", 0, list},
                          {"token", 1, token}, {"tokens", 1, tokens},     {"revoke", 2, revoke}, {"log", 0, log}};

Exit backup(store::Store& store, Options& o) {
  auto ok = store.backup_to(o.first);
  return ok ? done(o.first + " holds everything of " + store.where()) : complain(ok.error());
}

Exit export_all(store::Store& store, Options&) {
  auto ok = store.export_to(std::cout, store::WithSecrets::no);
  return ok ? Exit::fine : complain(ok.error());
}

Exit import_all(store::Store& store, Options&) {
  const auto in = store.import_from(std::cin);
  if (!in) return complain(in.error());
  return done(std::to_string(in->added) + " rows came in, " + std::to_string(in->kept) + " were there already");
}

Exit check(store::Store& store, Options&) {
  auto ok = store.check();
  return ok ? done(store.where() + " is sound") : complain(ok.error());
}

constexpr Word store_words[] = {
    {"backup", 1, backup}, {"export", 0, export_all}, {"import", 0, import_all}, {"check", 0, check}};

template <std::size_t N>
Exit run_word(const Word (&all)[N], Options& o, const std::string& help) {
  for (const auto& word : all) {
    if (word.name != o.what) continue;
    if ((word.names > 0 && o.first.empty()) || (word.names > 1 && o.second.empty()))
      return cli::complain({ErrorKind::usage, o.what + " wants another word", help});
    auto opened = open(o.store);
    if (!opened) return cli::complain(opened.error());
    return word.run(**opened, o);
  }
  return cli::complain({ErrorKind::usage, o.what + ": not known here", help});
}

}  // namespace

Exit account(const std::vector<std::string>& args) {
  Options o;
  Flags flags("smtpdx account", "Accounts and API tokens of a server that others use.",
              "Examples:\n  smtpdx account add alice            asks for a password\n"
              "  smtpdx account token alice ci --scope explain --scope diagnose --days 90\n"
              "  smtpdx account list | tokens NAME | revoke NAME ID | password NAME | remove NAME | log");
  flags.positional("what", o.what, "add, password, remove, list, token, tokens, revoke or log", Flags::Need::required);
  flags.positional("name", o.first, "the account");
  flags.positional("label", o.second, "what the token is for, or its id");
  flags.list("--scope", o.scopes, "what the token may do: explain (default), diagnose, relay, keep, all; repeatable");
  flags.seconds("--days", o.days, "how long the token lives");
  flags.text("--store", o.store, "a file, or postgres://…; default: a file below ~/.local/state");
  flags.text("--password-file", o.secret.file, "first line of this file is the password");
  flags.text("--password-env", o.secret.env, "environment variable that holds the password");
  flags.text("--password-command", o.secret.command, "command whose first line of output is the password");
  add_output_options(flags, o.output);
  if (auto end = flags.parse(args)) return *end;
  return run_word(words, o, "smtpdx account --help");
}

Exit store(const std::vector<std::string>& args) {
  Options o;
  Flags flags(
      "smtpdx store", "What serve keeps: copies, moves, looks it through.",
      "Examples:\n  smtpdx store backup /var/backups/smtpdx.sqlite   while it is in use\n"
      "  smtpdx store export > all.ndjson\n  smtpdx store import --store postgres://smtpdx@db/smtpdx < all.ndjson\n"
      "  smtpdx store check");
  flags.positional("what", o.what, "backup, export, import or check", Flags::Need::required);
  flags.positional("path", o.first, "where the copy goes");
  flags.text("--store", o.store, "a file, or postgres://…; default: a file below ~/.local/state");
  add_output_options(flags, o.output);
  if (auto end = flags.parse(args)) return *end;
  return run_word(store_words, o, "smtpdx store --help");
}

}  // namespace smtpdx::cli
