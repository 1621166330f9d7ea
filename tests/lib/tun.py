#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A tunnel without encryption: two tun devices, and what one sends the other receives.

    tun.py DEV NETNS DEV [gso]   makes the first here and the second in the namespace, and carries packets until it ends;
                                 gso: with packets that a device is to segment, and checksums that it is to finish

Prints "ready". When it ends, both devices go.
"""
import fcntl
import os
import select
import struct
import subprocess
import sys

TUNSETIFF, TUNSETOFFLOAD = 0x400454ca, 0x400454d0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02
LONGEST = 1 << 17


def make(name, gso):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    flags = IFF_TUN | IFF_NO_PI | (IFF_VNET_HDR if gso else 0)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    if gso:
        fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return fd


def carry(one, other):
    packet = os.read(one, LONGEST)
    try:
        os.write(other, packet)
    except OSError:
        pass  # that end is down, and loses it


def main():
    here, netns, there = sys.argv[1:4]
    gso = sys.argv[4:] == ["gso"]
    one, other = make(here, gso), make(there, gso)
    ends = {one: other, other: one}
    subprocess.run(["ip", "link", "set", there, "netns", netns], check=True)
    print("ready", flush=True)
    while True:
        for fd in select.select(list(ends), [], [])[0]:
            carry(fd, ends[fd])


if __name__ == "__main__":
    main()
