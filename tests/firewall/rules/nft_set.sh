# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: a set of addresses that are dropped, with B in it
#
# An element that is added applies to running connections, as a rule does.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			set blocked {
				type ipv4_addr
				elements = { $B }
			}
			chain forward {
				type filter hook forward priority 0
				ip saddr @blocked drop
			}
		}
	END
}
change() {
	nft add element inet fw blocked "{ $A }"
}
expect="in-b=silent"
expect_changed="kept-a=silent kept-udp=silent kept-out=silent new-a=silent new-out=silent"
