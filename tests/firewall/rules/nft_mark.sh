# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: packets marked at prerouting, and dropped at forward by their mark
#
# Marks live from hook to hook, as with any packet of the host.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain prerouting {
				type filter hook prerouting priority -150
				ip saddr $B meta mark set 7
				iifname "ebpfnet0" meta l4proto udp meta mark set 7
			}
			chain forward {
				type filter hook forward priority 0
				ct state established accept
				meta mark 7 drop
			}
		}
	END
}
change() {
	nft add rule inet fw prerouting ip saddr $A meta mark set 7
}
expect="in-b=silent out-udp=silent out-closed=silent"
expect_changed="new-a=silent"
