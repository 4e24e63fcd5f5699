#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The API of `smtpdx serve` from outside: the same answers as the command line gives, diagnoses with their events, what is
kept, and what it does with nonsense, with children that die, and with passwords."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import SLOW, SMTPDX, Events, Served, Server, command_line, problem  # noqa: E402

REPLY = "554 5.7.1 <bob@example.org>: Relay access denied"
SECRET = "Zq8-sesame-street"
LONG = "a" * 300_000

# A port that takes connections and never speaks: a diagnosis there takes as long as its deadline lets it.
SILENT = """# silent
-- dns --
mail.teasel.example. A 192.0.2.18
-- server 192.0.2.18:465 --
name: mail.teasel.example
at connect: hang
-- run --
smtpdx diagnose --text "Connection closed" --server mail.teasel.example:465 --from alice@teasel.example --to bob@far.example --timeout 40
-- findings --
verdict: inconclusive
"""
SILENT_BODY = {"text": "Connection closed", "server": "mail.teasel.example:465", "from": "alice@teasel.example", "to": "bob@far.example",
               "client": {"tls": "none"}}

# A server that repeats to the client what it said, password and all.
LOGIN = """# login
-- dns --
mail.camellia.example. A 192.0.2.19
-- server 192.0.2.19:587 --
name: mail.camellia.example
starttls: yes
auth within tls: PLAIN LOGIN
users: alice/%s
login accepted: 235 2.7.0 welcome %%u with %s
domain: camellia.example
-- run --
smtpdx diagnose --text "535 5.7.8 Error: authentication failed" --server mail.camellia.example:587
  --from alice@camellia.example --to bob@far.example --user alice --password %s
-- findings --
verdict: problem
""" % (SECRET, SECRET, SECRET)


