#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`diagnose --letter` addresses the one who can fix it, also by the zone's SOA contact (RFC 1035: dots of its local part
are escaped): mail to the refused domain's own postmaster is refused, too."""
import os
import subprocess
import sys
import unittest

import mock_world

PROGRAM = os.environ.get("SMTPDX", "")
WORLD = """\
-- dns --
mail.alder.example. MX 10 mx.alder.example.
alder.example. SOA ns.other.example. dns\\.admin.other.example. 1 7200 3600 1209600 300
mx.alder.example. A 192.0.2.25
-- server 192.0.2.25:25 --
name: mx.alder.example
"""


class LetterAddress(unittest.TestCase):
    def test_the_nearest_soa_upwards_is_written_to(self):
        with mock_world.played(PROGRAM, WORLD) as reach:
            done = subprocess.run([PROGRAM, "diagnose", "--text", "554 5.7.1 <bob@mail.alder.example>: Relay access denied",
                                   "--from", "ann@x.example", "--to", "bob@mail.alder.example", "--letter", *reach],
                                  capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.splitlines()[0],
                         "To: postmaster@mail.alder.example, postmaster@mx.alder.example, dns.admin@other.example", done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
