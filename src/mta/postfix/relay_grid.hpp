// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of relay_set.cpp: one service's combinations of classes, what the replay says of each, and the few boxes that
// cover what is alike. Not for other floors.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mta/postfix/relay_axes.hpp"
#include "mta/postfix/relay_set.hpp"

namespace smtpdx::mta::postfix {

class Grid {
 public:
  static constexpr std::size_t max_combinations = 60'000;
  /// Null where a configuration lacks the service; not all are.
  explicit Grid(std::vector<std::unique_ptr<Side>> sides);
  Result<void> fill();

  std::size_t size() const { return possible_.size(); }
  const Service& service() const;
  Relay at(std::size_t side, std::size_t cell) const { return relay_[side][cell]; }
  /// The cell a session falls into; nullopt where one of its parts has no class.
  std::optional<std::size_t> cell_of(const Session& session) const;
  const Axis& axis(std::size_t index) const { return axes_[index]; }
  Side* side(std::size_t index) const { return sides_[index].get(); }
  std::vector<std::string> not_bounded() const;
  bool bounded() const;

  using Test = std::function<bool(std::size_t cell)>;
  /// Regions that hold every cell of `seeds` and no possible one outside of `among`; described by `side`.
  void cover(std::size_t side, const Test& seeds, const Test& among, std::vector<RelayRegion>& out) const;

 private:
  using Box = std::vector<std::vector<bool>>;  // by axis and value
  std::vector<std::size_t> coordinates(std::size_t cell) const;
  Draft draft(const std::vector<std::size_t>& at) const;
  Relay ask(std::size_t side, const Draft& draft, const std::vector<std::size_t>& at, Decision* told) const;
  bool fits(const Box& box, const Test& among) const;
  bool happens(Box box, std::size_t axis, std::size_t value) const;
  void visit(const Box& box, const std::function<bool(std::size_t)>& each) const;
  Box grown(std::size_t seed, const Test& among) const;
  RelayRegion region(std::size_t side, std::size_t seed, const Box& box) const;
  static std::vector<std::string> members(const Axis& axis, const std::vector<bool>& chosen, bool wanted);
  RelayRegion::Limit limit(const Axis& axis, const std::vector<bool>& chosen) const;
  void find_witness(std::size_t side, RelayRegion& region, const std::vector<std::size_t>& at) const;
  bool confirmed(std::size_t side, const Session& session, Relay expected) const;

  std::vector<std::unique_ptr<Side>> sides_;
  std::vector<Axis> axes_;
  std::vector<std::vector<Relay>> relay_;
  std::vector<bool> possible_;
};

}  // namespace smtpdx::mta::postfix
