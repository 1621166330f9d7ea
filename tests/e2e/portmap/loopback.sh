# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Published ports by 127.0.0.1 and its like: the host reaches them over lo, and nobody else does. The lab's host has
# strict rp_filter, and neither route_localnet nor accept_local.
#
# hooks: any

# Asks who the server thinks we are, by a socket of the host's; $out is that, and whom the socket thinks it talks to.
calls() { # tcp|udp ADDR PORT [from ADDR] [sendto] [mapped]
	must python3 -c '
import socket, sys
kind, addr, port, *how = sys.argv[1:]
there = ("::ffff:" + addr if "mapped" in how else addr, int(port))
s = socket.socket(socket.AF_INET6 if "mapped" in how else socket.AF_INET,
    socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(2)
if "from" in how: s.bind((how[how.index("from") + 1], 0))
if "sendto" in how:
    s.sendto(b"who\n", there)
    answer, peer = s.recvfrom(100)
else:
    s.connect(there)
    s.sendall(b"who\n")
    answer, peer = s.recv(100), s.getpeername()
print(answer.decode().split()[0], *peer[:2])' "$@"
}

# Both servers of ns1 answer at 127.0.0.1:8080, however they are called.
localhost_answers() {
	local how
	for how in "" "sendto" "from 127.0.0.1" "from 127.0.0.1 sendto" "from 127.1.2.3 sendto"; do
		# shellcheck disable=SC2086 # words
		calls udp 127.0.0.1 8080 $how
		is "$out" "$GATEWAY 127.0.0.1 8080" "udp $how: who called, and who answers"
	done
	for how in "" "from 127.0.0.1" "from 127.1.2.3"; do
		# shellcheck disable=SC2086
		calls tcp 127.0.0.1 8080 $how
		is "$out" "$GATEWAY 127.0.0.1 8080" "tcp $how: who called, and who answers"
	done
	for how in "tcp" "udp" "udp sendto"; do
		# shellcheck disable=SC2086
		calls ${how% *} 127.0.0.1 8080 mapped ${how#* }
		is "$out" "$GATEWAY ::ffff:127.0.0.1 8080" "$how of an IPv6 socket: who called, and who answers"
	done
}

serve_ns1() {
	serve ns1 tcp 80
	serve ns1 udp 80
}

test_a_port_of_localhost_is_the_hosts_alone() {
	up
	serve_ns1
	must ebpfnet expose ns1 127.0.0.1:8080:80
	like "$out" 'published tcp 127.0.0.1:8080 -> ns1 '
	must ebpfnet expose ns1 127.0.0.1:8080:80/udp
	localhost_answers
	unreached host tcp 127.0.0.2 8080 refused
	unreached host tcp $HOST 8080 refused
	unreached internet tcp $HOST 8080 refused
	unreached ns2 tcp $HOST 8080 refused
	unreached ns2 tcp $GATEWAY 8080 refused
	must ebpfnet status
	unlike "$out" '127\.0\.0\.1.*not an address'
}

test_a_port_of_all_addresses_is_one_of_localhost() {
	up
	serve_ns1
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	localhost_answers
	reaches host tcp 127.8.8.8 8080 $GATEWAY
	reaches host udp 127.255.255.254 8080 $GATEWAY
	reaches host tcp $HOST 8080 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
	calls tcp $HOST 8080 from 127.0.0.1
	is "$out" "$GATEWAY $HOST 8080" "from 127.0.0.1: who called, and who answers"
	calls udp 127.0.0.1 8080 from $HOST sendto
	is "$out" "$HOST 127.0.0.1 8080" "from $HOST: who called, and who answers"
	must ebpfnet flows
	like "$out" '127\.0\.0\.1:8080'
}

test_ports_in_step_and_two_namespaces() {
	up
	must ebpfnet expose ns1 127.0.0.1:8000-8999:3000/udp
	must ebpfnet expose ns2 127.0.0.2:8000-8999:4000/udp
	for step in 0 7 999; do
		serve ns1 udp $((3000 + step))
		serve ns2 udp $((4000 + step))
		reaches host udp 127.0.0.1 $((8000 + step)) $GATEWAY
		reaches host udp 127.0.0.2 $((8000 + step)) $GATEWAY
	done
	refused 'published already, to ns1' ebpfnet expose ns2 8500/udp
}

test_streams_and_large_datagrams() {
	up
	serve_ns1
	must ebpfnet expose ns1 127.0.0.1:8080:80
	must ebpfnet expose ns1 127.0.0.1:8080:80/udp
	must "$WIRE" copy 127.0.0.1 8080 50000000
	must "$WIRE" gso 127.0.0.1 8080 1400 40
	must python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for size in 30000, 65507, 1:
    s.sendto(bytes(size), ("127.0.0.1", 8080))
    answer, peer = s.recvfrom(1 << 16)
    assert (len(answer), peer) == (size, ("127.0.0.1", 8080)), (size, len(answer), peer)'
	# as large as lo lets through, in fragments
	ip link set lo mtu 1500
	must "$WIRE" copy 127.0.0.1 8080 5000000
	must python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(bytes(30000), ("127.0.0.1", 8080))
assert len(s.recv(1 << 16)) == 30000'
}

test_unexpose_ends_live_conversations_at_once() {
	up
	serve_ns1
	must ebpfnet expose ns2 9999 # the program of lo stays
	must ebpfnet expose ns1 127.0.0.1:8080:80
	must ebpfnet expose ns1 127.0.0.1:8080:80/udp
	converse host udp 127.0.0.1 8080
	say before
	start traffic python3 -c '
import socket, time
s = socket.create_connection(("127.0.0.1", 8080))
s.sendall(b"echo\n")
s.recv(1)
print("ready", flush=True)
try:
    while True: # one that only waits for an answer which is lost is not told
        s.sendall(b"more")
        time.sleep(0.01)
except OSError as e: print(e)'
	must ebpfnet unexpose ns1
	soon grep -q reset $T/traffic.out
	echo after >&"$talk"
	exec {talk}>&-
	run wait "$(< $T/talk.pid)"
	is "$status" 3 "the end of a conversation by udp (refused)"
	unreached host tcp 127.0.0.1 8080 refused
	unreached host udp 127.0.0.1 8080 refused
}

test_refusals_from_inside_reach_the_client() {
	up
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	unreached host tcp 127.0.0.1 8080 refused
	unreached host udp 127.0.0.1 8080 refused
}

# A resolver of the host's on 127.0.0.53, and who comes later.
test_a_socket_of_the_host_keeps_its_loopback_address() {
	up
	serve_ns1
	start resolver "$WIRE" serve tcp 8080 127.0.0.53
	serve host udp 8080 127.0.0.53
	refused 'cannot publish tcp 8080: wire.py \(pid [0-9]+\) of this host is bound to 127.0.0.53:8080' \
		ebpfnet expose ns1 127.0.0.53:8080:80
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	for kind in tcp udp; do
		reaches host $kind 127.0.0.53 8080 127.0.0.1
		reaches host $kind 127.0.0.1 8080 $GATEWAY
	done
	stop resolver
	reaches host tcp 127.0.0.53 8080 $GATEWAY
	refused 'cannot publish on 127.255.255.255' ebpfnet expose ns1 127.255.255.255:8081:80
	serve host tcp 8081
	refused 'cannot publish tcp 8081: wire.py' ebpfnet expose ns1 127.0.0.1:8081:80
}

# The host's own connections into the network have the gateway's address, and ports of their own.
test_the_hosts_own_connections_keep_their_ports() {
	up
	serve ns1 tcp 80
	must ebpfnet expose ns1 127.0.0.1:8080:80
	must python3 -c '
import socket
def call(addr, port, sport):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(2)
    s.bind(("'$GATEWAY'" if port == 80 else "127.0.0.1", sport))
    s.connect((addr, port))
    return s
def echo(*sockets):
    for s in 3 * sockets:
        text = b"%d\n" % s.getsockname()[1]
        s.sendall(text)
        assert s.recv(100) == text
# one that is there already has the port; one that comes later has another than those that the kernel chooses from
own, mine = call("'$NS1'", 80, 20000), call("127.0.0.1", 8080, 20000)
echo(own, mine)
mine2, own2 = call("127.0.0.1", 8080, 40000), call("'$NS1'", 80, 40000)
echo(own, mine, mine2, own2, mine)'
}

# ---- nobody else

# All that a neighbour on the uplink and a namespace can forge, whatever the host lets its kernel accept.
test_nobody_else_reaches_it_whatever_the_hosts_settings() {
	up
	serve_ns1
	serve host udp 7000 127.0.0.1 # what the host itself has there is not reached either
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 127.0.0.1:8081:80/udp
	must ebpfnet expose ns1 127.0.0.2:8081:80
	probe '
	port1, lan = Wire("inside, to ns1", place("ns1"), "ceth0", b""), outside
	def named_drops():
	    rows = json.loads(sh("ebpfnet", "stats", "--json"))["drops"]
	    return sum(row["count"] for row in rows if row["name"] in ("martian", "unsolicited", "spoofed_addr"))

	def sysctl(name, value):
	    for dev in "all", "eth0", "ebpfnet0":
	        with open("/proc/sys/net/ipv4/conf/%s/%s" % (dev, name), "w") as f:
	            f.write(value)

	def forge(wire, *ends):
	    packets = [IP(src=src, dst=dst) / l4 / this for src, dst in ends for l4 in calls + answers]
	    for packet in packets:
	        wire.send(packet)
	    return len(packets)

	# conversations that are open meanwhile, and that a forged answer would be for
	tcp, udp = host.socket(socket.AF_INET, socket.SOCK_STREAM), Udp(host, "127.0.0.1", 0)
	tcp.connect(("127.0.0.1", 8080))
	udp.tell(b"before", ("127.0.0.1", 8081))
	udp.hears(b"before")
	this = mark()
	calls = [make(sport=sport, dport=port) for make, port in ((TCP, 8080), (TCP, 8081), (UDP, 8081), (UDP, 7000))
	         for sport in (80, 9999)]
	answers = [TCP(sport=80, dport=tcp.getsockname()[1], flags="R"), UDP(sport=8081, dport=udp.at[1]),
	           UDP(sport=80, dport=udp.at[1]), ICMP(type=8), ICMP(type=3, code=3)]
	for setting in itertools.product("01", "01", "10"):
	    for name, value in zip(("route_localnet", "accept_local", "rp_filter"), setting):
	        sysctl(name, value)
	    before = named_drops()
	    sent = forge(outside, ("172.31.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", HOST),
	                 (HOST, "127.0.0.1"), (NS1, "127.0.0.1"), (GATEWAY, "127.0.0.2"), ("127.0.0.1", NS1))
	    sent += forge(inside2, (NS2, "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", HOST),
	                  ("127.0.0.1", GATEWAY), (HOST, "127.0.0.1"), (NS1, GATEWAY), (NS1, "127.0.0.1"))
	    unicast, inside2.mac = inside2.mac, bytes([255] * 6)
	    sent += forge(inside2, (NS2, "127.0.0.1"))
	    inside2.mac = unicast
	    equal(named_drops() - before, sent, "forged packets that were dropped by name, with %s" % (setting,))
	for tap in lan, port1, inside2:
	    tap.does_not_hear(lambda p: this in bytes(p) or p.src.startswith("127."), "an answer, or what was forged")
	udp.does_not_hear(this)
	udp.tell(b"after", ("127.0.0.1", 8081))
	udp.hears(b"after")
	tcp.sendall(b"after\n")
	equal(tcp.recv(100), b"after\n", "what came back")
	'
}

test_what_else_goes_over_lo_is_left_alone() {
	up
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	for kind in tcp udp; do
		serve host $kind 7000
		reaches host $kind 127.0.0.1 7000 127.0.0.1
		reaches host $kind 127.0.0.1 7000 127.0.0.1 5000 # its own port is a published one
	done
	# a client that waits on a published port, without being connected
	must python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.bind(("0.0.0.0", 5000))
s.sendto(b"who\n", ("127.0.0.1", 7000))
assert s.recv(100) == b"127.0.0.1 5000\n"'
	pings host 127.0.0.1 -s 30000
	unreached host udp 127.0.0.1 7001 refused
	unreached host tcp 127.0.0.1 7001 refused
}
