#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser against `smtpdx serve`: starts it on a free port of loopback, reads the address from its first
line, and lets page_test.mjs do the rest. A build without `serve` is looked at through the stand-in."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.environ.get("SMTPDX_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("SMTPDX", "")
BROWSER = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TEST = os.path.join(ROOT, "tests/ui/page_test.mjs")


def missing():
    """Why the test cannot be made here, or None."""
    if not PROGRAM:
        return "no built program (SMTPDX)"
    if not shutil.which("node"):
        return "no node (apt install nodejs npm)"
    if not os.path.isdir(os.path.join(ROOT, "ui/node_modules/playwright-core")):
        return "ui/node_modules is not installed (script/ui --install)"
    if not os.access(BROWSER, os.X_OK):
        return "no %s (apt install chromium; CHROMIUM names another)" % BROWSER
    return None


def serves():
    return subprocess.run([PROGRAM, "serve", "--help"], capture_output=True).returncode == 0


def run_page(*address):
    return subprocess.run(["node", TEST, *address], env=dict(os.environ, SMTPDX=PROGRAM)).returncode


def run_served():
    with tempfile.TemporaryDirectory() as state:
        begun = time.monotonic()
        server = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--world", "demo"], stdout=subprocess.PIPE, text=True,
                                  env=dict(os.environ, XDG_STATE_HOME=state))
        try:
            address = server.stdout.readline().strip()
            print("ready after %.3f s: %s" % (time.monotonic() - begun, address.split("#")[0]), flush=True)
            if not address.startswith("http://"):
                print("the first line is no address: %r" % address)
                return 1
            return run_page(address)
        finally:
            server.terminate()
            server.wait(timeout=20)
            server.stdout.close()


if __name__ == "__main__":
    why = missing()
    if why:
        print("SKIP: " + why)
        sys.exit(77)
    sys.exit(run_served() if serves() else run_page())
