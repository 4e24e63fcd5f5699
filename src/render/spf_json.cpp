// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"
#include "render/spf.hpp"
#include "spf/words.hpp"

namespace smtpdx::render {

namespace {

const char* kind_name(spf::TermKind kind) {
  using enum spf::TermKind;
  switch (kind) {
    case all:
      return "all";
    case include:
      return "include";
    case a:
      return "a";
    case mx:
      return "mx";
    case ptr:
      return "ptr";
    case ip4:
      return "ip4";
    case ip6:
      return "ip6";
    case exists:
      return "exists";
    case redirect:
      return "redirect";
    case exp:
      return "exp";
    case unknown_modifier:
      break;
  }
  return "unknown-modifier";
}

std::string section(const char* number) { return std::string("RFC 7208 §") + number; }

class Writer {
 public:
  explicit Writer(const spf::Outcome& outcome) : o_(outcome), w_(out_) {}

  std::string document() {
    w_.open('{');
    w_.key("schema").text("smtpdx.spf/1");
    w_.key("result").text(to_string(o_.result));
    w_.key("reason").text(to_string(o_.reason));
    w_.key("why").text(spf::why(o_));
    w_.key("rfc").text(section(section_of(o_.reason)));
    w_.key("explanation").text_or_null(o_.explanation);
    w_.key("lookups").number(o_.lookups);
    w_.key("void_lookups").number(o_.void_lookups);
    question();
    w_.key("records").open('[');
    for (const auto& policy : o_.policies) record(policy);
    w_.close(']');
    w_.key("trace").open('[');
    for (const auto& step : o_.steps) entry(step);
    w_.close(']');
    fix();
    w_.close('}');
    return std::move(out_) + "\n";
  }

 private:
  void question() {
    w_.key("ip").text(o_.client);
    w_.key("sender").text(o_.sender);
    w_.key("helo").text_or_null(o_.helo);
    w_.key("identity").text(to_string(o_.identity));
    w_.key("domain").text(o_.domain);
  }

  void fix() {
    w_.key("party").text(o_.result == spf::Result::pass ? "nobody" : "sender-admin");
    w_.key("fix").open('[');
    const auto steps = spf::advice(o_);
    if (!steps.empty()) {
      w_.open('{');
      w_.key("product").text("any");
      w_.key("steps").open('[');
      for (const auto& step : steps) w_.text(step);
      w_.close(']');
      w_.close('}');
    }
    w_.close(']');
  }

  void record(const spf::Policy& policy) {
    w_.open('{');
    w_.key("domain").text(policy.domain);
    w_.key("depth").number(policy.depth);
    w_.key("record").text_or_null(policy.text);
    w_.key("result").text(to_string(policy.result));
    w_.key("reason").text(to_string(policy.reason));
    w_.key("why").text(spf::why(o_, policy));
    w_.key("lookups").number(policy.lookups);
    w_.key("lookup");
    if (policy.looked)
      lookup(*policy.looked);
    else
      w_.null();
    w_.key("flaw");
    flaw(policy);
    w_.close('}');
  }

  void flaw(const spf::Policy& policy) {
    if (!policy.flaw) return w_.null();
    w_.open('{');
    w_.key("kind").text(to_string(policy.flaw->kind));
    w_.key("offset").number(policy.flaw->where.offset);
    w_.key("length").number(policy.flaw->where.length);
    w_.key("text").text(policy.flaw->where.of(policy.text));
    w_.key("rfc").text(section(section_of(policy.flaw->kind)));
    w_.close('}');
  }

  void entry(const spf::Step& step) {
    const auto& policy = o_.policies[step.policy];
    w_.open('{');
    w_.key("domain").text(policy.domain);
    w_.key("depth").number(policy.depth);
    w_.key("term").text(step.where.of(policy.text));
    w_.key("offset").number(step.where.offset);
    w_.key("length").number(step.where.length);
    w_.key("mechanism").text(kind_name(step.kind));
    w_.key("target").text_or_null(step.target);
    w_.key("lookups").open('[');
    for (const auto& one : step.looked) lookup(one);
    w_.close(']');
    w_.key("result").text(to_string(step.match));
    w_.key("gives");
    if (step.inner != spf::nowhere)
      w_.text(to_string(o_.policies[step.inner].result));
    else
      w_.null();
    w_.key("reason").text(to_string(step.reason));
    w_.key("why").text(spf::why(o_, step));
    w_.key("rfc").text(section(section_of(step.reason)));
    w_.key("lookups_so_far").number(step.lookups);
    w_.close('}');
  }

  void lookup(const spf::Looked& one) {
    const auto& answer = one.answer;
    w_.open('{');
    w_.key("name").text(answer.name);
    w_.key("type").text(dns::to_string(answer.type));
    w_.key("status").text(dns::to_string(answer.status));
    w_.key("void").boolean(one.is_void);
    w_.key("why").text_or_null(answer.why);
    w_.key("answers").open('[');
    for (const auto& record : answer.records) w_.text(value_of(record));
    w_.close(']');
    w_.key("ttl");
    if (answer.records.empty())
      w_.null();
    else
      w_.number(answer.records.front().ttl);
    w_.key("evidence");
    evidence(answer.evidence);
    w_.close('}');
  }

  void evidence(const trace::Evidence& found) {
    if (found.channel.empty()) return w_.null();
    w_.open('{');
    w_.key("channel").text(found.channel);
    w_.key("from").number(found.from);
    w_.key("to").number(found.to);
    w_.close('}');
  }

  static std::string value_of(const dns::Record& record) {
    switch (record.type) {
      case dns::Type::A:
      case dns::Type::AAAA:
        return record.address.to_string();
      case dns::Type::MX:
        return std::to_string(record.preference) + " " + (record.name.empty() ? "." : record.name);
      case dns::Type::TXT:
        return record.text;
      default:
        return record.name;
    }
  }

  const spf::Outcome& o_;
  std::string out_;
  JsonWriter w_;
};

}  // namespace

std::string spf_json(const spf::Outcome& outcome) { return Writer(outcome).document(); }

}  // namespace smtpdx::render
