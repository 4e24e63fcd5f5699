// SPDX-License-Identifier: Apache-2.0
#include "probes/env.hpp"
#include "probes/names.hpp"
#include "probes/talk.hpp"

namespace smtpdx::probes {

namespace {
struct Runner {
  Env& env;
  Deadline deadline;
  io::Task<Sightings> operator()(diag::WantMx& w) const { return mx(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantAddresses& w) const { return addresses(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantPtr& w) const { return ptr(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantAuthority& w) const { return authority(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantNear& w) const { return near(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantList& w) const { return list(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantControls& w) const { return controls(env, std::move(w), deadline); }
  io::Task<Sightings> operator()(diag::WantTalk& w) const { return talk(env, std::move(w), deadline); }
};
}  // namespace

io::Task<Sightings> run(Env& env, diag::Want want, Deadline deadline) {
  return std::visit(Runner{env, deadline}, want);
}

}  // namespace smtpdx::probes
