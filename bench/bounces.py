#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mails that `explain --json` reads in a second of CPU, from a mailbox of 20,000 made of the corpus's bounces.

  bench/bounces.py [PROGRAM [MAILS]]      PROGRAM defaults to build/release/smtpdx

The mailbox is made at run time in a temporary file from ../shared/corpus/bounces and goes with it. Printed are user
CPU seconds (the least of three runs), mails and megabytes a second, peak memory, and when the first answer came.
Exit code 77 where the corpus or the program is missing. script/bench runs it, too, and tests/corpus/speed_test.py.
"""
import glob
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAIL = os.path.join(ROOT, "..", "shared", "corpus", "bounces", "mail")


def fill(mailbox, mails):
    octets = []
    for path in sorted(glob.glob(os.path.join(MAIL, "maildir", "bsd", "*.eml"))):
        with open(path, "rb") as f:
            octets.append(f.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\nFrom ", b"\n>From "))
    for i in range(mails):
        mailbox.write(b"From MAILER-DAEMON Tue Nov 24 09:00:00 2026\n" + octets[i % len(octets)] + b"\n")
    mailbox.flush()
    return mailbox.tell()


def run(program, path):
    began = time.monotonic()
    child = subprocess.Popen([program, "explain", "--json", path], stdout=subprocess.PIPE)
    child.stdout.readline()
    first = time.monotonic() - began
    lines = 1 + sum(1 for _ in child.stdout)
    _, _, used = os.wait4(child.pid, 0)
    return used.ru_utime, used.ru_maxrss / 1024, first, lines


def available(program):
    """Why it cannot be measured here, or None."""
    return None if os.path.isdir(MAIL) and os.path.exists(program) else "needs %s and the corpus of bounces at %s" % (
        program, os.path.normpath(MAIL))


class Figures:
    """Of the best of three runs over one mailbox."""

    def __init__(self, program, mails=20000):
        with tempfile.NamedTemporaryFile(suffix=".mbox") as mailbox:
            self.mails, self.megabytes = mails, fill(mailbox, mails) / 1e6
            self.seconds, self.memory, self.first, self.answers = min(run(program, mailbox.name) for _ in range(3))
        self.rate = mails / self.seconds

    def __str__(self):
        return "%d mails, %.1f MB: %.2f s CPU, %.0f mails and %.1f MB a second, %.0f MB memory, first answer after " \
               "%.0f ms, %d answers" % (self.mails, self.megabytes, self.seconds, self.rate,
                                        self.megabytes / self.seconds, self.memory, self.first * 1e3, self.answers)


def main(words):
    program = words[0] if words else os.path.join(ROOT, "build", "release", "smtpdx")
    if why := available(program):
        print("SKIP:", why)
        return 77
    print("explain, mailbox of", Figures(program, int(words[1]) if len(words) > 1 else 20000))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
