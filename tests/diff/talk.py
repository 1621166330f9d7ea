# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Conversations: UDP, TCP, ICMP queries and what errors are sent about them, pieces of datagrams."""
import struct

import packet as P
from packet import ACK, FIN, HOST, ICMP, PSH, RST, SYN, TCP, UDP
from session import NAME, Hairpin, Masqueraded, Published, ROUTERS, STRANGERS, frame, group


def datagram(data):
    return lambda src, dst, sport, dport, **how: P.udp(src, dst, sport, dport, data, **how)


def sums_to_zero(data, src, dst, sport, dport):
    """The data and two bytes more, so that a datagram's checksum comes to be 0, which UDP sends as ffff."""
    data += bytes(2 + len(data) % 2)
    body = P.udp(src, dst, sport, dport, data, unsummed=True)
    rest = P.checksum(P.pseudo(src, dst, UDP, len(body)) + body)
    return data[:-2] + rest.to_bytes(2, "big")


def udp_zero(s):
    """Checksums that are 0 on one side of the NAT: of datagrams, of answers, and quoted."""
    way = Masqueraded(s, UDP)
    outside, inside = (HOST, way.peer, way.sport, way.dport), (way.peer, way.addr, way.dport, way.sport)
    quoted_inside = (way.addr, way.peer, way.sport, way.dport)
    yield from way.there(datagram(sums_to_zero(s.data(), *outside)), "/sum-0", odd=0)
    yield from way.here(datagram(sums_to_zero(s.data(), *inside)), "/sum-0", odd=0)
    yield from errors(s, way, datagram(sums_to_zero(s.data(), *quoted_inside)), "-sum-0")


def way_of(s, proto):
    pick = s.rng.random()
    if pick < 0.6:
        return Masqueraded(s, proto)
    return Published(s, proto) if pick < 0.85 else Hairpin(s, proto)


# ---- UDP

def udp(s):
    way = way_of(s, UDP)
    for _ in range(s.rng.randrange(1, 6)):
        yield from way.there(datagram(s.data()))
        while s.chance(55):
            yield from way.here(datagram(s.data()))
        if s.chance(20) and not isinstance(way, Hairpin):
            yield from errors(s, way, datagram(s.data()))


def udp_peers(s):
    """One socket, several peers: one mapping or one for each."""
    ways = [Masqueraded(s, UDP, peer=s.choice(("203.0.113.64", "203.0.113.65", "203.0.113.66")),
                        dport=s.dport + 100 * n) for n in range(s.rng.randrange(2, 5))]
    for _ in range(s.rng.randrange(3, 9)):
        way = s.choice(ways)
        yield from way.there(datagram(s.data()))
        if s.chance(60):
            yield from way.here(datagram(s.data()))


def collision(s):
    """Two namespaces, the same source port, the same peer."""
    proto = s.choice((UDP, TCP))
    sport = s.choice((s.sport, 600 + s.number % 400))
    ways = [Masqueraded(s, proto, name=name, sport=sport) for name in P.NAMESPACES]
    if proto == TCP:
        walks = [tcp_walk(s, way, alone=False) for way in ways]
        while walks:
            walk = s.choice(walks)
            try:
                yield next(walk)
            except StopIteration:
                walks.remove(walk)
        return
    for _ in range(s.rng.randrange(3, 9)):
        way = s.choice(ways)
        yield from way.there(datagram(s.data()))
        yield from way.here(datagram(s.data()))


def udp_stranger(s):
    """Who was never sent to tries a mapped port."""
    way = Masqueraded(s, UDP)
    yield from way.there(datagram(s.data()))
    yield from way.here(datagram(s.data()), "-stranger", src=s.choice(STRANGERS), odd=0)
    yield from way.here(datagram(s.data()), "-other-port", sport=1999, odd=0)
    yield from way.here(datagram(s.data()))


def mapping_to_mapping(s):
    """Two namespaces that meet by their external addresses (RFC 4787 REQ-9); each sends first."""
    ways = [Masqueraded(s, UDP, name=name, sport=s.sport) for name in P.NAMESPACES[:2]]
    for way in ways:
        yield from way.there(datagram(s.data()), odd=0)
    for _ in range(s.rng.randrange(2, 6)):
        one, other = s.choice((ways, ways[::-1]))
        data = s.data()
        maps = other.maps

        def build(x, one=one, data=data, maps=maps):
            l4 = P.udp(one.addr, HOST, one.sport, x(*maps), data)
            return frame(one.name, P.ip(one.addr, HOST, UDP, l4, ident=9))
        yield group("udp-to-mapping", (one.name, build))


