# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# hooks: any
#
# Uplinks whose packets have no link-layer header: tun here, WireGuard, ipip and gre where the kernel has them. All that
# holds on an Ethernet uplink holds there.
#
#      this namespace (the host)          namespace far             namespace beyond
#      tun0 192.0.2.1 ──────────────────── 192.0.2.2   198.51.100.1 ──── 198.51.100.10
#      route to both networks by tun0      routes; knows no private network

VPN=192.0.2.1 FAR=192.0.2.2 BEYOND=198.51.100.10

# Another network behind the far end of a tunnel.
make_far() {
	ip -batch - <<-END
		netns add far
		netns add beyond
	END
	ip -n far link set lo up
	ip -n far link add wan type veth peer name eth0 netns beyond
	ip -n far address add 198.51.100.1/24 dev wan
	ip -n far link set wan up
	ip -n beyond address add $BEYOND/24 dev eth0
	ip -n beyond link set eth0 up
	ip -n beyond route add default via 198.51.100.1
	on far sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
}

# Addresses and routes of a tunnel's ends, tun0 here and DEV there, once both are made.
tunnel_up() { # DEV
	ip address add $VPN/24 dev tun0
	ip link set tun0 up
	ip -n far address add $FAR/24 dev "$1"
	ip -n far link set "$1" up
	ip route add 198.51.100.0/24 dev tun0
}

tun_pair() { # [gso]
	[ -e /dev/net/tun ] || modprobe -q tun || skip "no tun devices in this kernel"
	rm -f $T/tun.out # of an earlier pair
	start tun "$TOP/tests/lib/tun.py" tun0 far tun1 "$@"
	tunnel_up tun1
}

tunnel() { # [gso]
	make_far
	tun_pair "$@"
}

up_by_tunnel() {
	up --uplink eth0 --uplink tun0
}

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

well() {
	is "$(problems)" "[]" problems
}

# ---- packets

far_serves() {
	serve far tcp 7000
	serve far udp 7000 $FAR
	serve beyond tcp 7000
}

# A flow's first packets, which the slow path sees, and many more.
goes_out() { # ADDRESS that the namespaces have outside
	pings ns1 $FAR
	pings ns2 $BEYOND -c3 -i0.1
	reaches ns1 tcp $FAR 7000 "$1"
	reaches ns1 udp $FAR 7000 "$1"
	reaches ns2 tcp $BEYOND 7000 "$1"
	must on ns1 "$WIRE" copy $FAR 7000 4000000
	must on ns2 "$WIRE" copy $BEYOND 7000 4000000
}

comes_in() { # ADDRESS of the host
	serve ns1 tcp 5000
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	reaches far tcp "$1" 5000 $FAR
	reaches far udp "$1" 5000 $FAR
	reaches beyond tcp "$1" 5000 $BEYOND
	must on far "$WIRE" copy "$1" 5000 4000000
	must on beyond "$WIRE" copy "$1" 5000 4000000
	# not by the tunnel, but at its address
	reaches ns2 tcp "$1" 5000 "$1"
	reaches host tcp "$1" 5000 "$1"
}

# Beside it the Ethernet uplink and the host's own traffic are as they were.
others_go_on() {
	serve internet tcp 7700
	serve host tcp 7701
	reaches ns1 tcp $INTERNET 7700 $HOST
	reaches far tcp $VPN 7701 $FAR
	reaches host tcp $FAR 7000 $VPN
	pings host $FAR
	pings far $VPN
	[ -e /proc/net/if_inet6 ] || return 0
	ip address add 2001:db8::1/64 dev tun0 nodad
	ip -n far address add 2001:db8::2/64 dev tun1 nodad
	pings host 2001:db8::2
}

test_namespaces_reach_what_is_behind_it() {
	tunnel
	up_by_tunnel
	far_serves
	goes_out $VPN
	others_go_on
	well
}

