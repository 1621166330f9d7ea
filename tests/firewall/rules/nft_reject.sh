# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: reject, by a TCP reset and by ICMP
#
# A refusal reaches the client, from outside and from inside, as what it is.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
				iifname "eth0" ip saddr $B tcp dport 80 reject with tcp reset
				iifname "eth0" udp dport 53 reject with icmpx port-unreachable
				iifname "eth0" ip daddr $NS2 reject with icmpx admin-prohibited
				iifname "ebpfnet0" oifname "eth0" ct state new tcp dport 7000 reject with tcp reset
				iifname "ebpfnet0" oifname "eth0" ct state new reject with icmpx host-unreachable
			}
		}
	END
}
change() {
	nft insert rule inet fw forward ip saddr $A tcp dport 80 reject with tcp reset
}
expect="in-b=refused in-udp=refused in-ns2=unreachable out-tcp=refused out-udp=unreachable out-ping=unreachable
	out-closed=unreachable"
expect_changed="kept-a=refused new-a=refused"
