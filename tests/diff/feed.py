#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Feeds one lab, inside it: `feed.py HOOK SEED COUNT CPU [ONLY]`, HOOK as ebpfnet's or "classic".

Prints a line of JSON for each group of packets: its number, session and kind, what was sent ("in") and
what came out ("out"). ONLY, a file with numbers of groups: the others are not sent.

A packet sent into a veth goes all its way in soft interrupts on the CPU that sent it. So when this
CPU has no packet waiting, all that a packet led to has come out; "late" is what came nevertheless.
"""
import ctypes
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import time

import canon
import packet as P
import walk
from session import PUBLISHED

DEVICES = {"ns1": ("ns1", "ceth0"), "ns2": ("ns2", "ceth1"), "ns3": ("ns3", "ceth2"),
           "lan": ("isp", "lan")}
TIMEOUTS = "udp-unreplied udp icmp tcp-half-open tcp tcp-closing tcp-reset other".split()
HOUR = "3600"
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
SO_RCVBUFFORCE = 33
ERRORS_PER_SECOND = 700  # ours are limited to 1000, and the kernel's are not
libc = ctypes.CDLL(None, use_errno=True)


def sh(text):
    done = subprocess.run(["bash", "-ec", text], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit("feed: %s\n%s" % (text, done.stderr or done.stdout))


# ---- the lab

def set_up(hook):
    """The same network, MAC addresses included. Nobody answers but the host, which knows its
    neighbours, and no clock runs out."""
    classic = hook == "classic"
    if classic:
        os.remove("/run/lab/bin/ebpfnet")
        here = os.path.dirname(os.path.realpath(__file__))
        os.symlink(os.path.join(here, "../lib/classic"), "/run/lab/bin/ebpfnet")
    sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"
       " net.ipv4.icmp_ratemask=0 net.ipv4.ipfrag_time=2")
    sh("ebpfnet up" + (" --hook " + hook) * (not classic) + "; ebpfnet ns add ns3")
    if classic:
        sh("ip link set br0 address %s type bridge mcast_snooping 0" % P.MAC["gateway"].hex(":"))
        sh("for n in 0 1 2; do bridge link set dev veth$n hairpin off; done")
    for name, (netns, dev) in DEVICES.items():
        sh("ip -n %s link set %s address %s; ip -n %s address flush dev %s"
           % (netns, dev, P.MAC[name].hex(":"), netns, dev))
        sh("ip netns exec %s sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.ip_forward=0" % netns)
        if name != "lan":
            sh("ip link set veth%s mtu 1500; ip -n %s link set %s mtu 1500" % (dev[-1], netns, dev))
    sh("iptables -A OUTPUT -p igmp -j DROP")  # the bridge's own, some time after it was made
    gateway = "br0" if classic else "ebpfnet0"
    for addr, mac, dev in [(P.INSIDE[n], P.MAC[n], gateway) for n in P.NAMESPACES] + \
            [(addr, P.MAC["nobody"], gateway) for addr in P.ABSENT] + \
            [(addr, P.MAC["lan"], "eth0") for addr in (P.ROUTER, P.ON_LINK, "172.31.0.0")]:
        sh("ip neigh replace %s lladdr %s dev %s nud permanent" % (addr, mac.hex(":"), dev))
    publish_and_set(classic)


def publish_and_set(classic):
    for proto, port, name, inner in PUBLISHED:
        spec = "%d:%d/%s" % (port, inner, {P.TCP: "tcp", P.UDP: "udp"}[proto])
        # `classic` asks the namespace for its address, which is gone
        if classic:
            to = P.INSIDE[name]
            word = spec.split("/")[1]
            rule = "iptables -t nat -A %%s -d %s -p %s --dport %d -j DNAT --to %s:%d;" % (
                P.HOST, word, port, to, inner)
            sh(rule % "PREROUTING" + rule % "OUTPUT" +
               "iptables -t nat -A POSTROUTING -s 192.168.1.0/24 -d %s -p %s --dport %d -j MASQUERADE"
               % (to, word, inner))
        else:
            sh("ebpfnet expose %s %s" % (name, spec))
    sh(";".join("ebpfnet set timeout-%s %s" % (key, HOUR) for key in TIMEOUTS))
    # netfilter keeps a port wherever it lies; those that to_host() of odd.py calls are nobody's
    sh("ebpfnet set ports 1-65535; sysctl -qw net.ipv4.ip_local_reserved_ports=%d-%d"
       % (P.NOBODYS_PORTS[0], P.NOBODYS_PORTS[-1]))
    if classic:
        sh("for f in /proc/sys/net/netfilter/nf_conntrack_{gre_timeout*,sctp_timeout*,*tcp_timeout*};"
           "do echo %s > $f; done" % HOUR)


# ---- devices

class Device:
    def __init__(self, name):
        netns, dev = DEVICES[name]
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + netns, os.O_RDONLY)
        enter(there)
        self.name = name
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        enter(home)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.bind((dev, 3))
        self.sock.setblocking(False)

    def send(self, frame):
        try:
            self.sock.send(frame)
        except OSError as e:  # what cannot even be sent is the same in both labs
            return os.strerror(e.errno)
        return ""

    def heard(self):
        """All that waits, each VLAN tag where it was on the wire."""
        while True:
            try:
                frame, extra, _, _ = self.sock.recvmsg(1 << 16, 256)
            except BlockingIOError:
                return
            for _, kind, data in extra:
                if kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                    if status & 16:
                        frame = frame[:12] + struct.pack("!HH", tpid or P.ETH_VLAN, tci) + frame[12:]
            yield self.name, frame


def enter(fd):
    if libc.setns(fd, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


class Backlog:
    """How many packets wait on a CPU: the twelfth number of its line in /proc/net/softnet_stat, where
    the thirteenth is which CPU it is."""

    def __init__(self, cpu):
        self.cpu = cpu
        self.fd = os.open("/proc/net/softnet_stat", os.O_RDONLY)

    def wait(self):
        for _ in range(20000):
            for line in os.pread(self.fd, 1 << 16, 0).splitlines():
                words = line.split()
                if int(words[12], 16) == self.cpu:
                    break
            if words[11] == b"00000000":
                return
            time.sleep(0.0001)
        sys.exit("feed: packets wait for ever on CPU %d" % self.cpu)


# ---- feeding

class Feeder:
    def __init__(self, cpu):
        self.devices = {name: Device(name) for name in DEVICES}
        self.backlog = Backlog(cpu)
        self.names = canon.Names()
        self.reader = canon.Reader(self.names)
        self.sent, self.renamed = hashlib.sha256(), 0
        self.second, self.errors = 0, 0

    def collect(self):
        return [got for device in self.devices.values() for got in device.heard()]

    def send(self, packets):
        """The group as it was sent, and what came out of every device."""
        sent, out, refused = [], [], ""
        for place, build in packets:
            frame = build(self.names.external)
            refused += self.devices[place].send(frame)
            self.backlog.wait()
            sent.append((place, frame))
            out += self.collect()
        return sent, out, refused

    def feed(self, session, group):
        plain = [build(inside_port) for _, build in group.packets]
        self.names.sent_to.clear()
        sent, out, refused = self.send(group.packets)
        for (_, frame), same in zip(sent, plain):
            self.sent.update(same)
            self.renamed += frame != same
        if group.maps:
            self.names.learn(group.maps, group.renew,
                             [(p, f[14:]) for p, f in out if f[12:14] == b"\x08\0"])
        idents = {struct.unpack("!H", f[18:20])[0] for _, f in sent if len(f) >= 20}
        read = []
        for place, frame, pieces in canon.joined(out):
            if by_the_clock(frame):
                continue
            shape, fields = self.reader.read(place, frame, idents)
            fields["pieces"] = pieces
            read.append((shape, fields, frame.hex()))
        self.pace(read)
        return {"session": session, "kind": group.kind, "out": read, "refused": refused,
                "in": [(place, frame.hex()) for (place, _), frame in zip(group.packets, plain)]}

    def pace(self, read):
        """No more errors in a second than the host may send."""
        now = int(time.monotonic())
        if now != self.second:
            self.second, self.errors = now, 0
        self.errors += sum(" icmp" in shape for shape, _, _ in read)
        if self.errors > ERRORS_PER_SECOND:
            time.sleep(1.02 - time.monotonic() % 1)


def by_the_clock(frame):
    """The host gave up on a reassembly: when it does is no answer to a packet."""
    return frame[12:14] == b"\x08\0" and frame[14:15] == b"\x45" and frame[23] == P.ICMP and \
        frame[34:36] == b"\x0b\x01" and frame[26:30] in (P.packed(P.HOST), P.packed(P.GATEWAY))


def inside_port(*maps):
    """`x` of session.py where every port is what it was inside: what both labs are fed but for that."""
    return (P.HOST, maps[3]) if maps[0] == "hairpin" else maps[2]


def main():
    hook, (seed, count, cpu) = sys.argv[1], map(int, sys.argv[2:5])
    only = None
    if len(sys.argv) > 5:
        with open(sys.argv[5], encoding="ascii") as numbers:
            only = set(map(int, numbers.read().split()))
    set_up(hook)
    os.sched_setaffinity(0, {cpu})
    feeder = Feeder(cpu)
    for name in P.NAMESPACES:  # every switch knows who is where
        feeder.devices[name].send(P.ether(P.MAC["nobody"], P.MAC[name], P.ETH_TEST, b"here I am"))
    time.sleep(0.1)
    feeder.collect()
    for number, (session, group) in enumerate(walk.walk(seed)):
        if number >= count:
            break
        if only is None or number in only:
            print(json.dumps({"n": number, **feeder.feed(session, group)}), flush=False)
    time.sleep(0.2)
    late = [(place, frame.hex()) for place, frame in feeder.collect() if not by_the_clock(frame)]
    print(json.dumps({"late": late, "sent": feeder.sent.hexdigest(), "renamed": feeder.renamed}))


if __name__ == "__main__":
    main()
