#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs messages by a signer of its own (signer.py), serves their keys from a real name server (nameserver.py), and holds
what `smtpdx headers` says of each against what the standards say (vectors.py). Then dkimpy is asked the same: where it
differs from the text, the vector says so and why, and nowhere else may it differ.

    vectors_test.py [NAME]      only the vectors whose name holds NAME, each with its message and document

Exit code 77 where Python's cryptography is not there; without dkimpy only the comparison is left out.
"""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
DEBIAN = "/usr/bin/python3"  # has the packages, where another Python runs the tests


def modules():
    try:
        import cryptography  # noqa: F401
        import dkim  # noqa: F401
        return True
    except ImportError:
        return False


if not modules() and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN) and os.access(DEBIAN, os.X_OK):
    os.execv(DEBIAN, [DEBIAN, "-B", *sys.argv])
try:
    import vectors
    from nameserver import NameServer, Txt, Cname
except ImportError as why:
    print("SKIP: %s" % why)
    sys.exit(77)

PROGRAM = os.environ.get("SMTPDX", "")
LEAST = 120


def document(vector, address):
    done = subprocess.run([PROGRAM, "headers", "--json", "-", "--resolver", address, "--now", vector.now, "--timeout",
                           "3" if vector.name == "silence" else "30"], input=vector.message, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not done.stdout:
        raise RuntimeError("%s: exit code %d: %s" % (vector.name, done.returncode, done.stderr.decode()))
    return json.loads(done.stdout)


def found(doc):
    return ["%s %s" % (d["result"], d["reason"]) for d in doc["dkim"]]


def expected(vector):
    return vector.expected if isinstance(vector.expected, list) else [vector.expected]


def peer_passes(vector):
    import dkim

    def texts(name, timeout=5):
        what = vector.zone.get(name.decode().rstrip(".").lower())
        while isinstance(what, Cname):
            what = vector.zone.get(what.target)
        if isinstance(what, Txt):
            return b"".join(what.records[0])
        if what is None or what == "NODATA":
            return None
        raise dkim.DnsTimeoutError("no answer")

    try:
        return dkim.DKIM(vector.message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), minkey=1024).verify(0, dnsfunc=texts)
    except Exception:  # dkimpy throws whatever its parsers throw
        return False


def compare_with_peer(all_vectors):
    """Each vector whose peer= is not what dkimpy does."""
    import logging
    logging.disable(logging.CRITICAL)
    wrong, agreed, differing = [], 0, 0
    for v in all_vectors:
        if v.peer == "clock":
            continue
        says = "pass" if peer_passes(v) else "not"
        ours = "pass" if expected(v)[0].startswith("pass") else "not"
        if v.peer is None and says == ours:
            agreed += 1
        elif v.peer is not None and says != ours and v.peer.startswith(says + ": "):
            differing += 1
        else:
            wrong.append("%s: dkimpy says %s, the text %s; peer=%s" % (v.name, says, v.expected, v.peer))
    return wrong, agreed, differing


def main():
    chosen = [v for v in vectors.all_vectors() if not sys.argv[1:] or sys.argv[1] in v.name]
    zone = {}
    for v in chosen:
        for name, what in v.zone.items():
            assert zone.get(name, what) is what or name.split(".")[0] in ("first", "second", "third"), name
            zone[name] = what
    wrong = []
    with NameServer(zone) as server, ThreadPoolExecutor(4) as pool:
        for v, doc in zip(chosen, pool.map(lambda v: document(v, server.address), chosen)):
            if sys.argv[1:]:
                print(v.message.decode("latin-1"), json.dumps(doc["dkim"], indent=1), sep="\n")
            if found(doc) != expected(v):
                wrong.append("%s: %s, not %s (%s)" % (v.name, found(doc), expected(v), "; ".join(
                    d["detail"] or "" for d in doc["dkim"])))
        by_tcp = any(how == "tcp" for how, _ in server.asked)
    for line in wrong:
        print("WRONG " + line)
    print("%d of %d vectors as the standards say" % (len(chosen) - len(wrong), len(chosen)))
    if not sys.argv[1:] and (len(chosen) < LEAST or not by_tcp):
        print("WRONG too few vectors, or none by TCP")
        return 1
    try:
        others, agreed, differing = compare_with_peer(chosen)
        print("dkimpy agrees in %d, and differs as said in %d" % (agreed, differing))
        for line in others:
            print("WRONG " + line)
        wrong += others
    except ImportError:
        print("dkimpy is not installed: not compared")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
