# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 51-60: a switch (IEEE 802.1D) and a gateway's ARP (RFC 826, RFC 5227). Namespaces a and
# b may send from any address, as switches and virtual machines behind them would.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

# The classic lab's bridge is in hairpin mode: here it is an ordinary bridge.
switch() {
	local dev
	up
	must ebpfnet ns add a --spoof allow # ceth2
	must ebpfnet ns add b --spoof allow # ceth3
	[ "$HOOK" = classic ] || return 0
	for dev in veth0 veth1 veth2 veth3; do bridge link set dev $dev hairpin off; done
}

# How long the switch keeps a MAC: what it is by default, then a second.
set_age_of_one_second() {
	if [ "$HOOK" = classic ]; then
		is "$(< /sys/class/net/br0/bridge/ageing_time)" 30000 "ageing time, in 10 ms"
		ip link set br0 type bridge ageing_time 100
	else
		must ebpfnet get fdb-age
		is "$out" 300 fdb-age
		must ebpfnet set fdb-age 1
	fi
}

macs_known() {
	if [ "$HOOK" = classic ]; then
		bridge fdb show br br0 | wc -l
	else
		ebpfnet fdb --json | json 'len(j["fdb"])'
	fi
}

# IEEE 802.1D 7.7, 7.8.
test_req_51_learns_floods_and_never_reflects() {
	switch
	probe '
	taps = (port1, port2, port3, port4)
	heard_only_by(port4.says(FAR), port1, port2, port3, among=taps)
	heard_only_by(port3.says(NOBODY, src=FAR), port1, port2, port4, among=taps)
	for tap in port1, port2, port4:
	    heard_only_by(tap.says(FAR), port3, among=taps)
	heard_only_by(port3.says(FAR), among=taps)
	heard_only_by(port3.says(port3.mac), among=taps)
	heard_only_by(port1.says(port2.mac), port2, among=taps)
	'
}

# IEEE 802.1D 7.7.
test_req_52_broadcast_and_multicast_are_flooded() {
	switch
	probe '
	taps = (port1, port2, port3, port4)
	for sender in taps:
	    for group in BROADCAST, "01:00:5e:00:00:fb", "33:33:00:00:00:01", "01:80:c2:00:00:10", "03:00:00:00:00:01":
	        heard_only_by(sender.says(group), *(tap for tap in taps if tap != sender), among=taps)
	for dst, group in ("224.0.0.251", "01:00:5e:00:00:fb"), ("239.1.2.3", "01:00:5e:01:02:03"), (
	        "192.168.1.255", BROADCAST), ("255.255.255.255", BROADCAST):
	    this = mark()
	    port1.send(Ether(src=port1.mac, dst=group) / IP(src=NS1, dst=dst, ttl=1) / UDP(sport=6000, dport=6000) / this)
	    heard_only_by(this, port2, port3, port4, among=taps)
	'
}

# IEEE 802.1D 7.8: a MAC that is heard elsewhere has moved.
test_req_53_a_moved_mac_is_followed_at_once() {
	switch
	probe '
	taps = (port1, port2, port3, port4)
	for here in port3, port4, port3:
	    here.says(NOBODY, src=FAR)
	    heard_only_by(port1.says(FAR), here, among=taps)
	'
}

# IEEE 802.1D 7.9.2.
test_req_54_stations_age_after_300_seconds() {
	switch
	set_age_of_one_second
	probe '
	taps = (port1, port2, port3, port4)
	port3.says(NOBODY, src=FAR)
	heard_only_by(port1.says(FAR), port3, among=taps)
	sleep(2.5)
	heard_only_by(port1.says(FAR), port2, port3, port4, among=taps)
	'
}

# IEEE 802.1D 7.12.6: they stay on their segment, whatever is spoken there.
test_req_55_link_local_groups_are_not_forwarded() {
	switch
	probe '
	taps = (port1, port2, port3, port4)
	for last in range(16):
	    heard_only_by(port3.says("01:80:c2:00:00:%02x" % last), among=taps)
	heard_only_by(port3.says("01:80:c2:00:00:10"), port1, port2, port4, among=taps)
	'
}

# IEEE 802.3: a source is one station's address. The gateway's is the gateway's.
test_req_56_bad_source_macs_are_dropped_and_the_gateways_is_safe() {
	switch
	by_hand ns1
	probe '
	taps = (port1, port2, port3, port4)
	for src in "00:00:00:00:00:00", BROADCAST, "01:00:5e:00:00:05", "03:00:00:00:00:01":
	    for dst in port2.mac, BROADCAST:
	        heard_only_by(port3.says(dst, src=src), among=taps)
	gateway = text(inside.mac)
	for dst in NOBODY, BROADCAST, gateway, port1.mac:
	    port3.says(dst, src=gateway)
	    this = mark()
	    inside.send(IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000) / this)
	    outside.hears(this, "a packet to the gateway")
	    port3.does_not_hear(this, "a packet to the gateway", 0.1)
	'
	pings ns2 $GATEWAY
}

