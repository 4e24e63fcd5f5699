#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command that the catalogue tells people to run is one that runs today.

Our own verbs are called as they stand there, at an address where nobody answers: whatever they find, they must not say
that they were called wrongly (exit code 2). Of other programs only the names are compared.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

PROGRAM = os.environ.get("SMTPDX", "")
NOBODY = ["--resolver", "127.0.0.1:9", "--timeout", "1", "--no-input"]
OTHERS = {"dig", "openssl", "swaks", "postfix", "postconf", "postmap", "postqueue", "exim", "doveadm"}
VALUES = {"server": "smtp.example.com", "port": "587", "from": "ann@example.com", "to": "bob@example.org", "to_domain": "example.org",
          "from_domain": "example.com", "user": "ann", "mx": "mx.example.org", "ip": "192.0.2.1", "helo": "host.example.com",
          "config": "postfix:/etc/postfix"}


def filled(command):
    return re.sub(r"\{(\w+)\}", lambda m: VALUES[m.group(1)], command)


def causes():
    out = subprocess.run([PROGRAM, "causes", "--json"], capture_output=True, text=True, timeout=30, check=True).stdout
    return json.loads(out)["causes"]


def mentioned(cause):
    """Commands in running text: `smtpdx …` in backticks, and what a letter's line ends with."""
    texts = [cause["confirm_shows"], cause["letter"] or "", *(step for fix in cause["fix"] for step in fix["steps"]),
             *(proof["text"] for proof in cause["proofs"])]
    for text in texts:
        yield from re.findall(r"`(smtpdx [^`]*)`", text)
        yield from re.findall(r"^[^`\n]*: (smtpdx .*)$", text, re.M)


def run(command):
    words = shlex.split(filled(command))
    done = subprocess.run([PROGRAM, *words[1:], *NOBODY], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return command, done.returncode, done.stderr.strip()


class Commands(unittest.TestCase):
    def test_confirm_commands(self):
        ours = set()
        for cause in causes():
            command = cause["confirm"]
            with self.subTest(cause["code"]):
                program = shlex.split(command)[0]
                self.assertIn(program, OTHERS | {"smtpdx"})
                if program == "smtpdx":
                    ours.add(command)
        self.assertTrue(ours)
        self.all_run(ours)

    def test_commands_in_words(self):
        # Upper-case words stand for what only the reader knows; a directory of that name is not here.
        found = {c for cause in causes() for c in mentioned(cause)}
        self.assertTrue(found)
        self.all_run({c.replace("postfix:/etc/postfix", "postfix:" + os.path.dirname(__file__)) for c in found}, unreadable_is_fine=True)

    def all_run(self, commands, unreadable_is_fine=False):
        with ThreadPoolExecutor(4) as pool:
            for command, code, words in pool.map(run, sorted(commands)):
                with self.subTest(command):
                    if unreadable_is_fine and "main.cf" in words:
                        continue
                    self.assertNotEqual(code, 2, words)


class Output(unittest.TestCase):
    VERBS = [["causes"], ["causes", "S13"], ["causes", "--json"], ["version"], ["help"], ["diagnose", "--help"],
             ["explain", "--text", "554 5.7.1 Relay access denied"], ["explain", "--json", "--text", "554 5.7.1 Relay access denied"],
             ["demo", "--bounce"], ["diagnose", "--text", "554 5.7.1 Relay access denied"] + NOBODY,
             ["relay", "192.0.2.1:25", "--to", "bob@example.org"] + NOBODY]

    def test_a_full_disk_is_said(self):
        for words in self.VERBS:
            with self.subTest(" ".join(words[:2])), open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn("cannot be written", done.stderr)

    def test_a_closed_pipe_is_no_failure(self):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([PROGRAM, "causes", "--json"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30)
        os.close(writing)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_options_without_effect_are_not_in_the_help(self):
        for verb in ("diagnose", "relay", "explain", "causes"):
            out = subprocess.run([PROGRAM, verb, "--help"], capture_output=True, text=True, timeout=30).stdout
            self.assertNotIn("--fail-on", out)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
