# SPDX-License-Identifier: Apache-2.0
"""The sender's own outgoing server refuses: causes S13 to S22 and their look-alikes.

Users: alice/secret and carol/hunter2.  The foreign recipient is FAR.
"""
from lab.world import CLOSED, SASL, World

FAR = "bob@control-alder.example"
ALICE = ("PLAIN", "alice", "secret")
DENIED = "554 5.7.1 <%s>: Relay access denied" % FAR
WRAPPER = "smtpd_tls_wrappermode = yes\n" + SASL


def zone(world, name, address):
    world.zone(name, "@ MX 10 mail\nmail A %s" % address)


# ---- S13: AUTH is offered, also without TLS; the client never logged in.

s13 = World("S13", "Postfix submission, AUTH offered, client not logged in")
zone(s13, "bluebell13.example", "198.51.100.13")
s13.postfix("mail.bluebell13.example", "198.51.100.13", main="virtual_mailbox_domains = bluebell13.example\n" + CLOSED, services={25: SASL, 587: SASL})
for tls in ("", "starttls"):
    s13.expect("198.51.100.13:587", tls=tls, rcpt=FAR, reply=DENIED, offers=["AUTH", "PLAIN"])
    s13.expect("198.51.100.13:587", tls=tls, rcpt=FAR, auth=ALICE, sender="alice@bluebell13.example", reply="250 2.1.5")
s13.expect("198.51.100.13:587", rcpt="bob@bluebell13.example", reply="250 2.1.5")

s13exim = World("S13-exim", "Exim submission, AUTH offered, client not logged in")
zone(s13exim, "snowdrop13.example", "198.51.100.113")
s13exim.exim("mail.snowdrop13.example", "198.51.100.113", serves="snowdrop13.example", ports=[25, 587], auth={25: "yes", 587: "yes"})
s13exim.expect("198.51.100.113:587", rcpt=FAR, reply="550 relay not permitted", offers=["AUTH", "PLAIN"])
s13exim.expect("198.51.100.113:587", rcpt=FAR, auth=ALICE, sender="alice@snowdrop13.example", reply="250 Accepted")
s13exim.expect("198.51.100.113:587", rcpt="bob@snowdrop13.example", reply="250 Accepted")

# ---- S14: cPanel's Exim in its own words.

s14 = World("S14", "cPanel-like Exim, client not logged in")
zone(s14, "marigold14.example", "198.51.100.14")
s14.exim("mail.marigold14.example", "198.51.100.14", serves="marigold14.example", ports=[25, 465, 587],
         auth={25: "yes", 465: "yes", 587: "yes"}, acl="acl_cpanel")
s14.expect("198.51.100.14:587", rcpt=FAR, offers=["AUTH"], banner="We do not authorize the use of this system",
           reply="550 Please turn on SMTP Authentication in your mail client.\nclient.neutral.example [203.0.113.5]:")
s14.expect("198.51.100.14:587", rcpt=FAR, auth=ALICE, sender="alice@marigold14.example", reply="250 Accepted")
s14.expect("198.51.100.14:465", tls="wrapper", rcpt=FAR, auth=ALICE, sender="alice@marigold14.example", reply="250 Accepted")
s14.expect("198.51.100.14:587", rcpt="bob@marigold14.example", reply="250 Accepted")

# ---- S16: AUTH appears after STARTTLS only.

s16 = World("S16", "Postfix offers AUTH only inside TLS; client speaks plain")
zone(s16, "foxglove16.example", "198.51.100.16")
s16.postfix("mail.foxglove16.example", "198.51.100.16", main="virtual_mailbox_domains = foxglove16.example\n" + CLOSED,
            services={25: {}, 587: SASL + "smtpd_tls_auth_only = yes"})
s16.expect("198.51.100.16:587", rcpt=FAR, reply=DENIED, offers=["STARTTLS"], lacks=["AUTH"])
s16.expect("198.51.100.16:587", tls="starttls", rcpt=FAR, reply=DENIED, offers=["AUTH"])
s16.expect("198.51.100.16:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@foxglove16.example", reply="250 2.1.5")
s16.expect("198.51.100.16:587", rcpt="bob@foxglove16.example", reply="250 2.1.5")

s16must = World("S16-must", "the submission port demands STARTTLS for everything")
zone(s16must, "lavender16.example", "198.51.100.116")
s16must.postfix("mail.lavender16.example", "198.51.100.116", main="virtual_mailbox_domains = lavender16.example\n" + CLOSED,
                services={587: SASL + "smtpd_tls_security_level = encrypt"})
