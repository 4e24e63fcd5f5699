#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`relay` against real servers: every factor of the matrix, and what flips the answer.

  tests/lab/relay_matrix.py --smtpdx PATH [-v] [NAME ...]

Each case names rows that must be there (factor, beginning of the value, outcome, beginning
of the reply, does it flip) and all factors that may flip (the recipients are controls).  No session may go past RCPT.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(os.path.dirname(HERE))]

from lab import up             # noqa: E402

FAR = "bob@control-alder.example"
DENIED = "554 5.7.1"
PASSWORDS = {"LAB_PASSWORD": "secret", "LAB_WRONG_PASSWORD": "wrong"}


@dataclass
class Case:
    name: str
    words: str
    rows: list
    flips: list = field(default_factory=list)     # factors; all of them, no other
    exit: int = 1
    sources: tuple = ("203.0.113.5",)
    not_tried: list = field(default_factory=list)
    lacks: list = field(default_factory=list)     # factors of which there must be no row


CASES = [
    Case("login-postfix", "mail.bluebell13.example:587 --from alice@bluebell13.example --to %s --user alice --password-env LAB_PASSWORD" % FAR,
         [("baseline", "port 587, TLS starttls", "refused", DENIED, False), ("tls", "none", "refused", DENIED, False),
          ("auth", "logged in as alice", "accepted", "250", True), ("recipient", "postmaster", "accepted", "250", True),
          ("recipient", "alice@bluebell13.example", "accepted", "250", True), ("sender", "<>", "refused", DENIED, False),
          ("helo", "localhost", "refused", DENIED, False), ("port", "25", "refused", DENIED, False),
          ("port", "465", "failed", None, False), ("baseline again", "", "refused", DENIED, False)],
         flips=["auth"], not_tried=["source", "family"]),
    Case("login-exim", "mail.snowdrop13.example:587 --from alice@snowdrop13.example --to %s --user alice --password-env LAB_PASSWORD" % FAR,
         [("baseline", "port 587", "refused", "550 relay not permitted", False), ("auth", "logged in as alice", "accepted", "250", True),
          ("recipient", "alice@snowdrop13.example", "accepted", "250", True)], flips=["auth"]),
    Case("refused-login-postfix", "mail.camellia19.example:587 --from alice@camellia19.example --to %s --user alice --password-env LAB_WRONG_PASSWORD" % FAR,
         [("auth", "logged in as alice", "refused", "535 5.7.8", False)], flips=[]),
    Case("refused-login-exim", "mail.periwinkle19.example:587 --from alice@periwinkle19.example --to %s --user alice --password-env LAB_WRONG_PASSWORD" % FAR,
         [("auth", "logged in as alice", "refused", "535 Incorrect", False)], flips=[]),
    Case("port-and-login", "mail.honeysuckle17.example:25 --from alice@honeysuckle17.example --to %s --user alice --password-env LAB_PASSWORD" % FAR,
         [("baseline", "port 25", "refused", DENIED, False), ("port", "587", "refused", DENIED, False),
          ("port+auth", "port 587, logged in as alice", "accepted", "250", True)], flips=["port+auth", "mx"], lacks=["auth"]),
    Case("port", "mail.pelican70.example:587 --from ann@pelican70.example --to %s" % FAR,
         [("port", "25", "accepted", "250", True)], flips=["port"], not_tried=["auth"]),
    Case("no-port", "mail.pelican70.example --from ann@pelican70.example --to %s" % FAR,
         [("baseline", "port 587", "refused", DENIED, False), ("port", "25", "accepted", "250", True)], flips=["port"]),
    Case("tls", "mail.lavender16.example:587 --from ann@neutral.example --to %s" % FAR,
         [("baseline", "port 587, TLS starttls", "refused", DENIED, False), ("tls", "none", "refused", "530 5.7.0 Must issue", False)],
         flips=[]),
    Case("source", "mail.kestrel35.example:25 --from ann@kestrel35.example --to %s" % FAR,
         [("source", "203.0.113.6", "accepted", "250", True)], flips=["source", "mx"], sources=("203.0.113.5", "203.0.113.6")),
    Case("family", "mail.osprey36.example:25 --from ann@osprey36.example --to %s" % FAR,
         [("family", "2001:db8:36::25", "refused", DENIED, True), ("baseline again", "", "accepted", "250", False)],
         flips=["family"], exit=0, sources=("203.0.113.5", "2001:db8:c::5")),
    Case("helo", "mail.carnelian54.example:25 --from ann@neutral.example --to bob@carnelian54.example",
         [("helo", "localhost", "refused", "504 5.5.2", True)], flips=["helo"], exit=0),
    Case("sender", "mail.lapislazuli64.example:25 --from root@app64.internal.example --to bob@lapislazuli64.example",
         [("sender", "<>", "accepted", "250", True)], flips=["sender"]),
    Case("mx", "mx1.cedar03.example:25 --from ann@neutral.example --to bob@cedar03.example",
         [("mx", "mx2.oldmail-lyra.example", "refused", "550 relay not permitted", True)], flips=["mx"], exit=0),
    Case("deferred", "mx.gatehouse-pictor.example:25 --from ann@neutral.example --to bob@helleborine02.example --timeout 30",
         [("baseline", "port 25", "deferred", "450 4.3.2", False)], exit=3),
    Case("nobody-there", "nothing-here.neutral.example:25 --from ann@neutral.example --to bob@cedar03.example", [], exit=3),
]


