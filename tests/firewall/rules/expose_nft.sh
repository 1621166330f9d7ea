# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# nft: policy drop, and the command that expose prints for it
#
# It opens the published port, and nothing else.

needs="nft"
ways="stack ask"
rules() {
	nft add table inet fw
	nft 'add chain inet fw forward { type filter hook forward priority 0; policy drop; }'
}
change() {
	type_what_expose_prints
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent out-ping=silent
	out-closed=silent hairpin=silent own-port=silent"
expect_changed="new-a=passes new-b=passes"
