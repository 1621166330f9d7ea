# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The connections that are tried under each rule set, from real sockets in the namespaces of a lab.

A and B are two addresses of the namespace `internet`. What becomes of a connection is one word: "passes" (and the
server saw the client by the address that it should), "refused" (a reset, or port unreachable), "unreachable" (another
ICMP error), "silent". "passes as ADDR" is a wrong address.
"""
import ctypes
import errno
import os
import random
import socket
import struct
import threading
import time

HOST, GATEWAY = "172.31.13.55", "192.168.1.1"
NS1, NS2 = "192.168.1.10", "192.168.1.11"
A, B = "203.0.113.10", "203.0.113.11"

# name: kind, from where, source address, to, port, the address by which the server should see the client
FIRST = {
    "in-a": ("tcp", "internet", A, HOST, 8080, A),
    "in-b": ("tcp", "internet", B, HOST, 8080, B),
    "in-udp": ("udp", "internet", A, HOST, 5353, A),
    "in-frag": ("frag", "internet", A, HOST, 5353, A),
    "in-ns2": ("tcp", "internet", A, HOST, 8081, A),
    "in-closed": ("tcp", "internet", A, HOST, 8082, A),
    "out-tcp": ("tcp", "ns1", NS1, A, 7000, HOST),
    "out-udp": ("udp", "ns1", NS1, A, 7000, HOST),
    "out-frag": ("frag", "ns1", NS1, A, 7000, HOST),
    "out-ping": ("ping", "ns1", NS1, A, 0, None),
    "out-closed": ("udp", "ns1", NS1, A, 7001, HOST),
    "hairpin": ("tcp", "ns2", NS2, HOST, 8080, HOST),
    "own-port": ("tcp", "ns1", NS1, HOST, 8080, HOST),
    "ns-ns": ("tcp", "ns2", NS2, NS1, 80, NS2),
    "ns-host": ("tcp", "ns1", NS1, GATEWAY, 22, NS1),
    "host-ns": ("tcp", "host", GATEWAY, NS1, 80, GATEWAY),
    "a-host": ("tcp", "internet", A, HOST, 22, A),
    "direct": ("tcp", "internet", A, NS1, 80, A),
}
# rules have no other word for datagrams that are sent in fragments
LIKE = {"in-frag": "in-udp", "out-frag": "out-udp"}
# who sends to an address inside gets it past a bridge, if rules do not drop it; past ebpfnet never
NEVER_PASSES = "direct"
# connections that are there before the rules change, and new ones after
KEPT = {"kept-a": "in-a", "kept-b": "in-b", "kept-udp": "in-udp", "kept-out": "out-tcp"}
NEW = {"new-a": "in-a", "new-b": "in-b", "new-out": "out-tcp"}
# a server answers, but for these: nobody listens there, and the client is told so
CLOSED = ("in-closed", "out-closed")
# a router that translates elsewhere has no port of its own to come back from
NOT_BY_ROUTER = (NEVER_PASSES, "hairpin", "own-port")
# what passes FORWARD; of the others the host is an end, or it switches their frames
FORWARDED = tuple(n for n in FIRST if n not in ("ns-ns", "ns-host", "host-ns", "a-host", NEVER_PASSES))

LONG = 8.0    # s: for what is expected to come
SHORT = 1.0   # s: for what should come, but is known to be missing
MISSING = os.environ.get("FIREWALL_MISSING", "").split()
NEVER = 0.4   # s: for what is expected not to come
LOAD = 1 << 20  # bytes that a connection which is kept carries before the rules change, each way
FRAGMENTED = 20000  # bytes of a datagram: more than any MTU here
IP_RECVERR = 11

libc = ctypes.CDLL(None, use_errno=True)


def enter(place):
    """This thread's sockets are made there from now on."""
    fd = HOME if place == "host" else os.open("/run/netns/" + place, os.O_RDONLY)
    if libc.setns(fd, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns " + place)
    if fd != HOME:
        os.close(fd)


HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


# ---- servers: a TCP one answers "who" with the client's address, and sends back what else comes

def echo(sock, peer):
    try:
        while data := sock.recv(1 << 16):
            sock.sendall(peer[0].encode() if data == b"who" else data)
    except OSError:
        pass  # the client went away


def serve(place, kind, port, ready):
    enter(place)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", port))
    if kind == "tcp":
        sock.listen(64)
    ready.set()
    while True:
        if kind == "tcp":
            threading.Thread(target=echo, args=sock.accept(), daemon=True).start()
        else:
            data, peer = sock.recvfrom(1 << 16)
            sock.sendto(peer[0].encode() if data == b"who" else data, peer)


def start_servers():
    for place, kind, port in (("ns1", "tcp", 80), ("ns2", "tcp", 80), ("ns1", "udp", 53), ("host", "tcp", 22),
                              ("internet", "tcp", 7000), ("internet", "udp", 7000)):
        ready = threading.Event()
        threading.Thread(target=serve, args=(place, kind, port, ready), daemon=True).start()
        if not ready.wait(10):
            raise RuntimeError("no %s server in %s" % (kind, place))


# ---- clients

def failure(e):
    if isinstance(e, TimeoutError):
        return "silent"
    if isinstance(e, (ConnectionRefusedError, ConnectionResetError, BrokenPipeError)):
        return "refused"
    if e.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENONET, errno.EACCES):
        return "unreachable"
    if e.errno == errno.EPERM:
        return "denied"  # to the sender itself, at OUTPUT
    raise e


