# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What every session is written with: it yields groups of packets, and knows nothing of what comes
back but the external port of a mapping, which is put in when a packet is built.
"""
import random
from collections import namedtuple

import packet as P
from packet import DF, HOST, ICMP, INSIDE, MAC, TCP, UDP

# One or more packets that are compared as one. kind: what it is, for people and for the file
# `explained`. packets: (place, build), where build(x) gives the frame and x the external port of a
# mapping. maps: the mapping that the group may begin, as x takes it; renew: it may be another now.
Group = namedtuple("Group", "kind packets maps renew")

PEERS = ["203.0.113.%d" % n for n in range(64, 100)]  # the far ends of flows
STRANGERS = ["203.0.113.%d" % n for n in range(100, 120)]  # nobody inside ever calls them
ROUTERS = ["198.51.100.%d" % n for n in range(1, 9)]  # on the path, or said to be
# HOST's ports that lead inside: protocol, port, namespace, its port
PUBLISHED = [(TCP, 5000, "ns1", 3000), (UDP, 5000, "ns1", 5000), (TCP, 6000, "ns2", 6000),
             (UDP, 7000, "ns2", 53)]
NAME = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}


def group(kind, *packets, maps=None, renew=False):
    return Group(kind, packets, maps, renew)


def out(name, raw, dmac=MAC["gateway"], smac=None, kind=P.ETH_IP, vlan=None):
    """A frame that a namespace sends; to its gateway, if nothing else is said."""
    return P.ether(dmac, smac or MAC[name], kind, raw, vlan)


def back(raw, dmac=MAC["uplink"], smac=MAC["lan"], kind=P.ETH_IP, vlan=None):
    """A frame from outside to the uplink."""
    return P.ether(dmac, smac, kind, raw, vlan)


def frame(place, raw, **how):
    return back(raw, **how) if place == "lan" else out(place, raw, **how)


RR = b"\x07\x0b\x04" + bytes(8) + b"\x00"
ALERT = b"\x94\x04\x00\x00"
NOPS = b"\x01\x01\x01\x01"
LSRR = b"\x83\x07\x04" + bytes([203, 0, 113, 90]) + b"\x00"
SSRR = b"\x89" + LSRR[1:]
STAMP = b"\x44\x0c\x05\x00" + bytes(8)
CUT = b"\x07\x20\x04\x00"  # says to be longer than the header
NONE = b"\x94\x01\x00\x00"  # no option is shorter than two bytes

# What may be wrong with an IP packet, or odd: a name, and what to tell ip().
IP_ODD = [
    ("bad-ip-sum", {"wrong": 0x0100}), ("ihl-4", {"ihl": 4}), ("ihl-15", {"ihl": 15}),
    ("version-5", {"version": 5}), ("version-6", {"version": 6}), ("version-0", {"version": 0}),
    ("length-long", {"length": 1400}), ("length-19", {"length": 19}), ("length-0", {"length": 0}),
    ("length-short", {"length": 24}), ("ttl-0", {"ttl": 0}), ("ttl-1", {"ttl": 1}),
    ("ttl-2", {"ttl": 2}), ("rr", {"options": RR}), ("router-alert", {"options": ALERT}),
    ("nops", {"options": NOPS}), ("lsrr", {"options": LSRR}), ("ssrr", {"options": SSRR}),
    ("stamp", {"options": STAMP}), ("cut-option", {"options": CUT}), ("no-option", {"options": NONE}),
    ("evil", {"frag": 0x8000}), ("more-comes", {"frag": P.MF}),
]
UDP_ODD = [
    ("bad-sum", {"wrong": 0x1234}), ("no-sum", {"unsummed": True}), ("udp-long", {"length": 900}),
    ("udp-short", {"length": 7}), ("udp-less", {"length": 9}),
]
TCP_ODD = [
    ("bad-sum", {"wrong": 0x1234}), ("offset-4", {"offset": 4}), ("offset-15", {"offset": 15}),
]
ICMP_ODD = [("bad-sum", {"wrong": 0x1234})]
L4_ODD = {TCP: TCP_ODD, UDP: UDP_ODD, ICMP: ICMP_ODD}
FRAME_ODD = [("padded", None), ("cut", None), ("vlan-0", 0), ("vlan-5", 5), ("to-nobody", None),
             ("to-all", None)]


class Session:
    """A number, which makes its ports unlike all others', and a source of random choices that
    depends on nothing else: without the other sessions it sends the same packets."""

    def __init__(self, seed, number):
        self.number = number
        self.rng = random.Random("%d/%d" % (seed, number))
        self.name = self.rng.choice(P.NAMESPACES[:2])
        self.addr = INSIDE[self.name]
        self.peer = self.rng.choice(PEERS)
        self.sport = 10000 + number % 50000
        self.dport = 2000 + number % 60000
        self.count = 0

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def choice(self, things):
        return self.rng.choice(things)

    def data(self, size=None):
        """Bytes that no other packet has."""
        self.count += 1
        text = b"<%d.%d>" % (self.number, self.count)
        if size is None:
            size = self.choice((0, 1, 8, 25, 100, 301))
        return text + self.rng.randbytes(size)

    def fields(self):
        """The IP header's fields that a NAT has to keep."""
        return {
            "ident": self.rng.randrange(1, 65536),
            "tos": self.choice((0, 0, 0, 0x10, 0x02, 0xb8, 0xff)),
            "frag": self.choice((0, DF)), "ttl": self.choice((64, 64, 64, 128, 255, 3)),
        }

    # ---- one packet, sometimes after one that is odd

    def send(self, kind, place, src, dst, proto, l4, odd=15, maps=None, renew=False):
        """l4(x, **how) gives the transport's bytes."""
        if self.chance(odd):
            yield self.odd(kind, place, src, dst, proto, l4, maps, renew)
        fields = self.fields()
        yield group(kind, (place, lambda x: frame(place, P.ip(src, dst, proto, l4(x), **fields))),
                    maps=maps, renew=renew)

    def odd(self, kind, place, src, dst, proto, l4, maps=None, renew=False):
        fields = self.fields()
        pick = self.rng.random()
        if pick < 0.5:
            what, how = self.choice(IP_ODD)
            fields.update(how)
            if "options" not in how or self.chance(50):
                fields["frag"] &= ~DF if what == "more-comes" else 0xffff
            return group(kind + "/" + what, (place, lambda x: frame(
                place, P.ip(src, dst, proto, l4(x), **fields))), maps=maps, renew=renew)
        if pick < 0.75 and proto in L4_ODD:
            what, how = self.choice(L4_ODD[proto])
            return group(kind + "/" + what, (place, lambda x: frame(
                place, P.ip(src, dst, proto, l4(x, **how), **fields))), maps=maps, renew=renew)
        # a conntrack sees the flags of what is sent to all, too, and does not tell
        what, tag = self.choice(FRAME_ODD[:-1] if proto == TCP else FRAME_ODD)

        def build(x):
            raw = P.ip(src, dst, proto, l4(x), **fields)
            if what == "padded":
                raw += b"padding of a frame"
            if what == "cut":
                raw = raw[:-3]
            if what == "to-nobody":
                return frame(place, raw, dmac=MAC["nobody"])
            if what == "to-all":
                return frame(place, raw, dmac=P.BROADCAST)
            return frame(place, raw, vlan=tag)
        return group(kind + "/" + what, (place, build), maps=maps, renew=renew)


