#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Would the laboratory's servers have banned whoever diagnoses them?

  tests/lab/manners.py --smtpdx PATH [--diagnoses 200] [-v]

Runs so many diagnoses, all kinds of cases in turn, and gives the servers' logs to
fail2ban's stock filters for Postfix and Exim with the stock jails' limits (lab/bans.py).
A diagnosis begins when the last one of that server is out of the jails' window, as for
somebody who changes a setting and tries again; `at once` says what it had been if all
had come in one row.  Postscreen's own complaints (spoke early, pipelined, no SMTP) must
not occur at all.  Exit code 1 if anybody would have been banned, 77 where the laboratory
cannot run.
"""
import argparse
import dataclasses
import os
import re
import sys
import tempfile
import time
from collections import Counter

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(os.path.dirname(HERE))]

import casefile                # noqa: E402
import run as runner           # noqa: E402
from lab import bans, up       # noqa: E402

APART = 3600.0                 # seconds from one diagnosis to the next: more than any stock jail remembers
IMPOLITE = re.compile(r"postscreen\[\d+\]: ((?:PREGREET|COMMAND PIPELINING|NON-SMTP COMMAND|BARE NEWLINE|COMMAND \w+ LIMIT)\b.*)")


def cases(count):
    """All kinds in turn, postscreen's worlds first; a small number takes the others evenly."""
    paths = sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".case"))
    every = [casefile.read(p) for p in paths]
    first = [case for case in every if "postscreen" in case.name]
    rest = [case for case in every if case not in first]
    step = max(1, len(rest) // count) if count < len(rest) else 1
    turn = [rest[i] for offset in range(step) for i in range(offset, len(rest), step)]
    return [(first + turn)[i % len(every)] for i in range(count)]


class Logs:
    """What the servers wrote since the last look."""
    FILES = {"postfix": "mail.log", "exim": "exim-mainlog"}

    def __init__(self):
        self.paths = {kind: os.path.join(os.environ["SMTPDX_LAB"], "log", name) for kind, name in self.FILES.items()}
        self.at = {kind: os.path.getsize(path) for kind, path in self.paths.items()}

    def new(self):
        return {kind: self.rest(kind) for kind in self.paths}

    def rest(self, kind):
        with open(self.paths[kind], errors="replace") as f:
            f.seek(self.at[kind])
            text = f.read()
        self.at[kind] += len(text.encode())
        return text

    def settle(self):
        """Until the sessions are over for the servers, too."""
        size, end = -1, time.monotonic() + 5
        while time.monotonic() < end:
            now = sum(os.path.getsize(p) for p in self.paths.values())
            if now == size:
                return
            size = now
            time.sleep(0.15)


def diagnose(smtpdx, case, logs):
    with tempfile.TemporaryDirectory(prefix="smtpdx-manners-") as folder:
        one = runner.Run(smtpdx, case, folder)
        one.prepare()                          # may hold sessions of its own, which are not ours
        logs.settle()
        logs.new()
        one.call("--json")
    logs.settle()
    return logs.new()


def collect(smtpdx, chosen):
    logs, lines, rude = Logs(), [], []
    for i, case in enumerate(chosen):
        for kind, text in diagnose(smtpdx, case, logs).items():
            lines += bans.read(kind, text, i * APART)
            rude += ["%s: %s" % (case.name, m) for m in IMPOLITE.findall(text)]
    return lines, rude


def count(lines, jails):
    """({ban of the spaced runs}, {ban if all had come at once}, most failures in one diagnosis)."""
    apart, together, most = [], [], 0
    for jail, filter_name, kind in jails:
        found = bans.failures(lines, kind, filter_name)
        apart += bans.bans(found, jail)
        together += bans.bans([dataclasses.replace(f, line=dataclasses.replace(f.line, time=0.0)) for f in found], jail)
        most = max([most, *Counter((f.line.server, f.client, f.line.time) for f in found).values()])
    return apart, together, most


def show(what, found):
    for ban in found:
        print("  %s: %s would have banned %s at %s (%d failures, limit %d)"
              % (what, ban.jail, ban.client, ban.server, ban.failures, ban.limit))


def report(lines, rude, diagnoses, verbose):
    apart, together, most = count(lines, bans.JAILS)
    own = [b for b in apart if b.limit > 1]
    stricter, _, most_stricter = count(lines, bans.STRICTER)
    print("%d diagnoses, %d lines of log, %d servers, %d clients" % (
        diagnoses, len(lines), len({l.server for l in lines}), len({b.client for b in together} | {"203.0.113.5"})))
    print("stock jails: %d clients banned; most failures of one diagnosis at one server: %d" % (len({b.client for b in own}), most))
    show("BAN", own)
    print("one ordinary message would have met the same (maxretry = 1): %d" % (len(apart) - len(own)))
    show("any sender", [b for b in apart if b.limit == 1])
    print("mode=aggressive: %d bans; most failures of one diagnosis: %d" % (len(stricter), most_stricter))
    print("at once, without any pause: %d bans" % len([b for b in together if b.limit > 1]))
    if verbose:
        show("aggressive", stricter)
        show("at once", [b for b in together if b.limit > 1])
    print("postscreen complained %d times" % len(rude))
    for line in rude:
        print("  " + line)
    return 1 if own or rude else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--smtpdx", required=True)
    parser.add_argument("--diagnoses", type=int, default=200)
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    chosen = cases(args.diagnoses)
    if "SMTPDX_LAB" not in os.environ:
        return up.run([sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]])
    lines, rude = collect(os.path.abspath(args.smtpdx), chosen)
    if not lines:
        print("the servers' logs are empty")
        return 1
    return report(lines, rude, len(chosen), args.verbose)


if __name__ == "__main__":
    sys.exit(main())
