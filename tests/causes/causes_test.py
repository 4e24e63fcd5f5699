# SPDX-License-Identifier: Apache-2.0
"""Every cause is named from static evidence, and its look-alikes are not taken for it. Notation: README.md."""

import collections
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

SMTPDX = os.environ["SMTPDX"]
HERE = pathlib.Path(__file__).resolve().parent
LEVELS = ("proved", "likely", "possible")


class Fixture:
    def __init__(self, path, line, title, about):
        self.place = f"{path.name}:{line} {title}"
        self.about = about
        self.level = self.first = self.never = self.reason = None
        self.beside = []
        self.options = []
        self.text = ""

    def direct(self, words):
        head, rest = words[0], words[1:]
        if head == "is":
            self.level, self.first = rest[0], "first" in rest[1:]
            assert self.level in LEVELS, f"{self.place}: no level {rest[0]}"
        elif head == "not":
            self.never = rest[0] if rest else "named"
        elif head == "but":
            self.beside.append((rest[0], rest[1]))
        elif head == "about":
            self.about = rest[0]
        elif head == "with":
            self.options = rest
        elif head == "reason":
            self.reason = rest[0]
        else:
            raise AssertionError(f"{self.place}: unknown word {head}")


def read_fixtures(path):
    """The fixtures of one file; its name holds the cause's code."""
    about = path.stem.split("-", 1)[1] if "-" in path.stem else None
    fixtures, body = [], False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith("== "):
            fixtures.append(Fixture(path, number, line[3:], about))
            body = False
        elif body:
            fixtures[-1].text += line + "\n"
        elif line == "--":
            body = True
        elif line and not line.startswith("#"):
            fixtures[-1].direct(shlex.split(line))
    for f in fixtures:
        f.text = f.text.rstrip("\n") + "\n"
    return fixtures


def explain(fixtures):
    """Objects of explain --json for each fixture; fixtures without options are read in one run."""
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        groups = collections.defaultdict(list)
        for n, f in enumerate(fixtures):
            name = os.path.join(folder, f"{n:04}.txt")
            with open(name, "w", encoding="utf-8", newline="") as out:
                out.write(f.text)
            groups[tuple(f.options)].append((name, f))
        for options, members in groups.items():
            run = subprocess.run([SMTPDX, "explain", "--json", *options, *[name for name, _ in members]],
                                 capture_output=True, text=True, timeout=120, check=False)
            assert run.returncode in (0, 1), run.stderr
            by_name = collections.defaultdict(list)
            for line in run.stdout.splitlines():
                answer = json.loads(line)
                by_name[answer["source"]["name"]].append(answer)
            for name, f in members:
                answers[f] = by_name[name]
    return answers


def complaints(f, answers):
    """What is wrong with the answers to one fixture; empty where all is right."""
    if not answers:
        return ["nothing was read"]
    causes = {}
    for answer in answers:
        for c in answer["causes"]:
            best = causes.get(c["code"])
            if best is None or LEVELS.index(c["verdict"]) < LEVELS.index(best):
                causes[c["code"]] = c["verdict"]
    first = {a["causes"][0]["code"] for a in answers if a["causes"]}
    said = [f"{c['code']} {c['verdict']}" for c in answers[0]["causes"][:6]]
    wrong = []
    allowed = {code for code, level in f.beside if level == "proved"} | ({f.about} if f.level == "proved" else set())
    for code, level in causes.items():
        if level == "proved" and code not in allowed:
            wrong.append(f"{code} is called proved")
    if f.level and causes.get(f.about) != f.level:
        wrong.append(f"{f.about} should be {f.level}, is {causes.get(f.about)}")
    if f.first and f.about not in first:
        wrong.append(f"{f.about} should stand first, {', '.join(first)} does")
    if f.never == "named" and f.about in causes:
        wrong.append(f"{f.about} must not be named, is {causes[f.about]}")
    if f.never == "proved" and (causes.get(f.about) == "proved" or f.about in first):
        wrong.append(f"{f.about} must be neither proved nor first")
    for code, level in f.beside:
        if causes.get(code) != level:
            wrong.append(f"{code} should be {level}, is {causes.get(code)}")
    if f.reason and answers[0]["reason"] != f.reason:
        wrong.append(f"reason should be {f.reason}, is {answers[0]['reason']}")
    return wrong and [*wrong, f"read as {answers[0]['reason']} by {answers[0]['rule']}: {', '.join(said)}"]


def catalogue():
    out = subprocess.run([SMTPDX, "causes", "--json"], capture_output=True, text=True, timeout=60, check=True).stdout
    document = json.loads(out)
    return document["causes"] if isinstance(document, dict) else document


class Causes(unittest.TestCase):
    def hold(self, fixtures):
        bad = []
        answers = explain(fixtures)
        for f in fixtures:
            bad += [f"{f.place}\n    " + "\n    ".join(w) for w in [complaints(f, answers[f])] if w]
        self.assertFalse(bad, f"{len(bad)} of {len(fixtures)}:\n" + "\n".join(bad))

    def test_every_cause_by_its_fixtures(self):
        self.hold([f for path in sorted(HERE.glob("S*.fixtures")) for f in read_fixtures(path)])

    def test_every_cause_has_three_fixtures_and_a_look_alike(self):
        for cause in catalogue():
            path = HERE / f"{cause['id']}-{cause['code']}.fixtures"
            self.assertTrue(path.exists(), f"no fixtures for {cause['id']} {cause['code']}")
            fixtures = read_fixtures(path)
            texts = {" ".join(f.text.split()) for f in fixtures if f.level}
            self.assertGreaterEqual(len(texts), 3, path.name)
            self.assertTrue(any(f.never for f in fixtures), f"{path.name}: no look-alike")
            self.assertTrue(all(f.level or f.never for f in fixtures), path.name)

    def test_texts_with_more_than_one_truth(self):
        self.hold(read_fixtures(HERE / "truths.fixtures"))

    def lines(self, name):
        for line in (HERE / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                reason, text = line.split(None, 1)
                yield reason, text

    def read_lines(self, name):
        rows = list(self.lines(name))
        fixtures = []
        for n, (_, text) in enumerate(rows):
            f = Fixture(HERE / name, n, text, None)
            f.text = text + "\n"
            fixtures.append(f)
        answers = explain(fixtures)
        return [(reason, text, answers[f]) for (reason, text), f in zip(rows, fixtures)]

    def test_what_is_not_about_relaying_is_not_called_so(self):
        rows = self.read_lines("not-relay.txt")
        self.assertGreaterEqual(len(rows), 40)
        for reason, text, answers in rows:
            with self.subTest(text):
                self.assertEqual([a["reason"] for a in answers], [reason])

    def test_a_bare_wrapper_is_not_read_for_more_than_it_says(self):
        for reason, text, answers in self.read_lines("wrappers.txt"):
            with self.subTest(text):
                self.assertEqual([a["reason"] for a in answers], [reason])
                self.assertLess(answers[0]["confidence"], 0.8)
                self.assertFalse([c["code"] for c in answers[0]["causes"] if c["verdict"] != "possible"])


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=[sys.argv[0]])
