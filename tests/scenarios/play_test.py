#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays every scenario that has `-- output --` with the built program: `smtpdx mock FILE` in one process, the command of
`-- run --` in another, led to it by the options that mock prints. The text output must hold the lines of the section, in
that order. So the verbs, the options that replace the world and the first screen are tested together.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("SMTPDX", "")
LIMIT = 60  # seconds for one scenario


def sections(text):
    """{kind: [lines]} of a scenario; sections of one kind are joined."""
    found, lines = {}, None
    for line in text.splitlines():
        head = re.match(r"-- (\w+)[^\n]* --(?: (.*))?$", line)
        if head:
            lines = found.setdefault(head[1], [])
            if head[2]:
                lines.append(head[2])
        elif lines is not None:
            lines.append(line)
    return found


def scenarios():
    for folder, _, names in os.walk(HERE):
        for name in sorted(names):
            if name.endswith(".scenario"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    parts = sections(f.read())
                if "output" in parts:
                    yield path, parts


def play(path, parts, more=()):
    """The text output of the scenario's command with `more` options."""
    with tempfile.TemporaryDirectory() as folder:
        authority = os.path.join(folder, "ca.pem")
        world = subprocess.Popen([PROGRAM, "mock", path, "--for", str(LIMIT), "--ca-out", authority],
                                 stdout=subprocess.PIPE, text=True)
        try:
            options = None
            for line in world.stdout:
                if line.startswith("reach it with: "):
                    options = shlex.split(line.removeprefix("reach it with: "))
                    break
            if options is None:
                raise AssertionError("mock ended without a word on how to reach it")
            command = shlex.split(" ".join(parts["run"]))
            command[0] = PROGRAM
            given = "\n".join(parts.get("input", []))
            done = subprocess.run(command + options + ["--ca", authority, *more], input=given, capture_output=True, text=True,
                                  timeout=LIMIT, env={**os.environ, "NO_COLOR": "1"})
            return done.stdout
        finally:
            world.terminate()
            world.wait()
            world.stdout.close()


class Play(unittest.TestCase):
    def hold(self, output, lines):
        """`output` holds the lines, in that order."""
        rest = output
        for line in (l.strip() for l in lines):
            if line and not line.startswith("#"):
                self.assertIn(line, rest, "in the output\n" + output)
                rest = rest[rest.index(line) + len(line):]

    def test_each(self):
        played = 0
        for path, parts in scenarios():
            with self.subTest(os.path.relpath(path, HERE)):
                self.hold(play(path, parts), parts["output"])
                played += 1
        self.assertGreater(played, 0, "no scenario has -- output --")

    def test_a_recorded_run_plays_again(self):
        """--record: without NS records, because mock's name servers are not reached from another process."""
        for name in ("S03-one-of-two", "S13-never-logged-in"):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(HERE, name + ".scenario")
                with open(path, encoding="utf-8") as f:
                    parts = sections(f.read())
                recording = os.path.join(folder, "recorded.scenario")
                self.hold(play(path, parts, ["--record", recording]), parts["output"])
                with open(recording, encoding="utf-8") as f:
                    text = f.read()
                if "--password" in parts["run"][0]:
                    self.assertNotIn(parts["run"][0].split("--password")[1].split()[0], text)
                self.hold(play(recording, sections(text)), parts["output"])

    def test_a_recording_that_cannot_be_written_is_told_before_anything_is_asked(self):
        done = subprocess.run([PROGRAM, "diagnose", "--text", "550 relay not permitted", "--to", "a@b.example",
                               "--record", "/nowhere/x.scenario"], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("/nowhere/x.scenario: cannot be written", done.stderr)

    def test_wrong_file_is_named_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".scenario") as f:
            f.write("-- server 192.0.2.1:25 --\nnaem: x\n")
            f.flush()
            done = subprocess.run([PROGRAM, "mock", f.name], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(":2: no key is called \"naem\"", done.stderr)
        self.assertIn("did you mean \"name\"?", done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        sys.exit(77)
    unittest.main()