test_published_ports_answer_from_it() {
	tunnel
	up_by_tunnel
	comes_in $VPN
	well
}

test_with_packets_that_the_device_is_to_segment() {
	tunnel gso
	up_by_tunnel
	far_serves
	goes_out $VPN
	comes_in $VPN
}

# Through the host's rules, which see the addresses inside.
through_the_rules() { # MODE
	tunnel
	nft -f - <<-END
		table ip t {
			chain f {
				type filter hook forward priority 0; policy drop;
				ct state established,related accept
				ct state invalid drop
				ip saddr 192.168.1.0/24 accept
				ip daddr $NS1 th dport 5000 accept
			}
		}
	END
	up_by_tunnel
	must ebpfnet set forwarding "$1"
	far_serves
	goes_out $VPN
	comes_in $VPN
	must ebpfnet expose ns2 5001
	serve ns2 tcp 5001
	unreached far tcp $VPN 5001 silent
	nft insert rule ip t f ip daddr $FAR reject
	unreached ns1 udp $FAR 7000 refused
	well
}

test_through_the_hosts_rules() {
	through_the_rules stack
}

test_the_hosts_rules_are_asked() {
	through_the_rules ask
}

# The veth's own packet sockets see what a packet socket of an Ethernet uplink's packets sees: Ethernet frames.
test_a_capture_on_a_namespaces_veth() {
	tunnel
	up_by_tunnel
	hear host veth0 "ip and src $FAR"
	serve far tcp 7000
	must on ns1 "$WIRE" copy $FAR 7000 1000000
	heard host veth0
	like "$heard" "02:eb:c0:a8:01:01 > 02:eb:c0:a8:01:0a, ethertype IPv4.* $FAR.7000 > $NS1"
}

test_a_limited_namespace_is_reached() {
	tunnel
	up_by_tunnel
	must ebpfnet limit ns1 in 50mbit out 50mbit
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	must on far "$WIRE" copy $VPN 5000 400000
	must on ns1 ping -n -c1 -W1 $FAR
}

# A datagram of ns2's to the mapping of ns1 is re-injected at the tunnel.
test_hairpins() {
	tunnel
	up_by_tunnel
	probe '
	here, there = ns1.udp(), place("far").udp(7000, "192.0.2.2")
	external = seen_as(here, there)
	equal(external[0], "192.0.2.1", "external address")
	sh("ebpfnet", "set", "filtering", "endpoint")
	text = mark()
	ns2.udp().tell(text, external)
	equal(here.hears(text)[0], "192.0.2.1", "whom it comes from")
	'
}

# ---- errors, the path MTU, fragments

test_errors_reach_both_ends() {
	tunnel
	up_by_tunnel
	must ebpfnet expose ns1 5000/udp
	unreached far udp $VPN 5000 refused # of the namespace, to a client
	unreached ns1 udp $FAR 7001 refused # of the far end, to a namespace
	must_not on ns1 ping -n -c1 -W1 -t2 $BEYOND # of a router behind the tunnel
	like "$out" "From $FAR icmp_seq=1 Time to live exceeded"
	must_not on ns1 ping -n -c1 -W1 -t1 $BEYOND
	like "$out" "From $GATEWAY icmp_seq=1 Time to live exceeded"
}

# No MAC address says that a packet is for all: its destination does.
test_a_broadcast_is_not_published() {
	tunnel
	up_by_tunnel
	must ebpfnet expose ns1 5000/udp
	probe '
	here, there = ns1.udp(5000), place("far").udp(7000)
	raw = place("far").socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	for dst in "192.0.2.255", "224.0.0.251", "255.255.255.255":
	    text = mark()
	    packet = IP(src="192.0.2.2", dst=dst) / UDP(sport=7000, dport=5000) / text
	    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
	    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tun1")
	    raw.sendto(bytes(packet), (dst, 0))
	    here.does_not_hear(text, "a datagram to " + dst)
	gets_through(there, ("192.0.2.1", 5000), here)
	'
}

