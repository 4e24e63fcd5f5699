# SPDX-License-Identifier: Apache-2.0
"""What a laboratory world is made of.

A world is one fault (or its look-alike partner): zones, mail servers, rules of
the network, and the raw replies that must be seen there before a test may rely
on it.  Worlds are plain data; the modules beside this one turn all of them into
one running network.  Every world has domains and addresses of its own, so all
run at once and do not see each other; their names lie far apart, because a
domain one typing mistake from another is a fault of its own (S06).

    s02 = World("S02", "the MX host does not know the domain")
    s02.zone("walnut02.example", "@ MX 10 mx.walnut02.example.\\nmx A 198.51.100.2")
    s02.postfix("mx.walnut02.example", "198.51.100.2", main="virtual_mailbox_domains = other.example")
    s02.expect("198.51.100.2:25", rcpt="bob@walnut02.example", reply="554 5.7.1 <bob@walnut02.example>: Relay")
"""
from dataclasses import dataclass, field

# Who exists in every domain that some server serves.
PEOPLE = ["bob", "ann", "alice", "postmaster"]

# The neutral client: reverse and forward name agree, on no list.
CLIENT = "203.0.113.5"
CLIENT_NAME = "client.neutral.example"
SENDER = "ann@neutral.example"

RESOLVER = "192.0.2.153"
CONTROLS = ["mx.control-alder.example", "mx.reference-birch.example", "mx.benchmark-cypress.example"]


@dataclass
class Zone:
    """`text` holds records relative to the zone; SOA and NS are added.
    `second` is what the second name server says instead, where the two disagree."""
    name: str
    text: str
    second: str | None = None
    signed: bool = True
    tamper: tuple[str, str] | None = None      # (signed text, forged text): the zone becomes bogus


@dataclass
class WebHost:
    """One name on nginx, port 80 and 443; `pages` maps a path to its text."""
    host: str
    address: str
    pages: dict[str, str]
    cert: str


@dataclass
class PostfixHost:
    """One Postfix server as its administrator would see it.  `main` is main.cf's
    own part; `services` maps a port to that service's -o overrides."""
    host: str
    addresses: list[str]
    main: dict[str, str]
    services: dict[int, dict[str, str]]
    cert: str
    name: str                  # unique; names the kept configuration folder
    master_extra: str = ""
    screen: dict[str, str] | None = None       # postscreen's own parameters, where it stands in front of port 25


@dataclass
class EximHost:
    """One address of the Exim daemon.  `auth` maps a port to "yes" or "tls"."""
    host: str
    address: str
    serves: list[str]
    ports: list[int]
    auth: dict[int, str]
    acl: str
    cert: str


@dataclass
class Scripted:
    """A server whose fault no real server has: lines of lab/scripted.py's notation."""
    address: str
    port: int
    script: str
    cert: str = ""


@dataclass
class Session:
    """One raw session and what must come of it; see client.py for the words."""
    to: str
    reply: str
    rcpt: str = ""
    sender: str = SENDER
    source: str = CLIENT
    helo: str = CLIENT_NAME
    tls: str = ""              # "", "starttls", "wrapper"
    verify: str = ""           # name that the certificate must hold
    auth: tuple[str, str, str] | None = None      # PLAIN or LOGIN, user, password
    swallow: bool = False      # a refused or missing AUTH is ignored, as some applications do
    offers: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    banner: str = ""


@dataclass
class Question:
    """One DNS question and its sorted answer; `server` asks that one directly."""
    name: str
    type: str
    answer: list[str]
    server: str = RESOLVER
    secure: bool = False
    status: str = "NOERROR"


def parse_main(text):
    """main.cf's notation: `name = value` lines, indented lines continue."""
    main, last = {}, None
    for line in text.strip().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if "=" in line and " " not in line.split("=")[0].strip():
            last, value = (part.strip() for part in line.split("=", 1))
            main[last] = value
        else:
            main[last] += " " + line
    return main


class World:
    ALL: list["World"] = []

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.zones, self.postfixes, self.exims, self.scripted, self.webs = [], [], [], [], []
        self.net, self.sessions, self.questions, self.files = [], [], [], {}
        self.compiled = {}          # table name: the text its .db was made from
        World.ALL.append(self)

    def zone(self, name, text="", second=None, signed=True, tamper=None):
        self.zones.append(Zone(name, text, second, signed, tamper))

    def postfix(self, host, addresses, main="", services=None, cert="good", name=None, master_extra="", screen=None):
        """cert: "good" (made for `host`), "none", "expired", "private", or
        "as:NAME" for a certificate made for another name.  screen: postscreen in
        front of port 25, with these parameters (main.cf's notation)."""
        addresses = addresses.split()
        services = {25: {}} if services is None else services
        services = {port: parse_main(o) if isinstance(o, str) else o for port, o in services.items()}
        self.postfixes.append(PostfixHost(host, addresses, parse_main(main), services, cert, name or host, master_extra,
                                          None if screen is None else parse_main(screen)))

    def exim(self, host, address, serves, ports=(25,), auth=None, acl="acl_rcpt", cert="good"):
        self.exims.append(EximHost(host, address, serves.split(), list(ports), auth or {}, acl, cert))

    def web(self, host, address, pages, cert="good"):
        self.webs.append(WebHost(host, address, pages, cert))

    def script(self, to, text, cert=""):
        address, port = to.rsplit(":", 1)
        self.scripted.append(Scripted(address, int(port), text, cert))

    def nft(self, hook, rule):
        """hook: "filter" or "nat"; a rule for packets that leave a client."""
        self.net.append((hook, rule))

    def expect(self, to, reply, **what):
        self.sessions.append(Session(to, reply, **what))

    def dns(self, name, type, *answer, **what):
        self.questions.append(Question(name, type, sorted(answer), **what))


# The usual opening of a closed server, in its two ways of saying no.
CLOSED = "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n"
SASL = "smtpd_sasl_auth_enable = yes\n"
