#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mails that `explain --json` reads in a second of CPU, from a mailbox of 20,000 made of the corpus's bounces.

  bench/bounces.py [PROGRAM [MAILS]]      PROGRAM defaults to build/release/smtpdx

The mailbox is made at run time in a temporary file from ../shared/corpus/bounces and goes with it. Printed are user
CPU seconds (the least of three runs), mails and megabytes a second, peak memory, and when the first answer came.
Exit code 77 where the corpus or the program is missing.
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


def main(words):
    program = words[0] if words else os.path.join(ROOT, "build", "release", "smtpdx")
    mails = int(words[1]) if len(words) > 1 else 20000
    if not os.path.isdir(MAIL) or not os.path.exists(program):
        print("SKIP: needs", program, "and the corpus of bounces at", os.path.normpath(MAIL))
        return 77
    with tempfile.NamedTemporaryFile(suffix=".mbox") as mailbox:
        size = fill(mailbox, mails)
        runs = [run(program, mailbox.name) for _ in range(3)]
    seconds, memory, first, lines = min(runs)
    print("explain, mailbox of %d mails, %.1f MB: %.2f s CPU, %.0f mails and %.1f MB a second, %.0f MB memory, first answer "
          "after %.0f ms, %d answers" % (mails, size / 1e6, seconds, mails / seconds, size / 1e6 / seconds, memory, first * 1e3,
                                         lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
