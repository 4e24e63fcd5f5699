// SPDX-License-Identifier: Apache-2.0
//
// What one pasted reply costs in the library: read, understood, judged, written as the line of `explain --json`. The
// catalogue is loaded before. Printed are microseconds of CPU a reply, the least of five rounds.

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

#include "api/explain.hpp"
#include "kb/catalogue.hpp"

namespace {

constexpr std::array<std::string_view, 4> replies = {
    "550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied",
    "554 5.7.1 <bob@example.org>: Relay access denied",
    "<bob@example.org>: host mx1.example.org[192.0.2.25] said: 550 5.1.1 <bob@example.org>: Recipient address "
    "rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)",
    "smtplib.SMTPRecipientsRefused: {'bob@example.org': (454, b'4.7.1 <bob@example.org>: Relay access denied')}"};
constexpr int each = 5000, rounds = 5;

double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

int main() {
  smtpdx::kb::Catalogue::builtin();
  double least = std::numeric_limits<double>::max();
  std::size_t octets = 0;
  for (int round = 0; round < rounds; ++round) {
    const double began = cpu_microseconds();
    for (int i = 0; i < each; ++i)
      for (auto reply : replies) octets += smtpdx::api::explain_document("reply", reply, {}).size();
    least = std::min(least, (cpu_microseconds() - began) / (each * replies.size()));
  }
  std::printf("a pasted reply: %.1f us CPU, %zu octets of JSON\n", least, octets / (rounds * each * replies.size()));
}
