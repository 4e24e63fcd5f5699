# SPDX-License-Identifier: Apache-2.0
"""What ssrf_test.py stands on: a network namespace in which every address there is leads to this machine, a canary that notes which
of them were connected to, and a DNS server whose answers a test decides."""
import ipaddress
import socket
import struct
import subprocess
import threading

PORTS = (22, 25, 26, 80, 443, 465, 587, 2525, 2587, 6379, 8080)
A, NS, CNAME, SOA, MX, TXT, AAAA = 1, 2, 5, 6, 15, 16, 28


def everything_is_here():
    """Every IPv4 and IPv6 address is a local one (in a namespace of our own): so whoever connects to it, we see it."""
    for command in ("ip link set lo up", "ip route add local 0.0.0.0/0 dev lo", "ip -6 route add local ::/0 dev lo",
                    "ip addr add 192.0.2.1/32 dev lo", "ip addr add 169.254.169.254/32 dev lo", "ip -6 addr add fd00::1/128 dev lo nodad"):
        subprocess.run(command.split(), check=True)


def plain(address):
    address = ipaddress.ip_address(address.split("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


class Canary:
    """Listens on all addresses of both families; refuses to relay, as a mail server does. `seen`: (address, port) of each visit."""

    def __init__(self):
        self.seen, self.lock = [], threading.Lock()
        for port in PORTS + (53,):
            s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", port))
            s.listen(100)
            threading.Thread(target=self.accept, args=(s,), daemon=True).start()
        u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        u.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        u.bind(("::", 53))
        threading.Thread(target=self.datagrams, args=(u,), daemon=True).start()

    def note(self, address, port):
        with self.lock:
            self.seen.append((plain(address), port))

    def take(self):
        with self.lock:
            seen, self.seen = self.seen, []
        return seen

    def accept(self, listener):
        while True:
            s, _peer = listener.accept()
            self.note(*s.getsockname()[:2])
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def datagrams(self, u):
        while True:
            _octets, extra, _flags, _peer = u.recvmsg(4096, 1024)
            for level, kind, value in extra:
                if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                    self.note(socket.inet_ntop(socket.AF_INET6, value[:16]), 53)
                if level == socket.IPPROTO_IP and kind == 8:
                    self.note(socket.inet_ntoa(value[8:12]), 53)

    @staticmethod
    def talk(s):
        replies = {b"EHLO": b"250-mail.canary.example\r\n250 SIZE\r\n", b"RCPT": b"554 5.7.1 Relay access denied\r\n", b"QUIT": b"221 bye\r\n"}
        try:
            with s, s.makefile("rb") as lines:
                s.settimeout(10)
                s.sendall(b"220 mail.canary.example ESMTP\r\n")
                for line in lines:
                    s.sendall(replies.get(line[:4].upper(), b"250 2.0.0 ok\r\n"))
        except OSError:
            pass


def wire_name(name):
    return b"".join(bytes([len(label)]) + label for label in name.encode("latin-1").rstrip(b".").split(b".") if label) + b"\0"


class Names:
    """A resolver at 127.0.0.1:5353. `zone`: lower-case name → {type: [values]}, or a function of how often it was asked."""

    def __init__(self, port=5353):
        self.zone, self.asked, self.port = {}, {}, port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            octets, peer = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self.answer(octets), peer)
            except (IndexError, struct.error, UnicodeError, OSError, ValueError):
                pass

    def records(self, name, kind):
        held = self.zone.get(name)
        if callable(held):
            n = self.asked[(name, kind)] = self.asked.get((name, kind), 0) + 1
            held = held(kind, n)
        return held

    def answer(self, octets):
        labels, at = [], 12
        while octets[at]:
            labels.append(octets[at + 1:at + 1 + octets[at]].decode("latin-1").lower())
            at += 1 + octets[at]
        question, kind = octets[12:at + 5], struct.unpack(">H", octets[at + 1:at + 3])[0]
        name, out, count, code = ".".join(labels), b"", 0, 0
        for _ in range(8):
            held = self.records(name, kind)
            if held is None:
                code = 3
                break
            followed = CNAME in held and kind != CNAME
            for value in held.get(CNAME if followed else kind, ()):
                data = self.data(CNAME if followed else kind, value)
                out += wire_name(name) + struct.pack(">HHIH", CNAME if followed else kind, 1, 0, len(data)) + data
                count += 1
            if not followed:
                break
            name = held[CNAME][0].rstrip(".").lower()
        return octets[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0) + question + out

    @staticmethod
    def data(kind, value):
        if kind == A:
            return socket.inet_aton(value)
        if kind == AAAA:
            return socket.inet_pton(socket.AF_INET6, value)
        if kind == MX:
            return struct.pack(">H", 10) + wire_name(value)
        if kind == TXT:
            return bytes([len(value)]) + value.encode()
        if kind == SOA:
            return wire_name(value) * 2 + struct.pack(">IIIII", 1, 3600, 600, 86400, 60)
        return wire_name(value)
