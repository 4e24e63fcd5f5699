// SPDX-License-Identifier: Apache-2.0
#include "dkim/verify.hpp"

#include "dkim/check.hpp"

namespace smtpdx::dkim {

namespace {

/// Keys for those that need one, all asked at once; the same name only once is the resolver's business.
io::Task<void> fetch_keys(dns::Resolver& resolver, std::vector<Verdict>& verdicts, const std::vector<bool>& wanted,
                          Deadline deadline) {
  std::vector<io::Task<KeyLookup>> tasks;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (wanted[i])
      tasks.push_back(look_up_key(resolver, verdicts[i].signature.selector, verdicts[i].signature.domain, deadline));
  if (tasks.empty()) co_return;
  if (tasks.size() == 1) {
    auto only = co_await tasks.front();
    for (std::size_t i = 0; i < verdicts.size(); ++i)
      if (wanted[i]) verdicts[i].key_lookup = std::move(only);
    co_return;
  }
  auto found = co_await io::when_all(std::move(tasks));
  std::size_t next = 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (wanted[i]) verdicts[i].key_lookup = std::move(found[next++]);
}

}  // namespace

io::Task<std::vector<Verdict>> verify(const Message& message, dns::Resolver& resolver, KeyCache& cache, Options options,
                                      Deadline deadline) {
  const auto& fields = message.all("dkim-signature");
  std::vector<Verdict> verdicts(fields.size());
  std::vector<bool> wanted(fields.size());
  Context context(message, cache);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i < options.most_signatures) {
      wanted[i] = begin(context, FieldKind::dkim, fields[i], options, verdicts[i]);
      continue;
    }
    verdicts[i].offset = message.fields()[fields[i]].offset;
    decide(verdicts[i], Result::policy, Reason::too_many,
           "only the topmost " + std::to_string(options.most_signatures) + " signatures are looked at");
  }
  co_await fetch_keys(resolver, verdicts, wanted, deadline);
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (wanted[i]) finish(context, FieldKind::dkim, fields[i], options, verdicts[i]);
  co_return verdicts;
}

}  // namespace smtpdx::dkim