class Explained(Served):
    BOUNCE = ("From: MAILER-DAEMON@mx.example.net\r\nTo: alice@example.net\r\nSubject: Undelivered Mail Returned to Sender\r\n"
              "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\r\n--B\r\n"
              "Content-Type: text/plain\r\n\r\nI'm sorry.\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n"
              "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.7.1\r\n"
              "Remote-MTA: dns; mail.example.org\r\nDiagnostic-Code: smtp; 554 5.7.1 <bob@example.org>: Relay access denied\r\n\r\n"
              "Final-Recipient: rfc822; eve@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
              "Diagnostic-Code: smtp; 550 5.1.1 <eve@example.org>: User unknown\r\n\r\n--B--\r\n")
    TEXTS = (REPLY, "550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown", "hello", "4", "\u00fcber 550 \u2603 \u0000 x",
             "550 5.7.1 Service unavailable; client host [192.0.2.7] blocked using Spamhaus", BOUNCE, "550-a\r\n550 b" * 50)

    @staticmethod
    def without_source(lines):
        for one in lines:
            one.pop("source", None)
        return lines

    def by_command_line(self, *words, octets=None):
        done = subprocess.run([SMTPDX, "explain", "--json", *words], input=octets, capture_output=True, timeout=30 * SLOW)
        self.assertIn(done.returncode, (0, 1, 2, 3), done)
        return self.without_source([json.loads(line) for line in done.stdout.splitlines()])

    def test_text_as_the_command_line(self):
        for text in self.TEXTS:
            if "\0" in text:
                continue  # no argument of a program
            got = self.ask("POST", "/v1/explain", {"text": text})
            self.assertEqual(got.status, 200, got)
            self.assertEqual(self.without_source(got.json()["results"]), self.by_command_line("--text", text), text)

    def test_envelope_beside_it(self):
        got = self.ask("POST", "/v1/explain", {"text": REPLY, "to": "bob@example.org", "from": "alice@example.net"})
        self.assertEqual(self.without_source(got.json()["results"]),
                         self.by_command_line("--text", REPLY, "--to", "bob@example.org", "--from", "alice@example.net"))

    def test_a_message_as_a_file(self):
        for octets in (self.BOUNCE.encode(), self.BOUNCE.replace("\r\n", "\n").encode(), b"\xff\xfe\x00 nothing \x80", b"", b"\n"):
            with tempfile.NamedTemporaryFile(suffix=".eml") as file:
                file.write(octets)
                file.flush()
                got = self.ask("POST", "/v1/explain", octets, {"Content-Type": "message/rfc822; charset=x"})
                self.assertEqual(got.status, 200, got)
                wanted = self.by_command_line(file.name)
                self.assertEqual(self.without_source(got.json()["results"]), wanted, octets[:50])
        self.assertEqual(len(self.by_command_line("-", octets=self.BOUNCE.encode())), 2)

    def test_nul_octets_in_a_text(self):
        self.assertEqual(self.ask("POST", "/v1/explain", {"text": self.TEXTS[4]}).status, 200)

    def test_many_at_once_each_gets_its_own(self):
        wrong = []

        def one(n):
            for i in range(10):
                word = "w%dn%d" % (n, i)
                got = self.ask("POST", "/v1/explain", {"text": "554 5.7.1 <%s@example.org>: Relay access denied" % word})
                if got.status != 200 or word not in got.body.decode():
                    wrong.append(got)
        threads = [threading.Thread(target=one, args=(n,)) for n in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_letters(self):
        got = self.ask("POST", "/v1/letters", {"text": REPLY, "lang": "de"})
        self.assertEqual(got.status, 200, got)
        self.assertIsInstance(got.json()["letters"], list)
        problem(self, self.ask("POST", "/v1/letters", {"text": REPLY, "lang": "../../etc/passwd"}), 422)


class Diagnosed(Served):
    def test_events_end_with_the_verdict_that_is_kept(self):
        path = self.server.begin({"demo": True})
        live = Events(self.server, path).all()
        job = self.server.wait_over(path)
        self.assertEqual(job["status"], "done", job)
        self.assertEqual([e[0] for e in live[:-2]], list(range(len(live) - 2)))
        self.assertEqual([e[1] for e in live[-2:]], ["verdict", "end"])
        self.assertEqual({e[1] for e in live[:-2]}, {"plan", "observation", "line"})
        self.assertEqual(json.loads(live[-2][2]), job["result"])
        self.assertEqual(json.loads(live[-1][2]), {"status": "done", "problem": None})
        for _id, _name, data in live:
            json.loads(data)
        proved = [c for c in job["result"]["causes"] if c["verdict"] == "proved"] if "causes" in job["result"] else job["result"]
        self.assertTrue(proved)
        self.assertEqual(Events(self.server, path).all(), live)  # a second look, later
        for last in (0, 5, len(live) - 3, len(live) - 2, len(live) - 1):
            seen = live[last][0]
            self.assertEqual(Events(self.server, path, seen).all() or live[-1:], live[last + 1:] or live[-1:], last)
        for nonsense in ("-1", "x", "", "99999999999999999999999", "18446744073709551615"):
            again = Events(self.server, path, nonsense).all()
            self.assertEqual(again[-1][1], "end", nonsense)

    def test_more_connections_than_a_shell_gives_files(self):
        # The server is started with 1,024, raises that itself, and these 1,500 leave room for a diagnosis.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 4096:
            self.skipTest("no more than %d files are allowed here" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        server = Server("--world", "demo")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
        idle = []
        try:
            idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1500)]
            self.assertEqual(server.wait_over(server.begin({"demo": True}))["status"], "done")
        finally:
            for s in idle:
                s.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            server.stop()

    def test_two_listeners_at_once_and_one_who_leaves(self):
        path = self.server.begin({"demo": True})
        streams = [Events(self.server, path) for _ in range(3)]
        streams[2].one()
        streams[2].close()
        seen = []
        threads = [threading.Thread(target=lambda s=s: seen.append(s.all())) for s in streams[:2]]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0][-1][1], "end")

    def test_idempotency_keys(self):
        first = self.ask("POST", "/v1/diagnoses", {"demo": True}, {"Idempotency-Key": "k1"})
        again = self.ask("POST", "/v1/diagnoses", {"demo": True}, {"Idempotency-Key": "k1"})
        other = self.ask("POST", "/v1/diagnoses", {"demo": True}, {"Idempotency-Key": "k2"})
        none = self.ask("POST", "/v1/diagnoses", {"demo": True})
        self.assertEqual(first.json()["id"], again.json()["id"])
        self.assertEqual(len({a.json()["id"] for a in (first, other, none)}), 3)
        self.assertEqual(first.field("Location"), first.json()["links"]["self"])
        problem(self, self.ask("POST", "/v1/diagnoses", {"demo": True, "to": "x@example.org"}, {"Idempotency-Key": "k1"}), 422)

    def test_pages(self):
        made = [self.server.begin({"demo": True}).rsplit("/", 1)[1] for _ in range(5)]
        for job in made:
            self.server.wait_over("/v1/diagnoses/" + job)
            self.assertEqual(self.ask("PUT", "/v1/diagnoses/%s/saved" % job, {"saved": True}).status, 204)
        for collection in ("/v1/diagnoses", "/v1/history"):
            seen, cursor = [], ""
            while True:
                page = self.ask("GET", collection + "?limit=2" + cursor).json()
                self.assertLessEqual(len(page["items"]), 2)
                seen += [item["id"] for item in page["items"]]
                if page["next"] is None:
                    break
                cursor = "&cursor=" + page["next"]
            self.assertEqual(len(seen), len(set(seen)), collection)
            self.assertEqual([job for job in seen if job in made], made[::-1], collection)
            problem(self, self.ask("GET", collection + "?cursor=nosuch"), 422)
            for limit in ("0", "-1", "x", "", "99999999999999999999"):
                page = self.ask("GET", collection + "?limit=" + limit)
                self.assertEqual(page.status, 200, limit)
                self.assertTrue(page.json()["items"])
        self.assertEqual(self.ask("GET", "/v1/relay-tests").json()["items"], [])

    def test_one_kind_is_not_the_other(self):
        job = self.server.begin({"demo": True}).rsplit("/", 1)[1]
        self.server.wait_over("/v1/diagnoses/" + job)
        for path in ("/v1/relay-tests/" + job, "/v1/relay-tests/%s/events" % job):
            problem(self, self.ask("GET", path), 404)
        problem(self, self.ask("PUT", "/v1/relay-tests/%s/saved" % job, {"saved": True}), 404)


