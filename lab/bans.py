# SPDX-License-Identifier: Apache-2.0
"""Would the servers have banned us?

fail2ban's stock filters for Postfix and Exim, applied to the laboratory's logs by
fail2ban's own program, with the stock jails' limits: so many failures of one
address within so many seconds, at one server.  Nothing is banned; it is counted.

A jail with maxretry = 1 bans at the first refusal: whoever sends one ordinary
message meets that, too.  Such bans are listed, and are not the caller's fault.
"""
import ast
import os
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass

from lab import install

# Jail, filter as the jail names it, log.
JAILS = [("postfix", "postfix[mode=more]", "postfix"), ("postfix-rbl", "postfix[mode=rbl]", "postfix"),
         ("postfix-sasl", "postfix[mode=auth]", "postfix"), ("exim", "exim", "exim"), ("exim-spam", "exim-spam", "exim")]
# No jail uses it by itself, but many administrators do.
STRICTER = [("postfix", "postfix[mode=aggressive]", "postfix"), ("exim", "exim[mode=aggressive]", "exim")]


@dataclass(frozen=True)
class Line:
    """One line of a server's log: without its time, and when it was written (seconds, any origin)."""
    kind: str                  # "postfix" or "exim"
    server: str
    text: str
    time: float


@dataclass(frozen=True)
class Failure:
    line: Line
    client: str


@dataclass(frozen=True)
class Ban:
    jail: str
    server: str
    client: str
    failures: int
    limit: int


def seconds(text):
    number, unit = re.match(r"(\d+)([smhd]?)$", text.strip()).groups()
    return int(number) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def limits(jail):
    """(maxretry, findtime in seconds) of jail.conf: the jail's own, else the default."""
    found, section = {}, ""
    with open(os.path.join(install.fail2ban_folder(), "etc", "fail2ban", "jail.conf")) as f:
        for line in f:
            head = re.match(r"\[([\w-]+)\]", line)
            section = head.group(1) if head else section
            pair = re.match(r"(maxretry|findtime)\s*=\s*(\w+)\s*$", line)
            if pair:
                found[section, pair.group(1)] = pair.group(2)
    return (int(found.get((jail, "maxretry"), found["DEFAULT", "maxretry"])),
            seconds(found.get((jail, "findtime"), found["DEFAULT", "findtime"])))


def read(kind, text, time):
    """The lines of a laboratory log, each with its server; lines that belong to no server are left out."""
    for line in text.splitlines():
        if kind == "postfix":
            parts = re.match(r"\w{3} +\d+ [\d:]{8} (\S+ postfix-(\w+)/.*)$", line)
        else:
            parts = re.match(r"[\d-]{10} [\d:]{8} (.*\bI=\[([^]]+)\].*)$", line)
        if parts:
            yield Line(kind, parts.group(2), parts.group(1), time)


def failures(lines, kind, filter_name):
    """What the filter counts among `lines`. Each line is given a second of its own, so that a match tells which it was."""
    lines = [line for line in lines if line.kind == kind]
    begin = int(time.time()) - len(lines) - 60
    folder = install.fail2ban_folder()
    env = {**os.environ, "PYTHONPATH": os.path.join(folder, "usr", "lib", "python3", "dist-packages"), "TZ": "UTC"}
    with tempfile.NamedTemporaryFile("w", prefix="smtpdx-bans-") as log:
        for i, line in enumerate(lines):
            log.write(time.strftime("%Y-%m-%d %H:%M:%S ", time.gmtime(begin + i)) + line.text + "\n")
        log.flush()
        done = subprocess.run(["/usr/bin/python3", "-B", install.fail2ban_program(), "-c",
                               os.path.join(folder, "etc", "fail2ban"), "--usedns", "no", "-o", "row", log.name,
                               filter_name], capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise RuntimeError("fail2ban-regex: " + done.stderr[-500:])
    rows = [ast.literal_eval(row.rstrip(",")) for row in done.stdout.splitlines() if row.startswith("[")]
    return [Failure(lines[int(row[1]) - begin], row[0]) for row in rows]


def worst(times, window):
    """The most failures that lie within one window."""
    times = sorted(times)
    return max((sum(1 for t in times[i:] if t < start + window) for i, start in enumerate(times)), default=0)


def bans(found, jail):
    """Every server and client whose failures reach the jail's limit within its time."""
    maxretry, findtime = limits(jail)
    grouped = defaultdict(list)
    for failure in found:
        grouped[failure.line.server, failure.client].append(failure.line.time)
    counted = [(server, client, worst(times, findtime)) for (server, client), times in sorted(grouped.items())]
    return [Ban(jail, server, client, n, maxretry) for server, client, n in counted if n >= maxretry]
