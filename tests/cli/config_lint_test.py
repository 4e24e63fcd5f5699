#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`config lint` from outside: words, JSON, SARIF, exit codes by --fail-on."""
import json
import os
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("SMTPDX", "")
MAIN = """\
compatibility_level = 3.6
myhostname = mx.home.example
mydestination = $myhostname, home.example
mynetworks = 10.0.0.0/8
local_recipient_maps =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""
LEVELS = {"error", "warning", "note"}


class Lint(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def lint(self, main, *options):
        with open(os.path.join(self.folder.name, "main.cf"), "w", encoding="utf-8") as f:
            f.write(main)
        return subprocess.run([PROGRAM, "config", "lint", "postfix:" + self.folder.name, *options], capture_output=True,
                              text=True, timeout=30)

    def test_words_and_exit_codes(self):
        done = self.lint(MAIN)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("WARN networks-private A whole private range is trusted: 10.0.0.0/8 (main.cf:4)\n", done.stdout)
        self.assertIn("     Do this: ", done.stdout)
        self.assertEqual(self.lint(MAIN, "--fail-on", "warn").returncode, 1)
        self.assertEqual(self.lint(MAIN + "mynetworks = 0.0.0.0/0\n").returncode, 1)
        clean = self.lint(MAIN.replace("10.0.0.0/8", "10.7.0.0/16"), "--fail-on", "info")
        self.assertEqual((clean.returncode, clean.stdout), (0, "Nothing found.\n"))

    def test_json(self):
        document = json.loads(self.lint(MAIN, "--json").stdout)
        self.assertEqual(document["schema"], "smtpdx.config-lint/1")
        finding = document["findings"][0]
        self.assertEqual({k: finding[k] for k in ("id", "severity", "file", "line")},
                         {"id": "networks-private", "severity": "warn", "file": "main.cf", "line": 4})
        self.assertTrue(finding["fix"][0]["steps"][0])

    def test_sarif(self):
        """What SARIF 2.1.0 (§3.13, §3.14, §3.19, §3.27 to §3.30) demands of what is written here."""
        document = json.loads(self.lint(MAIN + "relay_domains = $nothing\nsoft_bounce = yes\n", "--format", "sarif").stdout)
        self.assertEqual(document["version"], "2.1.0")
        self.assertTrue(document["$schema"].endswith("sarif-schema-2.1.0.json"))
        self.assertEqual(len(document["runs"]), 1)
        run = document["runs"][0]
        driver = run["tool"]["driver"]
        self.assertEqual(driver["name"], "smtpdx")
        ids = [rule["id"] for rule in driver["rules"]]
        self.assertEqual(len(ids), len(set(ids)))
        for rule in driver["rules"]:
            self.assertLessEqual(set(rule), {"id", "shortDescription", "defaultConfiguration"})
            self.assertTrue(rule["shortDescription"]["text"])
            self.assertIn(rule["defaultConfiguration"]["level"], LEVELS)
        self.assertGreaterEqual(len(run["results"]), 3)
        for result in run["results"]:
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
            self.assertIn(result["level"], LEVELS)
            self.assertTrue(result["message"]["text"])
            place = result["locations"][0]["physicalLocation"]
            self.assertNotIn(":", place["artifactLocation"]["uri"])
            self.assertGreaterEqual(place["region"]["startLine"], 1)

    def test_mistakes(self):
        self.assertEqual(self.lint(MAIN, "--format", "csv").returncode, 2)
        done = subprocess.run([PROGRAM, "config", "decide", "postfix:" + self.folder.name, "--rcpt", "a@b.example",
                               "--format", "sarif"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
