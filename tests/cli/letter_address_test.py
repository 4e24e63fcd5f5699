#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`diagnose --letter` addresses the one who can fix it, also by the zone's SOA contact (RFC 1035: dots of its local part
are escaped): mail to the refused domain's own postmaster is refused, too."""
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

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
        with tempfile.NamedTemporaryFile("w", suffix=".scenario") as f:
            f.write(WORLD)
            f.flush()
            world = subprocess.Popen([PROGRAM, "mock", f.name, "--for", "60"], stdout=subprocess.PIPE, text=True)
            try:
                reach = next(l for l in world.stdout if l.startswith("reach it with: "))
                done = subprocess.run([PROGRAM, "diagnose", "--text", "554 5.7.1 <bob@mail.alder.example>: Relay access denied",
                                       "--from", "ann@x.example", "--to", "bob@mail.alder.example", "--letter",
                                       *shlex.split(reach.removeprefix("reach it with: "))],
                                      capture_output=True, text=True, timeout=60)
            finally:
                world.terminate()
                world.wait()
                world.stdout.close()
        self.assertEqual(done.stdout.splitlines()[0],
                         "To: postmaster@mail.alder.example, postmaster@mx.alder.example, dns.admin@other.example", done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
