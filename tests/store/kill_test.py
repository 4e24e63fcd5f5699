#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments while a program writes: the store opens, and holds exactly what was acknowledged, or that and
the one change that was under way. Also a disk that fills up, and a file system that becomes read-only, both real ones.

SMTPDX_STORE_KILLS sets how often (200)."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shell import SHELL, Shell, kill_again_and_again  # noqa: E402

KILLS = int(os.environ.get("SMTPDX_STORE_KILLS") or (40 if os.environ.get("SMTPDX_SANITIZED") else 200))


def may_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True).returncode == 0


class Kill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="smtpdx-store-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_nothing_acknowledged_is_lost(self):
        seed = random.randrange(1 << 30)
        done = kill_again_and_again(self, os.path.join(self.folder, "store.sqlite"), seed, KILLS)
        print("SQLite: %d kills, %d changes acknowledged (seed %d)" % (KILLS, done, seed))

    def test_many_writers_that_are_killed_leave_a_sound_store(self):
        url = os.path.join(self.folder, "store.sqlite")
        for _ in range(5):
            writers = [subprocess.Popen([SHELL, url, "work", "1", "0", "stubborn"], stdout=subprocess.DEVNULL)
                       for _ in range(3)]
            try:
                writers[0].wait(random.uniform(0.05, 0.15))
            except subprocess.TimeoutExpired:
                pass
            for writer in writers:
                writer.send_signal(signal.SIGKILL)
                writer.wait()
        with Shell(url) as shell:
            self.assertEqual(shell("check"), "ok")


@unittest.skipUnless(shutil.which("unshare") and may_mount(), "mounting a small file system needs root")
class SmallDisk(unittest.TestCase):
    """The shell runs in a mount namespace of its own; /proc/PID/root leads there."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="smtpdx-store-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.url = os.path.join(self.folder, "disk", "store.sqlite")
        os.mkdir(os.path.join(self.folder, "disk"))

    def shell(self, prepare='head -c 600000 /dev/zero >"$1/ballast"'):
        script = 'mount -t tmpfs -o size=2m tmpfs "$1" && %s && exec "$2" "$3" talk' % prepare
        return Shell(self.url, ["unshare", "-m", "sh", "-c", script, "sh", os.path.dirname(self.url), SHELL, self.url])

    def inside(self, shell, name):
        return "/proc/%d/root%s" % (shell.process.pid, os.path.join(os.path.dirname(self.url), name))

    def test_full_disk_is_said_and_passes_by_itself(self):
        with self.shell() as shell:
            kept = []
            for i in range(200):
                said = shell("put d_%d 30000" % i)
                if said != "ok":
                    break
                kept.append(i)
            self.assertRegex(said, "^disk-full no space left for SQLite file ")
            self.assertGreater(len(kept), 3)
            self.assertRegex(shell("probe"), "^(ok|disk-full )")
            for i in kept:
                self.assertEqual(shell("get d_%d" % i), "ok")
            self.assertEqual(shell("get d_%d" % (len(kept))), "absent")
            os.unlink(self.inside(shell, "ballast"))
            self.assertEqual(shell("put d_after 30000"), "ok")
            self.assertEqual(shell("check"), "ok")

    def test_backup_to_a_full_disk_leaves_nothing(self):
        with self.shell() as shell:
            for i in range(20):
                self.assertEqual(shell("put d_%d 30000" % i), "ok")
            before = os.listdir(self.inside(shell, "."))
            self.assertRegex(shell("backup %s" % os.path.join(os.path.dirname(self.url), "copy")), "^disk-full ")
            self.assertEqual(sorted(os.listdir(self.inside(shell, "."))), sorted(before))
            self.assertEqual(shell("put d_20 10"), "ok")

    def test_read_only_disk_is_said_and_passes_by_itself(self):
        with self.shell('echo put d_1 10 | "$2" "$3" talk >/dev/null && mount -o remount,ro "$1"') as shell:
            self.assertRegex(shell.greeting, "^read-only SQLite file .* may not be written")
            self.assertRegex(shell("put d_2 10"), "^read-only ")
            subprocess.run(["nsenter", "-t", str(shell.process.pid), "-m", "mount", "-o", "remount,rw",
                            os.path.dirname(self.url)], check=True)
            self.assertEqual(shell("put d_2 10"), "ok")
            self.assertEqual(shell("get d_1"), "ok")


if __name__ == "__main__":
    if not (SHELL and os.path.exists(SHELL)):
        print("SKIP: smtpdx-store-shell is not built")
        sys.exit(77)
    unittest.main(verbosity=1)
