# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: the host masquerades on eth0 itself; policy drop, invalid ones dropped
#
# A home router's or a VPN gateway's rules and those of the network inside live side by side.

needs=nft
rules() {
	nft -f - <<-END
		table ip home_nat {
			chain postrouting {
				type nat hook postrouting priority 90
				oifname "eth0" masquerade
			}
		}
		table inet fw {
			chain forward {
				type filter hook forward priority 0; policy drop
				ct state invalid drop
				ct state established,related accept
				iifname "eth0" oifname "ebpfnet0" ip daddr { $NS1, $NS2 } accept
				iifname "ebpfnet0" accept
			}
		}
	END
}
change() {
	nft insert rule inet fw forward ip saddr $B drop
}
expect=""
expect_changed="kept-b=silent new-b=silent"
