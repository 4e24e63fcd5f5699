# SPDX-License-Identifier: Apache-2.0
"""The recipient's side refuses: causes S02 to S07."""
from lab.world import CLOSED, World

# ---- S02: the MX host does not know the domain.  The provider's own domain is served there.

s02 = World("S02", "MX host (Postfix) lacks the domain, serves its provider's")
s02.zone("walnut02.example", "@ MX 10 mx.provider-orion.example.")
s02.zone("provider-orion.example", "@ MX 10 mx\nmx A 198.51.100.2")
s02.postfix("mx.provider-orion.example", "198.51.100.2", main="virtual_mailbox_domains = provider-orion.example\n" + CLOSED)
for who in ("bob", "postmaster", "nobody-here"):
    s02.expect("198.51.100.2:25", rcpt=who + "@walnut02.example", reply="554 5.7.1 <%s@walnut02.example>: Relay access denied" % who)
s02.expect("198.51.100.2:25", rcpt="postmaster@provider-orion.example", reply="250 2.1.5")
s02.expect("198.51.100.2:25", rcpt="nobody-here@provider-orion.example", reply="550 5.1.1")
s02.dns("walnut02.example", "MX", "10 mx.provider-orion.example.", secure=True)

s02exim = World("S02-exim", "MX host (Exim) lacks the domain, serves its provider's")
s02exim.zone("magnolia02.example", "@ MX 10 mx.hosting-vega.example.")
s02exim.zone("hosting-vega.example", "@ MX 10 mx\nmx A 198.51.100.102")
s02exim.exim("mx.hosting-vega.example", "198.51.100.102", serves="hosting-vega.example")
for who in ("bob", "postmaster", "nobody-here"):
    s02exim.expect("198.51.100.102:25", rcpt=who + "@magnolia02.example", reply="550 relay not permitted")
s02exim.expect("198.51.100.102:25", rcpt="postmaster@hosting-vega.example", reply="250 Accepted")

# The partner: the same refusal text at hand, but the host takes the mail now.
s02fixed = World("S02-fixed", "look-alike: the refusal is gone, the MX accepts now")
s02fixed.zone("juniper02.example", "@ MX 10 mx\nmx A 198.51.100.202")
s02fixed.postfix("mx.juniper02.example", "198.51.100.202", main="virtual_mailbox_domains = juniper02.example\n" + CLOSED)
s02fixed.expect("198.51.100.202:25", rcpt="bob@juniper02.example", reply="250 2.1.5")

# ---- S03: two MX, one of them stale.

s03 = World("S03", "two MX: Postfix knows the domain, Exim (the old one) does not")
s03.zone("cedar03.example", "@ MX 10 mx1\n@ MX 20 mx2.oldmail-lyra.example.\nmx1 A 198.51.100.3")
s03.zone("oldmail-lyra.example", "@ MX 10 mx2\nmx2 A 198.51.100.103")
s03.postfix("mx1.cedar03.example", "198.51.100.3", main="virtual_mailbox_domains = cedar03.example\n" + CLOSED)
s03.exim("mx2.oldmail-lyra.example", "198.51.100.103", serves="oldmail-lyra.example")
s03.expect("198.51.100.3:25", rcpt="bob@cedar03.example", reply="250 2.1.5")
s03.expect("198.51.100.103:25", rcpt="bob@cedar03.example", reply="550 relay not permitted")
s03.expect("198.51.100.103:25", rcpt="postmaster@oldmail-lyra.example", reply="250 Accepted")
s03.dns("cedar03.example", "MX", "10 mx1.cedar03.example.", "20 mx2.oldmail-lyra.example.", secure=True)

