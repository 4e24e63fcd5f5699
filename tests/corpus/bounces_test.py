#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well real bounces are read, where a corpus of them lies beside the repository (../shared/corpus/bounces).

The built program reads them all as a user would (`explain --json DIRECTORY`), as they are and in five mutated forms, and
is scored against the corpus's labels: reason (by reason-map.tsv, either of the two labels), status (where the labelled
one stands in the mail), recipient, and statuses that stand nowhere in the mail. The labels are another program's opinion;
where we keep ours, docs/bounce-disagreements.md says why, and it still counts as a miss.

Files are split by a hash of their names: `look` may be looked at while rules are written, `apart` never is, so that its
figures tell whether rules were written from what words mean or from the files. The floors below only ever rise.

By hand: bounces_test.py --misses [FORM]  lists what is missed in `look`; --labels adds the reply that was read.
"""
import base64
import hashlib
import json
import os
import quopri
import re
import subprocess
import sys
import tempfile

ROOT = os.environ.get("SMTPDX_ROOT") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SMTPDX = os.environ.get("SMTPDX") or os.path.join(ROOT, "build/test/smtpdx")
CORPUS = os.path.join(ROOT, "..", "shared", "corpus", "bounces")
KINDS = {"feedback": {"complaint"}, "delivered": {"delivered", "relayed", "expanded"}, "vacation": {"auto-reply"}}

# Percent, of all files. In mutated forms the reason alone counts, as a share of what is read right in the plain form.
FLOORS = {"reason": 86, "status": 99, "recipient": 98, "made up": 0}
KEPT_FLOORS = {"crlf": 99, "cr": 99, "cut": 88, "attached": 99, "quoted": 99}


def table(name):
    with open(os.path.join(CORPUS, name), encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]


def unix(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def attached(octets):
    head = (b"From: Alice <alice@asking.example>\nTo: helpdesk@asking.example\nSubject: Fwd: what does this mean?\n"
            b"Date: Tue, 24 Nov 2026 09:00:00 +0000\nMessage-ID: <1@asking.example>\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=\"=-outer-of-the-forward\"\n\n--=-outer-of-the-forward\n"
            b"Content-Type: text/plain; charset=utf-8\n\nPlease have a look.\n\n--=-outer-of-the-forward\n"
            b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n")
    return head + unix(octets) + b"\n--=-outer-of-the-forward--\n"


def quoted(octets):
    head = (b"From: Alice <alice@asking.example>\nTo: helpdesk@asking.example\nSubject: Fwd: what does this mean?\n"
            b"Date: Tue, 24 Nov 2026 09:00:00 +0000\nMessage-ID: <2@asking.example>\nMIME-Version: 1.0\n"
            b"Content-Type: text/plain; charset=utf-8\n\nPlease have a look.\n\n")
    return head + b"".join(b"> " + line + b"\n" for line in unix(octets).split(b"\n"))


FORMS = {
    "plain": lambda octets: octets,
    "crlf": lambda octets: unix(octets).replace(b"\n", b"\r\n"),
    "cr": lambda octets: unix(octets).replace(b"\n", b"\r"),
    "cut": lambda octets: octets[: len(octets) * 7 // 10],
    "attached": attached,
    "quoted": quoted,
}


def stands_in(octets, status):
    """Whether a status stands in the mail, also within base64 or quoted-printable."""
    word = re.compile(rb"(?<![0-9.])" + re.escape(status.encode()) + rb"(?![0-9])")
    if word.search(octets) or word.search(quopri.decodestring(octets)):
        return True
    for block in re.findall(rb"(?:^[A-Za-z0-9+/=]{40,}\r?\n?)+[A-Za-z0-9+/=]*", unix(octets), re.M):
        joined = re.sub(rb"[^A-Za-z0-9+/]", b"", block)
        if word.search(base64.b64decode(joined[: len(joined) // 4 * 4])):
            return True
    return False


def side(path):
    stem = os.path.basename(path)
    return "apart" if hashlib.sha256(stem.encode()).digest()[0] % 5 == 0 else "look"


def read_all(form, folder):
    """File name in the corpus → the objects that the program says, in order."""
    names = {}
    for row in table("labels.tsv"):
        if row[0] not in names.values():
            names["%04d.eml" % len(names)] = row[0]
    for short, path in names.items():
        with open(os.path.join(CORPUS, "mail", path), "rb") as f, open(os.path.join(folder, short), "wb") as out:
            out.write(FORMS[form](f.read()))
    run = subprocess.run([SMTPDX, "explain", "--json", folder], capture_output=True, timeout=300, check=False)
    if run.returncode not in (0, 1):
        sys.exit("explain ended with %d: %s" % (run.returncode, run.stderr.decode(errors="replace")[-2000:]))
    said = {path: [] for path in names.values()}
    for line in run.stdout.splitlines():
        thing = json.loads(line)
        said[names[os.path.basename(thing["source"]["name"])]].append(thing)
    return said


def choose(things, row):
    for thing in things:
        if row[2].lower() in ((thing["recipient"] or "").lower(), (thing["original_recipient"] or "").lower()):
            return thing
    at = int(row[1]) - 1
    return things[at] if at < len(things) else (things[0] if things else None)


def judge(row, things, octets, granted):
    """What of one row is right: a dictionary of field → True, False, or None where it is not scored."""
    thing = choose(things, row)
    if thing is None:
        return {"reason": False, "status": None, "recipient": False, "made up": False}, None
    labels = set(row[3].split("|")) | ({row[11]} if row[11] else set())
    right = any(thing["kind"] in KINDS.get(label, set()) for label in labels)
    right = right or bool(thing["reason"] and granted[thing["reason"]] & labels)
    status = None
    if row[4] and stands_in(octets, row[4]):
        status = thing["status"] == row[4] or (row[12] and thing["status"] == row[12])
    made_up = bool(thing["status"]) and not stands_in(octets, thing["status"])
    return {"reason": right, "status": status, "recipient": (thing["recipient"] or "").lower() == row[2].lower(),
            "made up": made_up}, thing


def rows():
    return [row + [""] * (15 - len(row)) for row in table("labels.tsv") if row[3] not in ("undefined", "onhold")]


def measure(form):
    granted = {row[0]: set(row[1].split(",")) for row in table("reason-map.tsv")}
    with tempfile.TemporaryDirectory(prefix="smtpdx-bounces-") as folder:
        said = read_all(form, folder)
    results = []
    for row in rows():
        with open(os.path.join(CORPUS, "mail", row[0]), "rb") as f:
            octets = f.read()
        verdict, thing = judge(row, said[row[0]], octets, granted)
        results.append((row, verdict, thing))
    return results


def share(results, field, which=None):
    values = [v[field] for row, v, _ in results if v[field] is not None and which in (None, side(row[0]))]
    return sum(map(bool, values)), len(values)


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 0.0


def print_misses(results, field="reason"):
    for row, verdict, thing in results:
        wrong = verdict[field] if field == "made up" else verdict[field] is False
        if not wrong or side(row[0]) != "look":
            continue
        thing = thing or {}
        words = ((thing.get("inner") or thing.get("reply") or {}).get("text") or "")[:200]
        print("%s#%s %s: label=%s/%s/%s/%s got=%s/%s/%s/%s rule=%s | %s" % (
            row[0], row[1], field, row[3], row[4], row[5], row[2], thing.get("reason") or thing.get("kind"),
            thing.get("status"), thing.get("code"), thing.get("recipient"), thing.get("rule"), words))


def relay_lines():
    wrong = []
    with open(os.path.join(CORPUS, "relay-lines.txt"), encoding="utf-8") as f:
        lines = [line.strip() for line in f if line.strip()]
    for line in lines:
        run = subprocess.run([SMTPDX, "explain", "--json", "--text", line], capture_output=True, timeout=60, check=False)
        if json.loads(run.stdout.splitlines()[0])["reason"] != "relay-denied":
            wrong.append(line)
    print("relay lines: %d of %d relay-denied" % (len(lines) - len(wrong), len(lines)))
    return wrong


def test():
    failures = []
    plain = measure("plain")
    for field in ("reason", "status", "recipient", "made up"):
        parts = {name: share(plain, field, name) for name in ("look", "apart")}
        whole = share(plain, field)
        print("%-9s %5.1f%%  (%d of %d; look %.1f%%, apart %.1f%%)" % (
            field, percent(whole), *whole, percent(parts["look"]), percent(parts["apart"])))
        if field == "made up":
            if percent(whole) > FLOORS[field]:
                failures.append("statuses that no mail has: %d" % whole[0])
        elif percent(whole) < FLOORS[field]:
            failures.append("%s %.1f%% is under %d%%" % (field, percent(whole), FLOORS[field]))
    right = {(row[0], row[1]) for row, v, _ in plain if v["reason"]}
    for form, floor in KEPT_FLOORS.items():
        results = measure(form)
        kept = [v["reason"] for row, v, _ in results if (row[0], row[1]) in right]
        figure = percent((sum(kept), len(kept)))
        print("%-9s reason kept %.1f%%, right in %.1f%% of all" % (form, figure, percent(share(results, "reason"))))
        if figure < floor:
            failures.append("%s: reason kept in %.1f%%, under %d%%" % (form, figure, floor))
    failures += ["not relay-denied: " + line for line in relay_lines()]
    for failure in failures:
        print("FAIL", failure)
    return 1 if failures else 0


def main():
    if not os.path.isdir(os.path.join(CORPUS, "mail")):
        print("SKIP: no corpus of bounces at " + os.path.normpath(CORPUS))
        return 77
    if "--misses" in sys.argv:
        form = next((word for word in sys.argv[1:] if word in FORMS), "plain")
        results = measure(form)
        for field in [word for word in sys.argv[1:] if word in FLOORS] or ["reason", "status", "recipient", "made up"]:
            print_misses(results, field)
        return 0
    return test()


if __name__ == "__main__":
    sys.exit(main())
