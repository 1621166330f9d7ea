# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: policy drop, established ones and what the host's NAT has translated (ct status dnat) accepted
#
# The ports that ebpfnet publishes are not translated by the host's NAT: such a rule lets a bridge's by, and not these.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0; policy drop
				ct state established,related accept
				ct status dnat accept
			}
		}
	END
}
change() {
	nft add rule inet fw forward ip daddr $NS1 tcp dport 80 accept
}
expect="out-tcp=silent out-udp=silent out-ping=silent out-closed=silent"
expect_ebpfnet="$expect in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent hairpin=silent own-port=silent"
expect_ebpfnet_changed="new-a=passes new-b=passes"
