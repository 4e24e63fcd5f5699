#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The launcher, in a checkout of its own with a pretended cmake: what it builds when, what it leaves alone, what it says."""
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LAUNCHER = os.path.join(ROOT, "smtpdx")
SOURCE = "src"

# Pretends to configure and build: counts, waits, obeys a file "broken", and leaves a program that shows its arguments.
CMAKE = r"""#!/bin/sh
case $1 in --build) ;; *) echo "configured"; exit 0 ;; esac
echo built >>"$COUNT"
sleep 0.3
cat >/dev/null
if [ -e broken ]; then echo "[1/2] x.cpp"; echo "x.cpp:1: error: no"; exit 1; fi
echo "[1/1] Linking smtpdx"
printf '%s\n' '#!/bin/sh' 'printf "<%s>" "$@"' '[ -t 0 ] || cat' 'exit 7' >build/release/smtpdx
chmod +x build/release/smtpdx
"""
# Knows no package; after "apt-get install" it knows them all.
DPKG = r"""#!/bin/sh
[ -e "$INSTALLED" ] && sed -e '/^[[#]/d' -e '/^$/d' -e 's/[ |].*//' -e 's/^/ii /' "$PACKAGES"
exit 0
"""
APT = r"""#!/bin/sh
echo "$@" >>"$APT_CALLS"
case "$*" in *install*) [ -e "$NO_NETWORK" ] && { echo "E: no"; exit 100; }; touch "$INSTALLED" ;; esac
exit 0
"""


class Checkout:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="smtpdx-launcher-")
        self.root = os.path.join(self.folder, "checkout")
        for name in (SOURCE + "/base", "data", "cmake", "script"):
            os.makedirs(os.path.join(self.root, name))
        for name in (SOURCE + "/base/a.cpp", "data/x.toml", "CMakeLists.txt", "CMakePresets.json"):
            self.write(name, "x\n")
        for name in ("packages", "setup.sh"):
            shutil.copy(os.path.join(ROOT, "script", name), os.path.join(self.root, "script", name))
        self.launcher = os.path.join(self.root, os.path.relpath(LAUNCHER, ROOT))
        shutil.copy(LAUNCHER, self.launcher)
        self.tools = os.path.join(self.folder, "bin")
        os.makedirs(self.tools)
        for name, text in {"cmake": CMAKE, "dpkg-query": DPKG, "apt-get": APT, "apt-cache": "#!/bin/sh\nexit 0\n",
                           "id": "#!/bin/sh\necho 0\n"}.items():
            path = os.path.join(self.tools, name)
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, 0o755)
        self.count, self.apt_calls = self.path("../count"), self.path("../apt")
        self.env = {**os.environ, "PATH": self.tools + ":" + os.environ["PATH"], "COUNT": self.count,
                    "APT_CALLS": self.apt_calls, "INSTALLED": self.path("../installed"),
                    "NO_NETWORK": self.path("../no-network"), "PACKAGES": self.path("script/packages")}

    def path(self, name):
        return os.path.normpath(os.path.join(self.root, name))

    def write(self, name, text=""):
        with open(self.path(name), "w") as f:
            f.write(text)

    def start(self, *words, stdin=""):
        return subprocess.run([self.launcher, *words], input=stdin, capture_output=True, text=True, env=self.env, timeout=60)

    def builds(self):
        return self.read(self.count).count("\n") if os.path.exists(self.count) else 0

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def state(self):
        """Every file and directory below the checkout with its times."""
        seen = {}
        for folder, folders, files in os.walk(self.root):
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                seen[path] = (info.st_mtime_ns, info.st_ctime_ns, info.st_size)
        return seen