# Of the program itself, by the way that the packet came.
test_a_ttl_that_runs_out_is_said_to_the_client() {
	tunnel
	up_by_tunnel
	must ebpfnet expose ns1 5000/udp
	probe '
	import errno
	client = place("far").udp()
	client.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
	client.sock.setsockopt(socket.IPPROTO_IP, 11, 1) # IP_RECVERR
	client.sock.connect(("192.0.2.1", 5000))
	client.sock.settimeout(SOON)
	client.sock.send(b"soon over")
	try:
	    client.sock.recv(100)
	    fail("an answer came")
	except OSError as e:
	    equal(e.errno, errno.EHOSTUNREACH, "what the client is told")
	'
	is "$(counter refused_ttl_exceeded)" 1 "refused"
}

test_the_tunnels_mtu_is_found() {
	tunnel
	ip link set tun0 mtu 1400 # and the far end says 1500, so that TCP has to find it
	up_by_tunnel
	must_not on ns1 ping -n -c1 -W1 -M "do" -s 1450 $FAR
	like "$out" "From $GATEWAY icmp_seq=1 Frag needed and DF set \(mtu = 1400\)"
	must on ns1 ip route flush cache
	serve far tcp 7000
	must on ns2 "$WIRE" copy $FAR 7000 2000000
	like "$(on ns2 ip route get $FAR)" 'mtu 1400'
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	must on far "$WIRE" copy $VPN 5000 2000000
	like "$(on ns1 ip route get $FAR)" 'mtu 1400'
}

test_a_smaller_mtu_behind_the_tunnel_is_found() {
	tunnel
	ip -n far route change 198.51.100.0/24 dev wan src 198.51.100.1 mtu lock 1300
	up_by_tunnel
	must_not on ns1 ping -n -c1 -W1 -M "do" -s 1350 $BEYOND
	like "$out" "From $FAR icmp_seq=1 Frag needed and DF set \(mtu = 1300\)"
	serve beyond tcp 7000
	must on ns1 "$WIRE" copy $BEYOND 7000 2000000
}

test_fragments_in_both_directions() {
	tunnel
	up_by_tunnel
	pings ns1 $FAR -s 5000 -M dont # cut by the program: the namespace's MTU is larger
	must ebpfnet expose ns1 5000/udp
	probe '
	here, there = ns1.udp(5000), place("far").udp(7000, "192.0.2.2")
	here.may_fragment(True)
	raw = place("far").socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

	def send(packets):
	    for packet in packets:
	        raw.sendto(bytes(packet), ("192.0.2.1", 0))

	def pieces(dport, text):
	    return fragment(IP(src="192.0.2.2", dst="192.0.2.1", id=next(numbers)) /
	                    UDP(sport=7000, dport=dport) / text, 800)

	for order in (list, lambda p: p[::-1], lambda p: p[1:] + p[:1]):
	    text = mark() * 400
	    send(order(pieces(5000, text)))
	    equal(here.hears(text)[0], "192.0.2.2", "sender of a datagram in fragments")
	    here.tell(text, there.at)
	    there.hears(text, "its answer")

	service = place("host").udp(7702)
	text = mark() * 400
	send(pieces(7702, text)[::-1])
	service.hears(text, "the datagram for the host")
	'
}

# The first fragment by the tunnel, the others by eth0, and the other way round.
test_fragments_by_two_kinds_of_uplinks() {
	tunnel
	ip -n isp route add $VPN via $HOST
	up_by_tunnel
	echo 0 | tee /proc/sys/net/ipv4/conf/{all,eth0,tun0}/rp_filter > /dev/null
	must ebpfnet expose ns1 5000/udp
	probe '
	here = ns1.udp(5000)
	raw = place("far").socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	by_tunnel = lambda packet: raw.sendto(bytes(packet), ("192.0.2.1", 0))
	for first, later in (by_tunnel, outside.send), (outside.send, by_tunnel):
	    text = mark() * 400
	    head, *rest = fragment(IP(src="198.51.100.10", dst="192.0.2.1", id=next(numbers)) /
	                           UDP(sport=7000, dport=5000) / text, 800)
	    for packet in rest:
	        later(packet)
	    first(head)
	    here.hears(text)
	'
}

