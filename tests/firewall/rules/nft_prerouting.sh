# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft, at prerouting before the host's NAT: B dropped, and a published port by its number outside
#
# What ebpfnet hands to the host is translated already: an address of a client is what it was, the number of a published
# port is that inside.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain prerouting {
				type filter hook prerouting priority -150
				iifname "eth0" ip saddr $B drop
				iifname "eth0" tcp dport 8081 drop
			}
			chain forward {
				type filter hook forward priority 0
				ct state invalid drop
			}
		}
	END
}
change() {
	nft add rule inet fw prerouting iifname eth0 udp dport 4789 drop
}
expect="in-b=silent in-ns2=silent"
expect_ebpfnet="in-ns2=passes"
