#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A steady stream of numbered datagrams, to see whether one is lost.

    stream.py receive PORT         counts different numbers; on SIGTERM reads what is under way, and prints the count
    stream.py send ADDR PORT       about 1,000 a second until SIGTERM, then prints how many
"""
import signal
import socket
import sys
import time

SO_RCVBUFFORCE = 33
ended = False


def end(*_):
    global ended
    ended = True


def receive(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)  # none is lost because this process waits for a CPU
    s.bind(("", port))
    s.settimeout(1)
    print("ready", flush=True)
    numbers = set()
    while True:
        try:
            numbers.add(s.recv(100))
        except TimeoutError:
            if ended:
                break
    print(len(numbers))


def send(addr, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((addr, port))
    n = 0
    print("ready", flush=True)
    while not ended:
        s.send(b"%d" % n)
        n += 1
        time.sleep(0.001)
    print(n)


signal.signal(signal.SIGTERM, end)
if sys.argv[1] == "receive":
    receive(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]))