# ---- what belongs to the host

test_nothing_private_leaves_or_enters() {
	tunnel
	up_by_tunnel
	hear far tun1 -Q in 'ip and net 192.168.0.0/16'
	run ping -n -c1 -W0.3 -I $GATEWAY $FAR
	is "$(counter private_source)" 1 "drops of a private source"
	run on ns1 "$WIRE" ask udp $FAR 7000
	must on ns1 ping -n -c1 -W1 $BEYOND
	heard far tun1
	is "$heard" "" "what left with a private source"
	ip -n far route add 192.168.1.0/24 dev tun1
	run on far ping -n -c1 -W0.3 $NS1
	is "$(counter unsolicited)" 1 "drops of a private destination"
	probe '
	raw = place("far").socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	raw.sendto(bytes(IP(src=NS2, dst="192.0.2.1") / UDP(dport=5000)), ("192.0.2.1", 0))
	'
	is "$(counter martian)" 1 "drops of a private source that came in"
}

test_the_hosts_later_connection_gets_another_port() {
	local kind
	tunnel
	up_by_tunnel
	serve far tcp 7000
	serve far udp 7000 $FAR
	for kind in tcp udp; do
		reaches ns1 $kind $FAR 7000 $VPN 40001
		is "${out##* }" 40001 "port of the namespace"
		reaches host $kind $FAR 7000 $VPN 40001
		[ "${out##* }" != 40001 ] || fail "$kind: the host kept a port that is not free"
	done
	must on ns1 ping -n -c1 -W1 -e 77 $FAR
	must ping -n -c2 -i0.1 -W1 -e 77 $FAR
	must on ns1 ping -n -c1 -W1 -e 77 $FAR
}

# ---- commands

test_a_default_route_through_it_is_followed() {
	local before
	tunnel
	ip route replace default dev tun0
	before=$(snapshot)
	up
	like "$out" 'out through tun0'
	serve beyond tcp 7000
	reaches ns1 tcp $BEYOND 7000 $VPN
	like "$(ebpfnet status)" 'uplink +tun0, without Ethernet, masquerading as 192.0.2.1'
	is "$(ebpfnet status --json | json '[(u["name"], u["link"]) for u in j["uplinks"]]')" "[('tun0', 'ip'), ('eth0', 'ethernet')]" \
		uplinks
	well
	must ebpfnet up
	like "$out" 'nothing to change'
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left, or took"
}

# XDP programs get Ethernet frames: there is no prefilter, nor is it missed.
test_it_gets_no_prefilter() {
	tunnel
	up --uplink eth0 --uplink tun0 --xdp
	is "$(ebpfnet status --json | json '[(u["name"], u["xdp"]) for u in j["uplinks"]]')" \
		"[('eth0', 'native'), ('tun0', None)]" "prefilters"
	well
	serve far tcp 7000
	reaches ns1 tcp $FAR 7000 $VPN
}

test_one_that_goes_and_comes_back() {
	tunnel
	up_by_tunnel
	pings ns1 $FAR
	stop tun
	like "$(problems)" 'uplink tun0 is gone'
	tun_pair
	like "$(problems)" 'uplink tun0 was removed and made again'
	must ebpfnet up
	well
	pings ns1 $FAR
}

# The programs are those of the device that has the name now.
test_a_name_that_becomes_another_kind_of_device() {
	tunnel
	up_by_tunnel
	stop tun
	ip link add tun0 type veth peer name tun1 netns far
	tunnel_up tun1
	ip route change 198.51.100.0/24 via $FAR
	must ebpfnet up
	well
	far_serves
	goes_out $VPN
	ip link del tun0
	tun_pair
	must ebpfnet up
	well
	goes_out $VPN
	must ebpfnet down
	[ ! -e $PINS ] || fail "pins are left: $(find $PINS)"
}