# ---- TCP

def tcp_stranger(s):
    """A SYN to a mapped port from who was never called (RFC 5382 REQ-4)."""
    c = Connection(s, Masqueraded(s, TCP))
    yield from c.segment(0, SYN, odd=0)
    yield from c.segment(1, SYN | ACK, odd=0)
    yield from c.segment(0, ACK)
    for flags in s.choice(((SYN,), (SYN, ACK), (RST,), (SYN | ACK,))):
        yield from c.segment(1, flags, kind="stranger-" + NAMES[flags], shift=7,
                             src=s.choice(STRANGERS), odd=0)
    yield from tcp_data(s, c)


class Connection:
    """Sequence numbers of both ends: 0 is the one who calls. What one sends the other has got."""

    def __init__(self, s, way):
        self.s, self.way = s, way
        self.seq = [s.rng.randrange(1 << 32), s.rng.randrange(1 << 32)]
        self.after = ""

    def segment(self, end, flags, data=b"", kind="", shift=0, options=b"", **how):
        """shift: from where this end is; nothing goes on then."""
        seq, ack = self.seq[end] + shift, self.seq[1 - end] if flags & ACK else 0

        def l4(src, dst, sport, dport, **odd):
            return P.tcp(src, dst, sport, dport, flags, seq, ack, data, options=options, **odd)
        if not shift:
            self.seq[end] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        send = self.way.here if end else self.way.there
        if not end and any(word in self.after for word in ("refused", "midstream", "unasked")):
            how["renew"] = True  # what is reset before it was answered, netfilter forgets
        yield from send(l4, "/" + (kind or NAMES.get(flags, "flags-%02x" % flags)) + self.after, **how)


NAMES = {SYN: "syn", SYN | ACK: "synack", ACK: "ack", ACK | PSH: "data", FIN | ACK: "fin",
         RST: "rst", RST | ACK: "rstack", 0: "null", SYN | FIN: "synfin", SYN | RST: "synrst"}
MSS = b"\x02\x04\x05\xb4"


def tcp_open(s, c, alone):
    pick = s.rng.random()
    if pick < 0.04:
        yield from c.segment(0, ACK, kind="midstream-ack")
        c.after = "-midstream"
        return
    if pick < 0.07 and alone and not isinstance(c.way, Published):
        yield from c.segment(1, SYN | ACK, kind="synack-unasked", odd=0)
        c.after = "-unasked"
        return
    if pick < 0.10:
        yield from c.segment(0, s.choice((0, SYN | FIN, SYN | RST, 0x29, FIN, RST, RST | ACK)), odd=0)
    yield from c.segment(0, SYN, options=MSS)
    if pick < 0.20:
        yield from c.segment(0, SYN, kind="syn-again", shift=-1, options=MSS)
    if pick > 0.96 and alone:
        yield from c.segment(1, RST | ACK, kind="refused")
        c.after = "-refused"
        return
    if pick > 0.93:
        yield from c.segment(1, SYN, kind="syn-crossing")
        yield from c.segment(0, SYN | ACK, kind="synack-crossing", shift=-1)
        yield from c.segment(1, SYN | ACK, kind="synack-crossing", shift=-1)
        c.after = "-simultaneous"
        return
    yield from c.segment(1, SYN | ACK, options=MSS)
    yield from c.segment(0, ACK)


def tcp_data(s, c):
    for _ in range(s.rng.randrange(0, 5)):
        end = s.rng.randrange(2)
        data = s.data()
        yield from c.segment(end, ACK | PSH, data)
        if s.chance(70):
            yield from c.segment(1 - end, ACK)
        if s.chance(8):
            yield from c.segment(end, ACK | PSH, data, kind="data-again", shift=-len(data))
        if s.chance(4):
            yield from c.segment(end, ACK, kind="keepalive", shift=-1)
        if s.chance(4):
            yield from c.segment(end, ACK | PSH, data, kind="far-data", shift=0x10000000)
        if s.chance(4):
            yield from c.segment(end, RST, kind="far-rst", shift=0x10000000)
        if s.chance(2):
            yield from c.segment(end, s.choice((0, FIN, 0x29, SYN | FIN, SYN)), kind="odd-flags")


