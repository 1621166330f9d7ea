# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: a quota of A's packets
#
# It counts each packet: *stack* obeys it. With *ask* the host sees the first packets of a flow, and then a copy now and
# then: what is counted, limited or accounted per packet cannot be had.

needs=nft
ways="bridge fast stack"
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
			}
		}
	END
}
change() {
	nft add rule inet fw forward ip saddr $A tcp dport 80 quota over 12 kbytes drop
}
expect=""
expect_changed="kept-a=silent new-a=silent"
