#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Bytes from one end to the other, and whether they arrived as they were sent (sha256).

    transfer.py serve PORT            TCP and UDP; says "ready"
    transfer.py run ADDR PORT MIB     puts and gets so many by TCP, then by UDP; prints a line for each

UDP goes in bursts of one send with UDP_SEGMENT, each acknowledged before the next, so that a burst that
met a full buffer is sent again and what was lost is counted, not missed. The receiver of a `get` takes
them merged (UDP_GRO), that of a `put` one by one.
"""
import errno
import hashlib
import random
import socket
import struct
import sys
import threading
import time

UDP_SEGMENT, UDP_GRO = 103, 104
BLOCK = 1 << 20
SEGMENT, BURST = 1400, 40
HEAD = struct.Struct("!cIHH")   # kind, number of the burst, of the datagram in it, how many it has
TIMEOUT = 20


class Wrong(Exception):
    """The bytes that arrived are not those sent."""


def same(ours, theirs):
    if ours != theirs:
        raise Wrong("sent %s, arrived %s" % (ours, theirs))
    return ours


# ---- TCP

def blocks(size):
    """Each is different."""
    noise = bytearray(random.Random(size).randbytes(BLOCK))
    for at in range(0, size, BLOCK):
        struct.pack_into("!Q", noise, 0, at)
        yield memoryview(noise)[:min(BLOCK, size - at)]


def send_stream(sock, size):
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
        sock.sendall(block)
    return digest.hexdigest()


def take_stream(sock, size):
    digest, buffer = hashlib.sha256(), memoryview(bytearray(BLOCK))
    while size:
        got = sock.recv_into(buffer[:min(BLOCK, size)])
        if not got:
            raise Wrong("the stream ended %d bytes early" % size)
        digest.update(buffer[:got])
        size -= got
    return digest.hexdigest()


def exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise Wrong("the stream ended early")
        data += more
    return data


def serve_stream(sock):
    with sock:
        sock.settimeout(TIMEOUT)
        what, size = exactly(sock, 20).split()
        if what == b"put":
            sock.sendall(take_stream(sock, int(size)).encode())
        else:
            sock.sendall(send_stream(sock, int(size)).encode())


def run_stream(what, at, size):
    with socket.create_connection(at, TIMEOUT) as sock:
        sock.sendall(b"%s %16d" % (what, size))
        if what == b"put":
            ours = send_stream(sock, size)
            return same(ours, exactly(sock, 64).decode()), 0
        ours = take_stream(sock, size)
        return same(exactly(sock, 64).decode(), ours), 0


# ---- UDP

def until_answered(sock, send, wanted):
    """Sends until what comes begins with that: the rest of it, and how often it was sent in vain."""
    end, again = time.monotonic() + TIMEOUT, 0
    sock.settimeout(0.2)
    while time.monotonic() < end:
        send()
        try:
            while not (answer := sock.recv(2048)).startswith(wanted):
                pass
            return answer[len(wanted):], again
        except (TimeoutError, ConnectionRefusedError):
            again += 1
    raise Wrong("no answer")


class Sender:
    def __init__(self, sock):
        self.sock, self.again, self.whole = sock, 0, True
        self.burst = bytearray(random.Random(BURST).randbytes(BURST * SEGMENT))

    def segment(self, size):
        self.sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)

    def send_burst(self):
        if self.whole:
            try:
                self.sock.send(self.burst)
                return
            except OSError as e:
                if e.errno != errno.EIO:   # before Linux 6.11 a device without checksum offload refuses
                    raise
                self.segment(0)
                self.whole = False
        view = memoryview(self.burst)
        for at in range(0, len(view), SEGMENT):
            self.sock.send(view[at:at + SEGMENT])

    def send(self, size):
        """All of it, and then what the receiver says has arrived: both digests."""
        digest = hashlib.sha256()
        self.segment(SEGMENT)
        for number in range(-(-size // len(self.burst))):
            for i in range(BURST):
                HEAD.pack_into(self.burst, i * SEGMENT, b"D", number, i, BURST)
            digest.update(self.burst)
            self.again += until_answered(self.sock, self.send_burst, b"A%d." % number)[1]
        end = b"E" + digest.hexdigest().encode()
        arrived, _ = until_answered(self.sock, lambda: self.sock.send(end), b"S")
        return digest.hexdigest(), arrived.decode()


class Receiver:
    def __init__(self, sock, merged):
        self.sock, self.merged = sock, merged
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if merged:
            sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        self.digest, self.number, self.got = hashlib.sha256(), 0, {}

    def first(self, ask):
        """Asks until something comes."""
        self.sock.settimeout(0.2)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                ask()
                return self.sock.recv(1, socket.MSG_PEEK)
            except (TimeoutError, ConnectionRefusedError):
                pass
        raise Wrong("no answer")

    def datagrams(self):
        """One, or those that the kernel had merged."""
        if not self.merged:
            return [self.sock.recv(1 << 16)]
        data, about, _, _ = self.sock.recvmsg(1 << 16, 64)
        size = len(data)
        for level, kind, value in about:
            if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
                size = struct.unpack("i", value[:4])[0]
        return [data[at:at + size] for at in range(0, len(data), size)]

    def take(self, data):
        _, number, i, count = HEAD.unpack_from(data)
        if number == self.number:
            self.got[i] = data
        if number > self.number or len(self.got) < count:
            if number < self.number and i == count - 1:   # its acknowledgement was lost
                self.sock.send(b"A%d." % number)
            return
        self.digest.update(b"".join(self.got[n] for n in range(count)))
        self.got = {}
        self.number += 1
        self.sock.send(b"A%d." % number)

    def receive(self):
        """Until the sender says what it has sent: that, and what arrived."""
        self.sock.settimeout(TIMEOUT)
        while True:
            try:
                some = self.datagrams()
            except TimeoutError:
                raise Wrong("nothing came after burst %d, %d datagrams of which came" %
                            (self.number, len(self.got))) from None
            for data in some:
                if data[:1] == b"E":
                    return data[1:].decode(), self.told()
                if data[:1] == b"D":
                    self.take(data)

    def told(self):
        """Tells the sender what has arrived, three times as nobody acknowledges that."""
        try:
            for _ in range(3):
                self.sock.send(b"S" + self.digest.hexdigest().encode())
        except ConnectionRefusedError:
            pass   # it has heard the first and is gone
        return self.digest.hexdigest()


def serve_datagrams(port, peer, what, size):
    """One client's, from a socket of its own."""
    with udp(port) as sock:
        sock.connect(peer)
        if what == b"get":
            Sender(sock).send(size)
            return
        receiver = Receiver(sock, False)
        sock.send(b"go")
        receiver.receive()


