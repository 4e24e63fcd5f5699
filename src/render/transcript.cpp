// SPDX-License-Identifier: Apache-2.0
#include "render/transcript.hpp"

#include "base/text.hpp"

namespace smtpdx::render {

std::string transcript(const trace::Channel& channel, std::string_view indent) {
  std::string out;
  bool tls = false;
  for (const auto& line : channel.lines()) {
    std::string_view mark = "===";
    if (line.direction == trace::Direction::client) {
      mark = tls ? " ~>" : " ->";
    } else if (line.direction == trace::Direction::server) {
      const bool bad = !line.text.empty() && (line.text[0] == '4' || line.text[0] == '5');
      mark = bad ? (tls ? "<~*" : "<**") : (tls ? "<~ " : "<- ");
    } else if (icontains(line.text, "TLS") && icontains(line.text, "started")) {
      tls = true;
    }
    out += std::string(indent) + std::string(mark) + " " + printable(line.text, 500) + "\n";
  }
  if (channel.truncated()) out += std::string(indent) + "=== (shortened)\n";
  return out;
}

std::string refused_transcript(const Subject& s) {
  for (const auto& o : s.report.observations) {
    const auto* a = std::get_if<diag::Attempt>(&o.fact);
    if (!a || a->outcome != diag::Outcome::refused || !s.log) continue;
    if (const auto* channel = s.log->find(a->channel)) return transcript(*channel, "  ");
  }
  if (!s.report.refusal) return {};
  const auto& reply = s.report.refusal->refusal.decided();
  return "  " + (reply.code ? std::to_string(reply.code) + " " : "") +
         (reply.status ? reply.status->to_string() + " " : "") + reply.text + "\n";
}

}  // namespace smtpdx::render
