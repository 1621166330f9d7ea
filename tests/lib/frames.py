#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""craft.py for whole Ethernet frames, and for many of them.

    frames.py < PROBE

A probe finds here all that craft.py has, the place `host`, the taps `port1` to `port4` in the namespaces
ns1, ns2, a and b, the tap `lan` on the uplink's far end, and the names below.
"""
import mmap
import os
import socket
import struct
import time

import craft
from craft import IP, NEVER, PEER, TCP, UDP, equal, mark, total
from scapy.layers.inet import (IPOption_LSRR, IPOption_Router_Alert, IPOption_RR,  # noqa: F401
                               IPOption_SSRR)
from scapy.layers.l2 import ARP, LLC, Dot1Q, Dot3, Ether  # noqa: F401

ETH_P_ALL, ETH_P_TEST = 3, 0x88b5  # IEEE 802: local experimental
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 0x10
BROADCAST = "ff:ff:ff:ff:ff:ff"
FAR = "02:aa:00:00:00:01"     # a host behind a port
NOBODY = "02:bb:00:00:00:99"  # one that never spoke
FLOOD_SECONDS = 20


def text(mac):
    return ":".join("%02x" % octet for octet in mac)


class Tap(craft.Wire):
    """A device of a namespace, for frames: hears those that come in, of whatever kind."""

    def __init__(self, where, dev):
        self.name = "%s in %s" % (dev, where.name)
        self.sock = where.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.bind((dev, ETH_P_ALL))
        self.mac = text(self.sock.getsockname()[4])
        self.kept = []

    def send(self, packet):
        self.sock.send(bytes(packet))

    def next(self, end):
        while craft.select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            frame, about, _, sender = self.sock.recvmsg(1 << 17, 256)
            if sender[2] != craft.PACKET_OUTGOING:
                return Ether(with_tag(frame, about))
        return None

    def says(self, dst, kind=ETH_P_TEST, src=None, body=b"", tag=None):
        """Sends a unique frame, and returns its mark."""
        this = mark()
        head = Ether(src=src or self.mac, dst=dst, type=kind)
        if tag is not None:
            head.type = 0x8100
            head = head / Dot1Q(vlan=tag, type=kind)
        self.send(head / (body + this.ljust(46, b"\0")))
        return this


def with_tag(frame, about):
    """The kernel keeps the outer VLAN tag beside the frame."""
    for level, kind, data in about:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= 20:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return frame[:12] + struct.pack("!HH", tpid or 0x8100, tci) + frame[12:]
    return frame


class Host(craft.Place):
    """The namespace where the network is made, which has no name."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.name, self.fd = "host", craft.HOME


# ---- where frames arrive

def heard_only_by(what, *taps, among):
    """Of the taps, these hear a frame and no other does."""
    for tap in taps:
        tap.hears(what, "a frame")
    time.sleep(0.1)  # one switch takes them all to their ports in the same moment
    others = [tap.name for tap in among if tap not in taps and tap.listen(what, 0)]
    equal(others, [], "others that heard a frame")


def through(wire, packet, out):
    """Whether a packet comes out there."""
    this = mark()
    wire.send(packet / this)
    return bool(out.listen(this, NEVER))


def all_through(server, socks):
    """The external address of each socket whose datagram arrives at the server."""
    texts = {mark(): sock for sock in socks}
    for this, sock in texts.items():
        sock.tell(this, server.at)
    found = {}
    while len(found) < len(socks) and craft.select.select([server.sock], [], [], NEVER)[0]:
        data, sender = server.sock.recvfrom(1 << 16)
        if data in texts:
            found[texts[data]] = sender
    return found


# ---- malformed packets

def ip_sum(raw):
    """The bytes of a packet with the checksum that its header, as long as it says to be, asks for."""
    size = min(len(raw), 4 * (raw[0] & 15))
    raw = raw[:10] + b"\0\0" + raw[12:]
    return raw[:10] + (0xffff ^ total(raw[:size])).to_bytes(2, "big") + raw[12:]


def broken_headers(packet):
    """The defect, and the bytes of a packet with a header that is right otherwise."""
    raw = bytes(packet)
    length = len(raw)

    def but(at, new):
        return raw[:at] + new + raw[at + len(new):]

    for first in 0x55, 0x65, 0x05, 0x40, 0x44, 0x4f:
        yield "version %d, ihl %d" % (first >> 4, first & 15), ip_sum(but(0, bytes([first])))
    yield "wrong checksum", but(10, (int.from_bytes(raw[10:12], "big") ^ 0x0100).to_bytes(2, "big"))
    yield "checksum 0", but(10, b"\0\0")
    for size in length + 1, 65535, 19, 0:
        yield "total length %d" % size, ip_sum(but(2, size.to_bytes(2, "big")))


