# SPDX-License-Identifier: Apache-2.0
"""Large providers in their own words: scripted, because nobody can run them here.

Each stands on a lab address with a certificate for the provider's real name;
`--connect-to smtp.office365.com:587:192.0.2.223:587` leads there.
"""
from lab.world import World

FAR = "bob@control-alder.example"
ALICE = ("LOGIN", "alice@tenant.example", "secret")

M365 = """
BANNER 220 AS4P190CA0047.outlook.office365.com Microsoft ESMTP MAIL Service ready
EHLO tls 250-AS4P190CA0047.outlook.office365.com Hello|250-SIZE 157286400|250-PIPELINING|250-DSN|250-ENHANCEDSTATUSCODES|250-AUTH LOGIN XOAUTH2|250-8BITMIME|250 SMTPUTF8
EHLO 250-AS4P190CA0047.outlook.office365.com Hello|250-SIZE 157286400|250-PIPELINING|250-DSN|250-ENHANCEDSTATUSCODES|250-STARTTLS|250-8BITMIME|250 SMTPUTF8
STARTTLS 220 2.0.0 SMTP server ready
MAIL anon 530 5.7.57 Client not authenticated to send mail. [AS4P190CA0047.EURP190.PROD.OUTLOOK.COM]
"""

GMAIL = """
BANNER 220 smtp.gmail.com ESMTP 5b1f17b1804b1-47 - gsmtp
EHLO tls 250-smtp.gmail.com at your service|250-SIZE 35882577|250-8BITMIME|250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH|250-ENHANCEDSTATUSCODES|250-PIPELINING|250-CHUNKING|250 SMTPUTF8
EHLO 250-smtp.gmail.com at your service|250-SIZE 35882577|250-8BITMIME|250-STARTTLS|250-ENHANCEDSTATUSCODES|250-PIPELINING|250-CHUNKING|250 SMTPUTF8
STARTTLS 220 2.0.0 Ready to start TLS
MAIL anon 530-5.7.0 Authentication Required. For more information, go to|530 5.7.0  https://support.google.com/accounts/troubleshooter/2402620. 5b1f17b1804b1-47 - gsmtp
"""


def provider(name, title, address, host, script):
    world = World(name, title)
    world.script(address + ":587", script, cert=host)
    return world


s23 = provider("S23", "Exchange Online, not logged in: 5.7.57", "192.0.2.223", "smtp.office365.com", M365)
s23.expect("192.0.2.223:587", tls="starttls", verify="smtp.office365.com", rcpt=FAR, reply="530 5.7.57", offers=["AUTH", "LOGIN"])
s23.expect("192.0.2.223:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="250 ")

s24 = provider("S24", "Exchange Online, SMTP AUTH disabled for the tenant: 5.7.139", "192.0.2.224", "smtp.office365.com", M365 +
               "AUTH 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. "
               "Visit https://aka.ms/smtp_auth_disabled for more information. [AS4P190CA0047.EURP190.PROD.OUTLOOK.COM]\n")
s24.expect("192.0.2.224:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication")

s25 = provider("S25", "Exchange Online, basic authentication blocked: 5.7.139", "192.0.2.225", "smtp.office365.com", M365 +
               "AUTH 535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [AS4P190CA0047.EURP190.PROD.OUTLOOK.COM]\n")
s25.expect("192.0.2.225:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="535 5.7.139 Authentication unsuccessful, basic")

s26 = provider("S26", "Exchange Online refuses a token: 5.7.3", "192.0.2.226", "smtp.office365.com", M365 +
               "AUTH 535 5.7.3 Authentication unsuccessful [AS4P190CA0047.EURP190.PROD.OUTLOOK.COM]\n")
s26.expect("192.0.2.226:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="535 5.7.3 Authentication unsuccessful")

s27 = provider("S27", "Gmail wants an application password: 5.7.9", "192.0.2.227", "smtp.gmail.com", GMAIL +
               "AUTH 534-5.7.9 Application-specific password required. For more information, go to|"
               "534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor 5b1f17b1804b1-47 - gsmtp\n")
s27.expect("192.0.2.227:587", tls="starttls", rcpt=FAR, auth=ALICE, reply="534 5.7.9 Application-specific password required")

# The tenant's exchanger takes mail for the tenant's own users from anybody, and for others from its connectors only.
s30 = World("S30", "a tenant's exchanger: inside accepted, outside 5.7.64 without a connector")
s30.script("192.0.2.229:25", """
BANNER 220 DB5EUR01FT018.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready
EHLO tls 250-DB5EUR01FT018.mail.protection.outlook.com Hello|250-SIZE 157286400|250-PIPELINING|250-DSN|250-ENHANCEDSTATUSCODES|250-8BITMIME|250 SMTPUTF8
EHLO 250-DB5EUR01FT018.mail.protection.outlook.com Hello|250-SIZE 157286400|250-PIPELINING|250-DSN|250-ENHANCEDSTATUSCODES|250-STARTTLS|250-8BITMIME|250 SMTPUTF8
STARTTLS 220 2.0.0 SMTP server ready
RCPT /@tenant\\.example>/ 250 2.1.5 Recipient OK
RCPT 550 5.7.64 TenantAttribution; Relay Access Denied [DB5EUR01FT018.eop-EUR01.prod.protection.outlook.com]
""", cert="tenant.mail.protection.outlook.com")
s30.expect("192.0.2.229:25", sender="scanner@tenant.example", rcpt=FAR, reply="550 5.7.64 TenantAttribution", lacks=["AUTH"])
s30.expect("192.0.2.229:25", sender="scanner@tenant.example", rcpt="scanner@tenant.example", reply="250 2.1.5")

# What is no proof: the first answer to a new client is a temporary one.
grey = World("grey", "look-alike: greylisting, accepted at the second try")
grey.zone("greyhound.example", "@ MX 10 mx\nmx A 192.0.2.230")
grey.script("192.0.2.230:25", """
BANNER 220 mx.greyhound.example ESMTP
EHLO 250-mx.greyhound.example|250-ENHANCEDSTATUSCODES|250 PIPELINING
RCPT once 450 4.7.1 Greylisted, try again in 300 seconds
""")
grey.expect("192.0.2.230:25", rcpt="first@greyhound.example", reply="450 4.7.1 Greylisted")
