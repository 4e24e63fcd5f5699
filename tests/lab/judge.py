# SPDX-License-Identifier: Apache-2.0
"""Compares what smtpdx said with what a case expects; returns the complaints."""


def of_document(case, document):
    """The JSON document of `diagnose --json`."""
    wrong = []
    causes = document.get("causes", [])
    if document.get("verdict") != case.verdict:
        wrong.append("verdict is %s, expected %s" % (document.get("verdict"), case.verdict))
    wrong += of_first(case, causes)
    allowed = set(case.also) | ({case.first.code} if case.first else set())
    wrong += ["proved, and must not be: " + c["code"] for c in causes
              if c.get("verdict") == "proved" and c["code"] not in allowed]
    for expected in case.any_of:
        if not any(c["code"] == expected.code and c["verdict"] == expected.verdict for c in causes):
            wrong.append("not among the causes: %s %s" % (expected.code, expected.verdict))
    ruled_out = {c["code"] for c in document.get("ruled_out", [])}
    wrong += ["not ruled out: " + code for code in case.ruled_out if code not in ruled_out]
    untested = {(u["code"], u.get("side")) for u in document.get("untested", [])}
    wrong += ["not untested with side %s: %s" % (side, code) for code, side in case.untested if (code, side) not in untested]
    wrong += ["must not be %s: %s" % (c["verdict"], c["code"]) for c in causes
              if c["code"] in case.never and c["verdict"] in ("proved", "likely")]
    return wrong + of_references(document)


def of_first(case, causes):
    if not case.first:
        return []
    if not causes:
        return ["no cause at all, expected " + case.first.code]
    got, wrong = causes[0], []
    if got["code"] != case.first.code:
        wrong.append("first cause is %s (%s), expected %s" % (got["code"], got.get("verdict"), case.first.code))
    elif got.get("verdict") != case.first.verdict:
        wrong.append("%s is %s, expected %s" % (got["code"], got.get("verdict"), case.first.verdict))
    elif case.first.proof and got.get("proof") != case.first.proof:
        wrong.append("proof is %s, expected %s" % (got.get("proof"), case.first.proof))
    return wrong


def of_references(document):
    """Every verdict names its observations, and they are there (contract: no verdict without its reason)."""
    known = {o["id"] for o in document.get("observations", [])}
    wrong = []
    for cause in document.get("causes", []) + document.get("ruled_out", []):
        because = cause.get("because", [])
        wrong += ["%s refers to %s, which is not there" % (cause["code"], o) for o in because if o not in known]
        if not because and cause.get("verdict", "ruled out") in ("proved", "ruled out"):
            wrong.append("%s without any observation" % cause["code"])
    return wrong


def of_text(case, text):
    line = " ".join(text.split("\n", 1)[0].split()) + " "      # columns may be padded
    if case.text and not line.startswith(case.text):
        return ["text begins %r, expected %r" % (line, case.text)]
    return []
