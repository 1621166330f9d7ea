# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Packets that belong to no conversation: what a switch, a router and a host have to make of them."""
import struct

import packet as P
from packet import ACK, GATEWAY, HOST, ICMP, INSIDE, MAC, RST, SYN, TCP, UDP
from session import STRANGERS, back, frame, group, out

NOBODY = P.MAC["nobody"]
STATION = b"\x02\xdd\0\0"  # stations that send once, and are never sent to
GROUPS = [(P.BROADCAST, "broadcast"), (bytes.fromhex("01005e0000fb"), "multicast"),
          (bytes.fromhex("333300000001"), "multicast6"), (bytes.fromhex("0180c2000000"), "stp"),
          (bytes.fromhex("0180c200000e"), "lldp"), (bytes.fromhex("0180c2000001"), "pause"),
          (bytes.fromhex("0180c2000021"), "gvrp"), (bytes.fromhex("0180c2000010"), "group-10")]


def plain(s, src, dst, **how):
    return P.ip(src, dst, UDP, P.udp(src, dst, 1234, 4321, s.data(8)), **how)


def ipv6(name, to):
    """From one link-local address to the other: a datagram."""
    def link_local(mac):
        return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    addrs = link_local(MAC[name]) + link_local(MAC[to])
    return b"\x60\0\0\0\0\x08\x11\x40" + addrs + b"\x04\xd2\x10\xe1\0\x08\x12\x34"


def other(s):
    """A namespace beside this one."""
    return s.choice([name for name in P.NAMESPACES if name != s.name])


# ---- the switch

def switched(s):
    for _ in range(s.rng.randrange(2, 6)):
        to = other(s)
        raw = plain(s, s.addr, INSIDE[to], ttl=s.choice((0, 1, 64)), tos=s.choice((0, 0xb9)))
        kind, body, name = s.choice((
            (P.ETH_IP, raw, "ip"), (P.ETH_TEST, s.data(60), "test"),
            (P.ETH_IPV6, ipv6(s.name, to), "ipv6"),
            (P.ETH_IP, raw[:10] + b"\0\0" + raw[12:], "ip-bad-sum"),
            (P.ETH_IP, raw + b"pad", "ip-padded"),
            (len(raw), b"\xaa\xaa\x03" + raw, "llc"), (P.ETH_TEST, s.data(1450), "full-size"),
            (P.ETH_TEST, b"", "empty"), (0x8863, s.data(20), "pppoe"),
            (0x88cc, s.data(20), "lldp-type")))
        vlan = s.choice((None, None, None, 0, 5))
        dmac, who = s.choice([(MAC[to], "to-ns")] * 4 + [(NOBODY, "to-nobody"),
                                                        (MAC[s.name], "to-itself"), *GROUPS])
        tag = "" if vlan is None else "/vlan-%d" % vlan
        raw = out(s.name, body, dmac=dmac, kind=kind, vlan=vlan)
        yield group("l2/%s/%s%s" % (who, name, tag), (s.name, lambda x, raw=raw: raw))


def spoofed(s):
    """Sources that are not the sender's. Who is impersonated speaks up at once: what a switch learned
    from the lie is no difference that anyone else need suffer from."""
    to = other(s)
    victim = other(s)
    body = plain(s, s.addr, INSIDE[to])
    nobody = STATION + bytes([s.number >> 8 & 255, s.number & 255])
    smac, who = s.choice(((MAC[victim], "of-ns"), (MAC["gateway"], "of-gateway"), (nobody, "of-nobody"),
                          (b"\x03" + NOBODY[1:], "of-a-group"), (bytes(6), "zero")))
    dmac = s.choice((MAC[to], MAC["gateway"], P.BROADCAST))
    heal = [(victim, lambda x: out(victim, b"here I am", dmac=NOBODY, kind=P.ETH_TEST)),
            (s.name, lambda x: out(s.name, b"here I am", dmac=NOBODY, kind=P.ETH_TEST))]
    if s.chance(50):
        yield group("l2-spoofed/mac-" + who,
                    (s.name, lambda x: out(s.name, body, dmac=dmac, smac=smac)), *heal)
        return
    src, who = s.choice(((INSIDE[victim], "of-ns"), (GATEWAY, "of-gateway"), (HOST, "of-host"),
                         ("192.168.1.77", "of-nobody"), ("203.0.113.5", "of-outside"),
                         ("0.0.0.0", "none"), ("192.168.1.255", "broadcast")))
    dst, where = s.choice(((INSIDE[to], "to-ns"), (s.peer, "to-outside"), (HOST, "to-host"),
                           (GATEWAY, "to-gateway")))
    mac = MAC[to] if where == "to-ns" else MAC["gateway"]
    raw = plain(s, src, dst)
    yield group("ip-spoofed/%s/%s" % (who, where), (s.name, lambda x: out(s.name, raw, dmac=mac)))


