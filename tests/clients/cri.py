#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""cri.py SOCKET run NAME [HOSTPORT PORT] | stop ID: pod sandboxes by CRI (k8s.io/cri-api runtime.v1), as a kubelet asks
for them. The messages are written by hand, as no package of Debian 12 has their description."""
import sys

import grpc


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def call(channel, name, request):
    return channel.unary_unary("/runtime.v1.RuntimeService/" + name, lambda m: m, lambda m: m)(request, timeout=60)


def config(name, host_port=0, port=0):
    metadata = field(1, name) + field(2, name + "-uid") + field(3, "default")
    mapping = field(2, int(port)) + field(3, int(host_port))
    out = field(1, metadata) + field(2, name) + field(3, "/run/log-" + name)
    return out + (field(5, mapping) if host_port else b"") + field(8, b"")


channel = grpc.insecure_channel("unix://" + sys.argv[1])
if sys.argv[2] == "run":
    answer = call(channel, "RunPodSandbox", field(1, config(*sys.argv[3:])))
    print(answer[2:].decode())
else:
    call(channel, "StopPodSandbox", field(1, sys.argv[3]))
    call(channel, "RemovePodSandbox", field(1, sys.argv[3]))
