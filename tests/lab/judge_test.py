#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge itself must be able to say no: run as a script, needs no laboratory."""
import copy
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import casefile    # noqa: E402
import judge       # noqa: E402

CASE = casefile.Case(name="x", why="", world=[], run="", first=casefile.Expected("a.b", "proved", "flip"),
                     ruled_out=["c.d"], never=["e.f"], text="FAIL a.b ")
GOOD = {"verdict": "problem",
        "causes": [{"code": "a.b", "verdict": "proved", "proof": "flip", "because": ["o1"]}],
        "ruled_out": [{"code": "c.d", "because": ["o1"]}], "observations": [{"id": "o1"}]}


class JudgeTest(unittest.TestCase):
    def wrong(self, **change):
        document = copy.deepcopy(GOOD)
        document.update(change)
        return judge.of_document(CASE, document)

    def test_good_passes(self):
        self.assertEqual(self.wrong(), [])

    def test_verdict(self):
        self.assertTrue(self.wrong(verdict="inconclusive"))

    def test_no_cause(self):
        self.assertTrue(self.wrong(causes=[]))

    def test_other_first(self):
        self.assertTrue(self.wrong(causes=[dict(GOOD["causes"][0], code="z.z")]))

    def test_weaker_verdict_and_other_proof(self):
        self.assertTrue(self.wrong(causes=[dict(GOOD["causes"][0], verdict="likely")]))
        self.assertTrue(self.wrong(causes=[dict(GOOD["causes"][0], proof="record")]))

    def test_second_proved(self):
        second = dict(GOOD["causes"][0], code="z.z")
        self.assertTrue(self.wrong(causes=GOOD["causes"] + [second]))
        self.assertEqual(self.wrong(causes=GOOD["causes"] + [dict(second, verdict="likely")]), [])

    def test_forbidden_likely(self):
        self.assertTrue(self.wrong(causes=GOOD["causes"] + [{"code": "e.f", "verdict": "likely", "because": ["o1"]}]))

    def test_not_ruled_out(self):
        self.assertTrue(self.wrong(ruled_out=[]))

    def test_reason_missing_or_dangling(self):
        self.assertTrue(self.wrong(causes=[dict(GOOD["causes"][0], because=[])]))
        self.assertTrue(self.wrong(causes=[dict(GOOD["causes"][0], because=["o9"])]))

    def test_text(self):
        self.assertEqual(judge.of_text(CASE, "FAIL a.b The sentence.\n"), [])
        self.assertTrue(judge.of_text(CASE, "FAIL a.bc The sentence.\n"))
        self.assertTrue(judge.of_text(CASE, ""))


if __name__ == "__main__":
    unittest.main()
