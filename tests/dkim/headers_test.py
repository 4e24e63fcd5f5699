#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smtpdx headers` as people use it: a mail that came through a list, looked at again; its document, text and exit codes."""
import json
import os
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
DEBIAN = "/usr/bin/python3"  # has the packages, where another Python runs the tests
try:
    import cryptography  # noqa: F401
except ImportError:
    if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN) and os.access(DEBIAN, os.X_OK):
        os.execv(DEBIAN, [DEBIAN, "-B", *sys.argv])
    print("SKIP: python3-cryptography is not installed")
    sys.exit(77)
from nameserver import SERVFAIL, NameServer, Txt  # noqa: E402
from signer import Key, sign  # noqa: E402

PROGRAM = os.environ.get("SMTPDX", "")
KEY = Key(2048)
AUTHOR = (b"Received: from desk.example.org (desk.example.org [10.0.0.7])\r\n\tby out.example.org (Postfix) with ESMTPSA id 1;"
          b"\r\n\tTue, 24 Nov 2026 11:00:00 +0000\r\nFrom: Ann <ann@example.org>\r\nTo: list@lists.example.net\r\nSubject: The meeting\r\n"
          b"Date: Tue, 24 Nov 2026 11:00:00 +0000\r\n\r\nHello all,\r\n\r\nat three.\r\n")
FOOTER = b"_____\r\nlist mailing list\r\n"
ZONE = {"s._domainkey.example.org": Txt(KEY.record()), "s._domainkey.strict.example": Txt(KEY.record()),
        "_dmarc.strict.example": Txt("v=DMARC1; p=reject"), "strict.example": Txt("v=spf1 ip4:198.51.100.5 -all"), "ill._domainkey.example.org": SERVFAIL,
        "example.org": Txt("v=spf1 ip4:198.51.100.5 -all"), "lists.example.net": Txt("v=spf1 ip4:198.51.100.9 -all")}


def through_a_list(octets):
    octets = octets.replace(b"Subject: ", b"Subject: [list] ") + FOOTER
    return (b"Return-Path: <list-bounces@lists.example.net>\r\n"
            b"Authentication-Results: mx.example.com; dkim=pass header.d=example.org header.s=s;\r\n"
            b"\tspf=pass smtp.mailfrom=list-bounces@lists.example.net\r\n"
            b"Received: from lists.example.net (lists.example.net [198.51.100.9])\r\n\tby mx.example.com (Postfix) with ESMTPS id 3;"
            b"\r\n\tTue, 24 Nov 2026 13:30:00 +0000\r\nList-Id: The list <list.lists.example.net>\r\n"
            b"Received: from out.example.org (out.example.org [198.51.100.5])\r\n\tby lists.example.net (Postfix) with ESMTPS id 2;"
            b"\r\n\tTue, 24 Nov 2026 10:59:30 +0000\r\n" + octets)


def direct(octets):
    return (b"Return-Path: <ann@example.org>\r\nReceived: from out.example.org (out.example.org [198.51.100.5])\r\n\tby "
            b"mx.example.com (Postfix) with ESMTPS id 2;\r\n\tTue, 24 Nov 2026 11:00:02 +0000\r\n" + octets)


