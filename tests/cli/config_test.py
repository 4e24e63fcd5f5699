#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`config decide` from outside: one session for people, many for programs, exit codes, and what happens to bad input."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("SMTPDX", "")
MAIN = """\
compatibility_level = 3.6
myhostname = mx.home.example
mydestination = $myhostname, home.example
mynetworks = 10.0.0.0/8
local_recipient_maps =
smtpd_relay_restrictions =
    permit_mynetworks
    reject_unauth_destination
smtpd_recipient_restrictions = reject_unknown_sender_domain, permit
"""
ZONE = {"records": {"far.example": {"A": ["203.0.113.1"]}}, "servfail": []}


class Config(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("etc/main.cf", MAIN)
        self.zone = self.write("zone.json", json.dumps(ZONE))

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def decide(self, *options, given=None, target=None):
        target = target or "postfix:" + os.path.join(self.folder.name, "etc")
        return subprocess.run([PROGRAM, "config", "decide", target, *options], input=given, capture_output=True,
                              text=True, timeout=30)

    def test_one_session_cites_the_line(self):
        done = self.decide("--client", "192.0.2.9", "--sender", "a@far.example", "--rcpt", "b@other.example", "--zone", self.zone)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertTrue(done.stdout.startswith("REFUSED 554 5.7.1 <b@other.example>: Relay access denied\n"), done.stdout)
        self.assertIn("reject_unauth_destination in smtpd_relay_restrictions (main.cf:8), at rcpt", done.stdout)

    def test_accepted_and_unknown(self):
        self.assertEqual(self.decide("--client", "10.1.1.1", "--sender", "a@far.example", "--rcpt", "b@other.example",
                                     "--zone", self.zone).returncode, 0)
        done = self.decide("--client", "10.1.1.1", "--sender", "a@far.example", "--rcpt", "b@other.example")
        self.assertEqual(done.returncode, 3)
        self.assertIn("reject_unknown_sender_domain", done.stdout)

    def test_the_edit_that_would_flip_it(self):
        asked = ("--client", "192.0.2.9", "--sender", "a@far.example", "--rcpt", "b@other.example", "--zone", self.zone)
        done = self.decide(*asked)
        self.assertIn("Change   trust the client: add 192.0.2.9 to mynetworks\n"
                      "         main.cf:4\n         - mynetworks = 10.0.0.0/8\n         + mynetworks = 10.0.0.0/8, 192.0.2.9\n"
                      "         gives mail from 192.0.2.9 to anywhere, and nothing to anybody else\n", done.stdout)
        answer = json.loads(self.decide(*asked, "--json").stdout)
        self.assertTrue(answer["change"]["keeps_closed"])
        self.assertEqual(answer["change"]["lines"][0]["after"], "mynetworks = 10.0.0.0/8, 192.0.2.9")
        case = json.dumps({"client": "192.0.2.9", "sender": "a@far.example", "rcpt": "b@other.example"}) + "\n"
        few = self.decide("--cases", "-", "--zone", self.zone, given=case)
        self.assertEqual(json.loads(few.stdout)["change"], answer["change"])
        many = self.decide("--cases", "-", "--zone", self.zone, given=case * 60).stdout.splitlines()
        self.assertNotIn("change", json.loads(many[0]))

    def test_exim_is_replayed_too_and_found_by_its_files(self):
        self.write("exim/exim.conf", "primary_hostname = mx.home.example\nacl_smtp_rcpt = check\nbegin acl\ncheck:\n"
                                     "  accept hosts = 10.0.0.0/8\n  deny message = relay not permitted\n")
        for kind in ("exim:", "auto:"):
            done = self.decide("--json", "--client", "192.0.2.9", "--sender", "a@far.example", "--rcpt", "b@other.example",
                               target=kind + os.path.join(self.folder.name, "exim"))
            self.assertEqual(done.returncode, 1, done.stderr)
            answer = json.loads(done.stdout)
            self.assertEqual(answer["by"], {"restriction": "deny", "parameter": "check", "file": "exim.conf", "line": 6})
            self.assertEqual((answer["code"], answer["text"]), (550, "relay not permitted"))

    def test_many_cases_one_answer_a_line(self):
        cases = [{"id": "one", "client": "192.0.2.9", "port": 25, "helo": "x.example", "tls": "", "cert": None, "sasl": None,
                  "sender": "a@far.example", "rcpt": "b@home.example"},
                 {"id": "two", "client": "192.0.2.9", "port": 25, "helo": "x.example", "tls": "", "cert": None,
                  "sasl": {"user": "ann", "valid": True}, "sender": "a@far.example", "rcpt": "b@home.example"},
                 {"id": "three", "client": "192.0.2.9", "sender": "a@nowhere.example", "rcpt": "b@home.example"}]
        done = self.decide("--cases", "-", "--zone", self.zone, given="\n".join(map(json.dumps, cases)) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([a["id"] for a in answers], ["one", "two", "three"])
        self.assertEqual([a["verdict"] for a in answers], ["accepted", "no_auth", "refused"])
        self.assertEqual(answers[2]["by"], {"restriction": "reject_unknown_sender_domain",
                                            "parameter": "smtpd_recipient_restrictions", "file": "main.cf", "line": 9})
        self.assertEqual(answers[2]["code"], 450)
        self.assertTrue(answers[0]["trace"])

    def test_bad_input_is_told(self):
        for options, words in (
                (["--cases", "-"], "case 2"),
                (["--rcpt", "a@b.example", "--zone", self.write("bad.json", "{]")], "zone file"),
                (["--rcpt", "a@b.example", "--client", "nobody"], "not an address"),
                (["--rcpt", "a@b.example", "--server-address", "192.0.2.1/99"], "prefix length"),
                ([], "no recipient")):
            with self.subTest(words):
                done = self.decide(*options, given='{"rcpt": "a@b.example"}\n{"rcpt": 7}\n')
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(words, done.stderr)
        done = self.decide("--rcpt", "a@b.example", target="sendmail:/etc/mail")
        self.assertEqual(done.returncode, 2)
        self.assertIn("postfix:/etc/postfix", done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
