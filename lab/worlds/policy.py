# SPDX-License-Identifier: Apache-2.0
"""The server's own mistakes, and refusals that only look like relaying."""
from lab.world import CLOSED, SASL, World

FAR = "bob@control-alder.example"


def zone(world, name, address):
    world.zone(name, "@ MX 10 mail\nmail A %s" % address)


# ---- S40, S43, S46, S60, S68: the server's configuration.

s40 = World("S40", "the server's own domain is in no address class")
zone(s40, "granite40.example", "198.51.100.40")
s40.postfix("mail.granite40.example", "198.51.100.40", main=CLOSED)
s40.expect("198.51.100.40:25", rcpt="bob@mail.granite40.example", reply="250 2.1.5")
s40.expect("198.51.100.40:25", rcpt="bob@granite40.example", reply="554 5.7.1 <bob@granite40.example>: Relay access denied")

s43 = World("S43", "defer_unauth_destination: a temporary refusal that never ends")
zone(s43, "basalt43.example", "198.51.100.43")
s43.postfix("mail.basalt43.example", "198.51.100.43")
s43.expect("198.51.100.43:25", rcpt="bob@basalt43.example", reply="454 4.7.1 <bob@basalt43.example>: Relay access denied")
s43.expect("198.51.100.43:25", rcpt="bob@mail.basalt43.example", reply="250 2.1.5")

s46 = World("S46", "routed forms of an address are refused, the plain form is not")
zone(s46, "limestone46.example", "198.51.100.46")
s46.postfix("mail.limestone46.example", "198.51.100.46", main="virtual_mailbox_domains = limestone46.example\n" + CLOSED)
s46.expect("198.51.100.46:25", rcpt="bob@limestone46.example", reply="250 2.1.5")
s46.expect("198.51.100.46:25", rcpt="bob%control-alder.example@limestone46.example", reply="554 5.7.1 <bob%control-alder.example@limestone46.example>: Relay access denied")

s60 = World("S60", "a relay holds a domain as local that lives elsewhere")
zone(s60, "sandstone60.example", "198.51.100.60")
s60.zone("relaying-fornax.example", "@ MX 10 relay\nrelay A 198.51.100.160")
s60.postfix("mail.sandstone60.example", "198.51.100.60", main="virtual_mailbox_domains = sandstone60.example\n" + CLOSED)
s60.postfix("relay.relaying-fornax.example", "198.51.100.160", main="""
mydestination = $myhostname, localhost, sandstone60.example
local_recipient_maps = inline:{{postmaster=x}}
mynetworks = 127.0.0.0/8 203.0.113.5/32
""" + CLOSED)
s60.expect("198.51.100.60:25", rcpt="bob@sandstone60.example", reply="250 2.1.5")
s60.expect("198.51.100.160:25", rcpt="bob@sandstone60.example",
           reply="550 5.1.1 <bob@sandstone60.example>: Recipient address rejected: User unknown in local recipient table")

s68 = World("S68", "a table that does not exist: 451 for everybody")
zone(s68, "obsidian68.example", "198.51.100.68")
s68.postfix("mail.obsidian68.example", "198.51.100.68", main="""
virtual_mailbox_domains = obsidian68.example
virtual_alias_maps = texthash:{files}/s68-missing
""" + CLOSED)
s68.expect("198.51.100.68:25", rcpt="bob@obsidian68.example", reply="451 4.3.0 <bob@obsidian68.example>: Temporary lookup failure")

# ---- S49: nobody of that name.

s49 = World("S49", "the recipient does not exist; postmaster does")
zone(s49, "turquoise49.example", "198.51.100.49")
s49.postfix("mail.turquoise49.example", "198.51.100.49", main="virtual_mailbox_domains = turquoise49.example\n" + CLOSED)
s49.expect("198.51.100.49:25", rcpt="ghost@turquoise49.example",
           reply="550 5.1.1 <ghost@turquoise49.example>: Recipient address rejected: User unknown in virtual mailbox table")
s49.expect("198.51.100.49:25", rcpt="postmaster@turquoise49.example", reply="250 2.1.5")

s49exim = World("S49-exim", "the recipient does not exist (Exim)")
zone(s49exim, "amethyst49.example", "198.51.100.149")
s49exim.exim("mail.amethyst49.example", "198.51.100.149", serves="amethyst49.example")
s49exim.expect("198.51.100.149:25", rcpt="ghost@amethyst49.example", reply="550 Unrouteable address")
s49exim.expect("198.51.100.149:25", rcpt="postmaster@amethyst49.example", reply="250 Accepted")

