# SPDX-License-Identifier: Apache-2.0
"""Raw sessions that a case holds before smtpdx is asked, so that there is a log to read.

    play: SERVER[:PORT] word=value ...     words: source helo tls auth sender rcpt swallow

`auth=alice/secret` logs in with PLAIN; `swallow=yes` goes on when that fails.
"""
import os
import time

from lab import client, postfix
from lab.world import Session


def parse(line):
    words = line.split()
    session = Session(to=words[0], reply="")
    for word in words[1:]:
        key, value = word.split("=", 1)
        if key == "auth":
            user, password = value.split("/", 1)
            session.auth = ("PLAIN", user, password)
        elif key == "swallow":
            session.swallow = value == "yes"
        else:
            setattr(session, key, value)
    return session


def mail_log():
    return os.path.join(os.environ["SMTPDX_LAB"], "log", "mail.log")


def hold(lines, ca):
    """Plays the sessions; returns what Postfix logged of them."""
    start = os.path.getsize(mail_log())
    for line in lines:
        client.play(parse(line), ca)
    text, end = "", time.monotonic() + 10
    while text.count(" disconnect from ") < len(lines) and time.monotonic() < end:
        time.sleep(0.05)
        with open(mail_log()) as f:
            f.seek(start)
            text = f.read()
    return postfix.stock_log(text)
