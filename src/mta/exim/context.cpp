// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/context.hpp"

#include <algorithm>

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_steps = 200'000;

}  // namespace

bool Questions::ask(const std::string& what) {
  const auto at = std::find(asked_.begin(), asked_.end(), what);
  const auto index = static_cast<std::size_t>(at - asked_.begin());
  if (at == asked_.end()) asked_.push_back(what);
  return index < answers_.size() && answers_[index];
}

std::optional<std::vector<bool>> Questions::next() const {
  auto answers = answers_;
  answers.resize(asked_.size(), false);
  while (!answers.empty() && answers.back()) answers.pop_back();
  if (answers.empty()) return std::nullopt;
  answers.back() = true;
  return answers;
}

bool Context::step() {
  if (++steps > max_steps) exhaust("what comes of more work than is done for one session");
  return exhausted_.empty();
}

}  // namespace smtpdx::mta::exim
