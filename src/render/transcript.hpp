// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "render/render.hpp"

namespace smtpdx::render {

/// The session in which the first refusal was seen, in swaks' marks; the reply of the bounce where none was seen live.
std::string refused_transcript(const Subject& subject);
/// One channel in swaks' marks: "===" remarks, " ->" us, "<- " them, "<**" a refusal.
std::string transcript(const trace::Channel& channel, std::string_view indent);
/// The documents' `transcripts`, without line end.
std::string transcripts_json(const trace::Log& log);

}  // namespace smtpdx::render
