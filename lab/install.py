# SPDX-License-Identifier: Apache-2.0
"""Installs what the laboratory runs: real mail and name servers, none of them started.

Debian packages, as root.  A `policy-rc.d` that answers 101 stands in the way
of every service start while apt works, and what was there before is put back.
Exim and OpenSMTPD conflict with Postfix (each is the mail-transport-agent),
so they are unpacked beside it, outside the repository.
"""
import glob
import os
import shutil
import subprocess
import sys

PACKAGES = """
postfix postfix-pcre postfix-policyd-spf-python dovecot-core knot unbound rbldnsd nginx-light nftables
bind9-dnsutils ldnsutils openssl iproute2 util-linux uidmap swaks
libnet-ssleay-perl libio-socket-ssl-perl libauthen-sasl-perl libnet-dns-perl
""".split()

# Unpacked, not installed; the libraries they want come as packages.
UNPACKED = {"exim": "exim4-daemon-heavy", "opensmtpd": "opensmtpd", "fail2ban": "fail2ban"}
LIBRARIES = """
libevent-2.1-7 libmariadb3 libpq5 libspf2-2 libnsl2 libidn12 libgnutls-dane0
libperl5.36 libldap-2.5-0
""".split()

PROGRAMS = ["knotd", "unbound", "rbldnsd", "dovecot", "ldns-keygen", "ldns-signzone",
            "openssl", "ip", "nft", "unshare", "nginx", "postmap", "/usr/lib/postfix/sbin/master"]

POLICY = "/usr/sbin/policy-rc.d"


def cache_dir():
    """Where unpacked packages and made-once keys and zones are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "smtpdx-lab")


def exim_program():
    return os.path.join(cache_dir(), "exim", "usr", "sbin", "exim4")


def fail2ban_folder():
    """Root of the unpacked fail2ban: its stock filters and jails, and the program that applies them to a log."""
    return os.path.join(cache_dir(), "fail2ban")


def fail2ban_program():
    return os.path.join(fail2ban_folder(), "usr", "bin", "fail2ban-regex")


def which(program):
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which(program, path=path)


def missing():
    """The programs that are not here; empty means the laboratory can start."""
    return [p for p in PROGRAMS + [exim_program(), fail2ban_program()] if not which(p)]


class ServicesHeld:
    """No service starts from a package script while this is held."""

    def __enter__(self):
        self.aside = None
        if os.path.lexists(POLICY):
            self.aside = POLICY + ".smtpdx-lab"
            os.rename(POLICY, self.aside)
        with open(POLICY, "w") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)

    def __exit__(self, *exc):
        if self.aside:
            os.rename(self.aside, POLICY)
        else:
            os.unlink(POLICY)


def apt(*words, **kw):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "-o", "DPkg::Lock::Timeout=300", *words], check=True, env=env, **kw)


def unpack(name, package):
    """Downloads one package into the cache folder and unpacks it there."""
    target = os.path.join(cache_dir(), name)
    if os.path.isdir(os.path.join(target, "usr")):
        return
    work = target + ".deb"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    os.chmod(work, 0o777)                     # apt downloads as its own user
    apt("download", package, cwd=work)
    [deb] = glob.glob(os.path.join(work, "*.deb"))
    subprocess.run(["dpkg", "-x", deb, target], check=True)
    shutil.rmtree(work)


def install():
    if os.geteuid() != 0:
        sys.exit("lab install: needs root (it runs apt-get)")
    os.makedirs(cache_dir(), exist_ok=True)
    with ServicesHeld():
        subprocess.run(["debconf-set-selections"], check=True, text=True,
                       input="postfix postfix/main_mailer_type select No configuration\n")
        apt("install", "-y", "--no-install-recommends", *PACKAGES, *LIBRARIES)
    for name, package in UNPACKED.items():
        unpack(name, package)
    left = missing()
    if left:
        sys.exit("lab install: still missing: " + " ".join(left))
    print("lab install: all there")