test_a_renamed_one_is_followed() {
	tunnel
	up_by_tunnel
	ip link set tun0 down
	ip link set tun0 name vpn.7
	ip link set vpn.7 up
	ip route add 198.51.100.0/24 dev vpn.7
	must ebpfnet up
	well
	pings ns1 $BEYOND
	must ebpfnet down
	[ ! -e $PINS ] || fail "pins are left: $(find $PINS)"
}

test_devices_that_cannot_be_uplinks() {
	up
	refused 'uplink lo is neither an Ethernet device nor one of IP packets' ebpfnet up --uplink lo
	if ip link add many type gre local $HOST 2> /dev/null; then
		ip link set many up
		refused 'uplink many is a tunnel without a remote address' ebpfnet up --uplink many
	fi
}

# ---- tunnels of the kernel's own, where it has them, over eth0

OUTER=203.0.113.130

kernel_tunnel() { # KIND OPTION-OF-THE-HOST'S-END... -- OPTION-OF-THE-FAR-END...
	local kind=$1 here=() there
	shift
	while [ "$1" != -- ]; do
		here+=("$1")
		shift
	done
	there=("${@:2}")
	ip link add tun0 type "$kind" "${here[@]}" 2> /dev/null || skip "this kernel has no $kind tunnels"
	make_far
	ip -n far link add outer type veth peer name lan2 netns isp
	ip -n isp address add 203.0.113.129/30 dev lan2
	ip -n isp link set lan2 up
	ip -n far address add $OUTER/30 dev outer
	ip -n far link set outer up
	ip -n far route add default via 203.0.113.129
	must ip -n far link add tun1 type "$kind" "${there[@]}"
}

works_in_both_directions() {
	tunnel_up tun1
	up_by_tunnel
	far_serves
	goes_out $VPN
	comes_in $VPN
	well
}

test_ipip() {
	kernel_tunnel ipip local $HOST remote $OUTER -- local $OUTER remote $HOST
	works_in_both_directions
}

# Between the tunnel's ends: its driver learns it, and the namespace is told.
test_a_smaller_mtu_below_a_tunnel_is_found() {
	kernel_tunnel ipip local $HOST remote $OUTER -- local $OUTER remote $HOST
	tunnel_up tun1
	up_by_tunnel
	far_serves
	must on ns1 "$WIRE" copy $FAR 7000 1000000
	ip -n isp route change 203.0.113.128/30 dev lan2 src 203.0.113.129 mtu lock 1300
	must on ns1 "$WIRE" copy $FAR 7000 1000000
	like "$(on ns1 ip route get $FAR)" 'mtu 1280'
	well
}

test_gre() {
	kernel_tunnel gre local $HOST remote $OUTER -- local $OUTER remote $HOST
	works_in_both_directions
}

test_wireguard() {
	kernel_tunnel wireguard --
	command -v wg > /dev/null || skip "no command wg: install wireguard-tools"
	must wg set tun0 listen-port 51820 private-key <(wg genkey)
	must on far wg set tun1 listen-port 51820 private-key <(wg genkey) \
		peer "$(wg show tun0 public-key)" allowed-ips 0.0.0.0/0 endpoint $HOST:51820
	must wg set tun0 peer "$(on far wg show tun1 public-key)" allowed-ips 0.0.0.0/0 endpoint $OUTER:51820
	works_in_both_directions
	must_not on ns1 ping -n -c1 -W1 -M "do" -s 1450 $FAR
	like "$out" "From $GATEWAY icmp_seq=1 Frag needed and DF set \(mtu = 1420\)"
	pings ns1 $FAR -s 5000 -M dont
}
