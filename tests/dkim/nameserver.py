# SPDX-License-Identifier: Apache-2.0
"""A small name server for the tests of signatures: TXT and CNAME by UDP and TCP on one port of 127.0.0.1, and the ways
in which DNS fails.

    with NameServer({"s._domainkey.example.org": Txt("v=DKIM1; p=…")}) as server:
        … server.address …

A zone maps a lower-case name to Txt, Cname, or one of the failures below; a name that is not there is NXDOMAIN.
"""
import socket
import struct
import threading

SERVFAIL, REFUSED, SILENCE, NODATA = "SERVFAIL", "REFUSED", "SILENCE", "NODATA"
TXT, CNAME = 16, 5


class Txt:
    """Records; each a text (cut into strings of at most 255 octets) or a list of strings."""

    def __init__(self, *records):
        self.records = [self.strings(r) for r in records]

    @staticmethod
    def strings(record):
        if not isinstance(record, (list, tuple)):
            octets = record.encode() if isinstance(record, str) else record
            return [octets[i:i + 255] for i in range(0, len(octets), 255)] or [b""]
        return [s.encode() if isinstance(s, str) else s for s in record]


class Cname:
    def __init__(self, target):
        self.target = target


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, rdata):
    return wire_name(name) + struct.pack("!HHIH", kind, 1, 300, len(rdata)) + rdata


class NameServer:
    def __init__(self, zone):
        self.zone = {name.lower(): what for name, what in zone.items()}
        self.asked = []

    def __enter__(self):
        for _ in range(50):
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.udp.bind(("127.0.0.1", 0))
            try:
                self.tcp.bind(self.udp.getsockname())
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(32)
        self.address = "127.0.0.1:%d" % self.udp.getsockname()[1]
        self.stopped = False
        for loop in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=loop, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self.stopped = True
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def serve_udp(self):
        while not self.stopped:
            try:
                query, client = self.udp.recvfrom(4096)
                answer = self.answer(query, "udp")
                if answer:
                    self.udp.sendto(answer, client)
            except (OSError, IndexError):  # closed: an empty datagram is what is left
                return

    def serve_tcp(self):
        while not self.stopped:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.one_tcp, args=(connection,), daemon=True).start()

    def one_tcp(self, connection):
        with connection:
            connection.settimeout(2)
            try:
                head = connection.recv(2)
                answer = self.answer(connection.recv(struct.unpack("!H", head)[0]), "tcp")
                if answer:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)
            except (OSError, struct.error):
                pass

    @staticmethod
    def question(query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        return ".".join(labels), kind, query[12:at + 5]

    def answer(self, query, how):
        name, kind, question = self.question(query)
        self.asked.append((how, name))
        what = self.zone.get(name.lower())
        if what == SILENCE:
            return None
        rcode = {None: 3, SERVFAIL: 2, REFUSED: 5}.get(what if isinstance(what, (str, type(None))) else "", 0)
        records = b""
        count = 0
        for _ in range(8):
            if not isinstance(what, Cname):
                break
            records += record(name, CNAME, wire_name(what.target))
            count += 1
            name, what = what.target, self.zone.get(what.target.lower())
            rcode = 3 if what is None else 2 if what == SERVFAIL else 0
        if isinstance(what, Txt) and kind == TXT:
            for strings in what.records:
                records += record(name, TXT, b"".join(bytes([len(s)]) + s for s in strings))
                count += 1
        flags = 0x8480 | rcode
        if how == "udp" and len(records) + len(question) > 1100:  # so that TCP is tested, too
            return query[:2] + struct.pack("!HHHHH", flags | 0x0200, 1, 0, 0, 0) + question
        return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + records