def tcp_close(s, c):
    pick, end = s.rng.random(), s.rng.randrange(2)
    if pick < 0.5:
        yield from c.segment(end, FIN | ACK)
        if s.chance(30):
            yield from c.segment(1 - end, ACK)
            yield from c.segment(1 - end, ACK | PSH, s.data(), kind="data-half-closed")
            yield from c.segment(end, ACK)
        yield from c.segment(1 - end, FIN | ACK, kind="second-fin")
        yield from c.segment(end, ACK, kind="last-ack")
        c.after += "-closed"
    elif pick < 0.6:
        yield from c.segment(end, FIN | ACK)
        c.after += "-half-closed"
    elif pick < 0.85:
        yield from c.segment(end, s.choice((RST, RST | ACK)))
        c.after += "-reset"
    else:
        return
    if s.chance(30):
        yield from c.segment(s.rng.randrange(2), ACK | PSH, s.data())
    if s.chance(15):
        yield from c.segment(s.rng.randrange(2), RST)
    if s.chance(15):
        yield from c.segment(end, FIN | ACK, kind="fin-again", shift=-1)


def tcp_walk(s, way, alone=True):
    """alone: nobody else has the same port inside. Else netfilter forgets what is refused, and the
    other has the external port at once."""
    c = Connection(s, way)
    yield from tcp_open(s, c, alone)
    yield from tcp_data(s, c)
    if s.chance(15) and not isinstance(way, Hairpin):
        yield from errors(s, way, segment_of(c), "-refused" if "refused" in c.after else "")
    yield from tcp_close(s, c)
    if s.chance(15):  # the same tuple once more
        before = c.after
        c.seq[0] += 100000
        c.after = "-anew" + before
        yield from c.segment(0, SYN, renew=True, options=MSS)
        yield from c.segment(1, SYN | ACK)
        yield from c.segment(0, ACK)
        yield from tcp_data(s, c)


def tcp(s):
    yield from tcp_walk(s, way_of(s, TCP))


def segment_of(c):
    seq = c.seq[0]
    return lambda src, dst, sport, dport: P.tcp(src, dst, sport, dport, ACK, seq, 1, b"quoted data")


# ---- ICMP

def query_of(kind, data):
    def l4(_src, _dst, ident, _same, **how):
        return P.icmp(kind, 0, ident << 16 | 7, data, **how)
    return l4


def query(s):
    """Echo and timestamp, two namespaces with one identifier at times."""
    kind, answer, data = s.choice(((8, 0, s.data()), (13, 14, bytes(12))))
    names = s.choice(((s.name,), P.NAMESPACES[:2]))
    ways = [Masqueraded(s, ICMP, name=name, dport=s.sport) for name in names]
    for _ in range(s.rng.randrange(1, 4)):
        way = s.choice(ways)
        yield from way.there(query_of(kind, data))
        while s.chance(55):
            yield from answer_to(s, way, query_of(answer, data))
        if s.chance(25):
            yield from errors(s, way, query_of(kind, data))


def answer_to(s, way, l4):
    """An answer's identifier is the external one, which way.here() has for the destination's port."""
    yield from way.here(lambda src, dst, _sport, dport, **how: l4(src, dst, dport, dport, **how))


# Types and codes of errors: those that are translated, a redirect, and what is none.
ERRORS = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 9), (3, 13), (4, 0), (5, 1), (11, 0), (11, 1), (12, 0),
          (3, 4), (3, 4), (3, 15), (11, 0), (3, 3), (3, 1)]


def quoted(packet, proto, ident, odd, cut):
    """A packet as it is quoted, with what is odd in its header, and no more of it than that."""
    src, dst, l4 = packet
    return P.ip(src, dst, proto, l4, **{"ident": ident, "ttl": 60, "frag": P.DF, **odd})[:cut]


QUOTE_ODD = [
    ("quote-bad-ip-sum", {"wrong": 7}, None), ("quote-ihl-4", {"ihl": 4}, None),
    ("quote-version-6", {"version": 6}, None), ("quote-cut-27", {}, 27), ("quote-cut-20", {}, 20),
    ("quote-cut-8", {}, 8), ("quote-piece", {"frag": 0x0010}, None), ("quote-28", {}, 28),
    ("quote-options", {"options": b"\x94\x04\x00\x00"}, None), ("quote-40", {}, 40),
]


