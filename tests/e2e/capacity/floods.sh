# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Who yields to whom when room is short (docs/dev/capacity.md), with real clients during a flood: on a small table in
# `make test`, on the default one in `make faults`.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py
: "${CAPACITY_FLOWS:=2048}" # the size of the table; more in `make faults`
: "${CAPACITY_ROUNDS:=20}"  # new conversations of each kind during a flood
: "${CAPACITY_QUESTIONS:=400}" # of each of ten resolvers, 200 a second

# In a file that a flood in the background reads: bounded in count, goes on until it is stopped.
flood_from_outside() { # PYTHON: yields frames
	cat > $T/flood <<-EOF
		import itertools
		def frames():
		$(sed 's/^/    /' <<< "$1")
		print("ready", flush=True)
		sent = flood(outside.sock.send, itertools.islice(frames(), 4 * $CAPACITY_FLOWS))
		print(sent, "frames", flush=True)
	EOF
	start flood bash -c "exec $CRAFT < $T/flood"
}

# New conversations while the flood goes on, and after it.
all_are_served() { # FROM KIND ADDR PORT WHOM
	local i
	for ((i = 0; i < CAPACITY_ROUNDS; i++)); do
		WIRE_TIMEOUT=3 reaches "$@"
	done
}

flood_is_over() {
	wait "$(< $T/flood.pid)"
	like "$(< $T/flood.out)" '^[0-9]+ frames'
}

# Each forged address is answered once.
test_a_spoofed_flood_of_an_answering_port_harms_nobody() {
	up --flows "$CAPACITY_FLOWS"
	serve internet tcp 7000
	serve internet udp 7000
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000/udp
	ip -n isp route add blackhole 198.18.0.0/15
	flood_from_outside "
	frame = outside.frame(IP(src='198.18.0.1', dst=HOST) / UDP(sport=999, dport=5000, chksum=0) / b'who\n')
	for i in itertools.count():
	    source = struct.pack('!BBH', 198, 18 + (i >> 16 & 1), i & 0xffff)
	    yield frame[:14] + ip_sum(frame[14:26] + source + frame[30:34] + frame[34:])"
	all_are_served ns2 udp $INTERNET 7000 $HOST
	all_are_served ns2 tcp $INTERNET 7000 $HOST
	all_are_served internet udp $HOST 5000 $INTERNET
	flood_is_over
	all_are_served ns2 udp $INTERNET 7000 $HOST
	all_are_served internet udp $HOST 5000 $INTERNET
	[ "$(counter flow_evicted)" -gt 0 ] || fail "the flood ended none of its own flows"
	pings host $INTERNET
}

# One open at a time, closed in order: closing connections make room.
test_a_busy_client_is_not_refused() {
	up --flows "$CAPACITY_FLOWS"
	serve internet tcp 7000
	must on ns1 python3 -c "
import socket
for _ in range(2 * $CAPACITY_FLOWS):
    with socket.create_connection(('$INTERNET', 7000), 3) as s:
        s.sendall(b'who\n')
        assert s.recv(100)
"
	is "$(counter flow_refused)" 0 "connections that were refused"
	must ebpfnet status
	all_are_served ns2 tcp $INTERNET 7000 $HOST
}

# Each question from a socket of its own, as resolvers ask; more of them than there are ports and flows.
test_a_resolver_is_not_refused() {
	up --flows "$CAPACITY_FLOWS"
	must ebpfnet set ports 40000-40511
	serve internet udp 7000
	must on ns1 python3 -c "
import socket, time
for i in range(1200):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.sendto(b'who\n', ('$INTERNET', 7000))
        assert s.recv(100), i
    time.sleep(0.02) # 50 a second: a question has five seconds for its answer
"
	is "$(counter flow_refused)" 0 "questions that were refused"
	# of 512 ports the first has its three quarters; in five seconds the next one has 96 of the rest
	CAPACITY_ROUNDS=20 all_are_served ns2 udp $INTERNET 7000 $HOST
}

# Of connections that a client really opens: one address has its part of the port's part.
test_one_client_of_a_published_port_leaves_room_for_others() {
	up --flows 512
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	start greedy on internet python3 -c "
import socket, time
socks = []
for i in range(600):
    try:
        s = socket.create_connection(('$HOST', 5000), 0.05)
        socks.append(s)
    except OSError:
        if len(socks) < i - 20:
            break
print('ready', len(socks), flush=True)
time.sleep(60)
"
	must test "$(grep -o '[0-9]*$' $T/greedy.out)" -ge 100
	must on isp "$WIRE" ask tcp $HOST 5000
}

# Ten namespaces, each a busy resolver: together they ask more than there are external ports.
test_ten_resolvers_are_not_refused() {
	local i
	up --ns none
	for ((i = 0; i < 10; i++)); do
		must ebpfnet ns add "r$i"
	done
	serve internet udp 7000
	must python3 -c "
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def ask(name):
    assert not libc.setns(os.open('/run/netns/' + name, os.O_RDONLY), 0) # os.setns() is newer
    start = time.monotonic()
    for i in range($CAPACITY_QUESTIONS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(b'who\n', ('$INTERNET', 7000))
            s.recv(100)
        time.sleep(max(0, start + i / 200 - time.monotonic()))
    os._exit(0)
children = []
for i in range(10):
    pid = os.fork()
    if not pid:
        try:
            ask('r%d' % i)
        except BaseException as e:
            print('r%d: %r' % (i, e), file=sys.stderr, flush=True)
            os._exit(1)
    children.append(pid)
sys.exit(any(os.waitpid(pid, 0)[1] for pid in children))
"
	is "$(counter flow_refused)" 0 "questions that were refused"
}
