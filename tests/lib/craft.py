#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Probes of a NAT from both its sides: sockets in any namespace, packets made by hand, captures.

    craft.py < PROBE

A probe is Python code. It finds here the `host`, the namespaces `isp`, `internet`, `ns1`, `ns2`
(place("ns3") for others), the wires `inside` and `inside2` into ns1 and ns2 and `outside` on the
uplink's far end, and the names below. It fails by fail(), must() or an exception.

Nothing here knows what the NAT is made of: a probe sees what comes out on either side.
"""
import ctypes
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import textwrap
import time

sys.modules["cryptography"] = None  # scapy would import it, for IPsec: a third of a short probe's time
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, fragment  # noqa: E402,F401
from scapy.packet import Raw  # noqa: E402

HOST, GATEWAY = "172.31.13.55", "192.168.1.1"
NS1, NS2 = "192.168.1.10", "192.168.1.11"
SERVER, SERVER2 = "203.0.113.10", "203.0.113.11"
PEER, PEER2 = "203.0.113.77", "203.0.113.78"  # made by hand: `by_hand` sees to it that nobody else answers
ROUTER = "198.51.100.7"
SOON = 1.0   # s: what comes at all has come by then
NEVER = 0.4  # s: what has not come by then does not come

PACKET_OUTGOING = 4
ETH_P_IP = 0x0800

# ICMP errors that are translated (RFC 5508 section 4): type, code
ALL_ERRORS = [(3, code) for code in range(16)] + [(11, 0), (11, 1), (12, 0)]

libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count(1)


def fail(why):
    sys.exit(why)


def must(truth, why):
    if not truth:
        fail(why)


def equal(actual, wanted, what):
    must(actual == wanted, "%s: is %s, should be %s" % (what, actual, wanted))


def mark():
    """Bytes that no other packet has."""
    return b"<%d.%d>" % (os.getpid(), next(numbers))


def sh(*cmd):
    done = subprocess.run(cmd, capture_output=True, text=True, check=False)
    must(done.returncode == 0, "%s: %s" % (" ".join(cmd), (done.stderr or done.stdout).strip()))
    return done.stdout


def status():
    """`ebpfnet status --json`, whose exit status is 3 if it has a problem to report."""
    done = subprocess.run(["ebpfnet", "status", "--json"], capture_output=True, text=True, check=False)
    must(done.returncode in (0, 3), "status: %s" % done.stderr.strip())
    return json.loads(done.stdout)


# ---- settings of `ebpfnet set`, on either lab

CLOCKS = ("timeout-udp-unreplied", "timeout-udp", "timeout-icmp", "timeout-tcp-half-open",
          "timeout-tcp", "timeout-tcp-closing", "timeout-tcp-reset")


def setting(key):
    return int(sh("ebpfnet", "get", key))


def set_clocks(seconds, *keys):
    for key in keys:
        sh("ebpfnet", "set", key, str(seconds))


def shorten_all_but(*keys):
    """Every other clock of the NAT to two seconds: what outlives them lives by those that are left. One second, of a
    clock that counts whole ones, may be over before the next packet."""
    set_clocks(2, *(key for key in CLOCKS if key not in keys))


def sleep(seconds):
    time.sleep(seconds)


def outlive(seconds=1):
    """Longer than a clock of so many seconds can run, whichever way it counts them."""
    time.sleep(seconds + 1.2)


# ---- places, sockets

class Place:
    """A network namespace, or the host. A socket made there stays there."""

    def __init__(self, name):
        self.name = name
        self.fd = HOME if name == "host" else os.open("/run/netns/" + name, os.O_RDONLY)

    def socket(self, *kind):
        try:
            enter(self.fd)
            return socket.socket(*kind)
        finally:
            enter(HOME)

    def udp(self, port=0, addr="0.0.0.0"):
        return Udp(self, addr, port)

    def tcp(self, port=0, addr="0.0.0.0"):
        """A TCP socket whose port may have been another's a moment ago."""
        sock = self.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((addr, port))
        return sock

    def listener(self, port, addr="0.0.0.0"):
        sock = self.tcp(port, addr)
        sock.listen(64)
        return sock

    def connected(self, server):
        """Both ends of a new connection to a listener that is bound to an address: this place's, the server's."""
        sock = self.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(2 * SOON)
        sock.connect(server.getsockname())
        peer, _ = server.accept()
        peer.settimeout(2 * SOON)
        return sock, peer


HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(fd):
    if libc.setns(fd, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


class Udp:
    """A UDP socket of the kernel's."""

    def __init__(self, where, addr, port):
        self.sock = where.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((addr, port))
        self.name = "%s udp %s:%d" % (where.name, addr, self.sock.getsockname()[1])
        self.at = self.sock.getsockname()

    def may_fragment(self, yes):
        self.sock.setsockopt(socket.IPPROTO_IP, 10, 0 if yes else 2)  # IP_MTU_DISCOVER: DONT, DO

    def tell(self, text, to):
        self.sock.sendto(text, to)

    def listen(self, text, seconds):
        """The sender of text, or None."""
        end = time.monotonic() + seconds
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            data, sender = self.sock.recvfrom(1 << 16)
            if data == text:
                return sender
        return None

    def hears(self, text, what="what was sent to it"):
        sender = self.listen(text, SOON)
        must(sender, "%s did not hear %s" % (self.name, what))
        return sender

    def does_not_hear(self, text, what="what was sent to it"):
        must(not self.listen(text, NEVER), "%s heard %s" % (self.name, what))


def seen_as(sock, server):
    """The external address and port under which the server sees a socket."""
    text = mark()
    sock.tell(text, server.at)
    return server.hears(text, "a datagram from " + sock.name)


def gets_through(server, external, sock, what="a datagram from outside"):
    text = mark()
    server.tell(text, external)
    return sock.hears(text, what)


def is_stopped(server, external, sock, what="a datagram from outside"):
    text = mark()
    server.tell(text, external)
    sock.does_not_hear(text, what)


# ---- wires: whole packets

class Wire:
    """A device of a namespace: packets sent by hand go to the NAT at its other end, and those that
    come out of the NAT are heard, before the kernel there does anything with them."""

    def __init__(self, name, where, dev, mac):
        self.name, self.mac = name, mac
        self.sock = where.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind((dev, ETH_P_IP))
        self.own = self.sock.getsockname()[4]
        self.kept = []

    def frame(self, packet):
        return self.mac + self.own + b"\x08\x00" + bytes(packet)

    def send(self, packet):
        self.sock.send(self.frame(packet))

    def next(self, end):
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            frame, sender = self.sock.recvfrom(1 << 16)
            if sender[2] != PACKET_OUTGOING:
                return IP(frame[14:])
        return None

    def listen(self, match, seconds):
        """The first packet that has the bytes, or for which the function is true; or None. The
        others are kept for later."""
        wanted = match if callable(match) else lambda p: match in bytes(p)
        for i, packet in enumerate(self.kept):
            if wanted(packet):
                return self.kept.pop(i)
        end = time.monotonic() + seconds
        while packet := self.next(end):
            if wanted(packet):
                return packet
            self.kept.append(packet)
        return None

    def hears(self, match, what="a packet"):
        packet = self.listen(match, SOON)
        must(packet, "%s did not come out %s" % (what, self.name))
        return packet

    def does_not_hear(self, match, what="a packet", seconds=NEVER):
        packet = self.listen(match, seconds)
        must(not packet, "%s came out %s: %s" % (what, self.name, packet and packet.summary()))


def mac_of_gateway(name):
    sh("ip", "netns", "exec", name, "ping", "-n", "-q", "-c1", "-W1", GATEWAY)
    neighbours = json.loads(sh("ip", "-j", "-n", name, "neigh", "show", GATEWAY))
    return bytes.fromhex(neighbours[0]["lladdr"].replace(":", ""))


def wire_into(name, dev):
    return Wire("inside, to " + name, place(name), dev, mac_of_gateway(name))


def wire_outside():
    link = json.loads(sh("ip", "-j", "link", "show", "eth0"))[0]
    return Wire("outside", place("isp"), "lan", bytes.fromhex(link["address"].replace(":", "")))


# ---- what is in a packet

def total(data):
    """RFC 1071: folds to 0xffff if the checksum inside is right."""
    data += b"\0" * (len(data) % 2)
    s = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def quote(packet):
    """The packet that an ICMP error embeds."""
    return IP(bytes(packet)[4 * packet.ihl + 8:])


def transport_wrong(packet, raw):
    body = raw[4 * packet.ihl:packet.len]
    if packet.proto == socket.IPPROTO_ICMP:
        return total(body) != 0xffff
    if packet.proto == socket.IPPROTO_UDP and body[6:8] == b"\0\0":
        return False
    pseudo = socket.inet_aton(packet.src) + socket.inet_aton(packet.dst)
    return total(pseudo + bytes([0, packet.proto]) + len(body).to_bytes(2, "big") + body) != 0xffff


def wrong_sums(packet, where="IP"):
    """Which checksums are wrong, down to those of an embedded packet as far as it is there."""
    raw = bytes(packet)
    wrong = [where] if total(raw[:4 * packet.ihl]) != 0xffff else []
    if len(raw) >= packet.len and transport_wrong(packet, raw):
        wrong.append("transport of " + where)
    if packet.proto == socket.IPPROTO_ICMP and raw[4 * packet.ihl] in (3, 11, 12):
        wrong += wrong_sums(quote(packet), "quoted IP")
    return wrong


def sums_right(packet, what):
    equal(wrong_sums(packet), [], what + ", wrong checksums")


def same_but_for_ttl(packet, original, what):
    """Byte for byte what its sender sent, but for what routers change."""
    def bare(p):
        raw = bytes(p)
        return (raw[:8] + b"\0" + raw[9:10] + b"\0\0" + raw[12:]).hex()
    size = 2 * min(len(bytes(packet)), len(bytes(original)))
    equal(bare(packet)[:size], bare(original)[:size], what)


def error(kind, code, about, src=ROUTER, dst=None, size=None, word=0):
    """An ICMP error that embeds a packet, or its first bytes: sent to the packet's source."""
    head = bytes([kind, code, 0, 0]) + word.to_bytes(4, "big")
    body = head + (about if isinstance(about, bytes) else bytes(about)[:size])
    s = 0xffff ^ total(body)
    return IP(src=src, dst=dst or IP(bytes(about)).src, proto=1) / Raw(
        body[:2] + s.to_bytes(2, "big") + body[4:])


# ---- a conversation by hand

def pass_through(wire, packet, out=None):
    """A packet through the NAT, as it was sent and as it came out: outside, or on the wire given."""
    packet = IP(bytes(packet / mark()))  # as it is on the wire
    wire.send(packet)
    return packet, (out or outside).hears(packet.lastlayer().load, packet.summary())


def udp_out(sport=6000, dport=7000, dst=PEER, **fields):
    return pass_through(inside, IP(src=NS1, dst=dst, id=next(numbers)) /
                        UDP(sport=sport, dport=dport, **fields))


def answer_to(public, **fields):
    """What a peer sends back to a packet that came out outside."""
    return IP(src=public.dst, dst=public.src, id=next(numbers)) / UDP(
        sport=public.dport, dport=public.sport, **fields)


def is_error(kind, about=None):
    """An ICMP error of that type, about the packet with that IP identification."""
    return lambda p: (p.proto == socket.IPPROTO_ICMP and bytes(p)[4 * p.ihl] == kind and
                      (about is None or quote(p).id == about.id))


class Tcp:
    """One end of a TCP connection by hand, which sends only what the probe asks for."""

    def __init__(self, wire, src, sport, dst=HOST, dport=None):
        self.wire, self.src, self.sport, self.dst, self.dport = wire, src, sport, dst, dport
        self.seq, self.ack = 1000 * next(numbers) + 1000000, 0

    def send(self, flags, data=b"", seq=None):
        """seq: somewhere else than where this end is."""
        packet = IP(src=self.src, dst=self.dst, id=next(numbers)) / TCP(
            sport=self.sport, dport=self.dport, flags=flags, window=64240,
            seq=self.seq if seq is None else seq, ack=self.ack if "A" in flags else 0) / data
        self.wire.send(packet)
        if seq is None and "R" not in flags:
            self.seq += len(data) + ("S" in flags) + ("F" in flags)
        return packet

    def matches(self, packet, flags, data):
        if packet.proto != socket.IPPROTO_TCP or packet.dst != self.src:
            return False
        tcp = packet[TCP]
        return (tcp.dport == self.sport and tcp.flags == flags and
                bytes(tcp.payload)[:len(data)] == data and
                (self.dport is None or tcp.sport == self.dport))

    def hears(self, flags, data=b"", what=None):
        packet = self.wire.hears(lambda p: self.matches(p, flags, data),
                                 what or "a segment with " + flags)
        tcp = packet[TCP]
        equal(packet.src, self.dst, "source of a segment with " + flags)
        sums_right(packet, "a segment with " + flags)
        self.dport = tcp.sport
        if "R" not in flags:
            self.ack = tcp.seq + len(data) + ("S" in flags) + ("F" in flags)
        return packet

    def does_not_hear(self, flags, what, data=b""):
        self.wire.does_not_hear(lambda p: self.matches(p, flags, data), what)


def tcp_pair(sport, dport=7000, dst=PEER):
    """The two ends of a connection from ns1 to the peer, before the first SYN."""
    return Tcp(inside, NS1, sport, dst, dport), Tcp(outside, dst, dport)


def tcp_open(here, there):
    here.send("S")
    there.hears("S")
    there.send("SA")
    here.hears("SA")
    here.send("A")
    there.hears("A")


def tcp_talk(here, there):
    """Both ends hear each other."""
    for one, other in (here, there), (there, here):
        text = mark()
        one.send("PA", text)
        other.hears("PA", text, "data")
        other.send("A")
        one.hears("A")


def tcp_connected(sport, dport=7000, dst=PEER):
    here, there = tcp_pair(sport, dport, dst)
    tcp_open(here, there)
    return here, there


def tcp_close(first, second):
    first.send("FA")
    second.hears("FA")
    second.send("FA")
    first.hears("FA")
    first.send("A")
    second.hears("A")


# ---- the places of the lab, each made when it is first named

def place(name):
    return Place(name)


WORLD = {
    "host": lambda: place("host"),
    "isp": lambda: place("isp"),
    "internet": lambda: place("internet"),
    "ns1": lambda: place("ns1"),
    "ns2": lambda: place("ns2"),
    "inside": lambda: wire_into("ns1", "ceth0"),
    "inside2": lambda: wire_into("ns2", "ceth1"),
    "outside": wire_outside,
}


def main():
    probe = textwrap.dedent(sys.stdin.read())
    world = globals()
    for name, make in WORLD.items():
        if name in probe or name in ("inside", "outside"):
            world[name] = make()
    exec(compile(probe, "probe", "exec"), world)  # pylint: disable=exec-used


if __name__ == "__main__":
    main()