def errors(s, way, l4, after=""):
    """About a packet of either direction, from a router or from the other end."""
    outside, inside = way.quotes(l4)
    proto = way.proto
    kind, code = s.choice(ERRORS)
    ident = s.rng.randrange(1, 65536)
    word = 1300 if (kind, code) == (3, 4) else 0
    what, how, cut = s.choice(QUOTE_ODD) if s.chance(40) else ("", {}, None)
    wrong = 0x77 if s.chance(8) else 0
    name = "/%d-%d%s%s%s" % (kind, code, "/" * bool(what), what, "/bad-icmp-sum" if wrong else "")
    if s.chance(70):
        src = s.choice((way.peer, s.choice(ROUTERS), P.ROUTER))
        where, dst, about, label = "lan", HOST, outside, "error-in" + after
    else:
        src, dst, about, label = way.addr, way.peer, inside, "error-out" + after
        where = way.name

    def body(x, **odd):
        odd.setdefault("wrong", wrong)
        return P.icmp(kind, code, word, quoted(about(x), proto, ident, how, cut), **odd)
    yield from s.send("%s-%s%s" % (NAME[proto], label, name), where, src, dst, ICMP, body, odd=20)


def errors_about_nothing(s):
    """Nobody sent what they quote, or it was an error itself."""
    for _ in range(3):
        about = s.choice((P.ip(HOST, s.peer, UDP, P.udp(HOST, s.peer, 9, 9, b"?")),
                          P.ip(HOST, s.peer, TCP, P.tcp(HOST, s.peer, 9, 9, ACK, 1, 1)),
                          P.ip(HOST, s.peer, ICMP, P.icmp(3, 1, 0, bytes(28))),
                          P.ip(HOST, s.peer, ICMP, P.icmp(5, 1, 0, bytes(28))),
                          P.ip(HOST, s.peer, 47, bytes(16))))
        inner = "tcp udp icmp gre".split()[(6, 17, 1, 47).index(about[9])]
        kind, code = s.choice(ERRORS)
        name = "/%d-%d/about-no-%s" % (kind, code, inner)

        def body(_x, kind=kind, code=code, about=about, **how):
            return P.icmp(kind, code, 0, about, **how)
        if s.chance(60):
            yield from s.send("error-in" + name, "lan", s.peer, HOST, ICMP, body, odd=5)
        else:
            yield from s.send("error-out" + name, s.name, s.addr, s.peer, ICMP, body, odd=0)


# ---- pieces

def fragments(s):
    """A datagram in pieces, in any order, perhaps not all of them; each train has an identification
    of its own, so that no two make one."""
    way = s.choice((Masqueraded, Published))(s, UDP)
    known = s.chance(50)
    if known:
        yield from way.there(datagram(s.data()))
    for n in range(s.rng.randrange(1, 3)):
        there = not known or s.chance(60)
        known = True
        data = s.data(s.choice((100, 700, 1300)))
        pick, share = s.rng.random(), s.rng.random()
        order = s.rng.random()
        ident = (s.number * 8 + n) & 0xffff

        whole = next((way.there if there else way.here)(datagram(data), odd=0)).packets[0][1]

        def build(x, whole=whole, ident=ident):
            raw = whole(x)[14:]
            return P.reheaded(raw[:4] + struct.pack("!HH", ident, 0) + b"\x40" + raw[9:20], raw[20:], 0)
        yield from train(s, way, there, build, (pick, share, order))


def train(s, way, there, build, picks):
    pick, share, order = picks
    count = 2 + int(pick * 3)
    place = way.places[0 if there else 1]
    kind = way.kinds[0 if there else 1] + "/pieces"
    first = 8 * (1 + int(share * 8))
    maps = getattr(way, "maps", None) if there else None
    numbers = list(range(count))
    if order < 0.3:
        numbers.reverse()
        kind += "-reversed"
    elif order < 0.5:
        numbers = numbers[1:] + numbers[:1]
        kind += "-rotated"
    elif order < 0.6:
        numbers.pop(int(share * count))
        kind += "-incomplete"

    def piece(n):
        def one(x):
            raw = build(x)
            sizes = [first, *[max(8, (len(raw) - 20 - first) // count // 8 * 8)] * (count - 2)]
            return frame(place, P.pieces(raw, sizes)[n])
        return one
    yield group(kind, *[(place, piece(n)) for n in numbers], maps=maps)
