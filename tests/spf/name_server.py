# SPDX-License-Identifier: Apache-2.0
"""A name server of one small zone on loopback, UDP and TCP, for tests of what asks DNS.

A zone is a dict from a name to its records, (type, value) each: A, AAAA, CNAME, MX (preference, host), PTR, TXT (octets,
or a list of them, one a string), and SILENT or SERVFAIL for all types that the name has no record of.
"""
import contextlib
import ipaddress
import selectors
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NXDOMAIN, SERVFAIL = 3, 2
EDNS_SIZE = 1232


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        octets = label.encode("latin-1")
        out += bytes([len(octets)]) + octets if octets else b""
    return out + b"\0"


def rdata(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        return struct.pack(">H", int(value[0])) + wire_name(value[1])
    if kind != "TXT":
        return wire_name(value)
    strings = value if isinstance(value, list) else [value]
    pieces = [s[i:i + 255] for s in strings for i in range(0, max(len(s), 1), 255)] or [b""]
    return b"".join(bytes([len(p)]) + p for p in pieces)


class Zone:
    def __init__(self, records):
        self.records = {name.lower().rstrip("."): list(found) for name, found in records.items()}

    def answer(self, name, kind):
        """(rcode, [(owner, type, rdata)]); None for silence. CNAMEs are followed inside the zone, once around a loop."""
        found, seen, rcode = [], set(), 0
        while name not in seen:
            seen.add(name)
            here = self.records.get(name)
            if here is None:
                return (0 if any(n.endswith("." + name) for n in self.records) else NXDOMAIN), found
            alias = [v for k, v in here if k == "CNAME"]
            if alias and kind != "CNAME":
                found.append((name, "CNAME", rdata("CNAME", alias[0])))
                name = alias[0].lower().rstrip(".")
                continue
            own = [(name, k, rdata(k, v)) for k, v in here if k == kind]
            kinds = {k for k, _ in here}
            if not own and "SILENT" in kinds:
                return None
            if not own and "SERVFAIL" in kinds:
                return SERVFAIL, []
            return rcode, found + own
        return rcode, found


def read_question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], at + 5


def one_port_of_both():
    """(UDP, TCP) sockets with the same number: a free one of the first may be taken in the second."""
    for _ in range(50):
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        udp.bind(("127.0.0.1", 0))
        try:
            tcp.bind(udp.getsockname())
            tcp.listen(50)
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
    raise RuntimeError("no port is free for both UDP and TCP")


class Server:
    """Answers until it is closed; `asked` counts the questions."""

    def __init__(self, zone):
        self.zone, self.asked = Zone(zone), []
        self.udp, self.tcp = one_port_of_both()
        self.address = "127.0.0.1:%d" % self.udp.getsockname()[1]
        self.stop, self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.wake.close()
        self.thread.join()
        for s in (self.udp, self.tcp, self.stop):
            s.close()

    def reply(self, query, limit):
        name, kind, end = read_question(query)
        word = next((k for k, v in TYPES.items() if v == kind), "TYPE%d" % kind)
        self.asked.append((name.lower(), word))
        found = self.zone.answer(name.lower(), word)
        if found is None:
            return None
        rcode, records = found
        body = b"".join(wire_name(owner) + struct.pack(">HHIH", TYPES[k], 1, 60, len(data)) + data
                        for owner, k, data in records)
        edns = b"\0" + struct.pack(">HHIH", 41, EDNS_SIZE, 0, 0) if query[10:12] != b"\0\0" else b""
        flags = 0x8580 | rcode
        if len(query[:end]) + len(body) + len(edns) > limit:
            flags, records, body = flags | 0x0200, [], b""
        head = query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 1 if edns else 0)
        return head + query[12:end] + body + edns

    def serve(self):
        chooser = selectors.DefaultSelector()
        for s in (self.udp, self.tcp, self.stop):
            chooser.register(s, selectors.EVENT_READ)
        while True:
            for key, _ in chooser.select():
                if key.fileobj is self.stop:
                    return chooser.close()
                self.one_udp() if key.fileobj is self.udp else self.one_tcp()

    def one_udp(self):
        query, peer = self.udp.recvfrom(4096)
        reply = self.reply(query, EDNS_SIZE)
        if reply:
            self.udp.sendto(reply, peer)

    def one_tcp(self):
        conversation, _ = self.tcp.accept()
        with conversation, contextlib.suppress(OSError, struct.error):
            conversation.settimeout(5)
            size = struct.unpack(">H", conversation.recv(2, socket.MSG_WAITALL))[0]
            reply = self.reply(conversation.recv(size, socket.MSG_WAITALL), 65535)
            if reply:
                conversation.sendall(struct.pack(">H", len(reply)) + reply)


@contextlib.contextmanager
def serving(zone):
    server = Server(zone)
    try:
        yield server
    finally:
        server.close()
