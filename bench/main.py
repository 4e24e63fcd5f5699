# SPDX-License-Identifier: Apache-2.0
"""Runs the measurements of script/bench inside namespaces of its own and prints them. See there."""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench import bounces, chain, delayed, serve, signatures, spf, world
from lab import netns

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSIDE = "SMTPDX_BENCH_OUTSIDE_NETWORK"
WALL_LIMIT, CPU_LIMIT, OPEN_LIMIT = 1.25, 1.5, 10.0
MAIL_LIMIT, MEMORY_LIMIT = 50, 40  # microseconds of CPU a mail, megabytes
REPLY_LIMIT = 60  # microseconds of CPU a reply

# name, arguments, the cause that must come out proved (None where only the time is of interest)
DIAGNOSES = (
    ("S02, one MX", ("--text", "554 5.7.1 <bob@bench.example>: Relay access denied", "--to", "bob@bench.example"),
     "rcpt.mx_not_configured_for_domain"),
    ("one of two MX refuses", ("--text", "554 5.7.1 <bob@two.example>: Relay access denied", "--to", "bob@two.example"),
     "rcpt.one_mx_stale"),
    ("no such user, bare MX", ("--text", "550 5.1.1 <bob@unknown.example>: User unknown", "--to",
                               "bob@unknown.example"), None),
    ("submission server", ("--text", "554 5.7.1 <bob@bench.example>: Relay access denied", "--server",
                           "mail.submit.example:587", "--to", "bob@bench.example", "--from",
                           "alice@submit.example"), None),
)


