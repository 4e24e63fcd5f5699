#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Input that is broken, huge, hostile or no input at all: an answer or a clear error, the contract's exit code, bounded
time and memory, and nothing on the terminal that could steer it."""
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
SMTPDX = os.environ.get("SMTPDX")
SCALE = 4 if os.environ.get("SMTPDX_SANITIZED") else 1   # a program with sanitizers takes more of everything
SECONDS, MEGABYTES = 30 * SCALE, 700 * SCALE
REFUSAL = b"554 5.7.1 <bob@example.org>: Relay access denied"


class Done:
    """One run of the program: exit code (negative: a signal), both outputs, peak memory in MB, seconds."""

    def __init__(self, *words, stdin=b""):
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            began = time.monotonic()
            child = subprocess.Popen([SMTPDX, *words], stdin=given, stdout=out, stderr=err,
                                     env={**os.environ, "NO_COLOR": "1"})
            watch = threading.Timer(SECONDS, child.kill)
            watch.start()
            _, status, used = os.wait4(child.pid, 0)
            watch.cancel()
            child.returncode = self.code = os.waitstatus_to_exitcode(status)
            self.seconds, self.megabytes = time.monotonic() - began, used.ru_maxrss / 1024
            out.seek(0), err.seek(0)
            self.out, self.err = out.read(), err.read()


@unittest.skipUnless(SMTPDX, "SMTPDX names no program")
class InputTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="smtpdx-input-")
        self.addCleanup(self.folder.cleanup)

    def file(self, data, name="input"):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def bounded(self, done, codes=(0, 1, 2)):
        self.assertIn(done.code, codes, done.err[-2000:])
        self.assertLess(done.seconds, SECONDS)
        self.assertLess(done.megabytes, MEGABYTES)
        for line in done.out.split(b"\n"):
            for octet in line:
                self.assertFalse(octet < 32 and octet not in (9, 13) or octet == 127, line[:200])
        if done.code == 2:
            self.assertTrue(done.err.strip(), "an error without a word")

    def explain(self, data, codes=(0, 1, 2)):
        """Text and JSON, from a file and from standard input."""
        path = self.file(data)
        self.bounded(Done("explain", path), codes)
        done = Done("explain", "--json", "-", stdin=data)
        self.bounded(done, codes)
        results = [json.loads(line) for line in done.out.decode("utf-8").splitlines()]
        for result in results:
            self.assertEqual(result["schema"], "smtpdx.explain/1")
            for place in result["evidence"]:
                self.assertLessEqual(place["offset"] + place["length"], len(data))
        return results

    def test_nothing(self):
        for data in (b"", b"\n", b"\r\n\r\n", b" ", b"\0"):
            self.explain(data)

    def test_binary(self):
        octets = random.Random(5)
        self.explain(octets.randbytes(300_000))
        self.explain(b"\x89PNG\r\n\x1a\n" + octets.randbytes(5000))
        self.explain(bytes(range(256)) * 100)

    def test_broken_utf8_and_terminal_controls(self):
        [result] = self.explain(b"554 5.7.1 <b\xf6b@example.org>: Relay access denied \x1b]0;owned\x07\x1b[2J\xc2\x9b31m\r\n")
        self.assertEqual((result["code"], result["status"]), (554, "5.7.1"))

    def test_a_line_of_100_megabytes(self):
        self.explain(b"x" * 100_000_000)

    def test_a_refusal_before_a_line_of_100_megabytes(self):
        results = self.explain(REFUSAL + b"\n" + b"y" * 100_000_000)
        self.assertTrue(results)

    def test_input_without_end(self):
        done = Done("explain", "/dev/zero")
        self.bounded(done)
        self.assertIn(b"only the first 64 MiB were read", done.err)
        done = Done("explain", "-", stdin=REFUSAL + b"\n" + b"y" * 70_000_000)
        self.bounded(done)
        self.assertIn(b"standard input: only the first 64 MiB were read", done.err)

    def test_50000_header_lines(self):
        header = b"".join(b"X-Line-%d: %s\r\n" % (i, b"v" * 40) for i in range(50_000))
        self.explain(b"From: a@example.org\r\nSubject: Undelivered Mail\r\n" + header + b"\r\n" + REFUSAL + b"\r\n")

    def test_deep_and_unclosed_mime(self):
        nest = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(5000))
        self.explain(b"MIME-Version: 1.0\r\n" + nest + REFUSAL)
        self.explain(b'Content-Type: multipart/report; report-type=delivery-status; boundary="x\r\n\r\n--x\r\n')

    def test_a_report_of_hostile_size(self):
        head = b"From: mailer-daemon@y.example\nTo: a@x.example\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
        nested = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(5000))
        base64 = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b"QUFB" * 12_000_000
        for report in (head + b"X-A: " + b"y" * 50_000_000 + b"\n\nbody\n", head + b"X-A: yyyyyyyyyyyyy\n" * 2_500_000 + b"\nbody\n",
                       head + nested + b"\nx\n", head + base64):
            done = Done("explain", "--json", "-", stdin=report)
            self.bounded(done)
            self.assertLess(done.megabytes, 300 * SCALE)

    def test_a_report_cut_anywhere(self):
        report = (b"From: MAILER-DAEMON@mx.example.net\r\nTo: a@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
                  b'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
                  b"--b\r\n\r\nI could not deliver it.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
                  b"Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; bob@example.org\r\nAction: failed\r\n"
                  b"Status: 5.7.1\r\nRemote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; " + REFUSAL + b"\r\n\r\n--b--\r\n")
        [whole] = self.explain(report, codes=(1,))
        self.assertEqual((whole["code"], whole["status"], whole["recipient"]), (554, "5.7.1", "bob@example.org"))
        for end in range(0, len(report), 23):
            done = Done("explain", "--json", "-", stdin=report[:end])
            self.bounded(done)

    def test_no_such_file(self):
        done = Done("explain", os.path.join(self.folder.name, "absent"))
        self.bounded(done, codes=(2,))
        self.assertEqual(done.out, b"")

    def test_directories(self):
        self.bounded(Done("explain", self.folder.name), codes=(0, 1, 2))
        for name in ("cur", "new", "tmp"):
            os.mkdir(os.path.join(self.folder.name, name))
        self.file(b"Subject: x\r\n\r\n" + REFUSAL + b"\r\n", "new/1")
        done = Done("explain", "--json", self.folder.name)
        self.bounded(done, codes=(1,))
        self.bounded(Done("diagnose", self.folder.name, "--resolver", "127.0.0.1:1", "--timeout", "3"), codes=(0, 1, 2, 3))

    def test_a_pipe(self):
        path = os.path.join(self.folder.name, "pipe")
        os.mkfifo(path)

        def write():
            with open(path, "wb") as pipe:
                pipe.write(REFUSAL + b"\n")

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        done = Done("explain", "--json", path)
        self.bounded(done, codes=(1,))
        self.assertEqual(json.loads(done.out)["code"], 554)
        writer.join(5)

    def test_usage(self):
        for words in (["explain", "--nonsense"], ["explain", "--format"], ["frobnicate"], ["relay"], ["causes", "no.such_cause"],
                      ["diagnose", "--server", "host:notaport", "--to", "b@example.org"], ["explain", "--text"]):
            done = Done(*words)
            self.assertEqual(done.code, 2, (words, done.out, done.err))
            self.assertTrue(done.err.strip(), words)


if __name__ == "__main__":
    unittest.main()
