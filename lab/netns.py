# SPDX-License-Identifier: Apache-2.0
"""The laboratory's own corner of the kernel: network, mounts and processes.

One network namespace with nothing but `lo`, in which every address is local:
a server listens on its true address, a client binds its true address, and both
see each other as they would on the Internet.  No packet can leave, because
there is no interface to leave by.  The process namespace ends with its first
process, so whatever way the laboratory dies, all its daemons die too.
"""
import os
import shutil
import socket
import subprocess
import time

LAB_PREFIXES = ("192.0.2.", "198.51.100.", "203.0.113.")


def unshare_words():
    """The unshare(1) call that fits who we are; None where none works here (a container may forbid it)."""
    words = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        if not shutil.which("newuidmap"):
            return None
        words[1:1] = ["-r", "--map-auto"]
    probe = subprocess.run(words + ["test", "-r", "/proc/net/tcp"], stderr=subprocess.DEVNULL)
    return words if probe.returncode == 0 else None


def network_id():
    return os.readlink("/proc/self/ns/net")


def run(*words, **kw):
    subprocess.run(words, check=True, **kw)


def make_network(rules):
    """Every address local; `rules` are (hook, nft rule) pairs of the worlds."""
    run("ip", "-batch", "-", text=True, input="link set lo up\nroute add local 0.0.0.0/0 dev lo\n")
    run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo")
    with open("/proc/sys/net/ipv6/ip_nonlocal_bind", "w") as f:
        f.write("1")
    if not rules:
        return
    chains = {"filter": "type filter hook output priority 0", "nat": "type nat hook output priority -100"}
    text = "table inet lab {\n"
    for hook, head in chains.items():
        body = "".join("    %s;\n" % r for h, r in rules if h == hook)
        text += "  chain lab_%s {\n    %s;\n%s  }\n" % (hook, head, body)
    run("nft", "-f", "-", text=True, input=text + "}\n")


def only_loopback():
    with open("/proc/net/dev") as f:
        names = [line.split(":")[0].strip() for line in f if ":" in line]
    return names == ["lo"]


def replace_files(folder, files):
    """Mounts our own text over system files, for this namespace only."""
    for path, text in files.items():
        own = os.path.join(folder, path.strip("/").replace("/", "-"))
        with open(own, "w") as f:
            f.write(text)
        os.chmod(own, 0o644)
        target = os.path.realpath(path)
        if os.path.exists(target):
            run("mount", "--bind", own, target)


def system_files(users):
    """resolv.conf and friends; `users` is {name: uid} added to passwd and group."""
    with open("/etc/passwd") as f:
        passwd = [l for l in f.read().splitlines() if l.split(":")[0] not in users]
    with open("/etc/group") as f:
        group = [l for l in f.read().splitlines() if l.split(":")[0] not in users]
    for name, uid in users.items():
        passwd.append("%s:x:%d:%d::/nonexistent:/bin/false" % (name, uid, uid))
        group.append("%s:x:%d:" % (name, uid))
    return {
        "/etc/resolv.conf": "nameserver 192.0.2.153\n",
        # Knot asks for the machine's own name at start: answered by no server of ours, that costs it 10 s.
        "/etc/hosts": "127.0.0.1 localhost %s\n::1 localhost\n" % socket.gethostname(),
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                              "services: files\nprotocols: files\n",
        "/etc/passwd": "\n".join(passwd) + "\n",
        "/etc/group": "\n".join(group) + "\n",
    }


# ------------------------------------------------------------- who listens

def _address(hexed):
    if len(hexed) == 8:
        return ".".join(str(b) for b in reversed(bytes.fromhex(hexed)))
    words = [bytes.fromhex(hexed[i:i + 8])[::-1].hex() for i in range(0, 32, 8)]
    text = "".join(words)
    groups = [text[i:i + 4] for i in range(0, 32, 4)]
    import ipaddress
    return str(ipaddress.ip_address(":".join(groups)))


def listening():
    """{(protocol, address, port)} of this namespace, without touching a socket:
    a connection to port 25 would be a session in somebody's log."""
    found = set()
    for protocol, path, state in (("tcp", "/proc/net/tcp", "0A"), ("tcp", "/proc/net/tcp6", "0A"),
                                  ("udp", "/proc/net/udp", "07"), ("udp", "/proc/net/udp6", "07")):
        with open(path) as f:
            next(f)
            for line in f:
                words = line.split()
                if words[3] == state:
                    address, port = words[1].split(":")
                    found.add((protocol, _address(address), int(port, 16)))
    return found


def wait_listening(wanted, alive, limit=40.0):
    """Waits until all of `wanted` listen; returns what does not.  `alive` raises
    when a daemon has died, so that nobody waits for it."""
    end = time.monotonic() + limit
    while True:
        left = set(wanted) - listening()
        if not left or time.monotonic() > end:
            return left
        alive()
        time.sleep(0.02)


def lab_addresses_in(found):
    return sorted("%s/%s:%d" % (p, a, n) for p, a, n in found
                  if a.startswith(LAB_PREFIXES) or a.startswith("2001:db8:"))