class Skip(Exception):
    pass


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.started, self.above, self.ran = [], False, 0

    def say(self, text):
        print(text, flush=True)

    def verdict(self, text, ratio, limit):
        self.ran += 1
        above = ratio > limit
        self.above = self.above or above
        self.say("%s (limit %g)%s" % (text, limit, ": ABOVE" if above else ""))

    def program(self, path, hint):
        if not os.access(path, os.X_OK):
            raise Skip("no %s (%s)" % (path, hint))
        return path

    def yardstick(self, name):
        path = os.path.join(self.options.yardsticks, name)
        if not os.path.exists(path):
            raise Skip("no yardstick %s in %s" % (name, self.options.yardsticks))
        return path

    def compiled(self, name):
        source, built = self.yardstick(name + ".c"), os.path.join(self.folder, name)
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-19")
        if not compiler:
            raise Skip("no C compiler for %s.c" % name)
        subprocess.run([compiler, "-O2", source, "-o", built], check=True)
        return built

    def start(self, words):
        process = subprocess.Popen(words)
        self.started.append(process)
        return process

    def stop(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    # ---- the delayed network ----

    def make_world(self):
        self.smtpdx = self.program(self.options.smtpdx, "build it, or name it by --smtpdx")
        bridge = self.compiled("delaybridge")
        if not shutil.which("openssl"):
            raise Skip("no openssl(1) for the server's certificate")
        certificate, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=mx1.bench.example"], check=True, stderr=subprocess.DEVNULL)
        self.started.append(delayed.make(world.ADDRESSES, bridge, self.options.delay / 2))
        self.start(delayed.inside(delayed.SERVER, sys.executable, "-B", os.path.join(ROOT, "bench", "world.py"),
                                  certificate, key))
        for _ in range(100):
            seen = subprocess.run(delayed.inside(delayed.SERVER, "cat", "/proc/net/tcp"), text=True,
                                  stdout=subprocess.PIPE).stdout
            if len(re.findall(r" 0A ", seen)) >= len(world.SERVERS):
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("the far side does not come up")
        self.from_client([sys.executable, "-c", "pass"])  # page cache

    def from_client(self, words):
        done = subprocess.run(delayed.inside(delayed.CLIENT, *words), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        return done

    def diagnose(self, arguments, cause):
        """The report; one that is not what it must be is no measurement."""
        done = self.from_client([self.smtpdx, "diagnose", *arguments, "--resolver", world.NS, "--json"])
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise RuntimeError("no report (exit code %d): %s" % (done.returncode, done.stderr.strip()))
        top = report["causes"][0] if report["causes"] else {"code": "none", "verdict": "none"}
        if cause and (top["code"] != cause or top["verdict"] != "proved"):
            raise RuntimeError("%s was to be proved, got %s (%s)" % (cause, top["code"], top["verdict"]))
        report["top"] = "%s %s" % (top["code"], top["verdict"])
        return report

    def critical_path(self):
        """{milestone: ms}"""
        done = self.from_client([sys.executable, self.yardstick("critpath.py"), world.NS, "bench.example", "quickack"])
        if done.returncode != 0 or "| 554 |" not in done.stdout:
            raise RuntimeError("critpath.py: %s%s" % (done.stdout, done.stderr))
        return {k: float(v) for k, v in re.findall(r"(\w+) ([\d.]+)(?:,| \|)", done.stdout)}

    def wall(self):
        name, arguments, cause = DIAGNOSES[0]
        ours, path = [], []
        for _ in range(self.options.runs):
            path.append(self.critical_path())
            ours.append(self.diagnose(arguments, cause)["elapsed_ms"])
        floor = [p["RCPT"] for p in path]
        # Beyond its turns: what the peer's TLS costs any client, in round trips.
        self.tls_extra = round(statistics.median(p["EHLO2"] - p["TLS"] for p in path) / self.options.delay) - 1
        self.say("  smtpdx ms: %s" % " ".join("%d" % o for o in ours))
        self.say("  critical path ms: %s" % " ".join("%.0f" % f for f in floor))
        x, y = statistics.median(ours), statistics.median(floor)
        self.verdict("%s, %d ms: smtpdx %.0f ms, critical path %.0f ms, ratio %.2f" %
                     (name, self.options.delay, x, y, x / y), x / y, WALL_LIMIT)

    def trace(self):
        if not hasattr(self, "tls_extra"):
            extra = self.critical_path()
            self.tls_extra = round((extra["EHLO2"] - extra["TLS"]) / self.options.delay) - 1
        if self.tls_extra:
            self.say("  a TLS 1.3 session costs any client %d round trip more at this server (measured by critpath.py)" %
                     self.tls_extra)
        for name, arguments, cause in DIAGNOSES:
            reports = [self.diagnose(arguments, cause) for _ in range(self.options.runs)]
            report = sorted(reports, key=lambda r: r["elapsed_ms"])[len(reports) // 2]
            trips, path = chain.longest(report["transcripts"], self.options.delay, self.tls_extra)
            took, needs = report["elapsed_ms"], trips * self.options.delay
            self.verdict("trace of %s: smtpdx %d ms, its longest chain %d round trips = %d ms, ratio %.2f" %
                         (name, took, trips, needs, took / needs), took / needs, WALL_LIMIT)
            self.say("  %s; chain: %s" % (report["top"], " ".join(path)))
            if self.options.transcripts:
                self.show(report)

    def show(self, report):
        for t in report["transcripts"]:
            self.say("    %s %s" % (t["channel"], t["peer"]))
            for line in t["lines"]:
                self.say("      %5d %s %s" % (line["ms"], line["dir"], line["text"]))

    # ---- CPU and memory ----

    def one_cpu(self, words):
        done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        found = re.search(r"denied (\d+) .*cpu ([\d.]+) us/session", done.stdout)
        if not found or int(found.group(1)) != self.options.sessions:
            raise RuntimeError("%s: %s%s" % (words, done.stdout, done.stderr))
        return float(found.group(2))

    def cpu(self):
        probe = self.program(self.options.probe, "cmake --preset release -DSMTPDX_BENCH=ON, or name it by --probe")
        lim = self.compiled("smtplim")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as f:
            f.write("2000 65000")
        port, total, parallel = "1925", str(self.options.sessions), str(self.options.parallel)
        self.start([lim, "server", port])
        time.sleep(0.5)
        for style, flag in (("one command at a time", "0"), ("pipelined", "1")):
            ours, bare = [], []
            for _ in range(self.options.runs):
                bare.append(self.one_cpu([lim, "probe", "127.0.0.1", port, total, parallel, flag]))
                ours.append(self.one_cpu([probe, port, "run", total, parallel] + ["pipeline"] * (flag == "1")))
            x, y = statistics.median(ours), statistics.median(bare)
            self.say("  bench_probe us: %s" % " ".join("%.0f" % o for o in ours))
            self.say("  smtplim us: %s" % " ".join("%.0f" % b for b in bare))
            self.verdict("CPU a session, %s x %s, %s: bench_probe %.1f us, smtplim %.1f us, ratio %.2f" %
                         (total, parallel, style, x, y, x / y), x / y, CPU_LIMIT)
        done = subprocess.run([probe, port, "open", "1000"], text=True, stdout=subprocess.PIPE, timeout=120)
        found = re.search(r"refused 1000 .* ([\d.]+) kB/session", done.stdout)
        if not found:
            raise RuntimeError("bench_probe open: " + done.stdout)
        self.verdict("memory, 1000 sessions open: %s kB each" % found.group(1), float(found.group(1)), OPEN_LIMIT)

    def serve(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        serve.measure(self, self.program(self.options.smtpdx, "cmake --preset release, or name it by --smtpdx"), self.options.runs)


    # ---- reading ----

    def bounces(self):
        program = self.program(self.options.smtpdx, "build it, or name it by --smtpdx")
        if why := bounces.available(program):
            raise Skip(why)
        figures = bounces.Figures(program)
        self.say("  explain --json, mailbox of %s" % figures)
        each = 1e6 / figures.rate
        self.verdict("explain: %.1f us CPU a mail, %.0f mails a second" % (each, figures.rate), each, MAIL_LIMIT)
        self.verdict("explain: %.0f MB memory" % figures.memory, figures.memory, MEMORY_LIMIT)
        reply = self.program(self.options.reply, "cmake --preset release -DSMTPDX_BENCH=ON, or name it by --reply")
        done = subprocess.run([reply], text=True, stdout=subprocess.PIPE, timeout=120, check=True)
        each = float(re.search(r"([\d.]+) us", done.stdout).group(1))
        self.verdict("a pasted reply, in the library: %.1f us CPU" % each, each, REPLY_LIMIT)

    def spf(self):
        program = self.program(self.options.spf, "cmake --preset release -DSMTPDX_BENCH=ON, or name it by --spf")
        if why := spf.available():
            raise Skip(why)
        spf.measure(self, program, self.folder)


    # ---- signatures ----

    def signatures(self):
        program = os.path.join(os.path.dirname(self.options.smtpdx), "bench_dkim")
        signatures.measure(self, self.program(program, "cmake --preset release -DSMTPDX_BENCH=ON"), self.folder)


def load():
    return "load average %s, %d processors" % (" ".join("%.2f" % l for l in os.getloadavg()), os.cpu_count())


def measure(options):
    with tempfile.TemporaryDirectory(prefix="smtpdx-bench-") as folder:
        bench = Bench(options, folder)
        parts = [p for p in ("wall", "trace", "cpu", "serve", "bounces", "spf", "signatures") if options.only in (None, p)]
        try:
            bench.say(load())
            if "wall" in parts or "trace" in parts:
                try:
                    bench.make_world()
                except Skip as why:
                    bench.say("SKIP wall, trace: %s" % why)
                    parts = [p for p in parts if p not in ("wall", "trace")]
            for part in parts:
                try:
                    getattr(bench, part)()
                except Skip as why:
                    bench.say("SKIP %s: %s" % (part, why))
                except (RuntimeError, subprocess.SubprocessError) as why:
                    bench.say("FAILED %s: %s" % (part, why))
                    bench.above, bench.ran = True, bench.ran + 1
            bench.say(load())
        finally:
            bench.stop()
        return 1 if bench.above else 0 if bench.ran else 77


def options_of(words, text):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smtpdx", default=os.path.join(ROOT, "build", "release", "smtpdx"))
    parser.add_argument("--probe", default=os.path.join(ROOT, "build", "release", "bench_probe"))
    parser.add_argument("--reply", default=os.path.join(ROOT, "build", "release", "bench_reply"))
    parser.add_argument("--spf", default=os.path.join(ROOT, "build", "release", "bench_spf"))
    parser.add_argument("--yardsticks", default=os.path.join(os.path.dirname(ROOT), "shared", "bench"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--delay", type=int, default=50, help="ms of a round trip")
    parser.add_argument("--sessions", type=int, default=6000)
    parser.add_argument("--parallel", type=int, default=100)
    parser.add_argument("--only", choices=("wall", "trace", "cpu", "serve", "bounces", "spf", "signatures"))
    parser.add_argument("--transcripts", action="store_true", help="show what was said, with its times")
    options = parser.parse_args(words)
    for name in ("smtpdx", "probe", "reply", "spf", "yardsticks"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    return options


def main(words, text):
    options = options_of(words, text)
    if os.environ.get(INSIDE) not in (None, netns.network_id()):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return measure(options)
    unshare = netns.unshare_words()
    if not unshare:
        print("SKIP: needs root, or newuidmap and user namespaces")
        return 77
    # The namespaces end with their first process: whatever way this ends, nothing is left behind.
    environment = dict(os.environ, **{INSIDE: netns.network_id()})
    return subprocess.run([*unshare, sys.executable, "-B", os.path.join(ROOT, "script", "bench"), *words],
                          env=environment).returncode
