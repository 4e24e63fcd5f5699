#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json against the server, in both directions: each method of each path is called until each of its answers that can be had
here was had, each fits its schema, and the server has no path or method that the document does not name."""
import itertools
import json
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from schema import Schemas  # noqa: E402
from serving import ROOT, Server  # noqa: E402

REPLY = "554 5.7.1 <bob@example.org>: Relay access denied"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
# Answers that take a broken machine, a minute, or a server with accounts; api_test.py, kill_test.py and accounts_test.py have some.
NOT_HERE = {"408", "429", "500", "503", "504"}
WITH_ACCOUNTS = {"/metrics": {"401"}}


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--world", "demo")
        cls.addClassCleanup(cls.server.stop)
        cls.ask = cls.server.ask
        cls.document = json.loads(cls.ask("GET", "/openapi.json").body)
        cls.schemas = Schemas(cls.document)
        cls.done = cls.made()
        cls.code = cls.ask("GET", "/v1/causes").json()["causes"][0]["code"]

    @classmethod
    def made(cls):
        path = cls.server.begin({"demo": True})
        cls.server.wait_over(path)
        return path.rsplit("/", 1)[1]

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "delete", "patch", "options", "head"):
                    yield path, method.upper(), operation

    # --- calls, by which answers are to be had

    def relay_test(self):
        """The id of a relay test: it fails at once in a scenario's world, and is one all the same."""
        path = self.server.begin({"host": "mail.example.org", "to": "bob@example.org"}, "/v1/relay-tests")
        self.server.wait_over(path)
        return path.rsplit("/", 1)[1]

    def concrete(self, path):
        if "{code}" in path:
            return path.replace("{code}", self.code)
        if "{id}" not in path:
            return path
        return path.replace("{id}", self.relay_test() if "relay" in path else self.made())

    GOOD = {"/v1/explain": {"text": REPLY}, "/v1/letters": {"text": REPLY}, "/v1/diagnoses": {"demo": True},
            "/v1/relay-tests": {"host": "mail.example.org", "to": "bob@example.org"}}

    def good_body(self, path):
        if path == "/v1/session":
            return {"token": self.server.token}
        return {"saved": True} if path.endswith("/saved") else self.GOOD.get(path)

    def calls(self, path, method):
        """(path, body, fields) of calls that bring one answer each."""
        at, body = self.concrete(path), self.good_body(path) if method in ("POST", "PUT") else None
        yield at, body, {}
        yield at, body, {"Host": "evil.example"}
        yield at, body, {"Origin": "null"}
        yield at, body, {"Origin": "http://" + self.server.host}
        if method in ("POST", "PUT"):
            yield at, {"wrong": 1}, {}
            yield at, "{", {}
            yield at, "x" * (32 * 1024 * 1024 + 1), {}
            yield at, {"token": "x" * 26}, {}
        if method == "POST" and path in self.GOOD:
            yield at, "Subject: x\r\n\r\nx", {"Content-Type": "message/rfc822"}
            yield at, body, {"Idempotency-Key": "one " + path}
            yield at, dict(body, text="other"), {"Idempotency-Key": "one " + path}
        for name in ("id", "code"):
            if "{%s}" % name in path:
                yield path.replace("{%s}" % name, "nosuch"), body, {}
        if path.endswith("/saved"):
            # one that waits or runs cannot be kept
            many = [self.ask("POST", path.split("/{")[0], self.GOOD[path.split("/{")[0]]).json()["id"] for _ in range(12)]
            yield path.replace("{id}", many[-1]), body, {}
        if "limit" in json.dumps(self.document["paths"][path].get("get", {}).get("parameters", [])):
            yield at + "?limit=1", None, {}
            yield at + "?limit=1&cursor=" + self.done, None, {}
            yield at + "?cursor=" + "x" * 2000, None, {}

    def check(self, path, method, operation, call):
        at, body, fields = call
        answer = self.ask(method, at, body, fields)
        where = "%s %s -> %d (%.60r, %r)" % (method, at, answer.status, body, fields)
        responses = operation["responses"]
        self.assertIn(str(answer.status), responses, where + ": not documented; %r" % answer)
        response = self.schemas.follow(responses[str(answer.status)])
        content = response.get("content")
        given = (answer.field("Content-Type") or "").split(";")[0].strip()
        if not content:
            self.assertEqual(answer.body, b"", where)
            return answer.status
        self.assertIn(given, [name.split(";")[0] for name in content], where)
        schema = next(held for name, held in content.items() if name.split(";")[0] == given).get("schema", True)
        value = answer.json() if given.endswith("json") else answer.body.decode()
        self.assertEqual(list(self.schemas.problems(value, schema)), [], where)
        for name in response.get("headers", {}):
            self.assertIsNotNone(answer.field(name), where + ": no " + name)
        return answer.status

    def test_each_answer_is_as_documented(self):
        for path, method, operation in self.operations():
            with self.subTest(method + " " + path):
                had = {str(self.check(path, method, operation, call)) for call in self.calls(path, method)}
                missing = set(operation["responses"]) - had - NOT_HERE - WITH_ACCOUNTS.get(path, set())
                self.assertEqual(missing, set(), "documented, and not to be had")

    def test_each_request_that_is_documented_is_one(self):
        """The schemas of the bodies let the good ones pass, and no key that the server does not know."""
        for path, method, operation in self.operations():
            content = self.schemas.follow(operation.get("requestBody", {})).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            if schema is None:
                continue
            self.assertEqual(list(self.schemas.problems(self.good_body(path), schema)), [], path)
            for name, inner in self.schemas.follow(schema).get("properties", {}).items():
                body = dict(self.good_body(path) or {}, **{name: self.sample(inner)})
                detail = self.ask(method, self.concrete(path), body).body.decode()
                self.assertNotIn("has no key", detail, "%s is documented for %s and not known" % (name, path))

    def sample(self, schema):
        schema = self.schemas.follow(schema)
        if "enum" in schema:
            return schema["enum"][0]
        name = schema.get("type", "string")
        name = name if isinstance(name, str) else name[0]
        if name == "object":
            return {key: self.sample(inner) for key, inner in schema.get("properties", {}).items()}
        return {"string": "x", "boolean": True, "integer": 1, "number": 1, "null": None}.get(name, [])

    def test_nothing_else_is_there(self):
        documented = {(path, method) for path, method, _ in self.operations()}
        for path in self.document["paths"]:
            for method in METHODS:
                if (path, method) in documented or (method == "HEAD" and (path, "GET") in documented):
                    continue
                answer = self.ask(method, self.concrete(path))
                self.assertEqual(answer.status, 405, (method, path))
                allowed = {word.strip() for word in answer.field("Allow").split(",")} - {"HEAD"}
                self.assertEqual(allowed, {m for p, m in documented if p == path}, path)

    def test_each_route_of_the_source_is_documented(self):
        """The names that the server compares a path with."""
        words = set()
        for name in ("routes.cpp", "site.cpp"):
            with open(os.path.join(ROOT, "src/web", name)) as file:
                text = file.read()
            words |= set(re.findall(r'(?:what|segments\[\d\]|path\[\d\]|request\.path|path) == "(/?[a-z][a-z.-]*)"', text))
        documented = set(itertools.chain.from_iterable(path.split("/") for path in self.document["paths"]))
        self.assertEqual({w.lstrip("/") for w in words} - documented - {"favicon.ico"}, set())
        self.assertGreater(len(words), 9, "the source is written otherwise now: look again")

    def test_each_reference_leads_somewhere(self):
        def walk(thing):
            if isinstance(thing, dict):
                if isinstance(thing.get("$ref"), str):
                    self.schemas.at(thing["$ref"])
                thing = list(thing.values())
            if isinstance(thing, list):
                for one in thing:
                    walk(one)
        walk(self.document)
        ids = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_schemas_would_catch_it(self):
        """A look at the looker."""
        job = self.ask("GET", "/v1/diagnoses/" + self.done).json()
        schema = {"$ref": "#/components/schemas/Job"}
        self.assertEqual(list(self.schemas.problems(job, schema)), [])
        for key, value in (("id", 1), ("status", "odd"), ("saved", "yes"), ("created_at", None)):
            self.assertTrue(list(self.schemas.problems(dict(job, **{key: value}), schema)), key)
            self.assertTrue(list(self.schemas.problems({k: v for k, v in job.items() if k != key}, schema)), key)


if __name__ == "__main__":
    unittest.main()
