# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Packets as bytes, right ones and wrong ones: each header's every field may be told what to be.

`wrong` is what a checksum is wrong by; 0 makes it right.
"""
import socket
import struct

TCP, UDP, ICMP = socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP
ETH_IP, ETH_ARP, ETH_VLAN, ETH_IPV6, ETH_TEST = 0x0800, 0x0806, 0x8100, 0x86dd, 0x88b5
DF, MF, OFFSET = 0x4000, 0x2000, 0x1fff
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))

HOST, GATEWAY = "172.31.13.55", "192.168.1.1"
INSIDE = {"ns1": "192.168.1.10", "ns2": "192.168.1.11", "ns3": "192.168.1.12"}
NAMESPACES = tuple(INSIDE)
ABSENT = ["192.168.1.77", "192.168.1.99", "192.168.1.0"]
ROUTER, ON_LINK = "172.31.0.1", "172.31.0.9"
NOBODYS_PORTS = range(100, 600)  # of the host: reserved, so that none of them is handed out
MAC = {
    "gateway": bytes.fromhex("02ebc0a80101"),
    "ns1": bytes.fromhex("02ebc0a8010a"),
    "ns2": bytes.fromhex("02ebc0a8010b"),
    "ns3": bytes.fromhex("02ebc0a8010c"),
    "uplink": bytes.fromhex("0600ac1f0d37"),
    "lan": bytes.fromhex("0600ac1f0001"),
    "nobody": bytes.fromhex("02eeeeeeee01"),
}
BROADCAST = b"\xff" * 6


def total(data):
    """RFC 1071: 0 if the checksum inside is right, else what it is wrong by. No data: wrong."""
    if len(data) % 2:
        data += b"\0"
    return int.from_bytes(data, "big") % 0xffff


def checksum(data, wrong=0):
    return (0xffff - total(data) + wrong) % 0xffff


def packed(addr):
    return socket.inet_aton(addr)


def ether(dst, src, kind, body, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", ETH_VLAN, vlan)
    return dst + src + tag + struct.pack("!H", kind) + body


def ip(src, dst, proto, body, *, ttl=64, tos=0, ident=0, frag=0, options=b"", version=4,
       ihl=None, length=None, wrong=0):
    """ihl and length: what the header says, if not the truth."""
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | (size // 4 if ihl is None else ihl), tos,
                       size + len(body) if length is None else length, ident, frag, ttl, proto, 0,
                       packed(src), packed(dst)) + options
    # what a receiver sums is as long as the header says
    said = min(size, 4 * (head[0] & 15)) or size
    return head[:10] + struct.pack("!H", checksum(head[:said], wrong)) + head[12:] + body


def pseudo(src, dst, proto, length):
    return packed(src) + packed(dst) + struct.pack("!BBH", 0, proto, length)


def udp(src, dst, sport, dport, data, *, wrong=0, unsummed=False, length=None):
    size = 8 + len(data) if length is None else length
    body = struct.pack("!HHHH", sport, dport, size, 0) + data
    if unsummed:
        return body
    s = checksum(pseudo(src, dst, UDP, len(body)) + body, wrong) or 0xffff
    return body[:6] + struct.pack("!H", s) + data


def tcp(src, dst, sport, dport, flags, seq, ack, data=b"", *, options=b"", window=64240, wrong=0,
        offset=None):
    words = 5 + len(options) // 4 if offset is None else offset
    body = struct.pack("!HHIIBBHHH", sport, dport, seq % (1 << 32), ack % (1 << 32), words << 4,
                       flags, window, 0, 0) + options + data
    s = checksum(pseudo(src, dst, TCP, len(body)) + body, wrong)
    return body[:16] + struct.pack("!H", s) + body[18:]


def icmp(kind, code, word, data, *, wrong=0):
    """word: the four bytes behind the checksum."""
    body = struct.pack("!BBHI", kind, code, 0, word) + data
    return body[:2] + struct.pack("!H", checksum(body, wrong)) + body[4:]


def arp(op, smac, src, tmac, dst):
    return struct.pack("!HHBBH", 1, ETH_IP, 6, 4, op) + smac + packed(src) + tmac + packed(dst)


def pieces(packet, sizes):
    """An IP packet without options as fragments whose payloads have these sizes (multiples of 8,
    in bytes), the last one what is left."""
    head, body = packet[:20], packet[20:]
    flags = struct.unpack("!H", head[6:8])[0]
    at, result = 0, []
    for size in [*sizes, len(body)]:
        part = body[at:at + size]
        if not part:
            break
        more = MF if at + len(part) < len(body) else 0
        result.append(reheaded(head, part, (flags & ~DF) | more | at // 8))
        at += len(part)
    return result


def reheaded(head, body, frag):
    head = head[:2] + struct.pack("!HHH", len(head) + len(body),
                                  struct.unpack("!H", head[4:6])[0], frag) + head[8:10] + \
        b"\0\0" + head[12:]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body
