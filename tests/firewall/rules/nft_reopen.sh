# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: A dropped by a rule, which is then removed
#
# A flow that is closed by a rule and opened again by another goes on.

needs=nft
rules() {
	nft -f - <<-END
		table inet fw {
			chain forward {
				type filter hook forward priority 0
			}
			chain other {
				type filter hook forward priority 10
			}
		}
	END
}
change() {
	nft add rule inet fw forward ip saddr $A tcp dport 80 drop
	nft add rule inet fw other ip saddr $B tcp dport 80 drop
	nft flush chain inet fw forward
}
expect=""
expect_changed="kept-b=silent new-b=silent"