def begin(name, patience):
    kind, place, source, to, port, _ = FIRST[name]
    enter(place)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, int(kind != "tcp"))  # a datagram's ICMP errors, each
    sock.settimeout(patience)
    sock.bind((source, 0))
    sock.connect((to, port))
    return sock


def converse(name, patience):
    text, wanted = b"who", FIRST[name][5].encode()
    if FIRST[name][0] == "frag":
        text = wanted = random.randbytes(FRAGMENTED)
    with begin(name, patience) as sock:
        sock.sendall(text)
        answer = sock.recv(1 << 16)
    if not answer:
        return "refused"
    return "passes" if answer == wanted else "passes as %s" % answer[:15]


def internet_sum(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def ping(name, patience):
    _, place, source, to, _, _ = FIRST[name]
    enter(place)
    number = random.randrange(1 << 16)
    text = struct.pack("!BBHHH", 8, 0, 0, number, 1) + b"abcd"
    text = text[:2] + struct.pack("!H", internet_sum(text)) + text[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.bind((source, 0))
        sock.sendto(text, (to, 0))
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(2000)[20:]
            if data[0] == 0 and data[4:] == text[4:]:
                return "passes"
            if data[0] == 3 and data[28:36] == text[:8]:
                return "refused" if data[1] == 3 else "unreachable"
    return "silent"


def attempt(name, patience):
    try:
        outcome = ping(name, patience) if FIRST[name][0] == "ping" else converse(name, patience)
    except OSError as e:
        outcome = failure(e)
    if name in CLOSED:  # then a refusal shows that packets pass, both ways
        outcome = {"passes": "answered", "refused": "passes"}.get(outcome, outcome)
    return outcome


def patience(name, expected):
    """For a connection of which that is expected; all passes of which nothing is."""
    if name in MISSING:
        return SHORT
    return NEVER if expected.get(name) == "silent" else LONG


def at_once(jobs):
    """Results of {name: function}, each in a thread of its own, as a thread is in one namespace."""
    results = {}

    def run(name, job):
        try:
            results[name] = job()
        except Exception as e:  # pylint: disable=broad-except
            results[name] = "broken: %r" % e

    threads = [threading.Thread(target=run, args=item) for item in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: results[name] for name in jobs}


def attempts(names, expected):
    """What becomes of {shown name: connection}."""
    return at_once({shown: lambda n=name, s=shown: attempt(n, patience(s, expected))
                    for shown, name in names.items()})


# ---- connections that are kept

class Kept:
    def __init__(self, name, expected):
        """Connection `name` is begun, and carries its load."""
        self.sock = None
        self.exchange = self.exchange_stream if FIRST[name][0] == "tcp" else self.exchange_datagram
        try:
            self.sock = begin(name, patience(name, expected))
            self.exchange(LOAD, patience(name, expected))
        except OSError as e:
            failure(e)
            self.sock = None  # not there to be kept

    def exchange_datagram(self, _size, seconds):
        self.sock.settimeout(seconds)
        self.sock.send(b"who")
        self.sock.recv(100)

    def exchange_stream(self, size, seconds):
        text = random.randbytes(size)
        self.sock.settimeout(seconds)
        sender = threading.Thread(target=self.send, args=(text,), daemon=True)
        sender.start()
        back = b""
        while len(back) < size:
            data = self.sock.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            back += data
        sender.join()
        if back != text:
            raise RuntimeError("what came back is not what was sent")

    def send(self, text):
        try:
            self.sock.sendall(text)
        except OSError:
            pass  # who receives has the error, too

    def outcome(self, name, expected, seconds):
        """By then it is cut, or has passed all that time; what is to be cut may be cut later still."""
        if not self.sock:
            return "none"
        now = time.monotonic()
        passing_until = now + seconds
        end = passing_until if expected.get(name) == "passes" else now + seconds + LONG
        try:
            while True:
                self.exchange(2000, patience(name, expected))
                if time.monotonic() >= end:
                    return "passes"
                time.sleep(0.02)
        except OSError as e:
            return failure(e)


def keep(expected):
    return at_once({shown: lambda n=name: Kept(n, expected) for shown, name in KEPT.items()})


def outcomes_of_kept(kept, expected, seconds):
    return at_once({shown: lambda k=k, s=shown: k.outcome(s, expected, seconds)
                    for shown, k in kept.items()})
