# SPDX-License-Identifier: Apache-2.0
"""Exim configurations and sessions made up from a seed, for asking a real Exim and the replay the same.

A configuration is a handful of features drawn from pools: lists in every form, ACLs for every command, conditions
against each other, expansions, routers behind "verify", authenticators.  Sessions come from a small world of hosts
and domains, so that features and sessions meet.
"""
import random

USERS = {"alice": "Sesame-1", "bob": "geheim_2", "carol@own.example": "third-three"}

CLIENTS = ["127.0.0.1", "10.1.2.3", "10.1.200.9", "192.0.2.25", "198.51.100.7", "198.51.100.66", "203.0.113.5",
           "203.0.113.66", "203.0.113.130", "203.0.113.200", "172.16.5.5", "10.1.200.13", "2001:db8:10::5", "2001:db8:bad::1"]
HELOS = ["client.far.example", "mail.own.example", "localhost", "pc", "[198.51.100.7]", "203.0.113.5", "mx.spam.example",
         "pc.lan.own.example", "bad_name.example", "host!", "MX.Partner.Example", "nodns.example"]
SENDERS = ["joe@far.example", "alice@own.example", "bob@own.example", "", "eve@spam.example", "x@nodns.example",
           "noreply@sub.own.example", "a.b@partner.example", "Alice@OWN.example", "plain", "joe@broken.example",
           '"odd one"@far.example', "joe@[198.51.100.7]", "ceo@branch.example", "postmaster@partner.example",
           "bounce+1=x@lists.example", "news@nullmx.example"]
RECIPIENTS = ["alice@own.example", "bob@own.example", "nobody@own.example", "ALICE@Own.Example", "info@branch.example",
              "user@sub.branch.example", "joe@far.example", "joe@other.example", "sales@hosted.example", "x@backup.example",
              "postmaster", "alice", "joe%far.example@own.example", "joe%far.example@branch.example",
              '"joe@far.example"@own.example', "far.example!joe@own.example", "@own.example:joe@far.example",
              "joe@[192.0.2.25]", "joe@[198.51.100.10]", "joe@mail.own.example", "joe@broken.example", "joe@nodns.example",
              "joe@nullmx.example", "root@own.example", "abuse@own.example", "alias@own.example", "away@own.example",
              "hole@own.example", "many@own.example", "loop@own.example", "gone@own.example", "bob-list@own.example",
              "joe@far.example.", "user@branch2.example", "carol@own.example", "joe@localhost", ".dot@own.example",
              "a..b@own.example", "x/../y@own.example", "joe@alias.example", "someone@lists.example", "user@partner.example"]

WORLD = {
    "records": {
        "3.2.1.10.in-addr.arpa": {"PTR": ["pc.lan.own.example"]}, "pc.lan.own.example": {"A": ["10.1.2.3"]},
        "7.100.51.198.in-addr.arpa": {"PTR": ["client.far.example"]}, "client.far.example": {"A": ["198.51.100.7"]},
        "66.100.51.198.in-addr.arpa": {"PTR": ["mismatch.far.example"]}, "mismatch.far.example": {"A": ["198.51.100.67"]},
        "66.113.0.203.in-addr.arpa": {"PTR": ["mx.spam.example"]}, "mx.spam.example": {"A": ["203.0.113.66"]},
        "130.113.0.203.in-addr.arpa": {"PTR": ["mx.partner.example"]}, "mx.partner.example": {"A": ["203.0.113.130"]},
        "200.113.0.203.in-addr.arpa": {"PTR": ["ghost.far.example"]},
        "1.0.0.127.in-addr.arpa": {"PTR": ["localhost"]},
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.a.b.0.8.b.d.0.1.0.0.2.ip6.arpa": {"PTR": ["host6.far.example"]},
        "host6.far.example": {"AAAA": ["2001:db8:bad::1"]},
        "mail.own.example": {"A": ["192.0.2.25"], "AAAA": ["2001:db8:25::25"]},
        "own.example": {"MX": [[10, "mail.own.example"]]}, "sub.own.example": {"MX": [[10, "mail.own.example"]]},
        "branch.example": {"MX": [[10, "mail.own.example"]]}, "branch2.example": {"MX": [[10, "mail.own.example"]]},
        "sub.branch.example": {"MX": [[10, "mail.own.example"]]}, "hosted.example": {"MX": [[10, "mail.own.example"]]},
        "backup.example": {"MX": [[10, "mx.far.example"], [20, "mail.own.example"]]},
        "far.example": {"MX": [[10, "mx.far.example"]], "A": ["198.51.100.9"]}, "mx.far.example": {"A": ["198.51.100.10"]},
        "other.example": {"A": ["198.51.100.30"]}, "alias.example": {"CNAME": ["other.example"]},
        "partner.example": {"MX": [[10, "mx.partner.example"]]}, "lists.example": {"MX": [[5, "mx.far.example"]]},
        "spam.example": {"MX": [[10, "mx.spam.example"]]}, "nullmx.example": {"MX": [[0, "."]]},
        "mail2.own.example": {"A": ["192.0.2.25"]}, "localhost": {"A": ["127.0.0.1"]},
        "66.113.0.203.bl.example": {"A": ["127.0.0.2"], "TXT": ["listed, see https://bl.example/"]},
        "5.113.0.203.pbl.example": {"A": ["127.0.0.11"], "TXT": ["dynamic"]},
        "66.113.0.203.pbl.example": {"A": ["127.0.0.4", "127.0.0.11"], "TXT": ["hijacked"]},
        "7.100.51.198.wl.example": {"A": ["127.0.0.1"]}, "spam.example.dbl.example": {"A": ["127.0.1.2"]},
        "mx.spam.example.dbl.example": {"A": ["127.0.1.2"]}, "far.example.dbl.example": {"A": ["10.0.0.1"]},
        "policy.example": {"TXT": ["allow"]},
    },
    "servfail": ["broken.example", "13.200.1.10.in-addr.arpa", "badbl.example"],
}

