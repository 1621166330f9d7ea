# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: reverse path filter by fib at prerouting
#
# Packets of namespaces come in by ebpfnet0, packets for them by eth0: where the host's routes lead back to.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain prerouting {
				type filter hook prerouting priority -300
				fib saddr . iif oif missing drop
			}
			chain forward {
				type filter hook forward priority 0; policy drop
				iifname "eth0" oifname "ebpfnet0" accept
				iifname "ebpfnet0" oifname { "eth0", "ebpfnet0" } accept
			}
		}
	END
}
change() {
	nft insert rule inet fw forward ip daddr $A drop
}
expect=""
expect_changed="kept-a=silent kept-udp=silent kept-out=silent new-a=silent new-out=silent"
