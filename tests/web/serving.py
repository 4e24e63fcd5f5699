# SPDX-License-Identifier: Apache-2.0
"""`smtpdx serve` for a test: started on a free port of loopback with a state folder of its own, asked over plain sockets or http.client,
and its sealed children found among its descendants (so that only they, by their own pid, are ever ended)."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.environ.get("SMTPDX_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMTPDX = os.environ.get("SMTPDX", "")
SLOW = 4 if os.environ.get("SMTPDX_SANITIZED") else 1


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def field(self, name):
        return next((v for n, v in self.fields if n.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:300])


class Server:
    """`state` is a folder that outlives it, for a second start; without one it has its own."""

    def __init__(self, *options, state=None, environment=None):
        self.own_state = None if state else tempfile.TemporaryDirectory()
        self.state = state or self.own_state.name
        self.options = options
        self.environment = dict(os.environ, XDG_STATE_HOME=self.state, **(environment or {}))
        self.log = tempfile.TemporaryFile()
        self.start()

    def start(self):
        self.process = subprocess.Popen([SMTPDX, "serve", "--listen", "127.0.0.1:0", *self.options], stdout=subprocess.PIPE,
                                        stderr=self.log, env=self.environment)
        self.address = self.process.stdout.readline().decode().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#token=(\S+)", self.address)
        if not found:
            raise RuntimeError("the first line is no address: %r; %s" % (self.address, self.words()))
        self.port, self.token = int(found[1]), found[2]
        self.host = "127.0.0.1:%d" % self.port

    def words(self):
        """What it wrote to stderr."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.log.close()
            if self.own_state:
                self.own_state.cleanup()
        if code != 0:
            raise AssertionError("the server ended with %d" % code)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    # --- asking

    def ask(self, method, path, body=None, fields=None, timeout=40 * SLOW):
        """One request on a connection of its own. `body`: octets, text, or what becomes JSON."""
        fields = dict(fields or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            fields.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=fields)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def say(self, octets, timeout=20 * SLOW, wait=0.0):
        """Octets as they are; everything that comes until the server closes, or nothing more comes for `timeout`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            try:
                s.sendall(octets)
                if wait:
                    time.sleep(wait)
            except OSError:
                pass
            return self.drain(s)

    @staticmethod
    def drain(s):
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except OSError:
            pass
        return got

    def begin(self, body, path="/v1/diagnoses", fields=None):
        """Starts a job; its own path."""
        answer = self.ask("POST", path, body, fields)
        assert answer.status == 202, answer
        return answer.json()["links"]["self"]

    def wait_over(self, path, limit=60 * SLOW):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            job = self.ask("GET", path).json()
            if job["status"] not in ("queued", "running"):
                return job
            time.sleep(0.02)
        raise AssertionError("%s is not over after %d s" % (path, limit))

    def wait_for(self, condition, what, limit=20 * SLOW):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("not within %d s: %s" % (limit, what))

    # --- its children

    def children(self, word):
        """Pids of its own children with that word on their command line: sealed-reader, sealed-runner."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
            pids = [int(p) for p in f.read().split()]
        return [p for p in pids if word.encode() in command_line(p)]

    def child(self, word):
        return self.wait_for(lambda: (self.children(word) or [0])[0], "a child " + word)


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read()
    except OSError:
        return b""


class Events:
    """An event stream, read as a browser would: [(id, name, data)] and comments left out."""

    def __init__(self, server, path, last=None, fields=None, timeout=60 * SLOW):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
        fields = dict(fields or {}, Accept="text/event-stream")
        if last is not None:
            fields["Last-Event-ID"] = str(last)
        self.connection.request("GET", path + "/events", headers=fields)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def one(self):
        """The next event; None at the end of the stream."""
        event = {}
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if not line:
                if event:
                    return int(event["id"]), event["event"], event["data"]
                continue
            name, value = line.split(": ", 1)
            assert name not in event, "two %s in one event" % name
            event[name] = value

    def all(self):
        events = []
        while (event := self.one()) is not None:
            events.append(event)
        self.close()
        return events

    def close(self):
        self.connection.close()


def problem(test, answer, status):
    test.assertEqual(answer.status, status, answer)
    test.assertEqual(answer.field("Content-Type"), "application/problem+json")
    test.assertEqual(answer.json()["status"], status)
    test.assertTrue(answer.json()["detail"])


class Served(unittest.TestCase):
    """Tests that share one server."""

    options = ("--world", "demo")

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.server.stop)
        cls.ask, cls.say = cls.server.ask, cls.server.say
