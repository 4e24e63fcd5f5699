# SPDX-License-Identifier: Apache-2.0
"""Brings the whole laboratory up, runs one command inside, and lets it go.

Two processes.  The outer one makes a folder, starts the inner one in
namespaces of its own (netns.py) and, before any command runs, looks whether
something now listens on the machine that should not.  The inner one builds the
servers' files in a tmpfs, starts every daemon in the foreground as its child,
waits until all of their sockets listen, runs the command with its standard
streams, and exits with the command's code.  Because it is the first process of
its process namespace, nothing outlives it.  Because all files lie in a tmpfs of
its mount namespace, nothing is left but the cache of keys and signed zones.

Every wait is bounded: 60 s for the start, and whoever runs the laboratory gives
the command its own limit.
"""
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab import dns, dovecot, exim, install, netns, pki, postfix, web, worlds  # noqa: F401
from lab.world import CLIENT, CONTROLS, PEOPLE, RESOLVER, World

SKIPPED = 77                # the test runners' word for "could not be run here"
START_LIMIT = 60.0
UNNAMED_CLIENTS = {"203.0.113.77"}
LISTED_CLIENTS = ["203.0.113.66"]
SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "script", "lab")


# ------------------------------------------------------------------ outer

def why_not():
    """Why the laboratory cannot run here, or None."""
    left = install.missing()
    if left:
        return "not installed: %s (script/lab install)" % " ".join(left)
    if netns.unshare_words() is None:
        return ("needs namespaces: root where unshare(1) is allowed, or the package uidmap with a range in /etc/subuid "
                "and /etc/subgid")
    return None


def run(command):
    """Runs `command` inside a fresh laboratory; returns its exit code."""
    reason = why_not()
    if reason:
        print("SKIP: " + reason)
        return SKIPPED
    folder = tempfile.mkdtemp(prefix="smtpdx-lab-")
    before = netns.listening()
    ready, tell_ready = os.pipe()
    hear_go, go = os.pipe()
    words = netns.unshare_words() + [sys.executable, "-B", SCRIPT, "inside", folder, netns.network_id(),
                                     str(tell_ready), str(hear_go), *command]
    inner = subprocess.Popen(words, pass_fds=(tell_ready, hear_go))
    os.close(tell_ready)
    os.close(hear_go)
    try:
        if os.read(ready, 1) == b"1":
            leaked = leaks(before)
            if leaked:
                print("lab: listens outside the namespace: " + " ".join(leaked), file=sys.stderr)
            os.write(go, b"0" if leaked else b"1")
        return inner.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        if inner.poll() is None:
            inner.kill()                       # --kill-child takes the rest along
            inner.wait()
        shutil.rmtree(folder, ignore_errors=True)


def leaks(before):
    """What came to listen on the machine itself on the laboratory's ports or addresses."""
    now = netns.listening()
    fresh = {s for s in now - before if s[2] in (25, 53, 465, 587)}
    return netns.lab_addresses_in(now) + ["%s/%s:%d" % s for s in sorted(fresh) if s[1] in ("0.0.0.0", "::")]


# ------------------------------------------------------------------ inner

