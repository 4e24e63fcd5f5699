# SPDX-License-Identifier: Apache-2.0
"""Many Exim servers out of one daemon.

Exim expands nearly every option per connection, so one daemon can be a
different server on every address: name, certificate, domains, AUTH and ACL are
looked up by the address the client connected to.  The ACLs follow Debian's
generated configuration and the wording of cPanel's.
"""
import os

USER, UID = "Debian-exim", 8101

CONFIG = r"""
primary_hostname = exim.nic.example
smtp_active_hostname = ${{lookup{{$received_ip_address}}lsearch{{{dir}/hosts}}{{$value}}{{exim.nic.example}}}}
smtp_banner = ${{if eq{{ACL_NAME}}{{acl_cpanel}}{{CPANEL_BANNER}}{{$smtp_active_hostname ESMTP Exim $version_number $tod_full}}}}
exim_user = {user}
exim_group = {user}
never_users = root
spool_directory = {dir}/spool
log_selector = +incoming_port +incoming_interface
log_file_path = {log}/exim-%slog
pid_file_path = {dir}/exim.pid
local_interfaces = <; {interfaces}
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = {pki}/${{lookup{{$received_ip_address}}lsearch{{{dir}/certs}}{{$value}}}}.crt
tls_privatekey = {pki}/server.key
host_lookup = *
acl_smtp_rcpt = ACL_NAME
acl_smtp_data = accept
domainlist local_domains = ${{lookup{{$received_ip_address}}lsearch{{{dir}/serves}}{{$value}}}}
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
  local_parts = {people}
  transport = nowhere

begin transports

nowhere:
  driver = appendfile
  file = /dev/null
  user = {user}

begin authenticators

plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{alice}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = AUTH_OFFERED

login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{alice}}}}{{eq{{$auth2}}{{secret}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = AUTH_OFFERED
"""

MACROS = r"""
ACL_NAME = ${lookup{$received_ip_address}lsearch{%(dir)s/acls}{$value}{acl_rcpt}}
CPANEL_BANNER = $smtp_active_hostname ESMTP Exim $version_number #2 $tod_full\n\
                We do not authorize the use of this system to transport unsolicited,\n\
                and/or bulk e-mail.
AUTH_MODE = ${lookup{$received_ip_address/$received_port}lsearch{%(dir)s/auth}{$value}{no}}
AUTH_OFFERED = ${if or{{eq{AUTH_MODE}{yes}}{and{{eq{AUTH_MODE}{tls}}{def:tls_in_cipher}}}}}
"""


def make(folder, log, hosts, people, pki):
    """Writes configuration and tables; returns the path of the configuration."""
    os.makedirs(os.path.join(folder, "spool"))
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
    path = os.path.join(folder, "exim.conf")
    interfaces = " ; ".join("[%s]:%d" % (h.address, port) for h in hosts for port in h.ports)
    with open(path, "w") as f:
        f.write(MACROS % {"dir": folder})
        f.write(CONFIG.format(dir=folder, log=log, user=USER, pki=pki, interfaces=interfaces, people=" : ".join(people)))
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
