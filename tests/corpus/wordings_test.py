#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well single replies are read whose wording was written down from general knowledge, not from data/phrases.

wordings.tsv was worked with: its misses led to senses and phrases. wordings-apart.tsv was written afterwards and is only
scored, so that its figure tells how a wording is read that nobody looked at. The floors only ever rise.

By hand: wordings_test.py --misses  lists the misses of wordings.tsv.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("SMTPDX_ROOT") or os.path.join(HERE, "..", "..")
SMTPDX = os.environ.get("SMTPDX") or os.path.join(ROOT, "build/test/smtpdx")
FLOORS = {"wordings.tsv": 97, "wordings-apart.tsv": 95}  # percent


def rows(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]


def read(lines):
    """The object that the program says of each line."""
    with tempfile.TemporaryDirectory(prefix="smtpdx-wordings-") as folder:
        for i, line in enumerate(lines):
            with open(os.path.join(folder, "%05d.txt" % i), "w", encoding="utf-8") as out:
                out.write(line + "\n")
        run = subprocess.run([SMTPDX, "explain", "--json", folder], capture_output=True, timeout=300, check=False)
    if run.returncode not in (0, 1):
        sys.exit("explain ended with %d: %s" % (run.returncode, run.stderr.decode(errors="replace")[-2000:]))
    said = {}
    for line in run.stdout.splitlines():
        thing = json.loads(line)
        said.setdefault(int(os.path.basename(thing["source"]["name"])[:5]), thing)
    return [said[i] for i in range(len(lines))]


def main():
    failures = []
    for name, floor in FLOORS.items():
        wanted = rows(name)
        if any(len(row) != 3 for row in wanted):
            failures.append("%s: not three columns: %s" % (name, next(row for row in wanted if len(row) != 3)))
            continue
        said = read([row[2] for row in wanted])
        missed = [(row, thing) for row, thing in zip(wanted, said) if thing["reason"] not in row[0].split("|")]
        right = 100.0 * (len(wanted) - len(missed)) / len(wanted)
        print("%s: %.1f%% (%d of %d)" % (name, right, len(wanted) - len(missed), len(wanted)))
        if right < floor:
            failures.append("%s: %.1f%% is under %d%%" % (name, right, floor))
        if "--misses" in sys.argv and name == "wordings.tsv":
            for row, thing in missed:
                print("  %s, got %s by %s: %s" % (row[0], thing["reason"] or thing["kind"], thing["rule"], row[2]))
    for failure in failures:
        print("FAIL", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
