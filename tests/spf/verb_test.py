#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The verb `spf` as a user and a script meet it: its document, exit codes, words, and a name server that is slow, says
nothing, or has more to say than a datagram holds."""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import name_server  # noqa: E402

SMTPDX = os.environ["SMTPDX"]
LONG = b"v=spf1 " + b" ".join(b"ip4:198.51.100.%d" % i for i in range(200)) + b" ip4:192.0.2.77 -all"
ZONE = {
    "example.org": [("TXT", [b"v=spf1 ip4:192.0.2.0/28 ", b"include:_spf.example.net exp=why.example.org -all"])],
    "_spf.example.net": [("TXT", b"v=spf1 a:mail.example.net ~all")],
    "mail.example.net": [("A", "198.51.100.1"), ("TXT", b"v=spf1 a -all")],
    "why.example.org": [("TXT", b"%{c} may not; ask %{r}")],
    "soft.example": [("TXT", b"v=spf1 ~all")],
    "neutral.example": [("TXT", b"v=spf1 ?all")],
    "broken.example": [("TXT", b"v=spf1 ipv4:192.0.2.1 -all")],
    "silent.example": [("SILENT", None)],
    "failing.example": [("SERVFAIL", None)],
    "long.example": [("TXT", LONG)],
    "hostile.example": [("TXT", b"v=spf1 \x1b]0;owned\x07 -all")],
    "nothing.example": [("A", "192.0.2.1")],
}


def run(server, *words, code=None):
    done = subprocess.run([SMTPDX, "spf", *words, "--resolver", server.address], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    assert code is None or done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def document(server, *words, code=None):
    return json.loads(run(server, *words, "--json", code=code))


def test_document(server):
    got = document(server, "192.0.2.99", "alice@example.org", "mail.example.net", "--receiver", "mx.example.com", code=1)
    assert got["schema"] == "smtpdx.spf/1" and got["result"] == "fail"
    assert got["explanation"] == "192.0.2.99 may not; ask mx.example.com"
    assert (got["lookups"], got["void_lookups"]) == (2, 0)
    terms = [(t["domain"], t["depth"], t["term"], t["offset"], t["result"]) for t in got["trace"]]
    assert terms == [
        ("example.org", 0, "ip4:192.0.2.0/28", 7, "no-match"),
        ("example.org", 0, "include:_spf.example.net", 24, "no-match"),
        ("_spf.example.net", 1, "a:mail.example.net", 7, "no-match"),
        ("_spf.example.net", 1, "~all", 26, "match"),
        ("example.org", 0, "-all", 69, "match"),
        ("example.org", 0, "exp=why.example.org", 49, "taken"),
    ], terms
    for step in got["trace"]:
        assert step["why"] and step["reason"] and step["rfc"].startswith("RFC 7208 §"), step
    asked = [(l["name"], l["type"], l["status"], l["answers"]) for t in got["trace"] for l in t["lookups"]]
    assert ("mail.example.net", "A", "found", ["198.51.100.1"]) in asked, asked
    assert [r["domain"] for r in got["records"]] == ["example.org", "_spf.example.net"]
    assert got["records"][0]["lookup"]["evidence"]["channel"].startswith("dns#")
    assert got["fix"][0]["steps"]


def test_exit_codes(server):
    document(server, "192.0.2.1", "a@example.org", code=0)
    document(server, "192.0.2.1", "a@soft.example", code=1)
    document(server, "192.0.2.1", "a@nothing.example", code=1)
    document(server, "192.0.2.1", "a@broken.example", code=1)
    document(server, "192.0.2.1", "a@failing.example", code=3)
    document(server, "192.0.2.1", "a@neutral.example", code=0)
    document(server, "192.0.2.1", "a@neutral.example", "--fail-on", "warn", code=1)
    run(server, "192.0.2.300", "a@example.org", code=2)
    run(server, "192.0.2.1", "", code=2)
    run(server, "192.0.2.1", code=2)


def test_identities(server):
    for sender in ("", "<>"):
        got = document(server, "198.51.100.1", sender, "mail.example.net", code=0)
        assert got["identity"] == "helo" and got["sender"] == "postmaster@mail.example.net", got
    got = document(server, "198.51.100.1", "a@example.org", "mail.example.net", "--identity", "helo", code=0)
    assert got["domain"] == "mail.example.net"


def test_deadline(server):
    started = time.monotonic()
    got = document(server, "192.0.2.1", "a@silent.example", "--timeout", "1", code=3)
    assert got["result"] == "temperror" and got["reason"] == "dns-timed-out", got
    assert time.monotonic() - started < 8


def test_long_record(server):
    got = document(server, "192.0.2.77", "a@long.example", code=0)
    assert got["trace"][200]["result"] == "match" and got["records"][0]["record"] == LONG.decode()


def test_flaw(server):
    got = document(server, "192.0.2.1", "a@broken.example")
    assert got["records"][0]["flaw"] == {"kind": "unknown-mechanism", "offset": 7, "length": 4, "text": "ipv4",
                                         "rfc": "RFC 7208 §4.6.1"}, got["records"]


def test_text(server):
    text = run(server, "192.0.2.99", "alice@example.org", code=1)
    for words in ("FAIL spf.fail example.org does not permit 192.0.2.99 to send as alice@example.org\n",
                  "Fix is with: ", "Because  \"-all\" at octet 69", "Do this  1. ", "Prove it smtpdx spf 192.0.2.99 ",
                  "Details  2 terms that ask DNS"):
        assert words in text, (words, text)
    assert run(server, "192.0.2.1", "alice@example.org").startswith("PASS spf.pass ")
    assert "\x1b" not in run(server, "192.0.2.1", "a@hostile.example", code=1)


def main():
    with name_server.serving(ZONE) as server:
        for name, test in globals().copy().items():
            if name.startswith("test_"):
                test(server)
    types = {kind for _, kind in server.asked}
    assert types <= {"TXT", "A", "AAAA", "MX", "PTR"}, types
    print("all of it")


if __name__ == "__main__":
    main()
