#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server for others: nothing without an account, TLS, names and tokens, and no user sees another one's results."""
import http.client
import json
import os
import re
import ssl
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["SMTPDX"]
PASSWORDS = {"alice": "correct horse battery", "bob": "another long password"}


def smtpdx(*words, **options):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, **options)


class Server:
    """`serve` with a store of its own; `call` speaks HTTP to it."""

    def __init__(self, state, *words):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--world", "demo", *words], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, XDG_STATE_HOME=state))
        self.address = self.process.stdout.readline().strip()

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


class Accounts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.state = cls.folder.name
        cls.env = dict(os.environ, XDG_STATE_HOME=cls.state)
        cls.cert, cls.key = os.path.join(cls.state, "c.pem"), os.path.join(cls.state, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", cls.key,
                        "-out", cls.cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        cls.tls = ("--tls-cert", cls.cert, "--tls-key", cls.key)
        cls.without = smtpdx("serve", "--listen", "127.0.0.1:0", *cls.tls, env=cls.env)
        for name, password in PASSWORDS.items():
            made = smtpdx("account", "add", name, "--password-env", "SECRET", env=dict(cls.env, SECRET=password))
            assert made.returncode == 0, made
        cls.token = smtpdx("account", "token", "alice", "ci", "--scope", "explain", env=cls.env).stdout.strip()
        cls.server = Server(cls.state, *cls.tls)
        cls.port = int(re.search(r":(\d+)/$", cls.server.address)[1])

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def call(self, method, path, body=None, cookie=None, **fields):
        context = ssl.create_default_context(cafile=self.cert)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        headers = {k.replace("_", "-"): v for k, v in fields.items()}
        if cookie:
            headers["Cookie"] = cookie
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def log_in(self, name):
        for _ in range(20):
            answer, _text = self.call("POST", "/v1/session", {"user": name, "password": PASSWORDS[name]})
            if answer.status != 429:
                break
            time.sleep(float(answer.getheader("Retry-After")))
        self.assertEqual(answer.status, 204)
        cookie = answer.getheader("Set-Cookie")
        for word in ("HttpOnly", "SameSite=Strict", "Secure"):
            self.assertIn(word, cookie)
        return cookie.split(";")[0]

    def test_is_not_started_without_tls_or_account(self):
        plain = smtpdx("serve", "--listen", "0.0.0.0:0", env=self.env)
        self.assertEqual(plain.returncode, 2)
        self.assertIn("only by TLS", plain.stderr)
        self.assertEqual(self.without.returncode, 2)
        self.assertIn("smtpdx account add", self.without.stderr)
        self.assertTrue(self.server.address.startswith("https://"), self.server.address)
        self.assertNotIn("token", self.server.address)

    def test_nothing_for_nobody(self):
        for method, path in (("GET", "/v1/meta"), ("POST", "/v1/explain"), ("GET", "/v1/diagnoses"), ("GET", "/v1/history"),
                             ("GET", "/metrics"), ("GET", "/v1/causes")):
            answer, _ = self.call(method, path, {} if method == "POST" else None)
            self.assertEqual(answer.status, 401, path)
        for path in ("/", "/healthz"):
            self.assertEqual(self.call("GET", path)[0].status, 200)
        self.assertEqual(self.call("GET", "/v1/meta", Authorization="Bearer " + "a" * 26)[0].status, 401)
        self.assertEqual(self.call("GET", "/v1/meta", cookie="smtpdx_%d=%s" % (self.port, "a" * 26))[0].status, 401)

    def test_token_does_what_its_scopes_say(self):
        bearer = "Bearer " + self.token
        self.assertEqual(self.call("POST", "/v1/explain", {"text": "550 5.1.1 no such user"}, Authorization=bearer)[0].status, 200)
        for path in ("/v1/diagnoses", "/v1/relay-tests"):
            self.assertEqual(self.call("POST", path, {"demo": True}, Authorization=bearer)[0].status, 403)
        self.assertEqual(self.call("GET", "/v1/history", Authorization=bearer)[0].status, 403)

    def test_revoked_token_is_nobody(self):
        token = smtpdx("account", "token", "bob", "short", env=self.env).stdout.strip()
        bearer = "Bearer " + token
        self.assertEqual(self.call("GET", "/v1/meta", Authorization=bearer)[0].status, 200)
        ident = smtpdx("account", "tokens", "bob", env=self.env).stdout.split()[0]
        self.assertEqual(smtpdx("account", "revoke", "bob", ident, env=self.env).returncode, 0)
        self.assertEqual(self.call("GET", "/v1/meta", Authorization=bearer)[0].status, 401)

    def test_guessing_is_slowed(self):
        answers = [self.call("POST", "/v1/session", {"user": "carol", "password": "guess number %d" % i})[0] for i in range(6)]
        self.assertIn(answers[0].status, (401, 429))
        self.assertTrue(all(a.status == 429 for a in answers[1:]), [a.status for a in answers])
        self.assertGreaterEqual(int(answers[-1].getheader("Retry-After")), 1)

    def test_two_users_do_not_see_each_other(self):
        alice, bob = self.log_in("alice"), self.log_in("bob")
        answer, text = self.call("POST", "/v1/diagnoses", {"demo": True}, cookie=alice)
        self.assertEqual(answer.status, 202)
        link = json.loads(text)["links"]["self"]
        for _ in range(100):
            job = json.loads(self.call("GET", link, cookie=alice)[1])
            if job["status"] not in ("queued", "running"):
                break
            time.sleep(0.1)
        self.assertEqual(job["status"], "done", job["problem"])
        self.assertEqual(self.call("PUT", link + "/saved", {"saved": True}, cookie=alice)[0].status, 204)
        for method, path, body in (("GET", link, None), ("GET", link + "/events", None), ("DELETE", link, None),
                                   ("PUT", link + "/saved", {"saved": False})):
            self.assertEqual(self.call(method, path, body, cookie=bob)[0].status, 404, (method, path))
        for path in ("/v1/history", "/v1/diagnoses"):
            self.assertEqual(json.loads(self.call("GET", path, cookie=bob)[1])["items"], [])
            self.assertEqual(len(json.loads(self.call("GET", path, cookie=alice)[1])["items"]), 1)
        self.assertEqual(self.call("DELETE", "/v1/session", cookie=bob)[0].status, 204)
        self.assertEqual(self.call("GET", "/v1/meta", cookie=bob)[0].status, 401)

    def test_what_happened_is_on_record(self):
        self.log_in("bob")
        for _ in range(50):
            log = smtpdx("account", "log", env=self.env).stdout
            if "bob  login" in log:
                break
            time.sleep(0.1)
        self.assertIn("bob  login  address 127.0.0.1  done", log)
        for secret in PASSWORDS.values():
            self.assertNotIn(secret, log)

    def test_password_is_nowhere_on_the_disk(self):
        for name in os.listdir(os.path.join(self.state, "smtpdx")):
            with open(os.path.join(self.state, "smtpdx", name), "rb") as file:
                content = file.read()
            for secret in (*PASSWORDS.values(), self.token):
                self.assertNotIn(secret.encode(), content)


if __name__ == "__main__":
    unittest.main(verbosity=2)
