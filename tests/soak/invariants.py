#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What holds between the pinned maps whenever no packet is on its way and no command at work. As a program: prints what
does not hold, and exits with 1 if there is anything."""
import collections
import os
import sys

from maps import Maps, address, scoped


def check_slots(m):
    """Each slot is in use, on the free list once, or was never used."""
    listed, at = set(), m.free_head
    while at is not None and at >= 0:
        if at in listed:
            yield f"the free list is a ring at slot {at}"
            break
        if at >= m.used or not m.conns[at].free():
            yield f"slot {at} is on the free list in state {m.conns[at].state}, {m.used} slots were used"
            break
        listed.add(at)
        at = m.conns[at].next_free()
    free = {slot for slot in range(m.used) if m.conns[slot].free()}
    if free != listed:
        yield f"{len(free - listed)} free slots are on no list: {sorted(free - listed)[:5]}"
    for slot, conn in enumerate(m.conns):
        if conn.busy():
            yield f"slot {slot} is owned by a CPU"
        elif slot >= m.used and not conn.free():
            yield f"slot {slot} is in use, though only {m.used} were ever"
    if m.used - len(free) != m.live:
        yield f"conn_alloc counts {m.live} flows, {m.used - len(free)} slots are in use"


def check_keys(m):
    """Each flow has the keys of its two directions, and no key is nobody's."""
    of_slot = collections.defaultdict(dict)
    for flow in m.flows:
        conn = m.conns[flow.conn]
        if conn.free() or conn.busy():
            yield f"key {flow.key} leads to slot {flow.conn}, which is {conn.state}"
        elif flow.dir in of_slot[flow.conn]:
            yield f"slot {flow.conn} has two keys of {flow.dir}: {flow.key}, {of_slot[flow.conn][flow.dir].key}"
        else:
            of_slot[flow.conn][flow.dir] = flow
    for slot, conn in enumerate(m.conns):
        if conn.free() or conn.busy():
            continue
        directions = of_slot[slot]
        if set(directions) != {"FLOW_ORIGINAL", "FLOW_REPLY"}:
            yield f"slot {slot}, {conn.state}, {conn.orig}, has only the keys of {sorted(directions)}"
        else:
            yield from check_pair(slot, conn, directions["FLOW_ORIGINAL"], directions["FLOW_REPLY"])


def check_pair(slot, conn, original, reply):
    if original.key != scoped(conn.orig, True):
        yield f"slot {slot} is of {conn.orig}, its key is {original.key}"
    if reply.key != original.reply_key(conn.scope):
        yield f"slot {slot}: replies come as {original.reply_key(conn.scope)}, the key is {reply.key}"


def differing(counted, actual):
    """The keys whose numbers differ, as text."""
    wrong = sorted(key for key in counted.keys() | actual.keys() if counted.get(key, 0) != actual.get(key, 0))
    return ", ".join(f"{key} counts {counted.get(key, 0)} of {actual.get(key, 0)}" for key in wrong[:5])


def check_counts(m):
    """What is counted is what is there: for each account, for each peer, for each external TCP port."""
    originals = {flow.conn: flow for flow in m.flows if flow.dir == "FLOW_ORIGINAL"}
    usage = collections.defaultdict(collections.Counter)
    ports, peers, opened, total = (collections.Counter() for _ in range(4))
    for slot, conn in enumerate(m.conns):
        if conn.free() or conn.busy():
            continue
        usage[conn.account()].update(conn.counts())
        total.update(conn.counts())
        bucket = m.peer_bucket(conn.peer())
        peers[bucket] += 1
        opened[bucket] += conn.opened_outside()
        if conn.holds_tcp_port() and slot in originals:
            ports[originals[slot].sport] += 1
    for account, counted in m.usage.items():
        for field in ("flows", "ports", "udp_ports"):
            if counted[field] != usage[account][field]:
                yield f"account {account:#x} counts {counted[field]} {field}, it has {usage[account][field]}"
    if total["udp_ports"] != m.udp_ports:
        yield f"conn_alloc counts {m.udp_ports} UDP ports, there are {total['udp_ports']}"
    if differing(m.tcp_ports, ports):
        yield f"tcp_ports_in_use is wrong: {differing(m.tcp_ports, ports)}"
    if differing(m.peer_flows, peers) or differing(m.peer_opened, opened):
        yield f"outside_peers is wrong: {differing(m.peer_flows, peers)}, opened: {differing(m.peer_opened, opened)}"


def check_portmaps(m):
    """Each published port has its key, its bit and its mapping; nothing else has."""
    wanted, bits = set(), collections.Counter()
    for number, p in m.portmaps.items():
        if p["endpoint"] not in m.ports.values():
            yield f"port mapping {number} is of endpoint {p['endpoint']}, which is not there"
        addr = address(p["addr"])
        wanted |= {(addr, p["proto"], port, number) for port in range(p["first_h"], p["last_h"] + 1)}
    for _, proto, port, _ in wanted:
        word, bit = m.portmap_bit(proto, port)
        bits[word] |= bit  # a word of 64 ports
    if wanted != set(m.portmap_keys):
        yield (f"published ports without a key: {sorted(wanted - set(m.portmap_keys))[:3]}, "
               f"keys without a mapping: {sorted(set(m.portmap_keys) - wanted)[:3]}")
    if dict(bits) != m.portmap_bits:
        wrong = sorted(word for word in bits | m.portmap_bits if bits[word] != m.portmap_bits.get(word, 0))
        yield f"portmap_bits is wrong in the words {wrong[:5]}"
    if m.config["portmaps"] != len(m.portmaps):
        yield f"config counts {m.config['portmaps']} port mappings, there are {len(m.portmaps)}"


def check_endpoints(m):
    """Ports, endpoints, addresses and the journal name the same namespaces."""
    ids = set(m.ports.values())
    if set(m.usage) != m.accounts():
        yield f"usage has the accounts {sorted(set(m.usage) ^ m.accounts())} more or less than there are owners"
    if {e["id"] for e in m.endpoints if e["ifindex"]} != ids:
        yield "endpoints are not those of the ports"
    if {e["ifindex"] for e in m.fdb if e["kind"] == "FDB_STATIC"} != set(m.ports):
        yield "static entries of the FDB are not those of the ports"
    if {r["ifindex"] for r in m.records} != set(m.ports):
        yield "the journal's namespaces are not those of the ports"
    for net, listed in m.port_lists.items():
        wanted = sorted((port for port in m.ports if m.port_nets[port] == net), reverse=True)
        if listed != wanted:
            yield f"network {net} floods to the ports {listed}, it has {wanted}"
    for ifindex in m.ports:
        if not any(open(f"/sys/class/net/{dev}/ifindex").read().strip() == str(ifindex)
                   for dev in os.listdir("/sys/class/net") if dev.startswith("veth")):
            yield f"the port of ifindex {ifindex} has no device"


CHECKS = (check_slots, check_keys, check_counts, check_portmaps, check_endpoints)


def check(m=None):
    """Returns what does not hold, and the maps."""
    m = m or Maps()
    return [line for one in CHECKS for line in one(m)], m


if __name__ == "__main__":
    violations = check()[0]
    print("\n".join(violations))
    sys.exit(bool(violations))
