# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What came out, in words that two NATs may be compared by: (shape, fields).

The shape is where it came out and what it is; the fields are all the rest, byte for byte, but for
what legitimately differs:

- an external port is named after whom it was given to (`Names`), and checksums over one are told as
  what they are wrong by;
- the IP identification is "kept" or not: what a stack sends of its own accord has one of its own;
- of what a router or the host says itself (an ICMP error), the quote counts up to the 8 bytes that
  RFC 792 asks for: more is good manners (RFC 1812 4.3.2.3);
- the clock in a timestamp reply of the host's;
- pieces of a datagram are put together first: how it was cut does not count, that it was does.
"""
import struct

import packet as P
from packet import DF, GATEWAY, HOST, ICMP, MF, OFFSET, TCP, UDP

MAC_NAMES = {mac: name for name, mac in P.MAC.items()}
MAC_NAMES[P.BROADCAST] = "all"
ERRORS = (3, 4, 5, 11, 12)
QUERIES = (0, 8, 13, 14)
STAMP = b"\x44"  # an option that the host fills in when it answers


def dotted(raw):
    return "%d.%d.%d.%d" % tuple(raw)


class Names:
    """The external ports of mappings in one lab, learned from what came out."""

    def __init__(self):
        self.port_of = {}  # (protocol, inside, port, peer, port) or a hairpin's -> external
        self.first = {}    # (protocol, inside, port) -> external
        self.owner = {}    # (protocol, external, peer, its port but for ICMP) -> (inside, port)
        self.sent_to = {}  # external -> inside port, in what is being sent now

    def external(self, *maps):
        """For packets to be sent to a mapping: `x` of session.py."""
        if maps[0] == "hairpin":
            return self.port_of.get(maps)
        port = self.port_of.get(maps) or self.first.get(maps[:3]) or maps[2]
        self.sent_to[port] = maps[2]
        return port

    def learn(self, maps, renew, came_out):
        """came_out: (place, IP packet) of what may have begun the mapping."""
        if maps in self.port_of and not renew:
            return
        for place, raw in came_out:
            if maps[0] == "hairpin":
                self.learn_hairpin(maps, raw)
            elif place == "lan" and len(raw) >= 28 and raw[9] == maps[0] and \
                    dotted(raw[12:16]) == HOST and dotted(raw[16:20]) == maps[3] and \
                    not struct.unpack("!H", raw[6:8])[0] & OFFSET and \
                    (maps[0] != ICMP or raw[4 * (raw[0] & 15)] in QUERIES):
                at = 4 * (raw[0] & 15) + 4 * (maps[0] == ICMP)
                port = struct.unpack("!H", raw[at:at + 2])[0]
                peer = maps[3:4] if maps[0] == ICMP else maps[3:]
                self.port_of[maps] = port
                self.first.setdefault(maps[:3], port)
                self.owner[(maps[0], port, *peer)] = maps[1:3]

    def learn_hairpin(self, maps, raw):
        _, proto, _, _, server, port = maps
        if len(raw) >= 28 and raw[9] == proto and dotted(raw[16:20]) == server:
            at = 4 * (raw[0] & 15)
            sport, dport = struct.unpack("!HH", raw[at:at + 4])
            if dport == port:
                self.port_of[maps] = dotted(raw[12:16]), sport

    def name(self, proto, port, *peer):
        """An external port as seen outside: its owner's address and port, if it has one."""
        inside = self.owner.get((proto, port, *peer))
        return inside or (None, self.sent_to.get(port, port))


