# SPDX-License-Identifier: Apache-2.0
"""A scenario's world played by `smtpdx mock` for the length of a with-block; gives the options that lead to it."""
import contextlib
import shlex
import subprocess
import tempfile


@contextlib.contextmanager
def played(program, scenario, ca=False):
    """With `ca` its certificate authority is trusted, too."""
    with tempfile.NamedTemporaryFile("w", suffix=".scenario") as f, tempfile.NamedTemporaryFile(suffix=".pem") as authority:
        f.write(scenario)
        f.flush()
        world = subprocess.Popen([program, "mock", f.name, "--for", "300", "--ca-out", authority.name],
                                 stdout=subprocess.PIPE, text=True)
        try:
            reach = next(line for line in world.stdout if line.startswith("reach it with: "))
            yield shlex.split(reach.removeprefix("reach it with: ")) + (["--ca", authority.name] if ca else [])
        finally:
            world.terminate()
            world.wait()
            world.stdout.close()
