# SPDX-License-Identifier: Apache-2.0
"""DKIM vectors: messages, the zone they are looked up in, and what RFC 6376, 8301 and 8463 make of them.

Each is judged by the text, not by what any program says. `peer` says how dkimpy comes out where that differs ("pass" or
"not"), and why; None means it agrees, and "clock" that it cannot be asked because it takes no clock.
"""
import collections

from nameserver import NODATA, REFUSED, SERVFAIL, SILENCE, Cname, Txt
from signer import CRLF, Key, sign

Vector = collections.namedtuple("Vector", "name message zone expected now peer")
NOW = "2026-11-24T12:00:00Z"
NOW_SECONDS = 1795521600

HEAD = (b"Received: from a.example by b.example; Tue, 24 Nov 2026 11:00:00 +0000\r\n"
        b"From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>,\r\n\tCarl <carl@example.net>\r\n"
        b"Subject: The  meeting\r\nDate: Tue, 24 Nov 2026 11:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n")
BODY = b"Hello Bob,\r\n\r\nthe meeting is at  three. \r\n\tAnn\r\n"
MAIL = HEAD + CRLF + BODY
FORMS = [h + "/" + b for h in ("simple", "relaxed") for b in ("simple", "relaxed")]

BODIES = {
    "empty": b"", "one blank line": b"\r\n", "blank lines": b"\r\n\r\n\r\n", "trailing blank lines": b"a\r\n\r\n\r\n",
    "no final line end": b"a\r\nb", "runs of blanks": b"a   b\t\t c\r\n  d\r\n", "blanks at line ends": b"a \t\r\nb \r\n",
    "last lines of blanks": b"a\r\n \r\n\t\r\n", "only blanks": b" \t \r\n", "leading blank lines": b"\r\n\r\na\r\n",
    "bare CR": b"a\rb\r \rc\r\n", "long line": b"x" * 5000 + b" y\r\n", "octets above 127": b"gr\xc3\xbc\xdfe \xff\r\n",
    "dots": b".\r\n..\r\n", "no final line end, blanks": b"a\r\nb \t", "large": b"0123456789 abcdef\r\n" * 4000,
}


class Maker:
    def __init__(self):
        self.vectors = []
        self.rsa, self.other, self.rsa1024, self.ed = Key(2048), Key(2048), Key(1024), Key()

    def selector(self):
        return "v%03d" % (len(self.vectors) + 1)

    def add(self, title, expected, key=None, mail=MAIL, change=None, zone=None, record=None, now=NOW, peer=None, after=b"", **how):
        """`change` alters the signed message; `record` is what stands at the selector's name (a text, Txt, a failure)."""
        key = key or self.rsa
        selector = how.setdefault("s", self.selector())
        message = sign(mail, key, **how) + after
        if change:
            message = change(message)
        if record is None:
            record = key.record()
        if isinstance(record, str) and record not in (SERVFAIL, REFUSED, SILENCE, NODATA):
            record = Txt(record)
        zone = dict(zone or {})
        if record is not False:
            zone.setdefault(selector.lower() + "._domainkey." + how.get("d", "example.org").lower(), record)
        self.vectors.append(Vector(title, message, zone, expected, now, peer))


