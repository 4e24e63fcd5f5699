#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sender policy suites of RFC 7208 and RFC 4408, run through the built program over real sockets.

Read from where Debian's python3-spf installs them; nothing of them is kept here. Each scenario's zone is served by a name
server of its own on loopback; each test is one run of `smtpdx spf --json`. What the suite calls TIMEOUT is answered by
SERVFAIL, which costs no time; those tests run a second time with a server that stays silent.

The older suite asks nothing that RFC 7208 decided otherwise: where the two differ, it allows several results.
"""
import concurrent.futures
import gzip
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import name_server  # noqa: E402

FOLDER = "/usr/share/doc/python3-spf"
SMTPDX = os.environ.get("SMTPDX", "build/test/smtpdx")
AT_ONCE = 8
PATIENCE = 60 if os.environ.get("SMTPDX_SANITIZED") else 20
SILENCE = 3  # seconds of a run whose server says nothing


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def octets(value):
    return [v.encode("latin-1") for v in value] if isinstance(value, list) else str(value).encode("latin-1")


def records_of(entries, silent):
    """The records of one name. Where there is no TXT record, the suite means the SPF ones to stand for both."""
    kinds = [k for e in entries if isinstance(e, dict) for k in e]
    found = []
    for entry in entries:
        if entry == "TIMEOUT":
            found.append(("SILENT" if silent else "SERVFAIL", None))
            continue
        for kind, value in entry.items():
            if kind == "SPF" and "TXT" not in kinds:
                kind = "TXT"
            if kind == "SPF" or value == "NONE":
                continue
            found.append((kind, octets(value) if kind == "TXT" else value))
    return found


def zone_of(scenario, silent):
    return {str(name): records_of(entries, silent) for name, entries in scenario["zonedata"].items()}


def run(server, test, patience):
    done = subprocess.run(
        [SMTPDX, "spf", "--json", "--resolver", server.address, "--timeout", str(patience), "--",
         str(test["host"]), test["mailfrom"], test["helo"]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode in (0, 1, 3), "exit code %d: %s" % (done.returncode, done.stderr)
    return json.loads(done.stdout)


def wanted(test):
    results = test["result"] if isinstance(test["result"], list) else [test["result"]]
    return [r.lower() for r in results]


def judge(name, test, got):
    if got["result"] not in wanted(test):
        return "%s: %s instead of %s: %s" % (name, got["result"], "/".join(wanted(test)), got["why"])
    if "explanation" in test and got["result"] == "fail":
        words = None if test["explanation"] == "DEFAULT" else test["explanation"]
        if got["explanation"] != words:
            return "%s: explains %r instead of %r" % (name, got["explanation"], words)
    if not got["why"] or not got["rfc"]:
        return "%s: no reason is given" % name
    return None


def waits(scenario, test):
    return "TIMEOUT" in str(scenario["zonedata"]) and ("temperror" in wanted(test) or "explanation" in test)


def jobs(scenarios, silent):
    for scenario in scenarios:
        chosen = {n: t for n, t in scenario["tests"].items() if not silent or waits(scenario, t)}
        if chosen:
            server = name_server.Server(zone_of(scenario, silent))
            for name, test in chosen.items():
                yield server, name, test


def check(suite, scenarios, silent):
    counted, wrong, explained = 0, [], 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [(name, test, pool.submit(run, server, test, SILENCE if silent else PATIENCE))
                for server, name, test in jobs(scenarios, silent)]
        for name, test, future in runs:
            counted += 1
            explained += "explanation" in test
            wrong += filter(None, [judge(name, test, future.result())])
    print("%s%s: %d of %d, %d with explanations" %
          (suite, " (silent server)" if silent else "", counted - len(wrong), counted, explained))
    for line in wrong:
        print("   ", line)
    return counted, len(wrong)


def load(yaml, name):
    path = os.path.join(FOLDER, name)
    if not os.path.exists(path):
        skip("%s is not there: install python3-spf" % path)
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return list(yaml.safe_load_all(f))


def main():
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is not installed; it comes with python3-spf")
    new, old = load(yaml, "rfc7208-tests.yml.gz"), load(yaml, "rfc4408-tests.yml.gz")
    total, wrong = check("RFC 7208", new, False)
    assert total == 203, "the suite has %d tests, not 203: has it changed?" % total
    wrong += check("RFC 7208", new, True)[1]
    wrong += check("RFC 4408", old, False)[1]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
