# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Packets that somebody forges who is not an end of the flow, or who marks his own: none passes the host's rules by
# that, and none harms a flow.
#
# hooks: any
source "$TOP/tests/lib/rules.sh"

# ---- segments of a connection, from outside and from inside. Conntrack takes up no connection in its middle here

blind_segments() { # MODE
	rules 'iifname ebpfnet0 accept'
	probe '
	import subprocess
	server = internet.listener(7100, SERVER)
	def rules_change():
	    sh("nft", "add", "rule", "ip", "host", "forward", "ip", "daddr", "198.51.100.1", "drop")
	def connected():
	    sock, peer = ns1.connected(server)
	    talk(sock, peer, "at first")
	    return sock, peer, sock.getsockname()[1], peer.getpeername()[1]
	def talk(sock, peer, when):
	    for one, other in (peer, sock), (sock, peer):
	        one.sendall(b"x" * 5000)
	        got = 0
	        while got < 5000:
	            data = other.recv(5000)
	            must(data, "the connection ended " + when)
	            got += len(data)
	def goes_on(forge, what):
	    sock, peer, port, external = connected()
	    forge(port, external)
	    sleep(0.1)
	    talk(sock, peer, "after " + what)
	    rules_change()
	    talk(sock, peer, "after a change of the rules, after " + what)
	    sleep(0.15)
	    talk(sock, peer, "later, after " + what)
	def from_outside(flags, **fields):
	    return lambda port, external: outside.send(
	        IP(src=SERVER, dst=HOST, id=next(numbers)) / TCP(sport=7100, dport=external, flags=flags, **fields))
	def from_inside(flags, **fields):
	    return lambda port, external: inside.send(
	        IP(src=NS1, dst=SERVER, id=next(numbers)) / TCP(sport=port, dport=7100, flags=flags, **fields))
	goes_on(from_outside("S", seq=4711), "a SYN from outside")
	goes_on(from_inside("S", seq=4711), "a SYN from inside")
	goes_on(from_outside("R", seq=4711), "a blind reset")
	goes_on(from_outside("SA", seq=4711, ack=1), "a SYN/ACK from outside")
	goes_on(from_outside("FA", seq=4711, ack=1), "a blind FIN")
	'
	[ "$1" != ask ] || none_is_invalid # in stack, conntrack sees those that are forged
}

test_a_blind_segment_does_not_make_a_connection_new_nor_end_it() {
	up
	sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	each_mode blind_segments
}

# ---- from a device that is neither uplink nor port

from_a_stranger() { # MODE
	rules accept # whatever comes
	probe '
	mac = bytes.fromhex(json.loads(sh("ip", "-j", "link", "show", "toward"))[0]["address"].replace(":", ""))
	stranger = Wire("the stranger", place("stranger"), "eth0", mac)
	server, sock, service = internet.udp(7000, SERVER), ns1.udp(42000), ns1.udp(80)
	external = seen_as(sock, server)
	gets_through(server, external, sock)
	gets_through(internet.udp(7001, SERVER), (HOST, 8080), service)
	text, out = mark(), mark()
	for src, sport in (SERVER, 7000), (SERVER, 7001), ("10.9.0.2", 7000), (GATEWAY, 7000), ("192.168.1.11", 7000):
	    for dport in 42000, 80:
	        stranger.send(IP(src=src, dst=NS1, id=next(numbers)) / UDP(sport=sport, dport=dport) / text)
	        stranger.send(IP(src=src, dst=NS1, id=next(numbers)) / TCP(sport=sport, dport=dport, flags="S") / text)
	        stranger.send(IP(src=src, dst=NS1, id=next(numbers)) / TCP(sport=sport, dport=dport, flags="A") / text)
	    stranger.send(IP(src=src, dst=NS1, id=next(numbers)) / ICMP() / text)
	    for part in fragment(IP(src=src, dst=NS1, id=next(numbers)) / UDP(sport=sport, dport=80) / (text * 100), 400):
	        stranger.send(part)
	stranger.send(IP(src=NS1, dst=SERVER, id=next(numbers)) / UDP(sport=42000, dport=7000) / out)
	stranger.send(IP(src=NS1, dst=SERVER2, id=next(numbers)) / UDP(sport=42001, dport=7000) / out)
	stranger.send(IP(src=NS1, dst=SERVER2, id=next(numbers)) / ICMP() / out)
	inside.does_not_hear(text, "what a stranger sent")
	outside.does_not_hear(out, "what a stranger sent in the name of a namespace", 0)
	text = mark()
	stranger.send(IP(src="10.9.0.2", dst=SERVER, id=next(numbers)) / UDP(sport=1, dport=7777) / text)
	outside.hears(text, "what the host forwards for the stranger")
	equal(seen_as(sock, server), external, "the mapping")
	gets_through(server, external, sock)
	'
}

