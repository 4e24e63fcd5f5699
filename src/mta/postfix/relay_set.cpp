// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/relay_set.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/postfix/relay_grid.hpp"

namespace smtpdx::mta::postfix {
namespace {

/// The smtpd behind what listens: itself, or the one that postscreen hands clients on to. Null for other programs.
const Service* smtpd_of(const Configuration& configuration, const Service& service) {
  if (service.type != "inet" || service.port() == 0) return nullptr;
  if (service.command == "smtpd") return &service;
  if (service.command != "postscreen") return nullptr;
  const auto name = Parameters(configuration.main, &service).get("smtpd_service_name").text.text();
  return configuration.master.find(name, "pass");
}

/// A listening service and the smtpd that answers there, as one: the listener's name, the other's settings.
Service joined(const Service& listener, const Service& smtpd) {
  auto one = smtpd;
  one.name = listener.name;
  one.type = listener.type;
  one.where = listener.where;
  return one;
}

std::vector<Service> services_of(const Configuration& configuration) {
  std::vector<Service> services;
  for (const auto& service : configuration.master.services())
    if (const auto* smtpd = smtpd_of(configuration, service)) services.push_back(joined(service, *smtpd));
  return services;
}

void add_notes(std::vector<std::string>& notes, const Grid& grid) {
  for (const auto& note : grid.not_bounded())
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
}

}  // namespace

std::string_view to_string(Relay relay) {
  static constexpr std::array<std::string_view, 4> words = {"no", "perhaps", "unless", "yes"};
  return words[static_cast<std::size_t>(relay)];
}

Relay relay_of(const Decision& decision) {
  if (decision.verdict == Verdict::accepted) return Relay::yes;
  if (decision.verdict != Verdict::unknown) return Relay::no;
  if (!decision.if_silent) return Relay::perhaps;
  if (decision.if_silent->verdict == Verdict::accepted) return Relay::unless;
  return decision.may_be_permitted ? Relay::perhaps : Relay::no;
}

struct RelaySet::State {
  std::vector<Service> services;  // whose addresses the grids hold
  std::vector<std::unique_ptr<Grid>> grids;
  std::vector<std::string> not_bounded;
};

RelaySet::RelaySet() : state_(std::make_unique<State>()) {}
RelaySet::RelaySet(RelaySet&&) noexcept = default;
RelaySet& RelaySet::operator=(RelaySet&&) noexcept = default;
RelaySet::~RelaySet() = default;

Result<RelaySet> RelaySet::compute(const Configuration& configuration) {
  RelaySet set;
  set.state_->services = services_of(configuration);
  for (const auto& service : set.state_->services) {
    std::vector<std::unique_ptr<Side>> sides;
    sides.push_back(std::make_unique<Side>(configuration, service));
    auto grid = std::make_unique<Grid>(std::move(sides));
    if (auto filled = grid->fill(); !filled) return std::unexpected(filled.error());
    add_notes(set.state_->not_bounded, *grid);
    set.state_->grids.push_back(std::move(grid));
  }
  return set;
}

std::vector<RelayRegion> RelaySet::regions() const {
  std::vector<RelayRegion> regions;
  for (const auto& grid : state_->grids)
    for (const auto level : {Relay::yes, Relay::unless, Relay::perhaps})
      grid->cover(
          0, [&](std::size_t cell) { return grid->at(0, cell) == level; },
          [&](std::size_t cell) { return grid->at(0, cell) >= level; }, regions);
  return regions;
}

const std::vector<std::string>& RelaySet::not_bounded() const { return state_->not_bounded; }

std::size_t RelaySet::combinations() const {
  std::size_t count = 0;
  for (const auto& grid : state_->grids) count += grid->size();
  return count;
}

std::optional<Relay> RelaySet::of(const Session& session) const {
  for (const auto& grid : state_->grids) {
    if (grid->service().port() != session.port) continue;
    if (const auto cell = grid->cell_of(session)) return grid->at(0, *cell);
    // Outside of the classes lies only what is refused before any list, and what belongs here.
    auto& side = *grid->side(0);
    const auto recipient = side.of_recipient(session.recipient);
    const bool outside = recipient == "own" || recipient == "bad" || side.of_sender(session.sender) == "bad" ||
                         (session.login && !session.login->valid);
    return outside ? std::optional(Relay::no) : std::nullopt;
  }
  return Relay::no;
}

namespace {

const Service* same_service(const std::vector<Service>& services, const Service& wanted) {
  for (const auto& service : services)
    if (service.name == wanted.name) return &service;
  return nullptr;
}

/// One service before and after; either may be missing.
Result<void> compare(const Configuration& before, const Service* old, const Configuration& after, const Service* now,
                     RelayDifference& out) {
  std::vector<std::unique_ptr<Side>> sides;
  sides.push_back(old ? std::make_unique<Side>(before, *old) : nullptr);
  sides.push_back(now ? std::make_unique<Side>(after, *now) : nullptr);
  Grid grid(std::move(sides));
  if (auto filled = grid.fill(); !filled) return std::unexpected(filled.error());
  add_notes(out.not_bounded, grid);
  out.bounded = out.bounded && grid.bounded();
  const auto gained = [&](std::size_t cell) { return grid.at(1, cell) > grid.at(0, cell); };
  const auto lost = [&](std::size_t cell) { return grid.at(1, cell) < grid.at(0, cell); };
  grid.cover(1, gained, gained, out.gained);
  grid.cover(0, lost, lost, out.lost);
  return {};
}

}  // namespace

Result<RelayDifference> RelayDifference::between(const Configuration& before, const Configuration& after) {
  RelayDifference difference;
  const auto old = services_of(before), now = services_of(after);
  for (const auto& service : old)
    if (auto done = compare(before, &service, after, same_service(now, service), difference); !done)
      return std::unexpected(done.error());
  for (const auto& service : now)
    if (!same_service(old, service))
      if (auto done = compare(before, nullptr, after, &service, difference); !done)
        return std::unexpected(done.error());
  return difference;
}

}  // namespace smtpdx::mta::postfix