class Lab:
    def __init__(self, folder):
        self.folder, self.daemons = folder, []
        self.laps, self.began = [], time.monotonic()
        self.log = self.path("log")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def lap(self, what):
        self.laps.append((what, time.monotonic() - self.began))

    def start(self, name, words, files=None, **env):
        """`files` lowers the limit of open files for this daemon."""
        lower = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
        with open(os.path.join(self.log, name + ".out"), "w") as out:
            daemon = subprocess.Popen(words, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out, start_new_session=True, preexec_fn=lower)
        self.daemons.append((name, daemon))

    def alive(self):
        for name, daemon in self.daemons:
            if daemon.poll() is not None:
                with open(os.path.join(self.log, name + ".out")) as f:
                    raise RuntimeError("%s ended with %d: %s" % (name, daemon.returncode, f.read()[-600:]))

    # ---------------------------------------------------------- the parts

    def make_ground(self):
        netns.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.folder)
        for name in ("log", "etc", "config", "files"):
            os.makedirs(self.path(name))
        os.chmod(self.log, 0o777)
        netns.make_network([rule for w in World.ALL for rule in w.net])
        netns.replace_files(self.path("etc"), netns.system_files({exim.USER: exim.UID}))
        self.lap("network")

    def make_keys_and_zones(self):
        """From the cache, where the same worlds have been run this month."""
        zones = [z for w in World.ALL for z in w.zones]
        wanted = certificates()
        text = json.dumps([[vars(z) for z in zones], wanted, time.strftime("%Y%m")], sort_keys=True)
        for module in (dns, pki):
            with open(module.__file__) as f:
                text += f.read()
        key = "made-" + hashlib.sha256(text.encode()).hexdigest()[:16]
        cached = os.path.join(install.cache_dir(), key)
        if not os.path.isdir(cached):
            work = tempfile.mkdtemp(prefix="making-", dir=install.cache_dir())
            pki.make(os.path.join(work, "pki"), wanted)
            tlsa = pki.tlsa(os.path.join(work, "pki"))
            for zone in zones:
                zone.text = zone.text.replace("{tlsa}", tlsa)
            dns.make(os.path.join(work, "zones"), zones, UNNAMED_CLIENTS)
            for old in os.listdir(install.cache_dir()):
                if old.startswith("made-"):
                    shutil.rmtree(os.path.join(install.cache_dir(), old), ignore_errors=True)
            os.rename(work, cached)
        for part in ("pki", "zones"):
            shutil.copytree(os.path.join(cached, part), self.path(part))
        shutil.copy(self.path("zones", "trust-anchor"), self.path("trust-anchor"))
        shutil.copy(self.path("pki", "ca.crt"), self.path("ca.crt"))
        self.lap("keys and zones")

    def start_dns(self):
        zones = [z for w in World.ALL for z in w.zones]
        files = [(".", "root"), ("arpa.", "arpa"), ("example.", "example")] + [(z.name + ".", z.name) for z in zones]
        second = [(z.name + ".", z.name + ".second") for z in zones if z.second is not None]
        for name, listen, what in (("knot", [dns.ROOT, dns.FIRST, dns.SECOND], files), ("knot-second", [dns.DISSENTER], second)):
            run_dir = self.path(name)
            os.makedirs(run_dir)
            self.write(name + "/knot.conf", dns.knot_conf(run_dir, self.path("zones"), listen, what))
            self.start(name, ["knotd", "-c", run_dir + "/knot.conf"])
        os.makedirs(self.path("unbound"))
        self.write("unbound/hints", dns.HINTS)
        self.write("unbound/unbound.conf", dns.unbound_conf(self.path("unbound"), self.path("zones")))
        self.start("unbound", ["unbound", "-d", "-c", self.path("unbound/unbound.conf")])
        os.makedirs(self.path("rbldnsd"))
        self.write("rbldnsd/bl.ip4", dns.blocklist(LISTED_CLIENTS))
        self.write("rbldnsd/blr.ip4", dns.REFUSING_LIST)
        self.start("rbldnsd", ["rbldnsd", "-n", "-f", "-b", dns.LISTS + "/53", "-u", "nobody",
                               "-w", self.path("rbldnsd"), "-c", "0", "bl.example:ip4set:bl.ip4", "blr.example:ip4set:blr.ip4"])

    def start_mail(self):
        config, sasl = dovecot.make(self.path("dovecot"), self.log)
        self.start("dovecot", ["dovecot", "-F", "-c", config])
        self.write_tables()
        hosts = [h for w in World.ALL for h in w.postfixes]
        paths = {"sasl": sasl, "mailboxes": self.mailboxes(), "people": self.people(), "files": self.path("files"),
                 "key": self.path("pki/server.key"), "certificate": self.certificate_of, "folder": self.folder}
        words, env = postfix.make(self.path("postfix"), self.log, hosts, paths, self.path("config"))
        self.start("postfix", words, files=4096, **env)    # master closes every possible descriptor
        exims = [h for w in World.ALL for h in w.exims]
        conf = exim.make(self.path("exim"), self.log, exims, PEOPLE, self.path("pki"), self.path("config"))
        self.start("exim", [install.exim_program(), "-C", conf, "-bdf"])
        webs = [h for w in World.ALL for h in w.webs]
        self.start("nginx", ["nginx", "-c", web.make(self.path("web"), self.log, webs, self.path("pki"))])
        if any(w.scripted for w in World.ALL):
            self.write("scripted.json", json.dumps([vars(s) for w in World.ALL for s in w.scripted]))
            self.start("scripted", [sys.executable, "-B", SCRIPT, "scripted", self.folder])

    def write_tables(self):
        """The worlds' tables; a compiled one is made from its own, perhaps older text first."""
        for world in World.ALL:
            for name, text in world.compiled.items():
                self.write("files/" + name, text)
                postfix.postmap(self.path("files", name), self.path("files"))
            for name, text in world.files.items():
                self.write("files/" + name, text)

    def certificate_of(self, host):
        return None if host.cert == "none" else self.path("pki", host.name)

    def mailboxes(self):
        """Every person in every domain that any Postfix serves, in one table."""
        served = set()
        for world in World.ALL:
            for host in world.postfixes:
                for name in ("virtual_mailbox_domains", "relay_domains"):
                    served.update(host.main.get(name, "").replace(",", " ").split())
        path = self.path("postfix-mailboxes")
        with open(path, "w") as f:
            f.writelines("%s@%s x\n" % (p, d) for d in sorted(served) for p in PEOPLE)
        return path

    def people(self):
        """The same people for the domains that Postfix calls local."""
        self.write("postfix-people", "".join("%s x\n" % p for p in PEOPLE))
        return self.path("postfix-people")

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    # ------------------------------------------------------------- whole

    def sockets(self):
        wanted = {(p, a, 53) for p in ("tcp", "udp") for a in (dns.ROOT, dns.FIRST, dns.SECOND, dns.DISSENTER, RESOLVER)}
        wanted.add(("udp", dns.LISTS, 53))
        wanted.update(postfix.sockets([h for w in World.ALL for h in w.postfixes]))
        wanted.update(exim.sockets([h for w in World.ALL for h in w.exims]))
        wanted.update(web.sockets([h for w in World.ALL for h in w.webs]))
        wanted.update(("tcp", s.address, s.port) for w in World.ALL for s in w.scripted)
        return wanted

    def up(self):
        self.make_ground()
        self.make_keys_and_zones()
        self.start_dns()
        self.start_mail()
        self.lap("daemons started")
        left = netns.wait_listening(self.sockets(), self.alive, START_LIMIT - 20)
        if left:
            raise RuntimeError("never listened: " + " ".join("%s/%s:%d" % s for s in sorted(left)))
        self.lap("all listen")

    def assert_alone(self, outer_network):
        """Nothing of ours is in the machine's network, and no way leads out."""
        if netns.network_id() == outer_network or not netns.only_loopback():
            raise RuntimeError("this is not a network of our own")
        own = netns.network_id()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/net" % pid) != own:
                    raise RuntimeError("process %s is in another network" % pid)
            except FileNotFoundError:
                pass

    def environment(self):
        return {**os.environ, "SMTPDX_LAB": self.folder, "SMTPDX_LAB_CA": self.path("ca.crt"),
                "SMTPDX_LAB_TRUST_ANCHOR": self.path("trust-anchor"), "SMTPDX_LAB_RESOLVER": RESOLVER,
                "SMTPDX_LAB_CLIENT": CLIENT, "SMTPDX_LAB_CONTROLS": " ".join(CONTROLS),
                "SMTPDX_LAB_START_MS": "%.0f" % (self.laps[-1][1] * 1000)}


def certificates():
    """{file: [names, kind]} of every server that has one."""
    wanted = {}
    for world in World.ALL:
        for host in world.postfixes:
            if host.cert != "none":
                other = host.cert.startswith("as:")
                kind = host.cert if host.cert in ("expired", "private") else "good"
                wanted[host.name] = [[host.cert[3:] if other else host.host], kind]
        for host in world.exims + world.webs:
            wanted[host.host] = [[host.host], host.cert]
        for server in world.scripted:
            if server.cert:
                wanted[server.cert] = [[server.cert], "good"]
    return wanted


def inside(folder, outer_network, tell_ready, hear_go, command):
    os.umask(0o022)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab(folder)
    try:
        lab.up()
        lab.assert_alone(outer_network)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as err:
        print("lab: did not start: %s" % err, file=sys.stderr)
        return 1
    os.write(tell_ready, b"1")
    if os.read(hear_go, 1) != b"1":
        return 1
    os.close(tell_ready)
    os.close(hear_go)
    os.environ.update(lab.environment())
    if os.environ.get("SMTPDX_LAB_VERBOSE"):
        print("lab: " + ", ".join("%s %.2f s" % lap for lap in lab.laps), file=sys.stderr)
    return subprocess.run(command).returncode