class Kept(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = Server("--world", "demo", state=self.folder.name)
        self.addCleanup(self.server.stop)
        self.ask = self.server.ask

    def made(self, saved=True):
        path = self.server.begin({"demo": True})
        job = self.server.wait_over(path)
        if saved:
            self.assertEqual(self.ask("PUT", path + "/saved", {"saved": True}).status, 204)
        return path, job

    def history(self):
        return [item["id"] for item in self.ask("GET", "/v1/history").json()["items"]]

    def test_what_was_kept_is_there_after_a_kill(self):
        path, job = self.made()
        lost, _ = self.made(saved=False)
        live = Events(self.server, path).all()
        self.server.kill()
        self.server.start()
        problem(self, self.ask("GET", lost), 404)
        problem(self, self.ask("GET", lost + "/events"), 404)
        again = self.ask("GET", path).json()
        for key in ("id", "kind", "status", "created_at", "title", "request", "input", "result"):
            self.assertEqual(again[key], job[key], key)
        self.assertTrue(again["saved"])
        self.assertEqual(self.ask("HEAD", path).status, 200)
        for last in (None, 3, 10_000):  # of its events the end is left, and whoever waits for it gets it
            events = Events(self.server, path, last).all()
            self.assertEqual([e[1] for e in events], ["verdict", "end"])
            self.assertEqual(json.loads(events[0][2]), json.loads(live[-2][2]))
        self.assertEqual(self.history(), [job["id"]])
        self.assertEqual(self.ask("DELETE", path).status, 204)
        problem(self, self.ask("GET", path), 404)
        self.assertEqual(self.history(), [])

    def test_only_a_clear_word_lets_it_be_dropped(self):
        path, job = self.made()
        for restart in (False, True):
            if restart:
                self.server.kill()
                self.server.start()
            for body in ("garbage", "", "{}", '{"saved": null}', '{"saved": "false"}', '{"saved": 0}', "false", '{"saved": false, "x": 1}',
                         '{"saved":' + "[" * 100_000 + "]" * 100_000 + "}"):
                problem(self, self.ask("PUT", path + "/saved", body), 422)
            self.assertEqual(self.history(), [job["id"]])
            self.assertEqual(self.ask("PUT", path + "/saved", {"saved": True}).status, 204)
            self.assertEqual(self.history(), [job["id"]])
        self.assertEqual(self.ask("PUT", path + "/saved", {"saved": False}).status, 204)
        self.assertEqual(self.history(), [])

    def test_dropped_and_deleted_while_this_start_knows_it(self):
        path, _ = self.made()
        self.assertEqual(self.ask("PUT", path + "/saved", {"saved": False}).status, 204)
        self.assertEqual(self.history(), [])
        self.assertEqual(self.ask("GET", path).json()["saved"], False)
        self.assertEqual(self.ask("PUT", path + "/saved", {"saved": True}).status, 204)
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.assertEqual(self.history(), [])
        problem(self, self.ask("GET", path), 404)

    def test_nothing_is_kept_without_being_asked(self):
        path = self.server.begin({"text": "554 5.7.1 <bob@heron.example>: Relay access denied", "to": "bob@unasked.example"})
        self.server.wait_over(path)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.history(), [])
        self.assertEqual(holding(self.folder.name, b"unasked.example"), [])


