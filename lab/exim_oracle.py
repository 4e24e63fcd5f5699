# SPDX-License-Identifier: Apache-2.0
"""Asks a real Exim what it answers to a session: `exim -bh CLIENT`, one session a process, no daemon, no packet out.

Everything runs in private network and mount namespaces, entered once: a small DNS server on loopback answers from a
table, the server's own addresses are on lo, and each configuration is bind-mounted on /etc/exim4.  The dialogue is
held command by command, so that the trace on stderr belongs to the command that was refused.

-bh cannot do TLS; and an IPv6 client's $sender_host_address is written out in full there, which a daemon does not do.
"""
import base64
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from lab import install

SERVER4, SERVER6 = "192.0.2.25", "2001:db8:25::25"
UID = 8101
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV"}


# ------------------------------------------------------------------ names

def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def rdata(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack("!H", value[0]) + wire_name(value[1])
    if kind == "TXT":
        raw = value.encode()
        return b"".join(bytes([len(raw[i:i + 255])]) + raw[i:i + 255] for i in range(0, len(raw) or 1, 255))
    return wire_name(value)


class Names(threading.Thread):
    """Answers for the whole world from {"records": {name: {type: [value]}}, "servfail": [suffix]}."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.records = {name.lower(): types for name, types in world["records"].items()}
        self.failing = [name.lower() for name in world.get("servfail", [])]
        self.above = {".".join(name.split(".")[i:]) for name in self.records for i in range(name.count(".") + 1)}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self.answer(query), peer)
            except (ValueError, IndexError, struct.error):
                pass                                     # no query

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        kind = TYPES.get(struct.unpack("!H", query[at + 1:at + 3])[0], "?")
        name, code, found = ".".join(labels).lower(), 0, []
        if any(name == f or name.endswith("." + f) for f in self.failing):
            code = 2
        else:
            for _ in range(8):
                alias = self.records.get(name, {}).get("CNAME")
                if not alias or kind == "CNAME":
                    break
                found.append((name, "CNAME", alias[0]))
                name = alias[0].lower()
            code = 0 if name in self.above else 3
            found += [(name, kind, value) for value in self.records.get(name, {}).get(kind, [])]
        numbers = {word: number for number, word in TYPES.items()}
        body = b""
        for owner, word, value in found:
            data = rdata(word, value)
            body += wire_name(owner) + struct.pack("!HHIH", numbers[word], 1, 60, len(data)) + data
        flags = 0x8480 | (struct.unpack("!H", query[2:4])[0] & 0x0100) | code
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + query[12:at + 5] + body


# -------------------------------------------------------------- namespace

def enter(world):
    """Call once, inside `unshare -n -m`: prepares the namespaces for Exim and starts the name server."""
    def run(*words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    run("ip", "addr", "add", SERVER4 + "/24", "dev", "lo")
    run("ip", "-6", "addr", "add", SERVER6 + "/64", "dev", "lo", "nodad")
    for folder in ("/var/spool", "/var/log"):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for name in ("/var/spool/exim4", "/var/log/exim4"):
        os.makedirs(name)
        os.chown(name, UID, UID)
    texts = {
        "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n",
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n192.0.2.25 mail.corp.example mail\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
        "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nuucp:x:10:10::/:/bin/false\nmail:x:8:8::/:/bin/false\n"
                       "Debian-exim:x:%d:%d::/var/spool/exim4:/bin/false\n" % (UID, UID),
        "/etc/group": "root:x:0:\nmail:x:8:\nnogroup:x:65534:\nuucp:x:10:\nDebian-exim:x:%d:\n" % UID,
    }
    for path, text in texts.items():
        with tempfile.NamedTemporaryFile("w", delete=False) as f:
            f.write(text)
        os.chmod(f.name, 0o644)
        if not os.path.exists(path):
            open(path, "w").close()
        run("mount", "--bind", f.name, os.path.realpath(path))
        os.unlink(f.name)
    os.makedirs("/etc/exim4", exist_ok=True)
    Names(world).start()


def within_namespace(words):
    """Runs the command in new namespaces and returns its exit code."""
    return subprocess.call(["unshare", "-n", "-m", "--", *words])


class Mounted:
    """A folder on /etc/exim4 while this is held."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        subprocess.run(["mount", "--bind", self.folder, "/etc/exim4"], check=True)

    def __exit__(self, *exc):
        subprocess.run(["umount", "-l", "/etc/exim4"], check=True)


# ---------------------------------------------------------------- dialogue

class Dialogue:
    def __init__(self, client, port, config="/etc/exim4/exim.conf"):
        server = SERVER6 if ":" in client else SERVER4
        self.trace = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [install.exim_program(), "-C", config, "-oMi", "%s.%d" % (server, port), "-bh", "%s.4321" % client],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.trace)
        self.buffer = b""
        self.seen = 0

    def reply(self):
        """(code, text) of the next reply; code 0 where the server said nothing more."""
        lines = []
        end = time.monotonic() + 15
        while True:
            while b"\n" not in self.buffer:
                ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
                chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                if not chunk:
                    return 0, " ".join(lines)
                self.buffer += chunk
            line, self.buffer = self.buffer.split(b"\n", 1)
            line = line.rstrip(b"\r").decode("utf-8", "replace")
            if re.match(r"\d{3}[ -]", line):
                lines.append(line[4:])
                if line[3] == " ":
                    return int(line[:3]), "\n".join(lines)

    def say(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\r\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.reply()

    def news(self):
        """What stderr said since the last call."""
        self.trace.seek(self.seen)
        text = self.trace.read()
        self.seen = self.trace.tell()
        return text

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.trace.close()


def steps_of(session):
    yield "ehlo", "EHLO " + session["helo"]
    if session.get("sasl"):
        token = "\0%s\0%s" % (session["sasl"]["user"], session["sasl"]["pass"])
        yield "auth", "AUTH PLAIN " + base64.b64encode(token.encode()).decode()
    yield "mail", "MAIL FROM:<%s>" % session["sender"]
    yield "rcpt", "RCPT TO:<%s>" % session["rcpt"]


def ask(session):
    """The server's answer: {"verdict", "stage", "code", "text", "by": [verb, line] or None, "trace": […]}."""
    dialogue = Dialogue(session["client"], session.get("port", 25))
    try:
        code, text = dialogue.reply()
        stage, trace = "connect", dialogue.news()
        if code == 0:
            return {"verdict": "server_fatal", "stage": stage, "code": 0, "text": trace.strip()[-300:], "by": None,
                    "trace": trace.splitlines()}
        if code == 220:
            for stage, command in steps_of(session):
                code, text = dialogue.say(command)
                trace = dialogue.news()
                if not 200 <= code < 300:
                    break
        verdict = "accepted" if 200 <= code < 300 else "no_auth" if "not advertised" in text and stage == "auth" else "refused"
        return {"verdict": verdict, "stage": stage, "code": code, "text": text, "by": decider(trace),
                "trace": trace.splitlines()}
    finally:
        dialogue.close()


PROCESSING = re.compile(r'>>> ?processing (?:ACL \S+ )?"(\w+)" \((\S+) (\d+)\)')
TESTED = re.compile(r'>>> (\w+): condition test (\w+) in ACL (.+)$')
END = re.compile(r'>>> end of ACL (.+): (.+)$')


def decider(trace):
    """The statements that decided the last ACL: the outer one, and the one that ran last; empty where the ACL ran out."""
    stack, last, result = [], None, None
    for line in trace.splitlines():
        if ">>> using ACL" in line:
            stack.append(None)
        m = PROCESSING.search(line)
        if m:
            last = [m.group(1), os.path.basename(m.group(2)), int(m.group(3))]
            if stack:
                stack[-1] = last
            continue
        m = END.search(line)
        if m and stack:
            outer = stack.pop()
            if not stack:
                result = None if "implicit" in m.group(2) else [outer, last]
            continue
        m = TESTED.search(line)
        endpass = "endpass encountered - denying access" in line
        stops = m and (m.group(2) == "error" or (m.group(2) == "deferred" and m.group(1) != "warn"))
        if (stops or endpass) and stack:
            result = [stack[0], last]
    return result


def answer_all(folder, sessions):
    """Answers of one configuration folder (it holds exim.conf)."""
    with Mounted(folder):
        return [ask(session) for session in sessions]


def load_world(path):
    with open(path) as f:
        return json.load(f)


def copy_case(source):
    """A folder that Exim will take: owned by root, not writable by others."""
    folder = tempfile.mkdtemp(prefix="exim-oracle-")
    os.chmod(folder, 0o755)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder
