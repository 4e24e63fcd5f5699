# SPDX-License-Identifier: Apache-2.0
"""The plainest SMTP client: plays one session and says how it ended.

It exists to look at the worlds with other eyes than smtpdx' own.  The outcome
is the first refusal, or the reply to RCPT (to EHLO where no recipient is
given), as "CODE text"; or one of the words

    timeout · refused · eof · no-starttls · no-auth · tls: REASON
"""
import base64
import hmac
import re
import socket
import ssl
from dataclasses import dataclass, field


@dataclass
class Outcome:
    reply: str = ""
    banner: str = ""
    capabilities: list[str] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)


class Stop(Exception):
    pass


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Client:
    def __init__(self, session, ca, limit=12.0):
        self.session, self.ca, self.limit = session, ca, limit
        self.out, self.buf, self.sock = Outcome(), b"", None

    # ------------------------------------------------------------- transport

    def connect(self):
        address, port = self.session.to.rsplit(":", 1)
        address = address.strip("[]")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(self.limit)
        source = self.session.source
        if (":" in source) == (":" in address):
            self.sock.bind((source, 0))
        self.sock.connect((address, int(port)))

    def wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        name = self.session.verify
        if not name:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=name or None)

    def read(self):
        lines = []
        while True:
            while b"\n" not in self.buf:
                chunk = self.sock.recv(4096)
                if not chunk:
                    raise Stop("eof")
                self.buf += chunk
            line, self.buf = self.buf.split(b"\n", 1)
            lines.append(line.rstrip(b"\r").decode("utf-8", "replace"))
            self.out.transcript.append("S: " + lines[-1])
            if lines[-1][3:4] != "-":
                return lines

    def command(self, text, good):
        if text is not None:
            self.out.transcript.append("C: " + text)
            self.sock.sendall(text.encode() + b"\r\n")
        lines = self.read()
        self.out.reply = lines[0][:3] + " " + "\n".join(l[4:] for l in lines)
        if lines[-1][:1] not in good:
            raise Stop(self.out.reply)
        return lines

    # -------------------------------------------------------------- sessions

    def hello(self):
        self.out.capabilities = [l[4:] for l in self.command("EHLO " + self.session.helo, "2")[1:]]

    def login(self):
        mechanism, user, password = self.session.auth
        offered = [c for c in self.out.capabilities if re.match(r"AUTH[ =]", c)]
        if not any(mechanism in c.upper().split() for c in offered):
            raise Stop("no-auth")
        if mechanism == "LOGIN":
            self.command("AUTH LOGIN", "3")
            self.command(b64(user), "3")
            self.command(b64(password), "2")
        elif mechanism == "CRAM-MD5":
            challenge = base64.b64decode(self.command("AUTH CRAM-MD5", "3")[-1][4:])
            self.command(b64(user + " " + hmac.new(password.encode(), challenge, "md5").hexdigest()), "2")
        else:
            self.command("AUTH PLAIN " + b64("\0%s\0%s" % (user, password)), "2")

    def play(self):
        session = self.session
        self.connect()
        if session.tls == "wrapper":
            self.wrap()
        self.out.banner = "\n".join(l[4:] for l in self.command(None, "2"))
        self.hello()
        if session.tls == "starttls":
            if "STARTTLS" not in self.out.capabilities:
                raise Stop("no-starttls")
            self.command("STARTTLS", "2")
            self.wrap()
            self.hello()
        if session.auth:
            try:
                self.login()
            except Stop as stop:
                if not session.swallow or str(stop) == "eof":
                    raise
        if session.rcpt:
            self.command("MAIL FROM:<%s>" % session.sender, "2")
            self.command("RCPT TO:<%s>" % session.rcpt, "2")

    def run(self):
        try:
            try:
                self.play()
            except Stop as stop:
                self.out.reply = str(stop)
            if self.out.reply != "eof":
                self.sock.sendall(b"QUIT\r\n")
        except ssl.SSLCertVerificationError as err:
            self.out.reply = "tls: " + err.verify_message
        except ssl.SSLError as err:
            self.out.reply = "tls: " + (err.reason or str(err))
        except TimeoutError:
            self.out.reply = "timeout"
        except ConnectionRefusedError:
            self.out.reply = "refused"
        except OSError as err:
            self.out.reply = "eof" if isinstance(err, ConnectionError) else "error: %s" % err
        finally:
            if self.sock:
                self.sock.close()
        return self.out


def play(session, ca, limit=12.0):
    return Client(session, ca, limit).run()
