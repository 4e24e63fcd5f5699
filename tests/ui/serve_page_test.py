#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser against `smtpdx serve`: starts it on a free port of loopback, reads the address from its first
line, and lets page_test.mjs do the rest; then once more as a server with accounts, for accounts_page_test.mjs."""
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


# Lets nobody send without a login.
CLOSED = """# closed
-- dns --
mail.camellia.example. A 192.0.2.19
-- server 192.0.2.19:587 --
name: mail.camellia.example
starttls: yes
auth within tls: PLAIN LOGIN
users: alice/relay-secret
domain: camellia.example
-- run --
smtpdx diagnose --text "554 5.7.1 Relay access denied" --server mail.camellia.example:587 --from alice@camellia.example --to bob@far.example
-- findings --
verdict: problem
"""


def served(state, *options):
    """The process, and the address it prints."""
    begun = time.monotonic()
    server = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True,
                              env=dict(os.environ, XDG_STATE_HOME=state))
    address = server.stdout.readline().strip()
    print("ready after %.3f s: %s" % (time.monotonic() - begun, address.split("#")[0]), flush=True)
    return server, address


def run(test, state, *options, **environment):
    server, address = served(state, *options)
    try:
        if not address.startswith("http"):
            print("the first line is no address: %r" % address)
            return 1
        return subprocess.run(["node", os.path.join(ROOT, "tests/ui", test), address], env=dict(os.environ, **environment)).returncode
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stdout.close()


def run_alone():
    with tempfile.TemporaryDirectory() as state:
        return run("page_test.mjs", state, "--world", "demo")


def run_with_accounts():
    with tempfile.TemporaryDirectory() as state:
        cert, key, world = (os.path.join(state, name) for name in ("c.pem", "k.pem", "closed.scenario"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        with open(world, "w", encoding="utf-8") as f:
            f.write(CLOSED)
        subprocess.run([PROGRAM, "account", "add", "alice", "--password-env", "SECRET"], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, XDG_STATE_HOME=state, SECRET="correct horse battery"))
        return run("accounts_page_test.mjs", state, "--world", world, "--tls-cert", cert, "--tls-key", key, PAGE_USER="alice",
                   PAGE_PASSWORD="correct horse battery", RELAY_HOST="mail.camellia.example:587", RELAY_USER="alice",
                   RELAY_PASSWORD="relay-secret")


if __name__ == "__main__":
    why = missing()
    if why:
        print("SKIP: " + why)
        sys.exit(77)
    sys.exit(run_alone() or run_with_accounts())