s03first = World("S03-first", "two MX, the preferred one is stale (Postfix both)")
s03first.zone("hawthorn03.example", "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 198.51.100.183\nmx2 A 198.51.100.203")
s03first.postfix("mx1.hawthorn03.example", "198.51.100.183", main=CLOSED)
s03first.postfix("mx2.hawthorn03.example", "198.51.100.203", main="virtual_mailbox_domains = hawthorn03.example\n" + CLOSED)
s03first.expect("198.51.100.183:25", rcpt="bob@hawthorn03.example", reply="554 5.7.1 <bob@hawthorn03.example>: Relay access denied")
s03first.expect("198.51.100.203:25", rcpt="bob@hawthorn03.example", reply="250 2.1.5")

# ---- S04: the MX name is right, an address behind it is not.

s04 = World("S04", "two name servers differ in the MX host's address")
s04.zone("sycamore04.example", "@ MX 10 mx\nmx A 198.51.100.4", second="@ MX 10 mx\nmx A 198.51.100.104")
s04.postfix("mx.sycamore04.example", "198.51.100.4", main="virtual_mailbox_domains = sycamore04.example\n" + CLOSED)
s04.postfix("relay.formerly-draco.example", "198.51.100.104", main="virtual_mailbox_domains = formerly-draco.example\n" + CLOSED)
s04.zone("formerly-draco.example", "@ MX 10 relay\nrelay A 198.51.100.104")
s04.expect("198.51.100.4:25", rcpt="bob@sycamore04.example", reply="250 2.1.5")
s04.expect("198.51.100.104:25", rcpt="bob@sycamore04.example", reply="554 5.7.1 <bob@sycamore04.example>: Relay access denied",
           banner="relay.formerly-draco.example")
s04.dns("mx.sycamore04.example", "A", "198.51.100.4", server="192.0.2.54")
s04.dns("mx.sycamore04.example", "A", "198.51.100.104", server="192.0.2.57")

s04six = World("S04-ipv6", "the AAAA leads to another machine")
s04six.zone("eucalypt04.example", "@ MX 10 mx\nmx A 198.51.100.184\nmx AAAA 2001:db8:4::25")
s04six.postfix("mx.eucalypt04.example", "198.51.100.184", main="virtual_mailbox_domains = eucalypt04.example\n" + CLOSED)
s04six.postfix("www.formerly-draco.example", "2001:db8:4::25", main="virtual_mailbox_domains = formerly-draco.example\n" + CLOSED)
s04six.expect("198.51.100.184:25", rcpt="bob@eucalypt04.example", reply="250 2.1.5")
s04six.expect("[2001:db8:4::25]:25", source="2001:db8:c::5", rcpt="bob@eucalypt04.example",
              reply="554 5.7.1 <bob@eucalypt04.example>: Relay access denied", banner="www.formerly-draco.example")

# ---- S05: no MX, so the web host is asked.

s05 = World("S05", "no MX: the A record's web host refuses")
s05.zone("poplar05.example", "@ A 198.51.100.5\nwww A 198.51.100.5")
s05.exim("web17.webfarm-cygnus.example", "198.51.100.5", serves="webfarm-cygnus.example")
s05.zone("webfarm-cygnus.example", "@ MX 10 web17\nweb17 A 198.51.100.5")
s05.expect("198.51.100.5:25", rcpt="bob@poplar05.example", reply="550 relay not permitted", banner="web17.webfarm-cygnus.example")
s05.dns("poplar05.example", "MX")
s05.dns("poplar05.example", "A", "198.51.100.5", secure=True)

s05null = World("S05-null", "look-alike: a null MX takes no mail at all")
s05null.zone("acacia05.example", "@ MX 0 .\n@ A 198.51.100.5")
s05null.dns("acacia05.example", "MX", "0 .", secure=True)

# ---- S06: a near miss of the right domain, parked.

