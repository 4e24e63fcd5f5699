#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the laboratory's cases: smtpdx against real servers, one fault at a time.

  tests/lab/run.py --smtpdx PATH [-v] [--world S02] [CASE ...]

One line per case; on failure, or with -v, the program's whole output too.  Ends
with "N passed, N failed, N skipped".  Exit code 1 if any failed, 77 where the
laboratory cannot run (the reason is printed).
"""
import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, ROOT]

import casefile                # noqa: E402
import judge                   # noqa: E402
import plays                   # noqa: E402
from lab import up             # noqa: E402

LIMIT = 90                     # seconds a single run may take
PASSWORDS = {"LAB_PASSWORD": "secret", "LAB_WRONG_PASSWORD": "wrong", "LAB_CAROL_PASSWORD": "hunter2"}


def world_options(case):
    env = os.environ
    words = ["--resolver", env["SMTPDX_LAB_RESOLVER"], "--trust-anchor", env["SMTPDX_LAB_TRUST_ANCHOR"],
             "--ca", env["SMTPDX_LAB_CA"]]
    for source in case.source.split():
        words += ["--source", source]
    for control in env["SMTPDX_LAB_CONTROLS"].split():
        words += ["--control", control]
    return words


class Run:
    def __init__(self, smtpdx, case, folder):
        self.smtpdx, self.case, self.folder = smtpdx, case, folder
        self.paths = {"lab": os.environ["SMTPDX_LAB"]}

    def prepare(self):
        for name, text in self.case.files.items():
            self.keep(name, text)
        if self.case.play:
            self.keep("log", plays.hold(self.case.play, os.environ["SMTPDX_LAB_CA"]))

    def keep(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        self.paths[name] = path

    def words(self):
        text = self.case.run
        for name, path in self.paths.items():
            text = text.replace("{%s}" % name, path)
        text = text.replace("{config:", os.path.join(self.paths["lab"], "config", ""))
        words = [w[:-1] if "/config/" in w and w.endswith("}") else w for w in shlex.split(text)]
        return [self.smtpdx, *words, *world_options(self.case)]

    def call(self, *more):
        words = self.words() + list(more)
        began = time.monotonic()
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=LIMIT,
                                  stdin=subprocess.DEVNULL, env={**os.environ, **PASSWORDS})
        except subprocess.TimeoutExpired as err:
            return None, str(err.stdout or ""), "still running after %d s" % LIMIT, time.monotonic() - began, words
        return done.returncode, done.stdout, done.stderr, time.monotonic() - began, words


def complaints(case, as_json, as_text):
    wrong = []
    for what, (code, out, err, _, _) in (("--json", as_json), ("text", as_text)):
        if code != case.exit:
            wrong.append("%s: exit code %s, expected %d; %s" % (what, code, case.exit, err.strip()[-300:]))
    try:
        wrong += judge.of_document(case, json.loads(as_json[1]))
    except (ValueError, KeyError, TypeError) as err:
        wrong.append("not the JSON of a diagnosis: %r" % err)
    return wrong + judge.of_text(case, as_text[1])


def run_case(smtpdx, case, verbose):
    with tempfile.TemporaryDirectory(prefix="smtpdx-case-") as folder:
        run = Run(smtpdx, case, folder)
        run.prepare()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(run.call, "--json")
            second = pool.submit(run.call)
            as_json, as_text = first.result(), second.result()
    wrong = complaints(case, as_json, as_text)
    print("%s %-22s %5.1f s  %s" % ("FAIL" if wrong else "ok  ", case.name, as_json[3], case.why[:90]))
    for line in wrong:
        print("     - " + line)
    if wrong or verbose:
        print("     $ " + shlex.join(as_text[4]))
        for text in (as_text[1], as_text[2], as_json[1] if verbose or not as_text[1] else ""):
            for line in text.splitlines():
                print("     | " + line[:400])
    sys.stdout.flush()
    return not wrong


def chosen(args):
    names = [n[:-5] if n.endswith(".case") else n for n in map(os.path.basename, args.cases)]
    paths = sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".case"))
    cases = [casefile.read(p) for p in paths]
    unknown = set(names) - {c.name for c in cases}
    if unknown:
        sys.exit("no such case: " + " ".join(sorted(unknown)))
    return [c for c in cases if (not names or c.name in names) and (not args.world or set(args.world) & set(c.world))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--smtpdx", required=True)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--world", action="append", default=[])
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    args.smtpdx = os.path.abspath(args.smtpdx)
    cases = chosen(args)                       # a malformed case fails here, with or without a laboratory
    if "SMTPDX_LAB" not in os.environ:
        code = up.run([sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]])
        if code == up.SKIPPED:
            print("0 passed, 0 failed, %d skipped" % len(cases))
        return code
    passed = sum(run_case(args.smtpdx, case, args.verbose) for case in cases)
    print("%d passed, %d failed, 0 skipped" % (passed, len(cases) - passed))
    return 0 if cases and passed == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