def canonical_forms(m):
    for c in FORMS:
        for name, body in BODIES.items():
            unended = "relaxed" in c.split("/")[1] and name == "no final line end, blanks"
            m.add("%s, body: %s" % (c, name), "pass verified", mail=HEAD + CRLF + body, c=c,
                  peer="not: dkimpy drops blanks only before a CRLF; what travels ends with one" if unended else None)
    for c in FORMS:
        header, body = c.split("/")
        relaxed_body = "pass verified" if body == "relaxed" else "fail body-changed"
        relaxed_header = "pass verified" if header == "relaxed" else "fail signature-mismatch"
        m.add(c + ", blank lines added at the end", "pass verified", c=c, after=b"\r\n\r\n")
        m.add(c + ", blanks added at a line's end", relaxed_body, c=c, change=lambda x: x.replace(b"Bob,\r\n\r\n", b"Bob,  \r\n\r\n"))
        m.add(c + ", run of blanks shortened", relaxed_body, c=c, change=lambda x: x.replace(b"at  three", b"at three"))
        m.add(c + ", a blank taken away", "fail body-changed", c=c, change=lambda x: x.replace(b"Hello Bob", b"HelloBob"))
        m.add(c + ", a field folded anew", relaxed_header, c=c, change=lambda x: x.replace(b"The  meeting", b"The\r\n\tmeeting"))
        m.add(c + ", a field's name in capitals", relaxed_header, c=c, change=lambda x: x.replace(b"Subject: The", b"SUBJECT: The"))
        m.add(c + ", blanks around the colon", relaxed_header, c=c, change=lambda x: x.replace(b"Subject: The", b"Subject :\t The"),
              peer="not: dkimpy does not know blanks before the colon" if header == "relaxed" else None)
        m.add(c + ", a word changed in a field", "fail signature-mismatch", c=c, change=lambda x: x.replace(b"meeting\r\nDate", b"eating\r\nDate"))
        m.add(c + ", file with bare LF", "pass verified", c=c, change=lambda x: x.replace(CRLF, b"\n"))
    m.add("c= absent means simple/simple", "pass verified", hashed_c="simple/simple",
          template=" {v}a={a}; d={d}; s={s}; h={h}; bh={bh}; b=")
    m.add("c=relaxed means relaxed/simple", "pass verified", c="relaxed", hashed_c="relaxed/simple")
    m.add("c= unknown for the body", "permerror canonicalization", c="relaxed/nowsp", hashed_c="relaxed/relaxed")
    m.add("c= unknown for the header", "permerror canonicalization", c="nofws", hashed_c="relaxed/relaxed")
    m.add("c= empty", "permerror canonicalization", c="", hashed_c="simple/simple")


def algorithms(m):
    m.add("rsa 512", "permerror key-too-short", key=Key(512))
    m.add("rsa 768", "permerror key-too-short", key=Key(768))
    m.add("rsa 1024", "pass verified", key=m.rsa1024)
    m.add("rsa 4096", "pass verified", key=Key(4096))
    for c in FORMS:
        m.add("ed25519, " + c, "pass verified", key=m.ed, c=c)
    m.add("rsa-sha1", "permerror sha1", a="rsa-sha1", peer="pass: RFC 8301 forbids to verify SHA-1, dkimpy does")
    m.add("a= unknown", "permerror algorithm", a="rsa-sha512")
    m.add("a= in capitals", "permerror algorithm", a="RSA-SHA256")
    m.add("a= empty", "permerror algorithm", template=" {v}a=; c={c}; d={d}; s={s}; h={h}; bh={bh}; b=")
    m.add("bare RSAPublicKey", "pass verified", record=m.rsa.record(form="pkcs1"))
    m.add("RSA key for ed25519 signature", "permerror key-algorithm", key=m.ed, record=m.rsa.record())
    m.add("ed25519 key for RSA signature", "permerror key-algorithm", record=m.ed.record())
    m.add("ed25519 in a SubjectPublicKeyInfo", "permerror key-malformed", key=m.ed,
          record="v=DKIM1; k=ed25519; p=" + Key.p(m.ed, "der"))
    m.add("ed25519 of 31 octets", "permerror key-malformed", key=m.ed, record="v=DKIM1; k=ed25519; p=" + m.ed.p()[:40] + "AA==")
    m.add("another key", "fail signature-mismatch", record=m.other.record())
    m.add("another ed25519 key", "fail signature-mismatch", key=m.ed, record=Key().record())