# ---- S50, S51, S54, S55, S64: the client, its sender or its name displease.

s50 = World("S50", "client 203.0.113.66 is on the blocklist bl.example")
zone(s50, "sapphire50.example", "198.51.100.50")
s50.postfix("mail.sapphire50.example", "198.51.100.50", main="""
virtual_mailbox_domains = sapphire50.example
smtpd_recipient_restrictions = reject_rbl_client bl.example
""" + CLOSED)
s50.expect("198.51.100.50:25", rcpt="bob@sapphire50.example", source="203.0.113.66", helo="listed.neutral.example",
           reply="554 5.7.1 Service unavailable; Client host [203.0.113.66] blocked using bl.example; Listed, see https://bl.example/?203.0.113.66")
s50.expect("198.51.100.50:25", rcpt="bob@sapphire50.example", reply="250 2.1.5")

s50access = World("S50-access", "client 203.0.113.66 is in the server's own access table")
zone(s50access, "tourmaline50.example", "198.51.100.150")
s50access.files["s50-clients"] = "203.0.113.66 REJECT\n"
s50access.postfix("mail.tourmaline50.example", "198.51.100.150", main="""
virtual_mailbox_domains = tourmaline50.example
smtpd_client_restrictions = check_client_access texthash:{files}/s50-clients
""" + CLOSED)
s50access.expect("198.51.100.150:25", rcpt="bob@tourmaline50.example", source="203.0.113.66", helo="listed.neutral.example",
                 reply="554 5.7.1 <listed.neutral.example[203.0.113.66]>: Client host rejected: Access denied")
s50access.expect("198.51.100.150:25", rcpt="bob@tourmaline50.example", reply="250 2.1.5")

s51 = World("S51", "SPF of the sender's domain does not hold the client (policyd-spf)")
zone(s51, "malachite51.example", "198.51.100.51")
s51.zone("strictly-norma.example", '@ MX 10 mx\nmx A 192.0.2.151\n@ TXT "v=spf1 ip4:192.0.2.151 -all"')
s51.files["policyd-spf.conf"] = "debugLevel = 1\nHELO_reject = Fail\nMail_From_reject = Fail\nskip_addresses = 127.0.0.0/8\n"
s51.postfix("mail.malachite51.example", "198.51.100.51", main="""
virtual_mailbox_domains = malachite51.example
smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf
policyd-spf_time_limit = 3600
""" + CLOSED, master_extra="policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf {files}/policyd-spf.conf\n")
s51.expect("198.51.100.51:25", rcpt="bob@malachite51.example", sender="ann@strictly-norma.example", reply="550 5.7.23 <bob@malachite51.example>: Recipient address rejected: ")
s51.expect("198.51.100.51:25", rcpt="bob@malachite51.example", reply="250 2.1.5")

s54 = World("S54", "the EHLO name must be fully qualified")
zone(s54, "carnelian54.example", "198.51.100.54")
s54.postfix("mail.carnelian54.example", "198.51.100.54", main="""
virtual_mailbox_domains = carnelian54.example
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_non_fqdn_helo_hostname, reject_invalid_helo_hostname
""" + CLOSED)
s54.expect("198.51.100.54:25", rcpt="bob@carnelian54.example", helo="printer",
           reply="504 5.5.2 <printer>: Helo command rejected: need fully-qualified hostname")
s54.expect("198.51.100.54:25", rcpt="bob@carnelian54.example", reply="250 2.1.5")

s55 = World("S55", "client 203.0.113.77 has no reverse name")
zone(s55, "peridot55.example", "198.51.100.55")
s55.postfix("mail.peridot55.example", "198.51.100.55", main="""
virtual_mailbox_domains = peridot55.example
smtpd_client_restrictions = reject_unknown_reverse_client_hostname
unknown_client_reject_code = 550
""" + CLOSED)
s55.expect("198.51.100.55:25", rcpt="bob@peridot55.example", source="203.0.113.77",
           reply="550 5.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.77]")
s55.expect("198.51.100.55:25", rcpt="bob@peridot55.example", reply="250 2.1.5")

