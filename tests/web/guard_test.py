#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may ask `smtpdx serve` on loopback: not a page of somebody else's in the same browser, under whatever name it comes."""
import json
import os
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import Served, problem  # noqa: E402

REPLY = "554 5.7.1 <bob@example.org>: Relay access denied"


class Guarded(Served):
    def status(self, path="/v1/meta", method="GET", body=None, **fields):
        return self.ask(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()}).status

    def test_only_its_own_names_are_answered_to(self):
        port = self.server.port
        for host in ("127.0.0.1:%d", "localhost:%d", "LocalHost:%d"):
            self.assertEqual(self.status(Host=host % port), 200, host)
        for host in ("evil.example", "evil.example:%d" % port, "127.0.0.1", "localhost", "127.0.0.1:1", "localhost.:%d" % port, "",
                     "127.0.0.1.nip.io:%d" % port, "0.0.0.0:%d" % port, "[::1]:%d" % port, "127.1:%d" % port, "2130706433:%d" % port,
                     "user@127.0.0.1:%d" % port, "127.0.0.1:%d:%d" % (port, port), "evil.example#127.0.0.1:%d" % port):
            for path in ("/v1/meta", "/", "/healthz", "/openapi.json"):
                self.assertEqual(self.status(path, Host=host), 403, (host, path))

    def test_not_one_host(self):
        for hosts in (b"", b"Host: %s\r\nHost: evil.example\r\n", b"Host: evil.example\r\nHost: %s\r\n", b"Host: %s\r\nHost: %s\r\n"):
            hosts = hosts.replace(b"%s", self.server.host.encode())
            said = self.say(b"GET /v1/meta HTTP/1.1\r\n%sConnection: close\r\n\r\n" % hosts)
            self.assertRegex(said, rb"^HTTP/1\.1 (400|403) ", hosts)

    def test_the_target_counts_not_the_host_beside_it(self):
        for target in (b"http://evil.example/v1/meta", b"http://evil.example?x=/v1/meta", b"http://evil.example"):
            said = self.say(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (target, self.server.host.encode()))
            self.assertRegex(said, rb"^HTTP/1\.1 (400|403) ", target)
        said = self.say(b"GET http://%s/v1/meta HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % ((self.server.host.encode(),) * 2))
        self.assertTrue(said.startswith(b"HTTP/1.1 200 "), said)

    def test_origins(self):
        self.assertEqual(self.status(Origin="http://" + self.server.host, Authorization="Bearer " + self.server.token), 200)
        self.assertEqual(self.status(Origin="http://" + self.server.host), 401)  # a page without a session
        for origin in ("null", "", "https://" + self.server.host, "http://evil.example", "http://" + self.server.host + ".evil.example",
                       "http://evil.example:%d" % self.server.port, "http://127.0.0.1", "file://", "http://" + self.server.host + "/",
                       "http://127.0.0.1:%d@evil.example" % self.server.port, "chrome-extension://abcdef"):
            for path, method in (("/v1/meta", "GET"), ("/v1/explain", "POST"), ("/", "GET"), ("/v1/session", "POST")):
                body = json.dumps({"token": self.server.token, "text": REPLY}) if method == "POST" else None
                self.assertEqual(self.status(path, method, body, Origin=origin, Authorization="Bearer " + self.server.token), 403,
                                 (origin, path))

    def test_two_origins(self):
        said = self.say(b"GET /v1/meta HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n" %
                        ((self.server.host.encode(),) * 2))
        self.assertRegex(said, rb"^HTTP/1\.1 (400|403) ")

    def test_what_a_browser_says_of_the_page_that_asks(self):
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
        self.assertEqual(self.status("/", **link), 200)
        self.assertEqual(self.status("/causes", **link), 200)
        for path in ("/v1/meta", "/v1/history", "/v1/", "/v1//history", "/v1/diagnoses/x/events", "/%761/history", "/v1%2Fhistory"):
            self.assertEqual(self.status(path, **link), 403, path)
        self.assertEqual(self.status("/", "POST", "x=1", **link), 403)
        for site in ("cross-site", "same-site", "anything"):
            for mode in ("no-cors", "cors", "websocket", "nested-navigate"):
                self.assertEqual(self.status("/", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode), 403, (site, mode))

    def test_the_api_has_no_other_way_in(self):
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        for path in ("//v1/meta", "///v1/history", "/./v1/meta", "/x/../v1/meta", "//v1/causes"):
            answer = self.ask("GET", path, fields=link)
            self.assertNotEqual((answer.field("Content-Type") or "").split(";")[0], "application/json", path)
            self.assertNotIn(b'"items"', answer.body)

    def test_a_session(self):
        own = {"Origin": "http://" + self.server.host, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        problem(self, self.ask("GET", "/v1/session", fields=own), 401)
        opened = self.ask("POST", "/v1/session", {"token": self.server.token}, own)
        self.assertEqual(opened.status, 204, opened)
        cookie = opened.field("Set-Cookie")
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        self.assertNotIn(self.server.token, cookie)
        with_cookie = dict(own, Cookie=cookie.split(";")[0])
        self.assertEqual(self.ask("GET", "/v1/session", fields=with_cookie).json(), {"user": "local", "scopes": ["all"]})
        self.assertEqual(self.ask("POST", "/v1/explain", {"text": REPLY}, with_cookie).status, 200)
        # the session does not help another page
        self.assertEqual(self.ask("GET", "/v1/session", fields=dict(with_cookie, Origin="http://evil.example")).status, 403)
        self.assertEqual(self.ask("GET", "/v1/session", fields=dict(with_cookie, **{"Sec-Fetch-Site": "cross-site"})).status, 403)
        self.assertEqual(self.ask("GET", "/v1/session", fields=dict(own, Cookie=cookie.split("=")[0] + "=x")).status, 401)
        self.assertEqual(self.ask("DELETE", "/v1/session", fields=with_cookie).status, 204)
        problem(self, self.ask("GET", "/v1/session", fields=with_cookie), 401)

    def test_tokens_and_guessing(self):
        self.assertEqual(self.status(Authorization="Bearer " + self.server.token), 200)
        wrong = self.server.token[:-1] + ("a" if self.server.token[-1] != "a" else "b")
        for token in (wrong, "", self.server.token + "x", self.server.token[:-1], "null"):
            if token:
                begun = time.monotonic()
                self.assertEqual(self.status(Authorization="Bearer " + token), 401, token)
                self.assertGreaterEqual(time.monotonic() - begun, 0.9)
            begun = time.monotonic()
            answer = self.ask("POST", "/v1/session", {"token": token})
            self.assertEqual(answer.status, 401 if token else 422, answer)
            if token:
                self.assertGreaterEqual(time.monotonic() - begun, 0.9)

    def test_every_answer_has_the_security_fields(self):
        for path in ("/", "/v1/meta", "/nothing.here", "/v1/nothing", "/openapi.json", "/healthz"):
            answer = self.ask("GET", path)
            policy = answer.field("Content-Security-Policy")
            self.assertIn("default-src 'none'", policy, path)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(answer.field("X-Content-Type-Options"), "nosniff", path)
            self.assertEqual(answer.field("X-Frame-Options"), "DENY", path)
            self.assertIsNone(answer.field("Access-Control-Allow-Origin"))


if __name__ == "__main__":
    unittest.main()
