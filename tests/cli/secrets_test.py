#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A password is written nowhere, whatever the server does with it: every output is searched for it and for its base64.

The server here is scripted and mean: it says back, in plain and in base64, everything a login told it. It also counts
logins, because one refused login a run is all that is allowed."""
import base64
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
SMTPDX = os.environ.get("SMTPDX")
USER, SECRET = "alice@example.com", "Tr0ub4dor&3-horse"
ADDRESS = "127.0.0.77"                # where no other service of this machine listens
# The part of its base64 that does not depend on what stands around it, for each of the three alignments.
ENCODED = [base64.b64encode(b"\0" * n + SECRET.encode()).decode()[4 * (n > 0):-4] for n in range(3)]


class EchoServer:
    """STARTTLS, then AUTH PLAIN and LOGIN; whatever comes is refused (or accepted) with an echo of it."""

    def __init__(self, folder, accept):
        self.accept, self.logins, self.told = accept, 0, []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        self.socket = socket.create_server((ADDRESS, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(connection,), daemon=True).start()

    def session(self, connection):
        connection.settimeout(20)
        with contextlib.ExitStack() as open_ones:
            try:
                self.talk(connection, open_ones)
            except (OSError, ValueError):
                pass

    def talk(self, connection, open_ones):
        """One session; STARTTLS begins it anew over TLS."""
        open_ones.enter_context(connection)
        secured = logged_in = False
        reader = connection.makefile("rb")

        def say(text):
            connection.sendall(text.encode() + b"\r\n")

        say("220 mail.example.com ESMTP")
        while line := reader.readline():
            words = line.decode(errors="replace").split() or [""]
            verb = words[0].upper()
            if verb == "EHLO":
                say("250-mail.example.com\r\n250 " + ("AUTH PLAIN LOGIN" if secured else "STARTTLS"))
            elif verb == "STARTTLS":
                say("220 go")
                connection = open_ones.enter_context(self.tls.wrap_socket(connection, server_side=True))
                reader, secured = connection.makefile("rb"), True
            elif verb == "AUTH":
                logged_in = self.login(say, reader, words)
            elif verb == "QUIT":
                return say("221 bye")
            else:
                say(self.answer(verb, logged_in))

    def login(self, say, reader, words):
        self.logins += 1
        raw = words[2] if len(words) > 2 else ""
        if words[1].upper() == "LOGIN":
            if not raw:
                say("334 VXNlcm5hbWU6")
                reader.readline()
            say("334 UGFzc3dvcmQ6")
            raw = reader.readline().decode().strip()
        elif not raw:
            say("334 ")
            raw = reader.readline().decode().strip()
        plain = base64.b64decode(raw).decode().replace("\0", " ")
        self.told.append(plain)
        code = "235" if self.accept else "535"
        say("%s-5.7.8 you said %s\r\n%s 5.7.8 which is %s" % (code, plain, code, raw))
        return self.accept

    def answer(self, verb, logged_in):
        if verb == "RCPT" and not logged_in:
            return "554 5.7.1 Relay access denied"
        if verb == "RCPT":
            return "550 5.7.1 no, " + SECRET + " may not"
        return "250 ok"


@unittest.skipUnless(SMTPDX, "SMTPDX names no program")
class SecretsTest(unittest.TestCase):
    def setUp(self):
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        self.folder = tempfile.mkdtemp(prefix="smtpdx-secrets-")
        self.addCleanup(shutil.rmtree, self.folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.example.com",
                        "-addext", "subjectAltName=IP:" + ADDRESS, "-keyout", self.folder + "/key.pem", "-out", self.folder + "/cert.pem"],
                       check=True, capture_output=True)
        with open(self.folder + "/password", "w") as f:
            f.write(SECRET + "\n")

    def assert_silent(self, text, where):
        for form in [SECRET, *ENCODED, USER + "\0" + SECRET]:
            self.assertNotIn(form, text, where)

    def run_against(self, accept, secret_words, env, verbs):
        for verb in verbs:
            server = EchoServer(self.folder, accept)
            self.addCleanup(server.close)
            target = "%s:%d" % (ADDRESS, server.port)
            words = {"relay": ["relay", target], "diagnose": ["diagnose", "--server", target]}[verb]
            for form in ([], ["-v"], ["--json"]):
                server.logins = 0
                done = subprocess.run(
                    [SMTPDX, *words, "--from", USER, "--to", "bob@example.org", "--user", USER, *secret_words,
                     "--ca", self.folder + "/cert.pem", "--resolver", "127.0.0.1:1", "--timeout", "15", "--i-own-this-server", *form],
                    capture_output=True, text=True, errors="replace", timeout=60, stdin=subprocess.DEVNULL,
                    cwd=self.folder, env={**os.environ, **env, "XDG_STATE_HOME": self.folder + "/state", "HOME": self.folder})
                self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                self.assert_silent(done.stdout, "stdout of %s %s" % (verb, form))
                self.assert_silent(done.stderr, "stderr of %s %s" % (verb, form))
                self.assertGreaterEqual(server.logins, 1, "%s %s: no login was tried: this run shows nothing\n%s" % (verb, form, done.stdout))
                self.assertIn(SECRET, server.told[-1])
                if not accept:
                    self.assertEqual(server.logins, 1, "one refused login a run")
                if form == ["--json"] and verb == "diagnose":
                    self.assertIn("[secret]", done.stdout, "the transcript shows the mask")
        self.search_files()

    def search_files(self):
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if name != "password":
                    with open(os.path.join(folder, name), errors="replace") as f:
                        self.assert_silent(f.read(), name)

    def test_a_refused_login(self):
        self.run_against(False, ["--password-file", self.folder + "/password"], {}, ["relay", "diagnose"])

    def test_an_accepted_login(self):
        self.run_against(True, ["--password-env", "MAIL_SECRET"], {"MAIL_SECRET": SECRET}, ["relay", "diagnose"])

    def test_a_command_and_the_warned_argument(self):
        self.run_against(False, ["--password-command", "cat %s/password" % self.folder], {}, ["relay"])
        self.run_against(False, ["--password", SECRET], {}, ["relay"])

    def test_errors_do_not_quote_it(self):
        for words in (["--password", SECRET, "--nonsense"], ["--password-file", self.folder + "/absent"],
                      ["--password-command", "echo %s; exit 1" % "x"]):
            done = subprocess.run([SMTPDX, "relay", "127.0.0.1:1", "--user", USER, *words], capture_output=True, text=True,
                                  timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assert_silent(done.stdout + done.stderr, words[0])


if __name__ == "__main__":
    unittest.main()
