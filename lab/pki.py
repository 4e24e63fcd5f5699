# SPDX-License-Identifier: Apache-2.0
"""Certificates: one root that smtpdx is told to trust (--ca), one it is not.

A certificate is a pair (names, kind) with kind "good", "expired" or "private";
its files are NAME.crt and NAME.key.  All servers share one key pair per run:
what tells servers apart is the name in the certificate, and keys cost time.
Expired means 2020 to 2021, by the clock of whoever looks.
"""
import os
import subprocess

CONFIG = """\
[ca]
default_ca = lab
[lab]
new_certs_dir = .
database = index.txt
serial = serial
certificate = {ca}.crt
private_key = {ca}.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
"""


def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("openssl %s: %s" % (words[0], done.stderr.strip()))
    return done.stdout


def make_root(folder, name, title):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", name + ".key", "-out", name + ".crt", "-days", "3650", "-subj", "/CN=" + title,
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    with open(os.path.join(folder, name + ".cnf"), "w") as f:
        f.write(CONFIG.format(ca=name))


def make_certificate(folder, name, names, kind):
    root = "private" if kind == "private" else "ca"
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write("subjectAltName=%s\nextendedKeyUsage=serverAuth\n" % ",".join("DNS:" + n for n in names))
    openssl(folder, "req", "-new", "-key", "server.key", "-out", "csr", "-subj", "/CN=" + names[0])
    dates = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"] if kind == "expired" else ["-days", "800"]
    openssl(folder, "ca", "-batch", "-notext", "-config", root + ".cnf", "-in", "csr",
            "-out", name + ".crt", "-extfile", "ext", *dates)


def make(folder, wanted):
    """`wanted`: {name: (names, kind)}."""
    os.makedirs(folder)
    for file, text in (("index.txt", ""), ("serial", "1000\n")):
        with open(os.path.join(folder, file), "w") as f:
            f.write(text)
    make_root(folder, "ca", "Laboratory Root")
    make_root(folder, "private", "Somebody's Private Root")
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "server.key")
    for name, (names, kind) in sorted(wanted.items()):
        make_certificate(folder, name, names, kind)
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)


def tlsa(folder):
    """The association data of "3 1 1": all servers have the one key."""
    public = subprocess.run(["openssl", "pkey", "-in", "server.key", "-pubout", "-outform", "DER"],
                            cwd=folder, capture_output=True, check=True).stdout
    import hashlib
    return hashlib.sha256(public).hexdigest()