def fields(m):
    m.add("over-signed, fields present", "pass verified", h="from:from:to:subject:subject")
    m.add("over-signed, field absent", "pass verified", h="from:to:cc:reply-to:subject")
    m.add("over-signed, second From added", "fail signature-mismatch", h="from:from:to",
          change=lambda x: b"From: Eve <eve@example.com>\r\n" + x)
    m.add("signed as absent, then added", "fail signature-mismatch", h="from:to:reply-to",
          change=lambda x: b"Reply-To: eve@example.com\r\n" + x)
    m.add("second From added on top, not over-signed", "pass verified", h="from:to",
          change=lambda x: b"From: Eve <eve@example.com>\r\n" + x, peer="not: dkimpy refuses a mail with two From fields")
    two = MAIL.replace(b"Received: from a", b"Received: from x by a\r\nReceived: from a", 1)
    m.add("repeated field, both signed", "pass verified", mail=two, h="from:received:received")
    m.add("repeated field, the lower one signed", "pass verified", mail=two, h="from:received",
          change=lambda x: x.replace(b"from x by a", b"from y by a"))
    m.add("repeated field, signed one changed", "fail signature-mismatch", mail=two, h="from:received",
          change=lambda x: x.replace(b"from a.example", b"from c.example"))
    m.add("repeated fields swapped", "fail signature-mismatch", mail=two, h="from:received:received",
          change=lambda x: x.replace(b"Received: from x by a\r\n", b"").replace(b"From: Ann", b"Received: from x by a\r\nFrom: Ann"))
    m.add("names in capitals in h=", "pass verified", h="FROM:To:sUBJECT")
    m.add("folds in h=", "pass verified", h="from :\r\n\t to : subject")
    m.add("From not signed", "permerror from-not-signed", h="to:subject",
          peer="pass: dkimpy does not ask that From be signed")
    m.add("empty name in h=", "permerror syntax", h="from::to", peer="pass: dkimpy takes an empty name for an absent field")
    m.add("h= empty", "permerror syntax", template=" {v}a={a}; c={c}; d={d}; s={s}; h=; bh={bh}; b=")
    m.add("h= absent", "permerror tag-missing", template=" {v}a={a}; c={c}; d={d}; s={s}; bh={bh}; b=")
    m.add("signed fields in another order", "pass verified", h="date:subject:to:from")
    m.add("another header field added", "pass verified", change=lambda x: b"X-Seen: yes\r\n" + x)
    m.add("a signed field taken away", "fail signature-mismatch", change=lambda x: x.replace(b"Subject: The  meeting\r\n", b""))


def lengths(m):
    for c in FORMS:
        m.add("l= of a part, " + c, "pass verified", c=c, l=12, after=b"more\r\n")
    m.add("l=0", "pass verified", l=0, after=b"anything\r\n")
    m.add("l= of the whole", "pass verified", c="simple/simple", l=len(BODY))
    m.add("l= of the whole, footer added", "pass verified", c="simple/simple", l=len(BODY), after=b"-- \r\nlist\r\n")
    m.add("l= covers what changed", "fail body-changed", l=12, change=lambda x: x.replace(b"Hello", b"Hallo"))
    long = lambda x: x.replace(BODY, b"Hello\r\n")  # noqa: E731
    m.add("l= longer than the body", "permerror body-length", l=30, change=long)
    m.add("l= no number", "permerror syntax", more="l=1x; ")
    m.add("l= negative", "permerror syntax", more="l=-1; ")
    m.add("l= empty", "permerror syntax", more="l=; ")
    m.add("l= with 76 digits", "permerror body-length", more="l=" + "9" * 76 + "; ",
          peer="pass: dkimpy does not hold l= against the body's length")


def clocks(m):
    t = NOW_SECONDS
    m.add("t= in the past", "pass verified", more="t=%d; " % (t - 100), peer="clock")
    m.add("t= in the future", "pass verified", more="t=%d; " % (t + 100000), peer="clock")
    m.add("x= in the future", "pass verified", more="t=%d; x=%d; " % (t - 100, t + 100), peer="clock")
    m.add("x= now", "pass verified", more="x=%d; " % t, peer="clock")
    m.add("x= a second ago", "permerror expired", more="x=%d; " % (t - 1), peer="clock")
    m.add("x= earlier than t=", "permerror expires-before-signed", more="t=%d; x=%d; " % (t + 50, t + 40), peer="clock")
    m.add("x= same as t=", "permerror expires-before-signed", more="t=%d; x=%d; " % (t + 50, t + 50), peer="clock")
    m.add("t= no number", "permerror syntax", more="t=yesterday; ")
    m.add("x= no number", "permerror syntax", more="x=12.5; ")
    m.add("t= with 13 digits", "permerror syntax", more="t=1795521600000; ", peer="clock")


