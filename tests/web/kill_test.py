#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of `smtpdx serve` at random moments while results are kept over HTTP: each one whose keeping was acknowledged is there
after the restart, whole; what was dropped stays dropped.

  kill_test.py [KILLS]     20 without an argument"""
import http.client
import os
import random
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import Server  # noqa: E402


class Keeper(threading.Thread):
    """Asks for short diagnoses, and keeps and drops them, until the server is gone. `expected`: path → what must be there (None: nothing;
    "?": asked for and not answered)."""

    def __init__(self, server, expected, rng):
        super().__init__(daemon=True)
        self.server, self.expected, self.rng = server, expected, rng
        self.acknowledged, self.trouble = 0, None

    def run(self):
        try:
            while True:
                self.once()
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as e:  # noqa: BLE001  # told by whoever waits
            self.trouble = e

    def once(self):
        path = self.server.begin({"to": "bob@kept.example", "text": "554 5.7.1 Relay access denied %s" % self.rng.random(), "consent": "local"})
        job = self.server.wait_over(path)
        for keep in [True] + [self.rng.random() < 0.6 for _ in range(10)]:
            before = self.expected.get(path)
            self.expected[path] = ("?", before, job["result"] if keep else None)
            answer = self.server.ask("PUT", path + "/saved", {"saved": keep})
            assert answer.status == 204, answer
            self.expected[path] = job["result"] if keep else None
            self.acknowledged += 1


def check(server, expected):
    """Number of results that are there; what was on its way when the kill came may be either."""
    listed, cursor = set(), ""
    while cursor is not None:
        page = server.ask("GET", "/v1/history?limit=200" + cursor).json()
        listed |= {item["id"] for item in page["items"]}
        cursor = "&cursor=" + page["next"] if page["next"] else None
    there = 0
    for path, wanted in list(expected.items()):
        answer = server.ask("GET", path)
        got = answer.json()["result"] if answer.status == 200 else None
        assert answer.status in (200, 404), answer
        assert (path.rsplit("/", 1)[1] in listed) == (answer.status == 200), "the list and %s disagree" % path
        if isinstance(wanted, tuple):
            assert got in wanted[1:], "%s is neither as before nor as asked for" % path
            expected[path] = got
        else:
            assert got == wanted, "%s: acknowledged as %s, found %s" % (path, "kept" if wanted else "dropped", "kept" if got else "gone")
        there += got is not None
    assert len(listed) == there, "results that nobody kept"
    return there


def main(kills):
    seed = random.randrange(1 << 30)
    print("seed %d" % seed, flush=True)
    rng = random.Random(seed)
    expected, acknowledged, there = {}, 0, 0
    with tempfile.TemporaryDirectory() as state:
        server = Server("--world", "demo", state=state)
        try:
            for kill in range(kills):
                keepers = [Keeper(server, expected, random.Random(rng.random())) for _ in range(3)]
                for k in keepers:
                    k.start()
                time.sleep(rng.uniform(0.02, 0.5))
                server.kill()
                for k in keepers:
                    k.join()
                    acknowledged += k.acknowledged
                    if k.trouble:
                        raise k.trouble
                server.start()
                # all of them at times, else those of this round and some more
                some = expected if kill % 20 == 19 or kill == kills - 1 else None
                if some is not None:
                    there = check(server, expected)
            print("%d kills, %d changes acknowledged, %d results there: none lost" % (kills, acknowledged, there))
            assert acknowledged > kills, "hardly anything was kept: the test shows nothing"
        finally:
            server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
