#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that mean harm, on real sockets, against the built program: whatever they send, the run ends in time, takes
little memory, names the phase where it broke, and proves nothing.

What a server says is a script: for each phase what comes in place of the answer. "forever" is meant so: it goes on as
long as the program listens. The same is played in virtual time for every phase in src/smtp/session_trouble_test.cpp, and with
the whole engine and all findings in tests/scenarios/hostile/."""
import concurrent.futures
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
SMTPDX = os.environ.get("SMTPDX")
SCALE = 5 if os.environ.get("SMTPDX_SANITIZED") else 1   # a program with sanitizers takes more of everything
ADDRESS = "127.0.0.79"                                    # where no other service of this machine listens
TIMEOUT = 4                                               # --timeout, seconds
SECONDS, MEGABYTES = TIMEOUT + 4 * SCALE, 80 * SCALE
ANSWERS = {"connect": b"220 mx.example.net ESMTP\r\n", "ehlo": b"250 mx.example.net\r\n", "mail": b"250 ok\r\n", "rcpt": b"554 5.7.1 Relay access denied\r\n",
           "rset": b"250 ok\r\n", "quit": b"221 bye\r\n"}


def forever(octets):
    return lambda connection: send_forever(connection, octets)


def send_forever(connection, octets):
    block = octets * (65536 // len(octets) + 1)
    while True:
        connection.sendall(block)


def once(octets):
    return lambda connection: connection.sendall(octets)


def drip(connection):
    """One octet a second, never a whole line."""
    for octet in b"250-" + b"x" * 3600:
        connection.sendall(bytes([octet]))
        time.sleep(1)


def close(connection):
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection):
    while connection.recv(4096):
        pass


# name: (what comes in place of the answer, what the transcript says of it)
HARM = {
    "endless lines": (forever(b"250-still not done\r\n"), "longer than 200 lines"),
    "endless line": (forever(b"250-xxxxxxxxxxxxxxx"), "longer than 4,096 octets"),
    "8-bit garbage": (forever(b"\xe4\x80\x00\xff"), "longer than 4,096 octets"),
    "8-bit lines": (forever(b"\xc3\x28\xa0\xa1\r\n"), "without a reply code"),
    "10,000 continuation lines": (once(b"250-no use\r\n" * 10_000 + b"250 done\r\n"), "longer than 200 lines"),
    "one octet a second": (drip, "no reply in time"),
    "silence": (silence, "no reply in time"),
    "close": (close, "the connection was closed"),
    "reset": (reset, "reset"),
}
PHASES = ("connect", "ehlo", "starttls", "mail", "rcpt")


class Server:
    """Answers as ANSWERS has it, but at `phase` does `harm`. STARTTLS is offered where that is the phase."""

    def __init__(self, phase, harm):
        self.phase, self.harm = phase, harm
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
        connection.settimeout(30)
        try:
            with connection:
                if not self.answer(connection, "connect"):
                    return
                pending = b""
                while more := connection.recv(4096):
                    *lines, pending = (pending + more).split(b"\n")
                    for line in lines:
                        verb = line.split(b" ")[0].strip().lower().decode("latin-1")
                        if not self.answer(connection, verb):
                            return
        except OSError:
            pass

    def answer(self, connection, phase):
        if phase == self.phase:
            self.harm(connection)
            return False
        if phase == "ehlo" and self.phase == "starttls":
            connection.sendall(b"250-mx.example.net\r\n250 STARTTLS\r\n")
        else:
            connection.sendall(ANSWERS.get(phase, b"502 what?\r\n"))
        return True


class Run:
    """One run of the program: exit code (negative: a signal), report, peak memory in MB, seconds."""

    def __init__(self, *words):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.monotonic()
            child = subprocess.Popen([SMTPDX, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            watch = threading.Timer(60, child.kill)
            watch.start()
            _, status, used = os.wait4(child.pid, 0)
            watch.cancel()
            child.returncode = self.code = os.waitstatus_to_exitcode(status)
            self.seconds, self.megabytes = time.monotonic() - began, used.ru_maxrss / 1024
            out.seek(0), err.seek(0)
            self.out, self.err = out.read().decode("utf-8"), err.read().decode(errors="replace")


def diagnose(server):
    return Run("diagnose", "--server", "%s:%d" % (ADDRESS, server.port), "--from", "ann@example.com", "--to", "bob@example.org",
               "--resolver", "127.0.0.1:1", "--timeout", str(TIMEOUT), "--i-own-this-server", "--json")


@unittest.skipUnless(SMTPDX, "SMTPDX names no program")
class HostileTest(unittest.TestCase):
    def play(self, phase, harm):
        server = Server(phase, harm)
        try:
            run = diagnose(server)
            run.port = server.port
            return run
        finally:
            server.close()

    def play_all(self, cases):
        """{case: Run}; a few at a time, for most of the time they wait."""
        with concurrent.futures.ThreadPoolExecutor(8 if SCALE == 1 else 3) as pool:
            return dict(zip(cases, pool.map(lambda c: self.play(*c[1:]), cases)))

    def bounded(self, run):
        self.assertIn(run.code, (0, 1, 3), run.err[-2000:])
        self.assertLess(run.seconds, SECONDS)
        self.assertLess(run.megabytes, MEGABYTES)

    def broken(self, run):
        """The phases where something broke at our server; nothing may be proved by it."""
        report = json.loads(run.out)
        self.assertEqual([c for c in report["causes"] if c["verdict"] == "proved"], [])
        seen = [(o["kind"], o["value"]) for o in report["observations"] if o["value"].get("port") == run.port]
        found = {v["phase"] for kind, v in seen if kind == "smtp.rcpt" and v["outcome"] == "failed"}
        return found | {v["broken_at"] for kind, v in seen if kind == "smtp.session" and v["broken_at"]}

    def names(self, run, phase, words):
        """Something broke, there and nowhere else, and the transcript says what."""
        self.assertEqual(self.broken(run), {phase})
        remarks = [l["text"] for t in json.loads(run.out)["transcripts"] for l in t["lines"] if l["dir"] == "="]
        self.assertTrue(any(words in remark for remark in remarks), remarks)

    def test_every_phase(self):
        cases = [(name, phase, harm) for name, (harm, _) in HARM.items() for phase in PHASES]
        for (name, phase, _), run in self.play_all(cases).items():
            with self.subTest(name, phase=phase):
                self.bounded(run)
                self.names(run, phase, HARM[name][1])

    def test_words_injected_before_the_handshake(self):
        for injected in (b"250 injected\r\n", b"250-mx\r\n250 AUTH PLAIN\r\n" * 1000):
            run = self.play("starttls", once(b"220 go\r\n" + injected))
            self.bounded(run)
            self.names(run, "starttls", "octets that answer nothing")

    def test_garbage_for_a_handshake(self):
        def harm(connection):
            connection.sendall(b"220 go\r\n")
            connection.recv(4096)
            send_forever(connection, b"\x16\x03\x03\xff\xff\xe4")
        run = self.play("starttls", harm)
        self.bounded(run)
        self.names(run, "starttls", "the TLS handshake failed")

    def test_more_replies_than_were_asked_for(self):
        # What follows a complete answer is met when the next command is due.
        for phase, met in (("connect", "ehlo"), ("ehlo", "mail")):
            run = self.play(phase, forever(b"250 and another\r\n"))
            self.bounded(run)
            self.names(run, met, "octets that answer nothing")

    def test_talking_on_after_quit_is_no_harm(self):
        run = self.play("quit", forever(b"221 bye\r\n250 and another thing\r\n"))
        self.bounded(run)
        self.assertEqual(self.broken(run), set())

    def test_relay_is_bounded_too(self):
        for name in ("endless lines", "one octet a second", "silence"):
            server = Server("ehlo", HARM[name][0])
            run = Run("relay", "%s:%d" % (ADDRESS, server.port), "--from", "ann@example.com", "--to", "bob@example.org",
                      "--resolver", "127.0.0.1:1", "--timeout", str(TIMEOUT), "--i-own-this-server")
            server.close()
            with self.subTest(name):
                self.bounded(run)


if __name__ == "__main__":
    unittest.main()
