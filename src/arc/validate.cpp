// SPDX-License-Identifier: Apache-2.0
#include "arc/validate.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "dkim/check.hpp"
#include "dkim/tags.hpp"

namespace smtpdx::arc {

const char* to_string(Result result) {
  return result == Result::none ? "none" : result == Result::pass ? "pass" : "fail";
}

namespace {
struct Row {
  Reason reason;
  const char* word;
  const char* section;
};
constexpr std::array rows{
    Row{Reason::verified, "verified", "RFC 8617 §5.2"},
    Row{Reason::no_chain, "no-chain", "RFC 8617 §5.2 step 1"},
    Row{Reason::bad_instance, "bad-instance", "RFC 8617 §4.2.1"},
    Row{Reason::duplicate, "duplicate", "RFC 8617 §5.2 step 3"},
    Row{Reason::incomplete, "incomplete", "RFC 8617 §5.2 step 3"},
    Row{Reason::gap, "gap", "RFC 8617 §5.2 step 3"},
    Row{Reason::sealed_as_fail, "sealed-as-fail", "RFC 8617 §5.2 step 2"},
    Row{Reason::chain_value, "chain-value", "RFC 8617 §5.2 step 3"},
    Row{Reason::message_signature, "message-signature", "RFC 8617 §5.2 step 4"},
    Row{Reason::seal, "seal", "RFC 8617 §5.2 step 6"},
};
const Row& row(Reason reason) {
  return *std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.reason == reason; });
}
}  // namespace

const char* to_string(Reason reason) { return row(reason).word; }
const char* section(Reason reason) { return row(reason).section; }

namespace {

constexpr unsigned most_sets = 50;  // RFC 8617 §4.2.1
constexpr std::array kinds{"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"};
enum Kind : std::size_t { results, message_signature, seal };

/// Indices of the three fields of one set.
using Fields = std::array<std::optional<std::uint32_t>, 3>;

void fail(Chain& chain, Reason reason, unsigned instance, std::string detail) {
  chain.result = Result::fail;
  chain.reason = reason;
  chain.broken_at = instance;
  chain.detail = std::move(detail);
}

std::optional<unsigned> instance_number(std::string_view text) {
  const auto n = text.size() <= 2 ? parse_number(text) : std::nullopt;
  return n && *n >= 1 && *n <= most_sets ? std::optional(static_cast<unsigned>(*n)) : std::nullopt;
}

/// arc-info = instance [CFWS] ";" authres-payload; instance = [CFWS] %s"i" [CFWS] "=" [CFWS] 1*2DIGIT. The instance and
/// the rest.
struct Results {
  std::optional<unsigned> instance;
  std::string_view payload;
};
Results read_results(std::string_view value) {
  const auto end = value.find(';');
  if (end == std::string_view::npos) return {};
  const auto first = value.substr(0, end);
  const auto equals = first.find('=');
  if (equals == std::string_view::npos || trim(first.substr(0, equals)) != "i") return {};
  return {instance_number(trim(first.substr(equals + 1))), value.substr(end + 1)};
}

std::optional<unsigned> instance_of(std::size_t kind, std::string_view value) {
  if (kind == Kind::results) return read_results(value).instance;
  const auto tags = dkim::TagList::parse(value);
  const auto i = tags.find("i");
  return i ? instance_number(*i) : std::nullopt;
}

class Validator {
 public:
  Validator(const dkim::Message& message, dkim::KeyCache& cache, const dkim::Options& options)
      : message_(message), options_(options), context_(message, cache) {}

  Chain chain;

  /// RFC 8617 §5.2 steps 1 to 3: false where that decides.
  bool collect() {
    std::size_t found = 0;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind)
      for (auto index : message_.all(kinds[kind])) {
        ++found;
        if (!take(kind, index)) return false;
      }
    if (found == 0) {
      chain.detail = "the message has no ARC fields";
      return false;
    }
    return complete() && read_sets() && chain_values();
  }

  /// Signatures that need a key, in the order of `fields()`.
  struct Wanted {
    dkim::Verdict* verdict;
    dkim::FieldKind kind;
    std::size_t set;
  };
  std::vector<Wanted> wanted;

  void judge() {
    for (const auto& w : wanted) {
      const auto own = *sets_[w.set][w.kind == dkim::FieldKind::arc_seal ? Kind::seal : Kind::message_signature];
      if (w.kind == dkim::FieldKind::arc_seal)
        dkim::judge_with_key(context_, w.kind, sealed_octets(w.set), *w.verdict);
      else
        dkim::finish(context_, w.kind, own, options_, *w.verdict);
    }
    conclude();
  }

  /// Also where no signature could be read far enough to ask for its key.
  void conclude() {
    auto& last = chain.sets.back();
    if (last.message_signature.result != dkim::Result::pass)
      return broken(Reason::message_signature, last.instance, last.message_signature);
    chain.oldest_pass = 0;
    for (auto set = chain.sets.rbegin(); set != chain.sets.rend(); ++set)
      if (set->message_signature.result != dkim::Result::pass) {
        chain.oldest_pass = set->instance + 1;
        break;
      }
    for (auto set = chain.sets.rbegin(); set != chain.sets.rend(); ++set)
      if (set->seal.result != dkim::Result::pass) return broken(Reason::seal, set->instance, set->seal);
    chain.result = Result::pass;
    chain.reason = Reason::verified;
    chain.detail = "all " + std::to_string(chain.sets.size()) + " sets hold";
  }

