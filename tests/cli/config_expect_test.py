#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`config expect` (relay policy as tests) and `config show` from outside."""
import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = os.environ.get("SMTPDX", "")
MAIN = """\
compatibility_level = 3.6
myhostname = mx.home.example
mydestination = $myhostname, home.example
mynetworks = 10.7.0.0/16
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
"""
MASTER = """\
smtp inet n - n - - smtpd
submission inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o mynetworks=
"""
POLICY = """\
# Who may relay
client 10.7.1.1 to bob@far.example => permit
to bob@far.example => reject 554      # strangers
to ann@home.example => permit
port 587 client 10.7.1.1 to bob@far.example => reject
port 587 login ann to bob@far.example => permit
"""


class Expect(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.target = "postfix:" + self.folder.name
        self.write("main.cf", MAIN)
        self.write("master.cf", MASTER)
        self.policy = self.write("policy.expect", POLICY)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run_config(self, *words, given=None):
        return subprocess.run([PROGRAM, "config", *words], input=given, capture_output=True, text=True, timeout=30)

    def test_all_hold(self):
        done = self.run_config("expect", self.target, self.policy)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.endswith(f"5 of 5 hold with {self.target}\n"))

    def test_a_difference(self):
        self.write("main.cf", MAIN + "mynetworks = 0.0.0.0/0\n")
        done = self.run_config("expect", self.target, self.policy)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAIL line 3: to bob@far.example => reject 554\n     ACCEPTED 250 2.1.5 Ok by permit_mynetworks (main.cf:6)",
                      done.stdout)
        results = json.loads(self.run_config("expect", self.target, self.policy, "--json").stdout)["results"]
        self.assertEqual([r["holds"] for r in results], [True, False, True, True, True])
        self.assertEqual(results[1]["decision"]["verdict"], "accepted")

    def test_junit(self):
        given = POLICY + 'to "<&>"@far.example => permit\n'
        done = self.run_config("expect", self.target, "-", "--format", "junit", given=given)
        self.assertEqual(done.returncode, 1)
        suite = xml.etree.ElementTree.fromstring(done.stdout).find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("6", "1", "0"))
        cases = suite.findall("testcase")
        self.assertEqual([c.find("failure") is None for c in cases], [True] * 5 + [False])
        self.assertIn("REFUSED 554", cases[-1].find("failure").get("message"))

    def test_an_unknown_answer_never_holds(self):
        self.write("main.cf", MAIN + "smtpd_client_restrictions = reject_rbl_client bl.example\n")
        done = self.run_config("expect", self.target, "-", given="to ann@home.example => permit\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("UNKNOWN: what reject_rbl_client bl.example", done.stdout)

    def test_mistakes(self):
        self.assertEqual(self.run_config("expect", self.target).returncode, 2)
        done = self.run_config("expect", self.target, "-", given="to ann@home.example\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1", done.stderr)
        self.assertEqual(self.run_config("lint", self.target, "--format", "junit").returncode, 2)

    def test_show(self):
        done = self.run_config("show", self.target)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("smtp (master.cf:1), port 25\n", done.stdout)
        self.assertIn("  mydestination = mx.home.example, home.example  [main.cf:3]\n", done.stdout)
        self.assertIn("  mynetworks =   [master.cf:4, this service only]\n", done.stdout)
        self.assertNotIn("built-in", done.stdout)
        self.assertIn("  relay_domains_reject_code = 554  [built-in default]\n", self.run_config("show", self.target, "-v").stdout)
        services = json.loads(self.run_config("show", self.target, "--json").stdout)["services"]
        self.assertEqual([s["port"] for s in services], [25, 587])


if __name__ == "__main__":
    unittest.main()