test_nothing_of_a_stranger_enters_a_namespace_or_leaves_in_its_name() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	must ip netns add stranger
	must ip link add toward type veth peer name eth0 netns stranger
	ip address add 10.9.0.1/24 dev toward
	ip link set toward up
	ip -n stranger link set eth0 up
	ip -n stranger address add 10.9.0.2/24 dev eth0
	echo 0 | tee /proc/sys/net/ipv4/conf/{all,toward}/rp_filter > /dev/null
	up --uplink eth0
	must ebpfnet expose ns1 8080:80/udp
	each_mode from_a_stranger
}

# ---- marks. Whoever is root in a namespace sets all that a packet is marked with, even the label of copies

# As a program at the egress of the sender's own device.
forge_marks() { # WHERE DEV LABEL
	cat > $T/forge.c <<-END
		#include <linux/bpf.h>
		__attribute__((section("tc"), used)) int forge(struct __sk_buff *skb)
		{
			skb->tc_index = $3;
			skb->mark = 7;
			skb->priority = 7;
			skb->cb[0] = skb->cb[1] = skb->cb[2] = skb->cb[3] = skb->cb[4] = 0xffffffff;
			return -1;
		}
		__attribute__((section("license"), used)) char _license[] = "GPL";
	END
	must clang -O2 -target bpf -I/usr/include/"$(gcc -print-multiarch)" -c $T/forge.c -o $T/forge.o
	must on "$1" tc qdisc add dev "$2" clsact
	must on "$1" tc filter add dev "$2" egress bpf da obj $T/forge.o sec tc
}

label_of_copies() {
	bpftool -j map dump pinned $PINS/config | json '(j[0]["formatted"]["value"]["mark"] * 0x9e3779b1 & 0xffffffff) >> 16 | 1'
}

marked() { # MODE
	local agreed
	rules 'meta mark 7 accept' 'meta priority 7 accept' 'tcp dport { 7000, 80 } accept' 'udp dport { 7000, 80 } accept'
	agreed=$(counter rules_agreed)
	hear isp lan src net 192.168.1.0/24
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	unreached ns1 tcp $INTERNET 7001 silent
	unreached ns1 udp $INTERNET 7001 silent
	reaches internet tcp $HOST 8080 $INTERNET
	reaches internet udp $HOST 8080 $INTERNET
	unreached internet tcp $HOST 8081 silent
	unreached internet udp $HOST 8081 silent
	heard isp lan
	is "$heard" "" "what leaves untranslated"
	[ "$1" = ask ] || is "$(counter rules_agreed)" "$agreed" "packets that were taken for copies"
}

test_marks_of_a_sender_do_not_pass_the_rules() {
	local port
	up
	for port in 7000 7001; do
		serve internet tcp $port
		serve internet udp $port
	done
	for port in 80 81; do
		serve ns1 tcp $port
		serve ns1 udp $port
	done
	must ebpfnet expose ns1 8080-8081:80
	must ebpfnet expose ns1 8080-8081:80/udp
	forge_marks ns1 ceth0 "$(label_of_copies)"
	forge_marks isp lan "$(label_of_copies)"
	each_mode marked
}
