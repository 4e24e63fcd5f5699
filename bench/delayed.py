# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a delay between them, made by a bridge in user space (netem is not in every kernel).

Runs inside namespaces of its own (network, mounts, processes), so all of it ends with the process that made it and no
name of ours is seen outside.
"""
import array
import fcntl
import os
import socket
import struct
import subprocess
import sys

CLIENT, MIDDLE, SERVER = "bench-client", "bench-middle", "bench-server"
CLIENT_ADDRESS = "192.0.2.1"
# linux/ethtool.h: checksums and segmentation must be real, for the bridge copies frames as they are
ETHTOOL_OFF = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)
SIOCETHTOOL = 0x8946


def ip(*words):
    subprocess.run(("ip",) + words, check=True)


def inside(namespace, *words):
    return ("ip", "netns", "exec", namespace) + words


def offloads_off(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for command in ETHTOOL_OFF:
            value = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", device.encode(), value.buffer_info()[0]) + bytes(16)
            try:
                fcntl.ioctl(s, SIOCETHTOOL, request)
            except OSError:
                pass  # this device has no such switch


def hardware_address(namespace, device):
    return subprocess.run(inside(namespace, "cat", "/sys/class/net/%s/address" % device), check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def make(addresses, bridge, delay_ms):
    """The bridge's process; it is ours to end, though it also ends with us."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    ip("link", "set", "lo", "up")
    for name in (CLIENT, MIDDLE, SERVER):
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
    ends = {CLIENT: ("client0", "left"), SERVER: ("server0", "right")}
    for name, (device, other) in ends.items():
        ip("link", "add", device, "netns", name, "type", "veth", "peer", "name", other, "netns", MIDDLE)
        for where, what in ((name, device), (MIDDLE, other)):
            subprocess.run(inside(where, sys.executable, "-B", os.path.abspath(__file__), what), check=True)
            ip("-n", where, "link", "set", what, "up")
    ip("-n", CLIENT, "addr", "add", CLIENT_ADDRESS + "/24", "dev", "client0")
    for address in addresses:
        ip("-n", SERVER, "addr", "add", address + "/24", "dev", "server0")
    # No ARP on the way: the first packet would pay for it.
    far, near = hardware_address(SERVER, "server0"), hardware_address(CLIENT, "client0")
    for address in addresses:
        ip("-n", CLIENT, "neigh", "replace", address, "lladdr", far, "dev", "client0", "nud", "permanent")
    ip("-n", SERVER, "neigh", "replace", CLIENT_ADDRESS, "lladdr", near, "dev", "server0", "nud", "permanent")
    return subprocess.Popen(inside(MIDDLE, bridge, "left", "right", str(delay_ms)))


if __name__ == "__main__":
    offloads_off(sys.argv[1])
