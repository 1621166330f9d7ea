# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: the host's first rules at FORWARD, while connections are running
#
# They apply to these, too.

needs=nft
rules() {
	:
}
change() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
				ip saddr $A tcp dport 80 drop
				iifname "ebpfnet0" oifname "eth0" tcp dport 7000 reject with tcp reset
			}
		}
	END
}
expect=""
expect_changed="kept-a=silent new-a=silent kept-out=refused new-out=refused"