def names(m):
    m.add("i= the domain", "pass verified", more="i=@example.org; ")
    m.add("i= an address", "pass verified", more="i=ann@example.org; ")
    m.add("i= a subdomain", "pass verified", more="i=ann@mail.example.org; ")
    m.add("i= in capitals", "pass verified", more="i=@EXAMPLE.org; ")
    m.add("i= another domain", "permerror identity", more="i=@example.com; ")
    m.add("i= ends alike only", "permerror identity", more="i=@anexample.org; ")
    m.add("i= the parent domain", "permerror identity", more="i=@org; ")
    m.add("i= without an at sign", "permerror syntax", more="i=example.org; ")
    m.add("d= in capitals", "pass verified", d="EXAMPLE.ORG")
    m.add("d= with an empty label", "permerror syntax", template=" {v}a={a}; c={c}; d=example..org; s={s}; h={h}; bh={bh}; b=")
    m.add("d= empty", "permerror syntax", template=" {v}a={a}; c={c}; d=; s={s}; h={h}; bh={bh}; b=")
    m.add("d= absent", "permerror tag-missing", template=" {v}a={a}; c={c}; s={s}; h={h}; bh={bh}; b=")
    m.add("s= absent", "permerror tag-missing", template=" {v}a={a}; c={c}; d={d}; h={h}; bh={bh}; b=")
    m.add("s= of two labels", "pass verified", s="nov.v2026")
    m.add("q=dns/txt", "pass verified", more="q=dns/txt; ")
    m.add("q= a list with dns/txt", "pass verified", more="q=future/way : dns/txt; ",
          peer="not: dkimpy takes only dns/txt alone, RFC 6376 a list of which unknown methods are ignored")
    m.add("q= unknown", "permerror query-method", more="q=http/well-known; ")
    m.add("z= copied fields", "pass verified", more="z=From:ann|To:bob=3B; ")


def grammar(m):
    m.add("v= absent", "permerror tag-missing", v="")
    m.add("v=2", "permerror version", v="v=2; ")
    m.add("v= empty", "permerror version", v="v=; ")
    m.add("unknown tag", "pass verified", more="zz=1; ")
    m.add("a tag twice", "permerror syntax", more="d=example.org; ")
    m.add("two semicolons", "permerror syntax", more="; ")
    m.add("a tag without =", "permerror syntax", more="foo; ")
    m.add("a tag name that begins with a digit", "permerror syntax", more="1a=x; ")
    m.add("semicolon at the end", "pass verified", tail=";")
    m.add("blank and semicolon at the end", "pass verified", tail=" ;",
          peer="not: dkimpy leaves the blank behind the value of b= in, §3.7 takes it out")
    m.add("semicolon and blank at the end", "pass verified", tail="; ")
    m.add("semicolon and a folded line of blanks at the end", "pass verified", tail=";\r\n ")
    m.add("blanks and folds around everything", "pass verified",
          template="\r\n v = 1 ;\r\n a\t= {a} ; c = {c} ; d={d} ;s= {s}\r\n ; h = {h} ; bh\r\n\t= {bh} ; b = ")
    m.add("b= folded", "pass verified", fold=True)
    m.add("b= folded, simple", "pass verified", fold=True, c="simple/simple")
    m.add("b= not last", "pass verified", tail="; t=1700000000; z=x")
    m.add("b= before bh=", "pass verified", template=" {v}a={a}; c={c}; d={d}; s={s}; h={h}; b=",
          tail="; bh=" + body_hash("relaxed"))
    m.add("tag names in capitals", "permerror tag-missing", template=" {v}A={a}; c={c}; d={d}; s={s}; h={h}; bh={bh}; b=")
    m.add("b= is no base64", "permerror syntax", change=lambda x: x.replace(b"\tb=", b"\tb=*", 1))
    m.add("bh= is no base64", "permerror syntax", bh="!!!!")
    m.add("bh= empty", "permerror syntax", bh="")
    m.add("bh= absent", "permerror tag-missing", template=" {v}a={a}; c={c}; d={d}; s={s}; h={h}; b=")
    m.add("b= of another length", "fail signature-mismatch", change=lambda x: x.replace(b"\tb=", b"\tb=AAAA", 1),
          peer="pass: dkimpy takes b= for a number, so that zeros in front do not matter; RFC 8017 §8.2.2 wants its length")
    m.add("bh= of another body", "fail body-changed", bh=body_hash("relaxed", b"other\r\n"))
    m.add("field name in capitals", "pass verified", name="DKIM-SIGNATURE")