def holding(folder, word):
    """Files below the folder that hold that word."""
    found = []
    for where, _folders, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                if word in file.read():
                    found.append(os.path.join(where, name))
    return found


class WithWorld(unittest.TestCase):
    def serve(self, scenario, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        world = os.path.join(folder.name, "world.scenario")
        with open(world, "w") as file:
            file.write(scenario)
        self.state = os.path.join(folder.name, "state")
        server = Server("--world", world, *options, state=self.state)
        self.addCleanup(server.stop)
        return server

    def forms_in_none(self, texts):
        import base64
        forms = [SECRET.encode(), base64.b64encode(SECRET.encode()), base64.b64encode(b"\0alice\0" + SECRET.encode())]
        for form in forms:
            for text in texts:
                octets = text if isinstance(text, bytes) else text.encode()
                self.assertNotIn(form, octets, "in %r" % octets[max(0, octets.find(form) - 300):][:700])
            self.assertEqual(holding(self.state, form), [])


class Running(WithWorld):
    def setUp(self):
        self.server = self.serve(SILENT)
        self.ask = self.server.ask

    def test_delete_cancels(self):
        path = self.server.begin(SILENT_BODY)
        events = Events(self.server, path)
        events.one()
        runner = self.server.child("sealed-runner")
        problem(self, self.ask("PUT", path + "/saved", {"saved": True}), 409)
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.assertEqual(json.loads(events.all()[-1][2])["status"], "cancelled")
        problem(self, self.ask("GET", path), 404)
        self.server.wait_for(lambda: runner not in self.server.children("sealed-runner"), "the end of its process")

    def test_those_that_wait_can_be_cancelled_and_the_rest_goes_on(self):
        paths = [self.server.begin(SILENT_BODY) for _ in range(7)]
        self.server.wait_for(lambda: len(self.server.children("sealed-runner")) == 4, "four at once")
        self.assertEqual(self.ask("GET", paths[6]).json()["status"], "queued")
        self.assertEqual(self.ask("DELETE", paths[5]).status, 204)
        for path in paths[:4]:
            self.assertEqual(self.ask("DELETE", path).status, 204)
        self.server.wait_for(lambda: self.ask("GET", paths[6]).json()["status"] == "running", "the last one's turn")
        self.assertEqual(self.ask("GET", paths[4]).json()["status"], "running")
        self.server.wait_for(lambda: b"smtpdx_jobs_running 2\n" in self.ask("GET", "/metrics").body, "two that run")

    def test_too_many_wait(self):
        answers = [self.ask("POST", "/v1/diagnoses", SILENT_BODY) for _ in range(110)]
        refused = [a for a in answers if a.status != 202]
        self.assertTrue(1 <= len(refused) <= 10, len(refused))
        problem(self, refused[0], 429)
        self.assertTrue(refused[0].field("Retry-After"))

    def test_a_runner_that_dies(self):
        path = self.server.begin(SILENT_BODY)
        events = Events(self.server, path)
        events.one()
        os.kill(self.server.child("sealed-runner"), signal.SIGKILL)
        end = json.loads(events.all()[-1][2])
        self.assertEqual(end["status"], "failed")
        self.assertEqual(end["problem"]["status"], 500)
        job = self.ask("GET", path).json()
        self.assertEqual((job["status"], job["result"]), ("failed", None))
        self.assertIn("killed by signal 9", job["problem"]["detail"])
        self.assertEqual(self.ask("PUT", path + "/saved", {"saved": True}).status, 204)
        other = self.server.begin({"demo": True})
        self.assertEqual(self.server.wait_over(other)["status"], "done")

    def test_a_reader_that_dies(self):
        self.assertEqual(self.ask("POST", "/v1/explain", {"text": REPLY}).status, 200)  # it has begun
        reader = self.server.child("sealed-reader")
        os.kill(reader, signal.SIGSTOP)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask("POST", "/v1/explain", {"text": REPLY}))) for _ in range(4)]
        for t in threads:
            t.start()
        time.sleep(0.3 * SLOW)
        os.kill(reader, signal.SIGKILL)
        for t in threads:
            t.join()
        # one was under way and is told so; those behind it are read by the next process
        self.assertEqual(sorted(a.status for a in answers), [200, 200, 200, 500])
        problem(self, next(a for a in answers if a.status == 500), 500)
        self.assertNotEqual(self.server.child("sealed-reader"), reader)
        self.assertEqual(self.ask("POST", "/v1/explain", {"text": REPLY}).status, 200)
        os.kill(self.server.child("sealed-reader"), signal.SIGKILL)  # while nobody asks
        self.server.wait_for(lambda: self.ask("POST", "/v1/explain", {"text": REPLY}).status == 200, "an answer after that")
        self.assertIn(b"smtpdx_reader_restarts_total 2\n", self.ask("GET", "/metrics").body)

    def test_a_failed_one_that_was_kept_still_says_why(self):
        path = self.server.begin(SILENT_BODY)
        self.server.wait_for(lambda: self.server.children("sealed-runner"), "its process")
        os.kill(self.server.child("sealed-runner"), signal.SIGKILL)
        told = self.server.wait_over(path)["problem"]
        self.assertEqual(self.ask("PUT", path + "/saved", {"saved": True}).status, 204)
        self.server.kill()
        self.server.start()
        job = self.ask("GET", path).json()
        self.assertEqual((job["status"], job["result"], job["problem"], job["saved"]), ("failed", None, told, True))

    def test_a_reader_serves_for_a_while(self):
        """Whoever took one over sees a bounded number of other people's mails; nobody's answer is lost by the change."""
        reader = self.server.child("sealed-reader")
        body = json.dumps({"text": "421"}).encode()
        request = (b"POST /v1/explain HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n%s" % (self.server.host.encode(), self.server.token.encode(), len(body), body))
        answered = []

        def ask_often(times):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=60 * SLOW) as s, s.makefile("rb") as lines:
                for _ in range(times):
                    s.sendall(request)
                    status = lines.readline().split()[1]
                    length = 0
                    while (field := lines.readline().strip()):
                        if field.lower().startswith(b"content-length:"):
                            length = int(field.split(b":")[1])
                    answered.append((status, len(lines.read(length))))

        threads = [threading.Thread(target=ask_often, args=(5_100,)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual({status for status, _ in answered}, {b"200"})
        self.assertEqual(len(answered), 4 * 5_100)
        self.assertEqual(len({length for _, length in answered}), 1)
        self.server.wait_for(lambda: not command_line(reader), "the end of the one that served")
        self.assertIn(b"smtpdx_reader_restarts_total 0\n", self.ask("GET", "/metrics").body)

    def test_children_end_with_the_server(self):
        self.server.begin(SILENT_BODY)
        pids = [self.server.child("sealed-reader"), self.server.child("sealed-runner")]
        self.server.kill()
        self.server.wait_for(lambda: not any(command_line(p) for p in pids), "the end of its children")
        self.server.start()


class Permissions(WithWorld):
    def test_a_scenario_has_relay_tests_too(self):
        server = self.serve(LOGIN)
        body = {"host": "mail.camellia.example:587", "from": "alice@camellia.example", "to": "bob@far.example", "user": "alice",
                "password": SECRET}
        job = server.wait_over(server.begin(body, path="/v1/relay-tests"))
        self.assertEqual(job["status"], "done", job)
        self.assertFalse(job["result"]["permitted"])
        self.assertIn("auth", [row["factor"] for row in job["result"]["rows"] if row["flips"]])
        self.forms_in_none([json.dumps(job)])


class Secrets(WithWorld):
    def test_a_password_is_nowhere(self):
        server = self.serve(LOGIN)
        body = {"text": "535 5.7.8 Error: authentication failed", "server": "mail.camellia.example:587", "from": "alice@camellia.example",
                "to": "bob@far.example", "user": "alice", "password": SECRET}
        path = server.begin(body, fields={"Idempotency-Key": "with a password"})
        lines = [command_line(p) for p in server.children("sealed-")]
        answers = [json.dumps(Events(server, path).all())]
        job = server.wait_over(path)
        self.assertEqual(job["status"], "done", job)
        self.assertIn('"235', json.dumps(job["result"]) + answers[0].replace('\\"', '"'), "the login was not even tried")
        self.assertEqual(server.ask("PUT", path + "/saved", {"saved": True}).status, 204)
        answers += [server.ask("GET", p).body.decode() for p in (path, "/v1/diagnoses", "/v1/history", "/metrics", "/healthz")]
        answers.append(repr(server.ask("POST", "/v1/diagnoses", body, {"Idempotency-Key": "with a password"})))
        for wrong in ({"password": SECRET}, dict(body, password=[SECRET]), dict(body, passwort=SECRET), dict(body, server=[])):
            answers.append(repr(server.ask("POST", "/v1/diagnoses", wrong)))
        answers.append(repr(server.ask("POST", "/v1/diagnoses", json.dumps(body)[:-1])))
        self.assertNotIn("password", job["request"])
        server.kill()
        server.start()
        answers.append(server.ask("GET", path).body.decode())
        self.forms_in_none(answers + lines + [server.words()])


class Nonsense(Served):
    def test_bodies(self):
        deep = "[" * 200_000 + "]" * 200_000
        for path in ("/v1/explain", "/v1/letters", "/v1/diagnoses", "/v1/relay-tests", "/v1/session"):
            for body in ("", "{", "null", "[]", '"text"', "1", "{}", '{"text": 1}', '{"to": {}}', '{"text": "x", "connect_to": "127.0.0.1"}',
                         '{"text": "x", "resolver": "127.0.0.1:53"}', '{"demo": "yes"}', '{"client": []}', '{"client": {"x": 1}}', deep,
                         '{"token": %s}' % deep, '{"to": %s}' % deep, '{"a":' * 100_000, '{"text": "x", "consent": "all"}',
                         '{"text": "\\ud800"}', '{"text":"x"}{"text":"x"}', '{"host": "h", "to": ["a"]}', '{"host": "", "to": "a@b.example"}'):
                answer = self.ask("POST", path, body)
                problem(self, answer, 422)
            answer = self.ask("POST", path, b'{"text": "\xff"}')
            problem(self, answer, 422)
        self.assertIn("connect_to", self.ask("POST", "/v1/diagnoses", {"text": "x", "connect_to": "a"}).json()["detail"])

    def test_wrong_methods_say_which_are_right(self):
        job = self.server.begin({"demo": True})
        allowed = {"/": "GET, HEAD", "/healthz": "GET, HEAD", "/v1/meta": "GET", "/v1/causes": "GET", "/v1/explain": "POST",
                   "/v1/letters": "POST", "/v1/diagnoses": "GET, POST", "/v1/relay-tests": "GET, POST", "/v1/history": "GET",
                   "/v1/session": "GET, POST, DELETE", job: "GET, DELETE", job + "/events": "GET", job + "/saved": "PUT"}
        for path, methods in allowed.items():
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
                if method in methods.split(", "):
                    continue
                answer = self.ask(method, path)
                problem(self, answer, 405)
                self.assertEqual(answer.field("Allow"), methods, (method, path))

    def test_what_is_not_there(self):
        for path in ("/v1/nothing", "/v1/", "/v1/meta/x", "/v1/causes/no.such", "/v1/causes/a/b", "/v1/diagnoses/d_none", "/v1/history/x",
                     "/v1/diagnoses/d_none/events", "/v1/diagnoses/d_none/x", "/v1/diagnoses/a/b/c", "/x.js",
                     "/v1/diagnoses/%27%3B--", "/v1/diagnoses/" + "x" * 5000):
            problem(self, self.ask("GET", path), 404)
        for path in ("/../../../../etc/passwd", "/..%2f..%2f..%2f..%2fetc/passwd", "//etc/passwd", "/etc/passwd"):
            self.assertNotIn(b"root:", self.ask("GET", path).body, path)  # the page: it has no files but its own

    def test_too_large(self):
        large = b"x" * (33 * 1024 * 1024)
        for head in (b"Content-Length: %d\r\n\r\n" % len(large), b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(large),
                     b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(large)):
            said = self.say(b"POST /v1/explain HTTP/1.1\r\nHost: %s\r\n%s" % (self.server.host.encode(), head) + large)
            self.assertTrue(said.startswith(b"HTTP/1.1 413 "), said[:200])
            self.assertIn(b"application/problem+json", said)
        problem(self, self.ask("POST", "/v1/explain", large), 413)
        largest = json.dumps({"text": "x" * (32 * 1024 * 1024 - 20)})
        self.assertIn(self.ask("POST", "/v1/explain", largest, timeout=120 * SLOW).status, (200, 422))
        self.assertEqual(self.ask("GET", "/v1/meta").status, 200)

    def test_garbage_instead_of_http(self):
        for octets in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600, b"EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n", b"\r\n\r\n\r\nx\r\n\r\n",
                       b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1000, b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
                       b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
                       b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                       b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                       b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"):
            said = self.say(octets)
            self.assertRegex(said, rb"^HTTP/1\.1 (400|403|405|431|505) ", octets[:60])
        self.assertEqual(self.say(b"", timeout=0.5), b"")
        self.assertEqual(self.ask("GET", "/v1/meta").status, 200)

    def test_continue(self):
        body = json.dumps({"text": REPLY}).encode()
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20 * SLOW) as s:
            s.sendall(b"POST /v1/explain HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" %
                      (self.server.host.encode(), len(body)))
            self.assertEqual(s.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(body)
            self.assertTrue(Server.drain(s).startswith(b"HTTP/1.1 200 "))

    def test_one_after_the_other_on_one_connection(self):
        one = b"GET /v1/meta HTTP/1.1\r\nHost: %s\r\n\r\n" % self.server.host.encode()
        said = self.say(one * 20 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 200 ", said)), 21)

    def test_in_small_pieces(self):
        request = b"POST /v1/explain HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
            self.server.host.encode(), len(REPLY) + 12) + b'{"text": "%s"}' % REPLY.encode()
        chunked = request.replace(b"Content-Length: %d" % (len(REPLY) + 12), b"Transfer-Encoding: chunked").split(b"\r\n\r\n")
        chunked = chunked[0] + b"\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(chunked[1]), chunked[1])
        for octets in (request, chunked):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=20 * SLOW) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for i in range(len(octets)):
                    s.sendall(octets[i:i + 1])
                    time.sleep(0.001)
                self.assertTrue(Server.drain(s).startswith(b"HTTP/1.1 200 "))

    def test_too_slow(self):
        """Neither a head nor a body may come for ever; who says nothing is let go without a word."""
        host = self.server.host.encode()
        begins = (b"GET / HTTP/1.1\r\nHost: %s\r\n" % host, b"POST /v1/explain HTTP/1.1\r\nHost: %s\r\nContent-Length: 99\r\n\r\n" % host, b"")
        sockets = []
        for octets in begins:
            s = socket.create_connection(("127.0.0.1", self.server.port), timeout=100)
            s.sendall(octets)
            sockets.append(s)
        begun = time.monotonic()
        while time.monotonic() - begun < 45:  # a little now and then makes it no better
            time.sleep(5)
            sockets[0].sendall(b"X: y\r\n")
            sockets[1].sendall(b"x")
        said = [Server.drain(s) for s in sockets]
        self.assertLess(time.monotonic() - begun, 75)
        for s in sockets:
            s.close()
        self.assertTrue(said[0].startswith(b"HTTP/1.1 408 ") and said[1].startswith(b"HTTP/1.1 408 "), said)
        self.assertEqual(said[2], b"")


if __name__ == "__main__":
    unittest.main()
