// SPDX-License-Identifier: Apache-2.0
//
// The conditions of a statement are tested in order, up to the first that fails; modifiers take effect where they
// stand. What a verb makes of the result, and whose words the client is told, is in `after`.

#include "mta/exim/acl_run.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {
namespace {

class Run {
 public:
  Run(Context& c, const Acl& acl) : c_(c), acl_(acl) {}

  AclResult all() {
    for (const auto& statement : acl_.statements) {
      if (!c_.step()) break;
      reply_ = {};
      c_.last_statement = DecidedBy{std::string(to_string(statement.verb)), acl_.name, statement.where};
      endpass_ = false;
      const auto tested = conditions(statement);
      note(statement, tested);
      if (auto end = after(statement, tested)) return *end;
    }
    return {AclResult::deny, reply_, std::nullopt};  // the last statement's words stand
  }

 private:
  /// Tests the statement; the message is taken over where its result calls for one.
  Tested conditions(const Statement& statement) {
    Tested result{Answer::yes, "no condition", AclResult::accept, {}};
    const std::string* message = nullptr;
    for (const auto& clause : statement.clauses) {
      if (clause.name == "endpass") {
        endpass_ = true;
        continue;
      }
      if (clause.name == "message") {
        message = &clause.argument;
        continue;
      }
      if (clause.name == "log_message" || clause.name == "log_reject_target") continue;
      auto one = clause_result(statement.verb, clause);
      if (!one) continue;
      if (clause.negated && (one->answer == Answer::yes || one->answer == Answer::no)) {
        one->answer = one->answer == Answer::yes ? Answer::no : Answer::yes;
        one->kind = one->answer == Answer::yes ? AclResult::accept : AclResult::deny;
        one->by.reset();
      }
      one->why = clause_words(clause) + (one->why.empty() ? "" : ": " + one->why);
      result = std::move(*one);
      if (result.answer != Answer::yes) break;
    }
    if (message != nullptr) take_message(statement.verb, result, *message);
    return result;
  }

  static std::string clause_words(const Clause& clause) {
    return std::string(clause.negated ? "! " : "") + clause.name;
  }

  /// nullopt where it is no condition, or its expansion was made to fail.
  std::optional<Tested> clause_result(Verb verb, const Clause& clause) {
    static constexpr std::string_view lists[] = {"domains", "hosts",          "local_parts",   "recipients",
                                                 "senders", "sender_domains", "authenticated", "encrypted"};
    const bool raw = std::find(std::begin(lists), std::end(lists), clause.name) != std::end(lists);
    if (!allowed_here(clause.name, c_.acl_where))
      return Tested{Answer::error,
                    "cannot use " + clause.name + " in the " + std::string(c_.acl_where) + " ACL",
                    AclResult::error,
                    {}};
    if (raw) return test_condition(c_, verb, clause, clause.argument, reply_);
    auto text = expand(c_, clause.argument);
    if (text.kind == Text::forced) return std::nullopt;
    if (text.kind == Text::deferred) return Tested{Answer::defer, text.why, AclResult::defer, {}};
    if (text.kind == Text::failed)
      return Tested{Answer::error, "failed to expand ACL string: " + text.why, AclResult::error, {}};
    if (clause.name == "set") {
      c_.variables.insert_or_assign(clause.variable, text);
      return std::nullopt;
    }
    static constexpr std::string_view silent[] = {"add_header", "continue", "delay",         "dscp",
                                                  "logwrite",   "queue",    "remove_header", "udpsend"};
    if (std::find(std::begin(silent), std::end(silent), clause.name) != std::end(silent)) return std::nullopt;
    if (text.kind == Text::open)
      return Tested{c_.ask(text.why) ? Answer::yes : Answer::no, "depends on " + text.why, AclResult::deny, {}};
    if (clause.name == "control") {
      auto done = apply_control(c_, text.value);
      return done.answer == Answer::yes ? std::nullopt : std::optional(done);
    }
    return test_condition(c_, verb, clause, text.value, reply_);
  }

  /// Which results of a verb use its message.
  static bool uses_message(Verb verb, Answer answer, bool endpass) {
    switch (verb) {
      case Verb::accept:
      case Verb::discard:
        return (answer == Answer::yes && !endpass) || answer == Answer::no;
      case Verb::require:
        return answer == Answer::no;
      default:
        return answer == Answer::yes;
    }
  }

  void take_message(Verb verb, const Tested& result, const std::string& message) {
    if (!uses_message(verb, result.answer, endpass_)) return;
    const auto text = expand(c_, message);
    if (text.kind == Text::failed || text.kind == Text::forced || text.kind == Text::deferred) return;
    if (text.value.empty()) return;
    reply_.user = text.value;
    reply_.user_set = true;
  }

