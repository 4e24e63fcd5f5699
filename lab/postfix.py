# SPDX-License-Identifier: Apache-2.0
"""Many Postfix servers out of one master.

A Postfix of its own costs a master, a queue manager and a second of start-up;
fifty would not fit.  But all that makes one server answer differently from
another over SMTP is smtpd and the trivial-rewrite it asks about addresses, and
master.cf lets both be run with any parameter replaced.  So every server of a
world becomes its own smtpd lines and its own trivial-rewrite line in one
master.cf, with its main.cf given as -o overrides.  The program, the restriction
code and the replies are the real ones.

The same main.cf is also written out as the folder its administrator would have
(config/NAME/), for `--config postfix:PATH`.  It holds every parameter that the
running server was given, so the two cannot differ but in where tables, keys and
the SASL socket lie.

The running main.cf is dated back: while it is younger than a second or so, every
Postfix program that starts waits up to 1.5 s for it to stop changing.

Nothing that is accepted is ever delivered: every transport is discard.
"""
import os
import re
import shutil
import subprocess

SBIN = "/usr/lib/postfix/sbin"
LONG_AGO = (1577836800, 1577836800)

REST = """\
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n - - proxymap
proxywrite unix  - - n - 1 proxymap
smtp       unix  - - n - - smtp
relay      unix  - - n - - smtp
showq      unix  n - n - - showq
error      unix  - - n - - error
retry      unix  - - n - - error
discard    unix  - - n - - discard
local      unix  - n n - - local
virtual    unix  - n n - - virtual
lmtp       unix  - - n - - lmtp
anvil      unix  - - n - 1 anvil
dnsblog    unix  - - n - 0 dnsblog
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
"""

SHARED = """\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
maillog_file = {log}/mail.log
maillog_file_prefixes = /var, /tmp, {log}
import_environment = MAIL_CONFIG
alias_maps =
mydestination =
default_transport = discard:
relay_transport = discard:
local_transport = discard:
virtual_transport = discard:
service_throttle_time = 2s
default_process_limit = 300
"""

PORT_NAMES = {25: "smtp", 465: "submissions", 587: "submission"}
SYSLOG_NAMES = {465: "/submissions", 587: "/submission"}


def log_name(host):
    """Names the server in the log that all of them share: "postfix-mail_example_org/submission/smtpd[7]"."""
    return "postfix-" + re.sub(r"\W", "_", host.name)


def stock_log(text):
    """The same log as a server of its own writes it."""
    return re.sub(r" postfix-\w+/", " postfix/", text)


def effective_main(host, paths):
    """main.cf of one server: what is the same everywhere, then its own part."""
    main = {
        "compatibility_level": "3.6",
        "myhostname": host.host,
        "mynetworks": "127.0.0.0/8 [::1]/128",
        "mydestination": "$myhostname, localhost.$mydomain, localhost",
        "alias_maps": "",
        "local_recipient_maps": "texthash:%s" % paths["people"],
        "virtual_mailbox_maps": "texthash:%s" % paths["mailboxes"],
        "smtpd_tls_security_level": "may",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": paths["sasl"],
        "smtpd_sasl_mechanism_filter": "plain, login",
    }
    certificate = paths["certificate"](host)
    if certificate:
        main["smtpd_tls_cert_file"] = certificate + ".crt"
        main["smtpd_tls_key_file"] = paths["key"]
    else:
        main["smtpd_tls_security_level"] = "none"
    main.update({k: v.format(**paths) for k, v in host.main.items()})
    return main


def override_lines(values):
    return "".join("  -o { %s = %s }\n" % pair for pair in values.items())


def socket_of(address, port):
    return "%s:%d" % ("[%s]" % address if ":" in address else address, port)


def screen_lines(host, values):
    """postscreen(8) on port 25 and the smtpd it hands good clients to, as POSTSCREEN_README sets them up."""
    server, proxy = "smtpd-" + host.name, "tlsproxy-" + host.name
    screen = {**values, "smtpd_service_name": server, "tlsproxy_service_name": proxy, "postscreen_cache_map": "btree:$data_directory/screen-" + host.name,
              **host.screen}
    lines = "%s pass - - n - - smtpd\n%s" % (server, override_lines(values))
    lines += "%s unix - - n - 0 tlsproxy\n%s" % (proxy, override_lines(values))
    for address in host.addresses:
        lines += "%s inet n - n - 1 postscreen\n%s" % (socket_of(address, 25), override_lines(screen))
    return lines


