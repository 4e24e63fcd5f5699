# SPDX-License-Identifier: Apache-2.0
"""Many Exim servers out of one daemon.

Exim expands nearly every option per connection, so one daemon can be a
different server on every address: name, certificate, domains, AUTH and ACL are
looked up by the address the client connected to.  The ACLs follow Debian's
generated configuration and the wording of cPanel's.

The same text with the looked-up values written in is kept as the configuration
that the server's administrator would have (config/HOST/exim.conf).
"""
import os

USER, UID = "Debian-exim", 8101

# What differs between the daemon and a kept configuration is a field in <angle brackets>.
CONFIG = r"""
primary_hostname = <primary>
smtp_active_hostname = <hostname>
smtp_banner = <banner>
exim_user = <user>
exim_group = <user>
never_users = root
spool_directory = <dir>/spool
log_selector = +incoming_port +incoming_interface
log_file_path = <log>/exim-%slog
pid_file_path = <dir>/exim.pid
local_interfaces = <; <interfaces>
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = <pki>/<certificate>.crt
tls_privatekey = <pki>/server.key
host_lookup = *
acl_smtp_rcpt = <acl>
acl_smtp_data = accept
domainlist local_domains = <serves>
domainlist relay_to_domains =
hostlist relay_from_hosts = 127.0.0.1

begin acl

acl_rcpt:
  accept  hosts = :
  deny    message = Restricted characters in address
          local_parts = ^[./|] : ^.*[@%!`#&?] : ^.*/\\.\\./
  accept  hosts = +relay_from_hosts
  accept  authenticated = *
  require message = relay not permitted
          domains = +local_domains : +relay_to_domains
  require verify = recipient
  accept

acl_cpanel:
  accept  hosts = :
  accept  authenticated = *
  accept  domains = +local_domains
          endpass
          message = No Such User Here
          verify = recipient
  deny    message = Please turn on SMTP Authentication in your mail client.\n$sender_fullhost is not permitted to relay \
                    through this server without authentication.

begin routers

people:
  driver = accept
  domains = +local_domains
  local_parts = <people>
  transport = nowhere

begin transports

nowhere:
  driver = appendfile
  file = /dev/null
  user = <user>

begin authenticators

plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
  server_advertise_condition = <auth>

login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{alice}}{eq{$auth2}{secret}}}}
  server_set_id = $auth1
  server_advertise_condition = <auth>
"""

PLAIN_BANNER = "$smtp_active_hostname ESMTP Exim $version_number $tod_full"
CPANEL_BANNER = r"""$smtp_active_hostname ESMTP Exim $version_number #2 $tod_full\n\
              We do not authorize the use of this system to transport unsolicited,\n\
              and/or bulk e-mail."""


def fill(**fields):
    text = CONFIG
    for name, value in fields.items():
        text = text.replace("<%s>" % name, value)
    return text


def looked_up(folder, table, key="$received_ip_address"):
    return "${lookup{%s}lsearch{%s/%s}{$value}}" % (key, folder, table)


def daemon_fields(folder, hosts):
    mode = looked_up(folder, "auth", "$received_ip_address/$received_port")
    acl = looked_up(folder, "acls")
    return {
        "primary": "exim.nic.example", "hostname": looked_up(folder, "hosts"),
        "banner": "${if eq{%s}{acl_cpanel}{%s}{%s}}" % (acl, CPANEL_BANNER, PLAIN_BANNER),
        "interfaces": " ; ".join("[%s]:%d" % (h.address, port) for h in hosts for port in h.ports),
        "certificate": looked_up(folder, "certs"), "acl": acl, "serves": looked_up(folder, "serves"),
        "auth": "${if or{{eq{%s}{yes}}{and{{eq{%s}{tls}}{def:tls_in_cipher}}}}}" % (mode, mode),
    }


def host_fields(host):
    offers = [port for port, mode in host.auth.items() if mode == "yes"]
    inside = [port for port, mode in host.auth.items() if mode == "tls"]
    cases = ["{eq{$received_port}{%d}}" % p for p in offers]
    cases += ["{and{{eq{$received_port}{%d}}{def:tls_in_cipher}}}" % p for p in inside]
    return {
        "primary": host.host, "hostname": host.host,
        "banner": CPANEL_BANNER if host.acl == "acl_cpanel" else PLAIN_BANNER,
        "interfaces": " ; ".join("[%s]:%d" % (host.address, port) for port in host.ports),
        "certificate": host.host, "acl": host.acl, "serves": " : ".join(host.serves),
        "auth": "${if or{%s}}" % "".join(cases) if cases else "false",
    }


def write_tables(folder, hosts):
    tables = {
        "hosts": ["%s: %s" % (h.address, h.host) for h in hosts],
        "serves": ["%s: %s" % (h.address, " : ".join(h.serves)) for h in hosts],
        "certs": ["%s: %s" % (h.address, h.host) for h in hosts],
        "acls": ["%s: %s" % (h.address, h.acl) for h in hosts],
        "auth": ["%s/%d: %s" % (h.address, port, mode) for h in hosts for port, mode in h.auth.items()],
    }
    for name, lines in tables.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write("\n".join(lines) + "\n")


def make(folder, log, hosts, people, pki, config_dir):
    """Writes configuration and tables; returns the path of the configuration."""
    os.makedirs(os.path.join(folder, "spool"))
    write_tables(folder, hosts)
    common = {"dir": folder, "log": log, "user": USER, "pki": pki, "people": " : ".join(people)}
    path = os.path.join(folder, "exim.conf")
    with open(path, "w") as f:
        f.write(fill(**daemon_fields(folder, hosts), **common))
    for host in hosts:
        os.makedirs(os.path.join(config_dir, host.host))
        with open(os.path.join(config_dir, host.host, "exim.conf"), "w") as f:
            f.write(fill(**host_fields(host), **common))
    for where in (folder, os.path.join(folder, "spool")):
        os.chown(where, UID, UID)
    for kind in ("main", "reject", "panic"):
        file = os.path.join(log, "exim-%slog" % kind)
        open(file, "w").close()
        os.chown(file, UID, UID)
    os.chmod(path, 0o644)
    return path


def sockets(hosts):
    for host in hosts:
        for port in host.ports:
            yield "tcp", host.address, port