FILES = {
    "users": "alice: Sesame-1\nbob: geheim_2\n\"carol@own.example\": third-three\n",
    "nets": "# ours\n10.1.0.0/17\n203.0.113.128/25   # the partner\n!10.1.2.3\n2001:db8:10::/48\n",
    "hosts": "10.1.2.3: pc\n*.partner.example: yes\nmx.spam.example: no\n203.0.113.0/25: net\n10.1.0.0/16: lan\n",
    "iplist": "10.1.0.0/16: lan\n203.0.113.66: spammer\n\"2001:db8:10::/48\": six\n*: other\n",
    "domains": "# what we relay for\nbranch.example: mail.own.example\n*.branch.example: yes\nhosted.example\nbackup.example:\n",
    "wild": "^sub\\\\..*: regex\n*.example: anything\nbranch.example: late\n",
    "senders": "eve@spam.example: reject\nalice@own.example: ok\n*@partner.example: ok\nfar.example: known\n",
    "aliases": "root: alice\nabuse: postmaster@far.example\nalias: bob@own.example\naway: :fail: gone fishing\n"
               "hole: :blackhole:\nmany: alice, bob, x@far.example\nloop: loop\ngone: :defer: come back later\n"
               "piped: |/bin/cat\nunk: :unknown:\n",
    "people": "alice\nbob\ncarol\npostmaster: x\n",
    "rules": "alice@own.example: *\nbob@own.example: branch.example : *.far.example\n*: own.example\n",
    "local_parts": "alice : bob : !root",
    "inc.conf": "acl_inc = yes\n",
    "keys": "10.1.2.3/alice@own.example: yes\nalice:1\nbob:2\nlimit=5: five\n",
}


