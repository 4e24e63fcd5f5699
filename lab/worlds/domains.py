# SPDX-License-Identifier: Apache-2.0
"""Whole domains for `check`, `lookup` and `discover`: one well kept, one neglected, one forged."""
from lab.world import CLOSED, SASL, World

STS = "version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: 604800\r\n"
# A DKIM record longer than one character-string (RFC 6376 §3.6.2.2); nobody has the private key.
DKIM = '"v=DKIM1; k=rsa; p=" ' + " ".join('"%s"' % part for part in (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv0T8oFC1JJ5HIT1drDIZTEflajJW237GAmadgcg34BzdH9wfEmL0e18F",
    "NOtlOhtzk58b4oEsk7wGdkrQA8t+JTd+EyARUjpXy0YUDpjAQ85I8WT+/TQDmbBXLjTPqgLdRYYirIQ6GVnAJxcXOVPSms/QYNcY",
    "BJ4hiCqI8OpOjKC2ApuE+WlfTh2bbJXprN1KCBsZgcgZdoCdWwmcQOmDsz2YShMJb9gdvDGE7BrWbKkeYjqHCeFMGBKh+WCgiZ+2",
    "qtcFb1fWrgNIBNKlfmkWDYPVyvwf1/2rz02+N/m+C5Eq8OJ54HwKpumO4wWLlQpr9lN5j36l7qYZs3mOacFNfQIDAQAB"))

well = World("well", "a domain where everything is as it should be")
well.zone("wellkept-cassiopeia.example", """
@ MX 10 mx
@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@wellkept-cassiopeia.example"
mail._domainkey TXT %s
mx A 198.51.100.240
mx AAAA 2001:db8:240::25
mx TXT "v=spf1 a -all"
_25._tcp.mx TLSA 3 1 1 {tlsa}
_mta-sts TXT "v=STSv1; id=20261101"
mta-sts A 198.51.100.241
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@wellkept-cassiopeia.example"
submit A 198.51.100.242
_submission._tcp SRV 0 1 587 submit
_submissions._tcp SRV 0 1 465 submit
autoconfig A 198.51.100.241
""" % DKIM)
well.postfix("mx.wellkept-cassiopeia.example", "198.51.100.240 2001:db8:240::25",
             main="virtual_mailbox_domains = wellkept-cassiopeia.example\n" + CLOSED)
well.postfix("submit.wellkept-cassiopeia.example", "198.51.100.242", main=CLOSED, services={
    587: SASL + "smtpd_tls_security_level = encrypt", 465: SASL + "smtpd_tls_wrappermode = yes"})
well.web("mta-sts.wellkept-cassiopeia.example", "198.51.100.241",
         {"/.well-known/mta-sts.txt": STS % "mx.wellkept-cassiopeia.example"})
well.web("autoconfig.wellkept-cassiopeia.example", "198.51.100.241", {"/mail/config-v1.1.xml": """\
<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="wellkept-cassiopeia.example"><domain>wellkept-cassiopeia.example</domain>
<outgoingServer type="smtp"><hostname>submit.wellkept-cassiopeia.example</hostname><port>465</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></outgoingServer>
</emailProvider></clientConfig>
"""})
well.expect("198.51.100.240:25", tls="starttls", verify="mx.wellkept-cassiopeia.example", rcpt="bob@wellkept-cassiopeia.example", reply="250 2.1.5")
well.expect("[2001:db8:240::25]:25", source="2001:db8:c::5", rcpt="bob@wellkept-cassiopeia.example", reply="250 2.1.5")
well.expect("198.51.100.242:465", tls="wrapper", verify="submit.wellkept-cassiopeia.example", auth=("PLAIN", "alice", "secret"), reply="235 ")
well.dns("wellkept-cassiopeia.example", "TXT", '"v=spf1 mx -all"', secure=True)
well.dns("240.100.51.198.in-addr.arpa", "PTR", "mx.wellkept-cassiopeia.example.", secure=True)

ill = World("ill", "a neglected domain: two SPF records, broken DMARC, policy and TLSA that do not fit, expired certificate")
ill.zone("neglected-monoceros.example", """
@ MX 10 mx
@ MX 20 alias
@ MX 30 gone
@ TXT "v=spf1 ip4:198.51.100.245 -all"
@ TXT "v=spf1 +all"
_dmarc TXT "v=DMARC1; rua=mailto:nobody"
mx A 198.51.100.245
alias CNAME mx
_25._tcp.mx TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_mta-sts TXT "v=STSv1; id=1"
mta-sts A 198.51.100.246
""", signed=False)
ill.postfix("mx.neglected-monoceros.example", "198.51.100.245", main="virtual_mailbox_domains = neglected-monoceros.example\n" + CLOSED,
            cert="expired")
ill.web("mta-sts.neglected-monoceros.example", "198.51.100.246", {"/.well-known/mta-sts.txt": STS % "mx.elsewhere.example"})
ill.expect("198.51.100.245:25", tls="starttls", verify="mx.neglected-monoceros.example", reply="tls: certificate has expired")
ill.dns("gone.neglected-monoceros.example", "A", status="NXDOMAIN")

bogus = World("bogus", "a signed zone with a forged MX record")
bogus.zone("counterfeit-volans.example", "@ MX 10 mx\nmx A 198.51.100.247", tamper=("10 mx.counterfeit-volans.example.", "10 xm.counterfeit-volans.example."))
bogus.postfix("mx.counterfeit-volans.example", "198.51.100.247", main="virtual_mailbox_domains = counterfeit-volans.example\n" + CLOSED)
bogus.dns("counterfeit-volans.example", "MX", status="SERVFAIL")
bogus.dns("counterfeit-volans.example", "MX", "10 xm.counterfeit-volans.example.", server="192.0.2.54")

opened = World("open", "an open relay: mynetworks holds everybody")
opened.zone("wideopen-perseus.example", "@ MX 10 mx\nmx A 198.51.100.248")
opened.postfix("mx.wideopen-perseus.example", "198.51.100.248", main="""
virtual_mailbox_domains = wideopen-perseus.example
mynetworks = 0.0.0.0/0 [::]/0
""" + CLOSED)
opened.expect("198.51.100.248:25", rcpt="bob@control-alder.example", reply="250 2.1.5")
