# SPDX-License-Identifier: Apache-2.0
"""nginx for what mail domains publish over HTTP: MTA-STS policies, autoconfig, a BIMI logo."""
import os

HEAD = """\
daemon off;
pid {dir}/nginx.pid;
error_log {log}/nginx-error.log;
user nobody nogroup;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log {log}/nginx.log;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  types {{ text/html html; application/xml xml; image/svg+xml svg; }}
  default_type text/plain;
"""

SERVER = """\
  server {{
    listen {address}:80;
    listen {address}:443 ssl;
    server_name {host};
    ssl_certificate {pki}/{host}.crt;
    ssl_certificate_key {pki}/server.key;
    root {root};
  }}
"""


def make(folder, log, hosts, pki):
    """Writes pages and configuration; returns the configuration's path."""
    os.makedirs(folder)
    text = HEAD.format(dir=folder, log=log)
    for host in hosts:
        root = os.path.join(folder, host.host)
        for page, content in host.pages.items():
            path = os.path.join(root, page.strip("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", newline="") as f:
                f.write(content)
        text += SERVER.format(address=host.address, host=host.host, pki=pki, root=root)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as f:
        f.write(text + "}\n")
    return path


def sockets(hosts):
    for host in hosts:
        yield "tcp", host.address, 80
        yield "tcp", host.address, 443