def arp(s):
    to = other(s)
    mine = MAC[s.name]
    cases = [
        ("who-has-gateway", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), GATEWAY)),
        ("who-has-gateway-unicast", MAC["gateway"], P.arp(1, mine, s.addr, bytes(6), GATEWAY)),
        ("probe-gateway", P.BROADCAST, P.arp(1, mine, "0.0.0.0", bytes(6), GATEWAY)),
        ("probe-own", P.BROADCAST, P.arp(1, mine, "0.0.0.0", bytes(6), s.addr)),
        ("announce", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), s.addr)),
        ("who-has-ns", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), INSIDE[to])),
        ("who-has-nobody", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), "192.168.1.99")),
        ("who-has-host", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), HOST)),
        ("who-has-outside", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), s.peer)),
        ("reply-to-ns", MAC[to], P.arp(2, mine, s.addr, MAC[to], INSIDE[to])),
        ("reply-to-gateway", MAC["gateway"], P.arp(2, mine, s.addr, MAC["gateway"], GATEWAY)),
        ("claim-gateway", P.BROADCAST, P.arp(1, mine, GATEWAY, bytes(6), s.addr)),
        ("claim-ns", P.BROADCAST, P.arp(1, mine, INSIDE[to], bytes(6), s.addr)),
        ("short", P.BROADCAST, P.arp(1, mine, s.addr, bytes(6), GATEWAY)[:20]),
        ("ieee802", P.BROADCAST, b"\0\6" + P.arp(1, mine, s.addr, bytes(6), GATEWAY)[2:]),
    ]
    for _ in range(2):
        name, dmac, raw = s.choice(cases)
        yield group("arp/" + name, (s.name, lambda x, raw=raw, dmac=dmac: out(
            s.name, raw, dmac=dmac, kind=P.ETH_ARP)))
    dst = s.choice((HOST, INSIDE[s.name], GATEWAY, "172.31.13.77"))
    who = {HOST: "host", GATEWAY: "gateway"}.get(dst, "ns" if dst in INSIDE.values() else "nobody")
    raw = P.arp(1, MAC["lan"], P.ROUTER, bytes(6), dst)
    yield group("arp-outside/who-has-" + who,
                ("lan", lambda x: back(raw, dmac=P.BROADCAST, kind=P.ETH_ARP)))


# ---- to the host

def l4s(s, src, dst, port):
    """Something of each protocol to a port, and what to call it."""
    return s.choice((
        (UDP, lambda x, **how: P.udp(src, dst, s.sport, port, b"to the host", **how), "udp"),
        (TCP, lambda x, **how: P.tcp(src, dst, s.sport, port, SYN, 1000, 0, **how), "syn"),
        (TCP, lambda x, **how: P.tcp(src, dst, s.sport, port, ACK, 1000, 2000, **how), "ack"),
        (TCP, lambda x, **how: P.tcp(src, dst, s.sport, port, RST, 1000, 0, **how), "rst"),
        (TCP, lambda x, **how: P.tcp(src, dst, s.sport, port, SYN | ACK, 1000, 2000, **how), "synack"),
        (ICMP, lambda x, **how: P.icmp(8, 0, s.sport << 16 | port, b"anyone there?", **how), "echo"),
        (ICMP, lambda x, **how: P.icmp(13, 0, s.sport << 16 | port, bytes(12), **how), "timestamp"),
        (ICMP, lambda x, **how: P.icmp(0, 0, s.sport << 16 | port, b"unasked", **how), "echo-reply"),
        (ICMP, lambda x, **how: P.icmp(17, 0, s.sport << 16, bytes(4), **how), "mask")))


