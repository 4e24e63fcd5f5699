// SPDX-License-Identifier: Apache-2.0
#include "api/headers.hpp"

#include "api/world.hpp"
#include "cli/verbs.hpp"

namespace smtpdx::cli {

namespace {

using api::HeadersReport;

struct Options {
  OutputOptions output;
  WorldOptions world;
  std::string file;
  api::HeadersRequest request;
};

Exit exit_of(const HeadersReport& r, const std::string& fail_on) {
  switch (r.verdict) {
    case HeadersReport::Verdict::fail:
      return Exit::findings;
    case HeadersReport::Verdict::untested:
      return Exit::inconclusive;
    case HeadersReport::Verdict::warn:
      return fail_on == "fail" ? Exit::fine : Exit::findings;
    case HeadersReport::Verdict::nothing:
      return fail_on == "info" ? Exit::findings : Exit::fine;
    case HeadersReport::Verdict::pass:
      return Exit::fine;
  }
  return Exit::internal;
}

}  // namespace

Exit headers(const std::vector<std::string>& args) {
  Options o;
  Flags flags(
      "smtpdx headers",
      "The way of a message, hop by hop, and its DKIM and ARC signatures verified again now against DNS.",
      "Examples:\n  smtpdx headers mail.eml\n  smtpdx headers --json - < mail.eml\n"
      "Give the message as it was received, body and all: a signature covers every octet. Asks nothing but DNS.\n"
      "Exit code: 0 nothing is wrong, 1 it fails (DMARC, or all signatures, or SPF of an unsigned mail), 3 DNS did not "
      "tell.");
  flags.positional("file", o.file, "the message, or - for standard input", Flags::Need::required);
  flags.text("--client-address", o.request.client_address, "the address that the mail came from, for SPF");
  flags.text("--helo", o.request.helo, "the name in its EHLO");
  flags.optional_text("--mail-from", o.request.mail_from, "the envelope sender; alone: the null sender");
  o.world.timeout = 20;
  add_world_options(flags, o.world);
  add_output_options(flags, o.output);
  if (auto done = flags.parse(args)) return *done;
  auto octets = read_input(o.file);
  if (!octets) return complain(octets.error());
  auto world = api::World::make(o.world);
  if (!world) return complain(world.error());
  o.request.octets = std::move(*octets);
  auto report = io::run((*world)->runtime(), api::look_at_headers(o.request, (*world)->env(), (*world)->deadline()));
  if (!report) return complain(report.error());
  print(o.output.json || o.output.format == "json"
            ? api::headers_document(*report)
            : api::headers_text(*report, {o.output.use_color(), o.output.verbose}));
  return exit_of(*report, o.output.fail_on);
}

}  // namespace smtpdx::cli