def body_hash(form, body=BODY):
    import base64
    import hashlib
    from signer import body_form
    return base64.b64encode(hashlib.sha256(body_form(form, body)).digest()).decode()


def key_records(m):
    p = m.rsa.p()
    for name, record in {
            "p= alone": "p=" + p, "without v=": "k=rsa; p=" + p, "k= left out": "v=DKIM1; p=" + p,
            "h=sha256": "v=DKIM1; h=sha256; p=" + p, "h= a list": "v=DKIM1; h=sha1 : sha256; p=" + p,
            "s=email": "v=DKIM1; s=email; p=" + p, "s=*": "v=DKIM1; s=*; p=" + p,
            "s= a list": "v=DKIM1; s=tlsrpt:email; p=" + p, "t=y": "v=DKIM1; t=y; p=" + p, "t=s": "v=DKIM1; t=s; p=" + p,
            "t= unknown flag": "v=DKIM1; t=q:y; p=" + p, "n=": "v=DKIM1; n=Ask us; p=" + p, "g= of old": "v=DKIM1; g=*; p=" + p,
            "unknown tag": "v=DKIM1; zz=1; p=" + p, "semicolon at the end": "v=DKIM1; p=" + p + ";",
            "blanks in p=": "v=DKIM1; p=" + " ".join(p[i:i + 64] for i in range(0, len(p), 64)),
            "blanks around everything": " v = DKIM1 ; k = rsa ;\tp = " + p + " "}.items():
        m.add("key record: " + name, "pass verified", record=record, peer=PEER_RECORDS.get(name))
    for name, (expected, record) in {
            "v= unknown": ("key-syntax", "v=DKIM2; p=" + p), "v= not first": ("key-syntax", "k=rsa; v=DKIM1; p=" + p),
            "v= in small letters": ("key-syntax", "v=dkim1; p=" + p), "p= absent": ("key-syntax", "v=DKIM1; k=rsa"),
            "revoked": ("key-revoked", "v=DKIM1; k=rsa; p="), "k= unknown": ("key-algorithm", "v=DKIM1; k=dsa; p=" + p),
            "h=sha1": ("key-hash", "v=DKIM1; h=sha1; p=" + p), "h= unknown": ("key-hash", "v=DKIM1; h=sha3; p=" + p),
            "s= other": ("key-service", "v=DKIM1; s=tlsrpt; p=" + p), "p= twice": ("key-syntax", "v=DKIM1; p=%s; p=%s" % (p, p)),
            "two semicolons": ("key-syntax", "v=DKIM1;; p=" + p), "p= no base64": ("key-malformed", "v=DKIM1; p=%%%"),
            "p= cut off": ("key-malformed", "v=DKIM1; p=" + p[:180]), "p= garbage": ("key-malformed", "v=DKIM1; p=aGVsbG8="),
            "a certificate's line": ("key-syntax", "-----BEGIN PUBLIC KEY-----" + p),
            "no key record": ("key-syntax", "v=spf1 -all"), "empty": ("key-syntax", "")}.items():
        m.add("key record: " + name, "permerror " + expected, record=record, peer=PEER_RECORDS.get(name))
    m.add("t=s and i= a subdomain", "permerror key-strict", more="i=@mail.example.org; ", record=m.rsa.record("t=s; "),
          peer="pass: dkimpy does not look at t=s")
    m.add("t=y:s and i= a subdomain", "permerror key-strict", more="i=@mail.example.org; ", record=m.rsa.record("t=y : s; "),
          peer="pass: dkimpy does not look at t=s")
    m.add("t=s and i= the domain", "pass verified", more="i=ann@example.org; ", record=m.rsa.record("t=s; "))