class Case:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.files = dict(FILES)

    def pick(self, *pool):
        return self.random.choice(pool)

    def chance(self, part):
        return self.random.random() < part

    def some(self, pool, least, most):
        return [self.random.choice(pool) for _ in range(self.random.randint(least, most))]

    # -------------------------------------------------------------- lists

    def domain_item(self, named=True):
        pool = ["@", "own.example", "branch.example", "*.branch.example", "*branch.example", "hosted.example",
                "lsearch;/etc/exim4/domains", "partial-lsearch;/etc/exim4/domains", "partial1-lsearch;/etc/exim4/domains",
                "wildlsearch;/etc/exim4/wild", "nwildlsearch;/etc/exim4/wild", "@[]", "@mx_any", "@mx_primary",
                "@mx_secondary", "^sub\\.", "^.*\\.far\\.example\\$", "! sub.branch.example", "/etc/exim4/people", "!far.example",
                "*", "lsearch*;/etc/exim4/domains", "dsearch;/etc/exim4/vdomains", "\\N^o\\w+\\.example$\\N",
                "${lookup{$domain}lsearch{/etc/exim4/domains}{$domain}}", "partial(.)lsearch;/etc/exim4/domains",
                "@mx_any/ignore=192.0.2.25", "own.example : ! branch.example", "${if eq{$domain}{hosted.example}{hosted.example}}",
                "partial0-lsearch;/etc/exim4/domains"]
        if named:
            pool += ["+local_domains", "+relay_to_domains", "! +relay_to_domains", "+local_domains"]
        return self.pick(*pool)

    def domain_list(self, named=True):
        return " : ".join(self.domain_item(named) for _ in range(self.random.randint(1, 3)))

    def host_item(self, named=True):
        pool = ["127.0.0.1", "10.1.0.0/16", "203.0.113.128/25", "10.1.2.3", "*.partner.example", "mx.partner.example",
                "*.lan.own.example", "!10.1.200.9", "!203.0.113.66", "2001::db8::10::::/48", "@[]", "@", "*",
                "net24-lsearch;/etc/exim4/hosts", "net-iplsearch;/etc/exim4/iplist", "net16-lsearch;/etc/exim4/hosts",
                "net-lsearch;/etc/exim4/hosts", "lsearch;/etc/exim4/hosts", "wildlsearch;/etc/exim4/hosts", "/etc/exim4/nets",
                "^mx\\.", "ghost.far.example", "nodns.example", "+ignore_unknown : *.spam.example",
                "+include_unknown : *.partner.example", "host.broken.example", "+ignore_defer : host.broken.example : 10.1.0.0/16",
                "${if eq{$sender_host_address}{10.1.2.3}{10.1.2.3}{127.0.0.1}}", "10.0.0.0/8", "0.0.0.0/0", "partial-lsearch;/etc/exim4/domains",
                "iplsearch;/etc/exim4/iplist", "::::1", "10.1.2.3/32 : ! *", "198.51.100.0/24", "+include_defer : host.broken.example"]
        if named:
            pool += ["+relay_from_hosts", "! +relay_from_hosts", ""]
        return self.pick(*pool)

    def host_list(self, named=True):
        return " : ".join(self.host_item(named) for _ in range(self.random.randint(1, 3))) or ":"

    def address_item(self):
        return self.pick("*@own.example", "own.example", "alice@own.example", "^.*@spam\\.example$", "*@+local_domains",
                         "lsearch;/etc/exim4/senders", "lsearch*@;/etc/exim4/senders", "! eve@spam.example", "*@*.example",
                         "", "*", "@@lsearch;/etc/exim4/rules", "+caseful : Alice@own.example", "*lice@own.example",
                         "partner.example", "*@lsearch;/etc/exim4/domains", "/etc/exim4/senders", "*@partial-lsearch;/etc/exim4/domains",
                         "! *@own.example", "+vips", "*@^sub\\.", "^\\N[a-z]+@far\\.example$\\N", "postmaster@*", ": alice@own.example")

    def address_list(self):
        return " : ".join(self.address_item() for _ in range(self.random.randint(1, 3)))

    def local_part_list(self):
        items = ["alice", "bob", "! root", "^[./|]", "^.*[@%!/|]", "*-list", "lsearch;/etc/exim4/people", "+staff", "*",
                 "postmaster : abuse", "/etc/exim4/people", "! nobody", "${lookup{$local_part}lsearch{/etc/exim4/people}{$local_part}}",
                 "+caseful : ALICE", "^.*/\\\\.\\\\./", "nwildlsearch;/etc/exim4/wild"]
        return " : ".join(self.pick(*items) for _ in range(self.random.randint(1, 2)))

    # --------------------------------------------------------- expansions

    def text(self):
        return self.pick("$domain", "$local_part", "$sender_address", "$sender_address_domain", "$sender_host_address",
                         "$sender_helo_name", "$sender_host_name", "$authenticated_id", "$sender_host_authenticated", "$acl_m_a",
                         "$acl_c_b", "$primary_hostname", "$qualify_domain", "$received_port", "$interface_port", "${lc:$sender_address}",
                         "${uc:$local_part}", "${domain:$sender_address}", "${local_part:$sender_address}", "$local_part@$domain",
                         "${substr_0_5:$domain}", "${substr{-3}{3}{$domain}}", "${length_3:$local_part}", "${sg{$domain}{\\\\.}{_}}",
                         "${sg{$local_part}{\\N^(.)(.*)$\\N}{\\$2\\$1}}", "${tr{$local_part}{abc}{xyz}}", "${extract{1}{.}{$domain}}",
                         "${extract{2}{@}{$sender_address}{$value}{none}}", "${extract{b}{a=1 b=$local_part}}",
                         "${lookup{$domain}lsearch{/etc/exim4/domains}{$value}{no}}", "${lookup{$local_part}lsearch{/etc/exim4/people}{yes}{no}}",
                         "${lookup{$sender_address}lsearch*@{/etc/exim4/senders}}", "${lookup{$domain}partial-lsearch{/etc/exim4/domains}{$1|$2}{-}}",
                         "${lookup dnsdb{mxh=$domain}{$value}{none}}", "${lookup dnsdb{>: a=$sender_helo_name}{$value}fail}",
                         "${lookup dnsdb{txt=policy.example}}", "${mask:$sender_host_address/24}", "${reverse_ip:$sender_host_address}",
                         "${strlen:$local_part}", "${eval:3+4*2}", "${eval:10/3}", "${quote:$local_part}", "${quote_local_part:$local_part}",
                         "${listextract{2}{a:$domain:c}}", "${filter{a:$domain:b}{match{$item}{example}}}", "${map{x:y}{$item-$domain}}",
                         "${reduce {1:2:3}{0}{${eval:$value+$item}}}", "${readfile{/etc/exim4/local_parts}}", "${listcount:a:b:$domain}",
                         "${listnamed:relay_to_domains}", "${rxquote:$domain}", "${base64:$local_part}", "${address:<$sender_address>}",
                         "$acl_verify_message", "${acl{acl_sub}{$local_part}{$domain}}", "$smtp_active_hostname", "$received_ip_address",
                         "${escape:$local_part}", "${expand:x}", "${if eq{$domain}{own.example}{own}{other}}", "$received_protocol",
                         "${if def:sender_host_name{$sender_host_name}{none}}", "${sender_address}", "$domain_data", "$local_part_data",
                         "${lookup{$local_part}lsearch,ret=key{/etc/exim4/people}}", "${ipv6denorm:2001:db8::1}", "$1", "$0",
                         "${str2b64:$domain}", "${lookup{$sender_host_address}iplsearch{/etc/exim4/iplist}}", "${expand:$domain}",
                         "${lookup{x}lsearch{/etc/exim4/$domain}{$value}}", "$sender_fullhost", "$nosuchvariable", "${hex2b64:41}", "$acl_narg")

    def condition(self, depth=0):
        if depth < 2 and self.chance(0.2):
            inner = "".join("{%s}" % self.condition(depth + 1) for _ in range(self.random.randint(1, 3)))
            return "%s{%s}" % (self.pick("and", "or"), inner)
        no = self.pick("", "", "!")
        a = self.text()
        return no + self.pick(
            "eq{%s}{%s}" % (a, self.pick("alice", "own.example", "", "yes", "10.1.2.3", self.text())),
            "eqi{%s}{%s}" % (a, self.pick("ALICE", "Own.Example")), "match{%s}{%s}" % (a, self.pick("^a", "\\N\\.example$\\N", "example", "(", "^\\N(\\w+)@(\\w+)\\N")),
            "match_domain{$domain}{%s}" % self.pick("own.example", "+local_domains", "*.example", "+relay_to_domains", "lsearch;/etc/exim4/domains"),
            "match_address{$sender_address}{%s}" % self.pick("*@own.example", "+vips", "*@+local_domains"),
            "match_ip{$sender_host_address}{%s}" % self.pick("10.1.0.0/16", "<; 10.1.0.0/16 ; 2001:db8::/32", "127.0.0.1", "+relay_from_hosts", "/etc/exim4/nets"),
            "match_local_part{$local_part}{%s}" % self.pick("alice:bob", "+staff", "^a"),
            "def:%s" % self.pick("sender_address", "authenticated_id", "sender_host_name", "acl_m_a", "tls_in_cipher", "sender_helo_name", "h_from:"),
            "isip{%s}" % self.pick("$sender_helo_name", "$sender_host_address"), "isip6{$sender_host_address}", "isip4{$sender_host_address}",
            "inlist{%s}{alice:bob:own.example}" % a, "inlisti{%s}{ALICE:x}" % a, "forany{<, a,%s}{eq{$item}{%s}}" % (a, self.pick("alice", "a")),
            "forall{alice:bob}{match{$item}{^.*o}}", "exists{/etc/exim4/%s}" % self.pick("users", "missing", "vdomains"),
            ">{${strlen:$local_part}}{%d}" % self.random.randint(2, 9), "<={$received_port}{25}", "={1}{%s}" % self.pick("1", "0", "x", "1K"),
            "bool{%s}" % self.pick("yes", "false", "1", "", "maybe", "$acl_m_a"), "bool_lax{%s}" % self.pick("yes", "0", "x", "", "false"),
            "gt{%s}{m}" % a, "lti{%s}{M}" % a, "acl{{acl_sub}{$local_part}}", "crypteq{x}{\\{md5\\}abc}", "first_delivery", "queue_running",
            "==={1}{1}", "bogus{1}")

    def expanded_condition(self):
        return self.pick("${if %s}" % self.condition(), "${if %s{yes}{no}}" % self.condition(), "${if %s{1}}" % self.condition(),
                         "${if %s{%s}fail}" % (self.condition(), self.pick("true", "0")), "yes", "no", "0", "1", "", "true", "-1", "maybe",
                         "${lookup{%s}lsearch{/etc/exim4/people}{yes}{no}}" % self.text(), "${lookup{$domain}lsearch{/etc/exim4/people}{yes}}" if self.chance(0.9) else "${lookup{$domain}lsearch{/etc/exim4/missing}{yes}}",
                         "${if %s{${if %s{yes}}}{${lookup{$local_part}lsearch{/etc/exim4/keys}}}}" % (self.condition(), self.condition()))

    # --------------------------------------------------------------- ACLs

    def message(self):
        return self.pick("relay not permitted", "no relay for $sender_host_address", "554 5.7.1 no", "5.7.1 denied", "450 4.2.0 later",
                         "550 $domain is not ours", "521 go away", "rejected because $sender_host_address is in a list at $dnslist_domain\\n$dnslist_text",
                         "$acl_verify_message", "${if eq{$domain}{own.example}{ours}{not ours}}", "", "authentication required",
                         "$nosuchvariable", "571 5.7.1", "two\\nlines", "454-x", "\"quoted text\"")

    def clause(self, where, verb):
        rcpt, env = where == "rcpt", where in ("rcpt", "mail")
        pool = ["hosts"] * 4 + ["condition"] * 4 + ["dnslists", "verify", "set", "acl", "other"]
        pool += ["domains"] * 5 + ["local_parts", "local_parts", "recipients"] if rcpt or self.chance(0.03) else []
        pool += ["senders", "senders", "sender_domains"] if env or self.chance(0.03) else []
        pool += ["authenticated", "authenticated", "encrypted"] if where not in ("connect", "helo") or self.chance(0.03) else []
        kind = self.pick(*pool)
        no = self.pick("", "", "", "!", "! ")
        if kind == "hosts":
            return no + "hosts = " + self.pick(":", self.host_list(), self.host_list())
        if kind == "domains":
            return no + "domains = " + self.domain_list()
        if kind == "local_parts":
            return no + "local_parts = " + self.local_part_list()
        if kind in ("senders", "recipients"):
            return no + kind + " = " + self.address_list()
        if kind == "sender_domains":
            return no + "sender_domains = " + self.domain_list()
        if kind == "authenticated":
            return no + "authenticated = " + self.pick("*", "*", "plain", "login", "! plain")
        if kind == "encrypted":
            return no + "encrypted = *"
        if kind == "condition":
            return no + "condition = " + self.expanded_condition()
        if kind == "acl":
            return no + "acl = " + self.pick("acl_sub", "acl_sub2", "acl_sub $domain x", "acl_missing", "accept", "deny")
        if kind == "verify":
            return no + "verify = " + self.pick("recipient", "recipient", "sender", "reverse_host_lookup", "helo",
                                                "sender/no_details", "recipient/defer_ok", "recipient/success_on_redirect",
                                                "sender=alice@own.example", "recipient/callout=5s,defer_ok" if False else "recipient", "certificate")
        if kind == "dnslists":
            return no + "dnslists = " + self.pick(
                "bl.example", "pbl.example=127.0.0.11", "pbl.example=127.0.0.4,127.0.0.10", "bl.example : pbl.example",
                "dbl.example/$sender_address_domain", "dbl.example/$sender_helo_name", "badbl.example", "+include_unknown : badbl.example",
                "+defer_unknown : badbl.example", "pbl.example!=127.0.0.11", "pbl.example&0.0.0.8", "pbl.example==127.0.0.11", "wl.example",
                "bl.example,pbl.example=127.0.0.4", "bl.example/203.0.113.66", "pbl.example=&0.0.0.8", "dbl.example/<|$sender_address_domain|far.example")
        if kind == "set":
            return "set acl_%s = %s" % (self.pick("m_a", "c_b", "m0"), self.text())
        return self.pick("delay = 0s", "control = caseful_local_part", "control = submission", "control = dkim_disable_verify",
                         "logwrite = :main: note", "add_header = X-A: $local_part", "log_message = logged $domain", "continue = $local_part",
                         "ratelimit = 100 / 1h / strict", "control = caselower_local_part", "control = no_such", "control = freeze/no_tell",
                         "remove_header = x", "set acl_m_a = yes")

    def statement(self, where):
        verb = self.pick(*["accept"] * 5 + ["deny"] * 5 + ["require"] * 2 + ["warn"] * 2 + ["defer", "drop", "discard"])
        clauses = [self.clause(where, verb) for _ in range(self.random.choice([0, 1, 1, 1, 2, 2, 3]) if verb not in ("accept", "deny", "drop", "defer", "discard") else self.random.choice([1, 1, 1, 2, 2, 3]))]
        if self.chance(0.4):
            clauses.insert(self.random.randint(0, len(clauses)), "message = " + self.message())
        if verb in ("accept", "discard") and self.chance(0.25):
            clauses.insert(self.random.randint(0, len(clauses)), "endpass")
        if verb == "discard" and self.chance(0.6):
            return []
        return self.laid_out(verb, clauses)

    def laid_out(self, verb, clauses):
        if not clauses:
            return ["  " + verb]
        lines = ["  %s %s" % (verb, clauses[0])] if self.chance(0.7) else ["  " + verb, "    " + clauses[0]]
        for clause in clauses[1:]:
            if self.chance(0.1):
                lines.append("    # a remark")
            lines.append("    " + clause)
        return lines

    def acl(self, name, where, least, most, final):
        lines = [name + ":"]
        for _ in range(self.random.randint(least, most)):
            lines += self.statement(where)
        return lines + final

    def rcpt_acl(self):
        """The usual shape, with what is usual left out or changed, among random statements."""
        usual = [["  accept hosts = :"], ["  accept hosts = +relay_from_hosts"], ["  accept authenticated = *"],
                 ["  deny message = Restricted characters in address", "    domains = +local_domains", "    local_parts = ^[.] : ^.*[@%!/|]"],
                 ["  require verify = sender"], ["  accept local_parts = postmaster", "    domains = +local_domains"],
                 ["  accept domains = +local_domains", "    endpass", "    message = unknown user", "    verify = recipient"],
                 ["  accept domains = +relay_to_domains", "    endpass", "    verify = recipient"],
                 ["  require message = relay not permitted", "    domains = +local_domains : +relay_to_domains"],
                 ["  require verify = recipient"], ["  deny dnslists = bl.example", "    message = listed at $dnslist_domain"]]
        lines = ["acl_check_rcpt:"]
        for one in usual:
            if self.chance(0.75):
                lines += one
            if self.chance(0.25):
                lines += self.statement("rcpt")
        return lines + self.pick(["  accept"], ["  deny message = relay not permitted"], [], ["  deny"], ["  accept message = fine"],
                                 ["  require authenticated = *", "  accept"])

    # ------------------------------------------------------------ routers

    def router(self, name):
        lines = [name + ":"]
        kind = self.pick("accept", "accept", "dnslookup", "dnslookup", "redirect", "redirect", "redirect", "manualroute", "ipliteral")
        lines.append("  driver = " + kind)
        if self.chance(0.6):
            lines.append("  domains = " + self.domain_list())
        if kind == "accept" or self.chance(0.2):
            if self.chance(0.7):
                lines.append("  local_parts = " + self.local_part_list())
        extra = ["condition = " + self.expanded_condition(), "senders = " + self.address_list(), "no_verify", "verify_sender = false",
                 "no_verify_recipient", "no_more", "local_part_suffix = +* : -*\n  local_part_suffix_optional", "local_part_suffix = -list",
                 "local_part_prefix = real-", "require_files = /etc/exim4/users", "require_files = /etc/exim4/missing", "require_files = ! /etc/exim4/missing", "fail_verify_sender",
                 "address_data = $local_part", "address_data = ${lookup{$local_part}lsearch{/etc/exim4/people}{$value}fail}",
                 "cannot_route_message = no such $local_part here", "check_local_user", "caseful_local_part", "unseen", "more = false",
                 "pass_router = last", "verify_only", "fail_verify", "set = r_a = $domain", "more = ${if eq{$local_part}{alice}}"]
        used = set()
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            line = self.pick(*extra)
            key = line.split()[0].replace("no_", "").split("=")[0]
            if key not in used and not any(l.strip().startswith(key) for l in lines) and not (key == "pass_router" and kind == "accept"):
                used.add(key)
                lines.append("  " + line)
        return lines + ["  " + line for line in self.router_private(kind)]

    def router_private(self, kind):
        if kind == "accept":
            return ["transport = null"]
        if kind == "dnslookup":
            more = ["self = " + self.pick("pass", "send", "fail", "freeze", "defer", "reroute: own.example")] if self.chance(0.6) else []
            more += self.pick([], [], ["ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8 : 192.0.2.25"], ["mx_domains = *.example"],
                              ["check_secondary_mx"], ["pass_on_timeout"])
            return ["transport = smtp"] + more
        if kind == "redirect":
            data = self.pick("${lookup{$local_part}lsearch{/etc/exim4/aliases}}", "${lookup{$local_part}lsearch{/etc/exim4/aliases}}",
                             "${lookup{$local_part}lsearch*{/etc/exim4/aliases}{$value}fail}", ":fail: closed", "alice@own.example", "",
                             "${if eq{$local_part}{root}{bob}}", "bob", "x@nodns.example", ":blackhole:", ":unknown:", "alice, bob",
                             "${quote_local_part:$local_part}@branch.example", "not an address", "/dev/null", "| /bin/true")
            more = self.pick(["allow_fail", "allow_defer"], ["allow_fail", "allow_defer"], ["allow_fail"], [])
            more = more + self.pick([], [], ["qualify_preserve_domain"], ["qualify_domain = branch.example"], ["skip_syntax_errors"])
            return ["data = " + data] + more + ["file_transport = null", "pipe_transport = null", "user = Debian-exim"]
        if kind == "manualroute":
            route = self.pick("route_list = * 198.51.100.10", "route_list = branch.example mx.far.example", "route_data = ${lookup{$domain}lsearch{/etc/exim4/domains}}",
                              "route_list = *.example nodns.example", "route_list = hosted.example 192.0.2.25 ; * mx.far.example::2525 byname",
                              "route_list = * mail.own.example", "route_data = ${if eq{$domain}{own.example}{mx.far.example}}",
                              "route_list = +relay_to_domains \"mx.far.example : mx.partner.example\"", "route_list = * host.broken.example")
            more = self.pick([], [], ["host_find_failed = " + self.pick("pass", "decline", "fail", "defer", "ignore", "freeze")], ["self = send"], ["self = pass"])
            return [route, "transport = smtp"] + more
        return ["transport = smtp"]

    def routers(self):
        lines = ["begin routers"]
        if self.chance(0.5):
            lines += ["remote:", "  driver = dnslookup", "  domains = ! +local_domains", "  transport = smtp", "  ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8", "  no_more",
                      "aliases:", "  driver = redirect", "  allow_fail", "  allow_defer", "  data = ${lookup{$local_part}lsearch{/etc/exim4/aliases}}",
                      "  file_transport = null", "  pipe_transport = null"]
        else:
            for number in range(self.random.randint(0, 4)):
                lines += self.router("r%d" % number)
        return lines + ["last:", "  driver = accept", "  domains = +local_domains", "  local_parts = " + self.pick("alice : bob", "! nobody", "lsearch;/etc/exim4/people", "*"), "  transport = null"]

    # ------------------------------------------------------ authenticators

    def authenticators(self):
        lines = ["begin authenticators"]
        if self.chance(0.9):
            condition = self.pick(
                "${lookup{$auth2}lsearch{/etc/exim4/users}{${if eq{$auth3}{$value}}}fail}",
                "${lookup{$auth2}lsearch{/etc/exim4/users}{${if eq{$value}{$auth3}{yes}{no}}}{no}}",
                "${if and{{eq{$auth2}{alice}}{eq{$auth3}{Sesame-1}}}}", "${if eq{$auth2}{bob}{${if eq{$auth3}{geheim_2}}}}",
                "yes", "no", "${if eq{$3}{${lookup{$2}lsearch{/etc/exim4/users}{$value}fail}}{1}{0}}",
                "${if !eq{$auth3}{}{${if eq{$auth3}{${lookup{${lc:$auth2}}lsearch{/etc/exim4/users}{$value}{}}}}}}",
                "${if eq{${extract{1}{ }{${lookup{$auth2}lsearch{/etc/exim4/users}}}}}{$auth3}}", "${lookup{$auth2}lsearch{/etc/exim4/users}}",
                "${if inlist{$auth3}{Sesame-1:geheim_2}}" if False else "${if eq{$auth3}{${lookup{$auth2}lsearch{/etc/exim4/users}}}}",
                "${if match{$auth2}{^a}{${lookup{$auth2}lsearch{/etc/exim4/users}{${if eq{$auth3}{$value}}}fail}}fail}")
            lines += ["plain:", "  driver = plaintext", "  public_name = PLAIN", "  server_prompts = :", "  server_condition = " + condition,
                      "  server_set_id = " + self.pick("$auth2", "$auth2", "${lc:$auth2}", "user-$auth2")]
            if self.chance(0.5):
                lines.append("  server_advertise_condition = " + self.pick("yes", "${if def:tls_in_cipher}", "${if eq{$sender_host_address}{10.1.2.3}}", "no", "*", "${if match_ip{$sender_host_address}{10.1.0.0/16}}", "1"))
        return lines

    # ----------------------------------------------------------- the whole

    def main_options(self):
        lines = []
        extra = ["auth_advertise_hosts = " + self.pick("", "*", "10.1.0.0/16", "! 203.0.113.0/24 : *", self.host_list(False)), "percent_hack_domains = own.example : branch.example",
                 "allow_domain_literals", "strip_trailing_dot", "sender_unqualified_hosts = 10.1.0.0/16", "recipient_unqualified_hosts = *",
                 "host_reject_connection = " + self.pick("203.0.113.66", "*.spam.example", self.host_list(False)), "helo_verify_hosts = " + self.pick("10.1.0.0/16", "*", "203.0.113.0/24"),
                 "helo_try_verify_hosts = *", "helo_accept_junk_hosts = " + self.pick("*", "10.1.0.0/16"), "helo_allow_chars = _", "qualify_recipient = branch.example",
                 "tls_advertise_hosts =", "strict_acl_vars", "smtp_return_error_details", "helo_lookup_domains = @ : pc", "smtp_active_hostname = mail2.own.example",
                 "smtp_accept_max = 50", "message_size_limit = 10M", "no_allow_mx_to_ip", "strip_excess_angle_brackets", "never_users = root",
                 "dns_again_means_nonexist = " + self.pick("*", "broken.example")]
        seen = set()
        for line in self.some(extra, 0, 3):
            key = line.split()[0]
            if key not in seen:
                seen.add(key)
                lines.append(line)
        return lines

    def config(self):
        lines = ["MAIN_TLS = yes", "RELAYNET = 10.1.0.0/16", "primary_hostname = mail.own.example", "exim_user = Debian-exim", "exim_group = Debian-exim",
                 "spool_directory = /var/spool/exim4", "log_file_path = /var/log/exim4/%slog", "qualify_domain = own.example"]
        if self.chance(0.7):
            lines.append("host_lookup = " + self.pick("*", "10.1.0.0/16", "!127.0.0.1 : *"))
        lines += ["domainlist local_domains = " + self.pick("@ : own.example", "own.example", "@ : @[] : own.example", self.domain_list(False)),
                  "domainlist relay_to_domains = " + self.pick("branch.example", "", "*.branch.example : branch.example", "lsearch;/etc/exim4/domains", self.domain_list(False)),
                  "hostlist relay_from_hosts = " + self.pick("127.0.0.1 : RELAYNET", "<; 127.0.0.1 ; ::1 ; 2001:db8:10::/48 ; RELAYNET", "127.0.0.1", "/etc/exim4/nets", self.host_list(False)),
                  "addresslist vips = alice@own.example : *@partner.example", "localpartlist staff = alice : bob : postmaster"]
        lines += self.main_options()
        if self.chance(0.3):
            lines += [".ifdef " + self.pick("MAIN_TLS", "NO_SUCH", "RELAYNET", "_HAVE_IPV6"), "accept_8bitmime = false", ".else", "no_accept_8bitmime", ".endif"]
        acls = []
        if self.chance(0.95):
            lines.append("acl_smtp_rcpt = " + self.pick("acl_check_rcpt", "acl_check_rcpt", "acl_check_rcpt", "${if eq{$sender_host_address}{10.1.2.3}{acl_sub2}{acl_check_rcpt}}"))
        for where in ("connect", "helo", "mail", "auth"):
            if self.chance(0.2):
                lines.append("acl_smtp_%s = acl_check_%s" % (where, where))
                acls += self.acl("acl_check_" + where, where, 1, 2, self.pick(["  accept"], ["  accept"], ["  accept"], []))
        lines += ["begin acl"] + self.rcpt_acl() + acls
        lines += ["acl_sub:"] + self.statement("rcpt") + self.pick(["  accept"], ["  deny"], [], ["  accept message = $acl_arg1-$acl_narg", ""])
        lines += ["acl_sub2:"] + self.statement("rcpt") + self.statement("rcpt") + ["  accept"]
        lines += self.routers() + ["begin transports", "null:", "  driver = appendfile", "  file = /dev/null", "  user = Debian-exim", "smtp:", "  driver = smtp"]
        lines += self.authenticators() + ["begin retry", "* * F,2h,15m"]
        return "\n".join(lines) + "\n"

    def session(self, number):
        login = None
        if self.chance(0.25):
            user = self.pick("alice", "bob", "carol@own.example", "mallory")
            valid = self.chance(0.75) and user in USERS
            login = {"user": user, "valid": valid, "pass": USERS[user] if valid else "wrong"}
        return {"id": "s%02d" % number, "client": self.pick(*CLIENTS), "port": self.pick(25, 25, 25, 587), "tls": "", "cert": None, "sasl": login,
                "helo": self.pick("client.far.example", self.pick(*HELOS)), "sender": self.pick("joe@far.example", "alice@own.example", self.pick(*SENDERS)),
                "rcpt": self.pick("joe@other.example", "alice@own.example", self.pick(*RECIPIENTS), self.pick(*RECIPIENTS))}

    def sessions(self, count):
        return [self.session(number) for number in range(count)]
