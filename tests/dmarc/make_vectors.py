#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/dmarc/vectors.txt: DMARC evaluations with what either standard makes of them.

  make_vectors.py [--check]      prints them, or says whether vectors.txt is what it prints

What is expected is written down here after the texts (sections at each group), never taken from the program; a few
groups go through all combinations of some tags, and say in a line or two what follows from the text for each.

A vector is a block of lines: "case NAME", "zone NAME TYPE VALUE" (of the whole DNS), "from DOMAIN", "spf|dkim DOMAIN
VERDICT", and one line for each standard with the result and "key=value" for what else must hold: reason, policy (what is
asked for on failure), source (p, sp, np), at (the policy's domain), org (the author's organizational domain, where it was
needed), exists. Public suffixes are those of suffixes.txt.
"""
import itertools
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT, SEEN = [], set()


def case(name, zone, author, ids, old=None, new=None, both=None):
    assert name not in SEEN, name
    SEEN.add(name)
    OUT.append("case " + name)
    OUT.extend("zone " + line for line in zone)
    OUT.append("from " + author)
    OUT.extend(ids)
    OUT.append("rfc7489 " + (old or both))
    OUT.append("rfc9989 " + (new or both))
    OUT.append("")


def at(domain, record):
    return "_dmarc.%s TXT %s" % (domain, record)


def alignment():
    """7489 §3.1, B.1; 9989 §4.4: relaxed is the same organizational domain, strict is the same domain."""
    pairs = {"same": ("example.com", "example.com"), "child-signs": ("example.com", "child.example.com"),
             "parent-signs": ("child.example.com", "example.com"),
             "siblings": ("news.example.com", "foo.example.com"), "foreign": ("news.example.com", "foo.example.net"),
             "case": ("News.Example.COM", "news.example.com"), "suffix-only": ("one.com", "two.com")}
    for mechanism, mode, (word, (author, other)) in itertools.product(("spf", "dkim"), "rs", pairs.items()):
        tag = "aspf" if mechanism == "spf" else "adkim"
        record = "v=DMARC1; p=reject; %s=%s" % (tag, mode)
        zone = [at("example.com", record), at("one.com", record)]
        aligned = word in ("same", "case") or (mode == "r" and word not in ("foreign", "suffix-only"))
        case("align-%s-%s-%s" % (mechanism, "strict" if mode == "s" else "relaxed", word), zone, author,
             ["%s %s pass" % (mechanism, other)],
             both="pass reason=aligned policy=reject" if aligned else "fail reason=not-aligned policy=reject")
    record = at("example.com", "v=DMARC1; p=reject; adkim=s")
    case("strict-for-the-other-mechanism", [record], "a.example.com", ["spf b.example.com pass"], both="pass")
    case("both-modes-apart", [record], "a.example.com", ["spf b.example.com fail", "dkim b.example.com pass"],
         both="fail reason=not-aligned")


def policy_tags():
    """7489 §6.3: sp for subdomains, no np. 9989 §4.7: np for what does not exist, else sp for subdomains, else p."""
    for p, sp, np in itertools.product(("reject", "none"), (None, "none", "quarantine"), (None, "none", "reject")):
        record = "v=DMARC1; p=" + p + ("; sp=" + sp if sp else "") + ("; np=" + np if np else "")
        zone = [at("example.org", record), "example.org A 192.0.2.1", "here.example.org A 192.0.2.2"]
        name = "tags-%s-%s-%s-" % (p, sp or "absent", np or "absent")
        sub = "fail policy=%s source=%s at=example.org org=example.org" % (sp or p, "sp" if sp else "p")
        gone = "fail policy=%s source=np exists=no at=example.org" % np if np else sub
        case(name + "itself", zone, "example.org", [], both="fail policy=%s source=p at=example.org" % p)
        case(name + "sub", zone, "here.example.org", [], both=sub)
        case(name + "gone", zone, "gone.example.org", [], old=sub, new=gone)


def tree_walk():
    """9989 §4.10, §4.10.1, §4.10.2, its examples among them; 7489 §3.2, §6.6.3 for the other line."""
    p = "v=DMARC1; p=reject"
    case("walk-fewest-labels", [at("mail.example.com", p), at("example.com", p)], "a.mail.example.com", [],
         both="fail org=example.com at=example.com policy=reject")
    case("walk-psd-no", [at("mail.example.com", p + "; psd=n"), at("example.com", p)], "a.mail.example.com",
         ["dkim example.com pass"], old="pass org=example.com at=example.com",
         new="fail reason=not-aligned org=mail.example.com at=mail.example.com")
    case("walk-psd-no-inside", [at("mail.example.com", p + "; psd=n"), at("example.com", p)], "a.mail.example.com",
         ["dkim b.mail.example.com pass"], both="pass")
    case("walk-below-psd", [at("com", p + "; psd=y; sp=quarantine")], "a.mail.example.com", [],
         old="none reason=no-record", new="fail org=example.com at=com policy=quarantine source=sp")
    case("walk-below-psd-aligned", [at("com", p + "; psd=y")], "a.example.com", ["dkim b.example.com pass"],
         old="none", new="pass")
    case("walk-below-psd-not-aligned", [at("com", p + "; psd=y")], "one.com", ["dkim two.com pass"],
         old="none", new="fail reason=not-aligned org=one.com at=com")
    case("walk-psd-np", [at("com", p + "; psd=y; sp=none; np=reject")], "gone.com", [],
         old="none", new="fail at=com policy=reject source=np exists=no")
    case("walk-own-record-below-psd", [at("com", p + "; psd=y"), at("example.com", "v=DMARC1; p=none")], "x.example.com",
         [], old="fail at=example.com policy=none", new="fail at=example.com policy=none org=example.com")
    case("walk-between-is-passed-over", [at("com", p + "; psd=y"), at("b.example.com", "v=DMARC1; p=none")],
         "a.b.example.com", [], old="none", new="fail at=com org=example.com policy=reject")
    case("walk-psd-yes-at-the-start", [at("example.com", p + "; psd=y")], "example.com", ["dkim a.example.com pass"],
         old="pass", new="fail reason=not-aligned at=example.com org=example.com")
    case("walk-psd-unsaid", [at("example.com", p + "; psd=u")], "a.example.com", ["spf b.example.com pass"], both="pass")
    case("walk-top-level-record-without-psd", [at("org", "v=DMARC1; p=none")], "one.org", ["dkim two.org pass"],
         old="none", new="pass at=org org=org")
    deep = "a.b.c.d.e.f.g.h.i.j.mail.example.com"
    case("walk-thirteen-labels", [at("example.com", p)], deep, [], both="fail at=example.com org=example.com")
    case("walk-seven-labels-are-seen", [at("g.h.i.j.mail.example.com", p + "; psd=n")], deep, [],
         old="none", new="fail at=g.h.i.j.mail.example.com org=g.h.i.j.mail.example.com")
    case("walk-eight-labels-are-not", [at("f.g.h.i.j.mail.example.com", p + "; psd=n")], deep, [], both="none")
    case("walk-of-eight-labels", [at("b.c.d.e.f.example.com", p + "; psd=n")], "a.b.c.d.e.f.example.com", [],
         old="none", new="fail at=b.c.d.e.f.example.com")
    case("walk-zone-cut-too-deep", [at("example.com", p), at("b.c.d.e.f.g.example.com", "v=DMARC1; p=none; psd=n")],
         "mail.a.b.c.d.e.f.g.example.com", [], both="fail at=example.com policy=reject")
    case("walk-deep-author-has-its-own", [at(deep, "v=DMARC1; p=none"), at("example.com", p)], deep,
         ["spf example.com pass"], both="pass at=%s" % deep)
    case("walk-identifier-has-its-own-organization",
         [at("example.com", p), at("lists.example.com", "v=DMARC1; p=none; psd=n")], "example.com",
         ["dkim lists.example.com pass"], old="pass", new="fail reason=not-aligned")
    case("walk-record-of-the-author-is-not-its-organization", [at("a.example.com", p), at("example.com", p)],
         "a.example.com", ["dkim b.example.com pass"], both="pass at=a.example.com")
    case("walk-no-record-at-the-parent", [at("a.example.com", p)], "a.example.com", ["dkim example.com pass"],
         old="pass", new="fail reason=not-aligned org=a.example.com")
    case("walk-no-record-at-the-parent-sub-signs", [at("a.example.com", p)], "a.example.com",
         ["dkim b.a.example.com pass"], both="pass")
    case("walk-sp-below-the-organization-is-not-used",
         [at("b.example.com", p + "; sp=none"), at("example.com", "v=DMARC1; p=quarantine")], "a.b.example.com", [],
         both="fail at=example.com policy=quarantine source=p")


def suffix_list():
    """7489 §3.2: the list decides; 9989 asks DNS only."""
    p = "v=DMARC1; p=reject"
    case("list-two-labels", [at("shop.co.example", p)], "a.shop.co.example", ["dkim b.shop.co.example pass"], both="pass")
    case("list-suffix-itself", [at("co.example", p)], "a.co.example", [], old="none", new="fail at=co.example")
    case("list-private-suffix", [at("hosting.org", p)], "one.hosting.org", ["dkim two.hosting.org pass"],
         old="none", new="pass at=hosting.org")
    case("list-private-suffix-itself", [at("hosting.org", p)], "hosting.org", ["dkim hosting.org pass"], both="pass")
    case("list-wildcard", [at("x.b.wild.example", p), at("b.wild.example", p)], "a.x.b.wild.example", [],
         old="fail at=x.b.wild.example", new="fail at=b.wild.example")
    case("list-exception", [at("city.wild.example", p)], "a.city.wild.example", [], both="fail at=city.wild.example")
    case("list-unlisted-top", [at("host.lan", p)], "a.host.lan", ["spf b.host.lan pass"], both="pass at=host.lan")
    case("list-only-the-organization-is-asked", [at("b.example.com", p)], "a.b.example.com", [],
         old="none", new="fail at=b.example.com")


def records():
    """7489 §6.3, §6.4, §6.6.3; 9989 §4.7, §4.8, §4.10.1."""
    rua = "rua=mailto:r@example.org"
    table = {
        "spaces": ("v = DMARC1 ;\tp = reject ; ", "fail policy=reject", None),
        "no-space": ("v=DMARC1;p=quarantine", "fail policy=quarantine", None),
        "value-in-capitals": ("v=DMARC1; p=REJECT", "fail policy=reject", None),
        "name-in-capitals": ("V=DMARC1; P=reject", "fail policy=reject", None),
        "version-in-small-letters": ("v=dmarc1; p=reject", "none reason=no-record", None),
        "version-not-first": ("p=reject; v=DMARC1", "none", None),
        "version-longer": ("v=DMARC12; p=reject", "none", None),
        "no-semicolon": ("v=DMARC1 p=reject", "none", None),
        "leading-space": (" v=DMARC1; p=reject", "none", None),
        "in-quotes": ("\"v=DMARC1; p=reject\"", "none", None),
        "another-record": ("v=spf1 -all", "none", None),
        "empty-tags": ("v=DMARC1;; p=reject;;", "fail policy=reject", None),
        "p-later": ("v=DMARC1; %s; p=reject" % rua, "fail policy=reject", None),
        "unknown-tag": ("v=DMARC1; p=reject; x=1", "fail policy=reject", None),
        "tag-without-value": ("v=DMARC1; p=reject; sp", "fail policy=reject", None),
        "bad-adkim": ("v=DMARC1; p=reject; adkim=x", "fail policy=reject", None),
        "version-alone": ("v=DMARC1", "permerror reason=unusable-record", "fail policy=none"),
        "no-p": ("v=DMARC1; aspf=s", "permerror", "fail policy=none"),
        "no-p-but-rua": ("v=DMARC1; " + rua, "fail policy=none", "fail policy=none"),
        "no-p-but-bad-rua": ("v=DMARC1; rua=r@example.org", "permerror", "fail policy=none"),
        "bad-p": ("v=DMARC1; p=block", "permerror", None),
        "bad-p-but-rua": ("v=DMARC1; p=block; sp=reject; " + rua, "fail policy=none", None),
        "bad-p-but-bad-rua": ("v=DMARC1; p=block; rua=r@example.org", "permerror", None),
        "bad-p-but-second-rua": ("v=DMARC1; p=block; rua=r@example.org, mailto:r@example.org", "fail policy=none", None),
        "bad-p-but-rua-with-size": ("v=DMARC1; p=block; rua=mailto:r@example.org!10m", "fail policy=none", None),
        "bad-p-but-other-scheme": ("v=DMARC1; p=block; rua=https://example.org/r", "fail policy=none", None),
        "empty-p": ("v=DMARC1; p=", "permerror", None),
        "bad-sp": ("v=DMARC1; p=reject; sp=block", "permerror", None),
        "bad-sp-but-rua": ("v=DMARC1; p=reject; sp=block; " + rua, "fail policy=none", None),
        "bad-np": ("v=DMARC1; p=reject; np=block", "fail policy=reject", "permerror"),
        "bad-np-but-rua": ("v=DMARC1; p=reject; np=block; " + rua, "fail policy=reject", "fail policy=none"),
        "p-twice": ("v=DMARC1; p=none; p=reject", "permerror", None),
        "rua-twice": ("v=DMARC1; p=none; %s; %s" % (rua, rua), "permerror", None),
        "unknown-twice": ("v=DMARC1; p=reject; x=1; x=2", "fail policy=reject", None),
        "test": ("v=DMARC1; p=reject; t=y", "fail policy=reject", "fail policy=quarantine"),
        "test-of-quarantine": ("v=DMARC1; p=quarantine; t=y", "fail policy=quarantine", "fail policy=none"),
        "test-of-none": ("v=DMARC1; p=none; t=y", "fail policy=none", None),
        "no-test": ("v=DMARC1; p=reject; t=n", "fail policy=reject", None),
        "bad-test": ("v=DMARC1; p=reject; t=1", "fail policy=reject", None),
        "percent": ("v=DMARC1; p=reject; pct=20", "fail policy=reject pct=20", "fail policy=reject pct=100"),
        "bad-percent": ("v=DMARC1; p=reject; pct=120", "fail policy=reject pct=100", None),
    }
    for name, (record, old, new) in table.items():
        case("record-" + name, [at("example.org", record)], "example.org", [], old=old, new=new or old)
    sub = [at("example.org", "v=DMARC1; sp=reject")]
    case("record-no-p-but-sp", sub, "a.example.org", [], old="permerror", new="fail policy=reject source=sp")
    case("record-no-p-but-sp-itself", sub, "example.org", [], old="permerror", new="fail policy=none")
    case("record-test-of-sp", [at("example.org", "v=DMARC1; p=none; sp=reject; t=y")], "a.example.org", [],
         old="fail policy=reject source=sp", new="fail policy=quarantine source=sp")
    case("record-test-does-not-change-a-pass", [at("example.org", "v=DMARC1; p=reject; t=y")], "example.org",
         ["dkim example.org pass"], both="pass")
    case("record-at-the-domain-itself", ["example.org TXT v=DMARC1; p=reject"], "example.org", [], both="none")
    case("record-unusable-does-not-pass", [at("example.org", "v=DMARC1; p=block")], "example.org",
         ["dkim example.org pass"], both="permerror")


def several():
    """7489 §6.6.3 steps 3 and 5: no policy at all. 9989 §4.10 steps 2 and 6: as if that domain had none."""
    two = ["v=DMARC1; p=reject", "v=DMARC1; p=none"]
    case("several-at-the-author", [at("example.org", r) for r in two], "example.org", [],
         both="none reason=several-records")
    case("several-at-the-author-one-above",
         [at("a.example.org", r) for r in two] + [at("example.org", "v=DMARC1; p=quarantine")], "a.example.org", [],
         old="none reason=several-records", new="fail policy=quarantine at=example.org")
    case("several-at-the-organization", [at("example.org", r) for r in two], "a.example.org", [],
         both="none reason=several-records")
    case("several-of-which-one-is-of-dmarc", [at("example.org", "v=spf1 -all"), at("example.org", two[0])],
         "example.org", [], both="fail policy=reject")
    case("several-strangers-only", [at("a.example.org", "hello"), at("example.org", two[0])], "a.example.org", [],
         both="fail policy=reject at=example.org")


def alias():
    """A TXT query follows CNAMEs (RFC 1034 §3.6.2)."""
    case("alias", ["_dmarc.example.org CNAME policy.example.net", "policy.example.net TXT v=DMARC1; p=reject"],
         "example.org", [], both="fail policy=reject at=example.org")


def failures():
    """9989 §5.3.6: what DNS does not tell is neither pass nor fail; 7489 §6.6.3, RFC 8601 §2.7: temperror."""
    p = "v=DMARC1; p=reject"
    case("dns-author", ["_dmarc.example.org FAIL"], "example.org", ["dkim example.org pass"],
         both="temperror reason=dns-failed")
    case("dns-author-silent", ["_dmarc.example.org SILENT"], "example.org", [], both="temperror")
    case("dns-organization", ["_dmarc.example.org FAIL"], "a.example.org", [], both="temperror reason=dns-failed")
    case("dns-top", ["_dmarc.org FAIL", at("example.org", p)], "a.example.org", [],
         old="fail policy=reject", new="temperror reason=dns-failed")
    case("dns-top-not-needed", ["_dmarc.org FAIL", at("example.org", p)], "example.org", ["dkim example.org pass"],
         both="pass")
    case("dns-top-behind-psd-no", ["_dmarc.org FAIL", at("example.org", p + "; psd=n")], "a.example.org",
         ["dkim b.example.org pass"], both="pass")
    case("dns-top-strict", ["_dmarc.org FAIL", at("example.org", p + "; adkim=s")], "example.org",
         ["dkim a.example.org pass"], both="fail reason=not-aligned")
    case("dns-of-an-identifier", ["_dmarc.other.net FAIL", at("example.org", p)], "example.org", ["dkim other.net pass"],
         old="fail reason=not-aligned", new="temperror reason=identifier-unknown")
    case("dns-of-an-identifier-beside-a-pass", ["_dmarc.other.net FAIL", at("example.org", p)], "example.org",
         ["dkim other.net pass", "spf example.org pass"], both="pass")
    case("dns-existence", [at("example.org", p + "; np=none"), "a.example.org FAIL"], "a.example.org", [],
         old="fail policy=reject", new="temperror reason=dns-failed")
    case("dns-existence-does-not-change-a-pass", [at("example.org", p + "; np=none"), "a.example.org FAIL"],
         "a.example.org", ["dkim a.example.org pass"], both="pass")
    case("dns-existence-not-needed", [at("example.org", p), "a.example.org FAIL"], "a.example.org", [],
         both="fail policy=reject")


def results():
    """7489 §6.6.2, 9989 §5.3.4, §5.3.5: one aligned pass is enough."""
    zone = [at("example.org", "v=DMARC1; p=reject")]
    lines = {
        "nothing": ([], "fail reason=not-authenticated"),
        "both-failed": (["spf example.org fail", "dkim example.org fail"], "fail reason=not-authenticated"),
        "spf-alone": (["spf example.org pass", "dkim example.org fail"], "pass"),
        "dkim-alone": (["spf example.net fail", "dkim example.org pass"], "pass"),
        "second-signature": (["dkim example.net pass", "dkim example.org pass"], "pass"),
        "list-server": (["spf lists.example.net pass", "dkim lists.example.net pass", "dkim example.org fail"],
                        "fail reason=not-aligned"),
        "aligned-one-unknown": (["spf example.org temperror"], "temperror reason=identifier-unknown"),
        "aligned-sub-unknown": (["dkim a.example.org temperror"], "temperror reason=identifier-unknown"),
        "foreign-one-unknown": (["dkim example.net temperror"], "fail"),
        "unknown-beside-a-pass": (["spf example.org temperror", "dkim example.org pass"], "pass"),
        "no-domain-of-spf": (["spf - fail"], "fail"),
        "suffix-signs": (["dkim org pass"], "fail reason=not-aligned"),
    }
    for name, (ids, both) in lines.items():
        case("result-" + name, zone, "example.org", ids, both=both)
    case("result-no-record", [], "example.org", ["dkim example.org pass"], both="none reason=no-record")
    case("result-no-domain", zone, "[192.0.2.1]", [], both="none reason=no-domain")
    case("result-empty-label", zone, "a..example.org", [], both="none reason=no-domain")
    case("result-label-too-long", zone, "x" * 64 + ".example.org", [], both="none reason=no-domain")
    case("result-final-dot", zone, "example.org.", ["dkim example.org pass"], both="pass")


def main():
    for group in (alignment, policy_tags, tree_walk, suffix_list, records, several, alias, failures, results):
        OUT.append("# %s: %s" % (group.__name__, group.__doc__))
        group()
    text = "# Written by make_vectors.py, which says what stands here; do not edit.\n\n" + "\n".join(OUT)
    if "--check" not in sys.argv:
        print(text, end="")
        return 0
    with open(os.path.join(HERE, "vectors.txt"), encoding="utf-8") as f:
        same = f.read() == text
    print("%d cases, %d vectors%s" % (len(SEEN), 2 * len(SEEN), "" if same else ": vectors.txt is not what is written here"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
