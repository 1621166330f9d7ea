# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: invalid packets dropped, nothing else
#
# No packet of a running connection is invalid to the host's connection tracking, however much went past it.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
				ct state invalid drop
			}
		}
	END
}
change() {
	nft add rule inet fw forward ip saddr 198.51.100.1 drop
}
expect=""