def l4_total(packet):
    """What the transport's checksum folds to, 0xffff if it is right: no translation may change it."""
    raw = bytes(packet)
    body = raw[4 * packet.ihl:packet.len]
    pseudo = b""
    if packet.proto != socket.IPPROTO_ICMP:
        pseudo = raw[12:20] + bytes([0, packet.proto]) + len(body).to_bytes(2, "big")
    return total(pseudo + body)


def wrong_by(packet, difference):
    """The packet as it is on the wire, with a transport checksum that is wrong, or right if by 0."""
    packet = IP(bytes(packet))
    if difference:
        layer = packet.payload
        layer.chksum = (layer.chksum + difference) % 0xffff or difference
    return IP(bytes(packet))


# ---- many

def flood(send, frames):
    """Sends them as fast as it goes, but no longer than FLOOD_SECONDS. How many it were."""
    end = time.monotonic() + FLOOD_SECONDS
    count = 0
    for frame in frames:
        send(frame)
        count += 1
        if not count & 0x3ff and time.monotonic() > end:
            break
    return count


def forget(wire):
    """What it heard so far."""
    wire.kept.clear()
    while craft.select.select([wire.sock], [], [], 0)[0]:
        wire.sock.recv(1)


def udp_flows(wire, src, count, dst=PEER):
    """The frames of a datagram each of so many flows, which differ in their ports."""
    frame = wire.frame(IP(src=src, dst=dst) / UDP(sport=1, dport=1, chksum=0) / b"flood")
    head, tail = frame[:34], frame[38:]
    for i in range(count):
        yield head + struct.pack("!HH", 1024 + i % 64000, 9000 + i // 64000) + tail


def syns(wire, src, count, dst=PEER, dport=8000):
    """The first segments of so many connections, which differ in their ports."""
    frame = wire.frame(IP(src=src, dst=dst) / TCP(sport=1, dport=1, flags="S"))
    head, tail = frame[:34], frame[38:]
    for i in range(count):
        yield head + struct.pack("!HH", 1024 + i % 64000, dport + i // 64000) + tail


def calls(wire, count, dport=5000):
    """The first segments of connections from everywhere to a port of the host's."""
    frame = wire.frame(IP(src=PEER, dst=craft.HOST) / TCP(sport=1, dport=dport, flags="S"))
    for _ in range(count):
        port, host = os.urandom(2), 64 + os.urandom(1)[0] % 63
        packet = ip_sum(frame[14:29] + bytes([host]) + frame[30:34] + port + frame[36:])
        yield frame[:14] + packet


def race(wire, frames):
    """Two processes, each on a CPU of its own, send the frames, each at the same moment as the other."""
    steps = mmap.mmap(-1, 16)

    def run(me):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[me]})
        for i, frame in enumerate(frames, 1):
            struct.pack_into("Q", steps, 8 * me, i)
            for _ in range(1 << 20):  # the other may have died
                if struct.unpack_from("Q", steps, 8 * (1 - me))[0] >= i:
                    break
            wire.sock.send(frame)

    children = []
    for me in 0, 1:
        child = os.fork()
        if not child:
            try:
                run(me)
            finally:
                os._exit(0)  # pylint: disable=protected-access
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def counted(event):
    """How many of an event ebpfnet has counted."""
    rows = craft.json.loads(craft.sh("ebpfnet", "stats", "--json"))["events"]
    return next(row["count"] for row in rows if row["name"] == event)


def senders(dst, count):
    """Frames to one MAC, each from another."""
    tail = struct.pack("!H", ETH_P_TEST) + bytes(46)
    head = bytes.fromhex(dst.replace(":", "")) + b"\x02\xcc"
    for i in range(count):
        yield head + struct.pack("!I", i) + tail


PLACES = {
    "host": Host,
    "port1": lambda: Tap(craft.place("ns1"), "ceth0"),
    "port2": lambda: Tap(craft.place("ns2"), "ceth1"),
    "port3": lambda: Tap(craft.place("a"), "ceth2"),
    "port4": lambda: Tap(craft.place("b"), "ceth3"),
    "lan": lambda: Tap(craft.place("isp"), "lan"),
}


def main():
    vars(craft).update({name: thing for name, thing in globals().items() if name not in vars(craft)})
    craft.WORLD.update(PLACES)
    craft.main()


if __name__ == "__main__":
    main()
