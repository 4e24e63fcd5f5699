# SPDX-License-Identifier: Apache-2.0
"""The way between client and server is at fault: causes S47 and S48.

Both hang on the client's address, so that other clients are not touched:
203.0.113.47 sits in a hotel, 203.0.113.48 with a cloud provider.
"""
from lab.world import CLOSED, SASL, World

FAR = "bob@control-alder.example"
ALICE = ("PLAIN", "alice", "secret")

s47 = World("S47", "the network answers port 25 itself (client 203.0.113.47)")
s47.zone("waterfall47.example", "@ MX 10 mail\nmail A 198.51.100.147")
s47.zone("grandhotel-crux.example", "@ MX 10 gw\ngw A 198.51.100.47")
s47.postfix("mail.waterfall47.example", "198.51.100.147", main="virtual_mailbox_domains = waterfall47.example\n" + CLOSED,
            services={25: SASL, 587: SASL})
s47.postfix("gw.grandhotel-crux.example", "198.51.100.47", main="virtual_mailbox_domains = grandhotel-crux.example\n" + CLOSED, cert="none")
s47.nft("nat", "ip saddr 203.0.113.47 tcp dport 25 dnat ip to 198.51.100.47")
s47.expect("198.51.100.147:25", rcpt="bob@waterfall47.example", source="203.0.113.47", helo="hotel.neutral.example",
           reply="554 5.7.1 <bob@waterfall47.example>: Relay access denied", banner="gw.grandhotel-crux.example", lacks=["STARTTLS", "AUTH"])
s47.expect("198.51.100.147:25", rcpt="bob@waterfall47.example", reply="250 2.1.5", banner="mail.waterfall47.example", offers=["STARTTLS", "AUTH"])
s47.expect("198.51.100.147:587", tls="starttls", source="203.0.113.47", rcpt=FAR, auth=ALICE, reply="250 2.1.5", banner="mail.waterfall47.example")

s48 = World("S48", "the network drops all of port 25 (client 203.0.113.48)")
s48.zone("riverbank48.example", "@ MX 10 mx\nmx A 198.51.100.48")
s48.postfix("mx.riverbank48.example", "198.51.100.48", main="virtual_mailbox_domains = riverbank48.example\n" + CLOSED,
            services={25: {}, 587: SASL})
s48.nft("filter", "ip saddr 203.0.113.48 tcp dport 25 drop")
s48.expect("198.51.100.48:25", rcpt="bob@riverbank48.example", source="203.0.113.48", reply="timeout")
s48.expect("192.0.2.201:25", source="203.0.113.48", reply="timeout")
s48.expect("192.0.2.201:587", source="203.0.113.48", reply="250 ")
s48.expect("198.51.100.48:587", source="203.0.113.48", rcpt=FAR, auth=ALICE, reply="250 2.1.5")
s48.expect("198.51.100.48:25", rcpt="bob@riverbank48.example", reply="250 2.1.5")

# The partner: one destination's firewall drops 25; all others answer.
s48one = World("S48-one", "look-alike: only this destination is silent on port 25")
s48one.zone("lagoon48.example", "@ MX 10 mx\nmx A 198.51.100.148")
s48one.nft("filter", "ip daddr 198.51.100.148 tcp dport 25 drop")
s48one.expect("198.51.100.148:25", reply="timeout")

# A firewall in front of a submission server: every port but 587 is silent. Whoever looks at the others must not wait for them.
mute = World("mute", "a firewall lets only 587 through; 25, 465 and 2525 are silent")
mute.zone("drawbridge-apus.example", "@ MX 10 mail\nmail A 198.51.100.90")
mute.postfix("mail.drawbridge-apus.example", "198.51.100.90", main="virtual_mailbox_domains = drawbridge-apus.example\n" + CLOSED,
             services={25: {}, 587: SASL + "smtpd_tls_auth_only = yes"})
mute.nft("filter", "ip daddr 198.51.100.90 tcp dport { 25, 465, 2525 } drop")
mute.expect("198.51.100.90:25", reply="timeout")
mute.expect("198.51.100.90:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@drawbridge-apus.example", reply="250 2.1.5")
mute.expect("198.51.100.90:587", tls="starttls", rcpt=FAR, reply="554 5.7.1 <%s>: Relay access denied" % FAR)

# The same, but connections are taken and then nobody speaks: a tarpit.
tarpit = World("tarpit", "587 answers; 25 and 2525 take the connection and say nothing for a minute")
tarpit.zone("treacle-antlia.example", "@ MX 10 mail\nmail A 198.51.100.91")
tarpit.postfix("mail.treacle-antlia.example", "198.51.100.91", main="virtual_mailbox_domains = treacle-antlia.example\n" + CLOSED,
               services={587: SASL + "smtpd_tls_auth_only = yes"})
for port in (25, 2525):
    tarpit.script("198.51.100.91:%d" % port, "BANNER wait=60 220 mail.treacle-antlia.example ESMTP\n")
tarpit.expect("198.51.100.91:25", reply="timeout")
tarpit.expect("198.51.100.91:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@treacle-antlia.example", reply="250 2.1.5")