class Reader:
    """Of what came out in one lab."""

    def __init__(self, names):
        self.names = names

    def read(self, place, frame, sent):
        """sent: the IP identifications of what was sent."""
        if len(frame) < 14:
            return place + " runt", {"bytes": frame.hex()}
        fields = {"dmac": mac(frame[:6]), "smac": mac(frame[6:12])}
        at, kind = 12, struct.unpack("!H", frame[12:14])[0]
        if kind == P.ETH_VLAN and len(frame) >= 18:
            fields["vlan"], kind = struct.unpack("!HH", frame[14:18])
            at = 16
        body = frame[at + 2:]
        if kind == P.ETH_ARP and len(body) >= 28:
            fields.update(arp=body[8:28].hex(), rest=body[28:].hex(), head=body[:6].hex())
            return "%s arp-%d" % (place, body[7]), fields
        if kind != P.ETH_IP or len(body) < 20 or body[0] >> 4 != 4 or body[0] & 15 < 5:
            fields["bytes"] = body.hex()
            return "%s eth-%04x" % (place, kind if kind >= 1536 else 0), fields
        return self.read_ip(place, body, fields, sent)

    def read_ip(self, place, raw, fields, sent):
        ihl = 4 * (raw[0] & 15)
        _, tos, length, ident, frag, ttl, proto = struct.unpack("!BBHHHBB", raw[:10])
        src, dst = dotted(raw[12:16]), dotted(raw[16:20])
        fields.update(tos=tos, len=length, id="kept" if ident in sent else "own", ttl=ttl, src=src,
                      dst=dst, flags=frag & ~OFFSET, offset=frag & OFFSET, options=raw[20:ihl].hex(),
                      ipsum=P.total(raw[:ihl]), trailer=raw[length:].hex())
        if fields["id"] == "own" and ihl > 20 and raw[20:21] == STAMP:
            fields.update(options="the time", ipsum=0)
        body = raw[ihl:length]
        word = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}.get(proto, "ip-%d" % proto)
        if place == "lan" and src.startswith("192.168."):
            word += "-private"
        if frag & (OFFSET | MF):
            word += "-piece"
        if frag & OFFSET or len(body) < 8 or (proto == TCP and len(body) < 20):
            fields["body"] = body.hex()
        elif proto in (TCP, UDP):
            word += self.read_ports(place, proto, src, dst, body, fields)
        elif proto == ICMP:
            word += self.read_icmp(place, src, dst, body, fields)
        else:
            fields["body"] = body.hex()
        return place + " " + word, fields

    def ports(self, outside, proto, src, dst, ports):
        """The two ports, by name if a mapping's, and as they are inside."""
        sport, dport = ports
        if outside and src == HOST:
            owner, sport = self.names.name(proto, sport, dst, dport)
            return [owner, sport, "", dport], (sport, dport)
        if outside and dst == HOST:
            owner, dport = self.names.name(proto, dport, src, sport)
            return ["", sport, owner, dport], (sport, dport)
        return ["", sport, "", dport], (sport, dport)

    def read_ports(self, place, proto, src, dst, body, fields):
        fields["ports"] = self.ports(place == "lan", proto, src, dst, struct.unpack("!HH", body[:4]))[0]
        at = 6 if proto == UDP else 16
        wrong = P.total(P.pseudo(src, dst, proto, len(body)) + body)
        if proto == UDP:
            fields.update(ulen=struct.unpack("!H", body[4:6])[0], data=body[8:].hex())
            fields["sum"] = "none" if body[at:at + 2] == b"\0\0" else wrong
            return ""
        fields.update(seq=body[4:12].hex(), control=body[12:16].hex(), urgent=body[18:20].hex(),
                      data=body[20:].hex(), sum=wrong)
        return "-rst" if body[13] & P.RST else ""

    def read_icmp(self, place, src, dst, body, fields):
        kind, code = body[:2]
        fields.update(code=code, sum=P.total(body))
        if kind in QUERIES:
            ident = struct.unpack("!H", body[4:6])[0]
            if place == "lan" and src == HOST:
                fields["ident"] = self.names.name(ICMP, ident, dst)
            else:
                fields["ident"] = None, ident
            fields.update(sequence=body[6:8].hex(), data=body[8:].hex())
            if kind == 14 and src in (HOST, GATEWAY) and body[12:16] != bytes(4):
                fields["data"], fields["sum"] = "the time", 0
        elif kind in ERRORS and len(body) >= 28:
            fields.update(word=body[4:8].hex())
            ours = src in (HOST, GATEWAY) and kind != 5
            if ours:
                del fields["len"]
            self.read_quote(place, body[8:], ours, fields)
        else:
            fields["data"] = body[4:].hex()
        return "-%d" % kind

    def read_quote(self, place, raw, ours, fields):
        """ours: made by the host, which may quote as much as it likes. Checksums over external ports
        are told as they would be over the inside ones."""
        ihl = 4 * (raw[0] & 15)
        if raw[0] >> 4 != 4 or ihl < 20 or len(raw) < ihl + 8:
            fields["quote"] = raw.hex()
            return
        src, dst, proto = dotted(raw[12:16]), dotted(raw[16:20]), raw[9]
        l4 = raw[ihl:]
        fields.update(q_ip=raw[:10].hex() + raw[12:20].hex(), q_options=raw[20:ihl].hex(),
                      q_ipsum=P.total(raw[:ihl]))
        # said to be longer than it is: what it swallows may be an external port; and the clock again
        if ours and (ihl == 60 or raw[20:21] == STAMP):
            fields.update(q_options="", q_ipsum=0)
        at = {UDP: 6, TCP: 16, ICMP: 2}.get(proto, 0)
        if proto in (UDP, TCP):
            ports = struct.unpack("!HH", l4[:4])
            fields["q_ports"], inside = self.ports(place == "lan", proto, src, dst, ports)
            rest, moved = l4[4:], sum(ports) - sum(inside)
        elif proto == ICMP and l4[0] in QUERIES:
            ident = struct.unpack("!H", l4[4:6])[0]
            peer = dst if src == HOST else src
            owner = self.names.name(ICMP, ident, peer) if place == "lan" else (None, ident)
            fields["q_ident"] = owner
            rest, moved = l4[:2] + l4[6:], ident - owner[1]
        else:
            fields["q_body"] = l4[:8].hex() if ours else l4.hex()
            return
        check = l4[at:at + 2]
        fields["q_sum"] = check.hex()
        if len(check) == 2 and any(check):
            fields["q_sum"] = (int.from_bytes(check, "big") + moved) % 0xffff
        if ours:
            rest = l4[4:6] if proto == UDP else l4[4:8] if proto == TCP else l4[:2] + l4[6:8]
            if proto == TCP:
                del fields["q_sum"]
        else:
            where = at - 4 if proto != ICMP else None
            rest = rest if where is None else rest[:where] + rest[where + 2:]
        fields["q_rest"] = rest.hex()