def to_host(s):
    """Ports of the host's that nobody has."""
    port = P.NOBODYS_PORTS[s.number % len(P.NOBODYS_PORTS)]
    for _ in range(3):
        if s.chance(50):
            src = s.choice(STRANGERS)
            proto, l4, name = l4s(s, src, HOST, port)
            yield from s.send("unasked/" + name, "lan", src, HOST, proto, l4)
        else:
            where, dst = s.choice((("gateway", GATEWAY), ("host", HOST),
                                   ("ns-by-gateway", INSIDE[other(s)])))
            proto, l4, name = l4s(s, s.addr, dst, port)
            yield from s.send("to-%s/%s" % (where, name), s.name, s.addr, dst, proto, l4)


def to_private(s):
    """From outside to what lies behind the host, which nobody outside should know of."""
    dst = s.choice((*INSIDE.values(), GATEWAY, "192.168.1.99", "192.168.1.255"))
    proto, l4, name = l4s(s, s.peer, dst, 1 + s.number % 500)
    where = {GATEWAY: "gateway", "192.168.1.255": "broadcast", "192.168.1.99": "nobody"}.get(dst, "ns")
    yield from s.send("to-private/%s/%s" % (where, name), "lan", s.peer, dst, proto, l4)


def to_broadcast(s):
    """A published port is not published on addresses that are everybody's."""
    dst, name = s.choice((("172.31.15.255", "uplink"), ("255.255.255.255", "all"),
                          ("192.168.1.255", "subnet")))
    dmac = s.choice((MAC["uplink"], P.BROADCAST))
    for proto in s.rng.sample((UDP, TCP), 2):
        l4 = P.udp(s.peer, dst, s.sport, 5000, b"all") if proto == UDP else \
            P.tcp(s.peer, dst, s.sport, 5000, SYN, 1, 0)
        raw = P.ip(s.peer, dst, proto, l4)
        yield group("pub-in-to-broadcast/" + name, ("lan", lambda x, raw=raw: back(raw, dmac=dmac)))


# ---- the router

MARTIANS = [("127.0.0.1", "loopback"), ("0.0.0.0", "this"), ("0.1.2.3", "this-net"), ("224.0.0.5", "group"),
            ("239.1.2.3", "far-group"), ("240.0.0.1", "class-e"), ("255.255.255.255", "all"),
            ("169.254.1.1", "link-local"), ("192.168.1.255", "subnet-broadcast"),
            ("192.168.1.0", "subnet-zero"), ("172.31.15.255", "uplink-broadcast"),
            ("172.31.0.0", "uplink-zero"), (P.ROUTER, "next-hop"), (P.ON_LINK, "on-link")]


def martians(s):
    port = 1 + s.number % 500
    for _ in range(3):
        addr, what = s.choice(MARTIANS)
        if s.chance(50):
            proto, l4, name = l4s(s, s.addr, addr, port)
            yield from s.send("to-%s/%s" % (what, name), s.name, s.addr, addr, proto, l4, odd=5)
        elif s.chance(50):
            proto, l4, name = l4s(s, addr, s.peer, port)
            yield from s.send("from-%s/%s" % (what, name), s.name, addr, s.peer, proto, l4, odd=5)
        else:
            if addr in (P.ROUTER, P.ON_LINK):
                continue
            proto, port, kind = s.choice(((UDP, 5000, "udp-pub"), (UDP, port, "udp"),
                                          (TCP, 5000, "tcp-pub")))
            raw = P.udp(addr, HOST, 1300, port, b"martian") if proto == UDP else \
                P.tcp(addr, HOST, 1300, port, SYN, 1, 0)
            yield from s.send("in-from-%s/%s" % (what, kind), "lan", addr, HOST, proto,
                              lambda x, raw=raw, **how: raw, odd=0)


PROTOCOLS = {2: "igmp", 4: "ipip", 41: "6in4", 47: "gre", 50: "esp", 51: "ah", 89: "ospf", 103: "pim",
             132: "sctp", 136: "udplite", 33: "dccp", 253: "experiment", 255: "reserved", 0: "hop"}


