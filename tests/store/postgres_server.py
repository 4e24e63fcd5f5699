# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of its own for a test: a new cluster in a temporary folder, on a unix socket there and on a port of
127.0.0.1, run by an unprivileged user, ended by the pid that was started. What the machine may run besides is not touched."""
import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def programs():
    """The folder of initdb and postgres, the newest version's; None where they are not installed."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return os.path.dirname(os.path.realpath(found))
    folders = [f for f in glob.glob("/usr/lib/postgresql/*/bin") if os.path.exists(os.path.join(f, "initdb"))]
    return max(folders, key=lambda f: float(f.split("/")[4]), default=None)


def unprivileged():
    """Popen's words to run as somebody who is not root: PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {"user": 65534, "group": 65534, "extra_groups": []}


class Server:
    """`start` and `stop` may be called again and again; the cluster stays until `close`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="smtpdx-pg-", dir="/tmp")      # a socket's path must be short
        self.bin, self.who, self.process = programs(), unprivileged(), None
        self.data = os.path.join(self.folder, "data")
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        self.call("initdb", "-D", self.data, "-U", "smtpdx", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = "postgres://smtpdx@127.0.0.1:%d/postgres" % self.port

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def call(self, program, *words):
        done = subprocess.run([os.path.join(self.bin, program), *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, **self.who)
        if done.returncode:
            raise RuntimeError("%s: %s" % (program, done.stderr))
        return done.stdout

    def start(self, *settings):
        words = [os.path.join(self.bin, "postgres"), "-D", self.data, "-p", str(self.port), "-k", self.folder,
                 "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB", "-c", "max_connections=20",
                 "-c", "autovacuum=off", "-c", "logging_collector=off",
                 # No test here takes the power away; ending a process loses nothing that was written.
                 "-c", "fsync=off"]
        for setting in settings:
            words += ["-c", setting]
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.who)
        log.close()
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError("postgres ended: " + open(os.path.join(self.folder, "log")).read()[-2000:])
            with contextlib.suppress(FileNotFoundError, IndexError), open(os.path.join(self.data, "postmaster.pid")) as f:
                # Its eighth line is how far it has come; after a crash the whole file may be an old one.
                lines = f.read().split("\n")
                if lines[7].strip() == "ready" and int(lines[0]) == self.process.pid:
                    return self
            time.sleep(0.02)
        raise RuntimeError("postgres does not answer")

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT ends it at once, as a crash does: what was committed must have been on the disk."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(30)
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
