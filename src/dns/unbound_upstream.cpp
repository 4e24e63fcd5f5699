// SPDX-License-Identifier: Apache-2.0
#include "dns/unbound_upstream.hpp"

// libunbound on our loop.
//
// ub_ctx_async with a thread: libunbound resolves in its own thread and tells by a pipe (ub_fd) that answers are ready;
// ub_process calls the callbacks on our thread. Each look-up waits for the pipe or its deadline; whoever is woken first
// drains it for all.
//
// Settings are chosen so that a first look-up costs what the question costs: no query-name minimisation (a round trip
// a label), no speculative fetching, small caches (their allocation is most of libunbound's start). Its built-in zones
// that a mail laboratory or a private network would miss are opened: test., the documentation networks, RFC 1918.
//
// Not here: what the silence of a forwarder means (libunbound levels it to SERVFAIL), caching, the trace.

#include <unbound.h>

#include <array>
#include <cassert>
#include <ctime>
#include <fstream>

#include "base/text.hpp"
#include "io/real.hpp"

namespace smtpdx::dns {
namespace {

struct FreeContext {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, FreeContext>;

struct FreeResult {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};

struct Option {
  const char* name;
  const char* value;
};

constexpr Option common_options[] = {
    {"do-not-query-localhost:", "no"}, {"qname-minimisation:", "no"},
    {"aggressive-nsec:", "no"},        {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},    {"prefetch-key:", "yes"},
    {"trust-anchor-signaling:", "no"}, {"target-fetch-policy:", "0 0 0 0 0"},
    {"msg-cache-size:", "1m"},         {"rrset-cache-size:", "2m"},
    {"key-cache-size:", "1m"},         {"neg-cache-size:", "256k"},
    {"outgoing-range:", "256"},        {"num-queries-per-thread:", "1024"},
    {"incoming-num-tcp:", "1"},        {"outgoing-num-tcp:", "16"},
};

/// Built-in zones with nothing in them; the documentation networks of IPv4 and IPv6, and test. (RFC 6761, RFC 6303).
constexpr const char* opened_zones[] = {"2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.",
                                        "8.b.d.0.1.0.0.2.ip6.arpa.", "test."};

std::unexpected<Error> not_taken(const std::string& what, int code) {
  return fail(ErrorKind::usage, what + ": " + to_lower(ub_strerror(code)));
}

std::string override_date(WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
  return text.data();
}

Result<Context> make_context(const UnboundSettings& settings) {
  Context context(ub_ctx_create());
  if (!context) return fail(ErrorKind::system, "the resolver library could not be started");
  ub_ctx_debugout(context.get(), nullptr);  // it would write to stderr otherwise
  for (const auto& option : common_options) {
    if (int code = ub_ctx_set_option(context.get(), option.name, option.value)) return not_taken(option.name, code);
  }
  const char* modules = settings.trust_anchors.empty() ? "iterator" : "validator iterator";
  if (int code = ub_ctx_set_option(context.get(), "module-config:", modules)) return not_taken(modules, code);
  if (settings.validation_time) {
    auto date = override_date(*settings.validation_time);
    if (int code = ub_ctx_set_option(context.get(), "val-override-date:", date.c_str())) return not_taken(date, code);
  }
  for (const auto& server : settings.forwarders) {
    auto address = server.address.to_string() + "@" + std::to_string(server.port);
    if (int code = ub_ctx_set_fwd(context.get(), address.c_str())) return not_taken("resolver " + address, code);
  }
  for (const auto& anchor : settings.trust_anchors) {
    if (int code = ub_ctx_add_ta(context.get(), anchor.c_str())) return not_taken("trust anchor " + anchor, code);
  }
  if (int code = ub_ctx_async(context.get(), 1)) return not_taken("thread", code);
  for (const char* zone : opened_zones) {  // last: the first of these calls reads all settings
    if (int code = ub_ctx_zone_remove(context.get(), zone)) return not_taken("the resolver library's settings", code);
  }
  return context;
}

/// Filled by the callback, on our thread; lives in the frame of the look-up, which cancels the query before it goes.
struct Slot {
  bool done = false;
  int error = 0;
  std::unique_ptr<ub_result, FreeResult> result;

