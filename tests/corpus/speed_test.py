#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`explain --json` on a mailbox of 5,000 bounces: a floor for mails a second of CPU, and a bound of memory.

The floor is a fraction of what any machine of these years does, so that only a step backwards in the program's own
cost fails it; script/bench measures. Needs the corpus beside the repository.
"""
import os
import sys

ROOT = os.environ["SMTPDX_ROOT"]
sys.path.insert(0, ROOT)

from bench import bounces  # noqa: E402

MAILS_A_SECOND = {"Release": 8000, "RelWithDebInfo": 3000}.get(os.environ.get("SMTPDX_BUILD", ""))
MEGABYTES = 40

if os.environ.get("SMTPDX_SANITIZED") or not MAILS_A_SECOND:
    print("SKIP: an optimized build without sanitizers shows the program's cost, this one does not")
    sys.exit(77)
if why := bounces.available(os.environ["SMTPDX"]):
    print("SKIP:", why)
    sys.exit(77)
figures = bounces.Figures(os.environ["SMTPDX"], 5000)
print(figures)
assert figures.rate >= MAILS_A_SECOND, "fewer than %d mails a second of CPU" % MAILS_A_SECOND
assert figures.memory <= MEGABYTES, "more than %d MB" % MEGABYTES
assert figures.first < 2, "the first answer is late"
