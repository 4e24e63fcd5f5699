#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`check` and `lookup` against worlds of its own: a well-kept domain has nothing to mend, each broken one exactly the faults it was
given, and every row of data/checks/ is seen to fire. Silence proves nothing: what was not answered is untested."""
import json
import os
import re
import subprocess
import unittest

import mock_world

PROGRAM = os.environ.get("SMTPDX", "")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

GOOD = """\
-- dns --
{d}. MX 10 mx1.{d}.
{d}. MX 20 mx2.{d}.
mx1.{d}. A 192.0.2.25
mx1.{d}. AAAA 2001:db8::25
mx2.{d}. A 198.51.100.25
25.2.0.192.in-addr.arpa. PTR mx1.{d}.
5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx1.{d}.
25.100.51.198.in-addr.arpa. PTR mx2.{d}.
{d}. TXT "v=spf1 mx -all"
_dmarc.{d}. TXT "v=DMARC1; p=reject; rua=mailto:d@{d}"
_mta-sts.{d}. TXT "v=STSv1; id=20260101"
_smtp._tls.{d}. TXT "v=TLSRPTv1; rua=mailto:t@{d}"
-- server 192.0.2.25:25 [2001:db8::25]:25 --
name: mx1.{d}
starttls: yes
-- server 198.51.100.25:25 --
name: mx2.{d}
starttls: yes
"""

# What is wrong in each: the zone's lines, and which ids it must have at fail or warn, or as a note where it says so.
SPF = {
    "spf-none": ([], {"SPF-01"}),
    "spf-two": (["v=spf1 -all", "v=spf1 ~all"], {"SPF-02"}),
    "spf-near": (["v=spf10 -all"], {"SPF-01", "SPF-03"}),
    "spf-syntax": (["v=spf1 ip4:192.0.2.300 -all"], {"SPF-05"}),
    "spf-word": (["v=spf1 ipv4:192.0.2.1 -all"], {"SPF-06"}),
    "spf-modifier": (["v=spf1 inclde=other.example -all"], {"SPF-07"}),
    "spf-many": (["v=spf1 " + " ".join("a:h%d.spf-many.example" % n for n in range(11)) + " -all"], {"SPF-08"}),
    "spf-edge": (["v=spf1 " + " ".join("a:h%d.spf-edge.example" % n for n in range(8)) + " -all"], {"SPF-09"}),
    "spf-voids": (["v=spf1 a:n1.example a:n2.example a:n3.example -all"], {"SPF-10", "SPF-11"}),
    "spf-gone": (["v=spf1 a:n1.example -all"], {"SPF-11"}),
    "spf-ptr": (["v=spf1 ptr -all"], {"SPF-14"}),
    "spf-open": (["v=spf1 ip4:192.0.2.1 +all"], {"SPF-15"}),
    "spf-quiet": (["v=spf1 ip4:192.0.2.1"], {"SPF-16"}),
    "spf-behind": (["v=spf1 -all ip4:192.0.2.1"], {"SPF-18"}),
    "spf-both": (["v=spf1 -all redirect=spf-quiet.example"], {"SPF-19"}),
    "spf-redirect": (["v=spf1 redirect=nowhere.example"], {"SPF-20"}),
    "spf-include": (["v=spf1 include:nowhere.example -all"], {"SPF-21"}),
    "spf-circle": (["v=spf1 include:spf-circle.example -all"], {"SPF-22"}),
    "spf-twice": (["v=spf1 ip4:192.0.2.1 ip4:192.0.2.1 -all"], {"SPF-23"}),
    "spf-redirects": (["v=spf1 redirect=a.example redirect=b.example"], {"SPF-24"}),
    "spf-inside": (["v=spf1 ip4:192.0.2.5/24 -all"], {"SPF-30"}),
    "spf-fine": (["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"], set()),
}
OTHER = {
    "mx-none": ([], {"MX-01"}),
    "mx-implicit": (["mx-implicit.example. A 192.0.2.25"], {"MX-02", "V6-03", "TLS-14"}),
    "mx-null": (["mx-null.example. MX 0 ."], {"MX-03"}),
    "mx-null5": (["mx-null5.example. MX 5 ."], {"MX-03", "MX-05"}),
    "mx-nullmore": (["mx-nullmore.example. MX 0 .", "mx-nullmore.example. MX 10 mx1.good.example.", "mx-nullmore.example. MX 20 mx2.good.example."],
                    {"MX-04"}),
    "mx-alias": (["mx-alias.example. MX 10 a.mx-alias.example.", "a.mx-alias.example. CNAME mx1.good.example."],
                 {"MX-08", "MX-14", "TLS-14"}),
    "mx-address": (["mx-address.example. MX 10 192.0.2.77."], {"MX-09", "MX-14", "MX-19", "RDNS-01", "V6-03"}),
    "mx-gone": (["mx-gone.example. MX 10 gone.mx-gone.example."], {"MX-10", "MX-14"}),
    "mx-private": (["mx-private.example. MX 10 p.mx-private.example.", "p.mx-private.example. A 10.0.0.1"],
                   {"MX-11", "MX-14", "MX-19", "RDNS-01", "V6-03"}),
    "mx-twice": (["mx-twice.example. MX 10 mx1.good.example.", "mx-twice.example. MX 20 mx1.good.example.",
                  "mx-twice.example. MX 30 mx2.good.example."], {"MX-12"}),
    "mx-together": (["mx-together.example. MX 10 mx2.good.example.", "mx-together.example. MX 10 b.mx-together.example.",
                     "b.mx-together.example. A 198.51.100.25"], {"MX-13", "V6-03", "TLS-14"}),
    "mx-many": (["mx-many.example. MX %d h%d.mx-many.example." % (n, n) for n in range(10, 21)], {"MX-17", "MX-10"}),
    "mx-word": (["mx-word.example. MX 10 a_b.mx-word.example.", "a_b.mx-word.example. A 192.0.2.25"],
                {"MX-18", "MX-14", "V6-03", "TLS-14"}),
    "mx-554": (["mx-554.example. MX 10 h.mx-554.example.", "h.mx-554.example. A 192.0.2.31", "31.2.0.192.in-addr.arpa. PTR h.mx-554.example."],
               {"MX-20", "MX-14", "V6-03"}),
    "mx-long": (["mx-long.example. 900000 MX 10 mx1.good.example."], {"MX-14", "MX-21"}),
    "ptr-generic": (["ptr-generic.example. MX 10 mail.ptr-generic.example.", "mail.ptr-generic.example. A 192.0.2.32",
                     "32.2.0.192.in-addr.arpa. PTR host-192-0-2-32.isp.example.", "32.2.0.192.in-addr.arpa. PTR second.example.",
                     "host-192-0-2-32.isp.example. A 192.0.2.32"], {"RDNS-04", "RDNS-05", "RDNS-06", "MX-14", "V6-03", "TLS-01"}),
    "ptr-lost": (["ptr-lost.example. MX 10 mail.ptr-lost.example.", "mail.ptr-lost.example. A 192.0.2.33",
                  "33.2.0.192.in-addr.arpa. PTR mx1.good.example."], {"RDNS-02", "MX-14", "MX-19", "V6-03"}),
    "dmarc-two": (["_dmarc.dmarc-two.example. TXT \"v=DMARC1; p=none\"", "_dmarc.dmarc-two.example. TXT \"v=DMARC1; p=reject\""],
                  {"MX-01", "DMARC-02"}),
    "dmarc-apex": (["dmarc-apex.example. TXT \"v=DMARC1; p=none\""], {"MX-01", "DMARC-01", "DMARC-03"}),
    "dmarc-near": (["_dmarc.dmarc-near.example. TXT \"v=dmarc1; p=none\""], {"MX-01", "DMARC-01", "DMARC-04"}),
    "sts-bad": (["_mta-sts.sts-bad.example. TXT \"v=STSv1; id=\""], {"MX-01", "STS-02"}),
    "sts-none": ([], {"MX-01", "STS-01", "TRPT-01"}),
    "rpt-bad": (["_smtp._tls.rpt-bad.example. TXT \"v=TLSRPTv1;\""], {"MX-01", "TRPT-02"}),
    "rpt-ftp": (["_smtp._tls.rpt-ftp.example. TXT \"v=TLSRPTv1; rua=ftp://x\""], {"MX-01", "TRPT-03"}),
}
DMARC = {
    "d-fine": ("v=DMARC1; p=reject; rua=mailto:r@good.example", set()),
    "d-part": ("v=DMARC1; p=reject; rua=mailto:r@good.example; oops", {"DMARC-05"}),
    "d-nop": ("v=DMARC1; rua=mailto:r@good.example", {"DMARC-06", "DMARC-08"}),
    "d-late": ("v=DMARC1; rua=mailto:r@good.example; p=reject", {"DMARC-07"}),
    "d-none": ("v=DMARC1; p=none; rua=mailto:r@good.example", {"DMARC-08"}),
    "d-sub": ("v=DMARC1; p=reject; sp=none; rua=mailto:r@good.example", {"DMARC-09"}),
    "d-np": ("v=DMARC1; p=reject; np=none; rua=mailto:r@good.example", {"DMARC-10"}),
    "d-trial": ("v=DMARC1; p=reject; t=y; rua=mailto:r@good.example", {"DMARC-11"}),
    "d-old": ("v=DMARC1; p=reject; pct=50; rua=mailto:r@good.example", {"DMARC-12"}),
    "d-psd": ("v=DMARC1; p=reject; psd=y; rua=mailto:r@good.example", {"DMARC-13"}),
    "d-word": ("v=DMARC1; p=reject; nonsense=1; rua=mailto:r@good.example", {"DMARC-15"}),
    "d-twice": ("v=DMARC1; p=reject; adkim=r; adkim=s; rua=mailto:r@good.example", {"DMARC-16"}),
    "d-value": ("v=DMARC1; p=reject; adkim=x; rua=mailto:r@good.example", {"DMARC-17"}),
    "d-norua": ("v=DMARC1; p=reject", {"DMARC-19"}),
    "d-uri": ("v=DMARC1; p=reject; rua=mailto:r@good.example,nobody", {"DMARC-20"}),
    "d-many": ("v=DMARC1; p=reject; rua=mailto:a@good.example,mailto:b@good.example,mailto:c@good.example", {"DMARC-21"}),
    "d-size": ("v=DMARC1; p=reject; rua=mailto:r@good.example!10m", {"DMARC-22"}),
    "d-ruf": ("v=DMARC1; p=reject; rua=mailto:r@good.example; ruf=mailto:r@good.example", {"DMARC-25", "DMARC-26"}),
}
SERVERS = """\
-- server 192.0.2.31:25 --
name: h.mx-554.example
at connect: reply 554 5.3.2 no mail here
-- server 192.0.2.32:25 --
name: mail.ptr-generic.example
"""
# Not seen to fire here, but in src/rules/survey_test.cpp: signed zones, certificates of every age, failing look-ups.
ELSEWHERE = {"SEC-01", "SEC-02", "SEC-03", "SEC-04", "TLS-02", "TLS-03", "TLS-16", "SPF-04", "SPF-42", "RDNS-03"}


def world():
    text = GOOD.format(d="good.example")
    dns, servers = text.split("-- server", 1)
    for name, (records, _) in SPF.items():
        dns += "".join('%s.example. TXT "%s"\n' % (name, r) if len(r) < 250 else '%s.example. TXT "%s" "%s"\n' % (name, r[:200], r[200:])
                       for r in records)
    for n in range(11):
        dns += "h%d.spf-many.example. A 192.0.2.90\nh%d.spf-edge.example. A 192.0.2.90\n" % (n, n)
    dns += "".join('_dmarc.%s.example. TXT "%s"\n' % (name, record) for name, (record, _) in DMARC.items())
    dns += '_dmarc.d-ruf.example. TXT "some other service"\n'
    for records, _ in OTHER.values():
        dns += "".join(r + "\n" for r in records)
    return dns + "-- server" + servers + SERVERS


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.playing = mock_world.played(PROGRAM, world(), ca=True)
        cls.reach = cls.playing.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.playing.__exit__(None, None, None)

    def look(self, target, *words):
        done = subprocess.run([PROGRAM, "check", target, "--json", *words, *self.reach], capture_output=True, text=True, timeout=90)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["schema"], "smtpdx.check/1")
        known = {o["id"] for o in document["observations"]}
        for finding in document["findings"]:
            self.assertLessEqual(set(finding["because"]), known)
            self.assertEqual(bool(finding["severity"] == "untested"), "side" in finding)
        return done.returncode, document

    def faults(self, document, *severities):
        return {f["id"] for f in document["findings"] if f["severity"] in (severities or ("info", "warn", "fail"))}

    def test_a_well_kept_domain_has_nothing_to_mend(self):
        code, document = self.look("good.example")
        self.assertEqual(self.faults(document), set())
        self.assertEqual(code, 0)
        # without a trust anchor nothing is said about DNSSEC
        self.assertEqual(self.faults(document, "untested"), {"SEC-01", "SEC-03"})
        areas = {f["area"] for f in document["findings"]}
        self.assertEqual(areas, {"mx", "ptr", "spf", "dmarc", "mta-sts", "tlsrpt", "starttls", "tls", "dnssec"})

    def test_an_authority_that_nobody_trusts_is_noted(self):
        done = subprocess.run([PROGRAM, "check", "good.example", "--json", *self.reach[:-2]], capture_output=True, text=True, timeout=60)
        self.assertEqual(self.faults(json.loads(done.stdout)), {"TLS-13"})

    def test_each_broken_policy_has_its_fault(self):
        for name, (_, wanted) in SPF.items():
            with self.subTest(name):
                code, document = self.look(name + ".example", "--only", "spf")
                self.assertEqual(self.faults(document), wanted, [f for f in document["findings"] if f["severity"] != "pass"])
                self.assertEqual(code, 1 if self.faults(document, "fail") else 0)
                self.assertEqual({f["area"] for f in document["findings"]}, {"spf"})

    def test_each_record_for_dmarc_has_its_fault(self):
        for name, (_, wanted) in DMARC.items():
            with self.subTest(name):
                _, document = self.look(name + ".example", "--only", "dmarc")
                self.assertEqual(self.faults(document), wanted, [f for f in document["findings"] if f["severity"] != "pass"])

    def test_a_subdomain_has_its_organizations_policy(self):
        _, document = self.look("news.d-none.example", "--only", "dmarc")
        self.assertEqual(self.faults(document), {"DMARC-08"})
        self.assertEqual({f["subject"] for f in document["findings"] if f["id"] == "DMARC-08"}, {"d-none.example"})

    def test_each_broken_domain_has_its_faults(self):
        usual = {"SPF-01", "DMARC-01", "STS-01", "TRPT-01"}
        for name, (_, wanted) in OTHER.items():
            with self.subTest(name):
                _, document = self.look(name + ".example")
                found = self.faults(document)
                self.assertEqual(found - (usual - wanted), wanted, [f for f in document["findings"] if f["id"] in found])

    def test_every_row_is_seen_to_fire(self):
        with open(os.path.join(ROOT, "data/checks/checks.toml"), encoding="utf-8") as f:
            rows = set(re.findall(r'^id = "(.*)"', f.read(), re.M))
        fired = set().union(*(w for _, w in [*SPF.values(), *OTHER.values(), *DMARC.values()])) | {"DMARC-01", "TLS-13"}
        self.assertEqual(rows - fired, ELSEWHERE)

    def test_silence_proves_nothing(self):
        done = subprocess.run([PROGRAM, "check", "good.example", "--json", "--timeout", "3", "--resolver", "127.0.0.1:9"],
                              capture_output=True, text=True, timeout=60)
        document = json.loads(done.stdout)
        self.assertEqual({f["severity"] for f in document["findings"]}, {"untested"}, document["findings"])
        self.assertEqual(done.returncode, 3)

    def test_only_dns_opens_no_connection(self):
        _, document = self.look("good.example", "--consent", "dns")
        self.assertNotIn("MX-19", {f["id"] for f in document["findings"]})
        self.assertFalse([t for t in document["transcripts"] if t["channel"].startswith("smtp")])

    def test_text_says_the_faults_first(self):
        done = subprocess.run([PROGRAM, "check", "mx-gone.example", *self.reach], capture_output=True, text=True, timeout=60)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^FAIL mx-gone\.example: 3 faults")
        self.assertEqual(lines[2], "FAIL MX-10 The MX host has no address")
        self.assertIn("Do this  1. ", done.stdout)

    def quick(self, question, *words):
        done = subprocess.run([PROGRAM, "lookup", question, "--json", *(words or self.reach)], capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout)

    def test_quick_questions(self):
        for question, part in (("mx:good.example", "mx1.good.example"), ("a:mx1.good.example", "192.0.2.25"), ("TXT:good.example", "v=spf1 mx -all"),
                               ("spf:good.example", "v=spf1"), ("dmarc:good.example", "v=DMARC1"), ("mta-sts:good.example", "v=STSv1"),
                               ("tlsrpt:good.example", "v=TLSRPTv1"), ("ptr:192.0.2.25", "mx1.good.example leads back"),
                               ("cname:a.mx-alias.example", "mx1.good.example"), ("smtp:mx1.good.example", "certificate: for this name, trusted"),
                               ("tcp:mx1.good.example:25", "192.0.2.25:25 answers")):
            with self.subTest(question):
                code, document = self.quick(question)
                self.assertEqual((code, document["status"], document["schema"]), (0, "found", "smtpdx.lookup/1"), document)
                self.assertIn(part, "\n".join(document["lines"]))
        for question in ("mx:nowhere.example", "spf:spf-none.example", "dkim:good.example", "dkim:good.example:s1", "ptr:192.0.2.99",
                         "tcp:mx2.good.example:587"):
            with self.subTest(question):
                code, document = self.quick(question)
                self.assertEqual((code, document["status"], document["lines"]), (1, "absent", []), document)
        for question in ("mx:good.example", "dkim:good.example", "smtp:mx1.good.example"):
            code, document = self.quick(question, "--resolver", "127.0.0.1:9", "--timeout", "3")
            self.assertEqual((code, document["status"]), (3, "unknown"), document)

    def test_usage(self):
        for question in ("mx", "mx:", "nonsense:example.org", "ptr:example.org"):
            self.assertEqual(subprocess.run([PROGRAM, "lookup", question], capture_output=True, timeout=60).returncode, 2, question)
        for words, part in ((["a b"], "neither a domain nor an address"), (["example.org", "--only", "mx,nonsense"], "no such area")):
            done = subprocess.run([PROGRAM, "check", *words], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: no built program (SMTPDX)")
        raise SystemExit(77)
    unittest.main()
