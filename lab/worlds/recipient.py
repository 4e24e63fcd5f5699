# SPDX-License-Identifier: Apache-2.0
"""The recipient's side refuses: causes S02 to S07."""
from lab.world import CLOSED, World

# ---- S02: the MX host does not know the domain.  The provider's own domain is served there.

s02 = World("S02", "MX host (Postfix) lacks the domain, serves its provider's")
s02.zone("s02.example", "@ MX 10 mx.provider02.example.")
s02.zone("provider02.example", "@ MX 10 mx\nmx A 198.51.100.2")
s02.postfix("mx.provider02.example", "198.51.100.2", main="virtual_mailbox_domains = provider02.example\n" + CLOSED)
for who in ("bob", "postmaster", "nobody-here"):
    s02.expect("198.51.100.2:25", rcpt=who + "@s02.example", reply="554 5.7.1 <%s@s02.example>: Relay access denied" % who)
s02.expect("198.51.100.2:25", rcpt="postmaster@provider02.example", reply="250 2.1.5")
s02.expect("198.51.100.2:25", rcpt="nobody-here@provider02.example", reply="550 5.1.1")
s02.dns("s02.example", "MX", "10 mx.provider02.example.", secure=True)

s02exim = World("S02-exim", "MX host (Exim) lacks the domain, serves its provider's")
s02exim.zone("s02-exim.example", "@ MX 10 mx.provider02e.example.")
s02exim.zone("provider02e.example", "@ MX 10 mx\nmx A 198.51.100.102")
s02exim.exim("mx.provider02e.example", "198.51.100.102", serves="provider02e.example")
for who in ("bob", "postmaster", "nobody-here"):
    s02exim.expect("198.51.100.102:25", rcpt=who + "@s02-exim.example", reply="550 relay not permitted")
s02exim.expect("198.51.100.102:25", rcpt="postmaster@provider02e.example", reply="250 Accepted")

# The partner: the same refusal text at hand, but the host takes the mail now.
s02fixed = World("S02-fixed", "look-alike: the refusal is gone, the MX accepts now")
s02fixed.zone("s02-fixed.example", "@ MX 10 mx\nmx A 198.51.100.202")
s02fixed.postfix("mx.s02-fixed.example", "198.51.100.202", main="virtual_mailbox_domains = s02-fixed.example\n" + CLOSED)
s02fixed.expect("198.51.100.202:25", rcpt="bob@s02-fixed.example", reply="250 2.1.5")

# ---- S03: two MX, one of them stale.

s03 = World("S03", "two MX: Postfix knows the domain, Exim (the old one) does not")
s03.zone("s03.example", "@ MX 10 mx1\n@ MX 20 mx2.old03.example.\nmx1 A 198.51.100.3")
s03.zone("old03.example", "@ MX 10 mx2\nmx2 A 198.51.100.103")
s03.postfix("mx1.s03.example", "198.51.100.3", main="virtual_mailbox_domains = s03.example\n" + CLOSED)
s03.exim("mx2.old03.example", "198.51.100.103", serves="old03.example")
s03.expect("198.51.100.3:25", rcpt="bob@s03.example", reply="250 2.1.5")
s03.expect("198.51.100.103:25", rcpt="bob@s03.example", reply="550 relay not permitted")
s03.expect("198.51.100.103:25", rcpt="postmaster@old03.example", reply="250 Accepted")
s03.dns("s03.example", "MX", "10 mx1.s03.example.", "20 mx2.old03.example.", secure=True)

s03first = World("S03-first", "two MX, the preferred one is stale (Postfix both)")
s03first.zone("s03-first.example", "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 198.51.100.183\nmx2 A 198.51.100.203")
s03first.postfix("mx1.s03-first.example", "198.51.100.183", main=CLOSED)
s03first.postfix("mx2.s03-first.example", "198.51.100.203", main="virtual_mailbox_domains = s03-first.example\n" + CLOSED)
s03first.expect("198.51.100.183:25", rcpt="bob@s03-first.example", reply="554 5.7.1 <bob@s03-first.example>: Relay access denied")
s03first.expect("198.51.100.203:25", rcpt="bob@s03-first.example", reply="250 2.1.5")

# ---- S04: the MX name is right, an address behind it is not.