def crc32c(data):
    """RFC 9260 appendix A."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xffffffff)


def of_protocol(s, name, src, dst, answer):
    """What a conntrack takes for a packet of it; of most, anything."""
    ports = (s.dport, s.sport) if answer else (s.sport, s.dport)
    if name == "gre":
        return b"\0\0\x08\0" + s.data(40)
    if name == "sctp":
        head = struct.pack("!HHI", *ports, 7 if answer else 0)
        chunk = struct.pack("!BBHIIHHI", 2 if answer else 1, 0, 20, 7, 65536, 1, 1, 1)
        return head + crc32c(head + bytes(4) + chunk) + chunk
    if name == "udplite":
        data = s.data(40)
        body = struct.pack("!HHHH", *ports, 0, 0) + data
        s16 = P.checksum(P.pseudo(src, dst, 136, len(body)) + body)
        return body[:6] + struct.pack("!H", s16) + data
    return s.data(40)


def protocols(s):
    """No two sessions have the same peer: by what else could they be told apart?"""
    proto, name = s.choice(list(PROTOCOLS.items()))
    peer = "198.51.100.%d" % (16 + s.number % 240)
    data = of_protocol(s, name, s.addr, peer, False)
    yield from s.send("%s-out" % name, s.name, s.addr, peer, proto, lambda x, **how: data, odd=5)
    answer = of_protocol(s, name, peer, HOST, True)
    if s.chance(50):
        yield from s.send("%s-reply" % name, "lan", peer, HOST, proto, lambda x, **how: answer, odd=5)
        yield from s.send("%s-out" % name, s.name, s.addr, peer, proto, lambda x, **how: data, odd=5)
    else:
        yield from s.send("%s-unasked" % name, "lan", s.choice(STRANGERS), HOST, proto,
                          lambda x, **how: answer, odd=5)


def icmp_kinds(s):
    """Types that are neither query nor error, or only one way round."""
    kind = s.choice((0, 1, 4, 5, 9, 10, 14, 15, 16, 17, 18, 30, 40, 42, 43, 255))
    data = s.data(20)
    yield from s.send("icmp-out/type-%d" % kind, s.name, s.addr, s.peer, ICMP,
                      lambda x, **how: P.icmp(kind, 0, s.sport << 16, data, **how), odd=5)
    if s.chance(50):
        yield from s.send("icmp-in/type-%d" % kind, "lan", s.peer, HOST, ICMP,
                          lambda x, **how: P.icmp(kind, 0, s.sport << 16, data, **how), odd=5)


def too_big(s):
    """More than the uplink takes, in the labs that have a narrow one; whole where it is wide."""
    src, dst = s.addr, s.peer
    frag, what = s.choice(((P.DF, "df"), (0, "may-cut")))
    data = s.data(1400 + s.rng.randrange(50))
    how = {"frag": frag, "ident": s.number & 0xffff or 1}
    raw = P.ip(src, dst, UDP, P.udp(src, dst, s.sport, s.dport, data), **how)
    maps = (UDP, src, s.sport, dst, s.dport)
    yield group("big-out/" + what, (s.name, lambda x: out(s.name, raw)), maps=maps)
    raw2 = P.ip(dst, HOST, UDP, P.udp(dst, HOST, s.sport, 5000, data), **how)
    yield group("big-pub-in/" + what, ("lan", lambda x: back(raw2)))


def cut_short(s):
    """Frames that end inside a header."""
    raw = P.ip(s.addr, s.peer, s.choice((UDP, TCP, ICMP)), bytes(20))
    size = s.rng.randrange(0, 40)
    body = raw[:size]
    yield group("short/%d" % (size // 10 * 10), (s.name, lambda x: out(s.name, body)))
    proto = s.choice((UDP, TCP, ICMP))
    body2 = P.ip(s.addr, s.peer, proto, b"\x10" * s.rng.randrange(0, 20))
    yield group("short-l4/%d" % proto, (s.name, lambda x: out(s.name, body2)))
    body3 = P.ip(s.peer, HOST, proto, b"\x10" * s.rng.randrange(0, 20))
    yield group("short-l4-in/%d" % proto, ("lan", lambda x: back(body3)))


def land(s):
    """A source that is the destination."""
    addr, place = s.choice(((HOST, "lan"), (s.addr, s.name), (GATEWAY, s.name)))
    port = 5000
    proto = s.choice((UDP, TCP))
    l4 = P.udp(addr, addr, port, port, b"land") if proto == UDP else \
        P.tcp(addr, addr, port, port, SYN, 1, 0)
    raw = P.ip(addr, addr, proto, l4)
    where = "in" if place == "lan" else "ns" if addr == s.addr else "gateway"
    yield group("land/%s/%s" % (where, "udp" if proto == UDP else "tcp"),
                (place, lambda x: frame(place, raw)))
