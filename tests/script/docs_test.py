#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/causes/ is what script/docs makes of data/causes/."""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Docs(unittest.TestCase):
    def test_committed_pages_are_up_to_date(self):
        run = subprocess.run([sys.executable, "-B", ROOT / "script" / "docs", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        print("SKIP: tomllib needs Python 3.11")
        sys.exit(77)
    unittest.main()
