# SPDX-License-Identifier: Apache-2.0
"""Reads a .case file.

    # why this case exists
    world: S02
    run: diagnose --text "554 5.7.1 <bob@s02.example>: Relay access denied"
         --to bob@s02.example
    first: rcpt.mx_not_configured_for_domain proved record
    ruled_out: rcpt.one_mx_stale, rcpt.mx_host_resolves_wrong

One `key: value` a line; a line that begins with a blank continues the value
above it.  Keys:

    world      worlds that must be in the laboratory (for the reader and --world)
    run        the command line after `smtpdx`; the runner adds the laboratory's
               resolver, trust anchor, CA, client address and control hosts
    source     the client's address in place of 203.0.113.5
    play       raw sessions to hold first (see plays.py); {log} is what the
               servers then logged
    file NAME  text of a file; {NAME} is its path
    first      CODE VERDICT [PROOF] of the first cause, or `none`
    also       further causes that may be proved beside the first
    any_of     CODE VERDICT, more than one allowed: must be among the causes
    ruled_out  causes that must be ruled out
    untested   CODE SIDE, more than one allowed: must be among the untested, with that side (ours, theirs, consent)
    not        causes that must be neither proved nor likely
    verdict    problem (default), no-problem, inconclusive
    exit       exit code, default 1 for a problem, 0 for none, 3 for inconclusive
    text       what the first line of the text output must begin with;
               default "FAIL CODE " where `first` names a cause

Any proved cause that `first` and `also` do not name fails the case.
Placeholders in `run`: {lab} {config:NAME} {log} and {NAME} of a file.
"""
import os
import re
from dataclasses import dataclass, field

EXIT = {"problem": 1, "no-problem": 0, "inconclusive": 3}
KEYS = "world run source play first also any_of ruled_out untested not verdict exit text".split()


class BadCase(Exception):
    pass


@dataclass
class Expected:
    code: str
    verdict: str
    proof: str = ""


@dataclass
class Case:
    name: str
    why: str
    world: list[str]
    run: str
    first: Expected | None
    source: str = "203.0.113.5"
    play: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    also: list[str] = field(default_factory=list)
    any_of: list[Expected] = field(default_factory=list)
    ruled_out: list[str] = field(default_factory=list)
    untested: list[list[str]] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    verdict: str = "problem"
    exit: int = 1
    text: str = ""


def listed(value):
    return [w for w in re.split(r"[,\s]+", value) if w]


def read_pairs(path):
    pairs, why = [], []
    with open(path) as f:
        for number, line in enumerate(f.read().splitlines(), 1):
            if line.startswith("#"):
                why.append(line[1:].strip())
            elif line[:1] in (" ", "\t") and pairs:
                pairs[-1][1].append(line.strip() if not pairs[-1][0].startswith("file ") else line[4:])
            elif line.strip() == "":
                if pairs and pairs[-1][0].startswith("file "):
                    pairs[-1][1].append("")
            else:
                match = re.match(r"(file \S+|\w+):\s*(.*)$", line)
                if not match:
                    raise BadCase("%s:%d: not `key: value`" % (path, number))
                pairs.append((match.group(1), [match.group(2)] if match.group(2) else []))
    return pairs, " ".join(why)


def read(path):
    pairs, why = read_pairs(path)
    values, files = {}, {}
    for key, lines in pairs:
        if key.startswith("file "):
            files[key[5:]] = "\n".join(lines) + "\n"
        elif key not in KEYS or key in values:
            raise BadCase("%s: unknown or repeated key %s" % (path, key))
        else:
            values[key] = lines
    for key in ("world", "run", "first"):
        if key not in values:
            raise BadCase("%s: no %s" % (path, key))
    text = {k: " ".join(v) for k, v in values.items()}
    verdict = text.get("verdict", "problem")
    first = None if text["first"] == "none" else Expected(*text["first"].split())
    if verdict not in EXIT:
        raise BadCase("%s: verdict %s" % (path, verdict))
    return Case(
        name=os.path.basename(path)[:-len(".case")], why=why, world=listed(text["world"]), run=text["run"], first=first,
        source=text.get("source", "203.0.113.5"), play=values.get("play", []), files=files,
        also=listed(text.get("also", "")), any_of=[Expected(*l.split()) for l in values.get("any_of", [])],
        ruled_out=listed(text.get("ruled_out", "")), untested=[l.split() for l in values.get("untested", [])], never=listed(text.get("not", "")), verdict=verdict,
        exit=int(text.get("exit", EXIT[verdict])), text=text.get("text", "FAIL %s " % first.code if first else ""))
