#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example programs, C and C++, against what the command line says of the same bounce."""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.environ["SMTPDX"]
FOLDER = os.path.join(os.path.dirname(PROGRAM), "examples")


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, timeout=60)


def without_source(objects):
    return [{k: v for k, v in o.items() if k != "source"} for o in objects]


def check_explain(bounce):
    asked = run(os.path.join(FOLDER, "example_explain"), text=bounce)
    assert asked.returncode == 0, asked.stderr
    with tempfile.NamedTemporaryFile(suffix=".eml") as file:
        file.write(bounce)
        file.flush()
        said = run(PROGRAM, "explain", "--json", file.name).stdout
    ours = json.loads(asked.stdout)["results"]
    assert without_source(ours) == without_source(json.loads(line) for line in said.splitlines()), ours
    assert ours[0]["reason"] == "relay-denied", ours[0]


def check_diagnose(bounce):
    """A resolver that refuses every question: no octet leaves this machine, and nothing can be proved."""
    asked = run(os.path.join(FOLDER, "example_diagnose"), "127.0.0.1:1", text=bounce)
    assert asked.returncode == 0, asked.stderr
    document = json.loads(asked.stdout)
    assert document["schema"] == "smtpdx.diagnosis/1", document
    assert not any(c["verdict"] == "proved" for c in document["causes"]), document["causes"]
    assert b"looking up the MX of kestrel-books.example" in asked.stderr, asked.stderr
    empty = run(os.path.join(FOLDER, "example_diagnose"), "127.0.0.1:1", text=b"")
    assert empty.returncode == 2 and b"nothing to diagnose" in empty.stderr, empty


if __name__ == "__main__":
    if not os.path.exists(os.path.join(FOLDER, "example_explain")):
        print("SKIP: the example programs are not built here")
        sys.exit(77)
    demo = run(PROGRAM, "demo", "--bounce").stdout
    check_explain(demo)
    check_diagnose(demo)
    print("2 passed, 0 failed")