s04 = World("S04", "two name servers differ in the MX host's address")
s04.zone("s04.example", "@ MX 10 mx\nmx A 198.51.100.4", second="@ MX 10 mx\nmx A 198.51.100.104")
s04.postfix("mx.s04.example", "198.51.100.4", main="virtual_mailbox_domains = s04.example\n" + CLOSED)
s04.postfix("relay.old04.example", "198.51.100.104", main="virtual_mailbox_domains = old04.example\n" + CLOSED)
s04.zone("old04.example", "@ MX 10 relay\nrelay A 198.51.100.104")
s04.expect("198.51.100.4:25", rcpt="bob@s04.example", reply="250 2.1.5")
s04.expect("198.51.100.104:25", rcpt="bob@s04.example", reply="554 5.7.1 <bob@s04.example>: Relay access denied",
           banner="relay.old04.example")
s04.dns("mx.s04.example", "A", "198.51.100.4", server="192.0.2.54")
s04.dns("mx.s04.example", "A", "198.51.100.104", server="192.0.2.57")

s04six = World("S04-ipv6", "the AAAA leads to another machine")
s04six.zone("s04-ipv6.example", "@ MX 10 mx\nmx A 198.51.100.184\nmx AAAA 2001:db8:4::25")
s04six.postfix("mx.s04-ipv6.example", "198.51.100.184", main="virtual_mailbox_domains = s04-ipv6.example\n" + CLOSED)
s04six.postfix("www.old04.example", "2001:db8:4::25", main="virtual_mailbox_domains = old04.example\n" + CLOSED)
s04six.expect("198.51.100.184:25", rcpt="bob@s04-ipv6.example", reply="250 2.1.5")
s04six.expect("[2001:db8:4::25]:25", source="2001:db8:c::5", rcpt="bob@s04-ipv6.example",
              reply="554 5.7.1 <bob@s04-ipv6.example>: Relay access denied", banner="www.old04.example")

# ---- S05: no MX, so the web host is asked.

s05 = World("S05", "no MX: the A record's web host refuses")
s05.zone("s05.example", "@ A 198.51.100.5\nwww A 198.51.100.5")
s05.exim("web17.hoster05.example", "198.51.100.5", serves="hoster05.example")
s05.zone("hoster05.example", "@ MX 10 web17\nweb17 A 198.51.100.5")
s05.expect("198.51.100.5:25", rcpt="bob@s05.example", reply="550 relay not permitted", banner="web17.hoster05.example")
s05.dns("s05.example", "MX")
s05.dns("s05.example", "A", "198.51.100.5", secure=True)

s05null = World("S05-null", "look-alike: a null MX takes no mail at all")
s05null.zone("s05-null.example", "@ MX 0 .\n@ A 198.51.100.5")
s05null.dns("s05-null.example", "MX", "0 .", secure=True)

# ---- S06: a near miss of the right domain, parked.

s06 = World("S06", "mistyped domain: its MX is a parking host")
s06.zone("exampel06.example", "@ NS ns1.nic.example.\n@ MX 10 mail.parking06.example.\n@ A 192.0.2.106")
s06.zone("example06.example", "@ MX 10 mx\nmx A 198.51.100.6")
s06.zone("parking06.example", "@ MX 10 mail\nmail A 192.0.2.106")
s06.postfix("mail.parking06.example", "192.0.2.106", main="virtual_mailbox_domains = parking06.example\n" + CLOSED)
s06.postfix("mx.example06.example", "198.51.100.6", main="virtual_mailbox_domains = example06.example\n" + CLOSED)
s06.expect("192.0.2.106:25", rcpt="bob@exampel06.example", reply="554 5.7.1 <bob@exampel06.example>: Relay access denied")
s06.expect("198.51.100.6:25", rcpt="bob@example06.example", reply="250 2.1.5")

# ---- S07: the refuser is a smart host; the true MX accepts.

s07 = World("S07", "the refusing smart host is not among the recipient's MX")
s07.zone("s07.example", "@ MX 10 mx\nmx A 198.51.100.7")
s07.zone("filter07.example", "@ MX 10 smart\nsmart A 198.51.100.107")
s07.postfix("mx.s07.example", "198.51.100.7", main="virtual_mailbox_domains = s07.example\n" + CLOSED)
s07.postfix("smart.filter07.example", "198.51.100.107", main="virtual_mailbox_domains = filter07.example\n" + CLOSED)
s07.expect("198.51.100.7:25", rcpt="bob@s07.example", reply="250 2.1.5")
s07.expect("198.51.100.107:25", rcpt="bob@s07.example", reply="554 5.7.1 <bob@s07.example>: Relay access denied")
s07.expect("198.51.100.107:25", rcpt="postmaster@filter07.example", reply="250 2.1.5")