def mac(raw):
    return MAC_NAMES.get(raw) or raw.hex(":")


# ---- pieces

def joined(frames):
    """(place, frame) with the pieces of each datagram that is whole put together, as
    (place, frame, was it in pieces)."""
    trains, result = {}, []
    for place, frame in frames:
        raw = frame[14:]
        if frame[12:14] == b"\x08\x00" and len(raw) >= 20 and raw[0] == 0x45 and \
                struct.unpack("!H", raw[6:8])[0] & (MF | OFFSET):
            trains.setdefault((place, frame[:14], raw[4:6], raw[9:10] + raw[12:20]), []).append(raw)
        else:
            result.append((place, frame, False))
    for (place, head, _, _), raws in trains.items():
        whole = join(raws)
        if whole:
            result.append((place, head + whole, True))
        else:
            result += [(place, head + raw, True) for raw in raws]
    return result


def join(raws):
    parts = {}
    end = None
    for raw in raws:
        length, frag = struct.unpack("!H", raw[2:4])[0], struct.unpack("!H", raw[6:8])[0]
        at = 8 * (frag & OFFSET)
        parts[at] = raw[20:length]
        if not frag & MF:
            end = at + length - 20
    body = b""
    while len(body) in parts and len(body) != end:
        part = parts.pop(len(body))
        if not part:
            break
        body += part
    first = next((r for r in raws if not struct.unpack("!H", r[6:8])[0] & OFFSET), None)
    if end is None or len(body) != end or parts or first is None:
        return None
    return P.reheaded(first[:20], body, struct.unpack("!H", first[6:8])[0] & DF)
