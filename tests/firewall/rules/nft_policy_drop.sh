# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: policy drop, established ones accepted, invalid ones dropped, port 80 inside open
#
# A rule before the one that accepts established packets ends a running connection with its next packet, and leaves
# the others alone.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0; policy drop
				ct state invalid drop
				ct state established,related accept
				iifname "eth0" oifname "ebpfnet0" ip daddr $NS1 tcp dport 80 accept
				iifname "ebpfnet0" oifname "eth0" accept
			}
		}
	END
}
change() {
	nft insert rule inet fw forward ip saddr $A tcp dport 80 drop
}
expect="in-udp=silent in-ns2=silent in-closed=silent hairpin=silent own-port=silent"
expect_changed="kept-a=silent new-a=silent"
