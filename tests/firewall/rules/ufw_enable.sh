# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw enable
#
# ufw drops what is routed, but lets pings by. The published port is opened by its address inside.

needs=ufw
rules() {
	begin_ufw nft
	ufw --force enable
}
change() {
	ufw route allow proto tcp to $NS1 port 80
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent
	out-closed=silent hairpin=silent own-port=silent ns-host=silent a-host=silent"
expect_changed="new-a=passes new-b=passes"
