# SPDX-License-Identifier: Apache-2.0
"""The far side of the delayed network: one name server and a few mail servers, standard library only.

Domains, each with one thing to find out (addresses in 192.0.2.0/24):
  bench.example     one MX with PIPELINING and STARTTLS that refuses every RCPT as a relay
  two.example       two MX, the second refuses what the first accepts
  unknown.example   one bare MX (no STARTTLS, no PIPELINING) without that user
  submit.example    a submission server on 587 that wants a login
"""
import socket
import ssl
import struct
import sys
import threading

NS = "192.0.2.2"
A, NS_TYPE, SOA, PTR, MX, TXT = 1, 2, 6, 12, 15, 16

RELAY = "554 5.7.1 <%s>: Relay access denied"
UNKNOWN = "550 5.1.1 <%s>: Recipient address rejected: User unknown"
ACCEPT = "250 2.1.5 Ok"

# address: (name, port, EHLO lines, reply to RCPT)
SERVERS = {
    "192.0.2.3": ("mx1.bench.example", 25, ("PIPELINING", "STARTTLS", "8BITMIME"), RELAY),
    "192.0.2.4": ("mx1.two.example", 25, ("PIPELINING", "STARTTLS", "8BITMIME"), ACCEPT),
    "192.0.2.5": ("mx2.two.example", 25, ("PIPELINING", "STARTTLS", "8BITMIME"), RELAY),
    "192.0.2.6": ("mx1.unknown.example", 25, ("8BITMIME",), UNKNOWN),
    "192.0.2.7": ("mail.submit.example", 587, ("PIPELINING", "STARTTLS", "8BITMIME"), RELAY),
}
ADDRESSES = [NS] + list(SERVERS)
MAIL = {"bench.example": ["mx1"], "two.example": ["mx1", "mx2"], "unknown.example": ["mx1"], "submit.example": []}


def wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".") if l) + b"\0"


def records():
    """{(name, type): [rdata]}"""
    found = {}
    for zone, hosts in MAIL.items():
        found[zone, NS_TYPE] = [wire("ns." + zone)]
        found["ns." + zone, A] = [socket.inet_aton(NS)]
        if hosts:
            found[zone, MX] = [struct.pack(">H", 10 * (i + 1)) + wire(h + "." + zone) for i, h in enumerate(hosts)]
    for address, (name, *_) in SERVERS.items():
        found[name, A] = [socket.inet_aton(address)]
        found[".".join(reversed(address.split("."))) + ".in-addr.arpa", PTR] = [wire(name)]
    return found


def question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack(">H", packet[at + 1:at + 3])[0], at + 5


def answer(packet, data):
    name, kind, end = question(packet)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(r)) + r for r in data.get((name, kind), []))
    count = len(data.get((name, kind), []))
    zone = next((z for z in MAIL if name == z or name.endswith("." + z)), "in-addr.arpa" if name.endswith(".arpa") else "")
    exists = count or any(n == name or n.endswith("." + name) for n, _ in data)
    authority = b""
    if not count:
        rdata = wire("ns." + zone) + wire("root." + zone) + struct.pack(">5I", 1, 3600, 900, 86400, 60)
        authority = wire(zone) + struct.pack(">HHIH", SOA, 1, 60, len(rdata)) + rdata
    flags = 0x8480 | (0x0100 if packet[2] & 1 else 0) | (0 if exists else 3)
    head = packet[:2] + struct.pack(">5H", flags, 1, count, 1 if authority else 0, 0)
    return head + packet[12:end] + body + authority


def serve_dns():
    data = records()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((NS, 53))
    while True:
        packet, peer = udp.recvfrom(4096)
        try:
            udp.sendto(answer(packet, data), peer)
        except (IndexError, struct.error):
            pass  # no question we can read


class Talk:
    """One session. Replies to pipelined commands leave in one write, as real servers send them."""

    def __init__(self, connection, name, offers, verdict, context):
        self.connection, self.name, self.offers, self.verdict, self.context = connection, name, offers, verdict, context
        self.login = name.startswith("mail.")
        self.secure = False

    def ehlo(self):
        lines = [self.name] + [o for o in self.offers if not (self.secure and o == "STARTTLS")]
        if self.login and self.secure:
            lines.append("AUTH PLAIN LOGIN")
        return "".join("250%s%s\r\n" % (" " if i == len(lines) - 1 else "-", l) for i, l in enumerate(lines))

    def reply(self, line):
        verb = line.split(" ")[0].split(":")[0].upper()
        if verb in ("EHLO", "HELO"):
            return self.ehlo()
        if verb == "RCPT":
            address = line.split("<", 1)[-1].split(">")[0]
            return (self.verdict % address if "%s" in self.verdict else self.verdict) + "\r\n"
        if verb == "QUIT":
            return "221 2.0.0 Bye\r\n"
        return "250 2.0.0 Ok\r\n" if verb in ("MAIL", "RSET", "NOOP") else "502 5.5.2 Error: command not recognized\r\n"

    def run(self):
        self.connection.settimeout(30)
        self.connection.sendall(("220 %s ESMTP\r\n" % self.name).encode())
        pending = b""
        while True:
            more = self.connection.recv(8192)
            if not more:
                return
            pending += more
            *lines, pending = pending.split(b"\n")
            out = ""
            for raw in lines:
                line = raw.decode("latin-1").strip()
                if line.upper() == "STARTTLS" and not self.secure:
                    self.connection.sendall((out + "220 2.0.0 Ready to start TLS\r\n").encode())
                    self.connection = self.context.wrap_socket(self.connection, server_side=True)
                    self.secure, out = True, ""
                    break
                out += self.reply(line)
            if out:
                self.connection.sendall(out.encode())
            if lines and lines[-1].strip().upper() == b"QUIT":
                return


def session(connection, *rest):
    talk = Talk(connection, *rest)
    try:
        talk.run()
    except OSError:
        pass  # the client went away
    finally:
        talk.connection.close()


def serve_mail(address, name, port, offers, verdict, context):
    listener = socket.create_server((address, port), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=session, args=(connection, name, offers, verdict, context), daemon=True).start()


def main(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for address, server in SERVERS.items():
        threading.Thread(target=serve_mail, args=(address, *server, context), daemon=True).start()
    serve_dns()


if __name__ == "__main__":
    main(*sys.argv[1:3])
