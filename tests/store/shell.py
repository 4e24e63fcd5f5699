# SPDX-License-Identifier: Apache-2.0
"""Drives smtpdx-store-shell (shell.cpp)."""
import os
import random
import signal
import subprocess
import time

SHELL = os.environ.get("SMTPDX_STORE_SHELL")


class Shell:
    """The shell's conversation: call it with a command, and it returns the answer."""

    def __init__(self, url, command=None):
        self.process = subprocess.Popen(command or [SHELL, url, "talk"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.greeting = self.process.stdout.readline().strip()

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


def last_number(lines, word):
    numbers = [int(line.split()[1]) for line in lines if line.startswith(word + " ")]
    return numbers[-1] if numbers else None


def kill_again_and_again(test, url, seed, times, longest=0.06):
    """Returns how many changes were acknowledged. Every round begins with the shell's own check of what it finds."""
    done = 0
    for round_number in range(times):
        shell = subprocess.Popen([SHELL, url, "work", str(seed), str(done)], stdout=subprocess.PIPE, text=True)
        # Some die while they open the store, most of them later: after the first acknowledgement.
        if random.random() < 0.2:
            time.sleep(random.uniform(0, longest))
        else:
            first = shell.stdout.readline()
            test.assertTrue(first.startswith("open "), "round %d, seed %d: %r" % (round_number, seed, first))
            done = int(first.split()[1])
            time.sleep(random.uniform(0, longest))
        shell.send_signal(signal.SIGKILL)
        lines = shell.stdout.read().split("\n")
        shell.stdout.close()
        shell.wait()
        for line in lines:
            test.assertRegex(line, "^(|open [0-9]+|done [0-9]+)$", "round %d, seed %d" % (round_number, seed))
        done = last_number(lines, "done") or last_number(lines, "open") or done
    shell = subprocess.Popen([SHELL, url, "work", str(seed), str(done)], stdout=subprocess.PIPE, text=True)
    test.assertTrue(shell.stdout.readline().startswith("open "))
    shell.send_signal(signal.SIGKILL)
    shell.stdout.close()
    shell.wait()
    with Shell(url) as talk:
        test.assertEqual(talk("check"), "ok")
    test.assertGreater(done, times, "too little was written to tell anything")
    return done
