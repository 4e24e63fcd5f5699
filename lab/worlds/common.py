# SPDX-License-Identifier: Apache-2.0
"""What every world shares: the clients, the sender's domain, the control hosts."""
from lab.world import CLOSED, World

base = World("common", "clients, the neutral sender's domain, control hosts")

base.zone("neutral.example", """
@ MX 10 mx
@ TXT "v=spf1 ip4:203.0.113.0/26 ip6:2001:db8:c::/48 -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@neutral.example"
mx A 198.51.100.10
client A 203.0.113.5
allowed A 203.0.113.6
hotel A 203.0.113.47
cloud A 203.0.113.48
listed A 203.0.113.66
client6 AAAA 2001:db8:c::5
""")
base.postfix("mx.neutral.example", "198.51.100.10", main="virtual_mailbox_domains = neutral.example\n" + CLOSED)
base.expect("198.51.100.10:25", rcpt="ann@neutral.example", reply="250 2.1.5")
base.dns("5.113.0.203.in-addr.arpa", "PTR", "client.neutral.example.", secure=True)
base.dns("66.113.0.203.in-addr.arpa", "PTR", "listed.neutral.example.")
base.dns("77.113.0.203.in-addr.arpa", "PTR", status="NXDOMAIN")
base.dns("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "client6.neutral.example.")
base.dns("66.113.0.203.bl.example", "A", "127.0.0.2")
base.dns("5.113.0.203.bl.example", "A", status="NXDOMAIN")
base.dns("neutral.example", "MX", "10 mx.neutral.example.", secure=True)

# Three unrelated hosts on three networks, for "is port 25 blocked from here?".
for name, address in (("control-alder.example", "192.0.2.201"), ("reference-birch.example", "198.51.100.201"),
                      ("benchmark-cypress.example", "203.0.113.201")):
    base.zone(name, "@ MX 10 mx\nmx A %s\n" % address)
    base.postfix("mx." + name, address, main="virtual_mailbox_domains = %s\n" % name + CLOSED, services={25: {}, 587: {}})
    base.expect(address + ":25", rcpt="postmaster@" + name, reply="250 2.1.5")
