#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`config who-may-relay` from outside: words, JSON, exit codes, the difference of two configurations, time."""
import json
import os
import random
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("SMTPDX", "")
MAIN = """\
compatibility_level = 3.6
myhostname = mx.home.example
mydestination = $myhostname, home.example
mynetworks = 10.0.0.0/8
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""


class WhoMayRelay(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return "postfix:" + os.path.dirname(path)

    def ask(self, *words):
        return subprocess.run([PROGRAM, "config", *words], capture_output=True, text=True, timeout=60)

    def test_closed(self):
        done = self.ask("who-may-relay", self.write("etc/main.cf", MAIN))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1. MAY RELAY on port 25", done.stdout)
        self.assertIn("who      clients from: 10.0.0.0/8\n", done.stdout)
        self.assertIn("opened   by permit_mynetworks in smtpd_relay_restrictions (main.cf:6)", done.stdout)
        witness = done.stdout.split("witness  ")[1].splitlines()[0].split()
        self.assertEqual(self.ask(*[word.strip("'") for word in witness[2:]]).returncode, 0)

    def test_open(self):
        target = self.write("etc/main.cf", MAIN + "mynetworks = 0.0.0.0/0\n")
        done = self.ask("who-may-relay", target, "--json")
        self.assertEqual(done.returncode, 1)
        region = json.loads(done.stdout)["regions"][0]
        self.assertTrue(region["everybody"])
        self.assertEqual(region["limits"], [{"axis": "client", "except": False, "members": ["0.0.0.0/0"]}])
        self.assertIn("OPEN RELAY", self.ask("who-may-relay", target).stdout)

    def test_against(self):
        before = self.write("before/main.cf", MAIN)
        after = self.write("after/main.cf", MAIN.replace("10.0.0.0/8", "10.0.0.0/8 192.0.2.0/28"))
        done = self.ask("who-may-relay", before, "--against", after)
        self.assertEqual(done.returncode, 1)
        self.assertIn("clients from: 192.0.2.0/28", done.stdout)
        self.assertEqual(self.ask("who-may-relay", after, "--against", before).returncode, 0)
        self.assertIn("The same sessions may relay", self.ask("who-may-relay", before, "--against", before).stdout)
        gained = json.loads(self.ask("who-may-relay", before, "--against", after, "--json").stdout)["gained"]
        self.assertEqual(len(gained), 1)

    def test_ten_thousand_lines(self):
        rng = random.Random(7)
        net = lambda: f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}"
        self.write("big/trusted", "".join(f"{net()}.0/24 OK\n" for _ in range(2500)))
        self.write("big/clients", "".join(f"{net()} {rng.choice(['REJECT bad', 'OK'])}\n" for _ in range(2500)))
        self.write("big/owners", "".join(f"u{i}@home.example u{i}\n" for i in range(2500)))
        self.write("big/senders", "".join(f"s{i}.example {rng.choice(['REJECT', 'DUNNO'])}\n" for i in range(2500)))
        target = self.write("big/main.cf", MAIN + "mynetworks = cidr:/etc/postfix/trusted\n"
                            "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = hash:/etc/postfix/owners\n"
                            "smtpd_client_restrictions = check_client_access hash:/etc/postfix/clients\n"
                            "smtpd_sender_restrictions = reject_sender_login_mismatch,\n"
                            " check_sender_access hash:/etc/postfix/senders\n")
        began = time.monotonic()
        done = self.ask("who-may-relay", target)
        took = time.monotonic() - began
        self.assertEqual(done.returncode, 0, done.stderr)
        if "SMTPDX_SANITIZED" not in os.environ:
            self.assertLess(took, 12)  # 3 s on a quiet machine

    def test_other_products_and_mistakes(self):
        self.assertEqual(self.ask("who-may-relay", "exim:/etc/exim4").returncode, 2)
        self.assertEqual(self.ask("who-may-relay", "postfix:/nowhere/at/all").returncode, 2)


if __name__ == "__main__":
    unittest.main()
