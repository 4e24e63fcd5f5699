// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace smtpdx::api {

/// Loads from files what explaining and diagnosing need from them (character sets, the catalogue, algorithms), for a
/// process that can open no file later (seal/). Some milliseconds. The rest is loaded by World::make.
void prepare_for_sealing();

}  // namespace smtpdx::api
