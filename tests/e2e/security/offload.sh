# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Checksum offload that a sender asks for is done where the packet leaves, behind the programs.
#
# hooks: any

# The uplink's device writes the "checksum" over the source port: 53, on which the host serves.
test_no_namespace_chooses_the_port_that_it_leaves_by() {
	up
	ethtool -K eth0 tx off > /dev/null
	probe '
import struct
sock = ns1.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
sock.bind(("ceth0", 0))
sock.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR

def offloaded(text, start, offset):
    """A datagram with a checksum to be written."""
    packet = bytes(IP(src=NS1, dst=PEER) / UDP(sport=40000, dport=7000, chksum=0) / text)
    summed = total(packet[20:])
    packet = packet + ((0xffff ^ 53) - summed & 0xffff).to_bytes(2, "big")
    sock.send(struct.pack("<BBHHHH", 1, 0, 0, 0, start, offset) + inside.frame(packet))

text = mark()
offloaded(text, 34, 0)
outside.does_not_hear(text, "a datagram with a checksum in its source port")
text = mark()
offloaded(text, 34, 6)
outside.hears(text, "a datagram with a checksum in its place")
'
	is "$(counter bad_offload)" 1 "datagrams dropped"
}

# A tunnel inside a namespace leaves the inner packet its checksum: in the payload, anything may be written.
test_a_tunnel_of_a_namespace_offloads_its_inner_packets() {
	up
	on ns1 ip link add vx type vxlan id 7 remote $NS2 dstport 4789 dev ceth0 || skip "no vxlan"
	on ns2 ip link add vx type vxlan id 7 remote $NS1 dstport 4789 dev ceth1
	on ns1 ip address add 10.7.0.1/24 dev vx
	on ns2 ip address add 10.7.0.2/24 dev vx
	on ns1 ip link set vx up
	on ns2 ip link set vx up
	serve ns2 tcp 80 10.7.0.2
	reaches ns1 tcp 10.7.0.2 80 10.7.0.1
	is "$(counter bad_offload)" 0 "packets dropped"
}