def call(smtpdx, case, *more):
    env = os.environ
    words = [smtpdx, "relay", *case.words.split(), "--resolver", env["SMTPDX_LAB_RESOLVER"], "--trust-anchor",
             env["SMTPDX_LAB_TRUST_ANCHOR"], "--ca", env["SMTPDX_LAB_CA"], *more]
    for source in case.sources:
        words += ["--source", source]
    return subprocess.run(words, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, env={**env, **PASSWORDS})


def fits(row, wanted):
    factor, value, outcome, reply, flips = wanted
    return (row["factor"] == factor and row["value"].startswith(value) and row["outcome"] == outcome and row["flips"] == flips and
            ((row["reply"] or "").startswith(reply) if reply else row["reply"] is None))


def complaints(case, done):
    if done.returncode != case.exit:
        return ["exit code %d, expected %d: %s" % (done.returncode, case.exit, done.stderr.strip()[-300:])]
    matrix = json.loads(done.stdout)
    rows = matrix["rows"]
    wrong = ["no such row: %s" % (w,) for w in case.rows if not any(fits(r, w) for r in rows)]
    flips = sorted({r["factor"] for r in rows if r["flips"] and r["factor"] != "recipient"})
    if flips != sorted(case.flips):
        wrong.append("flips: %s, expected %s" % (flips, sorted(case.flips)))
    named = {n["factor"] for n in matrix["not_tried"]}
    wrong += ["not said to be untried: " + f for f in case.not_tried if f not in named]
    if wrong:
        wrong.append("after %d ms: %s" % (matrix["elapsed_ms"], [(r["factor"], r["value"], r["outcome"], r["phase"], r["reply"]) for r in rows]))
    return wrong + ["must not be there: " + f for f in case.lacks if any(r["factor"] == f for r in rows)]


def past_rcpt():
    """Postfix counts a session's commands when it ends: DATA must not be among them."""
    with open(os.path.join(os.environ["SMTPDX_LAB"], "log", "mail.log")) as f:
        return [line.strip() for line in f if re.search(r"disconnect from .* (data|bdat)=", line)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--smtpdx", required=True)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if "SMTPDX_LAB" not in os.environ:
        return up.run([sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]])
    failed = 0
    for case in CASES:
        if args.names and case.name not in args.names:
            continue
        done = call(os.path.abspath(args.smtpdx), case, "--json")
        wrong = complaints(case, done)
        failed += bool(wrong)
        print("%s %s" % ("FAIL" if wrong else "ok  ", case.name))
        for line in wrong:
            print("     - " + line)
        if wrong or args.verbose:
            for line in call(os.path.abspath(args.smtpdx), case).stdout.splitlines():
                print("     | " + line)
    beyond = past_rcpt()
    for line in beyond:
        print("FAIL went past RCPT: " + line)
    return 1 if failed or beyond else 0


if __name__ == "__main__":
    sys.exit(main())
