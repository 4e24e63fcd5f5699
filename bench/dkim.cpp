// SPDX-License-Identifier: Apache-2.0
// CPU of verifying one mail, in the library: parsing, canonical forms, hashes, the key and the mathematics. The key
// record comes from a resolver in memory. "one key": the same signer's mails follow each other, as in a mailbox; "new
// keys": every mail's key is read anew.
//
//   bench_dkim FOLDER     writes the messages and key records there, too, so that others can be given the same

#include <cstdio>
#include <ctime>
#include <fstream>

#include "dkim/test_signer.hpp"

namespace {

using smtpdx::Deadline;
using smtpdx::TimePoint;
using namespace std::chrono_literals;
namespace io = smtpdx::io;
using namespace smtpdx::dkim;

double cpu() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

std::string mail_of(std::size_t body) {
  std::string octets =
      "Received: from a.example.org (a.example.org [192.0.2.1])\r\n\tby mx.example.net (Postfix) with ESMTPS id "
      "4ABC\r\n\tfor "
      "<bob@example.net>; Tue, 24 Nov 2026 11:00:00 +0000 (UTC)\r\nFrom: Ann <ann@example.org>\r\nTo: Bob "
      "<bob@example.net>\r\nSubject: The meeting\r\nDate: Tue, 24 Nov 2026 11:00:00 +0000\r\nMessage-ID: "
      "<1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
  const auto end = octets.size() + body;
  while (octets.size() < end) octets += "The quick brown fox jumps over the lazy dog, and then it goes home again.\r\n";
  octets.resize(end - 2);
  return octets + "\r\n";
}

/// Microseconds of CPU a mail, the best of five runs.
double each(const std::string& octets, TestResolver& resolver, bool one_key) {
  TestRuntime runtime;
  KeyCache kept;
  const Options options{test_time};
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto started = cpu();
    int count = 0;
    double took = 0;
    for (; took < 0.3; took = cpu() - started)
      for (int i = 0; i < 50; ++i, ++count) {
        KeyCache fresh;
        const Message message(octets);
        auto task = verify(message, resolver, one_key ? kept : fresh, options, Deadline(TimePoint{1h}));
        if (io::run(runtime, std::move(task)).front().result != Result::pass) std::abort();
      }
    best = std::min(best, took * 1e6 / count);
  }
  return best;
}

void measure(const char* name, const TestKey& key, std::size_t body, const std::string& folder) {
  TestResolver resolver;
  resolver.texts["s._domainkey.example.org"] = {key.record()};
  SigningOptions o;
  o.fields = "from:to:subject:date:message-id:mime-version:content-type";
  const auto octets = signed_message(mail_of(body), key, o);
  std::printf("%s %zu one-key %.2f us new-keys %.2f us\n", name, body, each(octets, resolver, true),
              each(octets, resolver, false));
  std::fflush(stdout);
  const auto stem = folder + "/" + name + "-" + std::to_string(body);
  std::ofstream(stem + ".eml", std::ios::binary) << octets;
  std::ofstream(stem + ".txt", std::ios::binary) << key.record();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: bench_dkim FOLDER\n", stderr), 2;
  const auto rsa = TestKey::rsa(2048);
  const auto ed = TestKey::ed25519();
  measure("rsa2048", rsa, 4096, argv[1]);
  measure("rsa2048", rsa, 65536, argv[1]);
  measure("ed25519", ed, 4096, argv[1]);
  return 0;
}
