# SPDX-License-Identifier: Apache-2.0
"""What `smtpdx serve` costs: CPU of the server and its sealed reader for each request to explain, memory of 1,000 event streams and at
rest, time until it is ready. The client's own CPU is not counted; requests are not pipelined."""
import contextlib
import json
import os
import re
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import tempfile
import time

WANTED_A_SECOND, MOST_IDLE, MOST_STREAMS, MOST_READY = 8000, 40, 100, 0.3
CONNECTIONS, SECONDS, STREAMS = 16, 4.0, 1000
TICK = os.sysconf("SC_CLK_TCK")

REPLY = "554 5.7.1 <bob@example.org>: Relay access denied"
BOUNCE = ("From: MAILER-DAEMON@mx.example.net\r\nTo: alice@example.net\r\nSubject: Undelivered Mail Returned to Sender\r\n"
          "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\r\n--B\r\n"
          "Content-Type: text/plain\r\n\r\nThis is the mail system at host mx.example.net.\r\n\r\n--B\r\n"
          "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
          "Final-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.7.1\r\nRemote-MTA: dns; mail.example.org\r\n"
          "Diagnostic-Code: smtp; 554 5.7.1 <bob@example.org>: Relay access denied\r\n\r\n--B--\r\n")
# A server that never speaks: a diagnosis there goes on for a while, and its listeners wait.
SILENT = """# silent
-- dns --
mail.teasel.example. A 192.0.2.18
-- server 192.0.2.18:465 --
name: mail.teasel.example
at connect: hang
-- run --
smtpdx diagnose --text "Connection closed" --server mail.teasel.example:465 --to bob@far.example
-- findings --
verdict: inconclusive
"""
SILENT_BODY = {"text": "Connection closed", "server": "mail.teasel.example:465", "to": "bob@far.example", "client": {"tls": "none"}}


def ticks(pid, until):
    """utime and stime; with `until` 15 also those of children that have ended."""
    with open("/proc/%d/stat" % pid) as f:
        return sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:until])


def cpu_seconds(server):
    """Of the server and of all readers it has had: a reader serves for a while only."""
    total = ticks(server.process.pid, 15)
    for pid in server.pids("sealed-reader")[1:]:
        with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile, and its share is the server's next time
            total += ticks(pid, 13)
    return total / TICK


def memory_mb(pid, field="VmRSS"):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(field + r":\s+(\d+)", f.read())[1]) / 1024


class Served:
    def __init__(self, program, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="smtpdx-bench-")
        begun = time.monotonic()
        self.process = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=dict(os.environ, XDG_STATE_HOME=self.folder.name))
        line = self.process.stdout.readline().decode()
        self.port = int(re.match(r"http://127\.0\.0\.1:(\d+)/", line)[1])
        self.ask("GET", "/")
        self.ready = time.monotonic() - begun

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def pids(self, *words):
        """The server's, and those of its children with one of these words on their command line."""
        pid, found = self.process.pid, [self.process.pid]
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            for child in f.read().split():
                with open("/proc/%s/cmdline" % child, "rb") as c:
                    line = c.read()
                if any(word.encode() in line for word in words):
                    found.append(int(child))
        return found

    def request(self, method, path, body=b"", kind="application/json"):
        return b"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
            method.encode(), path.encode(), self.port, kind.encode(), len(body)) + body

    def open(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def ask(self, method, path, body=b""):
        with self.open() as s:
            s.sendall(self.request(method, path, body).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            got = b""
            while piece := s.recv(65536):
                got += piece
        return got


def whole(answer):
    """Whether the answer is there to its end."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError("an answer of another kind: %r" % answer[:200])
    return len(answer) >= head + 4 + int(re.search(rb"\r\nContent-Length: (\d+)", answer)[1])


def explain(server, request):
    """(requests a second of the server's CPU, requests a second of the clock)."""
    chooser, parts = selectors.DefaultSelector(), {}
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            s = stack.enter_context(server.open())
            chooser.register(s, selectors.EVENT_READ)
            parts[s] = b""
            s.sendall(request)
        cpu, begun, done = cpu_seconds(server), time.monotonic(), 0
        while time.monotonic() - begun < SECONDS:
            for key, _events in chooser.select(1):
                s = key.fileobj
                parts[s] += s.recv(65536)
                if whole(parts[s]):
                    parts[s], done = b"", done + 1
                    s.sendall(request)
        took = time.monotonic() - begun
        return done / (cpu_seconds(server) - cpu), done / took


def streams(server, folder):
    """MB of the server with STREAMS listeners at one diagnosis that is under way."""
    answer = server.ask("POST", "/v1/diagnoses", json.dumps(SILENT_BODY).encode())
    path = re.search(rb'"events":"([^"]+)"', answer)[1].decode()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(server.open()) for _ in range(STREAMS)]
        for s in sockets:
            s.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (path.encode(), server.port))
        for s in sockets:
            if b"200 OK" not in s.recv(4096):
                raise RuntimeError("a stream was not opened")
        time.sleep(1)
        return memory_mb(server.process.pid), server.ask("DELETE", path.rsplit("/", 1)[0])


def measure(bench, program, runs):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ready = []
    for _ in range(runs):
        server = Served(program)
        ready.append(server.ready)
        server.stop()
    bench.verdict("serve: page there %.3f s after the start" % statistics.median(ready), statistics.median(ready), MOST_READY)
    server = Served(program)
    try:
        time.sleep(0.5)
        pids = server.pids("sealed-reader")
        each = [memory_mb(pid) for pid in pids]
        bench.verdict("serve: at rest %.1f MB, its reader %.1f MB" % tuple(each), each[0], MOST_IDLE)
        for name, request in (("a reply", server.request("POST", "/v1/explain", json.dumps({"text": REPLY}).encode())),
                              ("a bounce", server.request("POST", "/v1/explain", BOUNCE.encode(), "message/rfc822"))):
            got = [explain(server, request) for _ in range(runs)]
            rate = statistics.median(r for r, _ in got)
            bench.say("  a CPU second: %s; by the clock: %s" % (" ".join("%.0f" % r for r, _ in got), " ".join("%.0f" % c for _, c in got)))
            bench.verdict("serve: explain %s, %d connections: %.0f a second of CPU (server and reader), wanted %d, ratio %.2f" %
                          (name, CONNECTIONS, rate, WANTED_A_SECOND, WANTED_A_SECOND / rate), WANTED_A_SECOND / rate, 1.0)
        bench.say("  after that: %s MB" % " ".join("%.1f" % memory_mb(pid) for pid in server.pids("sealed-reader")))
    finally:
        server.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))  # ours; the server has what it was started with
    with tempfile.TemporaryDirectory() as folder:
        world = os.path.join(folder, "silent.scenario")
        with open(world, "w") as f:
            f.write(SILENT)
        server = Served(program, "--world", world)
        try:
            mb, _ = streams(server, folder)
            bench.verdict("serve: %d event streams: %.1f MB" % (STREAMS, mb), mb, MOST_STREAMS)
        finally:
            server.stop()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
