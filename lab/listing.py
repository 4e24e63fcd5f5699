# SPDX-License-Identifier: Apache-2.0
"""`lab worlds`: the table of worlds, addresses and names, as lab/README.md prints it."""
import os

from lab import worlds  # noqa: F401
from lab.world import World


def rows():
    for world in World.ALL:
        servers = []
        for host in world.postfixes:
            ports = "/".join(map(str, sorted(host.services)))
            servers += ["`%s` %s:%s Postfix" % (host.host, a, ports) for a in host.addresses]
        for host in world.exims:
            servers.append("`%s` %s:%s Exim" % (host.host, host.address, "/".join(map(str, host.ports))))
        servers += ["`%s` %s:80/443 nginx" % (h.host, h.address) for h in world.webs]
        servers += ["%s:%d scripted" % (s.address, s.port) for s in world.scripted]
        yield world.name, world.title, ", ".join(z.name for z in world.zones), "<br>".join(servers)


def table():
    head = ["| world | fault | zones | servers |", "|---|---|---|---|"]
    return "\n".join(head + ["| %s |" % " | ".join(row) for row in rows()]) + "\n"


def show():
    print(table(), end="")
    return 0


def is_in_readme():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")) as f:
        return f.read().endswith("\n\n" + table())
