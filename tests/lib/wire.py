#!/usr/bin/python3 -IS
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The far ends of the tests' conversations: servers, clients and hand-made frames.

    wire.py serve tcp|udp PORT [ADDR]     answers "who" with the client's address, echoes the rest
    wire.py ask tcp|udp ADDR PORT [SPORT] prints who the server thinks we are
    wire.py copy ADDR PORT BYTES          TCP: sends BYTES, wants the same back, prints their sha256
    wire.py gso ADDR PORT SIZE COUNT      UDP: one send of COUNT segments, wants every echo
    wire.py talk tcp|udp ADDR PORT        keeps one socket: echoes lines of stdin through the server
    wire.py hold tcp|udp PORT [ADDR]      binds (TCP: listens) and does nothing
    wire.py frame DEV KEY=VALUE...        dst= src= type= vlan= size=, or arp=ASKED/ASKER

Exit status of clients: 0 answered, 3 refused, 4 no answer, 5 unreachable, 1 anything else.
"""
import errno
import os
import signal
import socket
import struct
import sys

# Of the modules that only some commands need, each of which takes as long to import as all that follows, these do it.
TIMEOUT = float(os.environ.get("WIRE_TIMEOUT", "1"))
SO_RCVBUFFORCE = 33
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
UDP_SEGMENT = 103


def ready():
    print("ready", flush=True)


# ---- servers

def converse(sock, peer):
    try:
        with sock, sock.makefile("rb") as lines:
            first = lines.readline()
            if first == b"who\n":
                sock.sendall(("%s %d\n" % peer).encode())
                return
            sock.sendall(first)
            while data := lines.read1(1 << 18):
                sock.sendall(data)
    except OSError:
        pass  # a client that went away is a test's business, not the server's


def serve_tcp(port, addr):
    import threading
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((addr, port))
    server.listen(256)
    ready()
    while True:
        threading.Thread(target=converse, args=server.accept(), daemon=True).start()


def serve(kind, port, addr="0.0.0.0"):
    if kind == "tcp":
        serve_tcp(int(port), addr)
    sock = socket.socket(socket.AF_INET, KINDS[kind])
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24) # a loaded machine may not get here for a second
    sock.bind((addr, int(port)))
    ready()
    while True:
        data, peer = sock.recvfrom(1 << 16)
        sock.sendto(("%s %d\n" % peer).encode() if data == b"who\n" else data, peer)


def hold(kind, port, addr="0.0.0.0"):
    sock = socket.socket(socket.AF_INET, KINDS[kind])
    sock.bind((addr, int(port)))
    if kind == "tcp":
        sock.listen()
    ready()
    signal.pause()


# ---- clients

def connect(kind, addr, port, sport=0):
    sock = socket.socket(socket.AF_INET, KINDS[kind])
    sock.settimeout(TIMEOUT)
    if sport:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", int(sport)))
    sock.connect((addr, int(port)))
    return sock


def ask(kind, addr, port, sport=0):
    sock = connect(kind, addr, port, sport)
    sock.sendall(b"who\n")
    answer = sock.recv(100)
    if not answer:
        raise ConnectionResetError
    print(answer.decode().strip())


def copy(addr, port, size):
    import hashlib
    import random
    import threading
    size = int(size)
    noise = random.Random(size).randbytes(1 << 20)
    sent = hashlib.sha256()
    back = hashlib.sha256()
    sock = connect("tcp", addr, port)
    sock.settimeout(10 * TIMEOUT)

    def chunks():
        yield b"copy\n"
        left = size
        while left:
            chunk = noise[:min(left, len(noise))]
            left -= len(chunk)
            yield chunk

    def send():
        for chunk in chunks():
            sent.update(chunk)
            sock.sendall(chunk)
        sock.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while True:
        data = sock.recv(1 << 18)
        if not data:
            break
        back.update(data)
    sender.join(TIMEOUT)
    if sent.digest() != back.digest():
        sys.exit("what came back is not what was sent")
    print(back.hexdigest())


def gso(addr, port, size, count):
    size, count = int(size), int(count)
    sock = connect("udp", addr, port)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    segments = [bytes([65 + i % 26]) * size for i in range(count)]
    sock.sendall(b"".join(segments))
    got = sorted(sock.recv(1 << 16) for _ in segments)
    if got != sorted(segments):
        sys.exit("the segments that came back are not those that were sent")
    print(count)


def talk(kind, addr, port):
    sock = connect(kind, addr, port)
    ready()
    for line in sys.stdin:
        sock.sendall(line.encode())
        print(sock.recv(1 << 16).decode().strip(), flush=True)


# ---- frames

def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(dev, *fields):
    f = dict(field.split("=", 1) for field in fields)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((dev, 0))
        own = sock.getsockname()[4]
        src = mac(f["src"]) if "src" in f else own
        kind = int(f.get("type", "0x88b5"), 16)  # IEEE 802 local experimental
        payload = bytes(int(f.get("size", "46")))
        if "arp" in f:
            asked, asker = f["arp"].split("/")
            kind = 0x0806
            payload = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, src,
                                  socket.inet_aton(asker), bytes(6), socket.inet_aton(asked))
        tag = struct.pack("!HH", 0x8100, int(f["vlan"])) if "vlan" in f else b""
        sock.send(mac(f.get("dst", "ff:ff:ff:ff:ff:ff")) + src + tag +
                  struct.pack("!H", kind) + payload)


def main():
    verb, *args = sys.argv[1:]
    try:
        globals()[verb](*args)
    except (ConnectionRefusedError, ConnectionResetError):
        sys.exit(3)
    except TimeoutError:
        sys.exit(4)
    except OSError as e:
        if e.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN):
            sys.exit(5)
        raise


if __name__ == "__main__":
    main()
