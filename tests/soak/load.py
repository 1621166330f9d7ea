# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What namespaces and clients outside do meanwhile: processes that are stopped and continued as a whole."""
import ctypes
import os
import random
import select
import signal
import socket
import struct
import threading
import time

SERVERS = ("203.0.113.10", "203.0.113.11", "8.8.8.8")
NOBODY = "203.0.113.77"
HOSTS = ("172.31.13.55", "172.31.13.56")
PUBLISHED = range(8000, 8041)
CLONE_NEWNET = 0x40000000
IP_PKTINFO = 8
ODD_PORTS = (53, 123, 500, 600, 1194, 4000, 4001, 5060)

libc = ctypes.CDLL(None, use_errno=True)


def enter(name):
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"cannot enter {name}")
    os.close(fd)


def reset_on_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def listener(kind, port):
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(256)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    return sock


class Server:
    """Answers most, closes some by RST, keeps a few."""

    def __init__(self, tcp, udp, seed):
        self.random = random.Random(seed)
        self.tcp = [listener(socket.SOCK_STREAM, port) for port in tcp]
        self.udp = [listener(socket.SOCK_DGRAM, port) for port in udp]
        self.kept = []

    def answer_datagram(self, sock):
        data, info, _, peer = sock.recvmsg(65535, 100)
        mine = info[0][2][8:12]  # the address that it was sent to
        if self.random.random() < .8:
            sock.sendmsg([data[:1000]], [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("I4s4s", 0, mine, mine))], 0, peer)

    def answer_connection(self, sock):
        conn, _ = sock.accept()
        conn.settimeout(.2)
        chance = self.random.random()
        if chance < .7:
            conn.recv(100)
            conn.send(b"answer")
        elif chance < .9:
            reset_on_close(conn)
        else:
            self.kept.append(conn)
            conn = self.kept.pop(0) if len(self.kept) > 40 else None
        if conn:
            conn.close()

    def run(self):
        while True:
            for sock in select.select(self.tcp + self.udp, [], [])[0]:
                try:
                    self.answer_datagram(sock) if sock in self.udp else self.answer_connection(sock)
                except OSError:
                    pass


def serve_outside():
    enter("internet")
    Server((80, 81), (53, 5300), 1).run()


class Client:
    """One process for several namespaces: a step in one of them after the other."""

    def __init__(self, names, seed):
        self.random, self.names, self.kept = random.Random(seed), names, []

    def chance(self, share):
        return self.random.random() < share

    def bind_oddly(self, sock):
        if self.chance(.3):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", self.random.choice(ODD_PORTS + (self.random.randrange(1024, 65536),))))

    def keep_or_close(self, sock, share):
        if self.chance(share):
            self.kept.append(sock)
            if len(self.kept) > 60:
                self.kept.pop(0).close()
        else:
            sock.close()

    def connect(self):
        sock = socket.socket()
        sock.settimeout(.15)
        self.bind_oddly(sock)
        try:
            sock.connect((self.random.choice(SERVERS + HOSTS + (NOBODY,)),
                          self.random.choice((80, 81, 82, self.random.choice(PUBLISHED)))))
            sock.send(b"question")
            sock.recv(10)
        except OSError:
            pass
        if self.chance(.2):
            reset_on_close(sock)
        self.keep_or_close(sock, .2)

    def send_datagrams(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.bind_oddly(sock)
        for _ in range(self.random.randint(1, 4)):
            sock.sendto(b"u" * self.random.choice((1, 100, 100, 3000, 20000)),
                        (self.random.choice(SERVERS + HOSTS[:1] + (NOBODY,)),
                         self.random.choice((53, 5300, 9, self.random.choice(PUBLISHED)))))
        sock.settimeout(.01)
        try:
            sock.recv(9000)
        except OSError:
            pass
        self.keep_or_close(sock, .3)

    def send_raw(self):
        proto = self.random.choice((socket.IPPROTO_ICMP, socket.IPPROTO_ICMP, 47, 50, 132))
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
        data = b"g" * 40
        if proto == socket.IPPROTO_ICMP:
            data = echo(self.random.choice((1, 2, self.random.randrange(65536))), self.random.choice((8, 100, 12000)))
        sock.sendto(data, (self.random.choice(SERVERS), 0))
        sock.close()

    def go_on(self):
        if self.kept:
            sock = self.kept.pop(self.random.randrange(len(self.kept)))
            sock.send(b"more")
            self.keep_or_close(sock, .5)

    def flood(self):
        """From one socket to many destinations, and from many ports of one address."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for number in range(300):
            sock.sendto(b"f", (NOBODY, 1 + self.random.randrange(60000)))
            if number % 50 == 0:
                time.sleep(.002)
        sock.close()

    def run(self):
        steps = ((self.connect, 35), (self.send_datagrams, 35), (self.send_raw, 18), (self.go_on, 11), (self.flood, 1))
        serve_inside(self.names)
        while True:
            enter(self.random.choice(self.names))
            try:
                self.random.choices([step for step, _ in steps], [share for _, share in steps])[0]()
            except OSError:
                pass
            time.sleep(self.random.random() * .012)


def serve_inside(names):
    for name in names:
        enter(name)
        server = Server((3000,), (3000,), 2)
        threading.Thread(target=server.run, daemon=True).start()


def echo(ident, size):
    packet = struct.pack(">BBHHH", 8, 0, 0, ident, 1) + b"p" * size
    total = sum(struct.unpack(">%dH" % (len(packet) // 2), packet))
    total = (total & 65535) + (total >> 16)
    total = (total & 65535) + (total >> 16)
    return packet[:2] + struct.pack(">H", 65535 ^ total) + packet[4:]


def call_from_outside(seed):
    """A client outside: published ports, mapped ports, and now and then a flood."""
    chance = random.Random(seed)
    enter("internet")
    while True:
        port, host = chance.choice(PUBLISHED), chance.choice((HOSTS[0],) * 4 + (HOSTS[1],))
        try:
            if chance.random() < .5:
                sock = socket.create_connection((host, port), .1)
                sock.send(b"question")
                sock.recv(5)
            else:
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for _ in range(chance.choice((1, 2, 2, 200))):
                    sock.sendto(b"q" * chance.choice((10, 5000)), (host, chance.choice((port, chance.randrange(1024, 65536)))))
            sock.close()
        except OSError:
            pass
        time.sleep(chance.random() * .02)


class Load:
    def __init__(self, names):
        self.pids = [self.fork(serve_outside)]
        for half in range(2):
            self.pids.append(self.fork(Client(names[half::2], half).run))
        for seed in (100, 101):
            self.pids.append(self.fork(call_from_outside, seed))

    @staticmethod
    def fork(function, *args):
        pid = os.fork()
        if pid:
            return pid
        try:
            os.nice(5)
            function(*args)
        finally:
            os._exit(1)

    def signal(self, number):
        for pid in self.pids:
            os.kill(pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def died(self):
        return [pid for pid in self.pids if os.waitpid(pid, os.WNOHANG) != (0, 0)]

    def stop(self):
        self.signal(signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)
