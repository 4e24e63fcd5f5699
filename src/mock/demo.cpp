// SPDX-License-Identifier: Apache-2.0
#include "mock/demo.hpp"

#include "io/real.hpp"
#include "mock/run.hpp"

namespace smtpdx::mock {
namespace {

constexpr std::string_view scenario_text =
    R"(# A publisher writes to a bookshop. Both mail exchangers of the bookshop's domain belong to a gateway service that was
# never told of the domain: they refuse every address of it to everybody.
-- dns --
kestrel-books.example.              MX    10 mx1.gateway-lyra.example.
kestrel-books.example.              MX    20 mx2.gateway-lyra.example.
kestrel-books.example.              NS    ns1.registrar-vela.example.
kestrel-books.example.              A     203.0.113.80
mx1.gateway-lyra.example.           A     192.0.2.25
mx2.gateway-lyra.example.           A     192.0.2.26
gateway-lyra.example.               NS    ns1.gateway-lyra.example.
gateway-lyra.example.               NS    ns2.gateway-lyra.example.
ns1.gateway-lyra.example.           A     192.0.2.53
ns2.gateway-lyra.example.           A     192.0.2.54
ns1.registrar-vela.example.         A     198.51.100.53
meridian-press.example.             MX    0 meridian-press-example.mail.protection.example.
-- server 192.0.2.25:25 --
name: mx1.gateway-lyra.example
greeting: 220 mx1.gateway-lyra.example ESMTP gateway ready
starttls: yes
domain: gateway-lyra.example
domain: other-customer.example
relay refusal: 554 5.7.1 Relaying denied
-- server 192.0.2.26:25 --
like: 192.0.2.25:25
name: mx2.gateway-lyra.example
greeting: 220 mx2.gateway-lyra.example ESMTP gateway ready
-- input --
From: Microsoft Outlook <MicrosoftExchange4d2f7a91c3e84b6f9a50d7721be83c06@meridian-press.example>
To: nora.lindqvist@meridian-press.example
Subject: Undeliverable: Proofs of the autumn catalogue
Date: Mon, 23 Nov 2026 09:41:27 +0000
Message-ID: <8f6d1b0e-3a52-4c47-b1d9-60e7a4c5d2f8@meridian-press.example>
In-Reply-To: <DB9PR04MB8107A6C2F0@DB9PR04MB8107.eurprd04.prod.outlook.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_report_7c41"

--=_report_7c41
Content-Type: text/plain; charset=us-ascii

Your message to orders@kestrel-books.example couldn't be delivered.

The receiving server would not take mail for kestrel-books.example.

Remote server returned '550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied'

--=_report_7c41
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR04MB8107.eurprd04.prod.outlook.com
Received-From-MTA: dns;AM9PR04MB7650.eurprd04.prod.outlook.com
Arrival-Date: Mon, 23 Nov 2026 09:41:24 +0000

Original-Recipient: rfc822;orders@kestrel-books.example
Final-Recipient: rfc822;orders@kestrel-books.example
Action: failed
Status: 5.7.367
Diagnostic-Code: smtp;550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied
Remote-MTA: dns;mx1.gateway-lyra.example

--=_report_7c41
Content-Type: message/rfc822

Received: from AM9PR04MB7650.eurprd04.prod.outlook.com (2603:10a6:20b:2d7::11)
 by DB9PR04MB8107.eurprd04.prod.outlook.com (2603:10a6:10:243::18) with
 Microsoft SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id
 15.20.8114.27; Mon, 23 Nov 2026 09:41:24 +0000
From: Nora Lindqvist <nora.lindqvist@meridian-press.example>
To: <orders@kestrel-books.example>
Subject: Proofs of the autumn catalogue
Date: Mon, 23 Nov 2026 09:41:20 +0000
Message-ID: <DB9PR04MB8107A6C2F0@DB9PR04MB8107.eurprd04.prod.outlook.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

The proofs are ready. May we send the parcel on Thursday?

--=_report_7c41--
-- run --
smtpdx diagnose -
-- findings --
verdict: problem
proved rcpt.mx_not_configured_for_domain record
ruled out m365.relay_pool_forward
ruled out rcpt.one_mx_stale
ruled out rcpt.mx_host_resolves_wrong
ruled out rcpt.no_mx_falls_to_web_host
ruled out rcpt.typo_or_parked_domain
ruled out route.rejecter_not_in_mx
ruled out forward.user_forward_to_closed_host
ruled out submit.auth_not_attempted
ruled out submit.auth_only_after_tls
ruled out submit.wrong_port_25
ruled out lookalike.recipient_unknown_dbeb
ruled out nothing else
)";

}  // namespace

std::string_view demo_scenario() { return scenario_text; }

Result<DemoResult> run_demo(const kb::Catalogue& catalogue, engine::Watcher watcher) {
  auto scenario = parse_scenario("demo", scenario_text);
  if (!scenario) return std::unexpected(scenario.error());
  auto runtime = io::make_runtime();
  auto run = io::run(*runtime, run_scenario(*runtime, *scenario, catalogue, std::move(watcher)));
  if (!run) return std::unexpected(run.error());
  return DemoResult{std::move(run->report), std::move(run->log), std::move(scenario->input)};
}

}  // namespace smtpdx::mock