def service_lines(host, paths):
    """The lines of the one master.cf that make up this server."""
    main = effective_main(host, paths)
    rewrite = "rewrite-" + host.name
    lines = "%s unix - - n - - trivial-rewrite\n%s" % (rewrite, override_lines(main))
    for port, own in host.services.items():
        own = {k: v.format(**paths) for k, v in own.items()}
        values = {**main, "rewrite_service_name": rewrite, "syslog_name": log_name(host) + SYSLOG_NAMES.get(port, ""), **own}
        screened = port == 25 and host.screen is not None
        if screened:
            lines += screen_lines(host, values)
        for address in host.addresses if not screened else []:
            lines += "%s inet n - n - - smtpd\n%s" % (socket_of(address, port), override_lines(values))
    return lines + host.master_extra.format(**paths)


def kept_config(host, paths, folder):
    """config/NAME/ with main.cf, master.cf and tables, as the server's administrator has them in /etc/postfix."""
    os.makedirs(folder)
    kept = {**paths, "sasl": "private/auth", "mailboxes": "/etc/postfix/mailboxes", "people": "/etc/postfix/people",
            "files": "/etc/postfix", "key": "/etc/ssl/private/%s.key" % host.host,
            "certificate": lambda h: paths["certificate"](h) and "/etc/ssl/certs/" + h.host}
    main = effective_main(host, kept)
    with open(os.path.join(folder, "main.cf"), "w") as f:
        f.writelines("%s = %s\n" % pair for pair in main.items())
        f.write("inet_interfaces = %s\n" % ", ".join(host.addresses))
    with open(os.path.join(folder, "master.cf"), "w") as f:
        for port, own in host.services.items():
            own = {k: v.format(**kept) for k, v in own.items()}
            f.write("%-10s inet  n - n - - smtpd\n%s" % (PORT_NAMES.get(port, port), override_lines(own)))
        f.write(REST + host.master_extra.format(**kept))
    shutil.copy(paths["people"], os.path.join(folder, "people"))
    shutil.copy(paths["mailboxes"], os.path.join(folder, "mailboxes"))
    for name in os.listdir(paths["files"]):
        if any("/etc/postfix/" + name.removesuffix(".db") in value for value in main.values()):
            shutil.copy(os.path.join(paths["files"], name), folder)


def make_queue(folder):
    for name in "active bounce corrupt defer deferred flush hold incoming private saved trace".split():
        os.makedirs(os.path.join(folder, name))
        shutil.chown(os.path.join(folder, name), "postfix")
        os.chmod(os.path.join(folder, name), 0o700)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        os.makedirs(os.path.join(folder, name))
        shutil.chown(os.path.join(folder, name), "postfix", "postdrop")
        os.chmod(os.path.join(folder, name), mode)
    os.makedirs(os.path.join(folder, "pid"))


def make(folder, log, hosts, paths, config_dir):
    """Writes the instance; returns its start command and environment."""
    os.makedirs(os.path.join(folder, "etc"))
    make_queue(os.path.join(folder, "spool"))
    os.makedirs(os.path.join(folder, "data"))
    shutil.chown(os.path.join(folder, "data"), "postfix")
    shutil.copy("/etc/postfix/dynamicmaps.cf", os.path.join(folder, "etc"))
    if os.path.isdir("/etc/postfix/dynamicmaps.cf.d"):
        shutil.copytree("/etc/postfix/dynamicmaps.cf.d", os.path.join(folder, "etc", "dynamicmaps.cf.d"))
    with open(os.path.join(folder, "etc", "main.cf"), "w") as f:
        f.write(SHARED.format(dir=folder, log=log))
    with open(os.path.join(folder, "etc", "master.cf"), "w") as f:
        f.write("".join(service_lines(h, paths) for h in hosts) + REST)
    for host in hosts:
        kept_config(host, paths, os.path.join(config_dir, host.name))
    for name in ("main.cf", "master.cf"):
        os.utime(os.path.join(folder, "etc", name), LONG_AGO)
    open(os.path.join(log, "mail.log"), "w").close()
    return [SBIN + "/master", "-s"], {"MAIL_CONFIG": os.path.join(folder, "etc")}


def sockets(hosts):
    for host in hosts:
        for port in host.services:
            for address in host.addresses:
                yield "tcp", address, port


def postmap(path, scratch):
    """Compiles a hash: table, with an empty configuration of our own."""
    for name in ("main.cf", "master.cf"):
        open(os.path.join(scratch, name), "w").close()
        os.utime(os.path.join(scratch, name), LONG_AGO)
    subprocess.run(["postmap", "-c", scratch, "hash:" + path], check=True, stderr=subprocess.DEVNULL)
