# SPDX-License-Identifier: Apache-2.0
"""Verifying signatures, held against the bare mathematics (`openssl speed`) and against libopendkim and dkimpy on the same
mails. All in CPU time of one run."""
import os
import re
import subprocess

DEBIAN = "/usr/bin/python3"  # has Debian's dkimpy
# The least share of the bare mathematics, and how many times as fast as libopendkim.
LEAST = {"rsa2048 4096": 0.40, "ed25519 4096": 0.75}
LEAST_OPENDKIM = 3.0

DKIMPY = """
import sys
import time
import dkim
message, record = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
best = 1e9
for run in range(3):
    started, count = time.process_time(), 0
    while time.process_time() - started < 0.3:
        assert dkim.verify(message, dnsfunc=lambda name, timeout=5: record)
        count += 1
    best = min(best, (time.process_time() - started) * 1e6 / count)
print("%.1f us" % best)
"""


def openssl_speed(what):
    """Microseconds of one verification."""
    done = subprocess.run(["openssl", "speed", "-seconds", "1", what], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, timeout=60, check=True)
    rate = float(done.stdout.strip().split("\n")[-1].split()[-1])
    return 1e6 / rate


def microseconds(words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120)
    found = re.search(r"([\d.]+) us", done.stdout)
    return float(found.group(1)) if done.returncode == 0 and found else None


def library(program, folder):
    """{"rsa2048 4096": (one key, new keys)}"""
    done = subprocess.run([program, folder], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    return {m[1]: (float(m[2]), float(m[3]))
            for m in re.finditer(r"(\w+ \d+) one-key ([\d.]+) us new-keys ([\d.]+) us", done.stdout)}


def measure(bench, program, folder):
    ours = library(program, folder)
    peers = {"libopendkim": [os.path.join(os.path.dirname(program), "bench_opendkim")], "dkimpy": [DEBIAN, "-c", DKIMPY]}
    for name, (one_key, new_keys) in ours.items():
        kind, body = name.split()
        floor = openssl_speed(kind)
        text = "dkim %s, body %s: %.1f us CPU (%.1f with new keys), openssl speed %.1f us: %.2f of it" % (
            kind, body, one_key, new_keys, floor, floor / one_key)
        if name in LEAST:
            bench.verdict(text + ", least %.2f; ours over it" % LEAST[name], LEAST[name] / (floor / one_key), 1.0)
        else:
            bench.say(text)
        stem = os.path.join(folder, "%s-%s" % (kind, body))
        for peer, words in peers.items():
            if not os.access(words[0], os.X_OK):
                continue
            theirs = microseconds([*words, stem + ".eml", stem + ".txt"])
            if theirs is None:
                bench.say("  %s does not verify it, or is not installed" % peer)
            elif peer == "libopendkim" and name == "rsa2048 4096":
                bench.verdict("  %s %.1f us: ours %.1f times as fast (%.1f with new keys), least %.1f" % (
                    peer, theirs, theirs / one_key, theirs / new_keys, LEAST_OPENDKIM), LEAST_OPENDKIM * one_key / theirs, 1.0)
            else:
                bench.say("  %s %.1f us: ours %.1f times as fast" % (peer, theirs, theirs / one_key))
