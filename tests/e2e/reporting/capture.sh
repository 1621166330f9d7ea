# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# tcpdump on a device of the switch shows both directions, and changes nothing.
#
# hooks: any

both_directions() { # DEV A B: of one ping, each once
	is "$(grep -c "$2 > $3: ICMP echo request" <<< "$heard")" 1 "requests on $1"
	is "$(grep -c "$3 > $2: ICMP echo reply" <<< "$heard")" 1 "replies on $1"
}

test_a_port_shows_both_directions() {
	up
	pings ns1 $NS2 # and is in every cache
	pings ns1 $INTERNET
	hear host veth0 icmp
	hear host veth1 icmp
	pings ns1 $NS2
	pings ns1 $INTERNET
	heard host veth1
	both_directions veth1 $NS1 $NS2
	heard host veth0
	both_directions veth0 $NS1 $NS2
	both_directions veth0 $NS1 $INTERNET
	pings ns1 $NS2
}

test_the_gateway_device_shows_both_directions() {
	up
	pings host $NS1
	hear host ebpfnet0 icmp
	pings host $NS1
	heard host ebpfnet0
	both_directions ebpfnet0 $GATEWAY $NS1
	is "$(ebpfnet stats --json | json 'j["dropped"]')" 0 "packets dropped"
}

# What is larger than the device inside takes arrives all the same, as without a capture, and what is to be segmented.
test_a_capture_loses_nothing() {
	up
	hear host veth0 tcp
	hear host veth1 udp or tcp
	hear host ebpfnet0 tcp
	serve ns2 tcp 80
	reaches ns1 tcp $NS2 80 $NS1
	reaches host tcp $NS2 80 $GATEWAY
	ip -n ns2 link set ceth1 mtu 1000
	probe '
sender, hearer = ns1.udp(4000), ns2.udp(4000)
text = mark() + bytes(1400)
sender.tell(text, (NS2, 4000))
hearer.hears(text)
'
}