# ---- the two ways of a flow. Each has `there` and `here`: from the one who began it, and its answers.

class Masqueraded:
    """From a namespace to a peer outside."""

    def __init__(self, s, proto, sport=None, peer=None, dport=None, name=None):
        self.s, self.proto, self.name = s, proto, name or s.name
        self.addr = INSIDE[self.name]
        self.sport = s.sport if sport is None else sport
        self.peer = peer or s.peer
        self.dport = s.dport if dport is None else dport
        self.maps = (proto, self.addr, self.sport, self.peer, self.dport)
        self.places = self.name, "lan"
        self.kinds = NAME[proto] + "-out", NAME[proto] + "-reply"

    def there(self, l4, kind="", **how):
        """l4(src, dst, sport, dport, **how)"""
        src, dst = self.addr, self.peer
        return self.s.send(self.kinds[0] + kind, self.name, src, dst, self.proto, lambda x, **h: l4(
            src, dst, self.sport, self.dport, **h), maps=self.maps, **how)

    def here(self, l4, kind="", src=None, sport=None, **how):
        src, dst = src or self.peer, HOST
        return self.s.send(self.kinds[1] + kind, "lan", src, dst, self.proto, lambda x, **h: l4(
            src, dst, self.dport if sport is None else sport, x(*self.maps), **h), **how)

    def quotes(self, l4):
        """A packet of `there` as routers outside see it, and one of `here` as seen inside."""
        def outside(x):
            return HOST, self.peer, l4(HOST, self.peer, x(*self.maps), self.dport)

        def inside(_x):
            return self.peer, self.addr, l4(self.peer, self.addr, self.dport, self.sport)
        return outside, inside