  void note(const Statement& statement, const Tested& tested) {
    static constexpr std::string_view words[] = {"succeeded", "failed", "deferred", "error"};
    c_.trace.push_back({std::string(to_string(statement.verb)),
                        std::string(words[static_cast<std::size_t>(tested.answer)]), tested.why, acl_.name,
                        statement.where});
  }

  std::optional<AclResult> after(const Statement& statement, const Tested& tested) {
    const DecidedBy here{std::string(to_string(statement.verb)), acl_.name, statement.where};
    const auto end = [&](AclResult::Kind kind) { return AclResult{kind, reply_, tested.by ? tested.by : here}; };
    const auto outer = [&](AclResult::Kind kind) { return AclResult{kind, reply_, here}; };
    const bool yes = tested.answer == Answer::yes;
    if (tested.answer == Answer::error) return outer(AclResult::error);
    if (tested.answer == Answer::defer)
      return statement.verb == Verb::warn ? std::nullopt : std::optional(outer(AclResult::defer));
    switch (statement.verb) {
      case Verb::accept:
        if (yes) return end(tested.kind == AclResult::discard ? AclResult::discard : AclResult::accept);
        return endpass_ ? std::optional(end(tested.kind)) : std::nullopt;
      case Verb::discard:
        if (yes) return end(AclResult::discard);
        return endpass_ ? std::optional(end(tested.kind)) : std::nullopt;
      case Verb::require:
        return yes ? std::nullopt : std::optional(end(tested.kind));
      case Verb::defer:
        reply_.temporary_details = true;
        return yes ? std::optional(outer(AclResult::defer)) : std::nullopt;
      case Verb::deny:
        return yes ? std::optional(outer(AclResult::deny)) : std::nullopt;
      case Verb::drop:
        return yes ? std::optional(outer(AclResult::drop)) : std::nullopt;
      case Verb::warn:
        reply_ = {};
        break;
    }
    return std::nullopt;
  }

  Context& c_;
  const Acl& acl_;
  ReplyText reply_;
  bool endpass_ = false;
};

constexpr unsigned max_acl_depth = 20;  // Exim's own limit

struct Nested {
  explicit Nested(unsigned& depth) : depth_(depth) { ++depth_; }
  ~Nested() { --depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  unsigned& depth_;
};

AclResult broken(std::string why) {
  AclResult result;
  result.kind = AclResult::error;
  result.reply.user = {};
  result.reply.sender_verify_why = std::move(why);
  return result;
}

}  // namespace

AclResult run_named_acl(Context& c, const std::string& text, const Where& where) {
  const Nested nested(c.acl_depth);
  if (c.acl_depth > max_acl_depth) return broken("ACL nested too deep");
  const std::string name(trim(text));
  const auto at = c.configuration.acls.find(name);
  if (at != c.configuration.acls.end()) return Run(c, at->second).all();
  std::string statements = text;
  if (name.starts_with('/')) {
    std::string why;
    const auto* file = c.configuration.files->text(name, why);
    if (file == nullptr) {
      const bool fine = c.ask("what the ACL " + printable(name, 100) + " says");
      return {fine ? AclResult::accept : AclResult::deny, {}, std::nullopt};
    }
    statements = *file;
  }
  auto acl = parse_acl_text(statements, where);
  if (!acl) return broken(acl.error().message);
  acl->name = name.starts_with('/') ? name : "inline";
  return Run(c, *acl).all();
}

AclResult run_acl(Context& c, std::string_view where, const Setting& text) {
  c.acl_where = where;
  const bool discards = where == "mail" || where == "rcpt";
  const auto expanded = expand(c, text.value);
  if (expanded.kind == Text::forced) return {};
  if (expanded.kind == Text::open) {
    const bool fine = c.ask(expanded.why);
    return {fine ? AclResult::accept : AclResult::deny, {}, std::nullopt};
  }
  if (!expanded.good()) return broken(expanded.why);
  auto result = run_named_acl(c, expanded.value, text.where);
  if (result.kind == AclResult::discard && !discards) result.kind = AclResult::error;
  return result;
}

Text run_acl_as_text(Context& c, const std::vector<Text>& all) {
  auto saved = c.acl_arguments;
  c.acl_arguments.assign(all.begin() + 1, all.end());
  const auto result = run_named_acl(c, all.front().value, {});
  c.acl_arguments = std::move(saved);
  switch (result.kind) {
    case AclResult::accept:
      return {Text::ok, result.reply.user, {}, false};
    case AclResult::defer:
    case AclResult::error:
      return {Text::deferred, {}, "the ACL " + all.front().value + " deferred", false};
    default:
      return {Text::forced, {}, "the ACL " + all.front().value + " denied", false};
  }
}

}  // namespace smtpdx::mta::exim
