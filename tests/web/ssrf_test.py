#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody gets `smtpdx serve` to connect to what is not the open Internet, however the address is written and whatever a name means a
moment later. In a network namespace where every address leads to a canary, which notes the address of each visit: of all tricks
together only 192.0.2.1, the one open address in play, is ever visited. That the canary would see the others is shown, too."""
import concurrent.futures
import ipaddress
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import SLOW, Server  # noqa: E402
from tricks import A, AAAA, CNAME, MX, NS, SOA, Canary, Names, everything_is_here  # noqa: E402

OPEN = "192.0.2.1"
REPLY = "554 5.7.1 <bob@bait.example>: Relay access denied"
MAIL_PORTS = {25, 26, 465, 587, 2525, 2587, 53}

V4 = ["127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1",
      "100.64.0.1", "100.127.255.254", "169.254.1.1", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.1",
      "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"]
V6 = ["::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
      "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "fd00::1",
      "fd12:3456::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "100::1", "5f00::1"]

# How people write 127.0.0.1, 10.0.0.1 and the metadata service where a filter looks at words only.
SPELLINGS = ["2130706433", "017700000001", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1", "0", "0x0", "00000000", "127.00.00.01",
             "127.000.000.001", "10.1", "167772161", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "127.0.0.1.",
             "127.0.0.1..", "[127.0.0.1]", "[::1]", "[::ffff:127.0.0.1]", "[IPv6:::1]", "[0:0:0:0:0:ffff:7f00:1]", "[::1%lo]", "::1%25lo",
             "localhost", "localhost.", "LOCALHOST", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "x.localhost", "x.localhost.",
             "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "127\u30020\uff0e0\uff611", "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
             "\u2460\u2461\u2466.0.0.1", "loc\u00adalhost", "localho\u017ft", "127.0.0.1%00.example", "127.0.0.1\x00.bait.example",
             "127.0.0.1#.bait.example", "127.0.0.1/.bait.example", "127.0.0.1?x=.bait.example", "open.bait.example@127.0.0.1",
             "user:pass@127.0.0.1", "open.bait.example#@127.0.0.1", "http://127.0.0.1/", "smtp://127.0.0.1:25/", "file:///etc/passwd",
             "gopher://127.0.0.1:25/_EHLO", "127.0.0.1:25:25", "127.0.0.1 192.0.2.1", "192.0.2.1,127.0.0.1", "192.0.2.1 127.0.0.1",
             "192.0.2.1\r\n127.0.0.1", "127.0.0.1\t", " 127.0.0.1", "/run/socket", "unix:/run/socket", "lo", "%6c%6f%63alhost", "..", "-",
             "--resolver=127.0.0.1", "0x7f.1", "1.0.0.127.in-addr.arpa", "::ffff:7f00:1", "0:0:0:0:0:0:0:1", "[::127.0.0.1]", "[fe80::1%lo]"]

# Ports of an open address that are none of mail.
PORTS = ["192.0.2.1:22", "192.0.2.1:80", "192.0.2.1:443", "192.0.2.1:6379", "192.0.2.1:8080", "192.0.2.1:0", "192.0.2.1:65536",
         "192.0.2.1:025:22", "open.bait.example:22", "open.bait.example:6379"]


def label_of(address):
    return address.replace(":", "-").replace(".", "-").strip("-") or "any"


def zone():
    """Names for each address by A or AAAA, by an MX and by a CNAME; names that change their mind; zones with such name servers."""
    names = {"bait.example": {SOA: ["ns.bait.example"], NS: ["ns.bait.example"], A: [OPEN], MX: ["open.bait.example"]},
             "example": {SOA: ["ns.example"], NS: ["ns.example"]}, "open.bait.example": {A: [OPEN]}, "ns.bait.example": {A: [OPEN]},
             "localhost": {A: ["127.0.0.1"], AAAA: ["::1"]}, "x.localhost": {A: ["127.0.0.1"]},
             "1.0.0.127.in-addr.arpa": {A: ["127.0.0.1"]}}
    for spelled in ("2130706433", "0x7f000001", "127.1", "0", "0x7f.1", "0177.0.0.1", "127.0.0.1", "10.1"):
        names.setdefault(spelled, {A: ["127.0.0.1"]})  # a name server may make names of them
    tricks = []
    for address in V4 + V6:
        kind, word = (AAAA if ":" in address else A), label_of(address)
        host, by_mx, by_alias = word + ".a.example", word + ".mx.example", word + ".c.example"
        names[host] = {kind: [address]}
        names[by_mx] = {MX: [host]}
        names[by_alias] = {CNAME: [host]}
        names["literal-" + by_mx] = {MX: [address]}
        names["mixed-" + host] = {kind: [address], **({A: [OPEN, address]} if kind == A else {})}
        tricks += [host, by_mx, by_alias, "literal-" + by_mx, "mixed-" + host]
    for n, (first, second) in enumerate(((OPEN, "127.0.0.1"), ("127.0.0.1", OPEN), (OPEN, "169.254.169.254"), ("10.0.0.1", OPEN))):
        turn = "turn%d.example" % n
        names[turn] = lambda kind, asked, f=first, s=second: {A: [f if asked % 2 else s]}
        names["once%d.example" % n] = lambda kind, asked, f=first, s=second: {A: [f if asked == 1 else s]}
        names["mx-turn%d.example" % n] = {MX: [turn]}
        names["six%d.example" % n] = lambda kind, asked, f=first: {A: [f]} if asked < 3 else {A: [f], AAAA: ["::1"]}
        tricks += [turn, "once%d.example" % n, "mx-turn%d.example" % n, "six%d.example" % n]
    for n, address in enumerate(("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254")):
        inner = "zone%d.example" % n
        names[inner] = {SOA: ["ns." + inner], NS: ["ns." + inner], MX: ["mx." + inner], A: [OPEN]}
        names["ns." + inner] = {A: [address]}
        names["mx." + inner] = {A: [OPEN]}
        tricks.append(inner)
    return names, tricks


class Ssrf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.canary, cls.names = Canary(), Names()
        cls.names.zone, cls.tricks = zone()

    def serve(self, *options):
        server = Server("--resolver", "127.0.0.1:%d" % self.names.port, "--timeout", "6", "--control", "nothing.example", *options)
        self.addCleanup(server.stop)
        self.canary.take()
        return server

    def run_all(self, server, bodies):
        """Each (path, body) as far as it goes; its documents. Four at once, as the server does."""
        def one(job):
            path, body = job
            answer = server.ask("POST", path, body)
            if answer.status == 422:
                return answer.json()
            while answer.status == 429:
                answer = server.ask("POST", path, body)
            assert answer.status == 202, (body, answer)
            done = server.wait_over(answer.json()["links"]["self"], 60 * SLOW)
            server.ask("DELETE", answer.json()["links"]["self"])
            return done
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, bodies))

    def assert_only_open(self, bodies):
        seen = self.canary.take()
        bad = sorted({visit for visit in seen if visit[0] != OPEN or visit[1] not in MAIL_PORTS})
        self.assertEqual(bad, [], "connected to what is not to be connected to")
        return seen, len(bodies)

    def jobs(self, target):
        """Every way a caller can name a target."""
        return [("/v1/diagnoses", {"text": REPLY, "to": "bob@bait.example", "from": "a@bait.example", "server": target}),
                ("/v1/diagnoses", {"text": REPLY, "to": "bob@" + target}),
                ("/v1/relay-tests", {"host": target, "to": "bob@bait.example"})]

    def test_controls(self):
        """The canary sees the open address, and, where they are allowed, those that are not."""
        server = self.serve()
        self.run_all(server, self.jobs("open.bait.example")[:2] + self.jobs(OPEN)[2:])
        self.assertIn((OPEN, 25), self.canary.take())
        allowing = self.serve("--allow-target", "127.0.0.0/8", "--allow-target", "fd00::/8", "--allow-target", "10.0.0.0/8")
        for target, address in (("127.0.0.1", "127.0.0.1"), ("127-0-0-1.mx.example", "127.0.0.1"), ("10.0.0.1", "10.0.0.1"),
                                ("[fd00::1]", "fd00::1")):
            self.run_all(allowing, [job for job in self.jobs(target) if "host" in job[1] or not target.endswith("mx.example")][:1] +
                         self.jobs(target)[1:2])
            self.assertIn((address, 25), self.canary.take(), target)
        self.run_all(allowing, self.jobs("192.168.1.1") + self.jobs("169.254.169.254"))
        self.assertEqual([visit for visit in self.canary.take() if visit[0] in ("192.168.1.1", "169.254.169.254")], [])

    def test_addresses_in_every_spelling(self):
        server = self.serve()
        targets = V4 + ["[%s]" % a for a in V6] + V6 + SPELLINGS + ["%s:25" % a for a in V4[:9]] + ["[%s]:25" % a for a in V6]
        bodies = [job for target in targets for job in self.jobs(target)][::SLOW]
        results = self.run_all(server, bodies)
        _seen, n = self.assert_only_open(bodies)
        for (_path, body), result in zip(bodies, results):
            if body.get("server") == "10.0.0.1":
                self.assertIn("private", str(result), "the user is not told why")
        print("%d targets spelled, %d requests" % (len(targets), n))

    def test_names_that_lead_there(self):
        server = self.serve()
        bodies = [job for name in self.tricks for job in self.jobs(name)[:2 if "mx" in name or "literal" in name else 3]][::SLOW]
        self.run_all(server, bodies)
        seen, n = self.assert_only_open(bodies)
        self.assertIn((OPEN, 25), seen)  # the names that change do lead to the open address at times
        print("%d names, %d requests" % (len(self.tricks), n))

    def test_ports_that_are_none_of_mail(self):
        server = self.serve()
        bodies = [job for target in PORTS for job in self.jobs(target)[::2]]
        self.run_all(server, bodies)
        self.assert_only_open(bodies)

    def test_the_resolver_is_no_target(self):
        listener = self.canary_at(self.names.port)
        server = self.serve()
        bodies = [job for target in ("127.0.0.1:%d" % self.names.port, "localhost:%d" % self.names.port, "[::ffff:127.0.0.1]:%d" % self.names.port)
                  for job in self.jobs(target)]
        bodies += [("/v1/diagnoses", {"text": "host resolver.example[127.0.0.1]:%d said: %s (in reply to RCPT TO command)" % (self.names.port, REPLY),
                                      "to": "bob@bait.example"})]
        self.run_all(server, bodies)
        self.assert_only_open(bodies)
        listener.close()

    def canary_at(self, port):
        import socket
        import threading
        listener = socket.create_server(("127.0.0.1", port))

        def accept():
            try:
                while True:
                    s, _peer = listener.accept()
                    self.canary.note(*s.getsockname())
                    s.close()
            except OSError:
                pass
        threading.Thread(target=accept, daemon=True).start()
        return listener

    def test_keys_of_the_command_line_are_no_keys_here(self):
        server = self.serve()
        for key, value in (("connect_to", "::127.0.0.1:25"), ("connect-to", ["::127.0.0.1:25"]), ("resolver", "127.0.0.1:53"),
                           ("via", "socks5://127.0.0.1:1080"), ("source", "127.0.0.1"), ("smtp_port", 6379), ("allow_target", "127.0.0.0/8"),
                           ("control", "127.0.0.1"), ("world", "demo"), ("record", "/tmp/x"), ("ca_file", "/etc/passwd"), ("port", 22)):
            for path, body in self.jobs("open.bait.example"):
                answer = server.ask("POST", path, dict(body, **{key: value}))
                self.assertEqual(answer.status, 422, (key, answer))
                self.assertIn(key, answer.json()["detail"])
        self.assertEqual(self.canary.take(), [])

    def test_what_a_bounce_names_is_no_way_in(self):
        """Hosts and addresses in the text itself lead to questions, too."""
        server = self.serve()
        texts = ["Reporting-MTA: dns; %s\n\nFinal-Recipient: rfc822; bob@bait.example\nAction: failed\nStatus: 5.7.1\nRemote-MTA: dns; %s\n"
                 "Diagnostic-Code: smtp; %s\n" % (host, host, REPLY) for host in ("127.0.0.1", "[127.0.0.1]", "127-0-0-1.a.example", "localhost")]
        texts += ["host %s[%s] said: %s (in reply to RCPT TO command)" % (host, address, REPLY)
                  for host, address in (("open.bait.example", "127.0.0.1"), ("127-0-0-1.a.example", OPEN), ("localhost", "10.0.0.1"))]
        bodies = [("/v1/diagnoses", {"text": text, "to": "bob@bait.example"}) for text in texts]
        bodies += [("/v1/diagnoses", {"text": REPLY, "to": to}) for to in
                   ("bob@[127.0.0.1]", "bob@[IPv6:::1]", "bob%127.0.0.1@bait.example", "@127.0.0.1:bob@bait.example", "127.0.0.1!bob@bait.example",
                    "bob@10.0.0.1", "bob@[10.0.0.1]", "\"bob@127.0.0.1\"@bait.example", "<bob@[127.0.0.1]>", "bob@bait.example@127.0.0.1")]
        bodies += [("/v1/diagnoses", {"text": REPLY, "to": "bob@bait.example", "client": {"address": a}}) for a in ("127.0.0.1", "10.0.0.1", "::1")]
        self.run_all(server, bodies)
        seen, _n = self.assert_only_open(bodies)
        self.assertIn((OPEN, 25), seen)


def may_unshare():
    return subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


if __name__ == "__main__":
    if "inside" in sys.argv:
        sys.argv.remove("inside")
        everything_is_here()
        for text in V4 + V6 + [OPEN]:
            ipaddress.ip_address(text)
        unittest.main()
    elif not may_unshare():
        print("SKIP: no network namespace can be made here (unshare -rn; package iproute2)")
        sys.exit(77)
    else:
        os.execvp("unshare", ["unshare", "-rn", sys.executable, "-B", os.path.abspath(__file__), "inside", *sys.argv[1:]])