class LauncherTest(unittest.TestCase):
    def setUp(self):
        self.checkout = Checkout()
        self.addCleanup(shutil.rmtree, self.checkout.folder)

    def built(self):
        done = self.checkout.start("x")
        self.assertEqual((done.returncode, done.stdout), (7, "<x>"), done.stderr)
        self.assertEqual(self.checkout.builds(), 1)

    def test_first_start_says_what_it_installs_builds_and_becomes_the_program(self):
        done = self.checkout.start("explain", "--text", "a  b", "", stdin="from stdin")
        self.assertEqual(done.stdout, "<explain><--text><a  b><>from stdin")
        self.assertEqual(done.returncode, 7)
        self.assertIn("libunbound-dev", done.stderr)
        self.assertIn("as root", done.stderr)
        self.assertIn("log: build/release.log", done.stderr)
        self.assertNotIn("--yes", done.stdout)
        calls = self.checkout.read(self.checkout.apt_calls)
        self.assertIn("install -y --no-install-recommends g++ cmake", calls)
        self.assertNotIn("libgtest-dev", calls)

    def test_a_start_without_changes_writes_nothing_and_says_nothing(self):
        self.built()
        before = self.checkout.state()
        os.remove(self.checkout.apt_calls)
        done = self.checkout.start("again")
        self.assertEqual((done.stdout, done.stderr), ("<again>", ""))
        self.assertEqual(self.checkout.state(), before)
        self.assertEqual(self.checkout.builds(), 1)
        self.assertFalse(os.path.exists(self.checkout.apt_calls))

    def test_a_start_without_changes_takes_no_lock(self):
        self.built()
        holder = subprocess.Popen(["flock", self.checkout.path("build/.lock"), "sleep", "20"])
        try:
            time.sleep(0.2)
            began = time.monotonic()
            self.assertEqual(self.checkout.start("x").stdout, "<x>")
            self.assertLess(time.monotonic() - began, 5)
        finally:
            holder.terminate()
            holder.wait()

    def test_a_start_without_changes_costs_at_most_a_tenth_of_a_second(self):
        self.built()
        for i in range(600):
            self.checkout.write("%s/base/f%d.cpp" % (SOURCE, i))
        self.assertEqual(self.checkout.start("x").returncode, 7)

        def quickest(command):
            times = []
            for _ in range(10):
                began = time.monotonic()
                subprocess.run([*command, "x"], env=self.checkout.env, capture_output=True, stdin=subprocess.DEVNULL)
                times.append(time.monotonic() - began)
            return min(times)

        over = quickest([self.checkout.launcher]) - quickest([self.checkout.path("build/release/smtpdx")])
        self.assertLess(over, 0.1)

    def test_changes_are_seen(self):
        self.built()
        self.checkout.write(SOURCE + "/base/c.cpp")
        self.checkout.start()
        self.assertEqual(self.checkout.builds(), 2)
        for number, change in enumerate([lambda: self.checkout.write("data/x.toml", "y"),
                                         lambda: self.checkout.write("data/new.toml"),
                                         lambda: os.remove(self.checkout.path(SOURCE + "/base/c.cpp")),
                                         lambda: self.checkout.write("CMakeLists.txt", "y"),
                                         lambda: os.remove(self.checkout.path("build/release/smtpdx"))], 3):
            change()
            self.checkout.start()
            self.assertEqual(self.checkout.builds(), number)
            self.assertEqual(self.checkout.start().stderr, "")

    def test_a_file_dated_in_the_future_is_not_new_for_ever(self):
        late = time.time() + 86400
        os.utime(self.checkout.path("data/x.toml"), (late, late))
        self.built()
        self.assertEqual(self.checkout.start("x").stderr, "")
        self.assertEqual(self.checkout.builds(), 1)

    def test_a_moved_checkout_is_built_anew(self):
        self.built()
        moved = self.checkout.folder + "/elsewhere"
        os.rename(self.checkout.root, moved)
        self.checkout.launcher = self.checkout.launcher.replace(self.checkout.root, moved)
        self.checkout.root = moved
        self.checkout.env["PACKAGES"] = self.checkout.path("script/packages")
        self.assertEqual(self.checkout.start("x").stdout, "<x>")
        self.assertEqual(self.checkout.builds(), 2)

    def test_a_failed_build_says_where_the_log_is_and_is_tried_again(self):
        self.checkout.write("broken")
        done = self.checkout.start("x")
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("x.cpp:1: error: no", done.stderr)
        self.assertIn(self.checkout.path("build/release.log"), done.stderr)
        self.assertIn("error: no", self.checkout.read("build/release.log"))
        self.assertEqual(self.checkout.start("x").returncode, 4)
        self.assertEqual(self.checkout.builds(), 2)
        os.remove(self.checkout.path("broken"))
        self.assertEqual(self.checkout.start("x").stdout, "<x>")

    def test_a_later_failed_build_does_not_start_the_old_program(self):
        self.built()
        self.checkout.write("broken")
        self.checkout.write("data/x.toml", "y")
        self.assertEqual(self.checkout.start("x").stdout, "")

    def test_failed_installation(self):
        self.checkout.write("../no-network")
        done = self.checkout.start("x")
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("build/setup.log", done.stderr)
        self.assertEqual(self.checkout.builds(), 0)

    def test_parallel_first_starts_build_once(self):
        starts = [subprocess.Popen([self.checkout.launcher, str(i)], env=self.checkout.env, stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(8)]
        for i, start in enumerate(starts):
            out, err = start.communicate(timeout=60)
            self.assertEqual((start.returncode, out), (7, "<%d>" % i), err)
        self.assertEqual(self.checkout.builds(), 1)

    def test_started_through_a_link_and_from_elsewhere(self):
        link = self.checkout.folder + "/link"
        os.symlink(self.checkout.launcher, link)
        done = subprocess.run([link, "x"], cwd="/", env=self.checkout.env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stdout, "<x>", done.stderr)

    def on_a_terminal(self, answer, *words):
        """stdin and stderr are a terminal on which `answer` is typed; returns (exit code, stdout)."""
        ours, theirs = pty.openpty()
        start = subprocess.Popen([self.checkout.launcher, *words], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
                                 env=self.checkout.env, text=True)
        os.close(theirs)
        os.write(ours, answer)
        out = start.communicate(timeout=60)[0]
        os.close(ours)
        return start.returncode, out

    def test_asks_on_a_terminal(self):
        self.assertEqual(self.on_a_terminal(b"n\n", "x"), (4, ""))
        self.assertEqual(self.checkout.builds(), 0)
        self.assertEqual(self.on_a_terminal(b"y\n", "x"), (7, "<x>"))

    def test_does_not_ask_with_yes_and_keeps_it_for_itself(self):
        self.assertEqual(self.on_a_terminal(b"", "--yes", "x"), (7, "<x>"))
        self.assertEqual(self.checkout.start("a", "--yes", "b").stdout, "<a><b>")


if __name__ == "__main__":
    unittest.main()
