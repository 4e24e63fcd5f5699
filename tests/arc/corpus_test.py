#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ARC chains of a corpus beside the repository (../shared/corpus/arc), each held against `smtpdx headers`: every chain of
the validation file must come out as it says; of the signing file the chains that its messages already carry.

Exit code 77 where the corpus, or Python's yaml, is not there.
"""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.environ.get("SMTPDX_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "dkim"))
from nameserver import NameServer, Txt  # noqa: E402

PROGRAM = os.environ.get("SMTPDX", "")
CORPUS = os.path.join(os.path.dirname(ROOT), "shared", "corpus", "arc")
try:
    import yaml
except ImportError:
    yaml = None


if yaml is None and os.path.realpath(sys.executable) != os.path.realpath("/usr/bin/python3") and os.access("/usr/bin/python3", os.X_OK):
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])  # Debian's, which has the packages


def skip(why):
    print("SKIP: " + why)
    sys.exit(77)


def arc_of(message, address):
    done = subprocess.run([PROGRAM, "headers", "--json", "-", "--resolver", address], input=message.encode(), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not done.stdout:
        return {"result": "no document: " + done.stderr.decode()}
    return json.loads(done.stdout)["arc"]


def scenarios(name):
    with open(os.path.join(CORPUS, name), encoding="utf-8") as f:
        return [d for d in yaml.safe_load_all(f) if d]


def run(name, expected_of):
    wrong = total = 0
    for scenario in scenarios(name):
        zone = {n: Txt(t) for n, t in (scenario.get("txt-records") or {}).items()}
        with NameServer(zone) as server, ThreadPoolExecutor(4) as pool:
            cases = list(scenario["tests"].items())
            results = pool.map(lambda c: arc_of(c[1]["message"], server.address), cases)
            for (case, test), arc in zip(cases, results):
                expected = expected_of(test)
                if expected is None:
                    continue
                total += 1
                if arc["result"] != expected:
                    wrong += 1
                    print("WRONG %s (%s): %s, not %s: %s" % (case, test["description"], arc["result"], expected, arc.get("detail")))
    print("%s: %d of %d" % (name, total - wrong, total))
    return wrong


def signed_result(test):
    """What the sealer of the signing file found before it sealed: it stands in its Authentication-Results field."""
    results = "".join(test["AAR"].split())
    for word in ("none", "pass", "fail"):
        if ";arc=" + word in results:
            return word
    return None


def main():
    if not yaml:
        skip("python3-yaml is not installed")
    if not os.path.isdir(CORPUS):
        skip("no corpus in %s" % CORPUS)
    wrong = run("arc-draft-validation-tests.dev.yml", lambda t: t["cv"].lower() or None)
    wrong += run("arc-draft-sign-tests.dev.yml", signed_result)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