def run_datagrams(what, at, size):
    with udp(0) as sock:
        sock.connect(at)
        hello = b"%s %d" % (what, size)
        if what == b"put":
            until_answered(sock, lambda: sock.send(hello), b"go")
            sender = Sender(sock)
            return same(*sender.send(size)), sender.again
        receiver = Receiver(sock, True)
        receiver.first(lambda: sock.send(hello))
        return same(*receiver.receive()), 0


def udp(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    return sock


# ---- both

def background(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


def accept_datagrams(port):
    sock, known = udp(port), set()
    while True:
        data, peer = sock.recvfrom(2048)
        if peer not in known and data[:4] in (b"put ", b"get "):
            known.add(peer)
            what, size = data.split()
            background(serve_datagrams, port, peer, what, int(size))


def serve(port):
    listener = socket.create_server(("0.0.0.0", int(port)))
    background(accept_datagrams, int(port))
    print("ready", flush=True)
    while True:
        background(serve_stream, listener.accept()[0])


def run(addr, port, mib):
    for name, transfer in ("TCP", run_stream), ("UDP", run_datagrams):
        for what in b"put", b"get":
            begin = time.monotonic()
            try:
                digest, again = transfer(what, (addr, int(port)), int(mib) << 20)
            except (OSError, Wrong) as e:
                sys.exit("%s %s: %s" % (name, what.decode(), e))
            print("%s %s %s MiB in %.1f s, %d bursts again, sha256 %s" % (
                name, what.decode(), mib, time.monotonic() - begin, again, digest))


if __name__ == "__main__":
    {"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:])
