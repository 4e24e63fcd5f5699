# SPDX-License-Identifier: Apache-2.0
"""The sender's own outgoing server refuses: causes S13 to S22 and their look-alikes.

Users: alice/secret and carol/hunter2.  The foreign recipient is far@ctl-a.example's
bob unless a world says otherwise.
"""
from lab.world import CLOSED, SASL, World

FAR = "bob@ctl-a.example"
ALICE = ("PLAIN", "alice", "secret")
DENIED = "554 5.7.1 <%s>: Relay access denied" % FAR
WRAPPER = "smtpd_tls_wrappermode = yes\n" + SASL


def zone(world, name, address):
    world.zone(name, "@ MX 10 mail\nmail A %s" % address)


# ---- S13: AUTH is offered, also without TLS; the client never logged in.

s13 = World("S13", "Postfix submission, AUTH offered, client not logged in")
zone(s13, "s13.example", "198.51.100.13")
s13.postfix("mail.s13.example", "198.51.100.13", main="virtual_mailbox_domains = s13.example\n" + CLOSED, services={25: SASL, 587: SASL})
for tls in ("", "starttls"):
    s13.expect("198.51.100.13:587", tls=tls, rcpt=FAR, reply=DENIED, offers=["AUTH", "PLAIN"])
    s13.expect("198.51.100.13:587", tls=tls, rcpt=FAR, auth=ALICE, sender="alice@s13.example", reply="250 2.1.5")
s13.expect("198.51.100.13:587", rcpt="bob@s13.example", reply="250 2.1.5")

s13exim = World("S13-exim", "Exim submission, AUTH offered, client not logged in")
zone(s13exim, "s13-exim.example", "198.51.100.113")
s13exim.exim("mail.s13-exim.example", "198.51.100.113", serves="s13-exim.example", ports=[25, 587], auth={25: "yes", 587: "yes"})
s13exim.expect("198.51.100.113:587", rcpt=FAR, reply="550 relay not permitted", offers=["AUTH", "PLAIN"])
s13exim.expect("198.51.100.113:587", rcpt=FAR, auth=ALICE, sender="alice@s13-exim.example", reply="250 Accepted")
s13exim.expect("198.51.100.113:587", rcpt="bob@s13-exim.example", reply="250 Accepted")
