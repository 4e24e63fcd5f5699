# SPDX-License-Identifier: Apache-2.0
"""`lab check`: does every world answer as its tests take for granted?

Plays the raw sessions and asks the DNS questions that the worlds list, with
nothing of smtpdx in the way.  If this fails, the laboratory is wrong, not the
program.
"""
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor

from lab import client, exim, listing, postfix
from lab.world import RESOLVER, World


def complaints_of_session(session, ca):
    out = client.play(session, ca, 3.0 if session.reply == "timeout" else 20.0)
    wrong = []
    if not out.reply.startswith(session.reply):
        wrong.append("expected  %s\n      got       %s" % (session.reply, out.reply))
    words = [w for c in out.capabilities for w in ([c] + c.replace("=", " ").split())]
    wrong += ["does not offer " + c for c in session.offers if c not in words]
    wrong += ["offers " + c for c in session.lacks if c in words]
    if session.banner and session.banner not in out.banner:
        wrong.append("banner is " + out.banner)
    return wrong, out.transcript


def complaints_of_question(question):
    words = ["dig", "+time=3", "+tries=2", "@" + question.server, question.name, question.type]
    if question.server == RESOLVER:
        words.append("+dnssec")
    text = subprocess.run(words, capture_output=True, text=True, timeout=20).stdout
    answer = []
    for line in text.splitlines():
        parts = line.split(None, 4)
        if len(parts) == 5 and not line.startswith(";") and parts[3] == question.type:
            if parts[0].lower() == question.name.rstrip(".").lower() + ".":
                answer.append(parts[4])
    wrong = []
    if sorted(answer) != question.answer:
        wrong.append("expected  %s\n      got       %s" % (question.answer, sorted(answer)))
    flags = [l.split(";")[2].split() for l in text.splitlines() if l.startswith(";; flags:")]
    if question.secure and not (flags and "ad" in flags[0]):
        wrong.append("not validated")
    if question.status not in text:
        wrong.append("status is not " + question.status)
    return wrong, text.splitlines()


def distance(a, b):
    """Edit distance (insert, delete, replace)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, last = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
    return row[-1]


def complaints_of_design():
    """Worlds must not see each other: no shared socket, no domain a typing mistake from another's."""
    zones = [(w.name, z.name) for w in World.ALL for z in w.zones]
    wrong = ["%s and %s lie close together" % (a, b) for i, (v, a) in enumerate(zones) for w, b in zones[i + 1:]
             if v != w and distance(a, b) < 4]
    if not listing.is_in_readme():
        wrong.append("lab/README.md does not end with the output of `script/lab worlds`")
    sockets = [s for w in World.ALL for s in [*postfix.sockets(w.postfixes), *exim.sockets(w.exims)]]
    return wrong + ["two servers at %s/%s:%d" % s for s in sorted({s for s in sockets if sockets.count(s) > 1})]


def complaints_of_page(ca, page):
    host, address, path, text = page
    try:
        context = ssl.create_default_context(cafile=ca)
        with socket.create_connection((address, 443), 10) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
            tls.sendall(("GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (path, host)).encode())
            got = b"".join(iter(lambda: tls.recv(4096), b"")).decode()
    except OSError as err:
        got = str(err)
    return ([] if got.endswith("\r\n\r\n" + text) else ["got " + got]), []


def describe(item):
    if isinstance(item, tuple):
        return "https://%s%s" % (item[0], item[2])
    if hasattr(item, "to"):
        how = " ".join(filter(None, [item.tls, "auth " + item.auth[1] if item.auth else "",
                                     "from " + item.source if item.source != "203.0.113.5" else ""]))
        return "%s %s%s" % (item.to, item.rcpt or "EHLO", " (%s)" % how if how else "")
    return "%s %s at %s" % (item.name, item.type, item.server)


def check(ca, only=(), verbose=False):
    jobs = []
    for world in World.ALL:
        if only and world.name not in only:
            continue
        jobs += [(world, s, lambda s=s: complaints_of_session(s, ca)) for s in world.sessions]
        jobs += [(world, q, lambda q=q: complaints_of_question(q)) for q in world.questions]
        pages = [(h.host, h.address, path, text) for h in world.webs if h.cert == "good" for path, text in h.pages.items()]
        jobs += [(world, p, lambda p=p: complaints_of_page(ca, p)) for p in pages]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda job: job[2](), jobs))
    failed = 0
    design = complaints_of_design()
    for line in design:
        print("FAIL design       " + line)
    for (world, item, _), (wrong, transcript) in zip(jobs, results):
        failed += bool(wrong)
        if wrong or verbose:
            print("%s %-12s %s" % ("FAIL" if wrong else "ok  ", world.name, describe(item)))
            for line in wrong:
                print("      " + line)
            for line in transcript if wrong else ():
                print("      | " + line)
    failed += bool(design)
    print("%d passed, %d failed" % (len(jobs) + 1 - failed, failed))
    return 1 if failed or not jobs else 0
