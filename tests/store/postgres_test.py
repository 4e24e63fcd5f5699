#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store on a real PostgreSQL: the floor's own tests, clients that are killed, a server that ends, comes back, hangs, or
whose name cannot be looked up.

SMTPDX_STORE_KILLS sets how often clients are killed (50)."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import postgres_server  # noqa: E402
from shell import SHELL, Shell, kill_again_and_again, last_number  # noqa: E402

STORE_TEST = os.environ.get("SMTPDX_STORE_TEST")
KILLS = int(os.environ.get("SMTPDX_STORE_KILLS") or (15 if os.environ.get("SMTPDX_SANITIZED") else 50))


def may_unshare():
    return shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def read_until(stream, beginning):
    """The lines up to one that begins so; the test's own time limit ends a vain wait."""
    lines = [stream.readline().strip()]
    while lines[-1] and not lines[-1].startswith(beginning):
        lines.append(stream.readline().strip())
    return lines


class OnPostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres_server.Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        if not self.server.process:
            self.server.start()

    def fresh(self):
        subprocess.run([SHELL, self.server.url, "empty"], check=True)

    def test_1_does_what_every_store_must(self):
        done = subprocess.run([STORE_TEST, "--gtest_filter=*ostgres*"], capture_output=True, text=True, timeout=200,
                              env=dict(os.environ, SMTPDX_TEST_POSTGRES=self.server.url))
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        self.assertNotIn("SKIPPED", done.stdout)

    def test_2_nothing_acknowledged_is_lost_when_clients_are_killed(self):
        self.fresh()
        seed = random.randrange(1 << 30)
        done = kill_again_and_again(self, self.server.url, seed, KILLS, 0.04)
        print("PostgreSQL: %d kills, %d changes acknowledged (seed %d)" % (KILLS, done, seed))

    def test_3_a_server_that_goes_away_is_said_and_waited_for(self):
        self.fresh()
        seed = random.randrange(1 << 30)
        worker = subprocess.Popen([SHELL, self.server.url, "work", str(seed), "0", "stubborn"], stdout=subprocess.PIPE,
                                  text=True)
        self.addCleanup(worker.kill)
        lines = []
        for _ in range(3):
            lines += read_until(worker.stdout, "done ")
            time.sleep(random.uniform(0, 0.1))
            self.server.stop(signal.SIGQUIT)       # at once, as a crash
            lines += read_until(worker.stdout, "gone ")
            time.sleep(0.1)
            self.server.start()
        lines += read_until(worker.stdout, "done ")
        worker.send_signal(signal.SIGKILL)
        lines += worker.stdout.read().split("\n")
        worker.stdout.close()
        worker.wait()
        self.assertFalse([line for line in lines if line and line.split()[0] not in ("gone", "done", "open")])
        done = last_number(lines, "done")
        check = subprocess.Popen([SHELL, self.server.url, "work", str(seed), str(done), "stubborn"],
                                 stdout=subprocess.PIPE, text=True)
        self.assertRegex(check.stdout.readline(), "^open ")
        check.kill()
        check.stdout.close()
        check.wait()

    def test_4_a_start_without_server_comes_right_by_itself(self):
        self.server.stop()
        with Shell(self.server.url) as shell:
            self.assertRegex(shell.greeting, "^gone ")
            self.assertRegex(shell("probe"), "^gone .*next attempt in")
            self.server.start()
            self.assertEqual(self.until_ok(shell, "put d_1 10"), "ok")
            self.assertRegex(shell("where"), "^PostgreSQL at 127.0.0.1, database postgres$")

    def test_5_a_server_that_hangs_holds_a_call_no_longer_than_its_patience(self):
        with Shell(self.server.url) as shell:
            self.assertEqual(shell("probe"), "ok")
            hanging = [self.server.process.pid, *self.backends()]
            for pid in hanging:
                os.kill(pid, signal.SIGSTOP)
            try:
                begin = time.monotonic()
                self.assertRegex(shell("probe"), "^gone .*did not answer in time")
                self.assertLess(time.monotonic() - begin, 9)
            finally:
                for pid in hanging:
                    os.kill(pid, signal.SIGCONT)
            self.assertEqual(self.until_ok(shell, "probe"), "ok")

    @unittest.skipUnless(may_unshare(), "a name service of one's own needs a mount namespace")
    def test_5b_one_connection_that_hangs_is_replaced_without_a_word(self):
        with Shell(self.server.url) as shell:
            self.assertEqual(shell("put d_hang 10"), "ok")
            hanging = self.backends()
            for pid in hanging:
                os.kill(pid, signal.SIGSTOP)
            try:
                self.assertEqual(shell("put d_hang 20"), "ok")
            finally:
                for pid in hanging:
                    os.kill(pid, signal.SIGCONT)

    def test_6_dns_that_is_gone_is_said_and_comes_back(self):
        folder = tempfile.mkdtemp(prefix="smtpdx-dns-")
        self.addCleanup(shutil.rmtree, folder, True)
        for name, text in {"hosts": "127.0.0.1 localhost\n", "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                           "nsswitch.conf": "hosts: files dns\n"}.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        script = 'for f in hosts resolv.conf nsswitch.conf; do mount --bind "$1/$f" "/etc/$f" || exit 1; done; exec "$2" "$3" talk'
        url = self.server.url.replace("127.0.0.1", "db.example")
        with Shell(url, ["unshare", "-m", "sh", "-c", script, "sh", folder, SHELL, url]) as shell:
            self.assertRegex(shell.greeting, "^gone .*db.example")
            with open(os.path.join(folder, "hosts"), "a") as f:
                f.write("127.0.0.1 db.example\n")
            self.assertEqual(self.until_ok(shell, "put d_1 10"), "ok")

    def test_7_backup_is_an_sqlite_store(self):
        with Shell(self.server.url) as shell:
            self.assertEqual(shell("put d_backup 100"), "ok")
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "backup.sqlite")
                self.assertEqual(shell("backup " + path), "ok")
                with Shell(path) as copy:
                    self.assertEqual(copy("get d_backup"), "ok")

    def until_ok(self, shell, command):
        """The back-off is a few seconds at most here."""
        for _ in range(100):
            said = shell(command)
            if not said.startswith("gone "):
                break
            time.sleep(0.05)
        return said

    def backends(self):
        """The server's processes that talk to clients."""
        pid = self.server.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
        return [int(pid) for pid in children if "smtpdx postgres" in self.title(pid)]

    def title(self, pid):
        with open("/proc/%s/cmdline" % pid) as f:
            return f.read()


if __name__ == "__main__":
    if not (SHELL and os.path.exists(SHELL)):
        print("SKIP: smtpdx-store-shell is not built")
        sys.exit(77)
    if not postgres_server.programs():
        print("SKIP: no PostgreSQL server here: install the Debian package postgresql-15")
        sys.exit(77)
    unittest.main(verbosity=1)
