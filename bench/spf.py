# SPDX-License-Identifier: Apache-2.0
"""One check of a sender policy, trace included, against pyspf: the same cases (the RFC 7208 suite that Debian's
python3-spf installs) from memory on both sides, CPU of each, in one run. A measurement whose results differ is none."""
import gzip
import importlib.util
import ipaddress
import os
import re
import subprocess
import time

SUITE = "/usr/share/doc/python3-spf/rfc7208-tests.yml.gz"
LETTERS = {"none": "N", "neutral": "?", "pass": "+", "fail": "-", "softfail": "~", "temperror": "t", "permerror": "p"}
ROUNDS = 5


def available():
    """Why it cannot be measured here, or None."""
    for module in ("spf", "yaml"):
        if not importlib.util.find_spec(module):
            return "no Python module %s (python3-spf, python3-yaml)" % module
    return None if os.path.exists(SUITE) else "no %s (python3-spf)" % SUITE


def octets(value):
    return b"".join(v.encode("latin-1") for v in (value if isinstance(value, list) else [str(value)]))


def records_of(entries):
    kinds = [k for e in entries if isinstance(e, dict) for k in e]
    for entry in entries:
        if entry == "TIMEOUT":
            yield "SILENT", b""
            continue
        for kind, value in entry.items():
            kind = "TXT" if kind == "SPF" and "TXT" not in kinds else kind
            if kind == "SPF" or value == "NONE":
                continue
            yield kind, value


def scenarios():
    """[(zone, tests)], the zone a dict from a name to its records."""
    import yaml
    with gzip.open(SUITE, "rt", encoding="utf-8") as f:
        return [({str(n).lower(): list(records_of(e)) for n, e in s["zonedata"].items()}, list(s["tests"].values()))
                for s in yaml.safe_load_all(f)]


def write(path, cases):
    def word(kind, value):
        if kind == "TXT":
            return octets(value).hex()
        return (" ".join(map(str, value)) if kind == "MX" else str(value) if kind != "SILENT" else "").encode().hex()

    with open(path, "w", encoding="utf-8") as f:
        for zone, tests in cases:
            f.write("zone\n")
            for name, records in zone.items():
                for kind, value in records:
                    f.write("\t".join(("record", name.encode("latin-1").hex(), kind, word(kind, value))) + "\n")
            for t in tests:
                f.write("\t".join(("case", t["host"], t["helo"].encode().hex(), t["mailfrom"].encode().hex())) + "\n")


class Peer:
    """pyspf over the same zones."""

    def __init__(self, cases):
        import spf
        self.spf, self.cases, self.zone = spf, cases, {}
        spf.DNSLookup = self.look_up

    def look_up(self, name, kind, strict=True, timeout=None, level=0):
        answered = False
        for found, value in self.zone.get(name.lower().rstrip("."), ()):
            if found == "SILENT":
                if not answered:
                    raise self.spf.TempError("no answer")
                continue
            answered = answered or found == kind
            if found == "TXT":
                value = (octets(value),)
            elif found == "AAAA":
                value = ipaddress.ip_address(value).packed
            elif found == "MX":
                value = (int(value[0]), value[1])
            yield (name, found), value
            if found == "CNAME" and level == 0:
                yield from self.look_up(value, kind, strict, timeout, 1)

    def one_round(self):
        began, results = time.process_time(), ""
        for self.zone, tests in self.cases:
            for t in tests:
                query = self.spf.query(i=t["host"], s=t["mailfrom"], h=t["helo"], strict=True)
                results += LETTERS[query.check()[0]]
        return time.process_time() - began, results


def measure(bench, program, folder):
    cases = scenarios()
    path = os.path.join(folder, "spf.cases")
    write(path, cases)
    done = subprocess.run([program, path], text=True, stdout=subprocess.PIPE, timeout=300, check=True)
    ours = float(re.search(r"([\d.]+) us", done.stdout).group(1))
    peer = Peer(cases)
    rounds = [peer.one_round() for _ in range(ROUNDS)]
    count = sum(len(tests) for _, tests in cases)
    theirs = min(r[0] for r in rounds) * 1e6 / count
    got, other = done.stdout.splitlines()[1], rounds[0][1]
    if len(got) != count or sum(a != b for a, b in zip(got, other)) > count // 20:
        raise RuntimeError("the two come to different results: %s and %s" % (got, other))
    bench.say("  bench_spf, with every step kept: %s" % done.stdout.splitlines()[0])
    bench.verdict("spf: %.2f us CPU a check, pyspf %.1f us: %.1f times as fast, ratio %.3f" %
                  (ours, theirs, theirs / ours, ours / theirs), ours / theirs, 0.1)
