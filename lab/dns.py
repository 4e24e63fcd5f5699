# SPDX-License-Identifier: Apache-2.0
"""A small but complete DNS: root, arpa, one top-level domain, everybody's zones.

Signed like the real one, so that a validating resolver with our trust anchor
has something to validate.  Knot serves it; a second Knot serves the zones on
which two name servers disagree; rbldnsd is the blocklist; Unbound is the
resolver that smtpdx is pointed at.

    192.0.2.53 root   .54 .55 all zones   .57 the dissenting server
    192.0.2.56 bl.example and blr.example   192.0.2.153 resolver

Signing takes a second or two for fifty zones and its result depends on nothing
but the zones' text, so the caller keeps the folder between runs.
"""
import ipaddress
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

ROOT, FIRST, SECOND, LISTS, DISSENTER = "192.0.2.53", "192.0.2.54", "192.0.2.55", "192.0.2.56", "192.0.2.57"
EXPIRES = "20360101000000"
REVERSE = ["113.0.203.in-addr.arpa", "100.51.198.in-addr.arpa", "2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"]


def head(zone, servers):
    """SOA and NS.  All name servers live in nic.example."""
    soa = "@ SOA %s hostmaster.%s 2026010101 3600 600 86400 60\n" % (servers[0], "nic.example." if zone == "." else zone)
    return "$ORIGIN %s\n$TTL 300\n" % zone + soa + "".join("@ NS %s\n" % s for s in servers)


def absolute(name, zone):
    return name if name.endswith(".") else zone if name == "@" else name + "." + zone


def addresses(zone, text):
    """(owner, address) of every A and AAAA line: what the reverse zones repeat."""
    for line in text.splitlines():
        match = re.match(r"\s*(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA)\s+(\S+)\s*$", line)
        if match:
            yield absolute(match.group(1), zone), match.group(3)


def reverse_records(zones, unnamed):
    """PTR lines: the first owner of each address, but for `unnamed` addresses."""
    seen = {}
    for zone in zones:
        for owner, address in addresses(zone.name + ".", zone.text):
            seen.setdefault(address, owner)
    return "".join("%s. PTR %s\n" % (ipaddress.ip_address(a).reverse_pointer, owner)
                   for a, owner in sorted(seen.items()) if a not in unnamed)


class Signer:
    """One folder; write() leaves FILE and, for a signed zone, FILE.signed and its DS."""

    def __init__(self, folder):
        self.folder, self.ds = folder, {}

    def write(self, zone, file, text, signed=True, key=None):
        with open(os.path.join(self.folder, file), "w") as f:
            f.write(text)
        if not signed:
            os.rename(os.path.join(self.folder, file), os.path.join(self.folder, file + ".signed"))
            return None
        if not key:
            key = self.call("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone).strip()
            with open(os.path.join(self.folder, key + ".ds")) as f:
                self.ds[zone] = f.read()
        self.call("ldns-signzone", "-o", zone, "-e", EXPIRES, "-f", file + ".signed", file, key)
        return key

    def call(self, *words):
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout


def both_servers(zone):
    dissent = "ns3.nic.example." if zone.second is not None else "ns2.nic.example."
    return ["ns1.nic.example.", dissent]


def make_child(signer, zone):
    name = zone.name + "."
    key = signer.write(name, zone.name, head(name, both_servers(zone)) + zone.text + "\n", zone.signed)
    if zone.tamper:
        path = os.path.join(signer.folder, zone.name + ".signed")
        with open(path) as f:
            text = f.read()
        if zone.tamper[0] not in text:
            raise RuntimeError("%s: nothing to forge" % zone.name)
        with open(path, "w") as f:
            f.write(text.replace(*zone.tamper))
    if zone.second is not None:
        signer.write(name, zone.name + ".second", head(name, both_servers(zone)) + zone.second + "\n", zone.signed, key)


def make(folder, zones, unnamed):
    """All zone files, and `trust-anchor` with the root's DS."""
    os.makedirs(folder)
    signer = Signer(folder)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda z: make_child(signer, z), zones))
    signer.write("arpa.", "arpa", head("arpa.", ["ns1.nic.example.", "ns2.nic.example."]) + reverse_records(zones, unnamed))
    tld = head("example.", ["ns1.nic.example.", "ns2.nic.example."])
    for host, address in (("ns1", FIRST), ("ns2", SECOND), ("ns3", DISSENTER), ("ns-bl", LISTS)):
        tld += "%s.nic A %s\n" % (host, address)
    tld += "bl NS ns-bl.nic.example.\nblr NS ns-bl.nic.example.\n"
    for zone in zones:
        tld += "".join("%s. NS %s\n" % (zone.name, s) for s in both_servers(zone))
    tld += "".join(signer.ds[z.name + "."] for z in zones if z.signed)
    signer.write("example.", "example", tld)
    root = head(".", ["a.root."]) + "a.root. A %s\n" % ROOT
    for child in ("example.", "arpa."):
        root += "%s NS ns1.nic.example.\n%s NS ns2.nic.example.\n" % (child, child)
    root += "ns1.nic.example. A %s\nns2.nic.example. A %s\n" % (FIRST, SECOND)
    signer.write(".", "root", root + signer.ds["example."] + signer.ds["arpa."])
    with open(os.path.join(folder, "trust-anchor"), "w") as f:
        f.write(signer.ds["."])


# --------------------------------------------------------------- configurations

def knot_conf(run_dir, zone_dir, listen, files):
    zones = "".join('  - domain: "%s"\n    file: "%s/%s.signed"\n' % (name, zone_dir, file) for name, file in files)
    return """\
server:
    rundir: "%(run)s"
    listen: [ %(listen)s ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "%(run)s"
log:
  - target: "%(run)s/knot.log"
    any: info
template:
  - id: default
    journal-content: none
    zonefile-sync: -1
    zonefile-load: whole
zone:
%(zones)s""" % {"run": run_dir, "listen": ", ".join(a + "@53" for a in listen), "zones": zones}


def unbound_conf(run_dir, zone_dir):
    nodefault = "".join('    local-zone: "%s." nodefault\n' % z for z in REVERSE)
    return """\
server:
    directory: "%(run)s"
    pidfile: ""
    logfile: "%(run)s/unbound.log"
    use-syslog: no
    chroot: ""
    username: ""
    interface: 192.0.2.153
    interface: 2001:db8:53::153
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    outgoing-interface: 192.0.2.153
    do-ip6: yes
    root-hints: "%(run)s/hints"
    trust-anchor-file: "%(zones)s/trust-anchor"
    module-config: "validator iterator"
    target-fetch-policy: "0 0 0 0 0"
    num-threads: 1
    val-log-level: 2
%(nodefault)sremote-control:
    control-enable: no
""" % {"run": run_dir, "zones": zone_dir, "nodefault": nodefault}


HINTS = ". 3600 NS a.root.\na.root. 3600 A %s\n" % ROOT


# A list that answers about every client with its word for "you may not ask".
REFUSING_LIST = ("$SOA 300 ns-bl.nic.example. hostmaster.nic.example. 1 600 300 86400 60\n"
                 "$NS 300 ns-bl.nic.example\n:127.255.255.254:Error: open resolver; https://blr.example/returnc/pub/\n203.0.113.0/24\n")


def blocklist(listed):
    return ("$SOA 300 ns-bl.nic.example. hostmaster.nic.example. 1 600 300 86400 60\n"
            "$NS 300 ns-bl.nic.example\n"
            ":127.0.0.2:Listed, see https://bl.example/?$\n127.0.0.2\n" + "".join(a + "\n" for a in listed))
