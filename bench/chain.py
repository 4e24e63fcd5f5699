# SPDX-License-Identifier: Apache-2.0
"""The longest chain of round trips that a diagnosis needed, read from its own transcripts.

Every channel costs round trips (a question one; a session one to connect, one for the greeting, one for each turn, one
or two for TLS) and needs what was known before it could begin:
  - a question needs the answer that first named what it asks about, or whom it asks;
  - a session needs the answer with its address, and all sessions that were over before it, where it comes to a server
    that was talked to already (a repeat, the other half of a flip).
What merely happened earlier, and is not needed, does not count: waiting for that is the waste that this measures.
"""
import re


class Channel:
    def __init__(self, transcript, trip):
        self.name = transcript["channel"]
        self.kind = self.name.split("#")[0]
        self.address = transcript["peer"].rsplit(":", 1)[0].strip("[]")
        self.peer = transcript["peer"]
        self.lines = transcript["lines"]
        # A session's first line is written when the connection stands: it began a round trip earlier.
        self.begin = (self.lines[0]["ms"] if self.lines else 0) - (trip if self.kind == "smtp" else 0)
        self.end = max((l["ms"] for l in self.lines), default=0)
        self.answer = " ".join(l["text"].lower() for l in self.lines if l["dir"] == "S")
        self.cost = question_cost(self) if self.kind == "dns" else session_cost(self)

    def asks(self):
        """The words that must have been seen somewhere before this could be asked."""
        if self.kind != "dns":
            return [self.address]
        name = next((l["text"].split()[-1].lower() for l in self.lines if l["dir"] == "C"), "")
        labels = name.split(".")
        if name.endswith(".in-addr.arpa") and len(labels) == 6:
            name = ".".join(reversed(labels[:4]))
        return [name, self.address]


def question_cost(channel):
    return 1 if channel.answer else 0


def session_cost(channel):
    """Connect, then one round trip for each time the other side had its turn."""
    lines, cost, before = channel.lines, 0, "C"
    for line in lines:
        if line["text"].startswith("connected to"):
            cost += 1
        elif line["text"].startswith("TLS: "):
            cost += 1 if "TLSv1.3" in line["text"] else 2
        elif line["dir"] == "S" and before != "S":
            cost += 1
        before = line["dir"]
    return cost


def mentions(answer, word):
    return bool(word) and re.search(r"(?<![\w.-])%s(?![\w-])" % re.escape(word), answer) is not None


def needed(channel, channels):
    """The channels that had to end before this one could begin."""
    found = []
    for word in channel.asks():
        naming = [c for c in channels if c.kind == "dns" and c is not channel and c.end <= channel.begin
                  and mentions(c.answer, word)]
        if naming:
            found.append(min(naming, key=lambda c: c.end))
    if channel.kind == "smtp":
        earlier = [c for c in channels if c.kind == "smtp" and c.end <= channel.begin and c is not channel]
        if any(c.address == channel.address for c in earlier):
            found += earlier
    return found


def longest(transcripts, trip, tls13_extra=0):
    """(round trips, [channel names]) of the longest chain; `trip` is the ms of one. `tls13_extra`: what a TLS 1.3
    session costs at this peer beyond its turns, measured from outside (a server that holds its first reply until its
    tickets are acknowledged)."""
    channels = sorted((Channel(t, trip) for t in transcripts), key=lambda c: (c.begin, c.end))
    best = {}
    for channel in channels:
        cost = channel.cost
        if channel.kind == "smtp" and any("TLS: TLSv1.3" in l["text"] for l in channel.lines):
            cost += tls13_extra
        reach, path = max((best[c.name] for c in needed(channel, channels) if c.name in best), default=(0, []))
        best[channel.name] = (reach + cost, path + [channel.name])
    return max(best.values(), default=(0, []))