# A switch carries whatever frames there are, up to the largest, and unchanged.
test_req_57_all_kinds_of_frames_are_bridged() {
	local mtu
	switch
	mtu=$(on a cat /proc/sys/net/ipv6/conf/ceth2/mtu)
	probe "
	taps = (port1, port2, port3, port4)
	port4.says(NOBODY, src=FAR)

	def carried(frame, what):
	    frame = bytes(frame)
	    port3.send(frame)
	    there = bytes(port4.hears(frame[-20:], what))
	    equal(there.hex(), frame.hex(), what)

	def payload(size):
	    return mark().ljust(20, b'.').rjust(size, b'x')

	head = dict(src=port3.mac, dst=FAR)
	carried(Ether(type=ETH_P_TEST, **head) / payload(46), 'a frame of an experiment')
	carried(Ether(type=0x9000, **head) / payload(46), 'a loopback frame')
	carried(Dot3(len=60, **head) / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / payload(57), 'an LLC frame')
	carried(Dot3(len=46, **head) / payload(46), 'a frame with a length for a type')
	carried(Ether(type=ETH_P_TEST, **head) / payload($mtu), 'a full-size frame')
	for tag in 5, 4094:
	    carried(Ether(**head) / Dot1Q(vlan=tag, prio=3, type=ETH_P_TEST) / payload(46), 'a tagged frame')
	    carried(Ether(**head) / Dot1Q(vlan=tag, type=0x800) / IP(src='10.0.0.1', dst='10.0.0.2') / payload(46),
	            'tagged IP')
	carried(Ether(**head) / Dot1Q(vlan=5, type=ETH_P_TEST) / payload($mtu), 'a full-size tagged frame')
	"
}

# A flood of the table gains nothing: known MACs still reach each other, and memory is bounded.
test_req_58_a_mac_flood_does_not_harm() {
	local count=40000 known
	switch
	pings ns1 $NS2
	start pings on ns1 bash -c "echo ready; ping -n -q -i 0.02 -c 100 -W1 $NS2"
	probe "
	taps = (port1, port2, port3, port4)
	port4.says(NOBODY, src=FAR)
	equal(flood(port3.sock.send, senders(port1.mac, $count)), $count, 'frames sent in time')
	forget(port1)
	heard_only_by(port1.says(port2.mac), port2, among=taps)
	heard_only_by(port2.says(port1.mac), port1, among=taps)
	port4.says(NOBODY, src=FAR)
	port4.hears(port1.says(FAR))
	"
	wait "$(< $T/pings.pid)"
	like "$(< $T/pings.out)" '100 packets transmitted, 100 received'
	known=$(macs_known)
	[ "$known" -le $((count / 2)) ] || fail "$known MACs in the table, after $count of which each spoke once"
}

# RFC 826, RFC 5227. RFC 1027 is for those who want it.
test_req_59_the_gateway_answers_arp_and_no_other() {
	switch
	probe '
	def ask(who, addr=NS1, dst=BROADCAST):
	    port1.send(Ether(src=port1.mac, dst=dst) / ARP(op=1, hwsrc=port1.mac, psrc=addr, pdst=who))

	def answer_for(who):
	    there = port1.hears(lambda p: ARP in p and p[ARP].op == 2 and p[ARP].psrc == who, "an answer for " + who)
	    return there[Ether].src, there[ARP].hwsrc

	gateway = text(inside.mac)
	for how in {}, dict(addr="0.0.0.0"), dict(dst=gateway):
	    ask(GATEWAY, **how)
	    equal(answer_for(GATEWAY), (gateway, gateway), "who answers for the gateway, %s" % how)
	ask(NS2)
	equal(answer_for(NS2), (port2.mac, port2.mac), "who answers for ns2")
	for who in ("192.168.1.99", "192.168.1.254", "192.168.1.0", "192.168.1.255", "192.168.2.1", SERVER,
	            "172.31.0.1", "8.8.8.8"):
	    ask(who)
	    ask(who, addr="0.0.0.0")
	port1.does_not_hear(lambda p: ARP in p and p[ARP].op == 2, "an answer for somebody who is not here")
	'
}

# A priority tag (VID 0) is no VLAN: IEEE 802.1Q 6.9. Another tag is one that the gateway has no foot in.
test_req_60_only_the_priority_tag_reaches_the_gateway() {
	switch
	by_hand ns1
	probe '
	gateway = text(inside.mac)
	for tag, heard in (0, True), (5, False), (4094, False):
	    for to, out in (PEER, lan), (GATEWAY, port1):
	        this = mark()
	        l4 = UDP(sport=6000, dport=7000) if to == PEER else ICMP(id=tag)
	        port1.send(Ether(src=port1.mac, dst=gateway) / Dot1Q(vlan=tag) / IP(src=NS1, dst=to) / l4 / this)
	        there = out.listen(this, SOON if heard else NEVER)
	        equal(bool(there), heard, "VID %d to %s: an answer" % (tag, to))
	        must(not there or Dot1Q not in there, "a tag was carried on")
	'
}
