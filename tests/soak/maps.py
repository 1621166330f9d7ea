# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The pinned maps as Python values. All that the soak knows of their layouts is in this file: names of maps and fields
(include/ebpfnet/abi.h), keys of flows (core/nat.h) and who pays for a flow (bpf/ct/usage.h).

bpftool prints fields by their BTF names, so a field that is added or moved changes nothing here."""
import json
import os
import subprocess
import sys

PINS = "/sys/fs/bpf/ebpfnet"
PORTMAP_WORDS = 2048  # words of portmap_bits: the first half for TCP, the other for UDP
ZONE_OUTSIDE, ZONE_FORWARDED, ZONE_HOST = 0, 254, 255
ACCOUNT_PORTMAP, ACCOUNT_FORWARDED = 1 << 31, 1 << 30
OUTSIDE_PEERS = 4096
PREALLOCATED = ("flows", "conns", "conn_alloc", "hold_down", "outside_peers", "tcp_ports_in_use", "portmap_bits",
                "subnet_bits", "fdb_learned", "neigh", "frags", "fragq", "fragq_frames", "reinject_bufs", "counters", "config", "networks")


def bpftool(*args):
    done = subprocess.run(("bpftool", "-j") + args, capture_output=True, text=True)
    return json.loads(done.stdout or "null")


def dump(name):
    """[(key, value)] of a map, as bpftool formats them."""
    rows = bpftool("map", "dump", "pinned", f"{PINS}/{name}")
    if isinstance(rows, dict):
        raise OSError(f"map {name}: {rows.get('error')}")
    rows = [row.get("formatted", row) for row in rows]
    return [(row["key"], row.get("value", row.get("values"))) for row in rows]


def address(value):
    return ".".join(map(str, value["octet"]))


def pinned():
    """{id: (name, bytes)} of the pinned maps."""
    found = {}
    for name in os.listdir(PINS):
        if os.path.isfile(f"{PINS}/{name}"):
            info = bpftool("map", "show", "pinned", f"{PINS}/{name}")
            found[info["id"]] = (name, info.get("bytes_memlock"))
    return found


def programs():
    """The ids of the pinned programs."""
    return {bpftool("prog", "show", "pinned", f"{PINS}/progs/{name}")["id"] for name in os.listdir(f"{PINS}/progs")}


def existing(kind):
    """The ids of all maps or programs of the kernel."""
    return {one["id"] for one in bpftool(kind, "show") or []}


# ---- flows

def as_key(key):
    """A key of map flows, as a tuple."""
    return (address(key["src"]), address(key["dst"]), key["sport_h"], key["dport_h"], key["zone"], key["proto"],
            key["scope"])


def scoped(key, inside):
    """A key as it is stored: without those parts of the peer that its scope leaves out (nat_scope_key())."""
    src, dst, sport, dport, zone, proto, scope = key
    if scope == "KEY_APDF":
        return key
    if inside:
        return (src, dst if scope == "KEY_ADF" else "0.0.0.0", sport, 0, zone, proto, scope)
    return (src if scope == "KEY_ADF" else "0.0.0.0", dst, 0, dport, zone, proto, scope)


class Flow:
    """One direction of a flow: an entry of map flows."""

    def __init__(self, key, value):
        self.key, self.conn, self.dir = as_key(key), value["conn"], value["dir"]
        self.src, self.dst = address(value["src"]), address(value["dst"])
        self.sport, self.dport, self.answer_zone = value["sport_h"], value["dport_h"], value["answer_zone"]

    def reply_key(self, scope):
        """The key that the other direction is stored under (nat_stored_reply_key())."""
        proto = self.key[5]
        ports = (self.sport, self.sport) if proto == "L4_ICMP" else (self.dport, self.sport)
        return scoped((self.dst, self.src, *ports, self.answer_zone, proto, scope), False)


class Conn:
    """A slot: an entry of map conns."""

    def __init__(self, value):
        self.state, self.endpoint, self.portmap = value["state"], value["endpoint"], value["portmap"]
        self.orig = as_key(value["orig"])
        self.scope = self.orig[6]

    def free(self):
        return self.state == "CONN_FREE"

    def busy(self):
        return self.state == "CONN_BUSY"

    def next_free(self):
        """Of a free slot: the next one of the free list, or None."""
        return self.portmap - 1 if self.portmap else None

    def account(self):
        """Who pays for it: an endpoint, a port mapping, or 0: the host (usage_account())."""
        zone = self.orig[4]
        if zone == ZONE_HOST:
            return 0
        if zone == ZONE_FORWARDED:
            return ACCOUNT_FORWARDED
        return ACCOUNT_PORTMAP | self.portmap if zone == ZONE_OUTSIDE else self.endpoint

    def counts(self):
        """What it adds to its account's usage: {field: number} (usage_add())."""
        udp = self.orig[5] == "L4_UDP" and self.endpoint != 0
        port = not self.portmap and not (udp and self.scope != "KEY_EIM")
        return {"flows": 1, "ports": int(port), "udp_ports": int(port and udp)}

    def opened_outside(self):
        return self.orig[4] == ZONE_OUTSIDE

    def peer(self):
        """The other end, by which outside_peers counts it."""
        return self.orig[0] if self.opened_outside() else self.orig[1]

    def holds_tcp_port(self):
        """Whether tcp_ports_in_use counts its external port."""
        return not self.portmap and self.orig[5] == "L4_TCP"


