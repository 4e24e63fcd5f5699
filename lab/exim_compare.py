# SPDX-License-Identifier: Apache-2.0
"""The replay of Exim configurations against a real Exim: generated configurations, the same sessions to both.

  script/lab exim-oracle --smtpdx PATH [--seed N] [--cases N] [--sessions N] [--keep DIR] [-v]

Prints how many answers agree (verdict, code, deciding statement), how many are left open, and every difference with
both traces (-v; otherwise the first lines).  Exit code 1 where an answer is wrong or more than 7 % are open.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

from lab import exim_cases, exim_oracle, install

OWN = "%s/24,%s/64" % (exim_oracle.SERVER4, exim_oracle.SERVER6)
MOST_OPEN = 0.07


def written(case, folder):
    """The case's files and configuration in a new folder."""
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    for name, text in case.files.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    os.makedirs(os.path.join(folder, "vdomains"))
    for name in ("own.example", "hosted.example"):
        open(os.path.join(folder, "vdomains", name), "w").close()
    with open(os.path.join(folder, "exim.conf"), "w") as f:
        f.write(case.config())
    return folder


def replayed(program, folder, sessions, zone):
    told = [dict(s, sasl=s["sasl"] and {"user": s["sasl"]["user"], "valid": s["sasl"]["valid"]}) for s in sessions]
    done = subprocess.run([program, "config", "decide", "--json", "exim:" + folder, "--cases", "-", "--zone", zone,
                           "--server-address", OWN], input="\n".join(map(json.dumps, told)), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    lines = done.stdout.splitlines()
    if len(lines) != len(sessions):
        raise RuntimeError("smtpdx gave %d answers for %d sessions: %s" % (len(lines), len(sessions), done.stderr))
    return [json.loads(line) for line in lines]


def difference(ours, theirs):
    """Empty where they agree."""
    if ours["verdict"] != theirs["verdict"]:
        return "verdict"
    if theirs["verdict"] == "server_fatal":
        return ""
    if ours["code"] != theirs["code"]:
        return "code"
    if ours["stage"] != theirs["stage"]:
        return "stage"
    if theirs["stage"] == "auth":
        return ""
    said = theirs["by"]
    by = ours["by"] and [ours["by"]["restriction"], ours["by"]["line"]]
    if said and by not in [[verb, line] for verb, _, line in said if verb]:
        return "by"
    if not said and by and by[0] != "discard":
        return "by"
    return ""


def text_differs(ours, theirs):
    mine = " ".join(part for part in (ours["status"], ours["text"]) if part)
    status = ours["status"]
    real = theirs["text"].replace("\n" + status + " ", " ") if status else theirs["text"]
    squeeze = lambda text: " ".join(text.split())
    return "…" not in mine and squeeze(mine) != squeeze(real)


class Score:
    def __init__(self, verbose):
        self.verbose = verbose
        self.count = collections.Counter()
        self.open = collections.Counter()
        self.shown = 0

    def add(self, name, session, ours, theirs):
        if ours["verdict"] == "unknown":
            self.count["open"] += 1
            self.open[(ours["needs"] or ["?"])[0]] += 1
            if self.verbose:
                print("open  %s %s: %s" % (name, session["id"], ours["needs"]))
            return
        what = difference(ours, theirs)
        if not what:
            self.count["right"] += 1
            if text_differs(ours, theirs):
                self.count["other words"] += 1
                if self.verbose:
                    print("words %s %s: %r / %r" % (name, session["id"], ours["text"], theirs["text"]))
            return
        self.count["wrong"] += 1
        if what == "verdict" and theirs["verdict"] == "accepted":
            self.count["missed relay"] += 1
        self.shown += 1
        print("WRONG %s %s %s: %s\n  smtpdx %s %s %r by %s\n  exim   %s %s %r by %s" % (
            name, session["id"], what, {k: v for k, v in session.items() if k not in ("tls", "cert")}, ours["verdict"],
            ours["code"], ours["text"], ours["by"] and (ours["by"]["restriction"], ours["by"]["line"]), theirs["verdict"],
            theirs["code"], theirs["text"], theirs["by"]))
        if self.verbose or self.shown <= 5:
            for entry in ours["trace"]:
                print("    smtpdx: %s:%s %s %s (%s)" % (entry["parameter"], entry["line"], entry["restriction"], entry["result"], entry["why"]))
            for line in theirs["trace"][-60:]:
                print("    exim: " + line)

    def total(self):
        return self.count["right"] + self.count["wrong"] + self.count["open"]

    def show(self):
        print("exim oracle: %d answers: %d right (%d in other words), %d open, %d wrong (%d of them relays missed)" % (
            self.total(), self.count["right"], self.count["other words"], self.count["open"], self.count["wrong"],
            self.count["missed relay"]))
        for what, count in self.open.most_common(8):
            print("  open %d: %s" % (count, what))


def inside(options):
    exim_oracle.enter(exim_cases.WORLD)
    work = tempfile.mkdtemp(prefix="exim-compare-")
    os.chmod(work, 0o755)
    zone = os.path.join(work, "dns.json")
    with open(zone, "w") as f:
        json.dump(exim_cases.WORLD, f)
    score = Score(options.verbose)
    try:
        for seed in range(options.seed, options.seed + options.cases):
            case = exim_cases.Case(seed)
            folder = written(case, os.path.join(work, "c%d" % seed))
            sessions = case.sessions(options.sessions)
            theirs = exim_oracle.answer_all(folder, sessions)
            ours = replayed(options.smtpdx, folder, sessions, zone)
            before = score.count["wrong"]
            for session, mine, real in zip(sessions, ours, theirs):
                score.add("c%d" % seed, session, mine, real)
            if options.keep and score.count["wrong"] > before:
                shutil.copytree(folder, os.path.join(options.keep, "c%d" % seed), dirs_exist_ok=True)
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    score.show()
    return 1 if score.count["wrong"] or score.count["open"] > MOST_OPEN * score.total() else 0


def main(words):
    parser = argparse.ArgumentParser(prog="script/lab exim-oracle")
    parser.add_argument("--smtpdx", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--keep", help="folder for the configurations with wrong answers")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args(words)
    if os.geteuid() != 0:
        print("SKIP: needs root (network and mount namespaces)")
        return 77
    if not install.which(install.exim_program()):
        print("SKIP: no Exim; script/lab install")
        return 77
    if os.environ.get("SMTPDX_EXIM_ORACLE") == "inside":
        return inside(options)
    os.environ["SMTPDX_EXIM_ORACLE"] = "inside"
    return exim_oracle.within_namespace([sys.executable, "-B", os.path.abspath(sys.argv[0]), "exim-oracle", *words])