 private:
  bool take(std::size_t kind, std::uint32_t index) {
    const auto& field = message_.fields()[index];
    const auto instance = instance_of(kind, field.value());
    if (!instance) {
      fail(chain, Reason::bad_instance, 0,
           std::string(kinds[kind]) + " has no i= from 1 to 50: \"" + printable(trim(field.value()), 60) + "\"");
      return false;
    }
    if (sets_.size() < *instance) sets_.resize(*instance);
    auto& place = sets_[*instance - 1][kind];
    if (place) {
      fail(chain, Reason::duplicate, *instance,
           "two " + std::string(kinds[kind]) + " fields say i=" + std::to_string(*instance));
      return false;
    }
    place = index;
    return true;
  }

  bool complete() {
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      const auto instance = static_cast<unsigned>(i + 1);
      const auto present = std::ranges::count_if(sets_[i], [](const auto& f) { return f.has_value(); });
      if (present == 3) continue;
      if (present == 0) {
        fail(chain, Reason::gap, instance, "set " + std::to_string(instance) + " is missing, later ones are there");
        return false;
      }
      for (std::size_t kind = 0; kind < kinds.size(); ++kind)
        if (!sets_[i][kind])
          fail(chain, Reason::incomplete, instance,
               "set " + std::to_string(instance) + " has no " + std::string(kinds[kind]));
      return false;
    }
    return true;
  }

  /// Every field of every set, as far as it can be read without keys.
  bool read_sets() {
    chain.sets.resize(sets_.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      auto& set = chain.sets[i];
      set.instance = static_cast<unsigned>(i + 1);
      set.results = printable(fold_space(read_results(message_.fields()[*sets_[i][Kind::results]].value()).payload));
      if (dkim::begin(context_, dkim::FieldKind::arc_message, *sets_[i][Kind::message_signature], options_,
                      set.message_signature))
        wanted.push_back({&set.message_signature, dkim::FieldKind::arc_message, i});
      if (dkim::begin(context_, dkim::FieldKind::arc_seal, *sets_[i][Kind::seal], options_, set.seal))
        wanted.push_back({&set.seal, dkim::FieldKind::arc_seal, i});
    }
    return true;
  }

  bool chain_values() {
    const auto& last = chain.sets.back();
    if (last.seal.signature.chain == "fail") {
      fail(chain, Reason::sealed_as_fail, last.instance,
           "set " + std::to_string(last.instance) + " by " + last.seal.signature.domain +
               " says cv=fail: the chain was broken when it got there");
      return false;
    }
    for (const auto& set : chain.sets) {
      const auto& cv = set.seal.signature.chain;
      if (cv == (set.instance == 1 ? "none" : "pass")) continue;
      fail(chain, Reason::chain_value, set.instance,
           "set " + std::to_string(set.instance) + (cv.empty() ? " has no cv=" : " says cv=" + cv) +
               (set.instance == 1 ? ", and the first set has to say none" : ", and a later set has to say pass"));
      return false;
    }
    return true;
  }

  /// RFC 8617 §5.1.1: sets 1 to `last`, each AAR, AMS, AS, relaxed; the last seal without b= and without its CRLF.
  std::string sealed_octets(std::size_t last) const {
    std::string octets;
    for (std::size_t i = 0; i <= last; ++i)
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        const auto whole = message_.fields()[*sets_[i][kind]].whole;
        if (i == last && kind == Kind::seal) {
          const auto pieces = dkim::without_signature(whole);
          dkim::canonical_field(dkim::Canonicalization::relaxed, pieces.before, pieces.after, octets);
        } else {
          dkim::canonical_field(dkim::Canonicalization::relaxed, whole, octets);
          octets += "\r\n";
        }
      }
    return octets;
  }

  void broken(Reason reason, unsigned instance, const dkim::Verdict& why) {
    fail(chain, reason, instance,
         std::string(reason == Reason::seal ? "ARC-Seal " : "ARC-Message-Signature ") + std::to_string(instance) +
             (why.signature.domain.empty() ? "" : " by " + why.signature.domain) + " does not verify: " + why.detail);
    chain.temporary = why.result == dkim::Result::temperror;
  }

  const dkim::Message& message_;
  const dkim::Options& options_;
  dkim::Context context_;
  std::vector<Fields> sets_;
};

}  // namespace

io::Task<Chain> validate(const dkim::Message& message, dns::Resolver& resolver, dkim::KeyCache& cache,
                         dkim::Options options, Deadline deadline) {
  Validator validator(message, cache, options);
  if (!validator.collect()) co_return std::move(validator.chain);
  std::vector<io::Task<dkim::KeyLookup>> tasks;
  for (const auto& w : validator.wanted)
    tasks.push_back(dkim::look_up_key(resolver, w.verdict->signature.selector, w.verdict->signature.domain, deadline));
  auto found = co_await io::when_all(std::move(tasks));
  for (std::size_t i = 0; i < found.size(); ++i) validator.wanted[i].verdict->key_lookup = std::move(found[i]);
  validator.judge();
  co_return std::move(validator.chain);
}

}  // namespace smtpdx::arc
