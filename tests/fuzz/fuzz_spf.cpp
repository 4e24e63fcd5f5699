// SPDX-License-Identifier: Apache-2.0
// links: spf
// Any octets as a sender policy that everybody publishes, asked about with a DNS world made from the same octets: the
// reader keeps its places within the text, the macros theirs, every check ends within its limits and has its reasons.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dns/resolver.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"
#include "spf/check.hpp"
#include "spf/macro.hpp"
#include "spf/words.hpp"

namespace {

namespace spf = smtpdx::spf;
namespace dns = smtpdx::dns;

void demand(bool condition) {
  if (!condition) std::abort();
}

/// Every name has the policy under test; other types are found, absent or failing as the name's octets and the seed
/// say.
class World : public dns::Resolver {
 public:
  World(std::string policy, unsigned seed) : policy_(std::move(policy)), seed_(seed) {}

  smtpdx::io::Task<dns::Answer> query(std::string name, dns::Type type, smtpdx::Deadline) override {
    ++asked;
    dns::Answer answer;
    answer.name = answer.canonical_name = name;
    answer.type = type;
    unsigned hash = seed_ + static_cast<unsigned>(type);
    for (char c : name) hash = hash * 31 + static_cast<unsigned char>(c);
    if (type == dns::Type::TXT) {
      answer.status = hash % 16 == 0 ? dns::Status::timed_out : dns::Status::found;
      if (answer.status == dns::Status::found) add(answer, hash);
    } else {
      constexpr dns::Status states[] = {dns::Status::found,   dns::Status::found,   dns::Status::found,
                                        dns::Status::no_data, dns::Status::no_name, dns::Status::servfail};
      answer.status = states[hash % 6];
      for (unsigned i = 0; answer.status == dns::Status::found && i <= hash / 6 % 12; ++i) add(answer, hash + i);
    }
    co_return answer;
  }
  smtpdx::io::Task<dns::Answer> ask_server(smtpdx::Endpoint, std::string name, dns::Type type,
                                           smtpdx::Deadline deadline) override {
    return query(std::move(name), type, deadline);
  }
  unsigned asked = 0;

 private:
  void add(dns::Answer& answer, unsigned hash) const {
    dns::Record record;
    record.type = answer.type;
    record.name = hash % 3 == 0 ? "host.example.org" : "other.example";
    record.preference = static_cast<std::uint16_t>(hash % 5);
    record.text = policy_;
    record.address = answer.type == dns::Type::AAAA ? *smtpdx::IpAddress::parse("2001:db8::1")
                                                    : smtpdx::IpAddress::v4(0xC0000200 | (hash % 4));
    answer.records.push_back(std::move(record));
  }
  std::string policy_;
  unsigned seed_;
};

void check_reader(std::string_view text) {
  const auto inside = [&](spf::Span span) { demand(std::size_t{span.offset} + span.length <= text.size()); };
  spf::is_near_policy(text);
  if (!spf::is_policy(text)) return;
  const auto record = spf::parse_record(text);
  if (!record) {
    inside(record.error().where);
    inside(record.error().term);
    demand(record.error().where.length > 0);
    spf::describe(record.error(), text);
    return;
  }
  for (const auto& term : record->terms) {
    inside(term.where);
    inside(term.domain);
    demand(term.prefix4 <= 32 && term.prefix6 <= 128);
    demand(spf::check_macros(term.domain.of(text), spf::MacroUse::domain).fault == spf::MacroFault::none);
  }
}

void check_macros(std::string_view text) {
  spf::MacroValues values;
  values.sender = "a.b-c@d.example.org";
  values.local_part = "a.b-c";
  values.sender_domain = values.domain = "d.example.org";
  values.validated = values.helo = "host.example.org";
  values.receiver = "unknown";
  const auto found = spf::check_macros(text, spf::MacroUse::explanation);
  demand(found.at + found.length <= text.size() || found.fault == spf::MacroFault::none);
  demand(found.tail <= text.size());
  spf::expand_macros(text, values);
  const auto name = spf::expand_domain(text, values);
  // Longer only where the last label alone is.
  demand(name.size() <= 253 || name.find('.', name.size() - 254) == std::string::npos);
}

void check_evaluation(std::string_view text, unsigned seed) {
  static const auto runtime = smtpdx::io::make_runtime(std::nullopt);
  World world{std::string(text), seed};
  spf::Question question;
  question.client = *smtpdx::IpAddress::parse(seed % 2 == 0 ? "192.0.2.1" : "2001:db8::1");
  question.sender = seed % 8 == 0 ? "" : "a.b-c@d.example.org";
  question.helo = seed % 3 == 0 ? "x y" : "host.example.org";
  const auto deadline = runtime->deadline_in(std::chrono::seconds(60));
  const auto outcome = smtpdx::io::run(*runtime, spf::check(world, question, deadline));
  demand(outcome.lookups <= 11);
  demand(world.asked <= 11 * 12 + 14);
  for (const auto& step : outcome.steps) {
    demand(step.policy < outcome.policies.size());
    demand(!spf::why(outcome, step).empty());
  }
  for (const auto& policy : outcome.policies) demand(!spf::why(outcome, policy).empty());
  demand(!spf::why(outcome).empty() && !spf::headline(outcome).empty() && !spf::whose_job(outcome).empty());
  demand((outcome.result == spf::Result::pass) == spf::advice(outcome).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto text = octets.substr(1);
  check_reader(text);
  check_macros(text);
  // Most inputs are no policy by themselves; as terms behind the version they are.
  check_evaluation(text, data[0]);
  const auto policy = "v=spf1 " + std::string(text);
  check_reader(policy);
  check_evaluation(policy, data[0]);
  return 0;
}
