# SPDX-License-Identifier: Apache-2.0
"""A DKIM signer written from RFC 6376 alone, for tests. Nothing of it is shared with the program under test."""
import base64
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

CRLF = b"\r\n"


class Key:
    def __init__(self, bits=None):
        self.bits = bits
        self.private = rsa.generate_private_key(65537, bits) if bits else ed25519.Ed25519PrivateKey.generate()

    @property
    def algorithm(self):
        return "rsa-sha256" if self.bits else "ed25519-sha256"

    def public(self, form="spki"):
        public = self.private.public_key()
        if form == "raw" or (form == "spki" and not self.bits):
            return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        how = serialization.PublicFormat.PKCS1 if form == "pkcs1" else serialization.PublicFormat.SubjectPublicKeyInfo
        return public.public_bytes(serialization.Encoding.DER, how)

    def p(self, form="spki"):
        return base64.b64encode(self.public(form)).decode()

    def record(self, before="", after="", form="spki"):
        return "v=DKIM1; %sk=%s; p=%s%s" % (before, "rsa" if self.bits else "ed25519", self.p(form), after)

    def sign(self, octets, sha1=False):
        if not self.bits:
            return self.private.sign(hashlib.sha256(octets).digest())
        kind = hashes.SHA1() if sha1 else hashes.SHA256()
        digest = (hashlib.sha1 if sha1 else hashlib.sha256)(octets).digest()
        return self.private.sign(digest, padding.PKCS1v15(), utils.Prehashed(kind))


def header_form(form, field):
    """RFC 6376 §3.4.1, §3.4.2; without the final CRLF."""
    if form == "simple":
        return field
    name, value = field.split(b":", 1)
    value = re.sub(rb"[ \t]+", b" ", value.replace(CRLF, b""))
    return name.strip(b" \t").lower() + b":" + value.strip(b" ")


def body_form(form, body):
    """RFC 6376 §3.4.3, §3.4.4"""
    if form == "relaxed":
        body = CRLF.join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(CRLF))
    while body.endswith(CRLF):
        body = body[:-2]
    return body + CRLF if body or form == "simple" else b""


def split(message):
    head, _, body = message.partition(CRLF + CRLF)
    if message.startswith(CRLF):
        head, body = b"", message[2:]
    fields = re.split(rb"\r\n(?![ \t])", head) if head else []
    return fields, body


def chosen(fields, names):
    """From the bottom up, each field once (§5.4.2)."""
    left = list(fields)
    for name in names:
        for at in range(len(left) - 1, -1, -1):
            if left[at].split(b":")[0].strip().lower() == name.strip().lower().encode():
                yield left.pop(at)
                break


def sign(message, key, c="relaxed/relaxed", d="example.org", s="s", h="from:to:subject:date", l=None, more="", v="v=1; ", a=None,
         template=None, hashed_c=None, bh=None, tail="", name="DKIM-Signature", fold=False):
    """The message with a signature on top. `template` is the field's value up to and with "b=", in which {v} {a} {c} {d}
    {s} {h} {bh} {l} {more} are filled in; `hashed_c` is the form really used, where c= is to say something else."""
    header, _, body = (hashed_c or c).partition("/")
    fields, content = split(message)
    canonical = body_form(body or "simple", content)
    sha1 = a == "rsa-sha1"
    digest = (hashlib.sha1 if sha1 else hashlib.sha256)(canonical if l is None else canonical[:l]).digest()
    values = {"v": v, "a": a or key.algorithm, "c": c, "d": d, "s": s, "h": h, "more": more,
              "l": "" if l is None else "l=%d; " % l, "bh": bh if bh is not None else base64.b64encode(digest).decode()}
    template = template or " {v}a={a}; c={c}; d={d}; s={s};\r\n\th={h};\r\n\t{l}{more}bh={bh};\r\n\tb="
    field = (name + ":" + template.format(**values)).encode("utf-8")
    names = re.sub(r"\s", "", h).split(":")
    octets = b"".join(header_form(header, f) + CRLF for f in chosen(fields, names))
    # The value of b= goes "including all surrounding white space" (§3.5).
    octets += header_form(header, re.sub(rb"=\s*$", b"=", field) + tail.encode().lstrip())
    b = base64.b64encode(key.sign(octets, sha1)).decode()
    if fold:
        b = "\r\n\t ".join(b[i:i + 40] for i in range(0, len(b), 40))
    return field + b.encode() + tail.encode() + CRLF + message