PEER_RECORDS = {
    "s= a list": "not: dkimpy takes every list with tlsrpt in it for a key of TLS reports alone",
    "v= not first": "pass: dkimpy does not look where v= stands",
    "h=sha1": "pass: dkimpy does not look at h= of the key",
    "h= unknown": "pass: dkimpy does not look at h= of the key",
}


def dns(m):
    good = m.rsa.record()
    m.add("no such name", "permerror key-missing", record=False)
    m.add("no TXT record", "permerror key-missing", record=NODATA)
    m.add("SERVFAIL", "temperror key-unavailable", record=SERVFAIL)
    m.add("REFUSED", "temperror key-unavailable", record=REFUSED)
    m.add("silence", "temperror key-unavailable", record=SILENCE)
    m.add("CNAME", "pass verified", record=Cname("key.provider.example"), zone={"key.provider.example": Txt(good)})
    m.add("CNAME of a CNAME", "pass verified", record=Cname("one.provider.example"),
          zone={"one.provider.example": Cname("two.provider.example"), "two.provider.example": Txt(good)})
    m.add("CNAME to nothing", "permerror key-missing", record=Cname("gone.provider.example"))
    m.add("CNAME to SERVFAIL", "temperror key-unavailable", record=Cname("ill.provider.example"), zone={"ill.provider.example": SERVFAIL})
    m.add("split strings", "pass verified", record=Txt([good[:100], good[100:300], good[300:]]))
    m.add("split within the tag", "pass verified", record=Txt([good[:10], good[10:11], good[11:200], good[200:]]))
    m.add("split strings with a blank between", "pass verified", record=Txt([good[:200] + " ", good[200:]]))
    m.add("large, by TCP", "pass verified", record=m.rsa.record("n=" + "x" * 1500 + "; "))
    several = "the first of several records is all that this test hands to dkimpy"
    m.add("two records, the second one is the key", "pass verified", record=Txt(m.other.record(), good), peer="not: " + several)
    m.add("two records, the first one is the key", "pass verified", record=Txt(good, m.other.record()))
    m.add("a record of another kind beside it", "pass verified", record=Txt("some text", good), peer="not: " + several)
    m.add("two records, none is the key", "fail signature-mismatch", record=Txt(m.other.record(), m.rsa1024.record()))
    m.add("two records, one of them revoked", "pass verified", record=Txt("v=DKIM1; p=", good), peer="not: " + several)


def several_signatures(m):
    zone = {"first._domainkey.example.org": Txt(m.rsa.record()), "second._domainkey.example.org": Txt(m.ed.record()),
            "third._domainkey.example.com": Txt(m.other.record())}
    twice = sign(sign(MAIL, m.rsa, s="first"), m.ed, s="second")

    def message(name, expected, octets, peer="clock"):
        m.vectors.append(Vector(name, octets, zone, expected, NOW, peer))

    message("RSA and ed25519", ["pass verified", "pass verified"], twice)
    message("the upper one broken", ["permerror version", "pass verified"],
            sign(sign(MAIL, m.rsa, s="first"), m.ed, s="second", v="v=3; "))
    message("the lower one has no key", ["pass verified", "permerror key-missing"],
            sign(sign(MAIL, m.rsa, s="nowhere"), m.ed, s="second"))
    listed = sign(MAIL, m.rsa, s="first").replace(b"Subject: ", b"Subject: [list] ") + b"--\r\nlist\r\n"
    message("a list signs again", ["pass verified", "fail body-changed"],
            sign(listed, m.other, s="third", d="example.com"))
    message("a signature over the other one", ["pass verified", "pass verified"],
            sign(sign(MAIL, m.rsa, s="first"), m.ed, s="second", h="from:to:dkim-signature"))
    message("no signature", [], MAIL)
    message("a different l= each", ["pass verified", "pass verified"],
            sign(sign(MAIL, m.rsa, s="first", l=5), m.ed, s="second", l=9))


def all_vectors():
    m = Maker()
    for part in (canonical_forms, algorithms, fields, lengths, clocks, names, grammar, key_records, dns, several_signatures):
        part(m)
    return m.vectors
