# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `expose` beside the sockets of the host and those inside.
# hooks: any

# A socket of the host that stays: "tcp 6000", "tcp [::]:6000 listen", "udp 6000 connect".
has_socket() { # tcp|udp ADDR PORT bind|listen|connect|v6only
	start "socket-$1-$3" python3 -c '
import socket, sys, time
proto, addr, port, what = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET,
    socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1) # as servers do
if what == "v6only": s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((addr, int(port)))
if what in ("listen", "v6only"): s.listen()
if what == "connect": s.connect(("203.0.113.10", 53))
print("ready", flush=True)
time.sleep(600)' "$@"
}

test_a_port_that_a_tcp_socket_is_bound_to_without_listening_is_refused() {
	up
	has_socket tcp 0.0.0.0 6000 bind
	has_socket tcp $HOST 6001 bind
	has_socket tcp :: 6002 bind
	refused "cannot publish tcp 6000: .*bound to .*6000" ebpfnet expose ns1 6000
	refused "cannot publish tcp 6001: .*6001" ebpfnet expose ns1 6001
	refused "cannot publish tcp 6000: .*6000" ebpfnet expose ns1 5990-6000
	refused "cannot publish tcp 6002: .*6002" ebpfnet expose ns1 $HOST:6002
	must ebpfnet expose ns1 6000/udp
}

test_a_port_of_a_connected_udp_socket_is_refused() {
	up
	has_socket udp 0.0.0.0 6000 connect
	refused "cannot publish udp 6000: python3 \(pid .*bound to $HOST:6000" ebpfnet expose ns1 6000/udp
	must ebpfnet expose ns1 6000
}

test_a_socket_of_both_families_is_named_as_it_was_bound() {
	up
	has_socket tcp :: 6000 listen
	refused 'bound to \[::\]:6000;' ebpfnet expose ns1 6000
}

test_sockets_that_no_client_outside_reaches_by_ipv4_do_not_matter() {
	up
	has_socket tcp 127.0.0.1 6000 listen
	has_socket tcp :: 6001 v6only
	has_socket tcp ::1 6002 listen
	must ebpfnet expose ns1 6000
	must ebpfnet expose ns1 6001
	must ebpfnet expose ns1 6002
}

# The port of a connection of the host's own, and one whose server has just ended, are not taken.
test_connections_do_not_take_a_port() {
	up
	serve internet tcp 80
	must "$WIRE" ask tcp $INTERNET 80 6000 # its end waits in TIME_WAIT
	must ebpfnet expose ns1 6000
	must ebpfnet expose ns1 6001-6100
}

# As where the module is missing that answers: /proc/net is read.
test_without_sock_diag_the_same_is_found() {
	run ebpfnet up --hook tcx # to clsact a program is attached with the call that is to fail
	[ "$status" = 0 ] || skip "$err"
	must ebpfnet expose ns2 1 # attaches the program of lo
	has_socket tcp :: 6000 listen
	has_socket tcp 0.0.0.0 6001 bind
	has_socket udp 0.0.0.0 6002 connect
	no_sock_diag() {
		strace -f -qq -o /dev/null -e inject=sendto:error=ENOENT ebpfnet "$@"
	}
	must_not no_sock_diag expose ns1 6000
	like "$err" '\[::\]:6000'
	must no_sock_diag expose ns1 6003
	must_not no_sock_diag expose ns1 6002/udp
}

# What a namespace does inside is not waited for by other commands.
test_the_namespace_is_looked_into_without_the_lock() {
	up
	strace -f -qq -o /dev/null -e inject=setns:delay_enter=60000000:when=1 ebpfnet expose ns1 5000 > $T/expose.out 2>&1 &
	soon grep -q published $T/expose.out
	must ebpfnet set fdb-age 99
	kill -0 $! || fail "it did not wait"
	kill $!
}

test_of_many_sockets_inside_the_one_that_matters_is_found() {
	up
	start many on ns1 python3 -c '
import socket, time, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
some = []
for n in range(8000):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    some.append(s)
s = socket.socket()
s.bind(("192.168.1.10", 3000))
s.listen()
print("ready", flush=True)
time.sleep(600)'
	must ebpfnet expose ns1 3000
	unlike "$out" 'nothing listens'
	must ebpfnet expose ns1 5000
	like "$out" 'nothing listens'
}