s16must.expect("198.51.100.116:587", rcpt=FAR, reply="530 5.7.0 Must issue a STARTTLS command first", lacks=["AUTH"])
s16must.expect("198.51.100.116:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="250 2.1.5")

s16exim = World("S16-exim", "Exim offers AUTH only inside TLS; client speaks plain")
zone(s16exim, "primrose16.example", "198.51.100.196")
s16exim.exim("mail.primrose16.example", "198.51.100.196", serves="primrose16.example", ports=[25, 587], auth={587: "tls"})
s16exim.expect("198.51.100.196:587", rcpt=FAR, reply="550 relay not permitted", offers=["STARTTLS"], lacks=["AUTH"])
s16exim.expect("198.51.100.196:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="250 Accepted")

# ---- S17: port 25 takes inbound mail only.

s17 = World("S17", "no AUTH on 25, AUTH on 587 and 465; client uses 25")
zone(s17, "honeysuckle17.example", "198.51.100.17")
s17.postfix("mail.honeysuckle17.example", "198.51.100.17", main="virtual_mailbox_domains = honeysuckle17.example\n" + CLOSED,
            services={25: {}, 587: SASL, 465: WRAPPER})
s17.expect("198.51.100.17:25", rcpt=FAR, reply=DENIED, lacks=["AUTH"])
s17.expect("198.51.100.17:25", tls="starttls", rcpt=FAR, reply=DENIED, lacks=["AUTH"])
s17.expect("198.51.100.17:25", rcpt="bob@honeysuckle17.example", reply="250 2.1.5")
s17.expect("198.51.100.17:587", rcpt=FAR, auth=ALICE, sender="alice@honeysuckle17.example", reply="250 2.1.5")
s17.expect("198.51.100.17:465", tls="wrapper", rcpt=FAR, auth=ALICE, sender="alice@honeysuckle17.example", reply="250 2.1.5")

# ---- S18: implicit TLS on 465, STARTTLS on 587.

s18 = World("S18", "465 speaks implicit TLS, 587 plain first; client has it the wrong way round")
zone(s18, "dandelion18.example", "198.51.100.18")
s18.postfix("mail.dandelion18.example", "198.51.100.18", main="virtual_mailbox_domains = dandelion18.example\n" + CLOSED,
            services={25: {}, 587: SASL, 465: WRAPPER})
s18.expect("198.51.100.18:465", tls="wrapper", rcpt=FAR, auth=ALICE, sender="alice@dandelion18.example", reply="250 2.1.5")
s18.expect("198.51.100.18:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@dandelion18.example", reply="250 2.1.5")
s18.expect("198.51.100.18:587", tls="wrapper", reply="tls: WRONG_VERSION_NUMBER")

# ---- S19: the password is wrong.

s19 = World("S19", "login refused: 535")
zone(s19, "camellia19.example", "198.51.100.19")
s19.postfix("mail.camellia19.example", "198.51.100.19", main="virtual_mailbox_domains = camellia19.example\n" + CLOSED,
            services={25: {}, 587: SASL})
s19.expect("198.51.100.19:587", tls="starttls", rcpt=FAR, auth=("PLAIN", "alice", "wrong"), reply="535 5.7.8 Error: authentication failed")
s19.expect("198.51.100.19:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@camellia19.example", reply="250 2.1.5")
s19.expect("198.51.100.19:587", tls="starttls", rcpt=FAR, reply=DENIED)

s19exim = World("S19-exim", "login refused by Exim: 535")
zone(s19exim, "periwinkle19.example", "198.51.100.119")
s19exim.exim("mail.periwinkle19.example", "198.51.100.119", serves="periwinkle19.example", ports=[25, 587], auth={587: "yes"})
s19exim.expect("198.51.100.119:587", rcpt=FAR, auth=("PLAIN", "alice", "wrong"), reply="535 Incorrect authentication data")

# ---- S20: no mechanism in common, or a 535 ignored; the application goes on anonymously.

s20 = World("S20", "only a mechanism that the application lacks; it goes on without login")
zone(s20, "larkspur20.example", "198.51.100.20")
s20.postfix("mail.larkspur20.example", "198.51.100.20", main="virtual_mailbox_domains = larkspur20.example\n" + CLOSED,
            services={25: {}, 587: SASL + "smtpd_sasl_mechanism_filter = scram-sha-256"})
s20.expect("198.51.100.20:587", rcpt=FAR, reply=DENIED, offers=["AUTH", "SCRAM-SHA-256"], lacks=["PLAIN", "LOGIN"])
s20.expect("198.51.100.20:587", rcpt=FAR, auth=ALICE, reply="no-auth")
s20.expect("198.51.100.20:587", rcpt=FAR, auth=ALICE, swallow=True, reply=DENIED)

s20log = World("S20-log", "login refused, then the application goes on without it: both in the log")
zone(s20log, "buttercup20.example", "198.51.100.120")
s20log.postfix("mail.buttercup20.example", "198.51.100.120", main="virtual_mailbox_domains = buttercup20.example\n" + CLOSED,
               services={25: {}, 587: SASL})
s20log.expect("198.51.100.120:587", rcpt=FAR, auth=("PLAIN", "alice", "wrong"), swallow=True, reply=DENIED)

# ---- S21: the login counts for nothing: permit_sasl_authenticated comes too late.

s21 = World("S21", "reject_unauth_destination before permit_sasl_authenticated")
zone(s21, "geranium21.example", "198.51.100.21")
s21.postfix("mail.geranium21.example", "198.51.100.21", services={25: {}, 587: SASL}, main="""
virtual_mailbox_domains = geranium21.example
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination, permit_sasl_authenticated
""")
s21.expect("198.51.100.21:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@geranium21.example", reply=DENIED)
s21.expect("198.51.100.21:587", tls="starttls", rcpt=FAR, reply=DENIED, offers=["AUTH"])
s21.expect("198.51.100.21:587", rcpt="bob@geranium21.example", reply="250 2.1.5")

# ---- S22: logged in, but the sender belongs to somebody else.

s22 = World("S22", "sender address not owned by the login")
zone(s22, "jasmine22.example", "198.51.100.22")
s22.files["s22-senders"] = "alice@jasmine22.example alice\ncarol@jasmine22.example carol\n"
s22.postfix("mail.jasmine22.example", "198.51.100.22", services={25: {}, 587: SASL}, main="""
virtual_mailbox_domains = jasmine22.example
smtpd_sender_login_maps = texthash:{files}/s22-senders
smtpd_sender_restrictions = reject_sender_login_mismatch
""" + CLOSED)
s22.expect("198.51.100.22:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@jasmine22.example", reply="250 2.1.5")
s22.expect("198.51.100.22:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="carol@jasmine22.example",
           reply="553 5.7.1 <carol@jasmine22.example>: Sender address rejected: not owned by user alice")

# ---- S35, S36, S70: the relay knows its clients by address.

s35 = World("S35", "mynetworks holds 203.0.113.6, not 203.0.113.5; no AUTH anywhere")
zone(s35, "kestrel35.example", "198.51.100.35")
s35.postfix("mail.kestrel35.example", "198.51.100.35", services={25: {}, 587: {}}, main="""
virtual_mailbox_domains = kestrel35.example
mynetworks = 127.0.0.0/8 203.0.113.6/32
""" + CLOSED)
s35.expect("198.51.100.35:25", rcpt=FAR, reply=DENIED, lacks=["AUTH"])
s35.expect("198.51.100.35:25", rcpt=FAR, source="203.0.113.6", reply="250 2.1.5")
s35.expect("198.51.100.35:25", rcpt="bob@kestrel35.example", reply="250 2.1.5")

s36 = World("S36", "mynetworks holds the client's IPv4 address only; it comes by IPv6")
s36.zone("osprey36.example", "@ MX 10 mail\nmail A 198.51.100.36\nmail AAAA 2001:db8:36::25")
s36.postfix("mail.osprey36.example", "198.51.100.36 2001:db8:36::25", main="""
virtual_mailbox_domains = osprey36.example
mynetworks = 127.0.0.0/8 203.0.113.5/32
""" + CLOSED)
s36.expect("198.51.100.36:25", rcpt=FAR, reply="250 2.1.5")
s36.expect("[2001:db8:36::25]:25", source="2001:db8:c::5", rcpt=FAR, reply=DENIED)

s70 = World("S70", "mynetworks counts on 25, not on 587")
zone(s70, "pelican70.example", "198.51.100.70")
s70.postfix("mail.pelican70.example", "198.51.100.70", main="""
virtual_mailbox_domains = pelican70.example
mynetworks = 127.0.0.0/8 203.0.113.5/32
""" + CLOSED, services={25: {}, 587: SASL + "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination"})
s70.expect("198.51.100.70:25", rcpt=FAR, reply="250 2.1.5")
s70.expect("198.51.100.70:587", rcpt=FAR, reply=DENIED)

# ---- S57: TLS, but the certificate is not what the name wants.

s57 = World("S57", "certificate made for another name")
zone(s57, "falcon57.example", "198.51.100.57")
s57.postfix("mail.falcon57.example", "198.51.100.57", main="virtual_mailbox_domains = falcon57.example\n" + CLOSED,
            services={25: {}, 587: SASL, 465: WRAPPER}, cert="as:srv17.serverpark-pavo.example")
s57.zone("serverpark-pavo.example", "@ MX 10 srv17\nsrv17 A 198.51.100.57")
s57.expect("198.51.100.57:587", tls="starttls", verify="mail.falcon57.example", reply="tls: Hostname mismatch")
s57.expect("198.51.100.57:587", tls="starttls", verify="srv17.serverpark-pavo.example", reply="250 ")

s57old = World("S57-expired", "certificate expired in 2021")
zone(s57old, "heron57.example", "198.51.100.157")
s57old.postfix("mail.heron57.example", "198.51.100.157", main="virtual_mailbox_domains = heron57.example\n" + CLOSED,
               services={25: {}, 587: SASL, 465: WRAPPER}, cert="expired")
s57old.expect("198.51.100.157:587", tls="starttls", verify="mail.heron57.example", reply="tls: certificate has expired")

s57own = World("S57-private", "certificate of a private authority")
zone(s57own, "nightingale57.example", "198.51.100.217")
s57own.postfix("mail.nightingale57.example", "198.51.100.217", main="virtual_mailbox_domains = nightingale57.example\n" + CLOSED,
               services={25: {}, 587: SASL, 465: WRAPPER}, cert="private")
s57own.expect("198.51.100.217:587", tls="starttls", verify="mail.nightingale57.example", reply="tls: unable to get local issuer")

# ---- S58: a relay that needs no login and has none.

s58 = World("S58", "permitted by address, AUTH nowhere; the application insists on logging in")
zone(s58, "albatross58.example", "198.51.100.58")
s58.postfix("mail.albatross58.example", "198.51.100.58", services={25: {}, 587: {}}, main="""
virtual_mailbox_domains = albatross58.example
mynetworks = 127.0.0.0/8 203.0.113.0/26
""" + CLOSED)
for port in (25, 587):
    s58.expect("198.51.100.58:%d" % port, rcpt=FAR, reply="250 2.1.5", lacks=["AUTH"])
    s58.expect("198.51.100.58:%d" % port, rcpt=FAR, auth=ALICE, reply="no-auth")

# ---- S67: another server answers where the application points.

s67 = World("S67", "two Postfix: the name the application uses leads to the wrong one")
s67.zone("cormorant67.example", "@ MX 10 mail\nmail A 198.51.100.67\nsmtp A 198.51.100.167")
s67.postfix("mail.cormorant67.example", "198.51.100.67", main="virtual_mailbox_domains = cormorant67.example\n" + CLOSED,
            services={25: {}, 587: SASL})
s67.postfix("backup.neighbour-corvus.example", "198.51.100.167", main="virtual_mailbox_domains = neighbour-corvus.example\n" + CLOSED,
            services={25: {}, 587: {}})
s67.zone("neighbour-corvus.example", "@ MX 10 backup\nbackup A 198.51.100.167")
s67.expect("198.51.100.67:587", tls="starttls", rcpt=FAR, auth=ALICE, sender="alice@cormorant67.example", reply="250 2.1.5")
s67.expect("198.51.100.167:587", rcpt=FAR, reply=DENIED, lacks=["AUTH"], banner="backup.neighbour-corvus.example")

# ---- S63: one mechanism is offered but cannot work.

s63 = World("S63", "CRAM-MD5 is offered, but the server keeps hashes only (user dave)")
zone(s63, "woodpecker63.example", "198.51.100.63")
s63.postfix("mail.woodpecker63.example", "198.51.100.63", main="virtual_mailbox_domains = woodpecker63.example\n" + CLOSED,
            services={25: {}, 587: SASL + "smtpd_sasl_mechanism_filter = plain, login, cram-md5"})
s63.expect("198.51.100.63:587", rcpt=FAR, auth=("CRAM-MD5", "dave", "secret"), reply="535 5.7.8 Error: authentication failed")
s63.expect("198.51.100.63:587", rcpt=FAR, auth=("CRAM-MD5", "alice", "secret"), reply="250 2.1.5")
s63.expect("198.51.100.63:587", tls="starttls", rcpt=FAR, auth=("PLAIN", "dave", "secret"), reply="250 2.1.5")