s06 = World("S06", "mistyped domain: its MX is a parking host")
s06.zone("rhododendorn06.example", "@ NS ns1.nic.example.\n@ MX 10 mail.parking-hydra.example.\n@ A 192.0.2.106")
s06.zone("rhododendron06.example", "@ MX 10 mx\nmx A 198.51.100.6")
s06.zone("parking-hydra.example", "@ MX 10 mail\nmail A 192.0.2.106")
s06.postfix("mail.parking-hydra.example", "192.0.2.106", main="virtual_mailbox_domains = parking-hydra.example\n" + CLOSED)
s06.postfix("mx.rhododendron06.example", "198.51.100.6", main="virtual_mailbox_domains = rhododendron06.example\n" + CLOSED)
s06.expect("192.0.2.106:25", rcpt="bob@rhododendorn06.example", reply="554 5.7.1 <bob@rhododendorn06.example>: Relay access denied")
s06.expect("198.51.100.6:25", rcpt="bob@rhododendron06.example", reply="250 2.1.5")

# ---- S07: the refuser is a smart host; the true MX accepts.

s07 = World("S07", "the refusing smart host is not among the recipient's MX")
s07.zone("tamarind07.example", "@ MX 10 mx\nmx A 198.51.100.7")
s07.zone("mailfilter-aquila.example", "@ MX 10 smart\nsmart A 198.51.100.107")
s07.postfix("mx.tamarind07.example", "198.51.100.7", main="virtual_mailbox_domains = tamarind07.example\n" + CLOSED)
s07.postfix("smart.mailfilter-aquila.example", "198.51.100.107", main="virtual_mailbox_domains = mailfilter-aquila.example\n" + CLOSED)
s07.expect("198.51.100.7:25", rcpt="bob@tamarind07.example", reply="250 2.1.5")
s07.expect("198.51.100.107:25", rcpt="bob@tamarind07.example", reply="554 5.7.1 <bob@tamarind07.example>: Relay access denied")
s07.expect("198.51.100.107:25", rcpt="postmaster@mailfilter-aquila.example", reply="250 2.1.5")

# ---- S02 behind postscreen: who speaks before the greeting, pipelines or is no SMTP client is found out.

screen = World("postscreen", "the MX host lacks the domain, postscreen with its defaults stands in front")
screen.zone("cypripedium02.example", "@ MX 10 mx.watchhouse-lepus.example.")
screen.zone("watchhouse-lepus.example", "@ MX 10 mx\nmx A 198.51.100.226")
screen.postfix("mx.watchhouse-lepus.example", "198.51.100.226", main="virtual_mailbox_domains = watchhouse-lepus.example\n" + CLOSED,
               screen="postscreen_greet_action = enforce")
screen.expect("198.51.100.226:25", rcpt="bob@cypripedium02.example", reply="554 5.7.1 <bob@cypripedium02.example>: Relay access denied")

deep = World("postscreen-deep", "look-alike: postscreen's deep protocol tests put every new client off once")
deep.zone("helleborine02.example", "@ MX 10 mx.gatehouse-pictor.example.")
deep.zone("gatehouse-pictor.example", "@ MX 10 mx\nmx A 198.51.100.227")
deep.postfix("mx.gatehouse-pictor.example", "198.51.100.227", main="virtual_mailbox_domains = gatehouse-pictor.example\n" + CLOSED, screen="""
postscreen_greet_action = enforce
postscreen_greet_wait = 2s
postscreen_pipelining_enable = yes
postscreen_pipelining_action = enforce
postscreen_non_smtp_command_enable = yes
postscreen_bare_newline_enable = yes
postscreen_bare_newline_action = enforce
""")
deep.expect("198.51.100.227:25", rcpt="bob@helleborine02.example", source="203.0.113.6", reply="450 4.3.2 Service currently unavailable")

# ---- What decides nothing: 421 to everybody, a server that is down for the moment.

busy = World("busy", "look-alike: the only exchanger answers 421 to everybody")
busy.zone("overcrowded-sculptor.example", "@ MX 10 mx\nmx A 192.0.2.231")
busy.script("192.0.2.231:25", "BANNER 421 4.3.2 mx.overcrowded-sculptor.example Service not available, try again later\n")
busy.expect("192.0.2.231:25", rcpt="bob@overcrowded-sculptor.example", reply="421 4.3.2")