  static void deliver(void* self, int error, ub_result* result) {
    auto& slot = *static_cast<Slot*>(self);
    slot.done = true;
    slot.error = error;
    slot.result.reset(result);
  }
};

/// Cancels when the frame goes, however it goes.
struct Running {
  ub_ctx* context;
  int id;
  const Slot& slot;
  ~Running() {
    if (!slot.done) ub_cancel(context, id);
  }
};

class UnboundUpstream : public Upstream {
 public:
  UnboundUpstream(io::Runtime& runtime, Context context, const UnboundSettings& settings)
      : context_(std::move(context)), ready_(io::make_readiness(runtime, ub_fd(context_.get()))) {
    std::vector<std::string> names;
    for (const auto& server : settings.forwarders) names.push_back(server.to_string());
    peer_ = names.empty() ? "the root servers" : join(names, ", ");
    if (names.size() == 1) server_ = names.front();
    for (const auto& anchor : settings.trust_anchors) {
      if (auto record = wire::record_from_line(anchor)) anchored_.push_back(record->owner);
    }
  }

  std::string peer() const override { return peer_; }

  io::Task<Answer> ask(Inquiry inquiry) override {
    Slot slot;
    int id = 0;
    const auto name = inquiry.question.name.empty() ? "." : inquiry.question.name;
    int code = ub_resolve_async(context_.get(), name.c_str(), static_cast<int>(inquiry.question.type), 1, &slot,
                                &Slot::deliver, &id);
    if (code != 0) co_return failed_answer(inquiry.question, Status::local, ub_strerror(code));
    Running running{context_.get(), id, slot};
    while (!slot.done) {
      bool readable = co_await ready_->wait_readable(inquiry.deadline);
      if (readable && !slot.done) ub_process(context_.get());
      if (!readable) break;
    }
    if (!slot.done) {
      auto answer = failed_answer(inquiry.question, Status::timed_out, "no answer within the deadline");
      answer.server = server_;
      co_return answer;
    }
    co_return read(slot, inquiry.question);
  }

 private:
  Answer read(const Slot& slot, const wire::Question& question) const {
    if (slot.error != 0 || !slot.result) {
      return failed_answer(question, Status::local, ub_strerror(slot.error));
    }
    auto answer = read_packet(*slot.result, question);
    answer.authoritative = false;
    answer.referral.clear();
    answer.server = server_;
    judge_validation(*slot.result, answer);
    return answer;
  }

  static Answer read_packet(const ub_result& result, const wire::Question& question) {
    if (result.bogus) return failed_answer(question, Status::servfail, "");
    if (result.answer_packet == nullptr) {
      return failed_answer(question, Status::servfail, wire::rcode_name(static_cast<std::uint16_t>(result.rcode)));
    }
    std::string_view packet(static_cast<const char*>(result.answer_packet),
                            static_cast<std::size_t>(result.answer_len));
    auto message = wire::parse(packet);
    if (!message) return failed_answer(question, Status::servfail, "malformed response: " + message.error().message);
    message->response = true;
    return wire::interpret(*message, question);
  }

  void judge_validation(const ub_result& result, Answer& answer) const {
    if (result.bogus) {
      answer.validation = Validation::bogus;
      answer.why = result.why_bogus ? result.why_bogus : "validation failed";
      return;
    }
    if (answer.status == Status::servfail || !anchored(answer.name)) return;
    answer.validation = result.secure ? Validation::secure : Validation::insecure;
  }

  /// Whether any anchor speaks for the name; otherwise nothing may be claimed ("indeterminate", RFC 4035 §4.3).
  bool anchored(std::string_view name) const {
    for (const auto& owner : anchored_) {
      if (owner.empty() || in_domain(name, owner)) return true;
    }
    return false;
  }

  Context context_;
  std::unique_ptr<io::Readiness> ready_;
  std::string peer_;
  std::string server_;
  std::vector<std::string> anchored_;
};

bool is_anchor(const std::string& line) {
  auto record = wire::record_from_line(line);
  return record && (record->type == Type::DS || record->type == Type::DNSKEY);
}

}  // namespace

Result<std::unique_ptr<Upstream>> make_unbound_upstream(io::Runtime& runtime, const UnboundSettings& settings) {
  auto context = make_context(settings);
  if (!context) return std::unexpected(context.error());
  return std::make_unique<UnboundUpstream>(runtime, std::move(*context), settings);
}

Result<std::vector<std::string>> read_trust_anchors(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorKind::unreadable, "the trust anchor file " + path + " cannot be read");
  std::vector<std::string> anchors;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    auto text = std::string(trim(std::string_view(line).substr(0, line.find(';'))));
    if (text.empty()) continue;
    if (!is_anchor(text)) {
      return fail(ErrorKind::malformed, path + ":" + std::to_string(number) + " is not a DS or DNSKEY record",
                  "one record a line, as in: . IN DS 20326 8 2 E06D…");
    }
    anchors.push_back(std::move(text));
  }
  if (anchors.empty()) return fail(ErrorKind::malformed, path + " holds no trust anchor");
  return anchors;
}

}  // namespace smtpdx::dns
