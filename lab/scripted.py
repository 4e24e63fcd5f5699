# SPDX-License-Identifier: Apache-2.0
"""SMTP servers that say what a script says, for faults no server here can have.

Providers' own words (Microsoft, Google, a sending service), greylisting, silence.
A script is a list of rules, one a line; the first that fits answers:

    BANNER 220 smtp.provider.example ready
    EHLO tls 250-smtp.provider.example|250-AUTH LOGIN XOAUTH2|250 SIZE 1000
    EHLO 250-smtp.provider.example|250 STARTTLS
    AUTH 535 5.7.139 Authentication unsuccessful
    MAIL anon 530 5.7.57 Client not authenticated
    RCPT /@far\\.example/ 550 5.7.54 Unable to relay
    RCPT once 450 4.7.1 Greylisted
    RCPT wait=30 250 2.1.5 OK
    END 550 5.7.1 Refused after the message

Between verb and reply: `tls` or `plain`, `auth` or `anon`, `once` (the first time a
line is seen from an address), `wait=SECONDS`, /regex/ on the line or, for END, on
the message.  `|` parts the lines of a reply.  `close` as reply ends the session.
What no rule fits is answered 250 (DATA 354, QUIT 221, AUTH 235).
"""
import json
import os
import re
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass

DEFAULTS = {"BANNER": "220 ready", "DATA": "354 go ahead", "QUIT": "221 bye", "AUTH": "235 2.7.0 Authentication successful",
            "STARTTLS": "220 2.0.0 go ahead"}


@dataclass
class Rule:
    verb: str
    reply: str
    tls: bool | None = None
    auth: bool | None = None
    once: bool = False
    wait: float = 0.0
    pattern: str = ""


def parse(text):
    rules = []
    for line in filter(None, map(str.strip, text.splitlines())):
        verb, rest = line.split(None, 1)
        rule = Rule(verb.upper(), "")
        while True:
            word = re.match(r"(tls|plain|auth|anon|once|wait=[\d.]+|/[^/]*/)\s+", rest)
            if not word:
                break
            rest, word = rest[word.end():], word.group(1)
            if word in ("tls", "plain"):
                rule.tls = word == "tls"
            elif word in ("auth", "anon"):
                rule.auth = word == "auth"
            elif word == "once":
                rule.once = True
            elif word.startswith("wait="):
                rule.wait = float(word[5:])
            else:
                rule.pattern = word[1:-1]
        rule.reply = rest
        rules.append(rule)
    return rules


class Over(Exception):
    pass


class Session(socketserver.BaseRequestHandler):
    def say(self, verb, text=""):
        """Answers with the first rule that fits; returns the reply's code."""
        reply = DEFAULTS.get(verb, "250 2.0.0 OK")
        for number, rule in enumerate(self.server.rules):
            if rule.verb == verb and self.fits(rule, number, text):
                time.sleep(rule.wait)
                reply = rule.reply
                break
        if reply == "close":
            raise Over
        self.request.sendall("".join(l + "\r\n" for l in reply.split("|")).encode())
        return reply[:3]

    def fits(self, rule, number, text):
        if rule.tls not in (None, self.tls) or rule.auth not in (None, self.logged_in):
            return False
        if rule.pattern and not re.search(rule.pattern, text):
            return False
        if rule.once:
            key = (number, self.client_address[0], text)
            with self.server.lock:
                if key in self.server.seen:
                    return False
                self.server.seen.add(key)
        return True

    def line(self):
        while b"\n" not in self.buffer:
            chunk = self.request.recv(4096)
            if not chunk:
                raise Over
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def wrap(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.buffer, self.tls = b"", True

    def handle(self):
        self.buffer, self.tls, self.logged_in = b"", False, False
        self.request.settimeout(60)
        try:
            if self.server.implicit:
                self.wrap()
            self.say("BANNER")
            while True:
                self.command(self.line())
        except (Over, OSError):
            pass

    def command(self, line):
        verb = line.split(" ", 1)[0].upper()
        if verb == "STARTTLS" and self.server.context:
            if self.say(verb, line) == "220":
                self.wrap()
        elif verb == "AUTH":
            self.login(line)
        elif verb == "DATA":
            if self.say(verb, line) == "354":
                self.message()
        else:
            self.say(verb, line)
            if verb == "QUIT":
                raise Over

    def login(self, line):
        words = line.split()
        prompts = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] if words[1:2] == ["LOGIN"] else ["334 "]
        for prompt in prompts[1:] if len(words) > 2 else prompts:      # an initial response answers the first
            self.request.sendall(prompt.encode() + b"\r\n")
            if self.line() == "*":
                self.request.sendall(b"501 5.7.0 Authentication cancelled\r\n")
                return
        self.logged_in = self.say("AUTH", line) == "235" or self.logged_in

    def message(self):
        lines = []
        while True:
            line = self.line()
            if line == ".":
                break
            lines.append(line)
        self.say("END", "\n".join(lines))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(folder):
    """Runs all scripted servers of scripted.json until killed."""
    with open(os.path.join(folder, "scripted.json")) as f:
        entries = json.load(f)
    for entry in entries:
        server = Server((entry["address"], entry["port"]), Session)
        server.rules, server.lock, server.seen = parse(entry["script"]), threading.Lock(), set()
        server.implicit, server.context = entry["port"] == 465, None
        if entry["cert"]:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(os.path.join(folder, "pki", entry["cert"] + ".crt"),
                                           os.path.join(folder, "pki", "server.key"))
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()
