#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`relay --watch`: asks again until the envelope is accepted, and no stranger's server too often."""
import os
import re
import subprocess
import sys
import unittest

import mock_world

PROGRAM = os.environ.get("SMTPDX", "")
WORLD = """\
-- dns --
mx.alder.example. A 192.0.2.25
-- server 192.0.2.25:25 --
name: mx.alder.example
domain: alder.example
greylist: 450 4.2.0 <%r>: Recipient address rejected: Greylisted
greylist sessions: %(sessions)s
"""


class Watch(unittest.TestCase):
    def watch(self, sessions, *options):
        with mock_world.played(PROGRAM, WORLD.replace("%(sessions)s", str(sessions))) as reach:
            return subprocess.run([PROGRAM, "relay", "mx.alder.example:25", "--from", "ann@x.example", "--to",
                                   "bob@alder.example", "--watch", *options, *reach],
                                  capture_output=True, text=True, timeout=60)

    def test_tells_the_moment_it_flips(self):
        done = self.watch(1, "5", "--i-own-this-server")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d deferred 450 4\.2\.0 ")
        self.assertRegex(lines[1], r"^\d\d:\d\d:\d\d accepted 250 ")
        self.assertTrue(re.fullmatch(r"PASS it is accepted now, [5-9] s after the first try", lines[2]), done.stdout)

    def test_ends_at_once_where_it_is_accepted(self):
        done = self.watch(0)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "PASS it is accepted already"), done.stderr)

    def test_no_stranger_is_asked_too_often(self):
        done = self.watch(0, "5")
        self.assertEqual(done.returncode, 2)
        self.assertIn("at least 150", done.stderr)
        self.assertIn("--i-own-this-server", done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
