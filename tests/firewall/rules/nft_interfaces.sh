# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: new connections dropped by iifname and oifname
#
# The inside device is ebpfnet0, the outside one eth0, in the host's rules as in those of its packets.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
				ct state new iifname "ebpfnet0" oifname "eth0" drop
				ct state new iifname "ebpfnet0" oifname "ebpfnet0" drop
			}
		}
	END
}
change() {
	nft flush chain inet fw forward
	nft add rule inet fw forward ct state new iifname eth0 oifname ebpfnet0 drop
}
expect="out-tcp=silent out-udp=silent out-ping=silent out-closed=silent hairpin=silent own-port=silent"
expect_changed="new-a=silent new-b=silent new-out=passes"