s64 = World("S64", "the sender's domain does not exist")
zone(s64, "lapislazuli64.example", "198.51.100.64")
s64.postfix("mail.lapislazuli64.example", "198.51.100.64", main="""
virtual_mailbox_domains = lapislazuli64.example
smtpd_sender_restrictions = reject_unknown_sender_domain
unknown_address_reject_code = 550
""" + CLOSED)
s64.expect("198.51.100.64:25", rcpt="bob@lapislazuli64.example", sender="root@app64.internal.example",
           reply="550 5.1.8 <root@app64.internal.example>: Sender address rejected: Domain not found")
s64.expect("198.51.100.64:25", rcpt="bob@lapislazuli64.example", reply="250 2.1.5")

# ---- S65: the list refuses the server's resolver, and the server takes that for a listing.

s65 = World("S65", "the blocklist answers 127.255.255.254: nobody is listed")
zone(s65, "chalcedony65.example", "198.51.100.65")
s65.postfix("mail.chalcedony65.example", "198.51.100.65", main="""
virtual_mailbox_domains = chalcedony65.example
smtpd_recipient_restrictions = reject_rbl_client blr.example
""" + CLOSED)
s65.expect("198.51.100.65:25", rcpt="bob@chalcedony65.example",
           reply="554 5.7.1 Service unavailable; Client host [203.0.113.5] blocked using blr.example; Error: open resolver")

# ---- S08, S41, S59, S61: configurations whose fault lies in a table or a class.

s08 = World("S08", "transport_maps pins an old host for one domain")
zone(s08, "moonstone08.example", "198.51.100.8")
s08.zone("gateway-puppis.example", "@ MX 10 out\nout A 198.51.100.108")
s08.zone("previous-indus.example", "@ MX 10 mx\nmx A 198.51.100.208")
s08.files["s08-transport"] = "moonstone08.example smtp:[mx.previous-indus.example]\n"
s08.postfix("mail.moonstone08.example", "198.51.100.8", main="virtual_mailbox_domains = moonstone08.example\n" + CLOSED)
s08.postfix("mx.previous-indus.example", "198.51.100.208", main="virtual_mailbox_domains = previous-indus.example\n" + CLOSED)
s08.postfix("out.gateway-puppis.example", "198.51.100.108", main="""
virtual_mailbox_domains = gateway-puppis.example
mynetworks = 127.0.0.0/8 203.0.113.5/32
transport_maps = texthash:{files}/s08-transport
""" + CLOSED)
s08.expect("198.51.100.8:25", rcpt="bob@moonstone08.example", reply="250 2.1.5")
s08.expect("198.51.100.208:25", rcpt="bob@moonstone08.example", reply="554 5.7.1 <bob@moonstone08.example>: Relay access denied")
s08.expect("198.51.100.108:25", rcpt="bob@moonstone08.example", reply="250 2.1.5")

s41 = World("S41", "the domain is in the text of the table, not in its .db")
zone(s41, "alabaster41.example", "198.51.100.41")
s41.compiled["s41-domains"] = "oldclient-ara.example x\n"
s41.files["s41-domains"] = "oldclient-ara.example x\nalabaster41.example x\n"
s41.postfix("mail.alabaster41.example", "198.51.100.41", main="virtual_mailbox_domains = hash:{files}/s41-domains\n" + CLOSED)
s41.expect("198.51.100.41:25", rcpt="bob@alabaster41.example", reply="554 5.7.1 <bob@alabaster41.example>: Relay access denied")
s41.expect("198.51.100.41:25", rcpt="bob@mail.alabaster41.example", reply="250 2.1.5")

s59 = World("S59", "the server is its own domain's backup MX: mail would loop")
zone(s59, "serpentine59.example", "198.51.100.59")
s59.postfix("mail.serpentine59.example", "198.51.100.59", main="relay_domains = serpentine59.example\n" + CLOSED)
s59.expect("198.51.100.59:25", rcpt="bob@serpentine59.example", reply="250 2.1.5")

s61 = World("S61", "the domain is in mydestination and in virtual_mailbox_domains")
zone(s61, "travertine61.example", "198.51.100.61")
s61.postfix("mail.travertine61.example", "198.51.100.61", main="""
mydestination = $myhostname, localhost, travertine61.example
local_recipient_maps = inline:{{root=x}}
virtual_mailbox_domains = travertine61.example
""" + CLOSED)
s61.expect("198.51.100.61:25", rcpt="bob@travertine61.example",
           reply="550 5.1.1 <bob@travertine61.example>: Recipient address rejected: User unknown in local recipient table")
