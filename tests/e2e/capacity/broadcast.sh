# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A frame for all: one copy for each other port of the network, whatever becomes of the other ports meanwhile.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

many() { # COUNT
	local i
	for ((i = 1; i <= $1; i++)); do echo "--ns ns$i"; done
}

test_each_of_twenty_ports_gets_one_copy() {
	# shellcheck disable=SC2046 # words
	up $(many 20)
	probe '
	taps = [Tap(place("ns%d" % (i + 1)), "ceth%d" % i) for i in range(20)]
	for sender in taps[0], taps[7], taps[19]:
	    for tap in taps:
	        forget(tap)
	    this = sender.says(BROADCAST)
	    for tap in taps:
	        if tap != sender:
	            tap.hears(this, "a frame")
	    time.sleep(0.1)
	    again = [tap.name for tap in taps if tap.listen(this, 0)]
	    equal(again, [], "who hears it twice, or hears itself")
	'
}

# Of a numbered stream, a namespace that stays misses none and gets none twice.
test_ports_that_come_and_go_cost_the_others_no_frame() {
	# shellcheck disable=SC2046 # words
	up $(many 5)
	probe '
	import os, struct
	head = bytes.fromhex("ff" * 6 + port1.mac.replace(":", "")) + struct.pack("!H", ETH_P_TEST)
	(until, stop), (told, tell) = os.pipe(), os.pipe()
	if not os.fork():
	    sent = 0
	    while sent < 50000 and not craft.select.select([until], [], [], 0.0005)[0]:
	        port1.send(head + struct.pack("!I", sent).ljust(46, b"\0"))
	        sent += 1
	    os.write(tell, b"%d" % sent)
	    os._exit(0)
	heard = []
	def take():
	    while craft.select.select([port2.sock], [], [], 0)[0]:
	        frame = port2.sock.recv(2048)
	        if frame[:14] == head:
	            heard.append(struct.unpack("!I", frame[14:18])[0])
	for command in 3 * ("ns del ns4", "ns add ns6", "ns del ns3", "ns add ns4", "ns del ns6", "ns add ns3"):
	    craft.sh("ebpfnet", *command.split())
	    take()
	os.write(stop, b".")
	sent = int(os.read(told, 20))
	time.sleep(0.1)
	take()
	equal(heard, list(range(sent)), "what ns2 hears")
	'
}

test_a_port_that_is_down_or_has_a_smaller_mtu_is_counted() {
	local before
	up --ns ns1 --ns ns2 --ns ns3
	before=$(counter flood_missed) # while a port came up
	on ns2 ip link set ceth1 mtu 1000
	probe '
	third = Tap(place("ns3"), "ceth2")
	heard_only_by(port1.says(BROADCAST, body=b"x" * 1200), third, among=(port2, third))
	heard_only_by(port1.says(BROADCAST, body=b"x" * 900), port2, third, among=(port2, third))
	'
	is "$(counter flood_missed)" $((before + 1)) "copies that are counted as missed"
	on ns2 ip link set ceth1 down
	probe '
	third = Tap(place("ns3"), "ceth2")
	heard_only_by(port1.says(BROADCAST), third, among=(third,))
	'
	[ "$(counter flood_missed)" -gt $((before + 1)) ] || fail "a port that is down is not counted"
}