class Published:
    """From outside to a published port."""

    def __init__(self, s, proto, sport=None):
        self.s = s
        self.proto, self.port, self.name, self.inner = s.choice(
            [p for p in PUBLISHED if p[0] == proto])
        self.addr, self.peer = INSIDE[self.name], s.peer
        self.sport = s.sport if sport is None else sport
        self.places = "lan", self.name
        self.kinds = NAME[proto] + "-pub-in", NAME[proto] + "-pub-reply"

    def there(self, l4, kind="", **how):
        how.pop("renew", None)
        return self.s.send(self.kinds[0] + kind, "lan", self.peer, HOST, self.proto, lambda x, **h: l4(
            self.peer, HOST, self.sport, self.port, **h), **how)

    def here(self, l4, kind="", **how):
        return self.s.send(self.kinds[1] + kind, self.name, self.addr, self.peer, self.proto,
                           lambda x, **h: l4(self.addr, self.peer, self.inner, self.sport, **h), **how)

    def quotes(self, l4):
        """One of `here` as routers outside see it, and one of `there` as seen inside."""
        def outside(_x):
            return HOST, self.peer, l4(HOST, self.peer, self.port, self.sport)

        def inside(_x):
            return self.peer, self.addr, l4(self.peer, self.addr, self.sport, self.inner)
        return outside, inside


class Hairpin:
    """From a namespace to a port that the host publishes, in itself perhaps."""

    def __init__(self, s, proto, sport=None):
        self.s = s
        self.proto, self.port, self.name, self.inner = s.choice(
            [p for p in PUBLISHED if p[0] == proto])
        self.client = s.choice(P.NAMESPACES)
        self.peer, self.addr = INSIDE[self.client], INSIDE[self.name]
        self.sport = s.sport if sport is None else sport
        self.maps = ("hairpin", proto, self.peer, self.sport, self.addr, self.inner)
        self.places = self.client, self.name
        self.kinds = NAME[proto] + "-hairpin", NAME[proto] + "-hairpin-reply"

    def there(self, l4, kind="", **how):
        how.pop("renew", None)
        return self.s.send(self.kinds[0] + kind, self.client, self.peer, HOST, self.proto,
                           lambda x, **h: l4(self.peer, HOST, self.sport, self.port, **h),
                           maps=self.maps, **how)

    def here(self, l4, kind="", **how):
        """To whom the server saw: not the same address in every NAT."""
        def answer(x):
            addr, port = x(*self.maps) or (HOST, self.sport)
            return P.ip(self.addr, addr, self.proto,
                        l4(self.addr, addr, self.inner, port), ident=self.s.number & 0xffff)
        yield group(self.kinds[1] + kind, (self.name, lambda x: out(self.name, answer(x))))
