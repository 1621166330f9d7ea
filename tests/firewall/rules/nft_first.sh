# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: rules that are there before the network is, and then go
#
# When the host has no rule at FORWARD any more, all passes.

needs=nft
rules_first=yes
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0; policy drop
				ct state established,related accept
				iifname "eth0" oifname "ebpfnet0" ip saddr $A tcp dport 80 accept
			}
		}
	END
}
change() {
	nft delete table inet fw
}
expect="in-b=silent in-udp=silent in-closed=silent out-tcp=silent out-udp=silent out-ping=silent out-closed=silent
	hairpin=silent own-port=silent"
expect_changed="new-b=passes new-out=passes"