def counters():
    """What changes with every flow that begins or ends."""
    return dump("conn_alloc"), sorted(dump("usage"), key=str)


class Maps:
    """All maps, one after the other; .quiet: no flow began or ended meanwhile."""

    def __init__(self):
        before = counters()
        self.config = dump("config")[0][1]
        alloc = dump("conn_alloc")[0][1]
        self.live, self.limit, self.udp_ports = alloc["live"], self.config["max_flows"], alloc["udp_ports"]
        self.used = min(alloc["never_used"], self.limit)
        self.free_head = (alloc["free_head"] & 0xffffffff) - 1
        self.conns = [Conn(value) for _, value in sorted(dump("conns"), key=lambda row: row[0])]
        self.flows = [Flow(key, value) for key, value in dump("flows")]
        self.tcp_ports = {key: value for key, value in dump("tcp_ports_in_use") if value}
        self.usage = dict(dump("usage"))
        peers = dump("outside_peers")
        self.peer_flows = {key: value["flows"] for key, value in peers if value["flows"]}
        self.peer_opened = {key: value["opened"] for key, value in peers if value["opened"]}
        ports = dict(dump("ports"))
        self.ports = {key: value["endpoint"] for key, value in ports.items()}
        self.port_lists = {key: self.port_list(value["first_port"], ports) for key, value in dump("networks")}
        self.port_nets = {key: value["net"] for key, value in ports.items()}
        self.endpoints = [value for _, value in dump("endpoints")]
        self.fdb = [value for _, value in dump("fdb")]
        self.portmaps = dict(dump("portmaps"))
        self.portmap_keys = [(address(key["addr"]), key["proto"], key["port_h"], value)
                             for key, value in dump("portmap_keys")]
        self.portmap_bits = {key: value for key, value in dump("portmap_bits") if value}
        self.records = [value for _, value in dump("namespaces")]
        self.quiet = counters() == before

    @staticmethod
    def port_list(first, ports):
        """The ports of a network in the order of its list, to its end, or to what is wrong."""
        found = []
        while first and first in ports and first not in found:
            found.append(first)
            first = ports[first]["next"]
        return found + [first] if first else found

    def accounts(self):
        """Who has an entry in usage: the endpoints, the port mappings, and those for whom the host forwards."""
        return {ACCOUNT_FORWARDED} | set(self.ports.values()) | {ACCOUNT_PORTMAP | number for number in self.portmaps}

    def peer_bucket(self, addr):
        """The entry of outside_peers that counts the flows of an address (address_hash() in zone 0, the outside)."""
        h = int.from_bytes(bytes(map(int, addr.split("."))), sys.byteorder) ^ self.config["mark"]
        h = (h ^ h >> 16) * 0x85ebca6b & 0xffffffff
        h = (h ^ h >> 13) * 0xc2b2ae35 & 0xffffffff
        return (h ^ h >> 16) % OUTSIDE_PEERS

    @staticmethod
    def portmap_bit(proto, port):
        return (PORTMAP_WORDS // 2 if proto == "L4_UDP" else 0) + port // 64, 1 << port % 64