class Headers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = NameServer(ZONE).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def run_it(self, octets, *options):
        return subprocess.run([PROGRAM, "headers", "-", "--resolver", self.server.address, "--now", "2026-11-24T14:00:00Z",
                               *options], input=octets, capture_output=True, timeout=60)

    def document(self, octets, *options):
        done = self.run_it(octets, "--json", *options)
        self.assertEqual(done.stdout.count(b"\n"), 1, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_a_mail_that_came_straight(self):
        code, doc = self.document(direct(sign(AUTHOR, KEY)))
        self.assertEqual((code, doc["verdict"], doc["warnings"]), (0, "pass", []))
        self.assertEqual([d["result"] for d in doc["dkim"]], ["pass"])
        self.assertEqual((doc["arc"]["result"], doc["dmarc"]["result"]), ("none", "none"))
        self.assertEqual((doc["spf"]["result"], doc["session"]["client"], doc["session"]["helo"]),
                         ("pass", "198.51.100.5", "out.example.org"))
        self.assertEqual([a["alignment"] for a in doc["alignment"]], ["strict", "strict"])
        self.assertEqual([(h["by"], h["delay_s"], h["clock"]) for h in doc["hops"]],
                         [("out.example.org", None, "fine"), ("mx.example.com", 2, "fine")])
        self.assertEqual(doc["hops"][0]["authenticated"], True)

    def test_what_a_list_did_is_named(self):
        octets = through_a_list(sign(AUTHOR, KEY))
        code, doc = self.document(octets)
        self.assertEqual((code, doc["verdict"]), (1, "fail"))
        signature, = doc["dkim"]
        self.assertEqual((signature["result"], signature["reason"]), ("fail", "body-changed"))
        self.assertEqual([(e["change"], e["proved"], e.get("field")) for e in signature["explanations"]],
                         [("footer", True, None), ("field-changed", True, "Subject")])
        where = signature["explanations"][0]["body_range"]
        body = octets.partition(b"\r\n\r\n")[2]
        self.assertEqual(body[where["from"]:where["from"] + where["length"]], FOOTER)
        self.assertEqual([h["kind"] for h in doc["handling"]], ["list"])
        found, = doc["authentication_results"]
        self.assertEqual(found["server"], "mx.example.com")
        self.assertEqual(found["differs"], ["mx.example.com found dkim of example.org=pass, now it is fail"])
        self.assertEqual(doc["spf"]["result"], "pass")
        self.assertEqual({a["method"]: a["alignment"] for a in doc["alignment"]}, {"dkim": "strict", "spf": "none"})

    def test_hops_delays_and_clocks(self):
        _, doc = self.document(through_a_list(sign(AUTHOR, KEY)))
        self.assertEqual([(h["by"], h["delay_s"], h["clock"]) for h in doc["hops"]],
                         [("out.example.org", None, "fine"), ("lists.example.net", -30, "backwards"),
                          ("mx.example.com", 9030, "fine")])
        self.assertEqual(doc["total_s"], 9000)
        self.assertIn("List-Id", doc["hops"][1]["added"])
        self.assertIn("Authentication-Results", doc["hops"][2]["added"])
        self.assertTrue(any("clock" in w for w in doc["warnings"]) and any("150 minutes" in w for w in doc["warnings"]))

    def test_text_says_the_verdict_first(self):
        text = self.run_it(through_a_list(sign(AUTHOR, KEY))).stdout.decode()
        self.assertTrue(text.startswith("FAIL the DKIM signature of example.org does not hold"), text)
        for words in ("added below them", "[list]", "clock backwards", "List ", "Hop 3", "RFC 6376 §6.1.3", "not aligned with From"):
            self.assertIn(words, text)
        self.assertTrue(self.run_it(direct(sign(AUTHOR, KEY))).stdout.startswith(b"PASS the DKIM signature of example.org holds\n"))

    def test_what_was_not_found_out_is_not_claimed(self):
        code, doc = self.document(sign(AUTHOR, KEY, s="ill"))
        self.assertEqual((code, doc["verdict"], doc["dkim"][0]["result"]), (3, "untested", "temperror"))
        self.assertIsNone(doc["spf"])
        self.assertIn("--client-address", doc["spf_reason"])

    def test_the_session_can_be_given(self):
        _, doc = self.document(AUTHOR, "--client-address", "198.51.100.77", "--mail-from", "ann@example.org", "--helo", "x.example")
        self.assertEqual((doc["spf"]["result"], doc["session"]["source"], doc["verdict"]), ("fail", "options", "fail"))
        done = self.run_it(AUTHOR, "--client-address", "nonsense")
        self.assertEqual((done.returncode, done.stdout), (2, b""))

    def test_received_spf_tells_the_client(self):
        octets = (b"Received-SPF: Pass (mx.example.com: x) identity=mailfrom; client-ip=198.51.100.5; helo=out.example.org; "
                  b"envelope-from=ann@example.org; receiver=x\r\n" + AUTHOR)
        _, doc = self.document(octets)
        self.assertEqual((doc["session"]["source"], doc["session"]["mail_from"], doc["spf"]["result"]),
                         ("Received-SPF", "ann@example.org", "pass"))

    def test_dmarc_has_the_last_word_where_there_is_a_policy(self):
        mail = AUTHOR.replace(b"ann@example.org", b"ann@strict.example")
        signed = sign(mail, KEY, d="strict.example")
        path = b"Return-Path: <ann@strict.example>\r\n"
        by_server = b"Received: from out.example.org (out.example.org [198.51.100.%d])\r\n\tby mx.example.com; Tue, 24 Nov 2026 11:00:01 +0000\r\n"
        for octets, code, verdict, result in (
                (path + by_server % 5 + signed, 0, "pass", "pass"),
                (through_a_list(signed), 1, "fail", "fail"),
                (path + by_server % 5 + signed + b"changed\r\n", 0, "warn", "pass"),  # SPF alone makes it pass
                (path + by_server % 5 + mail, 0, "pass", "pass"),
                (path + by_server % 6 + mail, 1, "fail", "fail")):
            got, doc = self.document(octets)
            self.assertEqual((got, doc["verdict"], doc["dmarc"]["result"], doc["dmarc"]["rfc7489"]["result"]),
                             (code, verdict, result, result), doc["summary"])
            self.assertEqual((doc["dmarc"]["policy"], doc["dmarc"]["standard"]), ("reject", "RFC 9989"))
        self.assertIn("whose policy asks to reject", doc["summary"])
        # Half of the evidence is missing: nobody knows whether it would have failed.
        _, doc = self.document(mail)
        self.assertIsNone(doc["dmarc"])
        self.assertIn("SPF could not be looked at", doc["dmarc_reason"])
        _, doc = self.document(path + by_server % 5 + b"From: eve@example.org\r\n" + signed)
        self.assertIsNone(doc["dmarc"])
        self.assertIn("2 From fields", doc["dmarc_reason"])

    def test_a_mail_made_to_cost_much_gets_its_verdict(self):
        octets = AUTHOR.replace(b"Subject: ", b"".join(b"X-Big: " + b"a" * 900 + b"\r\n" for _ in range(2000)) + b"Subject: ")
        for _ in range(20):
            octets = sign(octets, KEY, h="from:subject" + ":x-big" * 2000)
        started = time.monotonic()
        _, doc = self.document(octets.replace(b"Subject: The", b"Subject: This") * 2)
        self.assertEqual({d["result"] for d in doc["dkim"]}, {"fail"})
        self.assertLess(time.monotonic() - started, 60 if os.environ.get("SMTPDX_SANITIZED") else 15)

    def test_what_is_no_message(self):
        for octets in (b"", b"\r\n", b"no header here\r\n"):
            done = self.run_it(octets)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(b"no header field", done.stderr)


if __name__ == "__main__":
    unittest.main()
